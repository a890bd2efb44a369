import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as TestClock from "effect/testing/TestClock"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import type * as Session from "fastmcp-effect/session/Session"
import type * as SessionError from "fastmcp-effect/session/SessionError"
import * as SessionStore from "fastmcp-effect/session/SessionStore"
import * as SessionStoreSql from "fastmcp-effect/session/SessionStoreSql"
import { needing, postgres } from "../support/services.ts"
import { suite } from "./contract/SessionStore.ts"
import { type Database, onDatabases, onSql, pg, pgLayer } from "./places.ts"

const layer = (prefix: string) => SessionStoreSql.layer({ prefix })

const session = (id: string): Session.Session => ({
  id,
  principal: null,
  revision: "2025-11-25",
  clientInfo: { name: "tester", version: "1.0.0" },
  capabilities: {},
  watched: [],
  values: {}
})

const options: SessionStore.CreateOptions = {
  idle: Duration.seconds(10),
  maxSessions: 5000,
  maxSessionsPerCaller: 5000
}

/** A process with its client in hand. */
const start = ({ client, prefix }: Database, options: SessionStoreSql.Options = {}) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      SessionStoreSql.layer({ prefix, ...options }).pipe(Layer.provideMerge(client()))
    )
    const sql = Context.get(services, SqlClient.SqlClient)
    const rows = Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM ${sql(`${prefix}sessions`)}`, ([row]) =>
      Number(row!.n))
    return { sql, rows, sessions: sql(`${prefix}sessions`), store: Context.get(services, SessionStore.SessionStore) }
  })

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, layer))

  describe(`SessionStoreSql on ${name}`, () => {
    it.effect("makes its table once, when many processes begin at once and when another comes later", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* database
        const fresh = { client, prefix: `${prefix}fresh_` }
        const processes = yield* Effect.all(Array.from({ length: 5 }, () => start(fresh)), { concurrency: "unbounded" })
        yield* processes[0]!.store.create(session("one"), options)
        const late = yield* start(fresh)
        assert.deepStrictEqual(yield* late.store.get("one"), { version: 1, session: session("one") })
      }))

    it.effect("takes what it cannot read for no session, and warns without naming it", () => {
      const logged: Array<string> = []
      return Effect.gen(function*() {
        const { sessions, sql, store } = yield* start(yield* database)
        for (const [id, data] of [["0123456789a", "{}"], ["0123456789b", "no JSON"]] as const) {
          yield* store.create(session(id), options)
          yield* sql`UPDATE ${sessions} SET data = ${data} WHERE id = ${id}`
          assert.isUndefined(yield* store.get(id))
          assert.include(logged.at(-1), "session 01234567...")
          assert.notInclude(logged.join(), id)
        }
        assert.isTrue(yield* store.remove("0123456789a"))
      }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
    })

    it.effect("deletes expired sessions, however many, and no others", () =>
      Effect.gen(function*() {
        const { rows, sessions, sql, store } = yield* start(yield* database, { cleanupInterval: "30 seconds" })
        yield* store.create(session("one"), options)
        yield* store.create(session("long"), { ...options, idle: Duration.minutes(1) })
        const [kept] = yield* sql<{ data: string }>`SELECT data FROM ${sessions}`
        const many = Arr.makeBy(1200, (index) => ({
          id: `many ${index}`,
          principal: null,
          version: 1,
          data: kept!.data,
          idle: 10_000,
          expires_at: 10_000
        }))
        yield* sql`INSERT INTO ${sessions} ${sql.insert(many)}`
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(yield* rows, 1202)
        yield* TestClock.adjust("1 second")
        while ((yield* rows) > 1) yield* TestClock.withLive(Effect.sleep("5 millis"))
        assert.isDefined(yield* store.get("long"))
      }))

    it.effect("leaves them where they are if it is told to", () =>
      Effect.gen(function*() {
        const { rows, store } = yield* start(yield* database, { cleanupInterval: Duration.infinity })
        yield* store.create(session("one"), options)
        yield* TestClock.adjust("10 days")
        yield* TestClock.withLive(Effect.sleep("30 millis"))
        assert.strictEqual(yield* rows, 1)
        assert.strictEqual(yield* store.size, 0)
      }))

    it.effect("is unavailable when the database fails, and says why", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* database
        const { sessions, sql, store } = yield* start({ client, prefix: `${prefix}gone_` })
        yield* sql`DROP TABLE ${sessions}`
        const calls = [
          store.create(session("one"), options),
          store.get("one"),
          store.replace(1, session("one")),
          store.remove("one"),
          store.size
        ]
        for (const call of calls) {
          const { reason } = yield* Effect.flip(call as Effect.Effect<never, SessionError.SessionError>)
          assert(reason._tag === "Unavailable" && reason.store === "session store")
          assert.isTrue(reason.isRetryable)
          assert.isTrue(SqlError.isSqlError(reason.cause))
        }
      }))

    it.live("keeps the limit though the statements of two processes come by turns", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const stores = [(yield* start(place)).store, (yield* start(place)).store]
        const created = yield* Effect.forEach(
          Array(10).keys(),
          (index) =>
            Effect.match(stores[index % 2]!.create(session(`${index}`), { ...options, maxSessions: 3 }), {
              onSuccess: () => "kept",
              onFailure: ({ reason }) => reason._tag
            }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(created.toSorted(), [...Array(7).fill("Full"), ...Array(3).fill("kept")])
      })).pipe(
        // SQLite's client runs the statements of a transaction without a break.
        Effect.provideService(
          Statement.CurrentTransformer,
          (statement) => Effect.as(Effect.sleep("1 millis"), statement)
        )
      ))

    it.effect("writes in the transaction of its caller", () =>
      Effect.gen(function*() {
        const { sql, store } = yield* start(yield* database)
        const created = store.create(session("one"), options)
        yield* Effect.flip(sql.withTransaction(Effect.andThen(created, Effect.fail("no"))))
        assert.strictEqual(yield* store.size, 0)
        yield* sql.withTransaction(created)
        assert.strictEqual(yield* store.size, 1)
      }))
  })
})

it.effect("works behind a client that renames columns", () =>
  Effect.gen(function*() {
    const store = yield* SessionStore.SessionStore
    yield* store.create(session("one"), options)
    assert.deepStrictEqual(yield* store.get("one"), { version: 1, session: session("one") })
    assert.isTrue(yield* store.remove("one"))
  }).pipe(Effect.provide(
    SessionStoreSql.layer().pipe(Layer.provide(SqliteClient.layer({
      filename: ":memory:",
      transformQueryNames: (name) => name.toUpperCase(),
      transformResultNames: (name) => `x${name}`
    })))
  )))

it.effect("refuses another kind of database", () =>
  Effect.gen(function*() {
    const acquirer = Effect.die("not to be asked")
    const compiler = Statement.makeCompiler({
      dialect: "mysql",
      placeholder: () => "?",
      onIdentifier: (name) => name,
      onRecordUpdate: () => ["", []],
      onCustom: () => ["", []]
    })
    const client = Layer.effect(
      SqlClient.SqlClient,
      SqlClient.make({ acquirer, compiler, driver: "x", spanAttributes: [] })
    )
    const exit = yield* Effect.exit(
      Layer.build(SessionStoreSql.layer().pipe(Layer.provide(client), Layer.provide(Reactivity.layer)))
    )
    assert.include(Exit.isFailure(exit) ? String(exit.cause) : "", "works on SQLite and on Postgres")
  }))

needing(postgres, () => {
  it.live("needs no right to create tables where they are", () =>
    Effect.scoped(Effect.gen(function*() {
      const { client, prefix } = yield* pg
      const { sql } = yield* start({ client, prefix })
      const role = sql(`${prefix}role`)
      yield* Effect.acquireRelease(
        sql`CREATE ROLE ${role}`,
        () => Effect.orDie(Effect.andThen(sql`DROP OWNED BY ${role}`, sql`DROP ROLE ${role}`))
      )
      yield* sql`GRANT SELECT, INSERT, UPDATE, DELETE ON ${sql(`${prefix}sessions`)} TO ${role}`
      const limited = () => pgLayer({ startupOptions: `-c role=${prefix}role` })
      const { sql: other, store } = yield* start({ client: limited, prefix })
      yield* store.create(session("one"), options)
      assert.isDefined(yield* store.get("one"))
      assert.strictEqual(
        (yield* Effect.flip(other`CREATE TABLE ${other(`${prefix}x`)} (a int)`)).reason._tag,
        "AuthorizationError"
      )
    })))

  it.live("is unavailable, not broken, when its connections are cut in the middle of a transaction", () =>
    Effect.scoped(Effect.gen(function*() {
      const { client, prefix } = yield* pg
      const application = `${prefix}cut`
      const { sql } = yield* start({ client, prefix })
      const { store } = yield* start({ client: () => pgLayer({ applicationName: application }), prefix })
      // Within a transaction the server would go on telling what it told first.
      const { sql: watching } = yield* start({ client, prefix })
      // Whoever creates a session waits for this lock, within its own transaction.
      const outcomes = yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`SELECT pg_advisory_xact_lock(hashtextextended(${`${prefix}sessions`}, 0))`
        const creating = Effect.forEach(
          Array(3).keys(),
          (index) => Effect.exit(store.create(session(`${index}`), options)),
          {
            concurrency: "unbounded"
          }
        )
        const waiting = watching<{ pid: number }>`
          SELECT pid FROM pg_stat_activity WHERE application_name = ${application} AND wait_event_type = 'Lock'`
        const cutting = Effect.gen(function*() {
          while ((yield* waiting).length < 3) yield* Effect.sleep("10 millis")
          yield* watching`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ${application}`
        })
        const [outcomes] = yield* Effect.all([creating, cutting], { concurrency: 2 })
        return outcomes
      }))
      for (const outcome of outcomes) {
        const error = Exit.isFailure(outcome) ? outcome.cause.reasons : []
        assert.deepStrictEqual(error.map((reason) => reason._tag === "Fail" && reason.error.reason._tag), [
          "Unavailable"
        ])
      }
      yield* store.create(session("after"), options)
      assert.strictEqual(yield* store.size, 1)
    })))
})
