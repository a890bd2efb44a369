import * as Duration from "effect/Duration"

/** Three thousand years: what databases can add to the time of day. */
const most = 1e14

/** Whole milliseconds, also of a duration that has no end. */
export const millis = (duration: Duration.Input): number =>
  Math.min(Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(duration))), most)
