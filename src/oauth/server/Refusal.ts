/**
 * How an authorization server says no: a word of a standard, and a sentence for whoever writes the client. What it says
 * is the same whether a secret was wrong, unknown or used, so that nobody finds out which.
 */
import * as Schema from "effect/Schema"

/** @category models @since 0.1.0 */
export const Code = Schema.Literals([
  // RFC 6749
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "access_denied",
  "unsupported_response_type",
  "server_error",
  "temporarily_unavailable",
  // RFC 6750
  "invalid_token",
  "insufficient_scope",
  // RFC 7009
  "unsupported_token_type",
  // RFC 7591
  "invalid_redirect_uri",
  "invalid_client_metadata",
  // RFC 8628
  "authorization_pending",
  "slow_down",
  "expired_token",
  // RFC 8707
  "invalid_target",
  // RFC 9101, OpenID Connect
  "invalid_request_uri",
  "request_not_supported",
  "request_uri_not_supported",
  "registration_not_supported",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
  // RFC 9449
  "invalid_dpop_proof",
  "use_dpop_nonce"
])

/** @category models @since 0.1.0 */
export type Code = typeof Code.Type

/** @category errors @since 0.1.0 */
export class Refusal extends Schema.TaggedError<Refusal>("fastmcp-effect/oauth/server/Refusal")("Refusal", {
  code: Code,
  description: Schema.String,
  /** Seconds after which it is worth trying again; such a refusal is answered with 429. */
  retryAfter: Schema.optionalKey(Schema.Finite),
  /** What a proof has to have in it (RFC 9449, 8). */
  nonce: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.code}: ${this.description}`
  }
}

/** @category constructors @since 0.1.0 */
export const make = (code: Code, description: string): Refusal => new Refusal({ code, description })
