/** Whether and when there is another run. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type * as DocketTask from "./DocketTask.ts"

/**
 * What the schedule says after this attempt; undefined when it is done. Runs may be in different processes, so it is gone
 * through from its start, and the time that it sees pass is the sum of its own delays.
 */
export const delayAfter = Effect.fnUntraced(function*<E>(
  schedule: Schedule.Schedule<unknown, DocketTask.Trouble<E>> | undefined,
  attempt: number,
  trouble: DocketTask.Trouble<E>
) {
  if (schedule === undefined) return undefined
  const step = yield* Schedule.toStep(schedule)
  let now = 0
  let delay: Duration.Duration | undefined
  for (let i = 0; i < attempt; i++) {
    const result = yield* Pull.catchDone(step(now, trouble), () => Effect.undefined)
    if (result === undefined) return undefined
    delay = result[1]
    now += Duration.toMillis(delay)
  }
  return delay
})
