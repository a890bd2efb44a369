import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** The current clock, and how many fibers sleep on it: now, at most, and ever. */
export const countingClock = Effect.gen(function*() {
  const inner = yield* Clock.Clock
  const counts = { asleep: 0, most: 0, sleeps: 0 }
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => inner.currentTimeMillisUnsafe(),
    currentTimeMillis: inner.currentTimeMillis,
    currentTimeNanosUnsafe: () => inner.currentTimeNanosUnsafe(),
    currentTimeNanos: inner.currentTimeNanos,
    monotonicTimeNanosUnsafe: () => inner.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: inner.monotonicTimeNanos,
    sleep: (duration) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          counts.sleeps++
          counts.most = Math.max(counts.most, ++counts.asleep)
        }),
        () => inner.sleep(duration),
        () => Effect.sync(() => counts.asleep--)
      )
  }
  return { clock, counts }
})
