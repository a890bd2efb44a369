/**
 * What a server counts: how long requests take by method and outcome, and how many are in flight. Read them with
 * Effect's own exporters.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type * as Outcome from "../core/Outcome.ts"

const duration = (attributes: { readonly [key: string]: string }) =>
  Metric.histogram("mcp.server.operation.duration", {
    description: "Duration of MCP requests in seconds",
    boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
    attributes
  })

type Duration = ReturnType<typeof duration>

/**
 * Seconds from a request's arrival to its end, a series for each method and outcome, with the attributes
 * `mcp.method.name` and `outcome`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestDuration = (method: string, outcome: Outcome.Any["_tag"]): Duration =>
  duration({ "mcp.method.name": method, outcome })

const byTool = (attributes: { readonly [key: string]: string }) =>
  Metric.histogram("mcp.server.tool.duration", {
    description: "Duration of tool calls in seconds",
    boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
    attributes
  })

/**
 * Seconds a tool took, a series for each tool and outcome, with the attributes `gen_ai.tool.name` and `outcome`. A result
 * that tells of a failure is `Err`. The middleware `Timing` writes it.
 *
 * @category metrics
 * @since 0.1.0
 */
export const toolDuration = (tool: string, outcome: Outcome.Any["_tag"]): Duration =>
  byTool({ "gen_ai.tool.name": tool, outcome })

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
 * Makes each series once, so that a request pays for an update and not for finding it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRecorder = (context: Context.Context<never>): Recorder => {
  const methods = new Map<string, { [tag in Outcome.Any["_tag"]]?: Duration }>()
  return {
    record: (method, outcome, millis) => {
      let series = methods.get(method)
      if (series === undefined) methods.set(method, series = {})
      const metric = series[outcome] ??= requestDuration(method, outcome)
      metric.updateUnsafe(millis / 1000, context)
    },
    inFlight: (count) => requestsInFlight.updateUnsafe(count, context)
  }
}
