/**
 * Why a call of an API behind `OpenApi` came to nothing. It is the declared failure of its tools: a client that knows
 * this schema gets it back as a value, and every other one reads its message. No reason says where the API is, or what
 * was sent to it.
 */
import * as Schema from "effect/Schema"
import * as DefinitionError from "../definition/DefinitionError.ts"

/** The API answered with a status that is no success. @category reasons @since 0.1.0 */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  status: Schema.Int,
  /** What it said: a JSON value, or text. */
  body: Schema.optionalKey(Schema.Json),
  /** Seconds after which it may be asked again, where it said so. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {}

/** It answered with an address elsewhere, which is not followed. @category reasons @since 0.1.0 */
export class Redirected extends Schema.TaggedClass<Redirected>()("Redirected", { status: Schema.Int }) {}

/** It has not answered in time; what was asked may be done all the same. @category reasons @since 0.1.0 */
export class TimedOut extends Schema.TaggedClass<TimedOut>()("TimedOut", {
  /** Milliseconds. */
  after: Schema.Finite
}) {}

/** It cannot be reached, or the connection broke off. @category reasons @since 0.1.0 */
export class Unreachable extends Schema.TaggedClass<Unreachable>()("Unreachable", {
  /** `ECONNREFUSED` and the like, where it is known. */
  code: Schema.optionalKey(Schema.String)
}) {}

/** Its answer is larger than is read. @category reasons @since 0.1.0 */
export class TooLarge extends Schema.TaggedClass<TooLarge>()("TooLarge", {
  /** Bytes. */
  limit: Schema.Finite
}) {}

/** Its answer is not what the document says, and only that is wanted; here it is. @category reasons @since 0.1.0 */
export class Unexpected extends Schema.TaggedClass<Unexpected>()("Unexpected", {
  status: Schema.Int,
  issues: Schema.Array(DefinitionError.Issue),
  body: Schema.Json
}) {}

/** An argument cannot be sent in the place it has to go to; nothing was. @category reasons @since 0.1.0 */
export class Unsendable extends Schema.TaggedClass<Unsendable>()("Unsendable", {
  argument: Schema.String,
  text: Schema.String
}) {}

/** This server has not got the credentials that the API wants; nothing was sent. @category reasons @since 0.1.0 */
export class MissingCredentials extends Schema.TaggedClass<MissingCredentials>()("MissingCredentials", {
  text: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Refused,
  Redirected,
  TimedOut,
  Unreachable,
  TooLarge,
  Unexpected,
  Unsendable,
  MissingCredentials
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class OpenApiFailure
  extends Schema.TaggedError<OpenApiFailure>("fastmcp-effect/provider/OpenApiFailure")("OpenApiFailure", {
    reason: Reason
  })
{
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): OpenApiFailure => new OpenApiFailure({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Refused":
      return `The API answered with status ${reason.status}${hintOf(reason)}${
        reason.body === undefined ? "" : `: ${textOf(reason.body)}`
      }`
    case "Redirected":
      return `The API answered with status ${reason.status} and an address elsewhere, which is not followed`
    case "TimedOut":
      return `The API has not answered within ${reason.after} ms; what was asked may be done all the same`
    case "Unreachable":
      return `The API cannot be reached${reason.code === undefined ? "" : ` (${reason.code})`}`
    case "TooLarge":
      return `The API's answer is larger than ${reason.limit} bytes; ask for less of it`
    case "Unexpected":
      return `The API answered with status ${reason.status} and not what its description says (${
        reason.issues.map(({ message, path }) => path.length === 0 ? message : `${path.join(".")}: ${message}`).join(
          "; "
        )
      }): ${textOf(reason.body)}`
    case "Unsendable":
      return `The argument ${JSON.stringify(reason.argument)} cannot be sent: ${reason.text}`
    case "MissingCredentials":
      return `This server has not got the credentials that the API wants: ${reason.text}`
  }
}

const hintOf = ({ retryAfter, status }: Refused): string => {
  const again = retryAfter === undefined ? "" : `; ask again in ${retryAfter} s`
  switch (status) {
    case 401:
      return ` (it does not accept this server's credentials)${again}`
    case 403:
      return ` (not allowed with this server's credentials)${again}`
    case 404:
      return ` (not found)${again}`
    case 429:
      return ` (too many requests)${again}`
    default:
      return again
  }
}

const textOf = (body: Schema.Json): string => typeof body === "string" ? body : JSON.stringify(body)
