import { assert, describe, it } from "vitest"
import { ambient } from "./ambient.ts"
import { barrels, exportMap } from "./exportMap.ts"
import { folderManifest } from "./folderManifest.ts"
import { layers } from "./layers.ts"
import { parse, parseAll } from "./modules.ts"
import { findCycle, rules } from "./rules.ts"
import { surfaces } from "./surface.ts"

/** A small tree in which every rule holds. */
const clean: Record<string, string> = {
  "index.ts": `export * as Tool from "./definition/Tool.ts"\nexport * as Outcome from "./core/Outcome.ts"`,
  "core/index.ts": `export * as Outcome from "./Outcome.ts"`,
  "core/Outcome.ts": `import * as Exit from "effect/Exit"\nexport const fromExit = Exit.succeed`,
  "protocol/Revisions.ts":
    `import { revision } from "./revisions/v2025_11_25/revision.ts"\nexport const all = [revision]`,
  "protocol/Meta.ts": `export const outcome = "fastmcp-effect/outcome"`,
  "protocol/revisions/v2025_06_18/wire.ts": `export const wire = 1`,
  "protocol/revisions/v2025_11_25/wire.ts": `export * from "../v2025_06_18/wire.ts"`,
  "protocol/revisions/v2025_11_25/revision.ts":
    `import * as Outcome from "../../../core/Outcome.ts"\nimport { wire } from "./wire.ts"\nexport const revision = [wire, Outcome]`,
  "definition/Tool.ts":
    `import * as Context from "effect/Context"\nimport type * as Ai from "effect/ai/Tool"\nimport { schema } from "./internal/jsonSchema.ts"\nexport class Tool extends Context.Service<Tool, Ai.Any>()("fastmcp-effect/definition/Tool") {}\nexport const TypeId = "~fastmcp-effect/definition/Tool/TypeId"\nexport const s = schema`,
  "definition/internal/jsonSchema.ts": `export const schema = {}`,
  "oauth/Token.ts": `export const token = 1`,
  "oauth/server/AuthorizationServer.ts": `import { token } from "../Token.ts"\nexport const server = token`,
  "oauth/proxy/OAuthProxy.ts": `import { server } from "../server/AuthorizationServer.ts"\nexport const proxy = server`,
  "node/NodeStdio.ts":
    `import "effect/schema/SchemaJITCompiler/enable"\nimport * as fs from "node:fs"\nimport * as NodeRuntime from "@effect/platform-node/NodeRuntime"\nexport const run = [fs, NodeRuntime, Date.now(), process.argv]`
}

