/**
 * An entry in the server's log for each request that ends: what was asked for, by whom, how it ended and how long it
 * took, as annotations. It has the target `requests`; how it is written, and to where, is the log's (`telemetry/ServerLog`).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Identity from "../context/Identity.ts"
import type * as Outcome from "../core/Outcome.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as ServerLog from "../telemetry/ServerLog.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as ends from "./internal/ends.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Whether params and results are part of it, without what stands under keys like `password`, as JSON of at most
   * `maxLength` characters each. Not when left out.
   */
  readonly payloads?: boolean
  /** 1,000 when left out. */
  readonly maxLength?: number
  /** More keys whose values are secret. Case, `-` and `_` do not count. */
  readonly redact?: ReadonlyArray<string>
}

/**
 * Successes and cancellations are written at the level Info, refusals and failures at Warn, defects at Error; of a defect
 * only that it was one, for the server tells of it by itself.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Middleware.Middleware<never, never> => {
  const { maxLength = 1000, payloads = false } = options
  const redact = ServerLog.makeRedactor(options)

  const payload = (value: unknown): string => {
    const text = JSON.stringify(redact(value)) ?? ""
    return text.length > maxLength ? `${text.slice(0, maxLength)}...` : text
  }

  const annotations = (
    { context, method, params }: Middleware.Request,
    identity: Identity.Identity,
    outcome: Outcome.Outcome<object, McpError.McpError | undefined>,
    result: object | undefined
  ): Record<string, unknown> => ({
    method,
    request: context.id,
    revision: context.revision.version,
    ...context.client.info !== undefined && { client: context.client.info.name.slice(0, 200) },
    // Whoever has all of it may pass for the session.
    ...context.sessionId !== undefined && { session: `${context.sessionId.slice(0, 8)}...` },
    ...identity.subject !== undefined && { subject: identity.subject },
    outcome: outcome._tag,
    ...outcome._tag === "Err" && outcome.error !== undefined && { reason: outcome.error.reason._tag },
    ...outcome._tag === "Cancelled" && { reason: outcome.reason },
    ...payloads && { params: payload(params) },
    ...payloads && result !== undefined && { result: payload(result) }
  })

  return Middleware.make((request, next) =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const start = clock.currentTimeMillisUnsafe()
      return Effect.onExit(next, (exit) => {
        const outcome = ends.outcome(exit)
        const name = Tracing.spanName(request.method, ends.target(request))
        return ends.logged(logs[outcome._tag](name), {
          ...annotations(
            request,
            fiber.getRef(Identity.CurrentIdentity),
            outcome,
            exit._tag === "Success" ? exit.value : undefined
          ),
          millis: clock.currentTimeMillisUnsafe() - start
        })
      })
    })
  )
}

const logs = {
  Ok: Effect.logInfo,
  Err: Effect.logWarning,
  Cancelled: Effect.logInfo,
  Panicked: Effect.logError
} satisfies { readonly [tag in Outcome.Any["_tag"]]: (message: string) => Effect.Effect<void> }
