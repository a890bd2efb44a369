/**
 * What becomes of errors: told to somebody, and exchanged for others before the client sees them. It sees refusals and
 * defects of what stands behind it in the list. What a tool declares as its failure is a result, and passes by.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Outcome from "../core/Outcome.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export type Failure = Outcome.Err<McpError.McpError> | Outcome.Panicked

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /** Is told each failure as it was. The client's answer waits for it; a defect of its own is one more. */
  readonly report?: (failure: Failure, request: Middleware.Request) => Effect.Effect<void, never, R>
  /** The refusal that is sent in the place of this one: `McpError.Masked` for one that says nothing. */
  readonly map?: (error: McpError.McpError, request: Middleware.Request) => McpError.McpError
  /**
   * A refusal in the place of a defect. Where it gives none the defect stays one: the client gets an internal error, and
   * the log has the rest.
   */
  readonly onDefect?: (defect: unknown, request: Middleware.Request) => McpError.McpError | undefined
}

/** @category constructors @since 0.1.0 */
export const make = <R = never>(options: Options<R>): Middleware.Middleware<never, R> => {
  const { map = (error) => error, onDefect = () => undefined, report = () => Effect.void } = options
  return Middleware.make<R>((request, next) =>
    Effect.catchCause(next, (cause: Cause.Cause<McpError.McpError>) => {
      const outcome = Outcome.fromExit(Exit.failCause(cause))
      const handled = (): Middleware.Next => {
        if (outcome._tag === "Err") return Effect.fail(map(outcome.error, request))
        const refusal = outcome._tag === "Panicked" ? onDefect(outcome.defect, request) : undefined
        return refusal === undefined ? Effect.failCause(cause) : Effect.fail(refusal)
      }
      return outcome._tag === "Err" || outcome._tag === "Panicked"
        ? Effect.andThen(report(outcome, request), Effect.suspend(handled))
        : Effect.failCause(cause)
    })
  )
}
