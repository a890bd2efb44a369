/** What an authorization server needs of Node: cryptography, and a `SafeFetch` for what clients name. */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import type * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SafeFetch from "../oauth/SafeFetch.ts"
import * as Signer from "../oauth/server/Signer.ts"
import * as signer from "./internal/signer.ts"
import * as NodeSafeFetch from "./NodeSafeFetch.ts"

const layerSigner = Layer.effect(Signer.Signer, Effect.map(Signer.Signer, signer.make))

/** @category layers @since 0.1.0 */
export const layer = (
  fetch?: NodeSafeFetch.Options
): Layer.Layer<SafeFetch.SafeFetch | SecureRandom.SecureRandom | Digest.Digest> =>
  Layer.mergeAll(NodeSafeFetch.layer(fetch), NodeCrypto.layerDigest, NodeCrypto.layerSecureRandom, layerSigner)
