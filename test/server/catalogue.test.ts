/**
 * Definitions that change while the server runs: sets exchanged under load, scopes that end, and names that clash.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as random from "./random.ts"

const info = { name: "catalogue", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

const build = (options: Partial<McpServer.Options<[], [], [], [], []>> = {}) =>
  Effect.map(Layer.build(McpServer.layer({ ...info, ...options })), (context) => ({
    layer: Layer.succeedContext(context),
    server: Context.get(context, McpServer.McpServer)
  }))

const tool = (name: string, says = name) =>
  Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(says) })

const textOf = (result: { readonly content: ReadonlyArray<unknown> }) => (result.content[0] as { text: string }).text

/** One definition of each kind, which wait and then say which version they are of. */
const versioned = (version: number) => {
  const slowly = (ms: number) => Effect.as(Effect.sleep(ms), String(version))
  return [
    Tool.make("tool", {
      parameters: { ms: Schema.Finite },
      success: Schema.String,
      handler: ({ ms }) => slowly(ms)
    }),
    Resource.make("test:///resource", { handler: slowly(120) }),
    ResourceTemplate.make("test:///template/{ms}", {
      name: "template",
      parameters: { ms: Schema.FiniteFromString },
      handler: ({ ms }) => slowly(ms)
    }),
    Prompt.make("prompt", {
      arguments: { ms: Schema.FiniteFromString },
      handler: ({ ms }) => slowly(ms)
    })
  ] as const
}

