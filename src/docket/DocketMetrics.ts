/** What a docket counts; read them with Effect's own exporters. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type * as DocketEvent from "./DocketEvent.ts"

/** @category metrics @since 0.1.0 */
export const running = Metric.gauge("docket.runs.in_flight", { description: "Executions this worker runs now" })

/**
 * Seconds from the start of a run to its end, a series for each task and how it ended, with the attributes `docket.task`
 * and `docket.end` (the transition it made: `Succeed`, `Fail`, `Stop`, `Release`, `NotHolder`).
 *
 * @category metrics
 * @since 0.1.0
 */
export const runDuration = (task: string, end: string) =>
  Metric.histogram("docket.run.duration", {
    description: "Duration of runs in seconds",
    boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600],
    attributes: { "docket.task": task, "docket.end": end }
  })

/** Seconds from when an execution was due to its start, by task. @category metrics @since 0.1.0 */
export const startDelay = (task: string) =>
  Metric.histogram("docket.start.delay", {
    description: "How long after it was due an execution starts, in seconds",
    boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 60, 300, 3600],
    attributes: { "docket.task": task }
  })

/**
 * What happened to executions, as this process saw it, with the attributes `docket.task` and `docket.event`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const events = (task: string, event: DocketEvent.DocketEvent["_tag"]) =>
  Metric.counter("docket.events", {
    description: "Events of executions",
    incremental: true,
    attributes: { "docket.task": task, "docket.event": event }
  })

/** Writes what a worker measures, with each series made once. @category models @since 0.1.0 */
export interface Recorder {
  readonly started: (task: string, delayMillis: number) => void
  readonly ended: (task: string, end: string, millis: number) => void
  readonly running: (count: number) => void
}

/** @category constructors @since 0.1.0 */
export const makeRecorder = (context: Context.Context<never>): Recorder => {
  const delays = once((task: string) => startDelay(task))
  const durations = once((task: string) => once((end: string) => runDuration(task, end)))
  return {
    started: (task, delayMillis) => delays(task).updateUnsafe(delayMillis / 1000, context),
    ended: (task, end, millis) => durations(task)(end).updateUnsafe(millis / 1000, context),
    running: (count) => running.updateUnsafe(count, context)
  }
}

/** Counts events, with each series made once. @category constructors @since 0.1.0 */
export const makeCounter = (
  context: Context.Context<never>
): (task: string, event: DocketEvent.DocketEvent["_tag"]) => void => {
  const counters = once((task: string) => once((event: DocketEvent.DocketEvent["_tag"]) => events(task, event)))
  return (task, event) => counters(task)(event).updateUnsafe(1, context)
}

const once = <K extends string, A>(make: (key: K) => A): (key: K) => A => {
  const made = new Map<K, A>()
  return (key) => {
    const found = made.get(key)
    if (found !== undefined) return found
    const value = make(key)
    made.set(key, value)
    return value
  }
}
