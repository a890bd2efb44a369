import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"
import * as DocketEngine from "fastmcp-effect/docket/DocketEngine"
import * as DocketEnginePersistedQueue from "fastmcp-effect/docket/DocketEnginePersistedQueue"
import * as DocketError from "fastmcp-effect/docket/DocketError"
import {
  type Database,
  onDatabases as onEmptied,
  pg as emptied,
  pgLayer,
  plainSqlite,
  sqlite,
  watchedSqlite
} from "../session/places.ts"
import { door } from "../support/door.ts"
import { needing, postgres } from "../support/services.ts"
import { connect, consumer, listening, live, type Place, ringNow, suite, until } from "./engine.ts"
import { lease } from "./engineAddress.ts"

const { layerMemory, layerSql } = DocketEnginePersistedQueue

const inMemory: Effect.Effect<Place, never, Scope.Scope> = Effect.gen(function*() {
  // Built at once, they have one queue.
  const services = yield* Layer.build(Layer.merge(layerMemory, PersistedQueue.layerStoreMemory))
  const queue = Context.get(services, PersistedQueue.PersistedQueueStore)
  const { offer, take } = queue
  const offered = new Map<string, Parameters<typeof offer>[0]>()
  let taken = 0
  Object.assign(queue, {
    offer: (options: Parameters<typeof offer>[0]) => {
      offered.set(options.id, options)
      return offer(options)
    },
    take: (options: Parameters<typeof take>[0]) => Effect.tap(take(options), () => Effect.sync(() => void taken++))
  })
  return {
    process: Layer.succeedContext(services),
    left: Effect.gen(function*() {
      yield* TestClock.adjust("61 seconds")
      // Whatever it still knows it does not take again.
      const before = taken
      const again = [...offered.values()]
      yield* Effect.forEach(again, offer, { discard: true })
      yield* TestClock.adjust("1 second")
      return again.length - (taken - before)
    })
  }
})

suite("in memory", {
  place: inMemory,
  time: "virtual",
  ordersByPriority: false
})

it.effect("wakes one of those who wait in memory, however many may answer", () =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const looksWith = (concurrency: number) =>
      Effect.scoped(Effect.gen(function*() {
        let looks = 0
        const counting: Clock.Clock = {
          ...clock,
          currentTimeMillisUnsafe: () => {
            looks++
            return clock.currentTimeMillisUnsafe()
          }
        }
        const services = yield* Effect.provideService(Layer.build(Layer.fresh(layerMemory)), Clock.Clock, counting)
        const engine = Context.get(services, DocketEngine.DocketEngine)
        const { answered } = yield* consumer(engine, { concurrency })
        const before = looks
        for (const id of ["a", "b", "c"]) {
          yield* ringNow(engine, id)
          yield* TestClock.adjust(1)
        }
        assert.deepStrictEqual(answered, ["a", "b", "c"])
        return looks - before
      }))
    assert.strictEqual(yield* looksWith(100), yield* looksWith(1))
  }))

type Somewhere = Effect.Effect<Database, never, Scope.Scope>

let count = 0

/** Tables of its own each time: one whose rows go with the test does not know any more that it was made. */
const fresh = (database: Somewhere): Somewhere =>
  Effect.map(database, ({ client, prefix }) => ({ client, prefix: `${prefix}${count++}_` }))

const onDatabases: typeof onEmptied = (tests) => onEmptied((name, database) => tests(name, fresh(database)))

const pg = fresh(emptied)

const placeOn = (database: Somewhere): Effect.Effect<Place, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const { client, prefix } = yield* database
    const sql = Context.get(yield* Layer.build(client()), SqlClient.SqlClient)
    const { filename } = yield* sql.onDialectOrElse({
      pg: () => Effect.succeed({ filename: undefined }),
      orElse: () => Effect.map(sql<{ file: string }>`PRAGMA database_list`, ([row]) => ({ filename: row!.file }))
    })
    const table = sql(`${prefix}docket_rings`)
    const old = sql.onDialectOrElse({
      pg: () => sql`NOW() - INTERVAL '61 seconds'`,
      orElse: () => sql`datetime(CURRENT_TIMESTAMP, '-61 seconds')`
    })
    return {
      process: Layer.provide(layerSql({ prefix, lease, cleanupInterval: "300 millis" }), client()),
      address: filename === undefined
        ? { kind: "pg", url: postgres.url, prefix }
        : { kind: "sqlite", url: filename, prefix },
      left: Effect.gen(function*() {
        yield* sql`UPDATE ${table} SET updated_at = ${old}`
        yield* Effect.sleep("1 second")
        const [row] = yield* sql<{ n: number }>`SELECT count(*) AS n FROM ${table}`
        return Number(row!.n)
      })
    }
  })

