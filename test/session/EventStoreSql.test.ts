import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as EventStoreSql from "fastmcp-effect/session/EventStoreSql"
import type * as SessionError from "fastmcp-effect/session/SessionError"
import { suite } from "./contract/EventStore.ts"
import { type Database, onDatabases, onSql } from "./places.ts"

const key: EventStore.StreamKey = { session: "one", stream: "a" }

/** A process with its client in hand. */
const start = ({ client, prefix }: Database, options: EventStoreSql.Options = {}) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      EventStoreSql.layer({ prefix, pollInterval: "20 millis", ...options }).pipe(Layer.provideMerge(client()))
    )
    const sql = Context.get(services, SqlClient.SqlClient)
    const rows = (table: string) =>
      Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM ${sql(prefix + table)}`, ([row]) => Number(row!.n))
    return {
      sql,
      rows: Effect.all([rows("streams"), rows("events")]),
      store: Context.get(services, EventStore.EventStore)
    }
  })

const moment = TestClock.withLive(Effect.sleep("20 millis"))

onDatabases((name, database) => {
  suite(
    `on ${name}`,
    onSql(
      database,
      (prefix, limits: EventStoreSql.Options) => EventStoreSql.layer({ prefix, pollInterval: "20 millis", ...limits })
    )
  )

  describe(`EventStoreSql on ${name}`, () => {
    it.effect("keeps no row it has no use for", () =>
      Effect.gen(function*() {
        const { rows, store } = yield* start(yield* database, {
          maxEvents: 5,
          maxSize: 20,
          cleanupInterval: Duration.infinity
        })
        yield* store.create(key)
        for (let count = 0; count < 10; count++) yield* store.append(key, "abc")
        assert.deepStrictEqual(yield* rows, [1, 5])
        yield* store.append(key, "x".repeat(12))
        assert.deepStrictEqual(yield* rows, [1, 3])
        yield* store.append(key, "x".repeat(21))
        assert.deepStrictEqual(yield* rows, [1, 0])
        yield* store.append(key, "abc")
        yield* store.drop("one")
        assert.deepStrictEqual(yield* rows, [0, 0])
      }))

    it.effect("deletes streams that have had their time, however many, and no others", () =>
      Effect.gen(function*() {
        const { rows, store } = yield* start(yield* database, {
          idle: "1 minute",
          timeToLive: "10 seconds",
          cleanupInterval: "1 minute"
        })
        const streams = Array.from({ length: 60 }, (_, index) => ({ session: `${index % 7}`, stream: `${index}` }))
        yield* Effect.forEach(streams, (key) => Effect.andThen(store.create(key), store.append(key, "1")), {
          concurrency: 10
        })
        yield* Effect.forEach(streams.slice(0, 30), store.end)
        yield* TestClock.adjust("30 seconds")
        yield* moment
        assert.deepStrictEqual(yield* rows, [60, 60])
        yield* store.append(streams[59]!, "2")
        while ((yield* rows)[0]! > 1) yield* Effect.andThen(TestClock.adjust("5 seconds"), moment)
        assert.deepStrictEqual(yield* rows, [1, 2])
        assert.strictEqual(yield* store.last(streams[59]!), 2)
      }))

    it.effect("asks once for all that is followed, and not at all when nothing is", () =>
      Effect.gen(function*() {
        const asked: Array<string> = []
        const { store } = yield* start(yield* database, {
          pollInterval: "1 second",
          cleanupInterval: Duration.infinity
        }).pipe(
          Effect.provideService(Statement.CurrentTransformer, (statement) =>
            Effect.sync(() => {
              asked.push(statement.compile()[0])
              return statement
            }))
        )
        const streams = Array.from({ length: 40 }, (_, index) => ({ session: "one", stream: String(index) }))
        yield* Effect.forEach(streams, store.create)
        asked.length = 0
        yield* TestClock.adjust("10 seconds")
        yield* moment
        assert.deepStrictEqual(asked, [])
        const fibers = yield* Effect.forEach(
          streams,
          (key) => Effect.forkChild(Stream.runCollect(store.follow(key, 0)))
        )
        // Those that begin to follow are not asked for by the transformer's fiber.
        while (asked.length === 0) yield* Effect.andThen(TestClock.adjust("1 second"), moment)
        assert.strictEqual(asked.length, 1)
        yield* store.drop("one")
        yield* Effect.forEach(fibers, Fiber.join)
        asked.length = 0
        yield* TestClock.adjust("10 seconds")
        yield* moment
        yield* TestClock.adjust("10 seconds")
        yield* moment
        assert.deepStrictEqual(asked, [])
      }))

    it.live("tells an event when the transaction it was appended in is done, and not if it is undone", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const { sql, store } = yield* start(place, { pollInterval: "1 hour" })
        yield* store.create(key)
        const told: Array<string> = []
        const fiber = yield* Effect.forkChild(
          Stream.runForEach(store.follow(key, 0), ({ data }) => Effect.sync(() => told.push(data)))
        )
        yield* Effect.sleep("50 millis")
        yield* Effect.flip(sql.withTransaction(Effect.andThen(store.append(key, "undone"), Effect.fail("no"))))
        yield* sql.withTransaction(Effect.gen(function*() {
          assert.strictEqual(yield* store.append(key, "done"), 1)
          yield* Effect.sleep("50 millis")
          assert.deepStrictEqual(told, [])
        }))
        yield* store.end(key)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(told, ["done"])
      })))

    it.live("does not take a stream begun anew for the one it follows", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const [one, other] = [yield* start(place), yield* start(place, { pollInterval: "500 millis" })]
        yield* one.store.create(key)
        yield* one.store.append(key, "1")
        const told: Array<EventStore.Event> = []
        const fiber = yield* Effect.forkChild(
          Stream.runForEach(other.store.follow(key, 0), (event) => Effect.sync(() => told.push(event)))
        )
        while (told.length < 1) yield* Effect.sleep("5 millis")
        // Before the other one looks again.
        yield* one.store.drop("one")
        yield* one.store.create(key)
        yield* Effect.forEach(["new", "new", "new"], (text) => one.store.append(key, text))
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(told, [{ position: 1, data: "1" }])
      })))

    it.live("is unavailable when the database fails, and goes on afterwards with those who wait", () => {
      const logged: Array<string> = []
      return Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const fresh = { ...place, prefix: `${place.prefix}gone_` }
        const { sql, store } = yield* start(fresh)
        const other = yield* start(fresh)
        yield* store.create(key)
        const fiber = yield* Effect.forkChild(Stream.runCollect(store.follow(key, 0)), { startImmediately: true })
        yield* Effect.sleep("100 millis")
        const [streams, away] = [sql(`${fresh.prefix}streams`), sql(`${fresh.prefix}away`)]
        yield* sql`ALTER TABLE ${streams} RENAME TO ${away}`
        const calls = [
          store.create(key),
          store.append(key, "1"),
          store.last(key),
          store.read(key, 0),
          Stream.runCollect(store.follow(key, 0)),
          store.end({ session: "other", stream: "b" }),
          store.drop("other")
        ]
        for (const call of calls) {
          const { reason } = yield* Effect.flip(call as Effect.Effect<never, SessionError.SessionError>)
          assert.deepInclude(reason, { _tag: "Unavailable", store: "event store" } as const)
        }
        while (logged.length === 0) yield* Effect.sleep("10 millis")
        yield* sql`ALTER TABLE ${away} RENAME TO ${streams}`
        yield* other.store.append(key, "1")
        yield* other.store.end(key)
        assert.deepStrictEqual(yield* Fiber.join(fiber), [{ position: 1, data: "1" }])
      })).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
    })
  })
})
