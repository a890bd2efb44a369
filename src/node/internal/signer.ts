/**
 * Tokens signed by `node:crypto` at once: handing so little work to another thread, as WebCrypto does, costs more than the
 * work. RSA is slow enough to be worth it.
 */
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type * as Signer from "../../oauth/server/Signer.ts"

interface Prepared {
  readonly key: Crypto.KeyObject
  /** The first part of a token, by its type. */
  readonly headers: Map<string, string>
}

const base64url = (text: string): string => Buffer.from(text).toString("base64url")

const prepare = ({ jwk }: Signer.SigningKey): Prepared => ({
  key: Crypto.createPrivateKey({ format: "jwk", key: jwk }),
  headers: new Map()
})

export const make = (fallback: Signer.Sign): Signer.Sign => {
  const known = new WeakMap<Signer.SigningKey, Prepared>()

  const headerOf = ({ headers }: Prepared, { algorithm, kid }: Signer.SigningKey, typ: string): string => {
    const found = headers.get(typ)
    if (found !== undefined) return found
    const header = base64url(JSON.stringify({ alg: algorithm, typ, kid }))
    headers.set(typ, header)
    return header
  }

  const sign = (key: Signer.SigningKey, typ: string, payload: string): string => {
    let prepared = known.get(key)
    if (prepared === undefined) known.set(key, prepared = prepare(key))
    const text = `${headerOf(prepared, key, typ)}.${base64url(payload)}`
    const bytes = Buffer.from(text, "latin1")
    const signature = key.algorithm === "ES256"
      ? fixed(Crypto.sign("sha256", bytes, prepared.key))
      : Crypto.sign(null, bytes, prepared.key)
    return `${text}.${signature.toString("base64url")}`
  }

  return (key, typ, payload) =>
    key.algorithm === "RS256" ? fallback(key, typ, payload) : Effect.sync(() => sign(key, typ, payload))
}

/**
 * Both numbers of an ES256 signature in 32 bytes each (RFC 7518, 3.4), out of ASN.1: 30 length, and 02 length number for
 * both. Node can do the same, and looks into the key for it, which takes as long as the signature.
 */
const fixed = (der: Buffer): Buffer => {
  const out = Buffer.alloc(64)
  const afterFirst = copy(der, 2, out, 32)
  copy(der, afterFirst, out, 64)
  return out
}

/** A number of at most 32 bytes to where it ends, without the zero that says it is not negative; then where the next begins. */
const copy = (der: Buffer, at: number, out: Buffer, end: number): number => {
  const from = at + 2
  const to = from + der[at + 1]!
  const first = der[from] === 0 ? from + 1 : from
  der.copy(out, end - (to - first), first, to)
  return to
}