describe("a catalogue that is exchanged", () => {
  for (const revision of versions) {
    it.effect(
      `every 50 ms under 200 callers fails none of them, each on what it began with, in ${revision}`,
      () =>
        Effect.gen(function*() {
          yield* quietClock
          const random_ = random.make(random.seed())
          const { layer, server } = yield* build()
          const catalogue = yield* server.catalogue
          let version = 0
          yield* catalogue.set(...versioned(version))
          const client = yield* McpTest.client(layer, { revision })
          let calls = 0
          let overlapping = 0
          const uses: ReadonlyArray<(ms: number) => Effect.Effect<string, unknown>> = [
            (ms) => Effect.map(client.callTool("tool", { ms }), textOf),
            () => Effect.map(client.readResource("test:///resource"), ({ contents }) => (contents[0] as any).text),
            (ms) =>
              Effect.map(client.readResource(`test:///template/${ms}`), ({ contents }) => (contents[0] as any).text),
            (ms) =>
              Effect.map(
                client.getPrompt("prompt", { ms: String(ms) }),
                ({ messages }) => (messages[0]!.content as any).text
              )
          ]
          const caller = (index: number) =>
            Effect.gen(function*() {
              for (let round = 0; round < 10; round++) {
                // Not at the very moment of an exchange, so that it is clear which version a call begins with.
                yield* Effect.sleep(1 + random_.below(48))
                const began = version
                const answer = yield* uses[(index + round) % uses.length]!(random_.below(4) * 50 + 20)
                assert.strictEqual(answer, String(began), `seed ${random_.seed}`)
                calls++
                if (version > began) overlapping++
                // To the moment of the next exchange.
                yield* Effect.flatMap(now, (ms) => Effect.sleep(50 - ms % 50))
              }
            })
          const callers = yield* Effect.forEach(
            Array.from({ length: 200 }, (_, index) => index),
            (index) => Effect.forkChild(caller(index))
          )
          while (
            callers.some((fiber) => fiber.pollUnsafe() === undefined)
          ) {
            yield* settleAt(50)
            yield* catalogue.set(...versioned(++version))
            yield* McpTest.settle
          }
          yield* Fiber.joinAll(callers)
          assert.strictEqual(calls, 2000)
          // The exchanges did happen under them.
          assert.isAbove(overlapping, 500)
          assert.isAbove(version, 20)
        }),
      60_000
    )
  }

  it.effect("is a change to be told of once for each list, and nothing where it stays empty", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build()
      const client = yield* McpTest.client(layer, { revision: "2025-11-25" })
      const told = Effect.andThen(
        McpTest.settle,
        Effect.map(client.notifications, (sent) => sent.map(({ method }) => method).toSorted())
      )
      const all = ["prompts", "resources", "tools"].map((list) => `notifications/${list}/list_changed`)
      const catalogue = yield* server.catalogue
      yield* catalogue.set()
      assert.deepStrictEqual(yield* told, [])
      yield* catalogue.set(...versioned(1))
      assert.deepStrictEqual(yield* told, all)
      yield* catalogue.set(...versioned(2))
      assert.deepStrictEqual(yield* told, [...all, ...all].toSorted())
      yield* catalogue.set(tool("other"))
      assert.deepStrictEqual(yield* told, [...all, ...all, ...all].toSorted())
      yield* catalogue.set(tool("other"))
      assert.lengthOf(yield* told, 10)
    }))

  it.effect("leaves what it does not have, keeps the places of what stays, and appends the new", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build()
      const client = yield* McpTest.client(layer)
      const names = Effect.map(client.listTools, (tools) => tools.map(({ name }) => name))
      yield* server.add(tool("before"))
      const catalogue = yield* server.catalogue
      yield* catalogue.set(tool("a"), tool("b"), tool("c"))
      yield* server.add(tool("after"))
      yield* catalogue.set(tool("d"), tool("c", "new"), tool("a"))
      assert.deepStrictEqual(yield* names, ["before", "a", "c", "after", "d"])
      assert.strictEqual(yield* client.call(tool("c"), {}), "new")
    }))

  it.effect("stays as it was when one of the new definitions cannot be served", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build()
      const client = yield* McpTest.client(layer, { revision: "2025-11-25" })
      yield* server.add(tool("taken"))
      const catalogue = yield* server.catalogue
      yield* catalogue.set(tool("a"), Prompt.make("p", { handler: () => Effect.succeed("old") }))
      yield* McpTest.settle
      const before = (yield* client.notifications).length
      const broken: ReadonlyArray<readonly [McpServer.Definition, string]> = [
        [tool("taken"), "Duplicate"],
        [tool("no name"), "InvalidDefinition"],
        [
          ResourceTemplate.make("test:///{a}{b}", { name: "t", handler: () => Effect.succeed("x") }),
          "InvalidDefinition"
        ]
      ]
      for (const [definition, reason] of broken) {
        const error = yield* Effect.flip(
          catalogue.set(tool("a", "new"), tool("b"), definition as Tool.Handled<string, any, any, any, never>)
        )
        assert.strictEqual(error.reason._tag, reason)
      }
      yield* McpTest.settle
      assert.lengthOf(yield* client.notifications, before)
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["taken", "a"])
      assert.strictEqual(yield* client.call(tool("a"), {}), "a")
      assert.lengthOf(yield* client.listPrompts, 1)
      // And it goes on from what it holds.
      yield* catalogue.set(tool("b"))
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["taken", "b"])
      assert.lengthOf(yield* client.listPrompts, 0)
    }))

  it.effect("knows nothing of another catalogue of the same server", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build()
      const client = yield* McpTest.client(layer)
      const left = yield* server.catalogue
      const right = yield* server.catalogue
      yield* left.set(tool("l1"), tool("l2"))
      yield* right.set(tool("r"))
      yield* left.set(tool("l2"))
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["l2", "r"])
      const clash = yield* Effect.flip(right.set(tool("l2")))
      assert.strictEqual(clash.reason._tag, "Duplicate")
    }))
})

const now = TestClock.testClockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe()))

/** Lets so many milliseconds go by, one sleeper after the other. */
const settleAt = (ms: number) =>
  Effect.gen(function*() {
    for (let passed = 0; passed < ms; passed += 5) {
      yield* TestClock.adjust(Math.min(5, ms - passed))
      yield* McpTest.settle
    }
  })

