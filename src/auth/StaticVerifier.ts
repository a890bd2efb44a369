/**
 * A table of tokens: for tests, for a server of few users, and for API keys from a configuration. Only their hashes are
 * kept, so that looking one up says nothing of the others.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Identity from "../context/Identity.ts"
import * as AuthError from "./AuthError.ts"
import * as hashing from "./internal/hashing.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

/** @category models @since 0.1.0 */
export interface Entry extends Partial<Identity.Identity> {
  readonly token: Redacted.Redacted
  readonly subject: string
  /** In Unix milliseconds; never, when left out. */
  readonly expiresAt?: number
}

/** @category constructors @since 0.1.0 */
export const make = (entries: ReadonlyArray<Entry>): Effect.Effect<TokenVerifier.TokenVerifier["Service"]> =>
  Effect.gen(function*() {
    const hash = yield* hashing.make
    const clock = yield* Clock.Clock
    const known = new Map<string, TokenVerifier.Verified>()
    for (const { expiresAt = Infinity, token, ...identity } of entries) {
      known.set(yield* hash(Redacted.value(token)), { identity: Identity.make(identity), expiresAt })
    }
    return {
      verify: (token) =>
        Effect.flatMap(hash(Redacted.value(token)), (hashed) => {
          const verified = known.get(hashed)
          if (verified === undefined) return Effect.fail(unknown)
          return verified.expiresAt > clock.currentTimeMillisUnsafe() ? Effect.succeed(verified) : Effect.fail(expired)
        })
    }
  })

/** @category layers @since 0.1.0 */
export const layer = (entries: ReadonlyArray<Entry>): Layer.Layer<TokenVerifier.TokenVerifier> =>
  Layer.effect(TokenVerifier.TokenVerifier, make(entries))

const unknown = AuthError.make(new AuthError.Unknown())

const expired = AuthError.make(new AuthError.InvalidToken({ problem: "Expired", text: "The token has expired" }))
