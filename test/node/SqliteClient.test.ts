import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as SqlTemplate from "fastmcp-effect/storage/SqlTemplate"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { plain } from "../session/places.ts"

const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => path.join(folder, "test.db")
)

const open = (options: SqliteClient.Options) =>
  Effect.map(Layer.build(SqliteClient.layer(options)), Context.get(SqlClient.SqlClient))

const inMemory = open({ filename: ":memory:" })

const reasonOf = <A>(effect: Effect.Effect<A, SqlError.SqlError>) =>
  Effect.match(effect, {
    onSuccess: () => assert.fail("it has not failed"),
    onFailure: ({ reason }) => reason
  })

const realSleep = (millis: number) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))

const counter = (sql: SqlClient.SqlClient) =>
  Effect.andThen(sql`CREATE TABLE counter (n INTEGER NOT NULL)`, sql`INSERT INTO counter VALUES (0)`)

const valueOf = (sql: SqlClient.SqlClient) => Effect.map(sql<{ n: number }>`SELECT n FROM counter`, ([row]) => row!.n)

/** Reads, lets others have their turn, and writes. */
const add = (sql: SqlClient.SqlClient) =>
  sql.withTransaction(Effect.gen(function*() {
    const n = yield* valueOf(sql)
    yield* realSleep(1)
    yield* sql`UPDATE counter SET n = ${n + 1}`
  }))

describe("values", () => {
  it.effect("come back as they were given, booleans as numbers", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* sql`CREATE TABLE t (i, r, s, b, n, u, t, f)`
      const bytes = new Uint8Array([0, 1, 255])
      yield* sql`INSERT INTO t VALUES (${-5}, ${1.5}, ${"ä\u0000\ud83d\ude00'"}, ${bytes}, ${null}, ${undefined}, ${true}, ${false})`
      assert.deepStrictEqual(yield* sql`SELECT * FROM t`, [
        { i: -5, r: 1.5, s: "ä\u0000\ud83d\ude00'", b: bytes, n: null, u: null, t: 1, f: 0 }
      ])
      assert.deepStrictEqual(yield* sql`SELECT i, b FROM t`.values, [[-5, bytes]])
    }))

  it.effect("are bigints where the caller asks for safe integers, and an error where a number cannot hold them", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* sql`CREATE TABLE t (n INTEGER)`
      yield* sql`INSERT INTO t VALUES (${2n ** 62n})`
      const select = sql`SELECT n FROM t`
      assert.match((yield* reasonOf(select)).message!, /too large/)
      const safe = Effect.provideService(select, SqlClient.SafeIntegers, true)
      assert.deepStrictEqual(yield* safe, [{ n: 2n ** 62n }])
      // The same statement from the cache, the other way round.
      yield* sql`UPDATE t SET n = 7`
      assert.deepStrictEqual(yield* select, [{ n: 7 }])
      assert.deepStrictEqual(yield* safe, [{ n: 7n }])
    }))

  it.effect("are refused where SQLite has nothing like them", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      for (const value of [Symbol("s"), new Date(0), { a: 1 }, [1], 2n ** 70n]) {
        const reason = yield* reasonOf(sql`SELECT ${value}`)
        assert.strictEqual(reason._tag, "UnknownError")
        assert.match(reason.message!, /bind|bound/)
      }
    }))

  it.effect("have the names of the program, where a transformation is given", () =>
    Effect.gen(function*() {
      const sql = yield* open({
        filename: ":memory:",
        transformQueryNames: (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        transformResultNames: (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
      })
      yield* sql`CREATE TABLE t (first_name)`
      yield* sql`INSERT INTO t ${sql.insert({ firstName: "Ada" })}`
      assert.deepStrictEqual(yield* sql`SELECT ${sql("firstName")} FROM t`, [{ firstName: "Ada" }])
      assert.deepStrictEqual(yield* sql`SELECT first_name FROM t`.withoutTransform, [{ first_name: "Ada" }])
      assert.deepStrictEqual(yield* Stream.runCollect(sql`SELECT first_name FROM t`.stream), [{ firstName: "Ada" }])
    }))
})

