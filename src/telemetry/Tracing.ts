/**
 * One span for each request, spelled as OpenTelemetry's conventions for MCP spell it, and the W3C trace context that
 * travels in a request's `_meta` (`traceparent`, `tracestate`).
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type * as JsonRpc from "../protocol/JsonRpc.ts"

/** @category attributes @since 0.1.0 */
export const attributes = {
  method: "mcp.method.name",
  protocolVersion: "mcp.protocol.version",
  sessionId: "mcp.session.id",
  requestId: "jsonrpc.request.id",
  toolName: "gen_ai.tool.name",
  promptName: "gen_ai.prompt.name",
  resourceUri: "mcp.resource.uri",
  errorType: "error.type",
  errorCode: "rpc.response.status_code"
} as const

/** Stands for a method the server does not know. @category names @since 0.1.0 */
export const otherMethod = "_OTHER"

/** `tools/call add`; the method alone where there is no target. @category names @since 0.1.0 */
export const spanName = (method: string, target: string | undefined): string =>
  target === undefined ? method : `${method} ${target}`

/**
 * Starts and ends spans outside any fiber, with what tracing needs resolved once. `millis` is what the clock showed the
 * caller just now.
 *
 * @category models
 * @since 0.1.0
 */
export interface Spans {
  readonly start: (
    name: string,
    kind: Tracer.SpanKind,
    parent: Tracer.AnySpan | undefined,
    millis: number
  ) => Tracer.Span
  readonly end: (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>, millis: number) => void
}

/**
 * `undefined` where tracing is off in `context`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeSpans = (context: Context.Context<never>): Spans | undefined => {
  if (!Context.get(context, References.TracerEnabled)) return undefined
  const tracer = Context.get(context, Tracer.Tracer)
  const clock = Context.get(context, Clock.Clock)
  const timing = Context.get(context, References.TracerTimingEnabled)
  const time = !timing
    ? () => noTime
    // Effect's own tracer exports nothing, so nobody would see finer times than these.
    : Context.getOrUndefined(context, Tracer.Tracer) === undefined
    ? makeMillisToNanos()
    : () => clock.currentTimeNanosUnsafe()
  return {
    start: (name, kind, parent, millis) =>
      tracer.span({
        name,
        parent: parent === undefined ? Option.none() : Option.some(parent),
        annotations: Context.empty(),
        links: [],
        startTime: time(millis),
        kind,
        root: parent === undefined,
        sampled: parent?.sampled ?? true
      }),
    end: (span, exit, millis) => span.end(time(millis), exit)
  }
}

const noTime = BigInt(0)

/** Many requests share a millisecond, and a conversion costs more than a comparison. */
const makeMillisToNanos = (): (millis: number) => bigint => {
  let last = NaN
  let nanos = noTime
  return (millis) => {
    if (millis !== last) {
      last = millis
      nanos = BigInt(millis) * BigInt(1_000_000)
    }
    return nanos
  }
}

/**
 * The caller's span, if the request's `_meta` names one that W3C Trace Context accepts.
 *
 * @category propagation
 * @since 0.1.0
 */
export const extract = (meta: JsonRpc.JsonObject): Tracer.AnySpan | undefined => {
  const { traceparent } = meta
  if (typeof traceparent !== "string") return undefined
  // A version after 00 may append to these parts, and ff is not a version.
  const match = /^(?:00(?=.{53}$)|(?!00|ff)[\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/u.exec(
    traceparent
  )
  if (match === null || match[1] === "0".repeat(32) || match[2] === "0".repeat(16)) return undefined
  return Tracer.externalSpan({
    traceId: match[1]!,
    spanId: match[2]!,
    sampled: (Number.parseInt(match[3]!, 16) & 1) === 1
  })
}

/** What to merge into `_meta` so that the peer's span becomes a child of this one. @category propagation @since 0.1.0 */
export const inject = (span: Tracer.AnySpan): JsonRpc.JsonObject => ({ traceparent: traceparent(span) })

/** The span as W3C Trace Context writes it. @category propagation @since 0.1.0 */
export const traceparent = ({ sampled, spanId, traceId }: Tracer.AnySpan): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`
