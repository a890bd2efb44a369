/** The whole docket on each engine, in real time: two processes of it, each with its own connections. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketError from "fastmcp-effect/docket/DocketError"
import type * as DocketRecords from "fastmcp-effect/docket/DocketRecords"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as NodeDocketRedis from "fastmcp-effect/node/NodeDocketRedis"
import { randomUUID } from "node:crypto"
import * as Net from "node:net"
import { type Database, deleteKeys, pgLayer, sqlite } from "../session/places.ts"
import { needing, postgres, redis } from "../support/services.ts"
import { double, doubled, reasonOf, starts } from "./support.ts"

type Node = Layer.Layer<Docket.Docket | DocketRecords.DocketRecords, unknown>

/** An empty place; each layer is a process there. */
type Place = Effect.Effect<(options?: Docket.Options) => Node, never, Scope.Scope>

const lease = "5 seconds"

const onDatabase = (database: Effect.Effect<Database, never, Scope.Scope>): Place =>
  Effect.map(
    database,
    ({ client, prefix }) => (options) =>
      Layer.fresh(Docket.layerSql({ ...options, prefix, lease })).pipe(Layer.provide(Layer.fresh(client())))
  )

/** Tables of its own, dropped afterwards. */
const ownPg: Effect.Effect<Database, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => ({ prefix: `d_${randomUUID().slice(0, 8)}_`, client: () => pgLayer() })),
  ({ prefix }) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const found = yield* sql<{ name: string }>`
        SELECT tablename AS name FROM pg_tables WHERE starts_with(tablename, ${prefix})`
      for (const { name } of found) yield* sql`DROP TABLE ${sql(name)}`
    }).pipe(Effect.provide(pgLayer()), Effect.orDie)
)

const onRedis: Place = Effect.map(
  Effect.suspend(() => ownKeys),
  (prefix) => (options) => Layer.fresh(NodeDocketRedis.layer({ ...options, url: redis.url, prefix, lease }))
)

/** Keys of its own, deleted afterwards. */
const ownKeys = Effect.acquireRelease(
  Effect.sync(() => `t-${randomUUID().slice(0, 8)}`),
  (prefix) => deleteKeys(`{${prefix}*`)
)

const note = DocketTask.make("note", { payload: Schema.String })

const endless = DocketTask.make("endless")

/** The service of a process that lives as long as the test. */
const node = (layer: Node) => Effect.map(Layer.build(layer), Context.get(Docket.Docket))

const worker = (
  layer: Node,
  handlers: ReadonlyArray<DocketTask.Handled<never>>,
  options?: Parameters<typeof Docket.layerWorker>[1]
) =>
  Effect.map(
    Layer.build(Layer.provideMerge(Layer.fresh(Docket.layerWorker(handlers, options)), layer)),
    Context.get(Docket.Docket)
  )

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

