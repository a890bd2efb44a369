/** Tokens of a client's that no library would sign. */
import * as crypto from "node:crypto"

export type Claims = Readonly<Record<string, unknown>>

export interface Keys {
  readonly privateKey: crypto.KeyObject
  readonly jwk: crypto.JsonWebKey
  readonly privateJwk: crypto.JsonWebKey
}

export const makeKeys = (): Keys => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
  return { privateKey, jwk: publicKey.export({ format: "jwk" }), privateJwk: privateKey.export({ format: "jwk" }) }
}

const part = (value: Claims) => Buffer.from(JSON.stringify(value)).toString("base64url")

export type Sign = (input: string) => string

export const by = ({ privateKey }: Keys): Sign => (input) =>
  crypto.sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")

export const byNobody: Sign = () => ""

export const bySecret = (secret: string): Sign => (input) =>
  crypto.createHmac("sha256", secret).update(input).digest("base64url")

export const jws = (header: Claims, payload: Claims, sign: Sign): string => {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${sign(input)}`
}

/** Seconds since 1970, `more` of them later. */
export const inSeconds = (more: number): number => Math.floor(Date.now() / 1000) + more
