/** Why a docket cannot do what it was asked. */
import * as Schema from "effect/Schema"
import * as Execution from "./Execution.ts"

/** The store or the engine does not answer, or not what it should; whether it has done what it was asked is not known. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", {
  /** For people: which part. */
  part: Schema.String,
  /** Of a layer that could not be made. */
  isStart: Schema.optionalKey(Schema.Literal(true)),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get message(): string {
    return this.isStart === true
      ? `The ${this.part} cannot be opened. Look at its address, whether a server answers there, and whether it lets this ` +
        "program in and make tables; then start the program again."
      : `The ${this.part} does not answer. Try again later, and with the same key, so that nothing is done twice.`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** The payload is not what the definition says. @category reasons @since 0.1.0 */
export class InvalidPayload extends Schema.TaggedClass<InvalidPayload>()("InvalidPayload", {
  task: Schema.String,
  issue: Schema.String
}) {
  get message(): string {
    return `The payload does not fit the task ${JSON.stringify(this.task)}: ${this.issue}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** @category reasons @since 0.1.0 */
export class PayloadTooLarge extends Schema.TaggedClass<PayloadTooLarge>()("PayloadTooLarge", {
  task: Schema.String,
  bytes: Schema.Int,
  maximum: Schema.Int
}) {
  get message(): string {
    return `The payload for the task ${
      JSON.stringify(this.task)
    } has ${this.bytes} bytes, and ${this.maximum} is the most. ` +
      "Keep it elsewhere, and let the payload say where."
  }
  get isRetryable(): boolean {
    return false
  }
}

/** What the runs of an execution keep for each other is more than the docket keeps. @category reasons @since 0.1.0 */
export class DataTooLarge extends Schema.TaggedClass<DataTooLarge>()("DataTooLarge", {
  id: Schema.String,
  bytes: Schema.Int,
  maximum: Schema.Int
}) {
  get message(): string {
    return `What the execution ${
      JSON.stringify(this.id)
    } keeps has ${this.bytes} bytes, and ${this.maximum} is the most.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** It keeps as much as it may. @category reasons @since 0.1.0 */
export class Full extends Schema.TaggedClass<Full>()("Full", { maximum: Schema.Int }) {
  get message(): string {
    return `The docket keeps ${this.maximum} executions, which is as many as it may.`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** Nothing has this id, or it has ended so long ago that it is forgotten. @category reasons @since 0.1.0 */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", { id: Schema.String }) {
  get message(): string {
    return `There is no execution ${JSON.stringify(this.id)}; it may have ended and been forgotten.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** @category reasons @since 0.1.0 */
export class InvalidOption extends Schema.TaggedClass<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  issue: Schema.String
}) {
  get message(): string {
    return `The option ${JSON.stringify(this.option)} cannot be so: ${this.issue}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** A cron expression or an interval that never comes. @category reasons @since 0.1.0 */
export class InvalidSchedule extends Schema.TaggedClass<InvalidSchedule>()("InvalidSchedule", {
  key: Schema.String,
  issue: Schema.String
}) {
  get message(): string {
    return `The schedule ${JSON.stringify(this.key)} cannot be kept: ${this.issue}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** What was waited for has failed otherwise than its definition says. @category reasons @since 0.1.0 */
export class ExecutionFailed extends Schema.TaggedClass<ExecutionFailed>()("ExecutionFailed", {
  id: Schema.String,
  failure: Execution.Failure
}) {
  get message(): string {
    return `The execution ${JSON.stringify(this.id)} has failed (${this.failure.kind}): ${this.failure.message}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** What was waited for was cancelled. @category reasons @since 0.1.0 */
export class ExecutionCancelled extends Schema.TaggedClass<ExecutionCancelled>()("ExecutionCancelled", {
  id: Schema.String,
  reason: Schema.String
}) {
  get message(): string {
    return `The execution ${JSON.stringify(this.id)} was cancelled: ${this.reason}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** What is kept of an execution cannot be read with this definition or these keys. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  id: Schema.String,
  issue: Schema.String
}) {
  get message(): string {
    return `What is kept of the execution ${JSON.stringify(this.id)} cannot be read: ${this.issue}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Unavailable,
  InvalidPayload,
  PayloadTooLarge,
  DataTooLarge,
  Full,
  NotFound,
  InvalidOption,
  InvalidSchedule,
  ExecutionFailed,
  ExecutionCancelled,
  Unreadable
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class DocketError extends Schema.TaggedError<DocketError>("fastmcp-effect/docket/DocketError")("DocketError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
  /** What the log has beside the message, where there is more to say. */
  override get cause(): unknown {
    return this.reason._tag === "Unavailable" ? this.reason.cause : undefined
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): DocketError => new DocketError({ reason })

/** What is unavailable could not be opened, and was not there before. @category constructors @since 0.1.0 */
export const atStart = (error: DocketError): DocketError =>
  error.reason._tag === "Unavailable" ? make(new Unavailable({ ...error.reason, isStart: true })) : error
