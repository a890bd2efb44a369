/** What an identity provider says of itself, and the keys it signs with. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import * as endpoints from "../client/endpoints.ts"
import * as Jwks from "../Jwks.ts"
import * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import type * as SafeFetch from "../SafeFetch.ts"
import type * as Provider from "./Provider.ts"

const Described = Schema.Struct({
  ...Metadata.AuthorizationServer.fields,
  id_token_signing_alg_values_supported: Schema.optionalKey(Schema.Array(Schema.String))
})

export interface Found {
  readonly server: typeof Described.Type & {
    readonly authorization_endpoint: string
    readonly token_endpoint: string
  }
  /** None where it gives no ID tokens. */
  readonly keys: Jwks.Keys
}

/** Milliseconds that a document is good for. */
const lasts = 3_600_000

export const make = (
  services: endpoints.Services,
  provider: Provider.Provider
): Effect.Effect<Found, OAuthError.OAuthError> => {
  let known: Found | undefined
  let until = 0
  return Effect.suspend(() => {
    const now = services.clock.currentTimeMillisUnsafe()
    if (known !== undefined && now < until) return Effect.succeed(known)
    return Effect.gen(function*() {
      const server = yield* describe(services, provider)
      const { jwks_uri: keysUrl } = server
      if (provider.user._tag === "IdToken" && keysUrl === undefined) return yield* lacks(provider, "no keys")
      const isSame = known !== undefined && known.server.jwks_uri === keysUrl
      known = { server, keys: isSame ? known!.keys : keysUrl === undefined ? none : yield* keysOf(services, keysUrl) }
      until = now + lasts
      return known
    })
  })
}

const none = Jwks.fixed([])

const keysOf = ({ safe }: endpoints.Services, url: string): Effect.Effect<Jwks.Keys> =>
  Effect.provideService(Jwks.remote(url), HttpClient.HttpClient, clientOf(safe))

/** `Jwks` decides itself how long a key is good for, so nothing is taken out of a cache. */
const clientOf = (safe: SafeFetch.SafeFetch["Service"]): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    safe.fetch({ url: url.href, headers: { accept: "application/json" }, useCache: false }).pipe(
      Effect.mapBoth({
        onFailure: (cause) =>
          new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) }),
        onSuccess: ({ status, text }) =>
          // With most other statuses there is no body to be read, and with some there cannot be one.
          HttpClientResponse.fromWeb(request, new Response(status === 200 ? text : null, { status }))
      })
    )
  )

const describe = (
  services: endpoints.Services,
  provider: Provider.Provider
): Effect.Effect<Found["server"], OAuthError.OAuthError> =>
  Effect.gen(function*() {
    if (provider.endpoints !== undefined) {
      const { authorization, token } = provider.endpoints
      return { issuer: provider.issuer, authorization_endpoint: authorization, token_endpoint: token }
    }
    for (const url of locations(provider)) {
      const found = yield* endpoints.document(services, Schema.fromJsonString(Described), url, true)
      if (found === undefined) continue
      if (found.issuer !== provider.issuer) {
        return yield* OAuthError.make(
          new OAuthError.IssuerMismatch({ expected: provider.issuer, found: found.issuer, where: "metadata" })
        )
      }
      const { authorization_endpoint, token_endpoint } = found
      if (authorization_endpoint === undefined || token_endpoint === undefined) {
        return yield* lacks(provider, "no endpoint to log in at")
      }
      return { ...found, authorization_endpoint, token_endpoint }
    }
    return yield* lacks(provider, "no metadata")
  })

/** That of OpenID Connect first, for the other need not say a word of ID tokens. */
const locations = ({ issuer, metadataUrl }: Provider.Provider): ReadonlySet<string> =>
  new Set(
    metadataUrl === undefined
      ? [`${issuer.replace(/\/$/u, "")}/.well-known/openid-configuration`, ...Metadata.locations(issuer)]
      : [metadataUrl]
  )

const lacks = ({ issuer }: Provider.Provider, what: string): OAuthError.OAuthError =>
  OAuthError.make(new OAuthError.NotSupported({ issuer, message: `${issuer} has ${what}` }))
