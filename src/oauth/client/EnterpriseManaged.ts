/**
 * Enterprise-managed authorization: who has logged in at the company's identity provider gets in where the company has
 * said so, and is not asked again. The provider turns its id token into a letter to the authorization server (ID-JAG,
 * RFC 8693), which turns that into a token (RFC 7523).
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import * as authentication from "./authentication.ts"
import type * as Credentials from "./Credentials.ts"
import * as discovery from "./discovery.ts"
import * as endpoints from "./endpoints.ts"
import * as grant from "./grant.ts"

/** @category models @since 0.1.0 */
export interface IdentityProvider {
  readonly issuer: string
  /** Found out from the issuer's metadata where it is not given. */
  readonly tokenEndpoint?: string
  /** What the client is there. */
  readonly credentials: Credentials.Credentials
  /** Of the login at the provider; asked for each time, for they do not last. */
  readonly idToken: Effect.Effect<Redacted.Redacted<string>, OAuthError.OAuthError>
}

/** @category models @since 0.1.0 */
export interface Options {
  readonly identityProvider: IdentityProvider
  /** What the client is at the authorization server of the protected one. */
  readonly credentials: Credentials.Credentials
}

/** @category constructors @since 0.1.0 */
export const make = ({ credentials, identityProvider }: Options): grant.Grant => {
  const obtain = (target: grant.Target) =>
    Effect.gen(function*() {
      const { server, services } = target
      const client = yield* authentication.prepare(services, server, yield* grant.choose(target, [credentials]))
      const assertion = yield* letter(target, identityProvider)
      return yield* endpoints.otherGrant(grant.requestOf(target, client, { assertion }), jwtBearer)
    })
  return {
    asksUser: false,
    issuers: credentials.issuer === undefined ? [] : [credentials.issuer],
    obtain,
    // What the company has said since counts more than an old token.
    refresh: obtain
  }
}

const letter = (target: grant.Target, provider: IdentityProvider) =>
  Effect.gen(function*() {
    const { services } = target
    const server: Metadata.AuthorizationServer | undefined = provider.tokenEndpoint === undefined
      ? yield* discovery.ofIssuer(services, provider.issuer)
      : { issuer: provider.issuer, token_endpoint: provider.tokenEndpoint }
    if (server === undefined) {
      return yield* OAuthError.make(
        new OAuthError.NotSupported({
          issuer: provider.issuer,
          message: `${provider.issuer} has no metadata: give tokenEndpoint`
        })
      )
    }
    const client = yield* authentication.prepare(services, server, provider.credentials)
    const request = grant.requestOf({ ...target, server, dpop: undefined }, client, {
      requested_token_type: idJag,
      audience: target.server.issuer,
      subject_token: Redacted.value(yield* provider.idToken),
      subject_token_type: idToken
    })
    return Redacted.value((yield* endpoints.otherGrant(request, tokenExchange)).access)
  })

const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
const idJag = "urn:ietf:params:oauth:token-type:id-jag"
const idToken = "urn:ietf:params:oauth:token-type:id_token"
