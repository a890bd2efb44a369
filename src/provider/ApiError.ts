/**
 * How a call of an API fails beside the ways the API declares: no handler and no schema of it has said this. Tools of an
 * API declare it with the errors of the API, so that the model reads what went wrong.
 */
import * as Schema from "effect/Schema"

/** An answer with a status, or of a form, that the API does not declare. @category reasons @since 0.1.0 */
export class Undeclared extends Schema.TaggedClass<Undeclared>()("Undeclared", {
  status: Schema.Int,
  /** The beginning of its body, where the client is at fault: a server's own trouble is not told. */
  text: Schema.String
}) {}

/** There was no answer; what is known of it is in the log. @category reasons @since 0.1.0 */
export class Unreachable extends Schema.TaggedClass<Unreachable>()("Unreachable", {}) {}

/** What was sent or answered is not what the schemas of the API say. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {}) {}

/** An argument that would be read as another path. @category reasons @since 0.1.0 */
export class InvalidPath extends Schema.TaggedClass<InvalidPath>()("InvalidPath", {
  parameter: Schema.String,
  value: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Undeclared, Unreachable, Unreadable, InvalidPath])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class ApiError extends Schema.TaggedError<ApiError>("fastmcp-effect/provider/ApiError")("ApiError", {
  /** The tool. */
  tool: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `${this.tool} failed: ${describe(this.reason)}`
  }
}

/** @category constructors @since 0.1.0 */
export const make = (tool: string, reason: Reason): ApiError => new ApiError({ tool, reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Undeclared":
      return `the API answered with status ${reason.status}, which it does not declare for this call`
        + (reason.text === "" ? "" : `: ${reason.text}`)
    case "Unreachable":
      return "the API cannot be reached at the moment"
    case "Unreadable":
      return "the API and its definition here do not agree on what is said"
    case "InvalidPath":
      return `${
        JSON.stringify(reason.value)
      } cannot be the ${reason.parameter} in its path, which would be another path then`
  }
}
