/**
 * How long tools take, as the metric `mcp.server.tool.duration` with a series for each tool and outcome, and a warning for
 * each request that is slow. How long the methods take is measured without it (`telemetry/Metrics`).
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Outcome from "../core/Outcome.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as ends from "./internal/ends.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What takes longer is told in the log, whatever its method: never when left out. */
  readonly slow?: Duration.Input
}

/**
 * It measures what stands behind it in the list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Middleware.Middleware<never, never> => {
  const slow = Duration.toMillis(Duration.fromInputUnsafe(options.slow ?? Duration.infinity))
  const series = new Map<string, ReturnType<typeof Metrics.toolDuration>>()

  const metricOf = (tool: string, outcome: Outcome.Any["_tag"]) => {
    const name = `${outcome} ${tool}`
    let metric = series.get(name)
    if (metric === undefined) series.set(name, metric = Metrics.toolDuration(tool, outcome))
    return metric
  }

  return Middleware.make((request, next) =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const start = clock.currentTimeMillisUnsafe()
      return Effect.onExit(next, (exit) => {
        const millis = clock.currentTimeMillisUnsafe() - start
        if (request.tool !== undefined) {
          metricOf(request.tool.name, ends.outcome(exit)._tag).updateUnsafe(millis / 1000, fiber.context)
        }
        if (millis <= slow) return Effect.void
        return ends.logged(
          Effect.logWarning(`${Tracing.spanName(request.method, ends.target(request))} took ${millis} ms.`),
          { millis }
        )
      })
    })
  )
}