/** For each rule: modules planted in the clean tree, and what the rule has to say about them. */
const planted: Record<string, ReadonlyArray<readonly [Record<string, string>, ReadonlyArray<string>]>> = {
  "gives every folder a row in the table": [[{ "utils/Things.ts": "" }, ["utils"]]],
  "has at its root only index.ts": [[{ "helpers.ts": "" }, ["helpers.ts"]]],
  "imports only files that are there": [[{ "core/A.ts": `import "./Gone.ts"` }, ["core/A.ts -> core/Gone.ts"]]],
  "imports only downwards": [
    [{ "core/A.ts": `import * as T from "../definition/Tool.ts"` }, ["core/A.ts -> definition/Tool.ts"]],
    [{ "core/A.ts": `import type { Tool } from "../definition/Tool.ts"` }, ["core/A.ts -> definition/Tool.ts"]],
    [{ "core/A.ts": `export type T = import("../definition/Tool.ts").Tool` }, ["core/A.ts -> definition/Tool.ts"]],
    [{ "core/A.ts": `export * from "../definition/Tool.ts"` }, ["core/A.ts -> definition/Tool.ts"]],
    [{ "core/A.ts": `const f = () => import("../definition/Tool.ts")` }, ["core/A.ts -> definition/Tool.ts"]]
  ],
  "keeps the OAuth roles apart": [
    [{ "oauth/client/A.ts": `import "../server/AuthorizationServer.ts"` }, [
      "oauth/client/A.ts -> oauth/server/AuthorizationServer.ts"
    ]],
    [{ "oauth/A.ts": `import "./server/AuthorizationServer.ts"` }, [
      "oauth/A.ts -> oauth/server/AuthorizationServer.ts"
    ]]
  ],
  "reaches a dated revision only through protocol/Revisions.ts or the revision after it": [
    [{ "protocol/A.ts": `import "./revisions/v2025_11_25/wire.ts"` }, [
      "protocol/A.ts -> protocol/revisions/v2025_11_25/wire.ts"
    ]],
    [{ "protocol/revisions/v2026_07_28/wire.ts": `import "../v2025_06_18/wire.ts"` }, [
      "protocol/revisions/v2026_07_28/wire.ts -> protocol/revisions/v2025_06_18/wire.ts"
    ]],
    [{ "protocol/revisions/v2025_06_18/a.ts": `import "../v2025_11_25/wire.ts"` }, [
      "protocol/revisions/v2025_06_18/a.ts -> protocol/revisions/v2025_11_25/wire.ts"
    ]]
  ],
  "has no cycle of modules": [
    [{ "core/A.ts": `import "./B.ts"`, "core/B.ts": `export { a } from "./A.ts"` }, [
      "core/A.ts -> core/B.ts -> core/A.ts"
    ]]
  ],
  "reaches another folder only through its public modules": [
    [{ "server/A.ts": `import "../definition/internal/jsonSchema.ts"` }, [
      "server/A.ts -> definition/internal/jsonSchema.ts"
    ]],
    [{ "definition/internal/Odd.ts": "", "server/A.ts": `import "../definition/internal/Odd.ts"` }, [
      "server/A.ts -> definition/internal/Odd.ts"
    ]],
    [{ "protocol/A.ts": `import "../core/hidden.ts"`, "core/hidden.ts": "" }, ["protocol/A.ts -> core/hidden.ts"]]
  ],
  "never imports a barrel from inside src": [
    [{ "protocol/A.ts": `import { Outcome } from "../core/index.ts"` }, ["protocol/A.ts -> core/index.ts"]],
    [{ "index.ts": `export * from "./core/index.ts"` }, ["index.ts -> core/index.ts"]]
  ],
  "never imports itself by the package's name": [
    [{ "protocol/A.ts": `import * as O from "fastmcp-effect/core/Outcome"` }, [
      "protocol/A.ts -> fastmcp-effect/core/Outcome"
    ]]
  ],
  "names a platform only in the folders meant for it": [
    [{ "core/A.ts": `import * as fs from "node:fs"` }, ["core/A.ts -> node:fs"]],
    [{ "core/A.ts": `import * as fs from "fs"` }, ["core/A.ts -> fs"]],
    [{ "core/A.ts": `import type { Readable } from "node:stream"` }, ["core/A.ts -> node:stream"]],
    [{ "transport/A.ts": `import * as H from "@effect/platform-node/NodeHttpServer"` }, [
      "transport/A.ts -> @effect/platform-node/NodeHttpServer"
    ]],
    [{ "docket/A.ts": `const bull = () => import("bullmq")` }, ["docket/A.ts -> bullmq"]],
    [{ "docket/A.ts": "export const f = (name: string) => import(name)" }, ["docket/A.ts -> (computed)"]]
  ],
  "names modules of Effect, never its barrels": [
    [{ "core/A.ts": `import { Effect } from "effect"` }, ["core/A.ts -> effect"]],
    [{ "core/A.ts": `import { Sse } from "effect/encoding"` }, ["core/A.ts -> effect/encoding"]],
    [{ "node/A.ts": `import { NodeRuntime } from "@effect/platform-node"` }, ["node/A.ts -> @effect/platform-node"]]
  ],
  "imports for an effect of loading only where package.json declares it": [
    [{ "server/A.ts": `import "effect/schema/SchemaJITCompiler/enable"` }, [
      "server/A.ts -> effect/schema/SchemaJITCompiler/enable"
    ]]
  ],
  "keeps the root entry light": [
    [{ "definition/Tool.ts": `import * as H from "effect/http/HttpRouter"` }, [
      "definition/Tool.ts -> effect/http/HttpRouter"
    ]],
    [{ "index.ts": `export * as Client from "./client/McpClient.ts"`, "client/McpClient.ts": "" }, [
      "index.ts -> client/McpClient.ts"
    ]]
  ],
  "names every service, error and type id after its path": [
    [{ "core/A.ts": `export const id = "fastmcp-effect/core/Other"` }, ["core/A.ts: fastmcp-effect/core/Other"]],
    [{ "core/A.ts": `export const id = "~fastmcp-effect/core/Other"` }, ["core/A.ts: fastmcp-effect/core/Other"]],
    [{ "core/A.ts": `export class A extends Context.Service<A, {}>()("A") {}` }, ["core/A.ts: A"]],
    [{ "core/A.ts": `export const A = Context.Reference<number>("app/A", { defaultValue: () => 1 })` }, [
      "core/A.ts: app/A"
    ]]
  ],
  "takes clock, timers, randomness and state from services": [
    [{ "server/A.ts": "export const now = () => Date.now()" }, ["server/A.ts: Date.now"]]
  ]
}

