/**
 * Many tasks of many clients on one server: each client has an identity of its own, half of the tasks ask a question in
 * the middle. What each comes to is compared with what it should; and what is left when all have expired is counted.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Ask, Elicitation, Identity } from "fastmcp-effect/context"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as assembly from "../docket/kill/assembly.ts"
import type * as places from "../docket/kill/places.ts"
import { accept, call, capabilities, get, type Json, update } from "./support.ts"

export interface Load {
  readonly clients: number
  /** Of each client. */
  readonly tasks: number
  /** From the creation of a task to its end. */
  readonly ttlMillis: number
  /** Of all clients together. */
  readonly concurrency: number
  /** Whether to wait until all have expired. */
  readonly rests: boolean
}

export interface Figures {
  readonly wrong: ReadonlyArray<string>
  readonly seconds: number
  /** Rows when all were done, and when all have expired. */
  readonly rows: number
  readonly left: number
  /** MiB of heap at first, when all were done, and when all have expired. */
  readonly heap: readonly [first: number, done: number, left: number]
}

const question = (n: number) => Elicitation.form({ factor: Schema.Int }, { message: `What times ${n}?` })

const multiply = Tool.make("multiply", {
  parameters: { n: Schema.Int, asks: Schema.Boolean },
  success: Schema.String,
  task: { support: "required", recovery: "resume" },
  handler: ({ asks, n }) =>
    Effect.gen(function*() {
      const { subject } = yield* Identity.CurrentIdentity
      if (!asks) return `${subject} ${2 * n}`
      const { factor } = yield* Ask.one("factor", question(n))
      return `${subject} ${factor * n}`
    })
})

const heap = Effect.sync(() => {
  global.gc?.()
  return process.memoryUsage().heapUsed / 1024 / 1024
})

const serve = ({ tasks, ttlMillis }: Load) =>
  McpServer.layer({
    name: "load",
    version: "1",
    tools: [multiply],
    maxInFlight: 100_000,
    extensions: [McpTasks.extension({
      ttl: Duration.millis(ttlMillis),
      maxTtl: "1 day",
      maxUnfinished: tasks,
      worker: { concurrency: 50 }
    })]
  })

/** Until it is over, looking now and then. */
const ended = (client: McpTest.Client, taskId: string, n: number): Effect.Effect<Json, any> =>
  Effect.gen(function*() {
    while (true) {
      const task = yield* get(client, taskId)
      if (task.status === "completed" || task.status === "failed") return task
      if (task.status === "input_required") yield* update(client, taskId, { factor: accept({ factor: n + 1 }) })
      yield* Effect.sleep("250 millis")
    }
  })

export const run = (kept: places.Kept, load: Load): Promise<Figures> =>
  Effect.runPromise(Effect.scoped(
    Effect.gen(function*() {
      const { address, remove } = yield* Effect.promise(() => kept.make({ leaseMillis: 30_000, cleanupMillis: 1000 }))
      yield* Effect.addFinalizer(() => Effect.promise(remove))
      const context = yield* Layer.build(Layer.provideMerge(serve(load), assembly.layer(address)))
      const docket = Context.get(context, Docket.Docket)
      const count = Effect.map(docket.snapshot, ({ counts }) => counts.reduce((sum, { count }) => sum + count, 0))
      const first = yield* heap
      const start = performance.now()
      const wrong: Array<string> = []
      yield* Effect.forEach(Array.from({ length: load.clients }, (_, index) => index), (index) =>
        Effect.gen(function*() {
          const subject = `caller ${index}`
          const client = yield* McpTest.client(Layer.succeedContext(context), {
            revision: "2026-07-28",
            capabilities,
            identity: Identity.make({ subject })
          })
          yield* Effect.forEach(Array.from({ length: load.tasks }, (_, n) => n), (n) =>
            Effect.gen(function*() {
              const asks = n % 2 === 1
              const { taskId } = yield* call(client, "multiply", { n, asks })
              const { error, result } = yield* ended(client, taskId, n)
              const text = result?.content[0].text ?? JSON.stringify(error)
              const expected = `${subject} ${asks ? (n + 1) * n : 2 * n}`
              if (text !== expected) wrong.push(`${text} instead of ${expected}`)
            }), { concurrency: Math.ceil(load.concurrency / load.clients), discard: true })
          // What a client of the tests has heard is let go of with it.
        }).pipe(Effect.scoped), { concurrency: "unbounded", discard: true })
      const seconds = (performance.now() - start) / 1000
      const [rows, most] = [yield* count, yield* heap]
      // The docket keeps them for a minute more than they are shown, and removes them some time after that.
      if (load.rests) yield* Effect.sleep(Duration.millis(load.ttlMillis + 65_000))
      return { wrong, seconds, rows, left: yield* count, heap: [first, most, yield* heap] as const }
    }).pipe(Effect.orDie)
  ))
