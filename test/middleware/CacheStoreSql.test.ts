import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as CacheStoreSql from "fastmcp-effect/middleware/CacheStoreSql"
import { onDatabases, onSql } from "../session/places.ts"
import { suite } from "./contract/CacheStore.ts"

onDatabases((name, database) => {
  suite(
    `on ${name}`,
    onSql(database, (prefix, options: CacheStore.Options) => CacheStoreSql.layer({ prefix, ...options }))
  )

  describe(`CacheStoreSql on ${name}`, () => {
    it.effect("deletes what is over, and nothing else", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* database
        const services = yield* Layer.build(
          CacheStoreSql.layer({ prefix, cleanupInterval: "1 minute" }).pipe(Layer.provideMerge(client()))
        )
        const sql = Context.get(services, SqlClient.SqlClient)
        const store = Context.get(services, CacheStore.CacheStore)
        const count = (table: string) =>
          Effect.map(
            sql<{ n: number }>`SELECT count(*) AS n FROM ${sql(`${prefix}${table}`)}`,
            ([row]) => Number(row!.n)
          )
        const { epoch } = yield* store.get("a")
        for (let index = 0; index < 10; index++) {
          yield* store.put(`${index}`, { text: "x", bytes: 1, ttlMillis: 90_000, tags: ["a", "b"] }, epoch)
        }
        yield* store.put("long", { text: "x", bytes: 1, ttlMillis: 86_400_000, tags: ["a"] }, epoch)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* count("cache"), 11)
        assert.strictEqual(yield* count("cache_tags"), 21)
        // The sweep is on its way to the database, and perhaps not yet back from the one before.
        yield* Effect.repeat(
          Effect.andThen(TestClock.adjust("1 minute"), TestClock.withLive(Effect.sleep(10))),
          { until: () => Effect.map(count("cache_tags"), (left) => left === 1), times: 200 }
        )
        assert.strictEqual(yield* count("cache"), 1)
        const [state] = yield* sql<{ entries: number; bytes: number }>`
          SELECT entries, bytes FROM ${sql(`${prefix}cache_state`)}`
        assert.deepStrictEqual([Number(state!.entries), Number(state!.bytes)], [1, 5])
      })))
  })
})