const suite = (name: string, place: Place) =>
  describe(`a docket on ${name}`, () => {
    it.live("has one process do what another adds, and tell it what came of it", () =>
      Effect.gen(function*() {
        const process = yield* place
        const docket = yield* node(process())
        const added = yield* Effect.forEach([1, 2, 3], (n) => docket.add(double, n))
        yield* worker(process(), [doubled])
        assert.deepStrictEqual(yield* Effect.forEach(added, ({ id }) => docket.result(double, id)), [2, 4, 6])
        assert.strictEqual((yield* docket.add(double, 5, { key: "k" })).outcome, "Added")
        assert.strictEqual((yield* docket.add(double, 6, { key: "k" })).outcome, "Exists")
      }))

    it.live("starts nothing early, and what is urgent first", () =>
      Effect.gen(function*() {
        const process = yield* place
        const { all, note: noted } = yield* starts
        const docket = yield* node(process())
        const before = yield* now
        for (const [text, priority] of [["low", -1], ["normal", 0], ["high", 1]] as const) {
          yield* docket.add(note, text, { priority })
        }
        const { id } = yield* docket.add(note, "later", { delay: 2300 })
        yield* worker(process(), [DocketTask.handle(note, noted)], { concurrency: 1 })
        yield* docket.result(note, id)
        const started = yield* all
        assert.deepStrictEqual(started.map(([text]) => text), ["high", "normal", "low", "later"])
        assert.isAtLeast(started[3]![1] - before, 2300)
      }))

    it.live("retries, and keeps what has failed for an operator", () =>
      Effect.gen(function*() {
        const process = yield* place
        const works = yield* Ref.make(false)
        const task = DocketTask.make("task", {
          success: Schema.Int,
          error: Schema.String,
          retry: Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 1 }))
        })
        const docket = yield* worker(process(), [
          DocketTask.handle(task, (_, { attempt }) =>
            Effect.flatMap(Ref.get(works), (works) => works ? Effect.succeed(attempt) : Effect.fail(`no ${attempt}`)))
        ])
        const { id } = yield* docket.add(task, undefined)
        assert.deepStrictEqual(yield* Effect.exit(docket.result(task, id)), Exit.fail("no 2"))
        const { executions: [dead] } = yield* docket.list({ status: "Failed" })
        assert.deepStrictEqual([dead?.id, dead?.failure?.kind], [id, "Error"])
        yield* Ref.set(works, true)
        yield* docket.retry(id)
        assert.strictEqual(yield* docket.result(task, id), 1)
      }))

    it.live("cancels and replaces what another process runs", () =>
      Effect.gen(function*() {
        const process = yield* place
        const ended = yield* Ref.make(0)
        const docket = yield* node(process())
        yield* worker(process(), [
          DocketTask.handle(endless, (_, { attempt }) =>
            attempt > 1
              ? Effect.die("a second attempt")
              : Effect.onInterrupt(Effect.never, () => Ref.update(ended, (n) => n + 1)))
        ])
        const { id } = yield* docket.replace(endless, "k", undefined)
        const running = Stream.runDrain(Stream.takeUntil(docket.observe(id), ({ status }) => status === "Running"))
        yield* running
        yield* docket.replace(endless, "k", undefined)
        yield* Effect.repeat(Ref.get(ended), { until: (n) => n === 1, schedule: Schedule.spaced("20 millis") })
        yield* running
        yield* docket.cancel(id, "enough")
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.result(endless, id))), "ExecutionCancelled")
        assert.strictEqual(yield* Ref.get(ended), 2)
      }))

    it.live("keeps to its limits over all processes", () =>
      Effect.gen(function*() {
        const process = yield* place
        const [running, most] = [yield* Ref.make(0), yield* Ref.make(0)]
        const task = DocketTask.make("limited", {
          payload: Schema.Int,
          concurrency: { key: () => "all", limit: 2 }
        })
        const handled = DocketTask.handle(task, () =>
          Effect.gen(function*() {
            const n = yield* Ref.updateAndGet(running, (n) => n + 1)
            yield* Ref.update(most, (most) => Math.max(most, n))
            yield* Effect.sleep("100 millis")
            yield* Ref.update(running, (n) => n - 1)
          }))
        const docket = yield* worker(process(), [handled])
        yield* worker(process(), [handled])
        const added = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (n) => docket.add(task, n))
        yield* Effect.forEach(added, ({ id }) => docket.result(task, id), { concurrency: "unbounded" })
        assert.strictEqual(yield* Ref.get(most), 2)
      }))

    it.live("runs a schedule at its ticks, whichever process is there", () =>
      Effect.gen(function*() {
        const process = yield* place
        const { all, note: noted } = yield* starts
        const handled = DocketTask.handle(note, noted)
        const docket = yield* worker(process(), [handled])
        yield* worker(process(), [handled])
        yield* docket.schedule("k", note, "r", { every: "1 second" })
        yield* Effect.repeat(all, { until: ({ length }) => length >= 3, schedule: Schedule.spaced("50 millis") })
        yield* docket.unschedule("k")
        const ticks = (yield* all).map(([, at]) => Math.floor(at / 1000))
        assert.deepStrictEqual(ticks, [...new Set(ticks)])
      }))

    it.live("gives back what a stopped worker does not end, and another goes on", () =>
      Effect.gen(function*() {
        const process = yield* place
        const attempts = yield* Ref.make<ReadonlyArray<number>>([])
        const handled = (millis: number) =>
          DocketTask.handle(endless, (_, { attempt }) =>
            Effect.andThen(Ref.update(attempts, (all) => [...all, attempt]), Effect.sleep(millis)))
        const docket = yield* node(process())
        const first = yield* Effect.forkChild(Effect.scoped(
          Effect.andThen(worker(process(), [handled(60_000)], { drain: "100 millis" }), Effect.never)
        ))
        const { id } = yield* docket.add(endless, undefined)
        yield* Stream.runDrain(Stream.takeUntil(docket.observe(id), ({ status }) =>
          status === "Running"))
        yield* Fiber.interrupt(first)
        assert.strictEqual((yield* docket.get(id))?.status, "Scheduled")
        yield* worker(process(), [handled(0)])
        yield* docket.result(endless, id)
        assert.deepStrictEqual(yield* Ref.get(attempts), [1, 1])
      }))

    it.live("runs as many at a time as it may, however short they are", () =>
      Effect.gen(function*() {
        const process = yield* place
        const [running, most] = [yield* Ref.make(0), yield* Ref.make(0)]
        const handled = DocketTask.handle(double, (n) =>
          Effect.gen(function*() {
            const now = yield* Ref.updateAndGet(running, (n) => n + 1)
            yield* Ref.update(most, (most) => Math.max(most, now))
            yield* Effect.sleep(Duration.millis(n % 5))
            yield* Ref.update(running, (n) => n - 1)
            return 2 * n
          }))
        const docket = yield* worker(process(), [handled], { concurrency: 3 })
        const add = (n: number) => docket.add(double, n)
        const added = yield* Effect.forEach(Arr.range(1, 200), add, { concurrency: 20 })
        const results = yield* Effect.forEach(added, ({ id }) => docket.result(double, id), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(results, Arr.range(1, 200).map((n) => 2 * n))
        assert.strictEqual(yield* Ref.get(most), 3)
      }))

    it.live("gives back what it has claimed ahead of one that takes longer than those before it", () =>
      Effect.gen(function*() {
        const process = yield* place
        const by = yield* Ref.make<ReadonlyArray<string>>([])
        const sleeping = DocketTask.make("sleeping", { payload: Schema.Int })
        const handled = (name: string) =>
          DocketTask.handle(
            sleeping,
            (millis) => Effect.andThen(Ref.update(by, (all) => [...all, name]), Effect.sleep(Duration.millis(millis)))
          )
        const docket = yield* worker(process(), [handled("one")], { concurrency: 1 })
        const add = (millis: number) => docket.add(sleeping, millis)
        const wait = Effect.forEach(({ id }: Docket.Added) => docket.result(sleeping, id), {
          concurrency: "unbounded"
        })
        yield* wait(yield* Effect.forEach(Array.from({ length: 100 }, () => 0), add, { concurrency: 10 }))
        const { id } = yield* add(60_000)
        yield* Stream.runDrain(Stream.takeUntil(docket.observe(id), ({ status }) => status === "Running"))
        const others = yield* Effect.forEach([0, 0, 0], add)
        yield* worker(process(), [handled("other")], { concurrency: 1 })
        yield* wait(others)
        assert.deepStrictEqual((yield* Ref.get(by)).slice(-3), ["other", "other", "other"])
        yield* docket.cancel(id, "enough")
      }))

    it.live("keeps nothing in the open where it has a key", () =>
      Effect.gen(function*() {
        const process = yield* place
        const options = { encryption: [Redacted.make("a key of thirty-two or more bytes")] as const }
        const words = DocketTask.make("words", { payload: Schema.String, success: Schema.String })
        const docket = yield* worker(process(options), [DocketTask.handle(words, (text) => Effect.succeed(`${text}!`))])
        const { id } = yield* docket.add(words, "planted")
        assert.strictEqual(yield* docket.result(words, id), "planted!")
        const other = yield* node(process())
        assert.notInclude(JSON.stringify(yield* other.get(id)), "planted")
        assert.strictEqual(reasonOf(yield* Effect.exit(other.result(words, id))), "Unreadable")
      }))
  })

