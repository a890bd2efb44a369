/**
 * Proof Key for Code Exchange (RFC 7636), S256 alone: whoever brings a code has to have the secret that was there
 * before it.
 */
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"

/** @category models @since 0.1.0 */
export interface Pkce {
  /** Stays with the client until it brings the code. */
  readonly verifier: string
  /** Goes with the request for one. */
  readonly challenge: string
}

/** @category constructors @since 0.1.0 */
export const make: Effect.Effect<Pkce, never, SecureRandom.SecureRandom | Digest.Digest> = Effect.gen(function*() {
  const { randomBytes } = yield* SecureRandom.SecureRandom
  const verifier = Base64Url.encode(yield* randomBytes(32))
  return { verifier, challenge: yield* challengeOf(verifier) }
})

/** @category constructors @since 0.1.0 */
export const challengeOf = (verifier: string): Effect.Effect<string, never, Digest.Digest> =>
  Effect.flatMap(
    Digest.Digest,
    ({ digest }) => Effect.map(digest(Digest.sha256, new TextEncoder().encode(verifier)), Base64Url.encode)
  )
