/**
 * What can go wrong between an OAuth client and those it gets its tokens from. No reason carries a token, a code or a
 * secret, so an error may be logged.
 */
import * as Schema from "effect/Schema"
import * as SafeFetch from "./SafeFetch.ts"

/**
 * The authorization server says no, in a word of RFC 6749 or of one that builds on it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  issuer: Schema.String,
  /** What was asked of it: `authorization`, `token`, `registration`. */
  endpoint: Schema.Literals(["authorization", "token", "registration"]),
  /** `invalid_grant`, `access_denied`, ... */
  code: Schema.String,
  description: Schema.optionalKey(Schema.String)
}) {
  get message(): string {
    const { code, description, endpoint, issuer } = this
    const words = description === undefined ? "" : `: ${description}`
    return code === "access_denied" && endpoint === "authorization"
      ? `${issuer} was not given leave to let this client in${words}`
      : `${issuer} refuses the ${endpoint} request (${code}${words})`
  }
  get isRetryable(): boolean {
    return this.code === "temporarily_unavailable" || this.code === "server_error" || this.code === "slow_down"
  }
}

/** A request came to nothing, or was not made because its URL may not be fetched. @category reasons @since 0.1.0 */
export class Failed extends Schema.TaggedClass<Failed>()("Failed", {
  error: SafeFetch.SafeFetchError
}) {
  get message(): string {
    return this.error.message
  }
  get isRetryable(): boolean {
    return this.error.isRetryable
  }
}

/** An answer that is no success, and no error of OAuth's. @category reasons @since 0.1.0 */
export class HttpStatus extends Schema.TaggedClass<HttpStatus>()("HttpStatus", {
  url: Schema.String,
  status: Schema.Int
}) {
  get message(): string {
    return `${this.url} answered with HTTP ${this.status}`
  }
  get isRetryable(): boolean {
    return this.status >= 500 || this.status === 408 || this.status === 429
  }
}

/** What came is not what the standard says it is. @category reasons @since 0.1.0 */
export class Malformed extends Schema.TaggedClass<Malformed>()("Malformed", {
  /** Of whom. */
  from: Schema.String,
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/**
 * Two issuers that have to be the same text are not (RFC 8414, RFC 9207): somebody may be passing the codes of one
 * server on to another. Nothing that came with it was used.
 *
 * @category reasons
 * @since 0.1.0
 */
export class IssuerMismatch extends Schema.TaggedClass<IssuerMismatch>()("IssuerMismatch", {
  expected: Schema.String,
  /** Undefined where there should have been one. */
  found: Schema.optionalKey(Schema.String),
  where: Schema.Literals(["metadata", "authorization response", "credentials"])
}) {
  get message(): string {
    const { expected, found, where } = this
    return where === "credentials"
      ? `The server now sends its callers to ${found}, and the credentials given are for ${expected}; they are not sent elsewhere`
      : `The ${where} of ${expected} ${
        found === undefined ? "does not name its issuer, though that is announced" : `names another issuer, ${found}`
      }; it was not used`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** The server describes itself as another resource (RFC 9728, 3.3). @category reasons @since 0.1.0 */
export class ResourceMismatch extends Schema.TaggedClass<ResourceMismatch>()("ResourceMismatch", {
  server: Schema.String,
  resource: Schema.String
}) {
  get message(): string {
    return `${this.server} says that it is ${this.resource}; no token is asked for, for it would be one for somebody else`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** Nowhere does it say who gives out tokens for this server. @category reasons @since 0.1.0 */
export class NoAuthorizationServer extends Schema.TaggedClass<NoAuthorizationServer>()("NoAuthorizationServer", {
  server: Schema.String,
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** The authorization server does not do what this client needs. @category reasons @since 0.1.0 */
export class NotSupported extends Schema.TaggedClass<NotSupported>()("NotSupported", {
  issuer: Schema.String,
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** The authorization server does not know this client, and there is no way to introduce it. @category reasons @since 0.1.0 */
export class NotRegistered extends Schema.TaggedClass<NotRegistered>()("NotRegistered", {
  issuer: Schema.String
}) {
  get message(): string {
    return `${this.issuer} registers no clients by itself: register this program with it by hand, and give \`credentials\` with the client id it gets`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** The server wants scopes that have been asked for as often as they are. @category reasons @since 0.1.0 */
export class InsufficientScope extends Schema.TaggedClass<InsufficientScope>()("InsufficientScope", {
  server: Schema.String,
  scopes: Schema.Array(Schema.String)
}) {
  get message(): string {
    return `${this.server} wants ${
      this.scopes.length === 0 ? "more scopes and does not say which" : `the scopes ${this.scopes.join(" ")}`
    }, and asking the authorization server for them does not help`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** The server does not take the token it has just been given for. @category reasons @since 0.1.0 */
export class TokenRejected extends Schema.TaggedClass<TokenRejected>()("TokenRejected", {
  server: Schema.String,
  issuer: Schema.String
}) {
  get message(): string {
    return `${this.server} does not take the token that ${this.issuer} has just given out for it`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** A person has to log in, and is not to be asked now. @category reasons @since 0.1.0 */
export class LoginRequired extends Schema.TaggedClass<LoginRequired>()("LoginRequired", {
  server: Schema.String
}) {
  get message(): string {
    return `A person has to log in to ${this.server} again`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** The person who was asked did not answer, or could not be asked. @category reasons @since 0.1.0 */
export class NoAnswer extends Schema.TaggedClass<NoAnswer>()("NoAnswer", {
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** Tokens cannot be kept or found. @category reasons @since 0.1.0 */
export class StoreFailed extends Schema.TaggedClass<StoreFailed>()("StoreFailed", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** What the program gave cannot be used. @category reasons @since 0.1.0 */
export class InvalidOption extends Schema.TaggedClass<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Refused,
  Failed,
  HttpStatus,
  Malformed,
  IssuerMismatch,
  ResourceMismatch,
  NoAuthorizationServer,
  NotSupported,
  NotRegistered,
  InsufficientScope,
  TokenRejected,
  LoginRequired,
  NoAnswer,
  StoreFailed,
  InvalidOption
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class OAuthError extends Schema.TaggedError<OAuthError>("fastmcp-effect/oauth/OAuthError")("OAuthError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): OAuthError => new OAuthError({ reason })
