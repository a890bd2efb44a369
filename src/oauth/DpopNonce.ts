/**
 * Nonces for proofs (RFC 9449, 8): a proof that has one was made after the server gave it out. They follow from a secret
 * and the time, so that nothing is kept of them, and all that have the secret know each other's.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** @category models @since 0.1.0 */
export interface Options {
  /** At least 32 random bytes, the same for all processes that stand behind one address. One of this process. */
  readonly secret?: Redacted.Redacted
  /** How long one is given out; it is taken for as long again. 2 minutes. */
  readonly lasts?: Duration.Input
}

/** @category models @since 0.1.0 */
export interface Nonces {
  readonly current: Effect.Effect<string>
  readonly isGood: (nonce: string | undefined) => Effect.Effect<boolean>
}

/** By the `SecureRandom` in context, or by Web Crypto. @category constructors @since 0.1.0 */
export const make = ({ lasts = "2 minutes", secret }: Options = {}): Effect.Effect<Nonces> =>
  Effect.gen(function*() {
    const web = yield* Effect.scoped(Layer.build(SecureRandom.layerWebCrypto))
    const random = Context.getOrUndefined(yield* Effect.context<never>(), SecureRandom.SecureRandom)
      ?? Context.get(web, SecureRandom.SecureRandom)
    const { sign } = Context.get(
      yield* Effect.scoped(Layer.build(Mac.layerWebCrypto)).pipe(
        Effect.provideService(SecureRandom.SecureRandom, random)
      ),
      Mac.Mac
    )
    const bytes = secret === undefined
      ? yield* random.randomBytes(32)
      : new TextEncoder().encode(Redacted.value(secret))
    const key = yield* Effect.orDie(Mac.key(Mac.hmacSha256, bytes))
    const period = Math.max(1, Duration.toMillis(Duration.fromInputUnsafe(lasts)))
    const turn = Effect.map(Clock.currentTimeMillis, (now) => Math.floor(now / period))
    const of = (turn: number): Effect.Effect<string> =>
      Effect.map(
        Effect.orDie(sign(key, new TextEncoder().encode(`dpop nonce ${turn}`))),
        (tag) => Base64Url.encode(tag.subarray(0, 16))
      )
    return {
      current: Effect.flatMap(turn, of),
      isGood: (nonce) =>
        nonce === undefined
          ? Effect.succeed(false)
          : Effect.flatMap(turn, (turn) =>
            Effect.map(Effect.all([of(turn), of(turn - 1)]), (good) => good.includes(nonce)))
    }
  })
