/**
 * Why a file is not read, or a folder not served. Paths are those below the folder; clients are not told which of the
 * first four it was, or they could ask for what is hidden until they knew that it is there.
 */
import * as Schema from "effect/Schema"

/** Nothing has this path. @category reasons @since 0.1.0 */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", { path: Schema.String }) {
  get message(): string {
    return `There is no ${JSON.stringify(this.path)}`
  }
}

/** The path, or a link on the way, leads to another place than the path says. @category reasons @since 0.1.0 */
export class Outside extends Schema.TaggedClass<Outside>()("Outside", { path: Schema.String }) {
  get message(): string {
    return `${JSON.stringify(this.path)} leads out of the folder, or over a link that is not followed`
  }
}

/** A rule of the folder keeps it back. @category reasons @since 0.1.0 */
export class Excluded extends Schema.TaggedClass<Excluded>()("Excluded", {
  path: Schema.String,
  rule: Schema.Literals(["hidden", "include", "exclude", "depth"])
}) {
  get message(): string {
    return `${JSON.stringify(this.path)} is kept back by the option ${this.rule}`
  }
}

/** A folder, a device, a pipe or a socket. @category reasons @since 0.1.0 */
export class NotRegular extends Schema.TaggedClass<NotRegular>()("NotRegular", { path: Schema.String }) {
  get message(): string {
    return `${JSON.stringify(this.path)} is not a file with contents of its own`
  }
}

/** More than is read at once. @category reasons @since 0.1.0 */
export class TooLarge extends Schema.TaggedClass<TooLarge>()("TooLarge", {
  path: Schema.String,
  size: Schema.Finite,
  maximum: Schema.Finite
}) {
  get message(): string {
    return `${JSON.stringify(this.path)} has ${this.size} bytes, and no more than ${this.maximum} are read at once`
  }
}

/** A part that begins behind the end of the file. @category reasons @since 0.1.0 */
export class OutOfRange extends Schema.TaggedClass<OutOfRange>()("OutOfRange", {
  path: Schema.String,
  size: Schema.Finite,
  offset: Schema.Finite
}) {
  get message(): string {
    return `${JSON.stringify(this.path)} has ${this.size} bytes, and none at ${this.offset}`
  }
}

/** The file system says no. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  path: Schema.String,
  cause: Schema.Defect()
}) {
  get message(): string {
    return `${JSON.stringify(this.path)} cannot be read: ${
      this.cause instanceof Error ? this.cause.message : String(this.cause)
    }`
  }
}

/** One of `include` or `exclude` can fit no path. @category reasons @since 0.1.0 */
export class InvalidPattern extends Schema.TaggedClass<InvalidPattern>()("InvalidPattern", {
  pattern: Schema.String,
  problem: Schema.String
}) {
  get message(): string {
    return `The pattern ${JSON.stringify(this.pattern)} fits nothing: ${this.problem}`
  }
}

/** What is to be served is no folder. @category reasons @since 0.1.0 */
export class NotAFolder extends Schema.TaggedClass<NotAFolder>()("NotAFolder", {
  directory: Schema.String,
  problem: Schema.String
}) {
  get message(): string {
    return `${JSON.stringify(this.directory)} cannot be served: ${this.problem}`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  NotFound,
  Outside,
  Excluded,
  NotRegular,
  TooLarge,
  OutOfRange,
  Unreadable,
  InvalidPattern,
  NotAFolder
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class GuardedFilesError extends Schema.TaggedError<GuardedFilesError>(
  "fastmcp-effect/provider/GuardedFilesError"
)("GuardedFilesError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): GuardedFilesError => new GuardedFilesError({ reason })
