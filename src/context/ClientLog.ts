/**
 * Log messages to the client. They reach it only at the level it asked for: with `logging/setLevel` in 2025 revisions,
 * with a `_meta` key on the request itself from 2026-07-28, where a request without the key gets none. Effect's own
 * logs go to stderr, not here, unless `logger` is added.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as RequestContext from "./RequestContext.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** The name of the logger, as clients show it. */
  readonly logger?: string
}

/**
 * Sends `data` at a level of RFC 5424, as JSON where it is JSON and as text where not. Never put a secret in it.
 *
 * @category logging
 * @since 0.1.0
 */
export const log = (
  level: McpSchema.LoggingLevel,
  data: unknown,
  options?: Options
): Effect.Effect<void, never, RequestContext.RequestContext> =>
  RequestContext.RequestContext.use((request) => request.log(level, readable(data), options?.logger))

/** A log message must not be what a request dies of. */
const readable = (data: unknown): unknown => {
  if (data instanceof Error) return String(data)
  try {
    return data === undefined || JSON.stringify(data) !== undefined ? data : Inspectable.toStringUnknown(data)
  } catch {
    return Inspectable.toStringUnknown(data)
  }
}

const at = (level: McpSchema.LoggingLevel) => (data: unknown, options?: Options) => log(level, data, options)

/** @category logging @since 0.1.0 */
export const debug = at("debug")
/** @category logging @since 0.1.0 */
export const info = at("info")
/** @category logging @since 0.1.0 */
export const notice = at("notice")
/** @category logging @since 0.1.0 */
export const warning = at("warning")
/** @category logging @since 0.1.0 */
export const error = at("error")
/** @category logging @since 0.1.0 */
export const critical = at("critical")
/** @category logging @since 0.1.0 */
export const alert = at("alert")
/** @category logging @since 0.1.0 */
export const emergency = at("emergency")

const levels: { readonly [level in LogLevel.Severity]: McpSchema.LoggingLevel } = {
  Trace: "debug",
  Debug: "debug",
  Info: "info",
  Warn: "warning",
  Error: "error",
  Fatal: "critical"
}

/**
 * An Effect logger that forwards what is logged inside a request to its client. Outside a request it does nothing.
 *
 * **Details**
 *
 * The data is what was logged. Where there are annotations, spans or a cause it is an object with the `message` and
 * with them: milliseconds for each span, and of a cause its failures alone, as a bug's text and stack are nothing for a
 * client.
 *
 * @category logging
 * @since 0.1.0
 */
export const logger: Logger.Logger<unknown, void> = Logger.make(({ cause, date, fiber, logLevel, message }) => {
  const request = Context.getOrUndefined(fiber.context, RequestContext.RequestContext)
  if (request === undefined || logLevel === "All" || logLevel === "None") return
  const parts = (Array.isArray(message) ? message : [message]).map(readable)
  const said = parts.length === 1 ? parts[0] : parts
  const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
  const spans = fiber.getRef(References.CurrentLogSpans)
  const data = {
    ...parts.length === 0 ? undefined : { message: said },
    ...annotations.length === 0
      ? undefined
      : { annotations: Object.fromEntries(annotations.map(([key, value]) => [key, readable(value)])) },
    ...spans.length === 0
      ? undefined
      : { spans: Object.fromEntries(spans.map(([label, start]) => [label, date.getTime() - start])) },
    ...cause.reasons.length === 0 ? undefined : { cause: cause.reasons.map(summary) }
  }
  const isPlain = annotations.length === 0 && spans.length === 0 && cause.reasons.length === 0
  Effect.runForkWith(fiber.context)(request.log(levels[logLevel], isPlain ? said : data))
})

const summary = (reason: Cause.Reason<unknown>): unknown =>
  Cause.isFailReason(reason) ? readable(reason.error) : Cause.isDieReason(reason) ? "Internal error" : "Interrupted"

/**
 * Adds `logger` to the program's loggers.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Logger.layer([logger], { mergeWithExisting: true })