describe("a scope", () => {
  for (const revision of versions) {
    it.effect(`that closes takes its definitions with it and tells, in ${revision}`, () =>
      Effect.gen(function*() {
        const { layer, server } = yield* build()
        const client = yield* McpTest.client(layer, { revision })
        const stream = revision === "2026-07-28"
          ? yield* Effect.forkScoped(
            client.request("subscriptions/listen", {
              notifications: { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
            }),
            { startImmediately: true }
          )
          : undefined
        yield* McpTest.settle
        const told = Effect.andThen(
          McpTest.settle,
          Effect.map(client.notifications, (sent) =>
            sent.map(({ method }) => method).filter((method) => method.endsWith("list_changed")).toSorted())
        )
        const all = ["prompts", "resources", "tools"].map((list) =>
          `notifications/${list}/list_changed`
        )
        const scope = yield* Scope.make()
        yield* server.add(...versioned(1)).pipe(Scope.provide(scope))
        assert.deepStrictEqual(yield* told, all)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* told, [...all, ...all].toSorted())
        for (const list of [client.listTools, client.listResources, client.listResourceTemplates, client.listPrompts]) {
          assert.deepStrictEqual(yield* (list as Effect.Effect<ReadonlyArray<unknown>, unknown>), [])
        }
        if (stream !== undefined) yield* Fiber.interrupt(stream)
      }))
  }

  it.effect("does not take what somebody else has put in the place of its definition", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build({ onDuplicate: "replace" })
      const client = yield* McpTest.client(layer)
      const [first, second] = [yield* Scope.make(), yield* Scope.make()]
      yield* server.add(tool("a", "first"), tool("b", "first")).pipe(Scope.provide(first))
      yield* server.add(tool("a", "second")).pipe(Scope.provide(second))
      assert.strictEqual(yield* client.call(tool("a"), {}), "second")
      yield* Scope.close(first, Exit.void)
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["a"])
      assert.strictEqual(yield* client.call(tool("a"), {}), "second")
      yield* Scope.close(second, Exit.void)
      assert.deepStrictEqual(yield* client.listTools, [])
    }))

  it.effect("does not mind that its definition was removed by name, and added again by somebody else", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build()
      const client = yield* McpTest.client(layer)
      const scope = yield* Scope.make()
      yield* server.add(tool("a", "first")).pipe(Scope.provide(scope))
      yield* server.remove("tools", "a")
      yield* server.add(tool("a", "second"))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* client.call(tool("a"), {}), "second")
    }))

  it.effect("of the server keeps what a request adds after the request has ended", () =>
    Effect.gen(function*() {
      const learn = Tool.make("learn", {
        handler: Effect.fnUntraced(function*() {
          const server = yield* McpServer.McpServer
          yield* Effect.orDie(server.add(tool("lasting")).pipe(Scope.provide(server.scope)))
          yield* Effect.orDie(Effect.scoped(server.add(tool("passing"))))
        })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [learn] }))
      yield* client.call(learn, {})
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["learn", "lasting"])
      assert.strictEqual(yield* client.call(tool("lasting"), {}), "lasting")
    }))
})

