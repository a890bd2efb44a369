/**
 * A handler using another definition of its server: the same middleware and visibility, what is left of the budget, no
 * transport.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Background from "../../context/Background.ts"
import * as Challenge from "../../context/Challenge.ts"
import * as RequestContext from "../../context/RequestContext.ts"
import * as Budget from "../../core/Budget.ts"
import type * as Middleware from "../../middleware/Middleware.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import * as Tracing from "../../telemetry/Tracing.ts"
import type * as handlerContext from "./handlerContext.ts"

/** How many handlers may use each other within one request. */
const maxDepth = 10

export interface Nested<A> {
  readonly method: string
  /** A name or a URI. */
  readonly target: string
  readonly params: object
  readonly spanName: string
  readonly attributes: { readonly [key: string]: string }
  /** What the target was assembled with. */
  readonly context: Context.Context<never>
  readonly scopes: ReadonlyArray<string> | undefined
  readonly answer: (request: handlerContext.HandlerContext) => Effect.Effect<A, McpError.McpError>
}

export const run = <A>(
  caller: handlerContext.HandlerContext,
  nested: Nested<A>
): Effect.Effect<A, McpError.McpError> => {
  if (caller.depth >= maxDepth) {
    return Effect.fail(McpError.invalidRequest(`Handlers may use each other ${maxDepth} deep at most.`))
  }
  return Effect.suspend(() => {
    const request = caller.nested(nested.method, nested.target, nested.params as JsonRpc.JsonObject)
    // What the target was assembled with, and of its caller what belongs to the request: span, budget, identity.
    const answer = Effect.mapError(nested.answer(request), (error) => Challenge.include(error, nested.scopes))
    const assembled = Effect.updateContext(
      answer,
      (current: Context.Context<never>) =>
        Context.add(Context.merge(current, nested.context), RequestContext.RequestContext, request).pipe(
          Context.add(Background.Entry, Effect.void)
        )
    )
    return Effect.useSpan(
      nested.spanName,
      { attributes: { [Tracing.attributes.method]: nested.method, ...nested.attributes } },
      (span) => Effect.withParentSpan(Budget.nested(assembled, {}), span, { captureStackTrace: false })
    )
  })
}

/** A nested request in the server's middleware. */
export const wrapped = <A extends object>(
  wrap: Middleware.Wrap<never> | undefined,
  request: Middleware.Request,
  answer: Effect.Effect<A, McpError.McpError>
): Effect.Effect<A, McpError.McpError> =>
  wrap === undefined ? answer : wrap(request, answer) as Effect.Effect<A, McpError.McpError>
