/** Fibers in an order drawn from a seed, under a clock that somebody else has; and the wait until nothing is ready. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Seeded from "./seeded.ts"

const TypeId = "~fastmcp-effect/testing/scheduling"

/** @category models @since 0.1.0 */
export interface LabScheduler extends Scheduler.Scheduler {
  readonly [TypeId]: typeof TypeId
  readonly seed: number
  /** Tasks that are ready and have not run. */
  readonly pending: () => number
  /** Calls back once nothing is ready, before time goes on; where the scheduler is that of a whole run. */
  readonly whenIdle?: (resume: () => void) => void
}

/** Of a run: what else is a scheduler comes from it. */
export const fromRun = (
  seed: number,
  pending: () => number,
  whenIdle: (resume: () => void) => void,
  scheduler: Scheduler.Scheduler
): LabScheduler => ({ [TypeId]: TypeId, seed, pending, whenIdle, ...scheduler })

/**
 * Makes a scheduler whose choices follow from `seed`, any integer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeScheduler = (seed: number): LabScheduler => {
  const base = new Scheduler.MixedScheduler()
  const ready: Array<{ readonly task: () => void; readonly priority: number }> = []
  const random = Seeded.make(seed, "scheduler")

  const runOne = () => {
    const first = Math.min(...ready.map(({ priority }) => priority))
    const candidates = ready.flatMap(({ priority }, index) => priority === first ? [index] : [])
    const chosen = candidates[random.below(candidates.length)]
    if (chosen === undefined) return
    ready.splice(chosen, 1)[0]!.task()
  }

  return {
    [TypeId]: TypeId,
    seed,
    pending: () => ready.length,
    executionMode: base.executionMode,
    shouldYield: (fiber: Fiber.Fiber<unknown, unknown>) => base.shouldYield(fiber) || random.next() < giveWay,
    makeDispatcher: () => {
      const dispatcher = base.makeDispatcher()
      return {
        scheduleTask: (task, priority) => {
          ready.push({ task, priority })
          dispatcher.scheduleTask(runOne, priority)
        },
        flush: () => dispatcher.flush()
      }
    }
  }
}

/** How likely a fiber gives way before an operation. */
export const giveWay = 0.02

/**
 * Runs a test, and all that it forks, under the scheduler of a seed.
 *
 * @category running
 * @since 0.1.0
 */
export const withSeed = (seed: number) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Scheduler.Scheduler, makeScheduler(seed))

/**
 * Lets everything run that can run without time passing: what was sent is delivered, what was forked has started. Under
 * a seeded scheduler it waits until nothing is ready, and dies if that does not come; under Effect's own, which cannot
 * be asked, it gives way a fixed number of times, more than any message takes from a client to its handler and back.
 *
 * @category clock
 * @since 0.1.0
 */
export const settle: Effect.Effect<void> = Effect.gen(function*() {
  const scheduler = yield* Effect.contextWith((context: Context.Context<never>) =>
    Effect.succeed(Context.get(context, Scheduler.Scheduler))
  )
  if (!isLabScheduler(scheduler)) {
    for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
    return
  }
  const { whenIdle } = scheduler
  if (whenIdle !== undefined) return yield* Effect.callback<void>((resume) => whenIdle(() => resume(Effect.void)))
  for (let turn = 0; turn < limit; turn++) {
    yield* Effect.yieldNow
    if (scheduler.pending() === 0) return
  }
  return yield* Effect.die(
    new Error(`Nothing settles: after ${limit} turns something still runs without waiting for the clock.`)
  )
})

const turns = 64

const limit = 100_000

const isLabScheduler = (scheduler: Scheduler.Scheduler): scheduler is LabScheduler => TypeId in scheduler
