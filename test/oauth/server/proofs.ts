/** Keys of clients, and proofs made with them, right but for what is given. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as jose from "jose"
import { randomUUID } from "node:crypto"
import * as world from "./world.ts"

export interface Key {
  readonly alg: string
  readonly privateKey: jose.CryptoKey
  readonly jwk: jose.JWK
  readonly jkt: string
}

export const makeKey = async (alg = "ES256"): Promise<Key> => {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true })
  const jwk = await jose.exportJWK(publicKey)
  return { alg, privateKey, jwk, jkt: await jose.calculateJwkThumbprint(jwk) }
}

export interface Own {
  /** What it says, instead or besides; undefined to leave it out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** For the token endpoint. */
export const prove = ({ alg, jwk, privateKey }: Key, { claims, header }: Own = {}): Effect.Effect<string> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.promise(() => {
      const said = {
        htm: "POST",
        htu: `${world.issuer}/token`,
        iat: Math.floor(now / 1000),
        jti: randomUUID(),
        ...claims
      }
      return new jose.SignJWT(
        Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as jose.JWTPayload
      ).setProtectedHeader({ alg, typ: "dpop+jwt", jwk, ...header }).sign(privateKey, { crit: { ext: true } })
    }))
