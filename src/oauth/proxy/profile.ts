/** What a provider says of the user who has just come from it, when it has been checked that it is the provider who says so. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as endpoints from "../client/endpoints.ts"
import type * as Jwks from "../Jwks.ts"
import * as Jwt from "../Jwt.ts"
import * as OAuthError from "../OAuthError.ts"
import type * as SafeFetch from "../SafeFetch.ts"
import { equal } from "../server/secrets.ts"
import type { Found } from "./metadata.ts"
import * as Provider from "./Provider.ts"

type Result<A> = Effect.Effect<A, OAuthError.OAuthError>

export interface Expected {
  readonly clientId: string
  readonly nonce: string
}

/** OpenID Connect Core, 3.1.3.7. */
export const ofIdToken = (
  provider: Provider.Provider,
  { keys, server }: Found,
  idToken: Redacted.Redacted | undefined,
  { clientId, nonce }: Expected
): Result<Provider.Profile> =>
  Effect.gen(function*() {
    if (idToken === undefined) return yield* wrong(provider, "there is none")
    const issuer = Jwt.unverifiedIssuer(idToken)
    if (issuer === undefined || !Provider.isIssuer(provider, issuer)) {
      return yield* wrong(provider, "it is of another issuer")
    }
    const verifier = Jwt.verifier({
      keys: ofTenant(provider, issuer, keys),
      issuer,
      algorithms: server.id_token_signing_alg_values_supported ?? ["RS256"]
    })
    const claims = yield* verifier.verify(idToken, clientId).pipe(
      Effect.mapError((error) =>
        error._tag === "JwtError"
          ? wrong(provider, error.message)
          : OAuthError.make(new OAuthError.HttpStatus({ url: server.jwks_uri!, status: 503 }))
      )
    )
    const { aud, azp, iat, nonce: found, sub, tid } = claims
    if (typeof iat !== "number") {
      return yield* wrong(provider, "it does not say when it was made")
    }
    if (typeof sub !== "string" || sub === "") return yield* wrong(provider, "it is of nobody")
    // One of its audiences is this client; `azp` says for whose request it was made.
    if (azp === undefined ? typeof aud !== "string" && aud.length > 1 : azp !== clientId) {
      return yield* wrong(provider, "it was made for another client")
    }
    if (typeof found !== "string" || !equal(found, nonce)) return yield* wrong(provider, "it is of another login")
    if (issuer !== provider.issuer && (typeof tid !== "string" || !issuer.includes(`/${tid}/`))) {
      return yield* wrong(provider, "its tenant is not that of its issuer")
    }
    return claims
  })

/** Keys of all tenants stand in one document, and each says of which it is. */
const ofTenant = (provider: Provider.Provider, issuer: string, keys: Jwks.Keys): Jwks.Keys =>
  issuer === provider.issuer ? keys : {
    find: (header) =>
      Effect.map(
        keys.find(header),
        (found) => found.filter(({ issuer: of }) => of === undefined || of === provider.issuer || of === issuer)
      )
  }

export const ofApi = (
  safe: SafeFetch.SafeFetch["Service"],
  { headers, url }: Provider.Api,
  access: Redacted.Redacted
): Result<Provider.Profile> =>
  Effect.gen(function*() {
    const { status, text } = yield* Effect.mapError(
      safe.fetch({
        url,
        headers: { accept: "application/json", ...headers, authorization: `Bearer ${Redacted.value(access)}` }
      }),
      endpoints.failed
    )
    if (status !== 200) return yield* OAuthError.make(new OAuthError.HttpStatus({ url, status }))
    const profile = parse(text)
    return profile === undefined
      ? yield* OAuthError.make(
        new OAuthError.Malformed({ from: url, message: `${url} does not answer with an object` })
      )
      : profile
  })

const parse = (text: string): Provider.Profile | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Provider.Profile : undefined
  } catch {
    return undefined
  }
}

/** With nothing of the token. */
const wrong = ({ issuer }: Provider.Provider, text: string): OAuthError.OAuthError =>
  OAuthError.make(
    new OAuthError.Malformed({ from: issuer, message: `The ID token of ${issuer} cannot be used: ${text}` })
  )
