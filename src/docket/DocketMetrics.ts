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

/** Makes each series once. @category constructors @since 0.1.0 */
export const makeCounter = (
  context: Context.Context<never>
): (task: string, event: DocketEvent.DocketEvent["_tag"]) => void => {
  const tasks = new Map<string, { [tag in DocketEvent.DocketEvent["_tag"]]?: ReturnType<typeof events> }>()
  return (task, event) => {
    let series = tasks.get(task)
    if (series === undefined) tasks.set(task, series = {})
    const counter = series[event] ??= events(task, event)
    counter.updateUnsafe(1, context)
  }
}
