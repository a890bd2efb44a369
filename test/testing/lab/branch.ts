/** What the proofs of the lab run: 5 servers behind one address, clients that are never idle for long, and a store. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"

class Counter
  extends Context.Service<Counter, { readonly add: (n: number) => Effect.Effect<number> }>()("test/Counter")
{}

const count = Tool.make("count", {
  parameters: { n: Schema.Int },
  success: Schema.Int,
  annotations: { idempotentHint: true },
  handler: ({ n }) =>
    Effect.gen(function*() {
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 500))
      return yield* (yield* Counter).add(n)
    })
})

export interface Load {
  readonly seed: number
  readonly clients: number
  readonly calls: number
  /** Between two calls of a client, in milliseconds, on average. */
  readonly pause: number
  readonly faults?: ReadonlyArray<Faults.Fault>
  readonly capacity?: number
}

export const run = ({ calls, capacity = 1000, clients, faults = [], pause, seed }: Load) =>
  Lab.report(
    Effect.gen(function*() {
      let made = 0
      const counter = Layer.succeed(Counter, { add: (n) => Effect.sync(() => (made++, n)) })
      const { layer } = yield* Lab.store(counter, { name: "store", service: Counter })
      const branch = McpServer.layer({ name: "branch", version: "1.0.0", tools: [count] })
      const servers = yield* Effect.forEach(
        [1, 2, 3, 4, 5],
        (n) => Lab.node(`server${n}`, Layer.provide(branch, layer), { skew: n * 1000, drift: n / 10_000 })
      )
      const work = Effect.fnUntraced(function*(number: number) {
        const client = yield* Lab.client(`client${number}`, servers)
        for (let n = 0; n < calls; n++) {
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 2 * pause))
          yield* Effect.retry(client.call(count, { n }, { idempotent: true }), { times: 10 })
        }
      })
      yield* Effect.forEach(Array.from({ length: clients }, (_, number) => number + 1), work, {
        concurrency: "unbounded",
        discard: true
      })
      return made
    }),
    { seed, faults, journal: { capacity } }
  )

const seeds = [1, 2, 3, 4, 5]

const faults = [
  Faults.drop({ chance: 0.01, until: "2 minutes" }),
  Faults.delay({ chance: 0.05, max: "2 seconds" }),
  Faults.cut({ chance: 0.01, until: "2 minutes" }),
  Faults.freeze("server2", { every: "40 seconds", until: "2 minutes", for: "5 seconds" }),
  Faults.crash("server1", { every: "30 seconds", until: "2 minutes", restartAfter: "3 seconds" })
]

/** What all is in the journals of some runs in trouble, one a line. */
export const digests: Effect.Effect<ReadonlyArray<string>> = Effect.forEach(seeds, (seed) =>
  Effect.map(
    run({ seed, clients: 10, calls: 30, pause: 2000, faults }),
    ({ exit, journal }) => `${journal.count} ${journal.digest} ${Exit.isSuccess(exit) ? "ok" : String(exit)}`
  ))
