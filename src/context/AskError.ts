/**
 * Why a question to the client has no answer.
 */
import * as Schema from "effect/Schema"

/** The client has not declared that it can be asked this. @category reasons @since 0.1.0 */
export class Unsupported extends Schema.TaggedClass<Unsupported>()("Unsupported", {
  key: Schema.String,
  /** `elicitation.url`, `sampling`, ... */
  capability: Schema.String
}) {
  get message(): string {
    return `"${this.key}" needs a client with ${this.capability}.`
  }
}

/** Its user said no. @category reasons @since 0.1.0 */
export class Declined extends Schema.TaggedClass<Declined>()("Declined", { key: Schema.String }) {
  get message(): string {
    return `The user declined "${this.key}".`
  }
}

/** Its user closed the question without a choice. @category reasons @since 0.1.0 */
export class Dismissed extends Schema.TaggedClass<Dismissed>()("Dismissed", { key: Schema.String }) {
  get message(): string {
    return `The user dismissed "${this.key}".`
  }
}

/** The client answered with an error. @category reasons @since 0.1.0 */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  key: Schema.String,
  code: Schema.Finite,
  text: Schema.String
}) {
  get message(): string {
    return `The client refused "${this.key}": ${this.text} (${this.code})`
  }
}

/** The answer does not fit the question. @category reasons @since 0.1.0 */
export class InvalidAnswer extends Schema.TaggedClass<InvalidAnswer>()("InvalidAnswer", {
  key: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `The answer to "${this.key}" does not fit: ${this.text}`
  }
}

/** It is a question no client may be asked, by what the protocol says of it. @category reasons @since 0.1.0 */
export class InvalidQuestion extends Schema.TaggedClass<InvalidQuestion>()("InvalidQuestion", {
  key: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `"${this.key}" cannot be asked: ${this.text}`
  }
}

/** One key stands for two different questions or steps. @category reasons @since 0.1.0 */
export class KeyReused extends Schema.TaggedClass<KeyReused>()("KeyReused", { key: Schema.String }) {
  get message(): string {
    return `"${this.key}" was used before for something else; each question and each step needs a key of its own.`
  }
}

/** No answer came in time. @category reasons @since 0.1.0 */
export class NoAnswer extends Schema.TaggedClass<NoAnswer>()("NoAnswer", {
  key: Schema.String,
  /** Milliseconds it waited. */
  waited: Schema.Finite
}) {
  get message(): string {
    return `The client did not answer "${this.key}" within ${this.waited} ms.`
  }
}

/** Rounds of one request, or the state it carries between them, went past the server's limit. @category reasons @since 0.1.0 */
export class LimitReached extends Schema.TaggedClass<LimitReached>()("LimitReached", {
  limit: Schema.Literals(["rounds", "state size"]),
  maximum: Schema.Finite
}) {
  get message(): string {
    return `The request needs more than its ${this.limit} allow (${this.maximum}).`
  }
}

/** A value that must cross between rounds is not JSON. @category reasons @since 0.1.0 */
export class NotJson extends Schema.TaggedClass<NotJson>()("NotJson", {
  key: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `What "${this.key}" ended with cannot be kept: ${this.text}`
  }
}

/** What a step ended with in an earlier round cannot be read; another version of the server may have written it. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  key: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `What was kept of "${this.key}" cannot be read: ${this.text}`
  }
}

/** There is nobody to ask: the request does not allow it, or its connection carries no requests. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", { text: Schema.String }) {
  get message(): string {
    return this.text
  }
}

/** @category models @since 0.1.0 */
export const Reason = Schema.Union([
  Unsupported,
  Declined,
  Dismissed,
  Refused,
  InvalidAnswer,
  InvalidQuestion,
  KeyReused,
  NoAnswer,
  LimitReached,
  NotJson,
  Unreadable,
  Unavailable
])

/** @category models @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class AskError extends Schema.TaggedError<AskError>("fastmcp-effect/context/AskError")("AskError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): AskError => new AskError({ reason })
