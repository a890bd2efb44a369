/**
 * Charges with keys: and goes before the answer comes, has another process of the server asked again, and loses the
 * server when the money is gone. Exits with 1 if an order was charged twice, or nobody says that it may have been.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "idempotency-"))
const filename = path.join(directory, "payments.db")

/** A process of the server for each client, and another one when it has died. */
const client = McpClient.layer().pipe(
  Layer.provide(NodeStdioClient.layer({
    command: process.execPath,
    args: [...process.execArgv, path.join(import.meta.dirname, "server.ts")],
    env: { DATABASE: filename },
    stderr: "inherit"
  }))
)

/** In an app the key is made when the order is, and kept with it. */
const charge = (order: string, cents = 1200) =>
  Effect.flatMap(McpClient.McpClient, (client) =>
    Effect.map(
      client.callTool("charge", { order, cents }, { idempotencyKey: `key of ${order}` }),
      ({ content }) => (content[0] as { readonly text: string }).text
    ))

const charged = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ order_id: string }>`SELECT order_id FROM charges ORDER BY order_id`
  return rows.map(({ order_id }) => order_id)
}).pipe(Effect.provide(SqliteClient.layer({ filename })))

const first = Effect.gen(function*() {
  assert.equal(yield* charge("8f2c"), "1200 cents for 8f2c")
  const conflict = yield* Effect.flip(charge("8f2c", 9900))
  assert.equal(conflict.reason._tag, "IdempotencyConflict")

  // Goes before the answer comes, and comes back.
  assert.equal((yield* Effect.timeoutOption(charge("hasty"), "100 millis"))._tag, "None")
  assert.equal(yield* charge("hasty"), "1200 cents for hasty")
})

const another = Effect.gen(function*() {
  assert.equal(yield* charge("8f2c"), "1200 cents for 8f2c")
  yield* Effect.log("another process answers with the receipt")

  // The client sends it again by itself when its server has died, and is told that it is in progress, perhaps.
  const error = yield* Effect.flip(Effect.retry(charge("unlucky"), {
    while: (error) => error.reason._tag === "InProgress",
    times: 20
  }))
  assert.equal(error.reason._tag, "OutcomeUnknown")
  yield* Effect.log(`the server died: ${error.message}`)
})

Effect.provide(first, client).pipe(
  Effect.andThen(Effect.provide(another, Layer.fresh(client))),
  Effect.andThen(charged),
  Effect.tap((orders) => Effect.sync(() => assert.deepEqual(orders, ["8f2c", "hasty", "unlucky"]))),
  Effect.andThen(Effect.log("each order was charged once")),
  Effect.ensuring(Effect.sync(() => fs.rmSync(directory, { recursive: true }))),
  NodeRuntime.runMain
)
