/**
 * Access tokens that are JWTs (RFC 9068), checked with the public keys of their issuer. No secret is shared, so whoever
 * can check a token can make none.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Jwks from "../oauth/Jwks.ts"
import * as Jwt from "../oauth/Jwt.ts"
import * as AuthError from "./AuthError.ts"
import * as claims from "./internal/claims.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

/** @category models @since 0.1.0 */
export interface Checks {
  /** The issuer, byte for byte as its tokens name it. */
  readonly issuer: string
  /** Whom tokens are meant for, where that is not the resource itself; one of these has to be in `aud`. */
  readonly audience?: string | ReadonlyArray<string>
  /** Out of `Jwks.algorithms`, which are those with a public key. All of them. */
  readonly algorithms?: ReadonlyArray<string>
  /**
   * What `typ` says. `at+jwt`, which tells an access token from an ID token; "any" for an issuer that does not say, and
   * then it must be one whose ID tokens are never made out to your resource.
   */
  readonly type?: "at+jwt" | "any"
  /** How far the clocks may be apart: a minute at most. 30 seconds. */
  readonly leeway?: Duration.Input
}

/** @category models @since 0.1.0 */
export interface Options extends Checks, Jwks.Options {
  /** Where the keys are. Where the issuer's own metadata says, when left out. */
  readonly jwksUri?: string
}

/**
 * With the keys an issuer publishes. They are fetched with the first token, and again when a token names a new one: at
 * most once in `cooldown`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<TokenVerifier.TokenVerifier["Service"], never, HttpClient.HttpClient> =>
  Effect.map(
    options.jwksUri === undefined ? Jwks.ofIssuer(options.issuer, options) : Jwks.remote(options.jwksUri, options),
    (keys) => fromKeys(keys, options)
  )

/** With keys you have. @category constructors @since 0.1.0 */
export const fromKeys = (keys: Jwks.Keys, checks: Checks): TokenVerifier.TokenVerifier["Service"] => {
  const { algorithms, audience, issuer, leeway, type = "at+jwt" } = checks
  const verifier = Jwt.verifier({
    keys,
    issuer,
    types: type === "any" ? undefined : [type],
    ...(algorithms === undefined ? undefined : { algorithms }),
    ...(leeway === undefined ? undefined : { leeway })
  })
  return {
    verify: (token, { mayBeBound, resource }) => {
      const intended = audience ?? resource
      if (intended === undefined) return Effect.fail(invalid("WrongAudience", noAudience))
      return Effect.flatMap(
        Effect.mapError(verifier.verify(token, intended), (error) =>
          error._tag === "JwtError"
            ? invalid(error.reason._tag, error.message)
            : AuthError.make(
              new AuthError.Unavailable({ text: error.message, retryAfter: error.retryAfter })
            )),
        (found) => claims.verified(found, mayBeBound)
      )
    }
  }
}

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<TokenVerifier.TokenVerifier, never, HttpClient.HttpClient> =>
  Layer.effect(TokenVerifier.TokenVerifier, make(options))

const invalid = (problem: AuthError.InvalidToken["problem"], text: string) =>
  AuthError.make(new AuthError.InvalidToken({ problem, text }))

const noAudience = "The verifier does not know whom tokens are meant for; give it an audience"
