/**
 * What a session's stores can answer with instead: a limit that is reached, a stream that cannot be read, or a store
 * that does not answer.
 */
import * as Schema from "effect/Schema"

/** As many sessions are open as may be, of the server or of one caller. @category reasons @since 0.1.0 */
export class Full extends Schema.TaggedClass<Full>()("Full", {
  limit: Schema.Literals(["server", "caller"]),
  maximum: Schema.Int
}) {
  get message(): string {
    return this.limit === "server"
      ? `${this.maximum} sessions are open, which is as many as this server keeps; end one, or try again later.`
      : `You have ${this.maximum} sessions open, which is as many as one caller may have; end one with DELETE.`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** There is no such stream: it never was, it is another session's, or it has been forgotten. @category reasons @since 0.1.0 */
export class UnknownStream extends Schema.TaggedClass<UnknownStream>()("UnknownStream", {
  stream: Schema.String
}) {
  get message(): string {
    return `This session has no stream ${JSON.stringify(this.stream)} to resume, or no longer; send the request again.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** Events after the position asked for are gone; those that are left would hide a gap. @category reasons @since 0.1.0 */
export class Trimmed extends Schema.TaggedClass<Trimmed>()("Trimmed", {
  stream: Schema.String,
  after: Schema.Int
}) {
  get message(): string {
    return `Events of the stream ${
      JSON.stringify(this.stream)
    } after ${this.after} are no longer kept, so it cannot be resumed from there without a gap; send the request again.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** The store does not answer, or not what it should. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", {
  store: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get message(): string {
    return `The ${this.store} does not answer; try again later.`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** @category models @since 0.1.0 */
export const Reason = Schema.Union([Full, UnknownStream, Trimmed, Unavailable])

/** @category models @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class SessionError extends Schema.TaggedError<SessionError>("fastmcp-effect/session/SessionError")(
  "SessionError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): SessionError => new SessionError({ reason })
