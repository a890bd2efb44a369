/** Digests by `node:crypto`, which wait for nothing, where Web Crypto takes a turn of the event loop for each. */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Crypto from "node:crypto"

const hash = ({ name }: Digest.Algorithm, data: Uint8Array) => Crypto.createHash(name.replace("-", "")).update(data)

const digest = Digest.Digest.of({
  digest: (algorithm, data) => Effect.sync(() => new Uint8Array(hash(algorithm, data).digest())),
  digestHex: (algorithm, data) => Effect.sync(() => hash(algorithm, data).digest("hex"))
})

/** Unless the program has a `Digest` of its own. */
export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.serviceOption(Digest.Digest),
    (own) => Option.isSome(own) ? effect : Effect.provideService(effect, Digest.Digest, digest)
  )
