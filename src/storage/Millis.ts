/** Durations as databases take them. */
import * as Duration from "effect/Duration"

/** Three thousand years: what databases can add to the time of day. */
const most = 1e14

/** Whole milliseconds, also of a duration that has no end. @category conversions @since 0.1.0 */
export const of = (duration: Duration.Input): number =>
  Math.min(Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(duration))), most)
