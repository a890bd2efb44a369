/** SHA-256 by `node:crypto`, which waits for nothing. */
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import * as Admission from "../../transport/Admission.ts"

const sha256: Admission.Sha256 = (text) => Crypto.hash("sha256", text)

/** For the transports that are made here. */
export const provide = Effect.provideService(Admission.CurrentSha256, sha256)
