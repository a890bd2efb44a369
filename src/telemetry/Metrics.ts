/**
 * What a server counts: how long requests take by method and outcome, and how many are in flight. Read them with
 * Effect's own exporters.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type * as Outcome from "../core/Outcome.ts"

/**
 * Seconds from a request's arrival to its end, with the attributes `mcp.method.name` and `outcome`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestDuration = Metric.histogram("mcp.server.operation.duration", {
  description: "Duration of MCP requests in seconds",
  boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60]
})

/** @category metrics @since 0.1.0 */
export const requestsInFlight = Metric.gauge("mcp.server.requests.in_flight", {
  description: "MCP requests being answered"
})

/** Writes the metrics of one server. @category models @since 0.1.0 */
export interface Recorder {
  readonly record: (method: string, outcome: Outcome.Any["_tag"], millis: number) => void
  readonly inFlight: (count: number) => void
}

/**
 * Resolves each series once, so that a request pays for an update and not for finding it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRecorder = (context: Context.Context<never>): Recorder => {
  const series = new Map<string, Metric.Metric<number, unknown>>()
  return {
    record: (method, outcome, millis) => {
      const key = `${outcome} ${method}`
      let metric = series.get(key)
      if (metric === undefined) {
        metric = Metric.withAttributes(requestDuration, { "mcp.method.name": method, outcome })
        series.set(key, metric)
      }
      metric.updateUnsafe(millis / 1000, context)
    },
    inFlight: (count) => requestsInFlight.updateUnsafe(count, context)
  }
}