suite("on SQLite", { place: placeOn(sqlite), time: "real", ordersByPriority: false })

needing(postgres, () => suite("on Postgres", { place: placeOn(pg), time: "real", ordersByPriority: false }))

const start = ({ client, prefix }: Database, options: DocketEnginePersistedQueue.Options = {}) =>
  Effect.map(
    Layer.build(layerSql({ prefix, lease, ...options }).pipe(Layer.provideMerge(client()))),
    (services) => {
      const sql = Context.get(services, SqlClient.SqlClient)
      return { engine: Context.get(services, DocketEngine.DocketEngine), sql, table: sql(`${prefix}docket_rings`) }
    }
  )

const ringsForAll = (database: Somewhere) =>
  live(
    "rings for all that is given at once, and once for what was rung for before",
    Effect.gen(function*() {
      const { engine } = yield* start(yield* database)
      const at = yield* Clock.currentTimeMillis
      const long = "long ".repeat(60)
      const ids = ["a", "before", ..."bcdef", "\u{1f514} \"'\\", long, "later"]
      yield* ringNow(engine, "before", { at })
      yield* engine.ringAll!(ids.map((id) => ({
        id,
        ring: `${id}:1`,
        at: id === "later" ? at + 1200 : at,
        priority: 0
      })))
      const { answered, times } = yield* consumer(engine)
      yield* until(() => answered.length === ids.length)
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(answered.toSorted(), ids.toSorted())
      assert.isAtLeast(times.get("later")!, at + 1200)
    })
  )

describe("DocketEnginePersistedQueue on SQLite with a client of another make", () => ringsForAll(plainSqlite))

live(
  "runs one statement over and over on SQLite to ring for many at once, in a transaction and outside, and none for all",
  Effect.gen(function*() {
    const database = yield* watchedSqlite
    const { engine, sql, table } = yield* start(database)
    const all = (...ids: ReadonlyArray<string>) =>
      engine.ringAll!(ids.map((id) => ({ id, ring: id, at: 0, priority: 0 })))
    yield* all("a", "b", "c")
    yield* sql.withTransaction(all("d", "e", "c"))
    assert.deepStrictEqual(yield* sql`SELECT count(*) FROM ${table}`.values, [[5]])
    assert.deepStrictEqual(database.otherwise, [])
  })
)

