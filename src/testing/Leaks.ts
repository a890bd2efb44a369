/**
 * Whether a test leaves anything running: the fibers it started, counted by the hook behind Effect's own runtime
 * metrics, must have ended with its scope.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Lab from "./Lab.ts"

/** @category errors @since 0.1.0 */
export class LeakError extends Schema.TaggedError<LeakError>("fastmcp-effect/testing/Leaks/LeakError")("LeakError", {
  fibers: Schema.Int
}) {
  override get message(): string {
    return `${this.fibers} fiber(s) outlived the scope of the test that started them.`
  }
}

/**
 * Runs the effect in a scope of its own, and dies with a `LeakError` if a fiber outlives it. What the effect itself
 * ended with comes first.
 *
 * @category running
 * @since 0.1.0
 */
export const check = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.suspend(() => {
    let active = 0
    const counter: Metric.FiberRuntimeMetricsService = {
      recordFiberStart: () => {
        active++
      },
      recordFiberEnd: () => {
        active--
      }
    }
    return Effect.scoped(effect).pipe(
      Effect.provideService(Metric.FiberRuntimeMetrics, counter),
      Effect.onExit((exit) =>
        Effect.andThen(
          Lab.settle,
          Effect.suspend(() =>
            active > 0 && Exit.isSuccess(exit) ? Effect.die(new LeakError({ fibers: active })) : Effect.void
          )
        )
      )
    )
  })
