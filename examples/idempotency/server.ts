/** Charges cards, each order once: receipts are kept in a file, beside what was charged. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { McpServer, Tool } from "fastmcp-effect"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStoreSql from "fastmcp-effect/middleware/ReceiptStoreSql"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"

const charge = Tool.make("charge", {
  description: "Charges a card for an order",
  parameters: { order: Schema.String, cents: Schema.Int },
  success: Schema.String
})

const Charge = Tool.handle(charge, ({ cents, order }) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* Effect.orDie(sql`INSERT INTO charges (order_id, cents) VALUES (${order}, ${cents})`)
    // The power fails when the money is gone and nobody knows it yet.
    if (order === "unlucky") process.kill(process.pid, "SIGKILL")
    yield* Effect.sleep("200 millis")
    return `${cents} cents for ${order}`
  }))

const Charges = Layer.effectDiscard(
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`CREATE TABLE IF NOT EXISTS charges (order_id TEXT NOT NULL, cents INTEGER NOT NULL)`
  )
)

const Database = Layer.unwrap(Effect.map(Config.String("DATABASE"), (filename) => SqliteClient.layer({ filename })))

McpServer.layer({
  name: "payments",
  version: "1.0.0",
  tools: [Charge],
  middleware: [Idempotency.make({ lease: "1 second" })]
}).pipe(
  Layer.provide([ReceiptStoreSql.layer(), Charges]),
  Layer.provide(Database),
  NodeStdio.run
)