onDatabases((name, database) =>
  describe(`DocketEnginePersistedQueue on ${name}`, () => {
    ringsForAll(database)

    live(
      "rings in the transaction of its caller: never when that is rolled back",
      Effect.gen(function*() {
        const there = yield* database
        const { engine, sql } = yield* start(there)
        const other = yield* start(there)
        const { answered } = yield* consumer(other.engine)
        yield* Effect.flip(sql.withTransaction(Effect.andThen(ringNow(engine, "no"), Effect.fail("no"))))
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* ringNow(engine, "yes")
          if (name !== "SQLite") {
            yield* Effect.sleep("600 millis")
            assert.deepStrictEqual(answered, [])
          }
        }))
        yield* until(() => answered.length === 1)
      })
    )

    live(
      "calls off in the transaction of its caller: not when that is rolled back",
      Effect.gen(function*() {
        const { engine, sql } = yield* start(yield* database)
        const { answered } = yield* consumer(engine)
        const at = (yield* Clock.currentTimeMillis) + 3000
        for (const id of ["stays", "goes"]) yield* ringNow(engine, id, { at })
        const callOff = (id: string) => engine.cancel({ id, ring: `${id}:1` })
        yield* Effect.flip(sql.withTransaction(Effect.gen(function*() {
          yield* callOff("stays")
          assert.strictEqual((yield* engine.stats).delayed, 1)
          return yield* Effect.fail("no")
        })))
        yield* sql.withTransaction(callOff("goes"))
        assert.strictEqual((yield* engine.stats).delayed, 1)
        yield* until(() => answered.length === 1)
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(answered, ["stays"])
      })
    )

    live(
      "keeps a hundred rings until it is time for them, and leaves the others to other processes",
      Effect.gen(function*() {
        const there = yield* database
        // What a look may be late for is put in as early: both find it at once.
        const [here, elsewhere] = [
          yield* start(there, { pollInterval: "6 seconds" }),
          yield* start(there, { pollInterval: "6 seconds" })
        ]
        const at = (yield* Clock.currentTimeMillis) + 6900
        const ids = Array.from({ length: 150 }, (_, index) => `${index}`)
        yield* Effect.forEach(ids, (id) => ringNow(here.engine, id, { at }), { concurrency: 10 })
        const taken = Effect.map(
          here.sql<{ n: number }>`SELECT count(*) AS n FROM ${here.table} WHERE acquired_at IS NOT NULL`,
          ([row]) => Number(row!.n)
        )
        const takes = (n: number) =>
          Effect.andThen(
            Effect.repeat(taken, { until: (found) => found >= n, times: 150, schedule: Schedule.spaced("20 millis") }),
            Effect.delay(taken, "200 millis")
          )
        const one = yield* consumer(here.engine, { concurrency: 1 })
        // One more is in the hands of who has the slot.
        assert.strictEqual(yield* takes(101), 101)
        const other = yield* consumer(elsewhere.engine, { concurrency: 1 })
        assert.strictEqual(yield* takes(150), 150)
        yield* until(() => one.answered.length + other.answered.length === ids.length)
        assert.deepStrictEqual([...one.answered, ...other.answered].toSorted(), ids.toSorted())
      })
    )

    live(
      "makes its tables once, when many processes begin at once and when another comes later",
      Effect.gen(function*() {
        const there = yield* database
        const processes = yield* Effect.all(Array.from({ length: 5 }, () => start(there)), { concurrency: "unbounded" })
        yield* ringNow(processes[0]!.engine, "a")
        const late = yield* start(there)
        const { answered } = yield* consumer(late.engine)
        yield* until(() => answered.length === 1)
      })
    )

    live(
      "is unavailable when the database fails, and says why",
      Effect.gen(function*() {
        const { engine, sql, table } = yield* start(yield* database)
        yield* sql`DROP TABLE ${table}`
        for (const call of [ringNow(engine, "a"), engine.cancel({ id: "a", ring: "a:1" }), engine.stats]) {
          const { reason } = yield* Effect.flip(call)
          assert(reason._tag === "Unavailable")
          assert.isTrue(SqlError.isSqlError(reason.cause))
          assert.match(reason.message, /^The engine of the docket does not answer/)
        }
      })
    )

    live(
      "has an index for its cleaning",
      Effect.gen(function*() {
        const { sql, table } = yield* start(yield* database)
        const plan = yield* sql.onDialectOrElse({
          pg: () =>
            sql.withTransaction(Effect.andThen(
              sql`SET LOCAL enable_seqscan = off`,
              sql`EXPLAIN SELECT sequence FROM ${table} WHERE state = 'completed' AND updated_at <= NOW() LIMIT 1`
            )),
          orElse: () =>
            sql`EXPLAIN QUERY PLAN
              SELECT sequence FROM ${table} WHERE state = ${"completed"} AND updated_at <= CURRENT_TIMESTAMP LIMIT 1`
        })
        assert.match(JSON.stringify(plan), /docket_rings_over/)
      })
    )

    live(
      "answers others in the places of answers that have only to be written down, and of as many as there are places",
      Effect.gen(function*() {
        const { engine } = yield* start(yield* database)
        const begun: Array<string> = []
        const mayEnd = yield* Deferred.make<void>()
        const answer = (id: string, release: Effect.Effect<void>) =>
          Effect.andThen(
            Effect.sync(() => begun.push(id)),
            id === "holds" ? Deferred.await(mayEnd) : Effect.andThen(release, Deferred.await(mayEnd))
          )
        yield* Effect.forkScoped(engine.consume(answer, { concurrency: 2 }))
        yield* Effect.forEach(["holds", "b", "c", "d", "e"], (id) => ringNow(engine, id))
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(begun, ["holds", "b", "c", "d"])
        yield* Deferred.succeed(mayEnd, undefined)
        yield* until(() => begun.length === 5)
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(yield* engine.stats, { waiting: 0, delayed: 0, active: 0 })
      })
    )

    live(
      "hears of a ring of another process within an interval, and of its own at once",
      Effect.gen(function*() {
        const there = yield* database
        const { engine } = yield* start(there, { pollInterval: "1 second" })
        const other = yield* start(there, { pollInterval: "5 seconds" })
        const { answered } = yield* consumer(engine)
        yield* Effect.sleep("300 millis")
        yield* ringNow(engine, "own")
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(answered, ["own"])
        yield* ringNow(other.engine, "other's")
        yield* Effect.sleep("1500 millis")
        assert.deepStrictEqual(answered, ["own", "other's"])
      })
    )
  })
)