describe("statements", () => {
  it.effect("answer with rows, with nothing, and raw with what has changed", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      assert.deepStrictEqual(yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY, s)`, [])
      assert.deepStrictEqual(yield* sql`INSERT INTO t (s) VALUES ('a'), ('b') RETURNING id`, [{ id: 1 }, { id: 2 }])
      assert.deepStrictEqual(yield* sql`UPDATE t SET s = 'c'`.raw, { changes: 2, lastInsertRowid: 2 })
      assert.deepStrictEqual(yield* sql`SELECT s FROM t WHERE ${sql.in("id", [1, 2])}`.unprepared, [
        { s: "c" },
        { s: "c" }
      ])
    }))

  it.effect("go on working when they are more than the cache holds, or the table has changed", () =>
    Effect.gen(function*() {
      const sql = yield* open({ filename: ":memory:", statementCacheSize: 2 })
      yield* sql`CREATE TABLE t (a)`
      yield* sql`INSERT INTO t VALUES (1)`
      for (let round = 0; round < 3; round++) {
        for (let index = 0; index < 5; index++) {
          assert.deepStrictEqual(yield* sql.unsafe(`SELECT a + ${index} AS n FROM t`), [{ n: 1 + index }])
        }
      }
      const all = sql`SELECT * FROM t`
      assert.deepStrictEqual(yield* all, [{ a: 1 }])
      yield* sql`ALTER TABLE t ADD COLUMN b`
      assert.deepStrictEqual(yield* all, [{ a: 1, b: null }])
    }))

  it.effect("stream their rows, and leave the connection to others when nobody wants more", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      const numbers = (to: number) =>
        sql<
          { n: number }
        >`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${to}) SELECT n FROM c`
          .stream
      const all = yield* Stream.runCollect(numbers(1000))
      assert.deepStrictEqual(all.map(({ n }) => n), Array.from({ length: 1000 }, (_, index) => index + 1))
      const some = yield* numbers(1_000_000_000).pipe(Stream.take(3), Stream.runCollect)
      assert.deepStrictEqual(some, [{ n: 1 }, { n: 2 }, { n: 3 }])
      assert.deepStrictEqual(yield* sql`SELECT 1 AS one`, [{ one: 1 }])
      const failing = sql`SELECT abs(value) AS n FROM json_each('[1, -9223372036854775808]')`.stream
      assert.match((yield* reasonOf(Stream.runDrain(failing))).message!, /overflow/)
    }))

  it.effect("say by their reason what is wrong", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, age CHECK (age > 0))`
      yield* sql`INSERT INTO t VALUES (1, 'ada', 36)`
      const reasons = {
        unique: yield* reasonOf(sql`INSERT INTO t VALUES (2, 'ada', 36)`),
        key: yield* reasonOf(sql`INSERT INTO t VALUES (1, 'bob', 36)`),
        check: yield* reasonOf(sql`INSERT INTO t VALUES (2, 'bob', 0)`),
        syntax: yield* reasonOf(sql`SELEC 1`),
        table: yield* reasonOf(sql`SELECT * FROM nowhere`),
        folder: yield* reasonOf(
          Effect.scoped(open({ filename: path.join(os.tmpdir(), "no", "such", "folder", "test.db") }))
        )
      }
      assert.deepStrictEqual(Object.values(reasons).map(({ _tag }) => _tag), [
        "UniqueViolation",
        "ConstraintError",
        "ConstraintError",
        "SqlSyntaxError",
        "SqlSyntaxError",
        "ConnectionError"
      ])
      assert.deepInclude(reasons.unique, { constraint: "t.name", message: "UNIQUE constraint failed: t.name" })
    }))
})

describe("transactions", () => {
  it.effect("are undone by a failure and by an interruption", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* counter(sql)
      const failing = sql.withTransaction(Effect.andThen(sql`UPDATE counter SET n = 1`, Effect.fail("no")))
      assert.strictEqual(yield* Effect.flip(failing), "no")
      const hasWritten = yield* Latch.make()
      const waiting = sql`UPDATE counter SET n = 2`.pipe(
        Effect.andThen(hasWritten.open),
        Effect.andThen(Effect.never),
        sql.withTransaction
      )
      const fiber = yield* Effect.forkChild(waiting)
      yield* hasWritten.await
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* valueOf(sql), 0)
    }))

  it.effect("within others are undone alone", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* sql`CREATE TABLE t (s)`
      const insert = (text: string) => sql`INSERT INTO t VALUES (${text})`
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* insert("outer")
        yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert("undone"), Effect.fail("no"))))
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* insert("inner")
          yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert("innermost"), Effect.fail("no"))))
        }))
        yield* Effect.ignore(insert("after").pipe(Effect.andThen(sql`SELEC`)))
      }))
      assert.deepStrictEqual(yield* sql`SELECT s FROM t`.values, [["outer"], ["inner"], ["after"]])
    }))

  it.effect("that cannot be committed are undone, and the connection is good", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* sql`CREATE TABLE parent (id INTEGER PRIMARY KEY)`
      yield* sql`CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`
      const orphan = sql.withTransaction(sql`INSERT INTO child VALUES (1)`)
      assert.strictEqual((yield* reasonOf(orphan))._tag, "ConstraintError")
      assert.deepStrictEqual(yield* sql`SELECT * FROM child`, [])
      yield* sql.withTransaction(sql`INSERT INTO parent VALUES (1)`)
      assert.deepStrictEqual(yield* sql`SELECT * FROM parent`, [{ id: 1 }])
    }))

  it.effect("of many fibers come one after another", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* counter(sql)
      yield* Effect.all(Array.from({ length: 20 }, () => add(sql)), { concurrency: "unbounded" })
      assert.strictEqual(yield* valueOf(sql), 20)
    }))
})

