/** A credential as what may be kept of it: its SHA-256. */
import * as Digest from "effect/crypto/Digest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

export type Hash = (token: Redacted.Redacted) => Effect.Effect<string>

/** By the `Digest` in the context it runs in, which waits for nothing on Node, or by Web Crypto. */
export const make: Effect.Effect<Hash> = Effect.map(
  Effect.scoped(Layer.build(Digest.layerWebCrypto)),
  (web) => {
    const encoder = new TextEncoder()
    const own = Context.get(web, Digest.Digest)
    return (token) =>
      Effect.contextWith((context: Context.Context<never>) =>
        (Context.getOrUndefined(context, Digest.Digest) ?? own).digestHex(
          Digest.sha256,
          encoder.encode(Redacted.value(token))
        )
      )
  }
)
