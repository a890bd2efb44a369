/** Work goes through a docket of one process, at a steady pace; each second a line of JSON says what there is. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as assembly from "../../docket/kill/assembly.ts"

export interface Settings {
  readonly address: assembly.Address
  readonly tasks: number
  readonly warmupMillis: number
  readonly millis: number
  /** For what is over to be gone. */
  readonly restMillis: number
}

export interface Sample {
  readonly phase: "warmup" | "soak" | "rest"
  readonly done: number
  /** Bytes in use without garbage. */
  readonly heap: number
  /** Rows of all tables, or keys and what the indexes hold. */
  readonly kept: number
}

const { address, millis, restMillis, tasks, warmupMillis }: Settings = JSON.parse(process.argv[2]!)

const task = DocketTask.make("soak", {
  payload: Schema.Struct({ number: Schema.Int, text: Schema.String }),
  keep: "5 seconds"
})

let done = 0

const worker = Docket.layerWorker([DocketTask.handle(task, () => Effect.sync(() => void done++))], {
  concurrency: 32,
  sweepInterval: "5 seconds"
})

const rows = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const counts = yield* Effect.forEach(
    ["docket_executions", "docket_rings", "docket_slots", "docket_notes"],
    (name) => sql<{ count: number | string }>`SELECT count(*) AS count FROM ${sql(`${address.prefix}${name}`)}`
  )
  return counts.reduce((sum, [row]) => sum + Number(row!.count), 0)
})

const keys = Effect.gen(function*() {
  const { send } = yield* Redis.Redis
  const found = new Set<string>()
  let cursor = "0"
  do {
    const [next, some] = yield* send<[string, Array<string>]>(
      "SCAN",
      cursor,
      "MATCH",
      `{${address.prefix}*`,
      "COUNT",
      "1000"
    )
    for (const key of some) found.add(key)
    cursor = next
  } while (cursor !== "0")
  return found.size + (yield* send<number>("HLEN", `{${address.prefix}:docket}:facts`))
})

/** Apart from the clients of the docket. */
const countOf = (): Effect.Effect<number, unknown> => {
  switch (address.kind) {
    case "memory":
      return Effect.succeed(0)
    case "SQLite":
      return Effect.provide(rows, SqliteClient.layer({ filename: address.url }))
    case "Postgres":
      return Effect.provide(rows, PgClient.layer({ url: Redacted.make(address.url), maxConnections: 1 }))
    case "Redis":
      return Effect.provide(keys, NodeRedis.layer({ url: address.url }))
  }
}

const program = Effect.gen(function*() {
  const docket = yield* Docket.Docket
  let phase: Sample["phase"] = "warmup"
  let added = 0

  const sample = Effect.gen(function*() {
    for (let turn = 0; turn < 3; turn++) {
      yield* Effect.sleep("10 millis")
      globalThis.gc!()
    }
    const { external, heapUsed } = process.memoryUsage()
    const line: Sample = { phase, done, heap: heapUsed + external, kept: yield* countOf() }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  })

  /** So many in a row at a pace, and never many more than are done; with a sample after as many as two seconds should bring. */
  const go = Effect.fnUntraced(function*(count: number, millis: number) {
    const start = yield* Clock.currentTimeMillis
    const between = Math.ceil(2000 * count / millis)
    let next = between
    for (let turn = 0; turn < count;) {
      const now = yield* Clock.currentTimeMillis
      const due = Math.min(count, Math.ceil(count * (now - start) / millis))
      const room = Math.min(due - turn, 1000 - (added - done))
      if (room <= 0) {
        yield* Effect.sleep("10 millis")
        continue
      }
      yield* Effect.forEach(
        Array.from({ length: room }, (_, index) => added + index),
        (number) => docket.add(task, { number, text: "x".repeat(200) }),
        { concurrency: 16, discard: true }
      )
      turn += room
      added += room
      if (turn < next) continue
      next += between
      yield* sample
    }
    while (done < added) yield* Effect.sleep("50 millis")
  })

  yield* go(Math.ceil(tasks * warmupMillis / millis), warmupMillis)
  phase = "soak"
  yield* go(tasks, millis)
  phase = "rest"
  yield* Effect.sleep(Duration.millis(restMillis))
  yield* sample
})

Effect.runPromise(program.pipe(
  Effect.provide(Layer.provideMerge(worker, assembly.layer(address)))
)).then(() => process.exit(0), (error: unknown) => {
  console.error(error)
  process.exit(1)
})