needing(postgres, () =>
  describe("DocketEnginePersistedQueue, when Postgres goes away", () => {
    const behind = Effect.gen(function*() {
      const { prefix } = yield* pg
      const way = yield* door(postgres.url)
      const there: Database = { prefix, client: () => pgLayer({ url: Redacted.make(way.url) }) }
      return { way, there, near: { prefix, client: () => pgLayer() } satisfies Database }
    })

    live(
      "fails to ring, goes on consuming when it is back, and complains once",
      Effect.gen(function*() {
        const { logged, logger } = listening()
        yield* Effect.gen(function*() {
          const { near, there, way } = yield* behind
          const { engine } = yield* start(there)
          const other = yield* start(near)
          const { answered } = yield* consumer(engine)
          yield* ringNow(engine, "before")
          yield* until(() => answered.length === 1)
          yield* Effect.repeat(engine.stats, { until: ({ active }) => active === 0, schedule: Schedule.spaced(20) })
          yield* way.shut
          const { reason } = yield* Effect.flip(ringNow(engine, "meanwhile"))
          assert.strictEqual(reason._tag, "Unavailable")
          yield* ringNow(other.engine, "after")
          yield* Effect.sleep("2 seconds")
          yield* way.open
          yield* until(() => answered.length === 2)
          assert.deepStrictEqual(answered, ["before", "after"])
        }).pipe(Effect.provide(logger))
        assert.deepStrictEqual(logged, ["The engine of the docket is interrupted and tried again."])
      })
    )

    live(
      "gives an answer that was begun to another process, when the way of the one is shut",
      Effect.gen(function*() {
        const { near, there, way } = yield* behind
        const { engine } = yield* start(there)
        const a = yield* consumer(engine, { pass: Effect.sleep("3 seconds") })
        yield* ringNow(engine, "a")
        yield* until(() => a.begun.length === 1)
        yield* way.shut
        const other = yield* start(near)
        const b = yield* consumer(other.engine)
        yield* until(() => b.answered.length === 1)
        assert.deepStrictEqual(b.answered, ["a"])
        yield* way.open
        yield* until(() => a.answered.length === 1)
        yield* Effect.sleep("500 millis")
        assert.deepStrictEqual(b.answered, ["a"])
      })
    )

    it.live("does not begin where there is no database, and says so", () =>
      Effect.gen(function*() {
        for (
          const [place, why] of [
            [pgLayer({ url: Redacted.make("postgres://postgres@127.0.0.1:1/test") }), /ECONNREFUSED/],
            [pgLayer({ startupParameters: { search_path: "not_there" } }), /no schema has been selected/]
          ] as const
        ) {
          const error = yield* Effect.flip(Effect.scoped(connect(Layer.provide(layerSql(), place))))
          assert(error instanceof DocketError.DocketError && error.reason._tag === "Unavailable")
          assert.isTrue(error.reason.isStart)
          assert.match(error.message, /^The engine of the docket cannot be opened/)
          assert.match(Cause.pretty(Cause.fail(error)), why)
        }
      }))
  }))
