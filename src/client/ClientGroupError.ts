/**
 * What several servers as one may fail with besides what each of them does: a name that leads to no server, a server
 * that is not there now, and names that cannot stand beside each other.
 */
import * as Schema from "effect/Schema"

/** What has names, or URIs. @category models @since 0.1.0 */
export const Kind = Schema.Literals(["tool", "prompt", "resource", "resource template"])

/** @category models @since 0.1.0 */
export type Kind = typeof Kind.Type

/** The group's scope has ended. @category reasons @since 0.1.0 */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}

/** No server has this name, or none has it any more. @category reasons @since 0.1.0 */
export class UnknownServer extends Schema.TaggedClass<UnknownServer>()("UnknownServer", {
  server: Schema.String
}) {}

/** The server is connecting still, or has failed and will be tried again. @category reasons @since 0.1.0 */
export class NotReady extends Schema.TaggedClass<NotReady>()("NotReady", {
  server: Schema.String,
  message: Schema.String
}) {}

/** The layer of a server's transport could not be built. @category reasons @since 0.1.0 */
export class NoTransport extends Schema.TaggedClass<NoTransport>()("NoTransport", {
  server: Schema.String,
  message: Schema.String,
  cause: Schema.Defect()
}) {}

/** It is not known which server has it. @category reasons @since 0.1.0 */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", {
  kind: Kind,
  /** The name, or the URI. */
  name: Schema.String,
  /** Servers that may have it and could not be asked. */
  missing: Schema.Array(Schema.String)
}) {}

/** A server of this name is there. @category reasons @since 0.1.0 */
export class ServerExists extends Schema.TaggedClass<ServerExists>()("ServerExists", {
  server: Schema.String
}) {}

/**
 * The names of two servers could not be told apart: what all names of one begin with is also what those of the other may
 * begin with.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PrefixTaken extends Schema.TaggedClass<PrefixTaken>()("PrefixTaken", {
  server: Schema.String,
  prefix: Schema.String,
  /** The server that is there, and its prefix. */
  other: Schema.String,
  otherPrefix: Schema.String
}) {}

/** A server's prefix is empty, or leaves no room for names below the limit. @category reasons @since 0.1.0 */
export class InvalidPrefix extends Schema.TaggedClass<InvalidPrefix>()("InvalidPrefix", {
  server: Schema.String,
  prefix: Schema.String,
  message: Schema.String
}) {}

/** A name is longer than the limit, and is left out. @category reasons @since 0.1.0 */
export class NameTooLong extends Schema.TaggedClass<NameTooLong>()("NameTooLong", {
  kind: Kind,
  name: Schema.String,
  limit: Schema.Int
}) {}

/** A server offers a name twice, or two that are shortened to the same; the later is left out. @category reasons @since 0.1.0 */
export class NameTaken extends Schema.TaggedClass<NameTaken>()("NameTaken", {
  kind: Kind,
  name: Schema.String,
  /** As it would be called. */
  as: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Closed,
  UnknownServer,
  NotReady,
  NoTransport,
  NotFound,
  ServerExists,
  PrefixTaken,
  InvalidPrefix,
  NameTooLong,
  NameTaken
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class ClientGroupError extends Schema.TaggedError<ClientGroupError>(
  "fastmcp-effect/client/ClientGroupError"
)("ClientGroupError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
  /** Whether the same may succeed later. */
  get isRetryable(): boolean {
    const { reason } = this
    return reason._tag === "NotReady" || (reason._tag === "NotFound" && reason.missing.length > 0)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): ClientGroupError => new ClientGroupError({ reason })

const quote = (text: string): string => JSON.stringify(text)

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Closed":
      return "The group of clients is closed"
    case "UnknownServer":
      return `No server is called ${quote(reason.server)}`
    case "NotReady":
      return `The server ${quote(reason.server)} is not ready: ${reason.message}`
    case "NoTransport":
      return `The server ${quote(reason.server)} has no transport: ${reason.message}`
    case "NotFound":
      return reason.missing.length === 0
        ? `No server has the ${reason.kind} ${quote(reason.name)}`
        : `No server that can be asked has the ${reason.kind} ${quote(reason.name)}; ${
          reason.missing.map(quote).join(", ")
        } could not be asked`
    case "ServerExists":
      return `A server is called ${quote(reason.server)} already; remove it first, or choose another name`
    case "PrefixTaken":
      return `The names of ${quote(reason.server)} would begin with ${quote(reason.prefix)}, and those of ${
        quote(reason.other)
      } with ${quote(reason.otherPrefix)}, so that they could not be told apart; rename one, or change \`separator\``
    case "InvalidPrefix":
      return `The names of ${quote(reason.server)} cannot begin with ${quote(reason.prefix)}: ${reason.message}`
    case "NameTooLong":
      return `The ${reason.kind} ${quote(reason.name)} has a name of more than ${reason.limit} characters`
    case "NameTaken":
      return `Another ${reason.kind} is called ${quote(reason.as)}, so ${quote(reason.name)} is left out`
  }
}
