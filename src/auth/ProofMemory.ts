/**
 * Proofs that have come already (`BearerAuth` with `dpop`), for one that comes a second time was seen on the way. Each is
 * remembered for as long as it would be good, a minute or two.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as OAuthStore from "../oauth/server/OAuthStore.ts"
import * as AuthError from "./AuthError.ts"
import * as hashing from "./internal/hashing.ts"

/** @category services @since 0.1.0 */
export class ProofMemory extends Context.Service<ProofMemory, {
  /** Remembers it until then, in Unix milliseconds; false if it was there. */
  readonly isFirst: (id: string, expiresAt: number) => Effect.Effect<boolean, AuthError.AuthError>
}>()("fastmcp-effect/auth/ProofMemory") {}

/** @category models @since 0.1.0 */
export interface Options {
  /** At one time; who comes with one more has to wait, for forgetting another might be what somebody is after. 500,000. */
  readonly capacity?: number
}

/** Of this process: behind one address there has to be one of them. @category constructors @since 0.1.0 */
export const make = ({ capacity = 500_000 }: Options = {}): Effect.Effect<ProofMemory["Service"]> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const hash = yield* hashing.make
    const seen = new Map<string, number>()
    let sweptAt = -Infinity

    const sweep = (now: number) => {
      if (now - sweptAt < 1000) return
      sweptAt = now
      for (const [hashed, until] of seen) if (until <= now) seen.delete(hashed)
    }

    return {
      isFirst: (id, expiresAt) =>
        Effect.flatMap(hash(id), (hashed) => {
          const now = clock.currentTimeMillisUnsafe()
          if ((seen.get(hashed) ?? -Infinity) > now) return Effect.succeed(false)
          if (seen.size >= capacity) sweep(now)
          if (seen.size >= capacity) return full
          seen.set(hashed, expiresAt)
          return Effect.succeed(true)
        })
    }
  })

const full = Effect.fail(
  AuthError.make(new AuthError.Unavailable({ text: "no more DPoP proofs can be remembered", retryAfter: 10_000 }))
)

/** @category layers @since 0.1.0 */
export const layer = (options?: Options): Layer.Layer<ProofMemory> => Layer.effect(ProofMemory, make(options))

/**
 * In the store of an authorization server, which several processes may share.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerStore: Layer.Layer<ProofMemory, never, OAuthStore.OAuthStore> = Layer.effect(
  ProofMemory,
  Effect.gen(function*() {
    const { putOnce } = yield* OAuthStore.OAuthStore
    const hash = yield* hashing.make
    return {
      isFirst: (id, expiresAt) =>
        Effect.mapError(
          Effect.flatMap(
            hash(id),
            (hashed) => putOnce({ kind: "resource-proof", id: hashed }, { data: "", expiresAt })
          ),
          ({ message }) => AuthError.make(new AuthError.Unavailable({ text: message, retryAfter: 5000 }))
        )
    }
  })
)
