/** The signing itself, which some platforms do faster than others: `NodeOAuth` has Node's. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { CryptoKey } from "jose"
import { CompactSign } from "jose/jws/compact/sign"

/** A private key, imported once; it is the same object each time. @category models @since 0.1.0 */
export interface SigningKey {
  readonly algorithm: "ES256" | "RS256" | "EdDSA"
  readonly kid: string
  /** The key itself (RFC 7517). */
  readonly jwk: { readonly [member: string]: unknown }
  readonly key: CryptoKey
}

/** A payload as a signed token of this type (RFC 7515, 7.1). @category models @since 0.1.0 */
export type Sign = (key: SigningKey, typ: string, payload: string) => Effect.Effect<string>

const sign: Sign = ({ algorithm, key, kid }, typ, payload) =>
  Effect.promise(() =>
    new CompactSign(new TextEncoder().encode(payload)).setProtectedHeader({ alg: algorithm, typ, kid }).sign(key)
  )

/** On any platform, with WebCrypto, when nothing else is provided. @category services @since 0.1.0 */
export const Signer: Context.Reference<Sign> = Context.Reference<Sign>("fastmcp-effect/oauth/server/Signer", {
  defaultValue: () => sign
})
