/**
 * Why a caller is not let in. None of it holds a credential, or anything a credential said.
 */
import * as Schema from "effect/Schema"

/** It brought no credential of the kind that is asked for. @category reasons @since 0.1.0 */
export class Missing extends Schema.TaggedClass<Missing>()("Missing", {}) {}

/** Nobody knows the credential, it was revoked, or it is none at all. @category reasons @since 0.1.0 */
export class Unknown extends Schema.TaggedClass<Unknown>()("Unknown", {}) {}

/** The token fails a check; `text` says which. @category reasons @since 0.1.0 */
export class InvalidToken extends Schema.TaggedClass<InvalidToken>()("InvalidToken", {
  problem: Schema.Literals([
    "Malformed",
    "WrongType",
    "WrongAlgorithm",
    "BadSignature",
    "Expired",
    "NotYetValid",
    "WrongIssuer",
    "WrongAudience",
    "InvalidClaim",
    "Bound",
    "Unbound"
  ]),
  text: Schema.String
}) {}

/** What shows that the caller has the key of its token fails a check (RFC 9449). @category reasons @since 0.1.0 */
export class InvalidProof extends Schema.TaggedClass<InvalidProof>()("InvalidProof", {
  text: Schema.String
}) {}

/** The same, with this in it, would do. @category reasons @since 0.1.0 */
export class NonceRequired extends Schema.TaggedClass<NonceRequired>()("NonceRequired", {
  nonce: Schema.String
}) {}

/** The caller is known, and lacks what everything here needs. @category reasons @since 0.1.0 */
export class InsufficientScope extends Schema.TaggedClass<InsufficientScope>()("InsufficientScope", {
  scopes: Schema.Array(Schema.String)
}) {}

/** Nobody can say at the moment whether the credential is good. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", {
  /** For the log. */
  text: Schema.String,
  /** Milliseconds until it is worth trying again. */
  retryAfter: Schema.Finite
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Missing,
  Unknown,
  InvalidToken,
  InvalidProof,
  NonceRequired,
  InsufficientScope,
  Unavailable
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class AuthError extends Schema.TaggedError<AuthError>("fastmcp-effect/auth/AuthError")("AuthError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
  get isRetryable(): boolean {
    return this.reason._tag === "Unavailable"
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): AuthError => new AuthError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Missing":
      return "The request says nothing of who calls"
    case "Unknown":
      return "The credentials are not known here"
    case "InvalidToken":
    case "InvalidProof":
      return reason.text
    case "NonceRequired":
      return "The DPoP proof has to have the nonce of the DPoP-Nonce header"
    case "InsufficientScope":
      return `The caller lacks one of the scopes ${reason.scopes.join(" ")}`
    case "Unavailable":
      return "Who calls cannot be told at the moment"
  }
}
