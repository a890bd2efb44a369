/**
 * Writes rows, starts two nodes that serve them, changes a row, and waits until clients of both have heard of it. Exits
 * with 1 if a node is late, hears too much, or says the wrong thing.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import { type CatalogueEntry, CatalogueStore, CatalogueStoreSql } from "fastmcp-effect/provider"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "catalogue-"))
const DATABASE = path.join(directory, "catalogue.db")

/** What an operator has: the database, and no server. */
const Store = CatalogueStoreSql.layer().pipe(Layer.provide(SqliteClient.layer({ filename: DATABASE })))

const Node = NodeStdioClient.layer({
  command: process.execPath,
  args: [...process.execArgv, path.join(import.meta.dirname, "server.ts")],
  env: { DATABASE },
  stderr: "inherit"
})

/** A client of a node of its own, which runs as long as the program. In this revision it is told of changes unasked. */
const connect = Effect.flatMap(
  Layer.build(Layer.fresh(Node)),
  (node) => Effect.provide(McpClient.make({ revision: "2025-11-25" }), node)
)

const miles: CatalogueEntry.Tool = {
  kind: "tool",
  name: "kilometres_to_miles",
  inputSchema: { type: "object", properties: { value: { type: "number" } }, required: ["value"] },
  outputSchema: { type: "object", properties: { value: { type: "number" }, unit: { type: "string" } } },
  annotations: { readOnlyHint: true },
  handler: "convert",
  settings: { factor: 0.6, unit: "mi" }
}

const rows: ReadonlyArray<CatalogueEntry.Entry> = [
  miles,
  {
    kind: "tool",
    name: "meaning",
    inputSchema: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
    handler: "lookUp",
    settings: { words: { brigadeiro: "A sweet of cocoa" } }
  },
  { kind: "resource", uri: "reference:///house-rules", text: "Ask before you convert money." },
  {
    kind: "prompt",
    name: "explain",
    arguments: [{ name: "word", required: true }],
    messages: [{ role: "user", content: "Explain {{word}} to a guest." }]
  }
]

const inMiles = (client: McpClient.Client, value: number) =>
  Effect.map(client.callTool(miles.name, { value }), ({ structuredContent }) => structuredContent)

await Effect.gen(function*() {
  const store = yield* CatalogueStore.CatalogueStore
  yield* store.write(rows.map((put) => ({ put })))
  const nodes = yield* Effect.all([connect, connect])
  for (const client of nodes) {
    assert.deepEqual((yield* client.listTools()).map(({ name }) => name), [miles.name, "meaning"])
    assert.deepEqual(yield* inMiles(client, 10), { value: 6, unit: "mi" })
    const unknown = yield* client.callTool("meaning", { word: "constructor" })
    assert.equal(unknown.isError, true)
    const { messages: [message] } = yield* client.getPrompt("explain", { word: "brigadeiro" })
    assert.deepEqual(message?.content, { type: "text", text: "Explain brigadeiro to a guest." })
  }
  console.log("Two nodes serve the same rows")

  const heard = yield* Effect.forkChild(
    Effect.forEach(nodes, (client) => Stream.runCollect(Stream.take(client.changes(), 1)), {
      concurrency: "unbounded"
    }),
    { startImmediately: true }
  )
  const kept = yield* store.get({ kind: "tool", name: miles.name })
  const version = yield* store.put({ ...miles, settings: { factor: 0.621371, unit: "mi" } }, { version: kept!.version })
  const late = yield* Effect.flip(store.remove({ kind: "tool", name: miles.name }, { version: kept!.version }))
  assert.equal(late.reason._tag, "Conflict")
  console.log(`A row has version ${version} now: ${late.message}`)

  const changes = yield* Effect.timeout(Fiber.join(heard), "10 seconds")
  for (const [index, client] of nodes.entries()) {
    assert.deepEqual(changes[index]!.map(({ _tag }) => _tag), ["ToolsListChanged"])
    assert.deepEqual(yield* inMiles(client, 10), { value: 6.21371, unit: "mi" })
  }
  console.log("Both have told their clients, and convert as it says")
}).pipe(
  Effect.provide(Store),
  Effect.scoped,
  Effect.ensuring(Effect.sync(() => fs.rmSync(directory, { recursive: true }))),
  Effect.runPromise
)
