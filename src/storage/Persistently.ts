/** What a store does beside its operations, for as long as it lives: cleaning, listening. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/**
 * Runs again and again what must not stop. After a failure it waits before the next run, longer each time up to 5
 * seconds; the first failure of a row is logged. A run that takes long calls `works` when it has got somewhere, so that
 * its next failure is a first one.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <E, R>(
  name: string,
  once: (works: () => void) => Effect.Effect<void, E, R>
): Effect.Effect<never, never, R> =>
  Effect.suspend(() => {
    let failures = 0
    const works = () => {
      failures = 0
    }
    return Effect.forever(Effect.matchCauseEffect(once(works), {
      onSuccess: () => Effect.sync(works),
      onFailure: (cause) =>
        Effect.suspend(() => {
          const pause = Effect.sleep(Duration.millis(Math.min(100 * 2 ** failures, 5000)))
          return failures++ === 0
            ? Effect.andThen(
              Effect.logWarning(`The ${name} is interrupted and tried again.`, Cause.squash(cause)),
              pause
            )
            : pause
        })
    }))
  })

/** A failure that comes so soon after the one before is of the same row, in milliseconds. */
const soon = 60_000

/**
 * For what tries again by itself: the first failure of a row is logged.
 *
 * @category running
 * @since 0.1.0
 */
export const complainer = (name: string): (cause: unknown) => Effect.Effect<void> => {
  let before = -Infinity
  return (cause) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const isFirst = now - before > soon
      before = now
      return isFirst ? Effect.logWarning(`The ${name} is interrupted and tried again.`, cause) : Effect.void
    })
}
