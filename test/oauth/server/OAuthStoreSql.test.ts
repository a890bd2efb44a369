import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as TestClock from "effect/testing/TestClock"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import type * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import { suite } from "./contract/OAuthStore.ts"
import { type Database, dumpSql, onDatabases, onSql } from "./places.ts"

const key = (id: string, kind = "code"): OAuthStore.Key => ({ kind, id })
const one: OAuthStore.Entry = { data: "one", expiresAt: 10_000 }
const long: OAuthStore.Entry = { data: "long", expiresAt: 60_000 }

/** A process with its client in hand. */
const start = ({ client, prefix }: Database, options: OAuthStoreSql.Options = {}) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      OAuthStoreSql.layer({ prefix, ...options }).pipe(Layer.provideMerge(client()))
    )
    const sql = Context.get(services, SqlClient.SqlClient)
    const [entries, counts] = [sql(`${prefix}oauth_entries`), sql(`${prefix}oauth_counts`)]
    const rows = Effect.map(
      sql<{ n: number }>`SELECT (SELECT count(*) FROM ${entries}) + (SELECT count(*) FROM ${counts}) AS n`,
      ([row]) => Number(row!.n)
    )
    return { sql, rows, entries, counts, store: Context.get(services, OAuthStore.OAuthStore) }
  })

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, (prefix) => OAuthStoreSql.layer({ prefix })))

  describe(`OAuthStoreSql on ${name}`, () => {
    it.effect("makes its tables once, when many processes begin at once and when another comes later", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* database
        const fresh = { client, prefix: `${prefix}fresh_` }
        const processes = yield* Effect.all(Array.from({ length: 5 }, () => start(fresh)), { concurrency: "unbounded" })
        yield* processes[0]!.store.putOnce(key("1"), one)
        const late = yield* start(fresh)
        assert.deepStrictEqual(yield* late.store.get(key("1")), { _tag: "Live", entry: one })
      }))

    it.effect("deletes what is over, however much, and nothing else", () =>
      Effect.gen(function*() {
        const { counts, entries, rows, sql, store } = yield* start(yield* database, { cleanupInterval: "30 seconds" })
        yield* store.putOnce(key("1"), one)
        yield* store.putOnce(key("used"), one)
        yield* store.takeOnce(key("used"))
        yield* store.putOnce(key("long"), long)
        yield* store.count(key("long"), 60_000)
        const many = <A>(own: A) =>
          Arr.makeBy(1200, (index) => ({ kind: "code", id: `many ${index}`, expires_at: 10_000, ...own }))
        yield* sql`INSERT INTO ${entries} ${sql.insert(many({ data: "", used: 0 }))}`
        yield* sql`INSERT INTO ${counts} ${sql.insert(many({ uses: 1 }))}`
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(yield* rows, 2404)
        yield* TestClock.adjust("1 second")
        while ((yield* rows) > 2) yield* TestClock.withLive(Effect.sleep("5 millis"))
        assert.strictEqual((yield* store.get(key("long")))._tag, "Live")
        assert.strictEqual(yield* store.count(key("long"), 1), 2)
      }))

    it.effect("leaves it where it is if it is told to", () =>
      Effect.gen(function*() {
        const { rows, store } = yield* start(yield* database, { cleanupInterval: Duration.infinity })
        yield* store.putOnce(key("1"), one)
        yield* TestClock.adjust("10 days")
        yield* TestClock.withLive(Effect.sleep("30 millis"))
        assert.strictEqual(yield* rows, 1)
        assert.deepStrictEqual(yield* store.get(key("1")), OAuthStore.absent)
      }))

    it.effect("leaves no row of a grant that has ended", () =>
      Effect.gen(function*() {
        const { rows, store } = yield* start(yield* database)
        yield* store.putOnce(key("g", "grant"), long)
        yield* store.putOnce(key("1"), { ...long, grant: "g" })
        yield* store.takeOnce(key("1"), [[key("2"), { ...long, grant: "g" }]])
        assert.strictEqual(yield* rows, 3)
        yield* store.endGrant("g")
        assert.strictEqual(yield* rows, 0)
      }))

    it.effect("is unavailable when the database fails, and says why", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* database
        const { counts, entries, sql, store } = yield* start({ client, prefix: `${prefix}gone_` })
        yield* sql`DROP TABLE ${entries}`
        yield* sql`DROP TABLE ${counts}`
        const calls = [
          store.putOnce(key("1"), one),
          store.get(key("1")),
          store.takeOnce(key("1")),
          store.takeOnce(key("1"), [[key("2"), one]]),
          store.replace(key("1"), "one", long),
          store.remove(key("1")),
          store.endGrant("g"),
          store.count(key("1"), 1)
        ]
        for (const call of calls) {
          const { reason } = yield* Effect.flip(call as Effect.Effect<never, OAuthStoreError.OAuthStoreError>)
          assert(reason._tag === "Unavailable")
          assert.isTrue(reason.isRetryable)
          assert.isTrue(SqlError.isSqlError(reason.cause))
        }
      }))

    it.live("lets one take, though the statements of two processes come by turns and a key must be made free", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const stores = [(yield* start(place)).store, (yield* start(place)).store]
        const [now, over] = [{ data: "", expiresAt: 1e13 }, { data: "", expiresAt: 1 }]
        yield* stores[0]!.putOnce(key("1"), now)
        for (let index = 0; index < 10; index++) yield* stores[0]!.putOnce(key(`next ${index}`), over)
        const found = yield* Effect.forEach(
          Array(10).keys(),
          (index) => stores[index % 2]!.takeOnce(key("1"), [[key(`next ${index}`), now]]),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(found.map(({ _tag }) => _tag).toSorted(), ["Live", ...Array(9).fill("Used")])
        for (const [index, { _tag }] of found.entries()) {
          assert.strictEqual((yield* stores[0]!.get(key(`next ${index}`)))._tag, _tag === "Live" ? "Live" : "Absent")
        }
      })).pipe(
        Effect.provideService(
          Statement.CurrentTransformer,
          (statement) => Effect.as(Effect.sleep("1 millis"), statement)
        )
      ))

    it.effect("writes in the transaction of its caller", () =>
      Effect.gen(function*() {
        const { sql, store } = yield* start(yield* database)
        yield* store.putOnce(key("1"), one)
        const taken = store.takeOnce(key("1"), [[key("2"), one]])
        yield* Effect.flip(sql.withTransaction(Effect.andThen(taken, Effect.fail("no"))))
        assert.strictEqual((yield* store.get(key("1")))._tag, "Live")
        yield* sql.withTransaction(taken)
        assert.strictEqual((yield* store.get(key("1")))._tag, "Used")
        assert.strictEqual((yield* store.get(key("2")))._tag, "Live")
      }))

    it.effect("holds nothing that a dump does not show", () =>
      Effect.gen(function*() {
        const place = yield* database
        const { store } = yield* start(place)
        yield* store.putOnce(key("the grant", "grant"), one)
        yield* store.putOnce(key("the id"), { ...one, grant: "the grant" })
        yield* store.takeOnce(key("the id"), [[key("the next"), { data: "the data", expiresAt: 10_000 }]])
        yield* store.count(key("the address", "attempts"), 1000)
        const dump = yield* dumpSql(place)
        for (const text of ["the grant", "the id", "the next", "the data", "the address", "attempts"]) {
          assert.include(dump, text)
        }
        assert.strictEqual(dump.split("\n").length, 4)
      }))
  })
})

it.effect("works behind a client that renames columns", () =>
  Effect.gen(function*() {
    const store = yield* OAuthStore.OAuthStore
    yield* store.putOnce(key("1"), one)
    assert.deepStrictEqual(yield* store.takeOnce(key("1"), [[key("2"), long]]), { _tag: "Live", entry: one })
    assert.deepStrictEqual(yield* store.get(key("2")), { _tag: "Live", entry: long })
    assert.strictEqual(yield* store.count(key("1"), 1), 1)
  }).pipe(Effect.provide(
    OAuthStoreSql.layer().pipe(Layer.provide(SqliteClient.layer({
      filename: ":memory:",
      transformQueryNames: (name) => name.toUpperCase(),
      transformResultNames: (name) => `x${name}`
    })))
  )))
