/** A token in the `Authorization` header with a proof beside it that its sender has the key (RFC 9449, 7). */
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Result from "effect/Result"
import * as Dpop from "../../oauth/Dpop.ts"
import type * as DpopNonce from "../../oauth/DpopNonce.ts"
import type * as Admission from "../../transport/Admission.ts"
import * as AuthError from "../AuthError.ts"
import type * as Caller from "../Caller.ts"
import type * as ProofMemory from "../ProofMemory.ts"
import type * as callers from "./callers.ts"
import type * as hashing from "./hashing.ts"

export interface Options {
  readonly url: string
  readonly isRequired: boolean
  readonly nonces: DpopNonce.Nonces | undefined
  readonly memory: ProofMemory.ProofMemory["Service"]
  readonly hash: hashing.Hash
}

/** The caller, if the token is good and bound to a key, and the proof is for it, of that key, and there for the first time. */
export const authenticate = (
  { hash, memory, nonces, url }: Options,
  { header, method = "", sha256 }: Admission.Request,
  token: string,
  identify: callers.Identify
): Effect.Effect<Caller.Caller, AuthError.AuthError> =>
  Effect.gen(function*() {
    const proof = header("dpop")
    if (proof === undefined) return yield* invalid("The DPoP header is missing")
    const ath = base64Url(sha256 === undefined ? yield* hash(token) : sha256(token))
    const { expiresAt, id, jkt, nonce } = yield* Effect.catch(
      Dpop.verify(proof, { method, url, ath }),
      ({ message }) => invalid(message)
    )
    if (nonces !== undefined && !(yield* nonces.isGood(nonce))) {
      return yield* AuthError.make(new AuthError.NonceRequired({ nonce: yield* nonces.current }))
    }
    const caller = yield* identify(token, sha256)
    if (caller.jkt !== jkt) {
      return yield* caller.jkt === undefined
        ? unbound
        : invalid("The DPoP proof is of another key")
    }
    // Last, so that nobody fills the memory who has no token.
    if (!(yield* memory.isFirst(id, expiresAt))) return yield* invalid("The DPoP proof was used before")
    return caller
  })

const base64Url = (hex: string): string => Base64Url.encode(Result.getOrThrow(Hex.decode(hex)))

const invalid = (text: string) => Effect.fail(AuthError.make(new AuthError.InvalidProof({ text })))

/** Of a token that should be bound to a key. */
export const unbound = Effect.fail(
  AuthError.make(new AuthError.InvalidToken({ problem: "Unbound", text: "The token is not bound to a key" }))
)

export const algorithms = Dpop.algorithms.join(" ")
