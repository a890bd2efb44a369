/** The modules of a folder as tools: what is loaded, what is loaded again, and that no call notices. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
import type * as NodeModuleLoader from "fastmcp-effect/node/NodeModuleLoader"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as FileSystem from "fastmcp-effect/provider/FileSystem"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as fs from "node:fs"
import * as vm from "node:vm"
import { plant, type Tree } from "./folders.ts"
import { textOf, toolNames } from "./support.ts"

/** As programs import it: the loader of the tests would stand in the way of Node's, which is what is tested. */
const { layer: loader }: typeof NodeModuleLoader = await vm.runInThisContext("(url) => import(url)", {
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
})(import.meta.resolve("../../src/node/NodeModuleLoader.ts"))

/** A folder of modules has no packages to import from. */
const imports = ["definition/Tool", "definition/Resource", "definition/Prompt"].map((module) =>
  `import * as ${module.split("/")[1]} from ${JSON.stringify(import.meta.resolve(`../../src/${module}.ts`))}`
).concat(
  `import * as Effect from ${JSON.stringify(import.meta.resolve("effect/Effect"))}`,
  `import * as Schema from ${JSON.stringify(import.meta.resolve("effect/Schema"))}`
).join("\n")

const source = (...lines: ReadonlyArray<string>) => `${[imports, ...lines].join("\n")}\n`

/** A tool that answers with an expression. */
const tool = (name: string, expression: string) =>
  `Tool.make(${
    JSON.stringify(name)
  }, { success: Schema.String, handler: () => Effect.sync(() => String(${expression})) })`

const module = (name: string, expression: string) => source(`export const it: unknown = ${tool(name, expression)}`)

/** A server of a folder, and what was logged. */
const serve = Effect.fnUntraced(function*(tree: Tree, options: Partial<FileSystem.ModulesOptions> = {}) {
  const planted = yield* plant(tree)
  const logged: Array<string> = []
  const layer = McpServer.register(FileSystem.modules({ directory: planted.root, watch: true, ...options })).pipe(
    Layer.provideMerge(McpServer.layer({ name: "modules", version: "1.0.0" })),
    Layer.provide([NodeGuardedFiles.layer, loader]),
    Layer.provide(Logger.layer([Logger.make(({ logLevel, message }) => {
      logged.push(`${logLevel}: ${Array.isArray(message) ? message[0] : message}`)
    })]))
  )
  return { ...planted, layer, logged }
})

/** What the file system tells and a module takes to load is time of the machine. */
const turn = TestClock.withLive(Effect.sleep("10 millis"))

/** Lets the clock go on until it is so, and the machine with it. */
const until = <E>(check: Effect.Effect<boolean, E>) =>
  Effect.gen(function*() {
    while (!(yield* check)) {
      yield* TestClock.adjust("50 millis")
      yield* turn
    }
  })

const client = <E>(layer: Layer.Layer<McpServer.McpServer | import("fastmcp-effect/transport/Receiver").Receiver, E>) =>
  McpTest.client(layer, { revision: "2025-11-25" })

const answer = (client: McpTest.Client, name: string): Effect.Effect<string, McpError.McpError> =>
  Effect.map(client.callTool(name), textOf)

