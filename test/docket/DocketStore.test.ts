import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as TestClock from "effect/testing/TestClock"
import * as DocketError from "fastmcp-effect/docket/DocketError"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as DocketStoreRedis from "fastmcp-effect/docket/DocketStoreRedis"
import * as DocketStoreSql from "fastmcp-effect/docket/DocketStoreSql"
import type * as Execution from "fastmcp-effect/docket/Execution"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import {
  type Database,
  type Keys,
  keys,
  memory,
  onDatabases,
  onRedis,
  onSql,
  pgLayer,
  plainSqlite,
  watchedSqlite
} from "../session/places.ts"
import { proxy } from "../support/proxy.ts"
import { needing, postgres, redis } from "../support/services.ts"
import { after, claimed, execution, hour, type Store, succeeded, suite } from "./store.ts"

suite("in memory", { ...memory(() => DocketStore.layerMemory()), looksForUrgent: true, claims: true, undoes: false })

describe("DocketStore.layerMemory", () => {
  const start = (options: DocketStore.MemoryOptions) =>
    Effect.map(Layer.build(DocketStore.layerMemory(options)), Context.get(DocketStore.DocketStore))

  it.effect("refuses one more than it may keep, until one has expired", () =>
    Effect.gen(function*() {
      const store = yield* start({ maxExecutions: 2, cleanupInterval: "1 minute" })
      yield* store.add(execution("1", 0))
      yield* store.add(execution("2", 0))
      const { reason } = yield* Effect.flip(store.add(execution("3", 0)))
      assert.deepStrictEqual(reason, new DocketError.Full({ maximum: 2 }))
      assert.deepStrictEqual(yield* store.add(execution("2", 0)), execution("2", 0))
      yield* store.change(after(execution("1", 0), { _tag: "Cancel", reason: "", now: 0, keepMillis: 1000 }))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(yield* store.add(execution("3", 0)))
    }))
})

/** All that a store can be asked, but for `transaction`. */
const callsOf = (store: Store): ReadonlyArray<Effect.Effect<unknown, DocketError.DocketError>> => [
  store.add(execution("1", 0)),
  store.find("1"),
  store.find("1", ["mail"]),
  ...store.claim === undefined
    ? []
    : [store.claim({ id: "1", worker: "w", leaseMillis: 1, tasks: ["mail"], unless: "strike" })],
  store.change(claimed(execution("1", 0), 0)),
  store.change(after(execution("1", 0), { _tag: "Hold" })),
  store.renew([{ id: "1", generation: 1 }], 1),
  store.generations(["1"]),
  store.overdue({ graceMillis: 0, limit: 1 }),
  store.list({ limit: 1 }),
  store.counts,
  store.remove("1"),
  store.acquire({ key: "k", holder: "h", limit: 1, lifeMillis: 1 }),
  store.release({ key: "k", holder: "h" }),
  store.note({ kind: "k", id: "i", data: "" }),
  store.withdraw({ kind: "k", id: "i" }),
  store.notes("k")
]

const claim = (store: Store, id: string) =>
  store.claim!({ id, worker: "w", leaseMillis: -1, tasks: ["mail"], unless: "strike" })

const isUnavailable = (call: Effect.Effect<unknown, DocketError.DocketError>) =>
  Effect.map(Effect.flip(call), ({ reason }) => {
    assert(reason._tag === "Unavailable")
    assert.strictEqual(reason.part, "store of the docket")
    assert.isTrue(reason.isRetryable)
    return reason.cause
  })

const isUnreadable = (call: Effect.Effect<unknown, DocketError.DocketError>, id: string) =>
  Effect.map(Effect.flip(call), ({ reason }) => {
    assert(reason._tag === "Unreadable")
    assert.strictEqual(reason.id, id)
  })

const logging = (messages: Array<string>) =>
  Logger.layer([Logger.make(({ message }) => void messages.push(String((message as ReadonlyArray<unknown>)[0])))])

