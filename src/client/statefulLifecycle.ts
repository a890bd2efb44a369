/**
 * The stateful era: `initialize` settles everything once, and requests bring nothing but what they are about.
 */
import * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as lifecycle from "./lifecycle.ts"

/** `settled` is false for `initialize` itself, which no revision has been agreed on for. */
export const make = (
  revision: Revision.Revision,
  server: lifecycle.Server,
  settled = true
): lifecycle.Lifecycle => ({
  revision,
  server,
  encode: (id, call, progressToken, span) => {
    const { method, params } = call
    const trace = span === undefined || span.traceId === "noop" ? undefined : span
    return {
      frame: lifecycle.isApart(call, lifecycle.ofAny)
        ? lifecycle.frame(id, call, "", trace, progressToken)
        : JsonRpc.encodeRequest(id, method, {
          ...params,
          _meta: lifecycle.metaOf(call, progressToken, trace && Tracing.inject(trace))
        }),
      id,
      method,
      version: settled ? revision.version : undefined
    }
  }
})