describe("statements that write at the same moment", () => {
  const insert = (sql: SqlClient.SqlClient) => (n: number) => sql`INSERT INTO t VALUES (${n}) RETURNING n`
  const table = (sql: SqlClient.SqlClient) => sql`CREATE TABLE t (n INTEGER PRIMARY KEY CHECK (n <> 7))`
  const numbers = Array.from({ length: 20 }, (_, n) => n)
  const atOnce = { concurrency: "unbounded" } as const

  it.effect("are committed together", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const sql = yield* open({ filename })
      yield* counter(sql)
      const before = fs.statSync(`${filename}-wal`).size
      yield* Effect.all(numbers.map(() => sql`UPDATE counter SET n = n + 1`), atOnce)
      assert.strictEqual(yield* valueOf(sql), 20)
      // The one page that each of them writes.
      assert.isBelow(fs.statSync(`${filename}-wal`).size - before, 2 * 5000)
    }))

  it.effect("fail each by itself", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* table(sql)
      const told = yield* Effect.all([3, ...numbers].map((n) => Effect.option(insert(sql)(n))), atOnce)
      const written = numbers.filter((n) => n !== 7)
      assert.deepStrictEqual(told.flatMap((rows) => Option.getOrElse(rows, () => [])), [
        { n: 3 },
        ...written.filter((n) => n !== 3).map((n) => ({ n }))
      ])
      assert.deepStrictEqual(yield* sql`SELECT n FROM t`.values, written.map((n) => [n]))
    }))

  it.effect("fail each by itself also where only the commit tells", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* sql`CREATE TABLE parent (id INTEGER PRIMARY KEY)`
      yield* sql`INSERT INTO parent VALUES (1)`
      yield* sql`CREATE TABLE child (n, parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`
      const told = yield* Effect.all(
        [1, 2, 1].map((parent, n) => Effect.isSuccess(sql`INSERT INTO child VALUES (${n}, ${parent})`)),
        atOnce
      )
      assert.deepStrictEqual(told, [true, false, true])
      assert.deepStrictEqual(yield* sql`SELECT n FROM child`.values, [[0], [2]])
    }))

  it.effect("wait each for another client, and for a transaction of their own", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [one, other] = [yield* open({ filename }), yield* open({ filename })]
      yield* table(one)
      const hold = (sql: SqlClient.SqlClient, n: number) =>
        sql.withTransaction(Effect.andThen(insert(sql)(n), realSleep(20)))
      yield* Effect.all([hold(one, 100), ...[1, 2, 3].map(insert(other))], atOnce)
      yield* Effect.all([hold(other, 101), ...[4, 5, 6].map(insert(other))], atOnce)
      assert.deepStrictEqual(
        yield* one`SELECT n FROM t`.values,
        [1, 2, 3, 4, 5, 6, 100, 101].map((n) => [n])
      )
    }))

  it.effect("are not written for who has gone before", () =>
    Effect.gen(function*() {
      const sql = yield* inMemory
      yield* table(sql)
      const fibers = yield* Effect.forEach(
        [1, 2, 3],
        (n) => Effect.forkChild(insert(sql)(n), { startImmediately: true })
      )
      yield* Fiber.interrupt(fibers[1]!)
      yield* Effect.all([Fiber.join(fibers[0]!), Fiber.join(fibers[2]!)])
      assert.deepStrictEqual(yield* sql`SELECT n FROM t`.values, [[1], [3]])
    }))
})