describe("every rule", () => {
  it("has a planted violation", () => assert.deepStrictEqual(Object.keys(planted).sort(), Object.keys(rules).sort()))

  for (const [name, rule] of Object.entries(rules)) {
    it(`is content with a clean tree: ${name}`, () =>
      assert.deepStrictEqual(rule(parseAll(new Map(Object.entries(clean)))), []))

    for (const [files, expected] of planted[name] ?? []) {
      it(`goes red: ${name} (${Object.entries(files).map(([file, text]) => `${file}: ${text}`).join("; ")})`, () =>
        assert.deepStrictEqual(rule(parseAll(new Map(Object.entries({ ...clean, ...files })))), expected))
    }
  }

  it("refuses a module that does not parse", () => assert.throws(() => parse("core/A.ts", "const = 1"), "core/A.ts"))

  it("finds a cycle in the table", () =>
    assert.deepStrictEqual(findCycle(["a", "b"], (n) => n === "a" ? ["b"] : ["a"]), ["a", "b", "a"]))

  it("lets node and cli see every library, and testing only what is below it", () => {
    assert.include(layers["node"]!, "server")
    assert.notInclude(layers["testing"]!, "node")
    assert.include(layers["cli"]!, "testing")
  })
})

describe("what a module takes from the machine", () => {
  const red: Record<string, ReadonlyArray<string>> = {
    "const f = () => Date.now()": ["Date.now"],
    "const f = () => globalThis.Date.now()": ["Date.now"],
    "const f = () => Date[\"now\"]()": ["Date.now"],
    "const f = () => (Date as any).now()": ["Date.now"],
    "const f = () => new Date()": ["new Date()"],
    "const f = () => Date()": ["Date"],
    "const f = () => { const { now } = Date; return now }": ["Date"],
    "const f = () => performance.now()": ["performance.now"],
    "const f = () => Math.random()": ["Math.random"],
    "const f = () => setTimeout(() => {}, 1)": ["setTimeout"],
    "const f = (run = setInterval) => run": ["setInterval"],
    "const later = { run: setImmediate }": ["setImmediate"],
    "const f = () => globalThis.setTimeout(() => {})": ["setTimeout"],
    "const g = globalThis": ["globalThis"],
    "const f = () => queueMicrotask(() => {})": ["queueMicrotask"],
    "const f = () => AbortSignal.timeout(1)": ["AbortSignal.timeout"],
    "const f = () => process.env.HOME": ["process.env.HOME"],
    "const f = () => process?.exit(1)": ["process.exit"],
    "const isNode = typeof process !== \"undefined\"": ["process"],
    "declare const process: any\nconst f = () => process.cwd()": ["process.cwd"],
    "const f = () => crypto.randomUUID()": ["crypto.randomUUID"],
    "const f = () => { const { getRandomValues } = crypto }": ["crypto"],
    "class A { at = Date.now() }": ["Date.now"],
    "export { process }": ["process"],
    "let count = 0": ["module state: let count"],
    "export let a = 0, b = 1": ["module state: let a, b"],
    "var count = 0": ["module state: var count"],
    "const seen = new Set()\nconst f = () => seen.add(1)": ["module state: seen by add"],
    "const cache = new WeakMap()\nfunction f(k: object) { cache.set(k, 1) }": ["module state: cache by set"],
    "const all: Array<number> = []\nconst f = () => { all.push(1) }": ["module state: all by push"],
    "const all = [3, 1]\nconst f = () => all.sort()": ["module state: all by sort"],
    "const state = { n: 0 }\nconst f = () => { state.n++ }": ["module state: state assigned"],
    "const state = { n: 0 }\nconst f = () => { state.n = 1 }": ["module state: state assigned"],
    "const state = { list: [] }\nconst f = () => state.list.push(1)": ["module state: state by push"],
    "const state: any = {}\nconst f = () => { delete state.a }": ["module state: state deleted from"],
    "const state = {}\nconst f = () => Object.assign(state, {})": ["module state: state by Object.assign"],
    "class A { static n = 0 }\nconst f = () => { A.n += 1 }": ["module state: A assigned"],
    "import { all } from \"./B.ts\"\nconst f = () => all.push(1)": ["module state: all by push"],
    "import * as B from \"./B.ts\"\nconst f = () => B.all.push(1)": ["module state: B by push"],
    "export const table = new Map<string, number>()": [
      "module state: table is exported to be changed (annotate it Readonly...)"
    ],
    "const word = /a/g\nconst f = (s: string) => word.test(s)": ["module state: word by test"],
    "const ref = Ref.makeUnsafe(0)": ["module state: Ref.makeUnsafe"],
    "const map = MutableHashMap.empty()": ["module state: MutableHashMap.empty"]
  }
  for (const [text, expected] of Object.entries(red)) {
    it(`is found: ${text.replaceAll("\n", "; ")}`, () =>
      assert.deepStrictEqual(ambient(parse("core/A.ts", text)), expected))
  }

  const green = [
    "/** Not `Date.now()`, not setTimeout. */\nexport const a = \"process.env\"",
    "const f = (text: string) => new Date(text)",
    "const f = (d: unknown) => d instanceof Date ? Date.parse(\"x\") : Date.UTC(2020)",
    "const f = () => Math.max(1, 2)",
    "const f = (process: { env: string }) => process.env",
    "const f = () => { const crypto = 1; return crypto }",
    "import { setTimeout } from \"./B.ts\"\nconst f = () => setTimeout()",
    "const f = (o: any) => o.process.setTimeout + o.performance",
    "const o = { process: 1, setTimeout() {} }",
    "type T = typeof setTimeout\ninterface P { process: typeof process }",
    "const f = () => { let n = 0; n++; const seen = new Set(); seen.add(n); return seen }",
    "const table = new Map()\nfor (const k of [1, 2]) table.set(k, k)\nconst f = () => table.get(1)",
    "export const table: ReadonlyMap<string, number> = new Map([[\"a\", 1]])",
    "const all = [3, 1]\nconst f = () => [...all].sort()",
    "const all = [1]\nconst f = (all: Array<number>) => all.push(1)",
    "import * as Ref from \"effect/Ref\"\nconst f = (r: any) => Ref.set(r, 1)",
    "const word = /a/g\nconst f = (s: string) => s.replace(word, \"b\")",
    "const word = /a/u\nconst f = (s: string) => word.test(s)",
    "const f = () => Ref.makeUnsafe(0)",
    "const at = DateTime.makeUnsafe(\"2025-11-25\")"
  ]
  for (const text of green) {
    it(`is not seen where it is not: ${text.replaceAll("\n", "; ")}`, () =>
      assert.deepStrictEqual(ambient(parse("core/A.ts", text)), []))
  }
})

