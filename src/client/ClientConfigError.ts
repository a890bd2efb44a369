/**
 * Why a host's file could not be read or written. What is wrong with one server in it is no failure: that is a `Problem`
 * of `ClientConfig`, and the others stand.
 */
import * as Schema from "effect/Schema"

/** The text is no JSON with comments, or no TOML. Nothing of it is used. @category reasons @since 0.1.0 */
export class Syntax extends Schema.TaggedClass<Syntax>()("Syntax", {
  /** Undefined for a text that came from no file. */
  path: Schema.optionalKey(Schema.String),
  /** Both from 1. */
  line: Schema.Int,
  column: Schema.Int,
  text: Schema.String
}) {
  get message(): string {
    const place = `${this.path ?? "line "}${this.path === undefined ? "" : ":"}${this.line}:${this.column}`
    return `${place}: ${this.text}`
  }
}

/** A library that reads this form is not installed. @category reasons @since 0.1.0 */
export class MissingLibrary extends Schema.TaggedClass<MissingLibrary>()("MissingLibrary", {
  library: Schema.String,
  form: Schema.String
}) {
  get message(): string {
    return `${this.form} is read with ${this.library}, which is not installed; run: npm install ${this.library}`
  }
}

/** @category reasons @since 0.1.0 */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", { path: Schema.String }) {
  get message(): string {
    return `There is no ${this.path}`
  }
}

/** The file system says no, or the file is not UTF-8. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  path: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `${this.path} could not be read: ${this.text}`
  }
}

/** The file system says no; the file is as it was. @category reasons @since 0.1.0 */
export class Unwritable extends Schema.TaggedClass<Unwritable>()("Unwritable", {
  path: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `${this.path} could not be written and is as it was: ${this.text}`
  }
}

/** Somebody else has written the file since it was read; their text is kept. @category reasons @since 0.1.0 */
export class Changed extends Schema.TaggedClass<Changed>()("Changed", { path: Schema.String }) {
  get message(): string {
    return `${this.path} has changed since it was read; load it again and repeat the edit`
  }
}

/** @category reasons @since 0.1.0 */
export class UnknownServer extends Schema.TaggedClass<UnknownServer>()("UnknownServer", { name: Schema.String }) {
  get message(): string {
    return `No server is called ${JSON.stringify(this.name)}`
  }
}

/** @category reasons @since 0.1.0 */
export class NameTaken extends Schema.TaggedClass<NameTaken>()("NameTaken", { name: Schema.String }) {
  get message(): string {
    return `A server is called ${JSON.stringify(this.name)} already; remove it first, or take another name`
  }
}

/** What was to be written is nothing the host would read. @category reasons @since 0.1.0 */
export class InvalidServer extends Schema.TaggedClass<InvalidServer>()("InvalidServer", {
  name: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `The server ${JSON.stringify(this.name)} cannot be written: ${this.text}`
  }
}

/** @category reasons @since 0.1.0 */
export class Disabled extends Schema.TaggedClass<Disabled>()("Disabled", { name: Schema.String }) {
  get message(): string {
    return `The server ${JSON.stringify(this.name)} is disabled; enable it first`
  }
}

/** Placeholders of one server have no value. @category reasons @since 0.1.0 */
export class Unresolved extends Schema.TaggedClass<Unresolved>()("Unresolved", {
  name: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  get message(): string {
    return `The server ${JSON.stringify(this.name)} cannot be used: ${this.problems.join("; ")}`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Syntax,
  MissingLibrary,
  NotFound,
  Unreadable,
  Unwritable,
  Changed,
  UnknownServer,
  NameTaken,
  InvalidServer,
  Disabled,
  Unresolved
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class ClientConfigError extends Schema.TaggedError<ClientConfigError>(
  "fastmcp-effect/client/ClientConfigError"
)("ClientConfigError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): ClientConfigError => new ClientConfigError({ reason })
