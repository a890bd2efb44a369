/**
 * An ID token that comes back. It says whom a client means, and that it was this client's: also when it has expired, for as
 * long as its key is published.
 */
import * as Effect from "effect/Effect"
import type { JWK } from "jose"
import { decodeProtectedHeader } from "jose/decode/protected_header"
import { compactVerify } from "jose/jws/compact/verify"
import { importJWK } from "jose/key/import"
import * as Jwks from "../Jwks.ts"
import type { Issuer } from "../server/issuer.ts"
import * as SigningKeys from "../server/SigningKeys.ts"

export interface Hint {
  readonly subject: string
  readonly clientId: string
}

/** Undefined where this server has not signed it, as an ID token. */
export const read = ({ keys, url }: Pick<Issuer, "keys" | "url">, hint: string): Effect.Effect<Hint | undefined> =>
  Effect.gen(function*() {
    const header = headerOf(hint)
    if (header === undefined) return undefined
    // One that names no key is none of this server's.
    const [jwk] = yield* Effect.orDie(Jwks.fixed(yield* keys.published).find(header))
    return jwk === undefined ? undefined : yield* Effect.promise(() => verify(hint, header.alg, jwk, url))
  })

const headerOf = (token: string): { readonly alg: string; readonly kid: string } | undefined => {
  try {
    const { alg, kid, typ } = decodeProtectedHeader(token)
    return typ === "JWT" && kid !== undefined && algorithms.includes(String(alg)) ? { alg: alg!, kid } : undefined
  } catch {
    return undefined
  }
}

const algorithms: ReadonlyArray<string> = SigningKeys.RingKey.fields.algorithm.literals

const verify = async (token: string, alg: string, jwk: Jwks.Jwk, issuer: string): Promise<Hint | undefined> => {
  try {
    const { payload } = await compactVerify(token, await importJWK(jwk as JWK, alg), { algorithms: [alg] })
    const { aud, iss, sub } = JSON.parse(new TextDecoder().decode(payload)) as { readonly [claim: string]: unknown }
    return iss === issuer && typeof sub === "string" && typeof aud === "string"
      ? { subject: sub, clientId: aud }
      : undefined
  } catch {
    return undefined
  }
}