describe("a name that is taken", () => {
  const description = (text: string) => ({ description: text })
  /** Each kind under one name, the definitions told apart by what they say of themselves. */
  const kinds: ReadonlyArray<
    readonly [
      kind: "tool" | "resource" | "resource template" | "prompt",
      name: string,
      make: (says: string) => McpServer.Definition
    ]
  > = [
    ["tool", "a", (says) => Tool.make("a", { ...description(says), handler: () => Effect.void })],
    ["resource", "test:///a", (says) => Resource.text("test:///a", "x", description(says))],
    [
      "resource template",
      "test:///{a}",
      (says) =>
        ResourceTemplate.make("test:///{a}", {
          name: "t",
          ...description(says),
          handler: () => Effect.succeed("x")
        })
    ],
    ["prompt", "a", (says) => Prompt.make("a", { ...description(says), handler: () => Effect.succeed("x") })]
  ]
  type Addable = Tool.Handled<string, any, any, any, never>

  const setup = (onDuplicate: "error" | "warn" | "replace" | "ignore") =>
    Effect.gen(function*() {
      const logs: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        logs.push(`${logLevel} ${String(message)}`)
      })
      const built = yield* Effect.provide(build({ onDuplicate }), Logger.layer([logger]))
      const client = yield* McpTest.client(built.layer)
      const descriptions = Effect.map(
        Effect.all([client.listTools, client.listResources, client.listResourceTemplates, client.listPrompts]),
        (lists) => lists.flatMap((list) => list.map(({ description }) => description))
      )
      const add = (...definitions: ReadonlyArray<McpServer.Definition>) =>
        Effect.provide(built.server.add(...definitions as ReadonlyArray<Addable>), Logger.layer([logger]))
      return { ...built, logs, descriptions, add }
    })

  for (const [kind, name, make] of kinds) {
    const clash = new DefinitionError.Duplicate({ kind, name, definitions: ["first", "second"] })

    it.effect(`is an error by default that names both: ${kind}`, () =>
      Effect.gen(function*() {
        const { add, descriptions } = yield* setup("error")
        yield* add(make("first"))
        const error = yield* Effect.flip(add(make("second")))
        assert.deepStrictEqual(error.reason, clash)
        for (const text of [kind, JSON.stringify(name), "\"first\"", "\"second\""]) assert.include(error.message, text)
        assert.deepStrictEqual(yield* descriptions, ["first"])
        // Also within one set.
        const { add: addOther } = yield* setup("error")
        assert.deepStrictEqual((yield* Effect.flip(addOther(make("first"), make("second")))).reason, clash)
      }))

    it.effect(`is replaced with a warning, if asked for: ${kind}`, () =>
      Effect.gen(function*() {
        const { add, descriptions, logs } = yield* setup("warn")
        yield* add(make("first"))
        assert.deepStrictEqual(logs, [])
        yield* add(make("second"))
        assert.deepStrictEqual(logs, [`Warn ${DefinitionError.make(clash).message}`])
        assert.deepStrictEqual(yield* descriptions, ["second"])
      }))

    it.effect(`is replaced without a word, if asked for: ${kind}`, () =>
      Effect.gen(function*() {
        const { add, descriptions, logs } = yield* setup("replace")
        yield* add(make("first"), make("second"))
        yield* add(make("third"))
        assert.deepStrictEqual([logs, yield* descriptions], [[], ["third"]])
      }))

    it.effect(`keeps the first, if asked for: ${kind}`, () =>
      Effect.gen(function*() {
        const { add, descriptions, logs } = yield* setup("ignore")
        yield* add(make("first"), make("second"))
        const scope = yield* Scope.make()
        yield* add(make("third")).pipe(Scope.provide(scope))
        assert.deepStrictEqual([logs, yield* descriptions], [[], ["first"]])
        // Who was ignored takes nothing away.
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* descriptions, ["first"])
      }))
  }

  it.effect("is no clash between kinds", () =>
    Effect.gen(function*() {
      const { add, descriptions } = yield* setup("error")
      yield* add(...kinds.map(([, , make]) => make("first")))
      assert.lengthOf(yield* descriptions, 4)
    }))
})

describe("a catalogue whose scope has closed", () => {
  it.effect("takes nothing in any more, and says so", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build()
      const client = yield* McpTest.client(layer)
      const scope = yield* Scope.make()
      const catalogue = yield* Scope.provide(server.catalogue, scope)
      yield* catalogue.set(tool("a"))
      yield* Scope.close(scope, Exit.void)
      const error = yield* Effect.flip(catalogue.set(tool("b")))
      assert.include(error.message, "its scope has closed")
      assert.deepStrictEqual(yield* client.listTools, [])
    }))
})
