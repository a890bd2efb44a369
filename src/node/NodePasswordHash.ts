/** `PasswordHash` by Node's own Argon2id, which there is from Node 24.7 on; with an older one the layer fails. */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Layer from "effect/Layer"
import * as PasswordHash from "../oauth/server/PasswordHash.ts"

/** @category layers @since 0.1.0 */
export const layer = (
  options: PasswordHash.Options = {}
): Layer.Layer<PasswordHash.PasswordHash, PasswordHash.Unsupported> =>
  PasswordHash.layer(options).pipe(
    Layer.provide([NodeCrypto.layerKdf, NodeCrypto.layerSecureRandom]),
    Layer.catchTag("Unsupported", ({ cause }) =>
      Layer.effect(
        PasswordHash.PasswordHash,
        new PasswordHash.Unsupported({
          text:
            `Passwords are hashed with Argon2id, which Node has from 24.7 on, and this is ${process.version}. Use a ` +
            "newer Node (of Node's own builds, for it also takes OpenSSL 3.2), or another layer of PasswordHash.",
          cause
        })
      ))
  )
