/** A credential as what may be kept of it: its SHA-256. */
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export type Hash = (credential: string) => Effect.Effect<string>

/** By the `Digest` in context, or by Web Crypto. */
export const make: Effect.Effect<Hash> = Effect.gen(function*() {
  const web = yield* Effect.scoped(Layer.build(Digest.layerWebCrypto))
  const digest = Context.getOrUndefined(yield* Effect.context<never>(), Digest.Digest) ??
    Context.get(web, Digest.Digest)
  const encoder = new TextEncoder()
  return (credential) => digest.digestHex(Digest.sha256, encoder.encode(credential))
})
