import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import * as RateLimitStoreSql from "fastmcp-effect/middleware/RateLimitStoreSql"
import { onDatabases, onSql } from "../session/places.ts"
import { suite } from "./contract/RateLimitStore.ts"

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, (prefix) => RateLimitStoreSql.layer({ prefix })))

  const start = Effect.gen(function*() {
    const { client, prefix } = yield* database
    const services = yield* Layer.build(
      RateLimitStoreSql.layer({ prefix, cleanupInterval: "1 minute" }).pipe(Layer.provideMerge(client()))
    )
    const sql = Context.get(services, SqlClient.SqlClient)
    return { sql, rates: sql(`${prefix}rates`), store: Context.get(services, RateLimitStore.RateLimitStore) }
  })

  const once: RateLimitStore.Rule = { algorithm: "fixed-window", limit: 1, windowMillis: 90_000, burst: 1 }

  describe(`RateLimitStoreSql on ${name}`, () => {
    it.effect("deletes what counts no more, and nothing else", () =>
      Effect.scoped(Effect.gen(function*() {
        const { rates, sql, store } = yield* start
        const count = Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM ${rates}`, ([row]) => Number(row!.n))
        for (let index = 0; index < 10; index++) yield* store.take(`${index}`, once, 1)
        yield* store.take("long", { ...once, windowMillis: 3_600_000 }, 1)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* count, 11)
        // A sweep is on its way to the database for a while, and the next begins a minute after its end.
        yield* Effect.repeat(
          Effect.andThen(TestClock.adjust("1 minute"), TestClock.withLive(Effect.sleep(50))),
          { until: () => Effect.map(count, (left) => left === 1), times: 40 }
        )
        assert.strictEqual(yield* count, 1)
      })))

    it.effect("is unavailable when the table is not there", () =>
      Effect.scoped(Effect.gen(function*() {
        const { rates, sql, store } = yield* start
        yield* sql`ALTER TABLE ${rates} RENAME TO ${sql(`away_${name.toLowerCase()}`)}`
        const error = yield* Effect.flip(store.take("a", once, 1))
        yield* sql`ALTER TABLE ${sql(`away_${name.toLowerCase()}`)} RENAME TO ${rates}`
        assert.strictEqual(error._tag, "RateLimitUnavailable")
      })))
  })
})
