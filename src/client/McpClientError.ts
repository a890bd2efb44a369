/**
 * What a client's call may fail with besides the server's own refusal, which is an `McpError`: what happened on the way
 * to the server or back, or what the server sent that it must not.
 */
import * as Schema from "effect/Schema"
import * as TransportError from "../transport/TransportError.ts"

/** The server cannot be reached, or does not speak its transport. Nothing was done. @category reasons @since 0.1.0 */
export class Transport extends Schema.TaggedClass<Transport>()("Transport", {
  error: TransportError.TransportError
}) {}

/** The client's scope has ended, or it has given up connecting again. @category reasons @since 0.1.0 */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}

/**
 * The request was sent and the connection ended before an answer came: the server may have done it, or not. It is not
 * sent again, for only the caller can tell what a second time would do; `CallOptions.idempotent` says that it may be,
 * and `CallOptions.idempotencyKey` makes it so with a server that keeps to keys.
 *
 * @category reasons
 * @since 0.1.0
 */
export class OutcomeUnknown extends Schema.TaggedClass<OutcomeUnknown>()("OutcomeUnknown", {
  method: Schema.String,
  error: TransportError.TransportError
}) {}

/** No answer came in time. The server was told that nobody waits for it any more. @category reasons @since 0.1.0 */
export class Timeout extends Schema.TaggedClass<Timeout>()("Timeout", {
  method: Schema.String,
  /** Milliseconds. */
  after: Schema.Finite
}) {}

/** The server's answer is not one to this method. @category reasons @since 0.1.0 */
export class InvalidResponse extends Schema.TaggedClass<InvalidResponse>()("InvalidResponse", {
  method: Schema.String,
  message: Schema.String
}) {}

/** Client and server have no revision in common, or found none. @category reasons @since 0.1.0 */
export class NegotiationFailed extends Schema.TaggedClass<NegotiationFailed>()("NegotiationFailed", {
  message: Schema.String,
  /** What the server says it speaks, where it does. */
  supported: Schema.Array(Schema.String)
}) {}

/** The server's revision has no such method; nothing was sent. @category reasons @since 0.1.0 */
export class NotSupported extends Schema.TaggedClass<NotSupported>()("NotSupported", {
  method: Schema.String,
  message: Schema.String
}) {}

/** The pages of a list do not end. @category reasons @since 0.1.0 */
export class EndlessList extends Schema.TaggedClass<EndlessList>()("EndlessList", {
  method: Schema.String,
  message: Schema.String
}) {}

/** The server asks again and again before it answers (`input_required`). @category reasons @since 0.1.0 */
export class TooManyRounds extends Schema.TaggedClass<TooManyRounds>()("TooManyRounds", {
  method: Schema.String,
  limit: Schema.Int
}) {}

/** The server asked something before it would answer, and that came to nothing. @category reasons @since 0.1.0 */
export class Unanswered extends Schema.TaggedClass<Unanswered>()("Unanswered", {
  /** The question's key, and its method. */
  key: Schema.String,
  method: Schema.String,
  message: Schema.String
}) {}

/** The server has no such task, or not any more: it has expired, or is somebody else's. @category reasons @since 0.1.0 */
export class TaskGone extends Schema.TaggedClass<TaskGone>()("TaskGone", { taskId: Schema.String }) {}

/** The task was cancelled, by this client or by another, or by the server. @category reasons @since 0.1.0 */
export class TaskCancelled extends Schema.TaggedClass<TaskCancelled>()("TaskCancelled", {
  taskId: Schema.String,
  /** What the server says of it. */
  status: Schema.UndefinedOr(Schema.String)
}) {}

/** One difference between a contract and what the server offers. @category models @since 0.1.0 */
export const Difference = Schema.Struct({ tool: Schema.String, message: Schema.String })

/** The server's tools are not those of the contracts. @category reasons @since 0.1.0 */
export class Drift extends Schema.TaggedClass<Drift>()("Drift", { differences: Schema.Array(Difference) }) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Transport,
  Closed,
  OutcomeUnknown,
  Timeout,
  InvalidResponse,
  NegotiationFailed,
  NotSupported,
  EndlessList,
  TooManyRounds,
  Unanswered,
  TaskGone,
  TaskCancelled,
  Drift
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class McpClientError extends Schema.TaggedError<McpClientError>(
  "fastmcp-effect/client/McpClientError"
)("McpClientError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
  /** Whether the same call may succeed later, and does no harm: never where the server may have done it already. */
  get isRetryable(): boolean {
    return this.reason._tag === "Transport" && this.reason.error.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): McpClientError => new McpClientError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Transport":
      return reason.error.message
    case "Closed":
      return "The client is closed"
    case "OutcomeUnknown":
      return `${reason.error.message}; whether the server has done ${reason.method} is unknown, so it was not sent again`
    case "Timeout":
      return `The server has not answered ${reason.method} within ${reason.after} ms`
    case "InvalidResponse":
      return `The server's answer to ${reason.method} is not valid: ${reason.message}`
    case "NotSupported":
      return `${reason.method} cannot be sent to this server: ${reason.message}`
    case "EndlessList":
      return `${reason.method} does not end: ${reason.message}`
    case "TooManyRounds":
      return `The server asked ${reason.limit} times before it would answer ${reason.method}`
    case "Unanswered":
      return `The server asked for ${reason.method} (${
        JSON.stringify(reason.key)
      }), which has no answer: ${reason.message}`
    case "TaskGone":
      return `The server has no task ${reason.taskId}, or not any more; call the tool again if its result is still wanted`
    case "TaskCancelled":
      return `The task ${reason.taskId} was cancelled${
        reason.status === undefined ? "" : ` (${reason.status})`
      }; call the tool again if its result is still wanted`
    case "Drift":
      return `The server does not keep to the contracts:\n${
        reason.differences.map(({ message, tool }) => `  ${tool}: ${message}`).join("\n")
      }`
    default:
      return reason.message
  }
}