describe("modules", () => {
  it.effect("are loaded: what they export by name, as default or in arrays, of every kind", () =>
    Effect.gen(function*() {
      const { layer } = yield* serve({
        "one.ts": source(
          `export const first: unknown = ${tool("first", "1")}`,
          `export default [${tool("second", "2")}, Resource.text("acme:///note", "note")]`,
          "export const helper = () => 1"
        ),
        "deep/three.mjs": source(
          `const third = ${tool("third", "3")}`,
          "export { third, third as again }",
          "export default Prompt.make(\"ask\", { handler: () => Effect.succeed(\"Ask\") })"
        ),
        "types.d.ts": "export const a: number",
        "one.test.ts": "throw new Error(\"a test was run\")",
        ".hidden.ts": "throw new Error(\"it was loaded\")",
        "node_modules/x/index.js": "throw new Error(\"it was loaded\")",
        "README.md": "# Tools"
      }, { watch: false })
      const it = yield* client(layer)
      assert.sameMembers((yield* toolNames(it)).slice(), ["first", "second", "third"])
      assert.deepStrictEqual((yield* it.listPrompts).map(({ name }) => name), ["ask"])
      assert.strictEqual(textOf(yield* it.readResource("acme:///note")), "note")
      assert.strictEqual(yield* answer(it, "second"), "2")
    }))

  it.effect("that cannot be loaded fail a server that would not load them again, by their names", () =>
    Effect.gen(function*() {
      const problem = Effect.fnUntraced(function*(contents: string) {
        const { layer } = yield* serve({ "bad.ts": contents }, { watch: false })
        const built = yield* Effect.result(Effect.scoped(Layer.build(layer)))
        return Result.isFailure(built) ? built.failure.message : assert.fail("it was served")
      })
      assert.match(yield* problem("export const a = "), /^bad\.ts cannot be imported: /u)
      assert.strictEqual(yield* problem("throw new Error(\"no key\")"), "bad.ts cannot be imported: no key")
      assert.strictEqual(
        yield* problem(
          source(`export const a: unknown = ${tool("a", "1")}`, `export const b: unknown = ${tool("a", "2")}`)
        ),
        "bad.ts exports b, which cannot be served: there is another the tool \"a\" in it"
      )
    }))

  it.effect("are given up when they are not imported in time", () =>
    Effect.gen(function*() {
      const begun = Symbol.for("test/begun")
      const { layer, logged } = yield* serve({
        "good.ts": module("good", "1"),
        "slow.mjs": "globalThis[Symbol.for('test/begun')] = true\nawait new Promise(() => {})"
      })
      const opening = yield* Effect.forkScoped(client(layer))
      // One is loaded after the other, and none faster for a clock that is.
      while (!(begun in globalThis)) yield* turn
      Reflect.deleteProperty(globalThis, begun)
      yield* until(Effect.sync(() => logged.length > 0))
      assert.deepStrictEqual(yield* toolNames(yield* Fiber.join(opening)), ["good"])
      assert.include(
        logged.join("\n"),
        "Error: slow.mjs was not imported within 10000 ms; raise importTimeout if it has that much to do"
      )
    }))

  it.effect("that export one name are told apart by their paths, and a contract is no tool", () =>
    Effect.gen(function*() {
      const { layer, logged } = yield* serve({
        "a.ts": module("same", "'a'"),
        "b.ts": source(
          `export const it: unknown = ${tool("same", "'b'")}`,
          "export const contract: unknown = Tool.make(\"contract\")"
        )
      })
      const it = yield* client(layer)
      assert.deepStrictEqual(yield* toolNames(it), ["same"])
      assert.strictEqual(yield* answer(it, "same"), "a")
      assert.include(logged, "Error: b.ts and a.ts both have the tool \"same\"; that of a.ts is served")
      assert.include(logged, "Warn: b.ts exports the tool \"contract\" without a handler, and it is not served")
    }))
})

