/**
 * Spares what keeps failing. After some failures its requests are refused at once, with `Overloaded` (code 503) and
 * `retryAfter` in the data; then one may try, and settles whether the others follow.
 *
 * The circuits are Effect's: `effect/persistence/CircuitBreaker` has the layer that says when one opens and for how long,
 * and the stores, in memory or in Redis for many processes.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Circuits from "effect/persistence/CircuitBreaker"
import * as Identity from "../context/Identity.ts"
import * as Outcome from "../core/Outcome.ts"
import * as McpError from "../protocol/McpError.ts"
import * as key from "./internal/key.ts"
import * as methods from "./internal/methods.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export type Judgement = "success" | "failure" | "ignored"

/** @category models @since 0.1.0 */
export interface Options {
  /** What has a circuit of its own: each tool when left out. */
  readonly per?: Middleware.Per
  /**
   * What an end says of the health of what was asked. When left out: results are successes; defects, `InternalError`,
   * `Overloaded` and running out of time are failures; the rest is ignored, failures that a tool declares among it.
   */
  readonly judge?: (outcome: Outcome.Outcome<object, McpError.McpError>, request: Middleware.Request) => Judgement
  /** What the keys begin with, where several share a store. Nothing when left out. */
  readonly name?: string
}

/** @category constructors @since 0.1.0 */
export const make = (options: Options = {}): Middleware.Middleware<never, Circuits.CircuitBreaker> => {
  const { judge = judgement, name = "", per = "tool" } = options
  return Middleware.make((request, next) =>
    methods.isProtocol(request.method) ?
      next :
      Effect.withFiber<object, McpError.McpError, Circuits.CircuitBreaker>((fiber) => {
        const own = key.of(per, request, fiber.getRef(Identity.CurrentIdentity))
        if (own === undefined) return next
        // Its time is up by an interruption, which a circuit does not look at: it is shown the exit as a value.
        return Effect.uninterruptibleMask((restore) =>
          Effect.flatten(
            Circuits.CircuitBreaker.use((circuits) =>
              circuits.execute(Effect.exit(restore(next)), {
                key: `${name}${own}`,
                classify: (shown) =>
                  shown._tag === "Success" ? outcomes[judge(Outcome.fromExit(shown.value), request)] : Circuits.ignored
              })
            ).pipe(Effect.catchTag("CircuitBreakerError", (error) => Effect.fail(refusal(error))))
          )
        )
      })
  )
}

const outcomes = { success: Circuits.success, failure: Circuits.failure(), ignored: Circuits.ignored }

const judgement = (outcome: Outcome.Outcome<object, McpError.McpError>): Judgement => {
  switch (outcome._tag) {
    case "Ok":
      return "isError" in outcome.value && outcome.value.isError === true ? "ignored" : "success"
    case "Err":
      return failing.has(outcome.error.reason._tag) ? "failure" : "ignored"
    case "Cancelled":
      return outcome.reason === "Timeout" || outcome.reason === "Deadline" ? "failure" : "ignored"
    case "Panicked":
      return "failure"
  }
}

const failing: ReadonlySet<McpError.Reason["_tag"]> = new Set(["InternalError", "Overloaded", "DeadlineExceeded"])

const refusal = ({ reason }: Circuits.CircuitBreakerError): McpError.McpError =>
  McpError.make(
    new McpError.Overloaded({
      message: "This has failed too often, and rests for a while.",
      ...(reason._tag === "CircuitOpen" ? { retryAfter: Math.ceil(Duration.toMillis(reason.retryAfter)) } : undefined)
    })
  )
