/**
 * Why a request is refused, as one error with a closed set of reasons. A reason is a fact; the JSON-RPC code it gets
 * depends on the era (`toObject`), and so does the HTTP status (`httpStatus`). Failures that a tool declares are not
 * here: they are results.
 */
import * as Schema from "effect/Schema"
import type * as Era from "./Era.ts"
import type { ErrorObject, Json } from "./JsonRpc.ts"

/** @category reasons @since 0.1.0 */
export class ParseError extends Schema.TaggedClass<ParseError>()("ParseError", { message: Schema.String }) {}

/** @category reasons @since 0.1.0 */
export class InvalidRequest extends Schema.TaggedClass<InvalidRequest>()("InvalidRequest", {
  message: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export class MethodNotFound extends Schema.TaggedClass<MethodNotFound>()("MethodNotFound", {
  method: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export class InvalidParams extends Schema.TaggedClass<InvalidParams>()("InvalidParams", {
  message: Schema.String,
  data: Schema.optionalKey(Schema.Unknown)
}) {}

/**
 * The `_meta` envelope of a stateless request lacks a key or has it wrong (2026-07-28): -32602, and HTTP 400.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidEnvelope extends Schema.TaggedClass<InvalidEnvelope>()("InvalidEnvelope", {
  message: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export class ToolNotFound extends Schema.TaggedClass<ToolNotFound>()("ToolNotFound", { name: Schema.String }) {}

/** @category reasons @since 0.1.0 */
export class ResourceNotFound extends Schema.TaggedClass<ResourceNotFound>()("ResourceNotFound", {
  uri: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export class PromptNotFound extends Schema.TaggedClass<PromptNotFound>()("PromptNotFound", { name: Schema.String }) {}

/**
 * A bug on our side. It never carries the defect's text: the server's log has that, under the same correlation id.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InternalError extends Schema.TaggedClass<InternalError>()("InternalError", {
  correlationId: Schema.optionalKey(Schema.String)
}) {}

/** @category reasons @since 0.1.0 */
export class HeaderMismatch extends Schema.TaggedClass<HeaderMismatch>()("HeaderMismatch", {
  message: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export class MissingCapability extends Schema.TaggedClass<MissingCapability>()("MissingCapability", {
  message: Schema.String,
  required: Schema.Record(Schema.String, Schema.Unknown)
}) {}

/** @category reasons @since 0.1.0 */
export class UnsupportedVersion extends Schema.TaggedClass<UnsupportedVersion>()("UnsupportedVersion", {
  requested: Schema.String,
  supported: Schema.Array(Schema.String)
}) {}

/** The deadline passed before the work was done. @category reasons @since 0.1.0 */
export class DeadlineExceeded extends Schema.TaggedClass<DeadlineExceeded>()("DeadlineExceeded", {}) {}

/** The request was stopped before it was done. @category reasons @since 0.1.0 */
export class Cancelled extends Schema.TaggedClass<Cancelled>()("Cancelled", { reason: Schema.String }) {}

/** @category reasons @since 0.1.0 */
export class RateLimited extends Schema.TaggedClass<RateLimited>()("RateLimited", {
  /** Milliseconds until it is worth trying again. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {}

/** @category reasons @since 0.1.0 */
export class Overloaded extends Schema.TaggedClass<Overloaded>()("Overloaded", {
  message: Schema.String,
  /** Milliseconds until it is worth trying again. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {}

/** The same call, by its idempotency key, is being answered elsewhere. @category reasons @since 0.1.0 */
export class InProgress extends Schema.TaggedClass<InProgress>()("InProgress", {
  /** Milliseconds until it is worth asking again. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {}

/** The idempotency key is that of another call: another tool, or other arguments. @category reasons @since 0.1.0 */
export class IdempotencyConflict extends Schema.TaggedClass<IdempotencyConflict>()("IdempotencyConflict", {
  message: Schema.String
}) {}

/**
 * The call has begun and nobody knows how it ended: what it does may be done, or not, or half. It is not run again.
 *
 * @category reasons
 * @since 0.1.0
 */
export class OutcomeUnknown extends Schema.TaggedClass<OutcomeUnknown>()("OutcomeUnknown", {
  message: Schema.String
}) {}

/** Nobody has said who calls, and this is not for everybody. @category reasons @since 0.1.0 */
export class Unauthenticated extends Schema.TaggedClass<Unauthenticated>()("Unauthenticated", {
  /** What the caller would need. */
  scopes: Schema.Array(Schema.String),
  message: Schema.optionalKey(Schema.String)
}) {}

/** It is known who calls, and that one may not do this. @category reasons @since 0.1.0 */
export class InsufficientScope extends Schema.TaggedClass<InsufficientScope>()("InsufficientScope", {
  /** All that the operation needs, also what the caller has. */
  scopes: Schema.Array(Schema.String),
  /** Why, where it is not for the scopes. */
  message: Schema.optionalKey(Schema.String)
}) {}

/** The details were withheld on purpose, by the server's policy. @category reasons @since 0.1.0 */
export class Masked extends Schema.TaggedClass<Masked>()("Masked", {}) {}

/**
 * A code this framework does not know, kept whole so that a proxy or a client can pass it on.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Other extends Schema.TaggedClass<Other>()("Other", {
  code: Schema.Int,
  message: Schema.String,
  data: Schema.optionalKey(Schema.Unknown)
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  ParseError,
  InvalidRequest,
  MethodNotFound,
  InvalidParams,
  InvalidEnvelope,
  ToolNotFound,
  ResourceNotFound,
  PromptNotFound,
  InternalError,
  HeaderMismatch,
  MissingCapability,
  UnsupportedVersion,
  DeadlineExceeded,
  Cancelled,
  RateLimited,
  Overloaded,
  InProgress,
  IdempotencyConflict,
  OutcomeUnknown,
  Unauthenticated,
  InsufficientScope,
  Masked,
  Other
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/**
 * The one error of the protocol layer. Fail with it from a handler's middleware to refuse a request; match on
 * `reason._tag`.
 *
 * @category errors
 * @since 0.1.0
 */
export class McpError extends Schema.TaggedError<McpError>("fastmcp-effect/protocol/McpError")("McpError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
  /** Whether the same request may succeed later without being changed. */
  get isRetryable(): boolean {
    const tag = this.reason._tag
    return tag === "RateLimited" || tag === "Overloaded" || tag === "InProgress" || tag === "DeadlineExceeded"
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): McpError => new McpError({ reason })

/** @category constructors @since 0.1.0 */
export const invalidRequest = (message: string): McpError => make(new InvalidRequest({ message }))

/** @category constructors @since 0.1.0 */
export const invalidParams = (message: string, data?: Json): McpError =>
  make(new InvalidParams(data === undefined ? { message } : { message, data }))

/** @category constructors @since 0.1.0 */
export const methodNotFound = (method: string): McpError => make(new MethodNotFound({ method }))

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "MethodNotFound":
      return `Method not found: ${reason.method}`
    case "ToolNotFound":
      return `Unknown tool: ${reason.name}`
    case "ResourceNotFound":
      return `Resource not found: ${reason.uri}`
    case "PromptNotFound":
      return `Unknown prompt: ${reason.name}`
    case "InternalError":
      return reason.correlationId === undefined
        ? "Internal error"
        : `Internal error; the server's log has it under ${reason.correlationId}`
    case "Masked":
      return "The server could not answer this request"
    case "UnsupportedVersion":
      return `Unsupported protocol version ${reason.requested}; this server speaks ${reason.supported.join(", ")}`
    case "DeadlineExceeded":
      return "The request took longer than its deadline allows"
    case "Cancelled":
      return `The request was cancelled (${reason.reason})`
    case "Unauthenticated":
      return reason.message ?? "This needs a caller who is known"
    case "InsufficientScope":
      return reason.message ?? needs(reason.scopes)
    case "RateLimited":
      return reason.retryAfter === undefined
        ? "Too many requests"
        : `Too many requests; try again in ${reason.retryAfter} ms`
    case "InProgress":
      return "The same call is being answered already; send it again with the same key to have its result"
    default:
      return reason.message
  }
}

const needs = (scopes: ReadonlyArray<string>): string => `This needs the scopes ${scopes.join(" ")}`

/**
 * The JSON-RPC code of a reason. Our own reasons use HTTP's numbers, outside the range JSON-RPC and MCP reserve, as
 * 2026-07-28 asks.
 *
 * @category encoding
 * @since 0.1.0
 */
export const code = (reason: Reason, era: Era.Era): number => {
  switch (reason._tag) {
    case "ParseError":
      return -32700
    case "InvalidRequest":
      return -32600
    case "MethodNotFound":
      return -32601
    case "InvalidParams":
    case "InvalidEnvelope":
    case "ToolNotFound":
    case "PromptNotFound":
      return -32602
    case "ResourceNotFound":
      return era === "Stateful" ? -32002 : -32602
    case "InternalError":
      return -32603
    case "HeaderMismatch":
      return era === "Stateful" ? -32600 : -32020
    case "MissingCapability":
      return era === "Stateful" ? -32602 : -32021
    case "UnsupportedVersion":
      return era === "Stateful" ? -32602 : -32022
    case "DeadlineExceeded":
      return 408
    case "Cancelled":
      return 499
    case "RateLimited":
      return 429
    case "Overloaded":
      return 503
    case "InProgress":
      return 409
    case "IdempotencyConflict":
      return 422
    case "OutcomeUnknown":
      return 504
    case "Unauthenticated":
      return 401
    case "InsufficientScope":
      return 403
    case "Masked":
      return 500
    case "Other":
      return reason.code
  }
}

/** @category encoding @since 0.1.0 */
export const toObject = (error: McpError, era: Era.Era): ErrorObject => {
  const { reason } = error
  const details = data(reason)
  const object = { code: code(reason, era), message: error.message }
  return details === undefined ? object : { ...object, data: details }
}

const data = (reason: Reason): Json | undefined => {
  switch (reason._tag) {
    case "InvalidParams":
    case "Other":
      return reason.data as Json | undefined
    case "ResourceNotFound":
      return { uri: reason.uri }
    case "InternalError":
      return reason.correlationId === undefined ? undefined : { correlationId: reason.correlationId }
    case "MissingCapability":
      return { requiredCapabilities: reason.required as Json }
    case "UnsupportedVersion":
      return { requested: reason.requested, supported: reason.supported }
    case "Unauthenticated":
    case "InsufficientScope":
      return { requiredScopes: reason.scopes }
    case "RateLimited":
    case "Overloaded":
    case "InProgress":
      return reason.retryAfter === undefined ? undefined : { retryAfter: reason.retryAfter }
    default:
      return undefined
  }
}

/**
 * The HTTP status of a refusal. Stateful revisions answer 200 to whatever reached the method; 2026-07-28 gives a status
 * to each fault of the envelope (section "Streamable HTTP"). 401 and 403 are those of every revision.
 *
 * @category encoding
 * @since 0.1.0
 */
export const httpStatus = (reason: Reason, era: Era.Era): number => {
  switch (reason._tag) {
    case "ParseError":
    case "InvalidRequest":
    case "HeaderMismatch":
    case "InvalidEnvelope":
      return 400
    case "MissingCapability":
    case "UnsupportedVersion":
      return era === "Stateless" ? 400 : 200
    case "MethodNotFound":
      return era === "Stateless" ? 404 : 200
    case "Unauthenticated":
      return 401
    case "InsufficientScope":
      return 403
    default:
      return 200
  }
}

/**
 * Reads an error off the wire. What the code alone cannot tell apart becomes `InvalidParams` or `Other`; nothing is
 * lost.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromObject = ({ code, message, data }: ErrorObject): McpError => {
  const details = data === undefined ? {} : { data }
  switch (code) {
    case -32700:
      return make(new ParseError({ message }))
    case -32600:
      return make(new InvalidRequest({ message }))
    case -32602:
      return make(new InvalidParams({ message, ...details }))
    case -32603:
      return make(
        new InternalError(
          isRecord(data) && typeof data.correlationId === "string" ? { correlationId: data.correlationId } : {}
        )
      )
    case -32020:
      return make(new HeaderMismatch({ message }))
    case 401:
      return make(new Unauthenticated({ scopes: scopesOf(data), message }))
    case 403: {
      const scopes = scopesOf(data)
      return make(new InsufficientScope(message === needs(scopes) ? { scopes } : { scopes, message }))
    }
    case 408:
      return make(new DeadlineExceeded())
    case 409:
      return make(new InProgress(retryAfterOf(data)))
    case 422:
      return make(new IdempotencyConflict({ message }))
    case 429:
      return make(new RateLimited(retryAfterOf(data)))
    case 503:
      return make(new Overloaded({ message, ...retryAfterOf(data) }))
    case 504:
      return make(new OutcomeUnknown({ message }))
    case -32021:
      if (isRecord(data) && isRecord(data.requiredCapabilities)) {
        return make(new MissingCapability({ message, required: data.requiredCapabilities }))
      }
      break
    case -32022:
      if (isRecord(data) && typeof data.requested === "string" && Array.isArray(data.supported)) {
        return make(new UnsupportedVersion({ requested: data.requested, supported: data.supported.map(String) }))
      }
      break
  }
  return make(new Other({ code, message, ...details }))
}

const retryAfterOf = (data: unknown): { readonly retryAfter?: number } =>
  isRecord(data) && typeof data.retryAfter === "number" ? { retryAfter: data.retryAfter } : {}

const scopesOf = (data: unknown): ReadonlyArray<string> =>
  isRecord(data) && Array.isArray(data.requiredScopes) ? data.requiredScopes.map(String) : []

const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)
