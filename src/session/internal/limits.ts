import type * as Duration from "effect/Duration"
import * as Millis from "../../storage/Millis.ts"
import * as EventStore from "../EventStore.ts"

export interface Resolved {
  readonly maxEvents: number
  readonly maxSize: number
  /** Milliseconds. */
  readonly timeToLive: number
  /** Milliseconds. */
  readonly idle: number
}

export const resolve = (limits: EventStore.Limits): Resolved => {
  const { idle, maxEvents, maxSize, timeToLive } = EventStore.defaultLimits
  const time = (given: Duration.Input | undefined, otherwise: Duration.Duration) => Millis.of(given ?? otherwise)
  return {
    maxEvents: limits.maxEvents ?? maxEvents,
    maxSize: limits.maxSize ?? maxSize,
    timeToLive: time(limits.timeToLive, timeToLive),
    idle: time(limits.idle, idle)
  }
}
