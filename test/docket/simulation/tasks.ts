/** What is done here: each execution does what its payload says, and says who did it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as DocketTask from "../../../src/docket/DocketTask.ts"
import type { Audit, Rules } from "./audit.ts"
import type { Process } from "./world.ts"

const Plan = Schema.Struct({
  /** Different for each payload. */
  version: Schema.Int,
  key: Schema.String,
  millis: Schema.Int,
  /** It fails in as many attempts, or always. */
  failures: Schema.Int,
  dies: Schema.Boolean,
  /** It says so often how far it is. */
  steps: Schema.Int,
  /** So long it cannot be interrupted. */
  stubbornMillis: Schema.Int
})

export type Plan = typeof Plan.Type

/** As workers have learnt to read it meanwhile. */
const Usable = Plan.check(Schema.makeFilter(({ version }) => version % 2 === 1))

export const endless = 3_600_000

const make = <const Name extends string>(
  name: Name,
  options: DocketTask.Options<Plan, string>,
  payload: Schema.Codec<Plan> = Plan
) => DocketTask.make(name, { payload, success: Schema.String, error: Schema.String, ...options })

const key = ({ key }: Plan) => key

const exponential = Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 3 }))

export const tasks = {
  plain: make("plain", { retry: exponential }),
  brief: make("brief", { timeout: "5 seconds", retry: Schedule.spaced("2 seconds").pipe(Schedule.upTo({ times: 1 })) }),
  alone: make("alone", { concurrency: { key, limit: 1 } }),
  few: make("few", { concurrency: { key, limit: 2 }, retry: exponential }),
  paced: make("paced", { rateLimit: { key, limit: 3, window: "10 seconds" } }),
  both: make("both", {
    concurrency: { key, limit: 1 },
    rateLimit: { key, limit: 2, window: "5 seconds" },
    retry: exponential
  }),
  spoilt: make("spoilt", {}),
  ticking: make("ticking", {})
} as const

export type Name = keyof typeof tasks

const doubling = [1000, 2000, 4000]

const timeoutMillis = 300_000

export const rules: { readonly [name in Name]: Rules } = {
  plain: { backoff: doubling, timeoutMillis },
  brief: { backoff: [2000], timeoutMillis: 5000 },
  alone: { backoff: [], timeoutMillis },
  few: { backoff: doubling, timeoutMillis },
  paced: { backoff: [], timeoutMillis },
  both: { backoff: doubling, timeoutMillis },
  spoilt: { backoff: [], timeoutMillis, isSpoiled: (payload) => !Schema.is(Usable)(JSON.parse(payload)) },
  ticking: { backoff: [], timeoutMillis }
}

export const handlers = (audit: Audit, process: Process): ReadonlyArray<DocketTask.Handled<never>> =>
  Object.values({ ...tasks, spoilt: make("spoilt", {}, Usable) }).map((task) =>
    DocketTask.handle(task, (plan, run) =>
      Effect.suspend(() => {
        const handler = audit.begin(process, run.id, plan.version)
        const slice = Effect.sleep(Duration.millis(plan.millis / (plan.steps + 1)))
        return Effect.gen(function*() {
          if (plan.stubbornMillis > 0) yield* Effect.uninterruptible(Effect.sleep(plan.stubbornMillis))
          for (let step = 1; step <= plan.steps; step++) {
            yield* slice
            yield* run.advance({ current: step, total: plan.steps })
          }
          yield* slice
          if (run.attempt > plan.failures) return handler.token
          return yield* plan.dies ? Effect.die(new Error(handler.token)) : Effect.fail(handler.token)
        }).pipe(Effect.onExit((exit) => Effect.sync(() => audit.end(handler, outcomeOf(exit)))))
      }))
  )

const outcomeOf = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? "Success" : Exit.hasInterrupts(exit) ? "Interrupted" : Exit.hasDies(exit) ? "Defect" : "Error"
