/**
 * How far along a request is, told to the client that asked.
 */
import type * as Effect from "effect/Effect"
import * as RequestContext from "./RequestContext.ts"

/**
 * Reports progress. Nothing is sent when the client gave no token, nor when `progress` is not greater than the last
 * value sent (the protocol wants it strictly increasing). Any unit; fractions are fine.
 *
 * @category reporting
 * @since 0.1.0
 */
export const report = (
  progress: number,
  options?: RequestContext.ProgressOptions
): Effect.Effect<void, never, RequestContext.RequestContext> =>
  RequestContext.RequestContext.use((request) => request.reportProgress(progress, options))