describe("a statement that is run over and over", () => {
  interface Values {
    readonly n: number
  }

  /** What each run has changed, or how it was done otherwise. */
  const eachOf = (sql: SqlClient.SqlClient) => {
    const run = SqlTemplate.makeEach<Values>(sql, (slot) => sql`UPDATE t SET used = used + 1 WHERE n = ${slot("n")}`)
    return (numbers: ReadonlyArray<number>) =>
      run(numbers.map((n) => ({ n })), () => Effect.as(sql`INSERT INTO otherwise VALUES (1)`, "otherwise"))
  }

  const tables = (sql: SqlClient.SqlClient) =>
    Effect.all([
      sql`CREATE TABLE t (n INTEGER PRIMARY KEY, used INTEGER NOT NULL DEFAULT 0 CHECK (used < 2))`,
      sql`INSERT INTO t (n) VALUES (1), (2), (3)`,
      sql`CREATE TABLE otherwise (n)`
    ])

  const used = (sql: SqlClient.SqlClient) => sql`SELECT used FROM t ORDER BY n`.values

  const openWith = (options: SqliteClient.Options) => Effect.tap(open(options), tables)

  it.effect("tells what each run has changed", () =>
    Effect.gen(function*() {
      const sql = yield* openWith({ filename: ":memory:" })
      assert.deepStrictEqual(yield* eachOf(sql)([3, 9, 1]), [1, 0, 1])
      assert.deepStrictEqual(yield* used(sql), [[1], [0], [1]])
      assert.deepStrictEqual(yield* eachOf(sql)([]), [])
    }))

  it.effect("leaves nothing done where one fails, and is done otherwise, beside others that are not", () =>
    Effect.gen(function*() {
      const sql = yield* openWith({ filename: ":memory:" })
      const each = eachOf(sql)
      const done = yield* Effect.all([each([1]), each([2, 3, 3])], { concurrency: "unbounded" })
      assert.deepStrictEqual(done, ["otherwise", "otherwise"])
      assert.deepStrictEqual(yield* used(sql), [[0], [0], [0]])
      assert.deepStrictEqual(yield* sql`SELECT count(*) FROM otherwise`.values, [[2]])
      assert.deepStrictEqual(yield* each([2, 3]), [1, 1])
    }))

  it.effect("is part of the transaction it is in, and fails it", () =>
    Effect.gen(function*() {
      const sql = yield* openWith({ filename: ":memory:" })
      const each = eachOf(sql)
      yield* Effect.flip(sql.withTransaction(Effect.andThen(each([1, 2]), Effect.fail("no"))))
      assert.deepStrictEqual(yield* used(sql), [[0], [0], [0]])
      const reason = yield* reasonOf(sql.withTransaction(each([1, 2, 2])))
      assert.strictEqual(reason._tag, "ConstraintError")
      assert.deepStrictEqual(yield* used(sql), [[0], [0], [0]])
      assert.deepStrictEqual(yield* sql.withTransaction(each([1, 2])), [1, 1])
      assert.deepStrictEqual(yield* used(sql), [[1], [1], [0]])
    }))

  it.effect("is done otherwise while another client writes, where spans are seen, and by clients of another make", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [one, other] = [yield* openWith({ filename }), yield* open({ filename })]
      const each = eachOf(one)
      const hold = other.withTransaction(Effect.andThen(other`UPDATE t SET n = n`, realSleep(20)))
      const [, done] = yield* Effect.all([hold, each([1])], { concurrency: "unbounded" })
      assert.strictEqual(done, "otherwise")
      const seen = [
        Effect.provideService(each([1]), Statement.CurrentTransformer, Effect.succeed),
        Effect.withTracer(each([1]), Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })),
        eachOf(plain(one))([1])
      ]
      for (const run of seen) {
        assert.strictEqual(yield* run, "otherwise")
        assert.strictEqual(yield* one.withTransaction(run), "otherwise")
      }
      assert.deepStrictEqual(yield* each([1]), [1])
      Object.assign(yield* Effect.scoped(one.reserve), { [SqlTemplate.shortcut]: undefined })
      assert.strictEqual(yield* one.withTransaction(each([2])), "otherwise")
      assert.deepStrictEqual(yield* used(one), [[1], [0], [0]])
    }))

  it.effect("waits in a transaction that began without the file, and leaves others be where it cannot be said otherwise", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [one, other] = [yield* openWith({ filename }), yield* open({ filename })]
      const hold = other.withTransaction(Effect.andThen(other`UPDATE t SET n = n`, realSleep(20)))
      const deferred = Effect.provideService(
        one.withTransaction(eachOf(one)([1, 2])),
        SqlClient.BeginTransaction,
        "BEGIN DEFERRED"
      )
      const [, counts] = yield* Effect.all([hold, deferred], { concurrency: "unbounded" })
      assert.deepStrictEqual(counts, [1, 1])
      const dying = SqlTemplate.makeEach<Values>(
        one,
        (slot) => one`UPDATE t SET used = used + 1 WHERE n = ${slot("n")}`
      )
      const [exit, beside] = yield* Effect.all([
        Effect.exit(dying([{ n: 1 }], () => {
          throw new Error("boom")
        })),
        eachOf(one)([3])
      ], { concurrency: "unbounded" })
      assert.isTrue(Exit.hasDies(exit))
      assert.strictEqual(beside, "otherwise")
    }))
})