/** The laws of rows that cannot be read; `spoil` makes some of them so. */
const leavesOut = (
  store: Store,
  spoil: (ids: ReadonlyArray<string>) => Effect.Effect<unknown>,
  looksForUrgent: boolean
) => {
  const messages: Array<string> = []
  return Effect.gen(function*() {
    const now = 1_000_000
    const bad = Arr.range(1, 5).map((index) => `bad ${index}`)
    const good = Arr.range(1, 3).map((index) => `good ${index}`)
    yield* Effect.forEach(bad, (id, index) => store.add(execution(id, now, { priority: 9, dueAt: now - 900 + index })))
    yield* Effect.forEach(good, (id, index) => store.add(execution(id, now, { priority: 5, dueAt: now - 100 + index })))
    yield* store.add(execution("plain", now))
    const running = claimed(execution("bad 5", now, { priority: 9, dueAt: now - 896 }), now, -1)
    yield* store.change(running)
    yield* spoil(bad)
    messages.length = 0
    const overdue = (limit: number) =>
      Effect.map(store.overdue({ graceMillis: 0, limit }), ({ executions }) => executions.map(({ id }) => id))
    assert.deepStrictEqual(yield* overdue(2), ["good 1", "good 2"])
    assert.deepStrictEqual(yield* overdue(9), ["good 1", "good 2", "good 3", "plain"])
    if (looksForUrgent) {
      assert.strictEqual((yield* store.find("plain", ["mail"]))!.urgent?.id, "good 1")
      assert.strictEqual((yield* store.find("plain", ["mail"]))!.urgent?.id, "good 1")
    }
    const all: Array<string> = []
    let cursor: string | undefined
    do {
      const page: DocketStore.Page = yield* store.list({ limit: 3, cursor })
      all.push(...page.executions.map(({ id }) => id))
      cursor = page.cursor
    } while (cursor !== undefined)
    assert.deepStrictEqual(all, ["plain", "good 3", "good 2", "good 1"])
    assert.deepStrictEqual(
      messages,
      messages.filter((message) => /^The execution "bad \d" is not in a form this version reads/.test(message))
    )
    assert.strictEqual(messages.length, 5)
    yield* isUnreadable(store.find("bad 1"), "bad 1")
    yield* isUnreadable(store.add(execution("bad 1", now)), "bad 1")
    assert.deepStrictEqual(yield* store.renew([{ id: "bad 5", generation: 2 }], -1), ["bad 5"])
    // Others may be able to read it.
    assert.isTrue(yield* store.change(succeeded(running, now, 1e15)))
    assert.strictEqual((yield* store.find("bad 5"))?.execution.status, "Succeeded")
    assert.isTrue(yield* store.remove("bad 1"))
    assert.isUndefined(yield* store.add(execution("bad 1", now, { dueAt: now - 950, priority: 9 })))
    yield* store.find("bad 1")
    assert.deepStrictEqual(yield* overdue(2), ["bad 1", "good 1"])
    if (looksForUrgent) assert.strictEqual((yield* store.find("plain", ["mail"]))!.urgent?.id, "bad 1")
  }).pipe(Effect.provide(logging(messages)))
}

