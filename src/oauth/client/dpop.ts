/**
 * Proofs that who sends a token has the key it is bound to (RFC 9449). The key is kept beside the token, for a refresh
 * token of a client without a secret is bound to it too.
 */
import type * as Clock from "effect/Clock"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SignJWT } from "jose/jwt/sign"
import { exportJWK } from "jose/key/export"
import { importJWK } from "jose/key/import"
import * as oauth from "oauth4webapi"
import * as OAuthError from "../OAuthError.ts"

/** A private key as JSON (RFC 7517), of `ES256`. */
export const PrivateKey = Schema.Struct({
  kty: Schema.Literal("EC"),
  crv: Schema.Literal("P-256"),
  x: Schema.String,
  y: Schema.String,
  d: Schema.RedactedFromValue(Schema.String)
})

export type PrivateKey = typeof PrivateKey.Type

export const algorithm = "ES256"

export interface Dpop {
  readonly key: PrivateKey
  /** For what goes to the authorization server. Its nonces are seen to. */
  readonly handle: oauth.DPoPHandle
  /** The `DPoP` header of a request to the resource server. */
  readonly proof: (request: {
    readonly method: string
    readonly url: string
    readonly token: string
    readonly nonce: string | undefined
  }) => Effect.Effect<string>
}

export interface Services {
  readonly clock: Clock.Clock
  readonly random: SecureRandom.SecureRandom["Service"]
}

export const generate: Effect.Effect<PrivateKey> = Effect.promise(async () => {
  const { privateKey } = await oauth.generateKeyPair(algorithm, { extractable: true })
  const { crv, d, kty, x, y } = await exportJWK(privateKey)
  return { crv, d: Redacted.make(d), kty, x, y } as PrivateKey
})

export const make = (key: PrivateKey, { clock, random }: Services): Effect.Effect<Dpop, OAuthError.OAuthError> =>
  Effect.gen(function*() {
    const { d, ...publicJwk } = key
    const [privateKey, publicKey] = yield* Effect.tryPromise({
      try: () =>
        Promise.all([
          importJWK({ ...publicJwk, d: Redacted.value(d) }, algorithm) as Promise<oauth.CryptoKey>,
          importJWK(publicJwk, algorithm, { extractable: true }) as Promise<oauth.CryptoKey>
        ]),
      catch: (cause) =>
        OAuthError.make(new OAuthError.StoreFailed({ message: "The key of a token cannot be used", cause }))
    })
    return {
      key,
      handle: oauth.DPoP({}, { privateKey, publicKey }, {
        [oauth.modifyAssertion]: (_, payload) => {
          payload.iat = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
        }
      }),
      proof: ({ method, nonce, token, url }) =>
        Effect.flatMap(random.randomBytes(16), (jti) => {
          const { origin, pathname } = new URL(url)
          return Effect.promise(async () =>
            new SignJWT({
              htm: method,
              htu: `${origin}${pathname}`,
              ath: await oauth.calculatePKCECodeChallenge(token),
              jti: Base64Url.encode(jti),
              ...(nonce === undefined ? undefined : { nonce })
            })
              .setProtectedHeader({ alg: algorithm, typ: "dpop+jwt", jwk: publicJwk })
              .setIssuedAt(Math.floor(clock.currentTimeMillisUnsafe() / 1000))
              .sign(privateKey)
          )
        })
    }
  })
