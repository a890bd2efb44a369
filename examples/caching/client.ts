/** Asks twice, as two callers, of one node and of two that share a database; exits with 1 if anything runs once too often. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { McpServer } from "fastmcp-effect"
import { Identity } from "fastmcp-effect/context"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as CacheStoreSql from "fastmcp-effect/middleware/CacheStoreSql"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { make } from "./server.ts"

/** A node of the server, with clients of its own. */
const node = <E>(store: Layer.Layer<CacheStore.CacheStore, E>) =>
  Effect.gen(function*() {
    const runs: Array<string> = []
    const context = yield* Layer.build(make((what) => runs.push(what)).pipe(Layer.provideMerge(store)))
    const connect = (subject: string) =>
      McpTest.client(Layer.succeedContext(context), {
        revision: "2026-07-28",
        identity: Identity.make({ subject })
      })
    return {
      /** What ran since the last time. */
      ran: () => runs.splice(0),
      ada: yield* connect("ada"),
      bob: yield* connect("bob"),
      server: Context.get(context, McpServer.McpServer),
      store: Context.get(context, CacheStore.CacheStore)
    }
  })

type Client = McpTest.Client

const rate = (client: Client) => client.callTool("rate", { currency: "USD" })
const terms = (client: Client) => client.request("resources/read", { uri: "bank://terms" })

const inMemory = Effect.gen(function*() {
  const { ada, bob, ran, server, store } = yield* node(CacheStore.layerMemory())
  yield* rate(ada)
  yield* rate(ada)
  // A result is for its caller alone.
  const { content } = yield* rate(bob)
  assert.deepEqual(content, [{ type: "text", text: "USD for bob: 1.08" }])
  assert.deepEqual(ran(), ["rate for ada", "rate for bob"])

  // What the server keeps for a minute, its client may keep for what is left of it.
  const { cacheScope, ttlMs } = yield* terms(ada)
  assert.deepEqual([cacheScope, ttlMs], ["private", 60_000])
  yield* Effect.sleep("20 millis")
  const again = yield* terms(ada)
  assert.ok(typeof again.ttlMs === "number" && again.ttlMs <= 59_990 && again.ttlMs > 50_000)
  assert.deepEqual(ran(), ["terms"])

  // Forgotten: what has a tag, and a resource that is updated.
  yield* store.invalidate("rates")
  yield* rate(ada)
  yield* server.resourceUpdated("bank://terms")
  yield* terms(ada)
  assert.deepEqual(ran(), ["rate for ada", "terms"])
  const { entries, hits } = yield* store.statistics
  console.log(`one node: ${hits} answers from memory, ${entries} results in it`)
})

const onTwoNodes = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "caching-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
  )
  // Each node opens the file for itself, as another process would.
  const start = () =>
    node(
      CacheStoreSql.layer().pipe(
        Layer.provide(SqliteClient.layer({ filename: path.join(folder, "cache.db") })),
        Layer.fresh
      )
    )
  const [one, two] = [yield* start(), yield* start()]
  yield* rate(one.ada)
  yield* rate(two.ada)
  yield* rate(two.bob)
  assert.deepEqual([one.ran(), two.ran()], [["rate for ada"], ["rate for bob"]])

  // What one forgets, the other has forgotten.
  yield* two.store.invalidate("rates")
  yield* rate(one.ada)
  yield* rate(two.ada)
  assert.deepEqual([one.ran(), two.ran()], [["rate for ada"], []])
  const { hits } = yield* two.store.statistics
  assert.equal(hits, 2)
  console.log("two nodes: each answered with what the other had kept, and forgot what the other had forgotten")
})

await Effect.runPromise(Effect.scoped(inMemory))
await Effect.runPromise(Effect.scoped(onTwoNodes))
