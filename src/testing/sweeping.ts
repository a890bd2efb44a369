/** One run for every place where a piece of work can be stopped: whatever it is in the middle of, it must clean up. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Budget from "../core/Budget.ts"
import * as Outcome from "../core/Outcome.ts"
import * as system from "./system.ts"

/** @category models @since 0.1.0 */
export interface SweepOptions extends system.Options {
  /**
   * By what the work is stopped. `cancel`: it is cancelled, as by its user. `polls`: its budget allows it so many
   * checkpoints (`Budget.checkpoint`), and one fewer than it takes. `cancel`.
   */
  readonly by?: "cancel" | "polls"
  /**
   * Where it is cancelled. `own`: wherever its own fiber waits or gives way. `all`: at every step anything of the
   * system makes while it is under way. `own`.
   */
  readonly at?: "own" | "all"
}

/** @category models @since 0.1.0 */
export interface Sweep<out A, out E> {
  /** How often the work was stopped, at a place of its own each time; in one more run it was left alone. */
  readonly points: number
  /** The first run in which the system failed, if one did, and at which point. */
  readonly failure: { readonly point: number; readonly report: system.Report<A, E> } | undefined
}

/**
 * Runs the system again and again, with the work that it marks by `Lab.swept` stopped one step later each time: before
 * its first step, after it, and so on, until it comes to its end. What must hold the system checks itself. What is
 * ready goes on in the order in which it became ready, unless `schedule` says otherwise.
 *
 * @category exploring
 * @since 0.1.0
 */
export const sweep = <A, E, R>(
  tested: Effect.Effect<A, E, R>,
  { at = "own", by = "cancel", ...options }: SweepOptions = {}
): Effect.Effect<Sweep<A, E>, never, Exclude<R, system.Services>> => {
  const from = (point: number): Effect.Effect<Sweep<A, E>, never, Exclude<R, system.Services>> => {
    const stop: system.Stop = { by, at, point, isReached: false, work: undefined }
    return Effect.flatMap(
      system.report(tested, { schedule: "first", ...options }, { stop }),
      (report): Effect.Effect<Sweep<A, E>, never, Exclude<R, system.Services>> => {
        if (Exit.isFailure(report.exit)) return Effect.succeed({ points: point, failure: { point, report } })
        return stop.isReached ? from(point + 1) : Effect.succeed({ points: point, failure: undefined })
      }
    )
  }
  return from(0)
}

/**
 * The work that a sweep stops; without one it runs to its end. Gives how it ended, its finalizers done.
 *
 * @category exploring
 * @since 0.1.0
 */
export const swept = <A, E, R>(
  work: Effect.Effect<A, E, R>
): Effect.Effect<Outcome.Outcome<A, E>, never, R | system.Lab> =>
  Effect.flatMap(system.Lab, ({ stop }): Effect.Effect<Outcome.Outcome<A, E>, never, R> => {
    if (stop === undefined) return Outcome.fromEffect(work)
    if (stop.by === "polls") {
      return Effect.tap(
        Outcome.fromEffect(Budget.nested(work, { pollQuota: stop.point })),
        (outcome) =>
          Effect.sync(() => {
            if (Outcome.isCancelled(outcome) && outcome.reason === "PollQuota") stop.isReached = true
          })
      )
    }
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(work)
      if (stop.point === 0) {
        stop.isReached = true
        Outcome.interruptUnsafe(fiber, "User")
      } else stop.work = { fiber, steps: 0 }
      return Outcome.fromExit(yield* Fiber.await(fiber))
    })
  })
