/** Keys made of a number, which everybody knows. */
import * as Effect from "effect/Effect"
import type { CryptoKey, JWK } from "jose"
import * as Promised from "../core/Promised.ts"

/** Loaded when it is wanted: it is an optional peer. */
export const jose = Promised.make(() => import("jose"))

export interface FakeKey {
  readonly number: number
  readonly kid: string
  readonly privateKey: CryptoKey
  /** The public half. */
  readonly jwk: JWK
}

/** An Ed25519 key in PKCS #8 is this and 32 bytes, whichever they are. */
const head = "302e020100300506032b657004220420"

export const make = (number: number): Effect.Effect<FakeKey> =>
  Effect.flatMap(jose, ({ exportJWK, importPKCS8 }) =>
    Promised.make(async () => {
      const hex = head + number.toString(16).padStart(64, "0")
      const bytes = Uint8Array.from(hex.match(/../gu)!, (byte) => Number.parseInt(byte, 16))
      const pem = `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...bytes))}\n-----END PRIVATE KEY-----`
      const privateKey = await importPKCS8(pem, "EdDSA", { extractable: true })
      const { d: _, ...publicKey } = await exportJWK(privateKey)
      const kid = `key-${number}`
      return { number, kid, privateKey, jwk: { ...publicKey, kid, alg: "EdDSA", use: "sig" } }
    }))