describe("the generators", () => {
  const sources = new Map(Object.entries(clean))

  it("export every public module and barrel, nothing private", () => {
    const map = exportMap(sources)
    assert.deepStrictEqual(Object.keys(map), [
      "./package.json",
      ".",
      "./core",
      "./core/Outcome",
      "./definition",
      "./definition/Tool",
      "./node/NodeStdio",
      "./oauth",
      "./oauth/Token",
      "./oauth/proxy",
      "./oauth/proxy/OAuthProxy",
      "./oauth/server",
      "./oauth/server/AuthorizationServer",
      "./protocol",
      "./protocol/Meta",
      "./protocol/Revisions"
    ])
    assert.deepStrictEqual(map["./core"], {
      "fastmcp-effect/source": "./src/core/index.ts",
      types: "./dist/core/index.d.ts",
      default: "./dist/core/index.js"
    })
  })

  it("leave a folder what package.json says of its files, and nothing of the rest", () => {
    const manifest = {
      name: "fastmcp-effect",
      type: "module",
      sideEffects: ["./src/node/*.ts", "./dist/node/*.js"],
      exports: exportMap(sources)
    }
    assert.deepStrictEqual(folderManifest("src", manifest), { type: "module", sideEffects: ["./node/*.ts"] })
    assert.deepStrictEqual(folderManifest("dist", manifest), { type: "module", sideEffects: ["./node/*.js"] })
  })

  it("write a barrel line for each public module of one folder", () =>
    assert.strictEqual(barrels(sources).get("oauth/index.ts"), "export * as Token from \"./Token.ts\"\n"))

  it("note kind and name of every export", () => {
    const text = [
      "export const a = 1",
      "export function b(): void",
      "export function b() {}",
      "export class C {}",
      "export interface D {}",
      "export type E = 1",
      "export declare namespace F { type X = 1 }",
      "export * from \"./G.ts\"",
      "export * as H from \"./H.ts\"",
      "export { a as default, a as i }"
    ].join("\n")
    assert.deepStrictEqual(
      surfaces(new Map([["core/A.ts", text], ["core/hidden.ts", text]])).get("core.txt"),
      "core/A.ts\n  * from ./G.ts\n  class C\n  const a\n  function b\n  interface D\n  namespace F\n" +
        "  namespace H from ./H.ts\n  re-export default\n  re-export i\n  type E\n"
    )
  })
})
