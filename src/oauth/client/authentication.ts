/**
 * How a client shows itself to an authorization server: in the way it is registered, or in one that the server takes.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import { importJWK, importPKCS8 } from "jose/key/import"
import * as oauth from "oauth4webapi"
import type * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import type { Credentials, SigningKey } from "./Credentials.ts"
import type * as endpoints from "./endpoints.ts"

export const prepare = (
  { clock }: endpoints.Services,
  server: Metadata.AuthorizationServer,
  { clientId: id, clientSecret, signingKey }: Credentials,
  registered?: string
): Effect.Effect<endpoints.Client, OAuthError.OAuthError> => {
  if (signingKey !== undefined) {
    return Effect.map(importKey(signingKey), (key) => ({
      id,
      secret: undefined,
      authenticate: oauth.PrivateKeyJwt(signingKey.id === undefined ? key : { key, kid: signingKey.id }, {
        [oauth.modifyAssertion]: (_, payload) => {
          const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
          Object.assign(payload, { iat: now, nbf: now, exp: now + 60 })
        }
      })
    }))
  }
  const supported = server.token_endpoint_auth_methods_supported ?? []
  const method = registered ?? secretMethods.find((name) => supported.includes(name)) ?? "client_secret_basic"
  return Effect.succeed({
    id,
    secret: clientSecret,
    authenticate: clientSecret === undefined || method === "none"
      ? oauth.None()
      : method === "client_secret_post"
      ? oauth.ClientSecretPost(Redacted.value(clientSecret))
      : basic(clientSecret)
  })
}

/**
 * `client_secret_basic` with no more encoded than a form encodes: `oauth4webapi` also encodes `-`, `.` and `_`, which
 * servers trip over that do not decode.
 */
const basic = (secret: Redacted.Redacted<string>): oauth.ClientAuth => (_, { client_id }, __, headers) =>
  headers.set("authorization", `Basic ${Base64.encode(`${form(client_id)}:${form(Redacted.value(secret))}`)}`)

const form = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1)

const secretMethods = ["client_secret_basic", "client_secret_post", "none"]

const importKey = ({ algorithm, key }: SigningKey): Effect.Effect<oauth.CryptoKey, OAuthError.OAuthError> =>
  Effect.tryPromise({
    try: () => {
      const material = Redacted.value(key)
      return typeof material === "string"
        ? importPKCS8(material, algorithm)
        : importJWK(material, algorithm) as Promise<oauth.CryptoKey>
    },
    catch: () =>
      OAuthError.make(
        new OAuthError.InvalidOption({
          option: "signingKey",
          message:
            `The signing key cannot be used: it has to be a private key for ${algorithm}, as PKCS #8 in PEM or as a JWK`
        })
      )
  })