describe("a module that changes", () => {
  it.effect("is loaded again, and so is what imports it, and nothing else", () =>
    Effect.gen(function*() {
      const { layer, write } = yield* serve({
        "lib/rate.ts": "export const rate = 1\n",
        "lib/shared.ts": "export const held = { n: 0 }\n",
        "a.ts": source(
          "import { rate } from \"./lib/rate.ts\"",
          "import { held } from \"./lib/shared.ts\"",
          `export const it: unknown = ${tool("a", "`${rate} ${++held.n}`")}`
        ),
        "b.ts": source(
          "import { held } from \"./lib/shared.ts\"",
          `export const it: unknown = ${tool("b", "++held.n")}`
        )
      })
      const it = yield* client(layer)
      assert.deepStrictEqual([yield* answer(it, "a"), yield* answer(it, "b")], ["1 1", "2"])
      write("lib/rate.ts", "export const rate = 22\n")
      yield* until(Effect.map(answer(it, "a"), (text) => text.startsWith("22")))
      // What both hold is one thing still.
      const held = Number((yield* answer(it, "a")).split(" ")[1])
      assert.strictEqual(yield* answer(it, "b"), String(held + 1))
      write("lib/shared.ts", "export const held = { n: 100 }\n")
      yield* until(Effect.map(answer(it, "b"), (text) => Number(text) > 100))
      const fresh = Number(yield* answer(it, "b"))
      yield* until(Effect.map(answer(it, "a"), (text) => Number(text.split(" ")[1]) > fresh))
    }))

  it.effect("and no longer works keeps its last version, and the log says which file and why", () =>
    Effect.gen(function*() {
      const { layer, logged, write } = yield* serve({ "a.ts": module("a", "1"), "b.ts": "export const x = " })
      const it = yield* client(layer)
      assert.match(logged.join("\n"), /Error: b\.ts cannot be imported: [^]*; what it has is not served/u)
      write("a.ts", "export const = 2")
      yield* until(Effect.sync(() => logged.some((line) => line.startsWith("Error: a.ts"))))
      assert.match(logged.at(-1)!, /^Error: a\.ts cannot be imported: [^]*; its last version that works stays$/u)
      assert.strictEqual(yield* answer(it, "a"), "1")
      write("a.ts", module("a", "3"))
      write("b.ts", module("b", "1"))
      yield* until(Effect.map(answer(it, "a"), (text) => text === "3"))
      yield* until(Effect.map(toolNames(it), (names) => names.includes("b")))
      assert.include(logged, "Info: a.ts was loaded again: the tool \"a\"")
    }))

  it.effect("is taken when what it imports comes into being", () =>
    Effect.gen(function*() {
      const { layer, write } = yield* serve({
        "a.ts": source("import { x } from \"./later.ts\"", `export const it: unknown = ${tool("a", "x")}`)
      })
      const it = yield* client(layer)
      assert.deepStrictEqual(yield* toolNames(it), [])
      write("later.ts", "export const x = 7\n")
      yield* until(Effect.map(toolNames(it), (names) => names.includes("a")))
      assert.strictEqual(yield* answer(it, "a"), "7")
    }))

  it.effect("loses what it no longer exports after a second, and what it gains at once", () =>
    Effect.gen(function*() {
      const { at, layer, write } = yield* serve({ "a.ts": module("a", "1"), "b.ts": module("b", "1") })
      const it = yield* client(layer)
      write("a.ts", "")
      fs.rmSync(at("b.ts"))
      write("c.ts", module("c", "1"))
      yield* until(Effect.map(toolNames(it), (names) => names.includes("c")))
      assert.sameMembers((yield* toolNames(it)).slice(), ["a", "b", "c"])
      // The file is back in time.
      write("b.ts", module("b", "2"))
      yield* until(Effect.map(answer(it, "b"), (text) => text === "2"))
      yield* until(Effect.map(toolNames(it), (names) => !names.includes("a")))
      assert.sameMembers((yield* toolNames(it)).slice(), ["b", "c"])
      yield* TestClock.adjust("5 seconds")
      yield* turn
      assert.sameMembers((yield* toolNames(it)).slice(), ["b", "c"])
    }))

  it.effect("ends no call: it ends in the version it began in", () =>
    Effect.gen(function*() {
      const waiting = (text: string) =>
        source(
          "const gate = Symbol.for(\"test/gate\")",
          "export const it: unknown = Tool.make(\"a\", { success: Schema.String, handler: () =>",
          `  Effect.promise(() => (globalThis as any)[gate]().then(() => ${JSON.stringify(text)})) })`
        )
      const { layer, write } = yield* serve({ "a.ts": waiting("old"), "b.ts": module("b", "1") })
      let open = () => {}
      const gates = globalThis as { [key: symbol]: unknown }
      let began = false
      gates[Symbol.for("test/gate")] = () => {
        began = true
        return new Promise<void>((resolve) => open = resolve)
      }
      const it = yield* client(layer)
      const call = yield* Effect.forkChild(answer(it, "a"))
      yield* until(Effect.sync(() => began))
      gates[Symbol.for("test/gate")] = () => Promise.resolve()
      write("a.ts", waiting("new"))
      yield* until(Effect.map(answer(it, "a"), (text) => text === "new"))
      open()
      assert.strictEqual(yield* Fiber.join(call), "old")
      delete gates[Symbol.for("test/gate")]
    }))
})

describe("modules that are saved every 50 ms", () => {
  it.live("by an editor of any kind fail no call of a hundred callers", () =>
    Effect.scoped(Effect.gen(function*() {
      const { at, layer, write } = yield* serve({ "a.ts": module("a", "0"), "b.ts": module("b", "0") })
      const it = yield* client(layer)
      const seen = new Set<string>()
      let calls = 0
      let isOver = false
      const caller = Effect.gen(function*() {
        while (!isOver) {
          for (const name of ["a", "b"]) seen.add(`${name}${yield* answer(it, name)}`)
          calls += 2
          yield* Effect.sleep("1 millis")
        }
      })
      const callers = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 100 }, () => caller), { concurrency: "unbounded", discard: true })
      )
      for (let version = 1; version <= 60; version++) {
        // Over itself, where a reader may find half of it; and in the place of itself, which for a moment is empty.
        write("a.ts", module("a", String(version)))
        write("b.ts.tmp", module("b", String(version)))
        if (version % 2 === 0) fs.rmSync(at("b.ts"))
        fs.renameSync(at("b.ts.tmp"), at("b.ts"))
        // One that is broken, and one that is not finished.
        if (version % 7 === 0) write("a.ts", "export const it = ")
        if (version % 11 === 0) write("a.ts", "")
        yield* Effect.sleep("50 millis")
      }
      write("a.ts", module("a", "'last'"))
      const deadline = Effect.sleep("5 seconds")
      yield* Effect.raceFirst(
        Effect.gen(function*() {
          while (!seen.has("alast")) yield* Effect.sleep("20 millis")
        }),
        deadline
      )
      isOver = true
      yield* Fiber.join(callers)
      assert.deepStrictEqual([...seen].filter((text) => !/^(?:[ab]\d+|alast)$/u.test(text)), [])
      assert.isTrue(seen.has("alast"))
      assert.isAbove(seen.size, 5)
      assert.isAbove(calls, 1000)
    })), 60_000)
})