describe("a file", () => {
  it.effect("keeps what was written, in WAL mode, and many can open it at once", () =>
    Effect.gen(function*() {
      const filename = yield* file
      yield* Effect.scoped(Effect.gen(function*() {
        const clients = yield* Effect.all(Array.from({ length: 8 }, () => open({ filename })), {
          concurrency: "unbounded"
        })
        yield* counter(clients[0]!)
        yield* Effect.forEach(clients, (sql) => sql`UPDATE counter SET n = n + 1`, { concurrency: "unbounded" })
      }))
      const sql = yield* open({ filename })
      assert.strictEqual(yield* valueOf(sql), 8)
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`, [{ journal_mode: "wal" }])
      assert.deepStrictEqual(yield* sql`PRAGMA synchronous`, [{ synchronous: 2 }])
      const quick = yield* open({ filename, synchronous: "normal" })
      assert.deepStrictEqual(yield* quick`PRAGMA synchronous`, [{ synchronous: 1 }])
    }))

  it.effect("is written by two clients in turn, and neither overwrites the other", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const clients = [yield* open({ filename }), yield* open({ filename })]
      yield* counter(clients[0]!)
      yield* Effect.forEach(Array(60).keys(), (index) => add(clients[index % 2]!), { concurrency: "unbounded" })
      assert.strictEqual(yield* valueOf(clients[1]!), 60)
    }))

  it.effect("can be read while another client writes, as it was before", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [one, other] = [yield* open({ filename }), yield* open({ filename })]
      yield* counter(one)
      yield* one.withTransaction(Effect.gen(function*() {
        yield* one`UPDATE counter SET n = 1`
        assert.strictEqual(yield* valueOf(other), 0)
      }))
      assert.strictEqual(yield* valueOf(other), 1)
    }))

  it.effect("has a writer wait for another, while the process goes on", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [one, other] = [yield* open({ filename }), yield* open({ filename })]
      yield* counter(one)
      const holds = yield* Latch.make()
      const holding = yield* Effect.forkChild(one.withTransaction(Effect.gen(function*() {
        yield* one`UPDATE counter SET n = n + 1`
        yield* holds.open
        // Would never come to its end if the other one stopped the process.
        for (let turn = 0; turn < 20; turn++) yield* realSleep(5)
      })))
      yield* holds.await
      yield* Effect.all([other`UPDATE counter SET n = n + 10`, add(other)], { concurrency: 2 })
      assert.strictEqual(yield* valueOf(one), 12)
      yield* Fiber.join(holding)
    }))

  it.effect("fails a writer whose patience is at its end, and lets it be interrupted before", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [one, other] = [yield* open({ filename }), yield* open({ filename, busyTimeout: "60 millis" })]
      const patient = yield* open({ filename, busyTimeout: "1 hour" })
      yield* counter(one)
      const write = (sql: SqlClient.SqlClient) => sql`UPDATE counter SET n = n + 1`
      yield* one.withTransaction(Effect.gen(function*() {
        yield* write(one)
        const start = performance.now()
        const reason = yield* reasonOf(write(other))
        assert.strictEqual(reason._tag, "LockTimeoutError")
        assert.isTrue(reason.isRetryable)
        assert.isAtLeast(performance.now() - start, 30)
        assert.strictEqual((yield* reasonOf(other.withTransaction(write(other))))._tag, "LockTimeoutError")
        const fiber = yield* Effect.forkChild(write(patient), { startImmediately: true })
        yield* realSleep(20)
        yield* Fiber.interrupt(fiber)
      }))
      yield* Effect.all([write(other), write(patient)])
      assert.strictEqual(yield* valueOf(one), 3)
    }))
})

it.effect("serves what Effect builds on SQL", () =>
  Effect.gen(function*() {
    const store = yield* KeyValueStore.KeyValueStore
    yield* store.set("key", "value")
    assert.strictEqual(yield* store.get("key"), "value")
    yield* store.clear
    assert.strictEqual(yield* store.size, 0)
  }).pipe(
    Effect.provide(Layer.provide(KeyValueStore.layerSql(), SqliteClient.layer({ filename: ":memory:" })))
  ))
