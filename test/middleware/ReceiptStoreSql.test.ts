import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as ReceiptStoreSql from "fastmcp-effect/middleware/ReceiptStoreSql"
import { onDatabases, onSql } from "../session/places.ts"
import { suite } from "./contract/ReceiptStore.ts"

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, (prefix) => ReceiptStoreSql.layer({ prefix })))

  const start = Effect.gen(function*() {
    const { client, prefix } = yield* database
    const services = yield* Layer.build(
      ReceiptStoreSql.layer({ prefix, cleanupInterval: "1 minute" }).pipe(Layer.provideMerge(client()))
    )
    const sql = Context.get(services, SqlClient.SqlClient)
    return { sql, table: sql(`${prefix}receipts`), store: Context.get(services, ReceiptStore.ReceiptStore) }
  })

  const call = (ttlMillis: number): ReceiptStore.Call => ({
    fingerprint: "x",
    round: undefined,
    leaseMillis: 1000,
    ttlMillis,
    isHarmless: false
  })

  describe(`ReceiptStoreSql on ${name}`, () => {
    it.effect("deletes what is over, and nothing else", () =>
      Effect.scoped(Effect.gen(function*() {
        const { sql, store, table } = yield* start
        const count = Effect.map(
          sql<{ n: number }>`SELECT count(*) AS n FROM ${table} WHERE id <> 'store'`,
          ([row]) => Number(row!.n)
        )
        for (let index = 0; index < 10; index++) yield* store.begin(`${index}`, call(90_000))
        yield* store.begin("long", call(3_600_000))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* count, 11)
        // A sweep that is on its way to the database, or has come back late, is a minute later.
        for (let minute = 2; minute < 30 && (yield* count) > 1; minute++) {
          yield* TestClock.adjust("1 minute")
          yield* TestClock.withLive(Effect.sleep(20))
        }
        assert.strictEqual(yield* count, 1)
      })))

    it.effect("is unavailable when the table is not there", () =>
      Effect.scoped(Effect.gen(function*() {
        const { sql, store, table } = yield* start
        yield* sql`ALTER TABLE ${table} RENAME TO ${sql(`away_receipts_${name.toLowerCase()}`)}`
        for (
          const asked of [
            store.begin("a", call(1000)),
            store.renew("a", "run", 1000),
            store.end("a", "run", { _tag: "Undone" }, 1000)
          ] as ReadonlyArray<Effect.Effect<unknown, ReceiptStore.ReceiptsUnavailable>>
        ) assert.strictEqual((yield* Effect.flip(asked))._tag, "ReceiptsUnavailable")
        yield* sql`ALTER TABLE ${sql(`away_receipts_${name.toLowerCase()}`)} RENAME TO ${table}`
      })))
  })
})
