/**
 * What can go wrong between two peers below the protocol.
 */
import * as Schema from "effect/Schema"

/** The other side is gone. @category reasons @since 0.1.0 */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", {
  /** How it went, where that is known. */
  message: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** The server was a process, and has ended. @category reasons @since 0.1.0 */
export class Exited extends Schema.TaggedClass<Exited>()("Exited", {
  /** The command. */
  address: Schema.String,
  /** Undefined where a signal ended it. */
  code: Schema.optionalKey(Schema.Int),
  signal: Schema.optionalKey(Schema.String),
  /** The last it wrote there, 64 KiB at most; undefined where that was not for the client to read. */
  stderr: Schema.optionalKey(Schema.String)
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** The address could not be listened on. @category reasons @since 0.1.0 */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  address: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** The server could not be started or connected to: nothing was sent. @category reasons @since 0.1.0 */
export class Unreachable extends Schema.TaggedClass<Unreachable>()("Unreachable", {
  /** The URL, or the command. */
  address: Schema.String,
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return true
  }
}

/**
 * A request was sent, and the connection or stream that was to bring its answer ended without one. The server may have
 * done what it was asked.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Lost extends Schema.TaggedClass<Lost>()("Lost", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** An HTTP status that carries no MCP message. @category reasons @since 0.1.0 */
export class HttpStatus extends Schema.TaggedClass<HttpStatus>()("HttpStatus", {
  status: Schema.Int,
  /** The beginning of its body, where it is text. */
  body: Schema.String,
  /** Milliseconds the server asks to wait, by its `Retry-After`. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  get isRetryable(): boolean {
    return this.status === 408 || this.status === 425 || this.status === 429 || this.status === 503
  }
}

/** HTTP 401 or 403: the server wants to know who is calling, or wants more scopes. @category reasons @since 0.1.0 */
export class Unauthorized extends Schema.TaggedClass<Unauthorized>()("Unauthorized", {
  status: Schema.Literals([401, 403]),
  /** The `WWW-Authenticate` header. */
  challenge: Schema.optionalKey(Schema.String),
  /** Why nothing could be got that would let the client in, where that was tried. */
  problem: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** Who starts the server, or connects to it in memory, is not let in. @category reasons @since 0.1.0 */
export class NotAdmitted extends Schema.TaggedClass<NotAdmitted>()("NotAdmitted", { message: Schema.String }) {
  get isRetryable(): boolean {
    return false
  }
}

/** The server has ended the session (HTTP 404 up to 2025-11-25): what was sent in it was not done. @category reasons @since 0.1.0 */
export class SessionEnded extends Schema.TaggedClass<SessionEnded>()("SessionEnded", {}) {
  get isRetryable(): boolean {
    return true
  }
}

/** What came is not what this transport carries. @category reasons @since 0.1.0 */
export class Malformed extends Schema.TaggedClass<Malformed>()("Malformed", { message: Schema.String }) {
  get isRetryable(): boolean {
    return false
  }
}

/** A message was longer than is taken; it was not kept. @category reasons @since 0.1.0 */
export class TooLarge extends Schema.TaggedClass<TooLarge>()("TooLarge", {
  /** Bytes. */
  limit: Schema.Int
}) {
  get isRetryable(): boolean {
    return false
  }
}

/**
 * The server sends its client to another origin, which is not followed: the address, and credentials for it, were given
 * for this one.
 *
 * @category reasons
 * @since 0.1.0
 */
export class OtherOrigin extends Schema.TaggedClass<OtherOrigin>()("OtherOrigin", {
  from: Schema.String,
  to: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** What was given as an address is none that can be connected to. @category reasons @since 0.1.0 */
export class InvalidAddress extends Schema.TaggedClass<InvalidAddress>()("InvalidAddress", {
  address: Schema.String,
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Closed,
  Exited,
  Refused,
  Unreachable,
  Lost,
  HttpStatus,
  Unauthorized,
  NotAdmitted,
  SessionEnded,
  Malformed,
  TooLarge,
  OtherOrigin,
  InvalidAddress
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class TransportError extends Schema.TaggedError<TransportError>(
  "fastmcp-effect/transport/TransportError"
)("TransportError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): TransportError => new TransportError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Closed":
      return reason.message === undefined ? "The connection is closed" : `The connection is closed: ${reason.message}`
    case "Exited":
      return `${reason.address} ${how(reason)}${lastWords(reason.stderr)}`
    case "Refused":
      return `Cannot listen on ${reason.address}: is another program using it?`
    case "Unreachable":
      return `Cannot reach ${reason.address}: ${reason.message}`
    case "Lost":
      return `The answer got lost: ${reason.message}`
    case "HttpStatus":
      return `The server answered with HTTP ${reason.status}${reason.body === "" ? "" : `: ${reason.body}`}`
    case "Unauthorized":
      return `${
        reason.status === 401
          ? "The server wants to know who is calling (HTTP 401)"
          : "The server refuses this caller (HTTP 403)"
      }${reason.problem === undefined ? "" : `: ${reason.problem}`}`
    case "NotAdmitted":
      return `The server lets nobody in: ${reason.message}`
    case "SessionEnded":
      return "The server has ended the session"
    case "Malformed":
      return `The server does not speak this transport: ${reason.message}`
    case "TooLarge":
      return `The server sent a message of more than ${reason.limit} bytes`
    case "OtherOrigin":
      return `${reason.from} leads to another origin, ${reason.to}, which is not followed; connect to that address if you trust it`
    case "InvalidAddress":
      return `Cannot connect to ${reason.address}: ${reason.message}`
  }
}

const how = ({ code, signal }: Exited): string =>
  signal === undefined ? `has exited with code ${code}` : `was ended by ${signal}`

/** What a person reads of it; the whole is in the reason. */
const lastWords = (stderr: string | undefined): string => {
  if (stderr === undefined) return ""
  const text = stderr.trim()
  if (text === "") return " and said nothing on stderr"
  return text.length <= longest ? `:\n${text}` : `:\n…${text.slice(-longest)}`
}

const longest = 2000
