/**
 * Why an OpenAPI document gives no provider: it cannot be had, cannot be read, or what was said about it does not fit it.
 * What one operation cannot is no error: it is left out, and the report says so.
 */
import * as Schema from "effect/Schema"

/** The library that reads documents is not installed. @category reasons @since 0.1.0 */
export class ParserMissing extends Schema.TaggedClass<ParserMissing>()("ParserMissing", {}) {}

/** The document could not be fetched. @category reasons @since 0.1.0 */
export class Unreachable extends Schema.TaggedClass<Unreachable>()("Unreachable", { message: Schema.String }) {}

/** What is there is no OpenAPI document of a version that is known. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", { message: Schema.String }) {}

/** Nothing says where the API is, or nothing that may be used unasked. @category reasons @since 0.1.0 */
export class NoServer extends Schema.TaggedClass<NoServer>()("NoServer", { message: Schema.String }) {}

/** An option speaks of something that the document does not have. @category reasons @since 0.1.0 */
export class NotInDocument extends Schema.TaggedClass<NotInDocument>()("NotInDocument", {
  option: Schema.Literals(["credentials", "names", "variables"]),
  name: Schema.String,
  /** Some of what it does have. */
  known: Schema.Array(Schema.String)
}) {}

/** Two operations were given one name. @category reasons @since 0.1.0 */
export class NameTaken extends Schema.TaggedClass<NameTaken>()("NameTaken", {
  name: Schema.String,
  operations: Schema.Tuple([Schema.String, Schema.String])
}) {}

/** A name that was given is none that a tool may have. @category reasons @since 0.1.0 */
export class InvalidName extends Schema.TaggedClass<InvalidName>()("InvalidName", {
  name: Schema.String,
  operation: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  ParserMissing,
  Unreachable,
  Unreadable,
  NoServer,
  NotInDocument,
  NameTaken,
  InvalidName
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class OpenApiError
  extends Schema.TaggedError<OpenApiError>("fastmcp-effect/provider/OpenApiError")("OpenApiError", { reason: Reason })
{
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): OpenApiError => new OpenApiError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "ParserMissing":
      return "OpenAPI documents are read with @scalar/openapi-parser, which is not installed; "
        + "run: npm install @scalar/openapi-parser"
    case "Unreachable":
      return `The OpenAPI document cannot be fetched: ${reason.message}`
    case "Unreadable":
      return `This is no OpenAPI document that can be read: ${reason.message}`
    case "NoServer":
      return `${reason.message}; say where the API is with the option url`
    case "NotInDocument":
      return `The option ${reason.option} has ${JSON.stringify(reason.name)}, which the document has not; it has ${
        reason.known.length === 0 ? "none" : reason.known.map((name) => JSON.stringify(name)).join(", ")
      }`
    case "NameTaken":
      return `The option names gives the name ${JSON.stringify(reason.name)} to ${
        reason.operations.join(" and to ")
      }; give one of them another`
    case "InvalidName":
      return `The option names calls ${reason.operation} ${
        JSON.stringify(reason.name)
      }; a name has 1 to 64 characters of A-Z, a-z, 0-9, _ and -`
  }
}
