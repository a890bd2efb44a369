/** An ID token as a client checks it: OpenID Connect Core 3.1.3.7. */
import { createHash, createPublicKey, type JsonWebKeyInput, verify } from "node:crypto"
import { assert } from "vitest"
import { type Json, wrongClaims } from "./claims.ts"
import type { At } from "./module.ts"

export interface IdToken {
  readonly raw: string
  readonly header: Json
  readonly claims: Json
}

export const read = (raw: string): IdToken => {
  assert.match(raw, /^[\w-]+\.[\w-]+\.[\w-]*$/u)
  const [header, claims] = raw.split(".").map((part) => Buffer.from(part, "base64url").toString())
  return { raw, header: JSON.parse(header!), claims: JSON.parse(claims!) }
}

const pss = { padding: 6, saltLength: -1 }

const algorithms: {
  readonly [alg: string]: { readonly kty: string; readonly hash: string | null; readonly options: object }
} = {
  RS256: { kty: "RSA", hash: "sha256", options: {} },
  PS256: { kty: "RSA", hash: "sha256", options: pss },
  ES256: { kty: "EC", hash: "sha256", options: { dsaEncoding: "ieee-p1363" } },
  EdDSA: { kty: "OKP", hash: null, options: {} },
  Ed25519: { kty: "OKP", hash: null, options: {} }
}

const isSigned = ({ header, raw }: IdToken, keys: ReadonlyArray<Json>): boolean => {
  const algorithm = algorithms[String(header["alg"])]
  assert.isDefined(algorithm, `the algorithm ${header["alg"]}`)
  const { hash, kty, options } = algorithm!
  const signed = raw.slice(0, raw.lastIndexOf("."))
  const signature = Buffer.from(raw.slice(signed.length + 1), "base64url")
  return keys
    .filter((key) => key["kty"] === kty && (header["kid"] === undefined || key["kid"] === header["kid"]))
    .some((key) => {
      const publicKey = createPublicKey({ key, format: "jwk" } as JsonWebKeyInput)
      return verify(hash, Buffer.from(signed), { key: publicKey, ...options }, signature)
    })
}

const isAbout = (seconds: unknown, from: number, to: number): boolean => {
  const now = Date.now() / 1000
  return typeof seconds === "number" && seconds >= now - from && seconds <= now + to
}

const minutes = 60
const years = 365 * 24 * 60 * minutes

/** What is so of every ID token. */
export const check = (
  at: At,
  token: IdToken,
  { client, nonce }: { readonly client: string; readonly nonce: string | undefined }
): void => {
  const { claims } = token
  assert.strictEqual(claims["iss"], at.issuer)
  assert.include([claims["aud"]].flat(), client)
  assert.isTrue(isAbout(claims["exp"], 5 * minutes, 50 * years), "exp is a time to come")
  assert.isTrue(isAbout(claims["iat"], 5 * minutes, 5 * minutes), "iat is now")
  if ("auth_time" in claims) assert.isTrue(isAbout(claims["auth_time"], years, 5 * minutes), "auth_time is past")
  if ("acr" in claims) assert.match(String(claims["acr"]), /./u)
  assert.strictEqual(claims["nonce"], nonce)
  assert.match(String(claims["sub"]), /^[\x20-\x7e]{1,255}$/u)
  assert.isEmpty(wrongClaims(claims))
  assert.isTrue(isSigned(token, at.keys), "the signature is of a key of the server")
}

/** `at_hash` or `c_hash`, for the algorithms with SHA-256. */
export const half = (value: string): string =>
  createHash("sha256").update(value).digest().subarray(0, 16).toString("base64url")

const ownClaims = [
  ..."iss sub aud exp iat auth_time nonce acr amr azp at_hash c_hash nbf jti sid s_hash txn".split(" "),
  "openbanking_intent_id"
]

/** What nobody has asked for with the scope `openid` alone. */
export const unasked = ({ claims }: IdToken): ReadonlyArray<string> =>
  Object.keys(claims).filter((name) => !ownClaims.includes(name))
