import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** The clock of a machine, and so many milliseconds. */
export const aheadClock = (ahead: () => number): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (inner) => ({
    currentTimeMillisUnsafe: () => inner.currentTimeMillisUnsafe() + ahead(),
    currentTimeMillis: Effect.map(inner.currentTimeMillis, (now) => now + ahead()),
    currentTimeNanosUnsafe: () => inner.currentTimeNanosUnsafe() + BigInt(ahead()) * 1_000_000n,
    currentTimeNanos: Effect.map(inner.currentTimeNanos, (now) => now + BigInt(ahead()) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => inner.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: inner.monotonicTimeNanos,
    sleep: (duration) => inner.sleep(duration)
  }))