/** A process with its client in hand. */
const start = ({ client, prefix }: Database, options: DocketStoreSql.Options = {}) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(DocketStoreSql.layer({ prefix, ...options }).pipe(Layer.provideMerge(client())))
    const sql = Context.get(services, SqlClient.SqlClient)
    const tables = ["docket_executions", "docket_slots", "docket_notes"].map((name) => sql(prefix + name))
    const count = (table: Statement.Identifier) =>
      Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM ${table}`, ([row]) => Number(row!.n))
    return {
      sql,
      tables,
      executions: tables[0]!,
      rows: Effect.forEach(tables, count),
      store: Context.get(services, DocketStore.DocketStore)
    }
  })

suite("on SQLite with a client of another make", {
  ...onSql(plainSqlite, (prefix) => DocketStoreSql.layer({ prefix })),
  looksForUrgent: true,
  claims: false,
  undoes: true
})

onDatabases((name, database) => {
  suite(`on ${name}`, {
    ...onSql(database, (prefix) => DocketStoreSql.layer({ prefix })),
    time: name === "SQLite" ? "virtual" : "real",
    looksForUrgent: true,
    claims: false,
    undoes: true
  })

  describe(`DocketStoreSql on ${name}`, () => {
    it.live("makes its tables once, when many processes begin at once and when another comes later", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* database
        const fresh = { client, prefix: `${prefix}fresh_` }
        const processes = yield* Effect.all(Array.from({ length: 5 }, () => start(fresh)), { concurrency: "unbounded" })
        yield* processes[0]!.store.add(execution("1", 0))
        const late = yield* start(fresh)
        assert.deepStrictEqual((yield* late.store.find("1"))?.execution, execution("1", 0))
      })))

    it.live("deletes what has expired, however much, and nothing else", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const first = yield* start(place, { cleanupInterval: Duration.infinity })
        const end = { now: 0, keepMillis: 1 }
        yield* Effect.forEach(Arr.range(1, 1200), (index) => {
          const one = execution(String(index), 0)
          return Effect.andThen(
            first.store.add(one),
            first.store.change(after(one, { _tag: "Cancel", reason: "", ...end }))
          )
        }, { concurrency: 4, discard: true })
        yield* first.store.add(execution("waits", 0))
        yield* first.store.add(execution("runs", 0))
        yield* first.store.change(claimed(execution("runs", 0), 0, 1))
        yield* first.store.acquire({ key: "k", holder: "a", limit: 5, lifeMillis: -1 })
        yield* first.store.acquire({ key: "k", holder: "b", limit: 5, lifeMillis: hour })
        assert.deepStrictEqual(yield* first.rows, [1202, 2, 0])
        yield* start(place)
        while ((yield* first.rows)[0]! > 2) yield* Effect.sleep("5 millis")
        assert.deepStrictEqual(yield* first.rows, [2, 1, 0])
      })), 30_000)

    it.live("is unavailable when the database fails, and says why", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* database
        const { sql, store, tables } = yield* start({ client, prefix: `${prefix}gone_` }, {
          cleanupInterval: Duration.infinity
        })
        yield* Effect.forEach(tables, (table) => sql`DROP TABLE ${table}`)
        for (const call of callsOf(store)) assert.isTrue(SqlError.isSqlError(yield* isUnavailable(call)))
      })))

    it.live("writes in the transaction of its caller, whose own failures stay what they are", () =>
      Effect.scoped(Effect.gen(function*() {
        const { sql, store } = yield* start(yield* database)
        const write = Effect.andThen(
          store.add(execution("1", 0)),
          store.acquire({ key: "k", holder: "a", limit: 1, lifeMillis: hour })
        )
        yield* Effect.flip(sql.withTransaction(Effect.andThen(write, Effect.fail("no"))))
        assert.isUndefined(yield* store.find("1"))
        const own = yield* Effect.flip(store.transaction(Effect.andThen(write, sql`SELECT * FROM nowhere`)))
        assert.isTrue(SqlError.isSqlError(own))
        assert.isUndefined(yield* store.find("1"))
        yield* store.transaction(Effect.andThen(write, store.transaction(store.add(execution("2", 0)))))
        assert.isDefined(yield* store.find("2"))
        assert.isDefined(yield* store.acquire({ key: "k", holder: "b", limit: 1, lifeMillis: hour }))
      })))

    it.live("leaves out what it cannot read, and says so once", () =>
      Effect.scoped(Effect.gen(function*() {
        const { executions, sql, store } = yield* start(yield* database)
        const states = ["{", "[]", "null", "{\"attempt\":\"one\"}", "{}"]
        yield* leavesOut(
          store,
          (ids) =>
            Effect.orDie(
              Effect.forEach(
                ids,
                (id, index) => sql`UPDATE ${executions} SET state = ${states[index]!} WHERE id = ${id}`
              )
            ),
          true
        )
      })))

    it.live("asks one statement for what is done often, and sends a payload only where it may be new", () =>
      Effect.gen(function*() {
        const asked: Array<readonly [sql: string, params: ReadonlyArray<unknown>]> = []
        yield* Effect.scoped(Effect.gen(function*() {
          const { store } = yield* start(yield* database, { cleanupInterval: Duration.infinity })
          const statements = <A, E>(operation: Effect.Effect<A, E>) =>
            Effect.suspend(() => {
              asked.length = 0
              return Effect.map(operation, () => asked.map(([, params]) => params.includes(execution("1", 0).payload)))
            })
          const first = execution("1", 0)
          assert.deepStrictEqual(yield* statements(store.add(first)), [true])
          assert.deepStrictEqual(yield* statements(store.find("1")), [false])
          assert.deepStrictEqual(yield* statements(store.find("1", ["mail"])), [false])
          const running = claimed(first, 0)
          assert.deepStrictEqual(yield* statements(store.change(running)), [false])
          assert.deepStrictEqual(yield* statements(store.renew([{ id: "1", generation: 2 }], hour)), [false])
          assert.deepStrictEqual(yield* statements(store.change(succeeded(running, 0, 1e15))), [false])
          assert.deepStrictEqual(yield* statements(store.overdue({ graceMillis: 0, limit: 9 })), [false])
          const replaced = after(succeeded(running, 0, 1e15), { _tag: "Replace", by: first })
          assert.deepStrictEqual(yield* statements(store.change(replaced)), [true])
          // Many at one moment are one, and no more where some are refused.
          const add = yield* DocketStore.makeAdder(store, { one: () => Effect.void, many: () => Effect.void })
          const all = Arr.range(10, 19).map((id) => execution(String(id), 0))
          const atOnce = { concurrency: "unbounded" } as const
          assert.deepStrictEqual(yield* statements(Effect.all(all.map(add), atOnce)), [false])
          const late = { ...claimed(all[0]!, 0), generation: 3 }
          const changes = [late, ...all.slice(1).map((one) => claimed(one, 0))].map((one) => store.change(one))
          assert.deepStrictEqual(yield* statements(Effect.all(changes, atOnce)), [false])
        })).pipe(
          Effect.provideService(Statement.CurrentTransformer, (statement) =>
            Effect.sync(() => {
              asked.push(statement.compile())
              return statement
            }))
        )
      }))
  })
})

it.effect("runs one statement over and over on SQLite, for what many want at one moment, and none for all", () =>
  Effect.scoped(Effect.gen(function*() {
    const database = yield* watchedSqlite
    const { store } = yield* start(database, { cleanupInterval: Duration.infinity })
    const add = yield* DocketStore.makeAdder(store, { one: () => Effect.void, many: () => Effect.void })
    const all = Arr.range(10, 19).map((id) => execution(String(id), 0))
    const atOnce = { concurrency: "unbounded" } as const
    assert.deepStrictEqual(yield* Effect.all(all.map(add), atOnce), all.map(() => undefined))
    const changes = all.map((one) => store.change(claimed(one, 0)))
    assert.deepStrictEqual(yield* Effect.all(changes, atOnce), all.map(() => true))
    assert.deepStrictEqual(database.otherwise, [])
  })))

it.effect("works behind a client that renames tables", () =>
  Effect.gen(function*() {
    const store = yield* DocketStore.DocketStore
    yield* store.add(execution("1", 0))
    assert.isTrue(yield* store.change(claimed(execution("1", 0), 0)))
    assert.deepStrictEqual((yield* store.find("1", ["mail"]))?.execution, claimed(execution("1", 0), 0))
  }).pipe(Effect.provide(
    DocketStoreSql.layer({ prefix: "myApp_" }).pipe(Layer.provide(SqliteClient.layer({
      filename: ":memory:",
      transformQueryNames: (name) => name.replace("myApp", "my_app")
    })))
  )))

it.effect("works behind a client that renames columns", () =>
  Effect.gen(function*() {
    const store = yield* DocketStore.DocketStore
    yield* store.add(execution("1", 0))
    yield* store.change(claimed(execution("1", 0), 0))
    assert.deepStrictEqual((yield* store.find("1", ["mail"]))?.execution, claimed(execution("1", 0), 0))
    assert.strictEqual((yield* store.list({ limit: 1 })).executions.length, 1)
    assert.isUndefined(yield* store.acquire({ key: "k", holder: "a", limit: 1, lifeMillis: 1 }))
  }).pipe(Effect.provide(
    DocketStoreSql.layer().pipe(Layer.provide(SqliteClient.layer({
      filename: ":memory:",
      transformQueryNames: (name) => name.toUpperCase(),
      transformResultNames: (name) => `x${name}`
    })))
  )))

needing(postgres, () => {
  describe("DocketStoreSql on a Postgres that is gone", () => {
    it.live("is unavailable, in the middle of a transaction too", () =>
      Effect.scoped(Effect.gen(function*() {
        const { hostname, port } = new URL(postgres.url)
        const way = yield* proxy({ host: hostname, port: Number(port) })
        const url = new URL(postgres.url)
        url.host = `127.0.0.1:${way.port}`
        const { sql, store, tables } = yield* start({
          prefix: "t_docket_gone_",
          client: () => pgLayer({ url: Redacted.make(url.href), connectTimeout: "1 second" })
        })
        yield* Effect.forEach(tables, (table) => sql`DROP TABLE ${table}`)
        const cut = Effect.andThen(Effect.sync(() => way.close()), store.add(execution("1", 0)))
        yield* isUnavailable(store.transaction(Effect.andThen(store.notes("k").pipe(Effect.ignore), cut)))
        for (const call of callsOf(store)) yield* isUnavailable(call)
        yield* isUnavailable(store.transaction(Effect.void))
      })), 30_000)
  })
})

const startRedis = ({ client, prefix }: Keys, options: DocketStoreRedis.Options = {}) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      DocketStoreRedis.layer({ prefix, ...options }).pipe(Layer.provideMerge(client()))
    )
    const { send } = Context.get(services, Redis.Redis)
    return {
      prefix,
      send,
      names: Effect.map(
        send<Array<string>>("KEYS", `${prefix}*`),
        (names) => names.map((name) => name.slice(prefix.length)).toSorted()
      ),
      store: Context.get(services, DocketStore.DocketStore)
    }
  })

needing(redis, () => {
  suite("on Redis", {
    ...onRedis((prefix) => DocketStoreRedis.layer({ prefix })),
    looksForUrgent: false,
    claims: true,
    undoes: false
  })

  describe("DocketStoreRedis", () => {
    const ended = (
      id: string,
      now: number,
      keepMillis: number
    ): readonly [Execution.Execution, Execution.Execution] => [
      execution(id, now, { schedule: "s" }),
      after(execution(id, now, { schedule: "s" }), { _tag: "Cancel", reason: "", now, keepMillis })
    ]

    it.live(
      "lets go of what has expired by itself, and takes it out of the indexes",
      () =>
        Effect.scoped(Effect.gen(function*() {
          const place = yield* keys
          const { names, prefix, send, store } = yield* startRedis(place, { cleanupInterval: Duration.infinity })
          const now = Date.now()
          for (const index of Arr.range(1, 600)) {
            const [first, end] = ended(String(index), now, index === 600 ? hour : 1)
            yield* store.add(first)
            yield* store.change(end)
          }
          const life = yield* send<number>("PTTL", `${prefix}execution:600`)
          assert.isTrue(life > hour - 20_000 && life <= hour)
          yield* Effect.sleep("5 millis")
          assert.deepStrictEqual((yield* names).filter((name) => name.startsWith("execution:")), ["execution:600"])
          yield* startRedis(place)
          while ((yield* send<number>("ZCARD", `${prefix}index:in:Cancelled:mail`)) > 1) yield* Effect.sleep("5 millis")
          assert.strictEqual(yield* send("HLEN", `${prefix}facts`), 1)
          assert.isTrue(yield* store.remove("600"))
          assert.deepStrictEqual(yield* names, ["sequence"])
        })),
      30_000
    )

    it.live("cleans a little with each one that is added", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* startRedis(yield* keys, { cleanupInterval: Duration.infinity })
        const now = Date.now()
        for (const index of Arr.range(1, 200)) {
          const [first, end] = ended(String(index), now, 1)
          yield* store.add(first)
          yield* store.change(end)
        }
        assert.isBelow(yield* send<number>("ZCARD", `${prefix}index:in:Cancelled:mail`), 20)
      })))

    it.live("gives pages where much has to be looked at", () =>
      Effect.scoped(Effect.gen(function*() {
        const { store } = yield* startRedis(yield* keys)
        const now = Date.now()
        yield* store.add(execution("rare", now))
        yield* Effect.forEach(
          Arr.range(1, 2500),
          (index) => store.add(execution(String(index), now, { isHeld: true })),
          { concurrency: 50, discard: true }
        )
        const query = { status: "Scheduled", isHeld: false, limit: 5 } as const
        let page = yield* store.list(query)
        let pages = 1
        while (page.executions.length === 0) {
          page = yield* store.list({ ...query, cursor: page.cursor })
          pages++
        }
        assert.deepStrictEqual(page, {
          executions: [execution("rare", now)],
          cursor: undefined
        })
        assert.strictEqual(pages, 3)
      })), 30_000)

    it.live("leaves out what it cannot read, and says so once", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* startRedis(yield* keys)
        const states = ["{", "[]", "null", "{\"attempt\":\"one\"}", "{}"]
        yield* leavesOut(
          store,
          (ids) =>
            Effect.orDie(
              Effect.forEach(ids, (id, index) => send("HSET", `${prefix}execution:${id}`, "state", states[index]!))
            ),
          false
        )
      })))

    it.live("leaves alone what was written in another form, and out what it has claimed and cannot read", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* startRedis(yield* keys)
        const now = Date.now()
        yield* Effect.forEach(["later", "bad", "lost", "good"], (id) => store.add(execution(id, now)))
        yield* send("HSET", `${prefix}execution:later`, "free", "2/0", "state", "[]")
        yield* send("HSET", `${prefix}execution:bad`, "state", "[]")
        yield* isUnreadable(claim(store, "later"), "later")
        assert.deepStrictEqual(yield* store.generations(["later"]), [{ id: "later", generation: 1 }])
        yield* isUnreadable(claim(store, "bad"), "bad")
        assert.deepStrictEqual(yield* store.generations(["bad"]), [{ id: "bad", generation: 2 }])
        assert.isTrue((yield* claim(store, "lost"))?.isClaimed)
        yield* send("HDEL", `${prefix}execution:lost`, "state")
        yield* isUnreadable(store.find("lost"), "lost")
        assert.deepStrictEqual((yield* store.list({ limit: 9 })).executions, [execution("good", now)])
        const { executions } = yield* store.overdue({ graceMillis: -hour, limit: 9 })
        assert.deepStrictEqual(executions, [execution("good", now)])
      })))

    it.live("changes and removes what it has lost from its indexes", () =>
      Effect.scoped(Effect.gen(function*() {
        const { names, prefix, send, store } = yield* startRedis(yield* keys)
        const now = Date.now()
        const first = execution("1", now, { schedule: "s" })
        yield* store.add(first)
        for (const facts of [undefined, "not JSON"]) {
          yield* send("DEL", `${prefix}facts`, `${prefix}index:in:Scheduled:mail`)
          if (facts !== undefined) yield* send("HSET", `${prefix}facts`, "1", facts)
          const found = (yield* store.find("1"))!.execution
          const changed = found.isHeld === true ? after(found, { _tag: "Restore" }) : after(found, { _tag: "Hold" })
          assert.isTrue(yield* store.change(changed))
          assert.deepStrictEqual((yield* store.list({ schedule: "s", limit: 2 })).executions, [changed])
          assert.deepStrictEqual((yield* store.list({ limit: 2 })).executions, [changed])
        }
        assert.isTrue(yield* store.remove("1"))
        assert.deepStrictEqual(yield* names, ["sequence"])
      })))

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* startRedis(yield* keys, { cleanupInterval: Duration.infinity })
        yield* send("SET", `${prefix}execution:1`, "not a hash")
        yield* isUnavailable(store.find("1"))
        yield* isUnavailable(store.change(claimed(execution("1", 0), 0)))
      })))

    it.live("is unavailable when Redis is gone", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* keys
        const { hostname, port } = new URL(redis.url)
        const way = yield* proxy({ host: hostname, port: Number(port) })
        const { store } = yield* startRedis(
          {
            prefix,
            client: () =>
              client({
                url: `redis://127.0.0.1:${way.port}`,
                disableOfflineQueue: true,
                socket: { reconnectStrategy: false }
              })
          },
          { cleanupInterval: Duration.infinity }
        )
        yield* store.notes("k")
        way.close()
        yield* Effect.sleep("50 millis")
        for (const call of callsOf(store)) yield* isUnavailable(call)
      })), 60_000)
  })
})
