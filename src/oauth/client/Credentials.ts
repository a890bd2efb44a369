/**
 * What a client shows an authorization server to be taken for itself.
 */
import type * as Redacted from "effect/Redacted"
import type * as jose from "jose"

/** A key that signs for the client (`private_key_jwt`). @category models @since 0.1.0 */
export interface SigningKey {
  /** PKCS #8 in PEM, or a JWK. */
  readonly key: Redacted.Redacted<string | jose.JWK>
  /** `ES256`, ... */
  readonly algorithm: string
  readonly id?: string
}

/**
 * What a person has arranged with an authorization server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Credentials {
  readonly clientId: string
  /** With neither of the two the client is a public one. */
  readonly clientSecret?: Redacted.Redacted<string>
  readonly signingKey?: SigningKey
  /**
   * Whom they are for; they go nowhere else. Without it they are taken to be for the first that the server names, which
   * is remembered, and the server is trusted in that.
   */
  readonly issuer?: string
}