suite("SQLite", onDatabase(sqlite))

needing(postgres, () => suite("Postgres", onDatabase(ownPg)))

needing(redis, () => suite("Redis", onRedis))

describe("a docket that cannot be opened", () => {
  const silent = Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

  const portOf = (server: Net.Server) => (server.address() as Net.AddressInfo).port

  const onPostgres = (url: string, options: PgClient.PgPoolConfig = {}) =>
    Docket.layerSql({ prefix: "d_unopened_" }).pipe(
      Layer.provide(PgClient.layer({ url: Redacted.make(url), connectTimeout: "500 millis", ...options }))
    )

  const fails = (layer: Node, cause: RegExp) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.provide(Effect.void, layer))
      assert(error instanceof DocketError.DocketError && error.reason._tag === "Unavailable")
      assert.isTrue(error.reason.isStart)
      // The first of the two parts to find out.
      assert.match(error.message, /^The (store|engine|Redis) of the docket cannot be opened\. Look at its address/)
      // What the log of a program that ends so has.
      assert.match(Cause.pretty(Cause.fail(error)), cause)
    }).pipe(Effect.timeout("7 seconds"))

  it.live("says so, for nobody listens there", () =>
    Effect.gen(function*() {
      yield* fails(onPostgres("postgres://postgres@127.0.0.1:1/test"), /ECONNREFUSED/)
      yield* fails(NodeDocketRedis.layer({ url: "redis://127.0.0.1:1" }), /ECONNREFUSED/)
    }), 20_000)

  it.live("says so, for who listens there says nothing", () =>
    Effect.gen(function*() {
      const server = yield* silent
      const host = `127.0.0.1:${portOf(server)}`
      yield* fails(onPostgres(`postgres://postgres@${host}/test`), /timed out/)
      yield* fails(NodeDocketRedis.layer({ url: `redis://${host}` }), /No answer within 5s/)
    }), 20_000)

  needing(postgres, () => {
    it.live("says so, for there is no such database, and nowhere to make tables", () =>
      Effect.gen(function*() {
        const other = new URL(postgres.url)
        other.pathname = "/not_there"
        yield* fails(onPostgres(other.href), /"not_there" does not exist/)
        const nowhere = { startupParameters: { search_path: "not_there" } }
        yield* fails(onPostgres(postgres.url, nowhere), /no schema has been selected/)
      }), 20_000)
  })
})

const transactional = (name: string, database: Effect.Effect<Database, never, Scope.Scope>) =>
  it.live(`work that is added on ${name} belongs to the transaction`, () =>
    Effect.gen(function*() {
      const { client, prefix } = yield* database
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const docket = yield* Docket.Docket
        const undone = yield* Effect.exit(sql.withTransaction(
          Effect.andThen(docket.add(double, 1, { key: "undone" }), Effect.fail("no"))
        ))
        assert.deepStrictEqual(undone, Exit.fail("no"))
        const { id } = yield* sql.withTransaction(docket.add(double, 2, { key: "done" }))
        assert.strictEqual(yield* docket.result(double, id), 4)
        assert.deepStrictEqual((yield* docket.list()).executions.map(({ id }) => id), [id])
      }).pipe(Effect.provide(
        Docket.layerWorker([doubled]).pipe(
          Layer.provideMerge(Docket.layerSql({ prefix })),
          Layer.provideMerge(client())
        )
      ))
    }))

transactional("SQLite", sqlite)

needing(postgres, () => transactional("Postgres", ownPg))
