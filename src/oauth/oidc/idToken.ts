/** Who has logged in, signed for one client (OpenID Connect Core, 2). */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import type { Failure, Issuing, TokenResponse } from "../server/issuer.ts"
import { algorithmOf } from "./algorithm.ts"
import * as claims from "./claims.ts"
import type * as UserClaims from "./UserClaims.ts"

export interface Settings {
  readonly digest: Digest.Digest["Service"]
  readonly catalog: claims.Catalog
  readonly users: UserClaims.UserClaims["Service"]
  /** Milliseconds. */
  readonly lasts: number
}

/** Members of the answer with the tokens; none without `openid`. */
export const issue =
  ({ catalog, digest, lasts, users }: Settings) =>
  ({ accessToken, client, grant, grantId, grantType, issuer, now, scopes }: Issuing): Effect.Effect<
    TokenResponse,
    Failure
  > =>
    Effect.gen(function*() {
      if (!scopes.includes("openid") || grantId === undefined) return {}
      const algorithm = algorithmOf(client, yield* issuer.keys.algorithms)!
      const named = grant.claims?.idToken ?? []
      const known = named.length === 0 ? {} : yield* users.of(grant.subject)
      return {
        id_token: yield* issuer.keys.sign({ typ: "JWT", alg: algorithm }, {
          ...claims.select(catalog, known, [], named),
          iss: issuer.url,
          sub: grant.subject,
          aud: client.id,
          azp: client.id,
          iat: now,
          exp: now + Math.floor(lasts / 1000),
          auth_time: Math.floor(grant.authenticatedAt / 1000),
          at_hash: yield* halfHash(digest, algorithm, accessToken),
          ...(grant.methods === undefined ? undefined : { amr: grant.methods }),
          ...(grant.session === undefined ? undefined : { sid: yield* issuer.secrets.hash(`sid ${grant.session}`) }),
          // A7: for the login it was sent with, and no other token (12.2).
          ...(grant.nonce === undefined || grantType !== "authorization_code" ? undefined : { nonce: grant.nonce })
        })
      }
    })

/** `at_hash`: half of the hash that goes with the algorithm (3.1.3.6), which for Ed25519 is SHA-512. */
export const halfHash = (
  { digest }: Digest.Digest["Service"],
  algorithm: string,
  token: string
): Effect.Effect<string> =>
  Effect.map(
    digest(algorithm === "EdDSA" ? Digest.sha512 : Digest.sha256, new TextEncoder().encode(token)),
    (hash) => Base64Url.encode(hash.subarray(0, hash.length / 2))
  )
