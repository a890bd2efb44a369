/**
 * One process of the bench of the docket: adds work, does it, or both, with a docket or with the bare engine under it. Its
 * last line says in JSON what it has measured. Says `ready` before it begins, and waits for a line.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Queue, Worker } from "bullmq"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import { setTimeout as sleep } from "node:timers/promises"
import { createClient } from "redis"
import * as assembly from "../../docket/kill/assembly.ts"

export interface Settings {
  readonly address: assembly.Address
  readonly what: "docket" | "bare"
  readonly role: "adder" | "worker" | "both"
  readonly concurrency: number
  readonly loads: ReadonlyArray<Load>
}

export interface Load {
  readonly tasks: number
  /** What each takes, from and to. */
  readonly millis: readonly [number, number]
  /** Between one and the next, from and to; as fast as it goes when left out. */
  readonly gapMillis?: readonly [number, number]
}

export interface Measured {
  readonly tasksPerSecond: number
  /** CPU of this process for one task. */
  readonly micros: number
  /** Milliseconds from before it was added to the start of each. */
  readonly delays: ReadonlyArray<number>
}

interface Payload {
  readonly number: number
  readonly millis: number
  readonly at: number
}

const { address, concurrency, loads, role, what }: Settings = JSON.parse(process.argv[2]!)

const Payload = Schema.Struct({ number: Schema.Int, millis: Schema.Int, at: Schema.Finite })

const now = () => performance.timeOrigin + performance.now()

let delays: Array<number> = []
let done = 0
let onDone = () => {}

const perform = ({ at, millis }: Payload): Effect.Effect<void> => {
  const end = Effect.sync(() => {
    done++
    onDone()
  })
  return Effect.andThen(
    Effect.sync(() => void delays.push(now() - at)),
    millis === 0 ? end : Effect.andThen(Effect.sleep(Duration.millis(millis)), end)
  )
}

interface Subject {
  readonly add: (payload: Payload) => Effect.Effect<unknown, unknown>
  readonly work: Effect.Effect<unknown, unknown>
}

const task = DocketTask.make("bench", { payload: Payload })

const docket = Effect.gen(function*() {
  const { add } = yield* Docket.Docket
  const context = yield* Effect.context<Layer.Success<ReturnType<typeof assembly.layer>>>()
  const worker = Docket.layerWorker([DocketTask.handle(task, perform)], { concurrency })
  const subject: Subject = {
    add: (payload) => add(task, payload),
    work: Effect.provideContext(Layer.launch(worker), context)
  }
  return subject
})

const persistedQueue = Effect.gen(function*() {
  const queue = yield* PersistedQueue.make({ name: "bench", schema: Payload })
  const take: Effect.Effect<void, unknown> = Effect.forever(queue.take(perform))
  const subject: Subject = {
    add: (payload) => queue.offer(payload),
    work: Effect.all(Array.from({ length: concurrency }, () => take), { concurrency: "unbounded" })
  }
  return subject
})

const queueSql = PersistedQueue.layerStoreSql({
  tableName: `${address.prefix}bare`,
  pollInterval: "250 millis",
  lockExpiration: "30 seconds"
})

const queueStore = (): Layer.Layer<PersistedQueue.PersistedQueueStore, unknown> => {
  switch (address.kind) {
    case "SQLite":
      return Layer.provide(queueSql, SqliteClient.layer({ filename: address.url, synchronous: "normal" }))
    case "Postgres":
      return Layer.provide(queueSql, PgClient.layer({ url: Redacted.make(address.url), maxConnections: 5 }))
    default:
      return PersistedQueue.layerStoreMemory
  }
}

const bullmq = Effect.gen(function*() {
  const open = () => Effect.promise(() => createClient({ url: address.url }).connect())
  const prefix = `${address.prefix}bare`
  const queue = new Queue<Payload, void, "bench">("bench", {
    connection: yield* open(),
    prefix,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true }
  })
  const subject: Subject = {
    add: (payload) => Effect.promise(() => queue.add("bench", payload)),
    work: Effect.andThen(open(), (connection) => {
      const worker = new Worker<Payload, void, "bench">("bench", async ({ data }) => {
        delays.push(now() - data.at)
        if (data.millis > 0) await sleep(data.millis)
        done++
        onDone()
      }, { connection, prefix, concurrency })
      return Effect.andThen(Effect.promise(() => worker.waitUntilReady()), Effect.never)
    })
  }
  return subject
})

const between = ([from, to]: readonly [number, number], number: number): number =>
  from + number * 7919 % (to - from + 1)

const line = Effect.callback<void>((resume) => void process.stdin.once("data", () => resume(Effect.void)))

const say = (value: string) => Effect.sync(() => void process.stdout.write(`${value}\n`))

const measure = Effect.fnUntraced(function*({ add, work }: Subject) {
  if (role !== "adder") yield* Effect.forkScoped(Effect.orDie(work))
  yield* say("ready")
  yield* line
  const measured: Array<Measured> = []
  for (const { gapMillis, millis, tasks } of loads) {
    delays = []
    done = 0
    const start = performance.now()
    const cpu = process.cpuUsage()
    const all = Effect.callback<void>((resume) => {
      onDone = () => {
        if (done === tasks) resume(Effect.void)
      }
      // In memory all may be done before anybody waits for it.
      onDone()
    })
    const adding = Effect.forEach(
      Array.from({ length: tasks }, (_, number) => number),
      (number) =>
        Effect.andThen(
          gapMillis === undefined ? Effect.void : Effect.sleep(Duration.millis(between(gapMillis, number))),
          Effect.suspend(() => add({ number, millis: between(millis, number), at: now() }))
        ),
      { concurrency: gapMillis === undefined ? 32 : 1, discard: true }
    )
    yield* role === "adder" ? adding : role === "worker" ? all : Effect.all([adding, all], { concurrency: 2 })
    const seconds = (performance.now() - start) / 1000
    const { system, user } = process.cpuUsage(cpu)
    measured.push({ tasksPerSecond: tasks / seconds, micros: (system + user) / tasks, delays })
  }
  yield* say(JSON.stringify(measured))
  yield* line
})

const made = what === "docket"
  ? Effect.provide(Effect.flatMap(docket, measure), assembly.layer(address))
  : address.kind === "Redis"
  ? Effect.flatMap(bullmq, measure)
  : Effect.provide(
    Effect.flatMap(persistedQueue, measure),
    Layer.provideMerge(PersistedQueue.layer, queueStore())
  )

process.stdin.on("end", () => process.exit(0))

Effect.runPromise(Effect.scoped(made)).then(() => process.exit(0), (error: unknown) => {
  console.error(error)
  process.exit(1)
})
