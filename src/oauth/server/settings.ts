/** What an authorization server is told, what of it cannot be used, and what is meant where nothing is said. */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import * as boundedJson from "../boundedJson.ts"
import type * as DpopNonce from "../DpopNonce.ts"
import type * as Jwks from "../Jwks.ts"
import type * as Jwt from "../Jwt.ts"
import * as RedirectUri from "../RedirectUri.ts"
import type * as Client from "./Client.ts"
import type { Issuer, Resource as Known } from "./issuer.ts"

// ----------------------------------------------------------------------------
// options
// ----------------------------------------------------------------------------

/** A server that takes tokens of this one. @category models @since 0.1.0 */
export interface Resource {
  /** The address its clients know it by, to the letter: `https://acme.example/mcp`. */
  readonly uri: string
  /** What to call it on a page. */
  readonly name?: string
  /** What there is to ask for, with a sentence for the user about each; or the names alone. */
  readonly scopes?: ReadonlyArray<string> | { readonly [scope: string]: string }
}

/** @category models @since 0.1.0 */
export interface Lifetimes {
  /** Of a code; a minute at most is good for anything. 1 minute. */
  readonly code?: Duration.Input
  /** Of an access token, which who checks its signature alone takes until then; 10 minutes at most. 5 minutes. */
  readonly accessToken?: Duration.Input
  /** Of a refresh token that is not used. 30 days. */
  readonly refreshToken?: Duration.Input
  /** From a login to the next one, whatever is refreshed. 180 days. */
  readonly grant?: Duration.Input
  /** How long a user may take over logging in. 15 minutes. */
  readonly interaction?: Duration.Input
  /** How long a browser stays logged in. 12 hours. */
  readonly session?: Duration.Input
  /** Of a request that was pushed; 90 seconds at most. 1 minute. */
  readonly pushedRequest?: Duration.Input
  /** How long the user of a device may take to type its code. 10 minutes. */
  readonly deviceCode?: Duration.Input
}

/** @category models @since 0.1.0 */
export interface Registration {
  /** How long a client that has registered is known. 90 days. */
  readonly lasts?: Duration.Input
  /** How many may register from one address in an hour. 20. */
  readonly mostAnHour?: number
}

/** A company's login, whose users are let in by its word alone (ID-JAG). @category models @since 0.1.0 */
export interface TrustedIdentityProvider {
  /** Byte for byte as its tokens name it. */
  readonly issuer: string
  /** Where its public keys are, or the keys. Where its own metadata says, when both are left out. */
  readonly jwksUri?: string
  readonly keys?: ReadonlyArray<Jwks.Jwk>
  /** The subject that one of its users is here; undefined for somebody who is not let in. The issuer, `|`, and `sub`. */
  readonly subjectOf?: (claims: Jwt.Claims) => Effect.Effect<string | undefined>
}

/** A platform that vouches for programs that run on it; `workload` of a client says for which. @category models @since 0.1.0 */
export interface TrustedPlatform {
  readonly issuer: string
  /** As of an identity provider. */
  readonly jwksUri?: string
  readonly keys?: ReadonlyArray<Jwks.Jwk>
}

/** @category models @since 0.1.0 */
export interface Options {
  /** Where it is, and byte for byte what its tokens say: `https://auth.example`. Over http only on this machine. */
  readonly issuer: string
  /** Those it gives out tokens for; the first where a request names none. */
  readonly resources: readonly [Resource, ...ReadonlyArray<Resource>]
  /** Those that are known from the beginning. */
  readonly clients?: ReadonlyArray<Client.Options>
  /**
   * Whether clients are taken whose id is the address of their own description. Yes; 60 that are not known yet, from one
   * network in a minute.
   */
  readonly metadataDocuments?: boolean
  /** Whether clients may register themselves, which `metadataDocuments` has made needless. No. */
  readonly registration?: boolean | Registration
  /** Whether devices are let in whose user types a code elsewhere; a client needs the grant type for it. Yes. */
  readonly deviceFlow?: boolean
  /** Whose letters about users are taken; a client needs a secret or keys, and the grant type. Nobody's. */
  readonly trustedIdentityProviders?: ReadonlyArray<TrustedIdentityProvider>
  /** Whose word about programs is taken. Nobody's. */
  readonly trustedPlatforms?: ReadonlyArray<TrustedPlatform>
  /** Whether a proof of a key (DPoP) has to have a nonce of this server in it. No. */
  readonly dpopNonces?: boolean | DpopNonce.Options
  readonly lifetimes?: Lifetimes
  /**
   * How many requests for users (`/authorize`) are taken from one network in a minute, for each is kept until its user has
   * been asked; the next ones are answered with 429. `Infinity` for any number. 300.
   */
  readonly mostRequestsAMinute?: number
  /**
   * Where a request comes from, for limits. The address of the connection, which behind a proxy is that of the proxy; give
   * this then, and take from a header only what your proxy has put there. Where it knows none, requests for users
   * and documents of clients are not limited.
   */
  readonly clientAddress?: (request: HttpServerRequest.HttpServerRequest) => string | undefined
}

// ----------------------------------------------------------------------------
// resolved
// ----------------------------------------------------------------------------

/** Why they cannot be used; undefined where they can. */
export const problemOf = (options: Options) => {
  const { clients = [], issuer, lifetimes = {}, resources } = options
  const bad = (option: string, text: string) => ({ option, text })
  if (!URL.canParse(issuer)) return bad("issuer", "it is not a URL")
  if (!boundedJson.isTrustworthy(issuer)) return bad("issuer", "it is not of https:, and not of this machine")
  if (/[?#]/u.test(issuer) || new URL(issuer).username !== "") {
    return bad("issuer", "there is more in it than a host and a path")
  }
  for (const [index, { uri }] of resources.entries()) {
    if (!URL.canParse(uri) || uri.includes("#")) {
      return bad(`resources[${index}]`, "its uri is not absolute, or has a fragment (RFC 8707, 2)")
    }
  }
  for (const [index, client] of clients.entries()) {
    const { id, postLogoutRedirectUris = [], redirectUris = [], secret } = client
    if (id === "" || clients.findIndex((other) => other.id === id) !== index) {
      return bad(`clients[${index}]`, "its id is empty, or another's")
    }
    if (secret !== undefined && Redacted.value(secret).length < 32) {
      return bad(`clients[${index}].secret`, "it has less than 32 characters")
    }
    for (const uri of [...redirectUris, ...postLogoutRedirectUris]) {
      const problem = RedirectUri.problem(uri, true)
      if (problem !== undefined) return bad(`clients[${index}]`, `a redirect URI is no good: ${problem}`)
    }
  }
  for (const [name, lasts] of Object.entries(lifetimes as { readonly [name: string]: Duration.Input })) {
    // A refresh token ends with its grant anyway.
    if (!(millis(lasts) > 0 && (millis(lasts) < Infinity || name === "refreshToken"))) {
      return bad(`lifetimes.${name}`, "it has to be more than nothing, and has to end")
    }
  }
  if (millis(lifetimes.code ?? "1 minute") > 60_000) return bad("lifetimes.code", "it is more than a minute")
  if (millis(lifetimes.accessToken ?? "5 minutes") > 600_000) {
    return bad("lifetimes.accessToken", "it is more than 10 minutes")
  }
  if (millis(lifetimes.pushedRequest ?? "1 minute") > 90_000) {
    return bad("lifetimes.pushedRequest", "it is more than 90 seconds")
  }
  if (!((options.mostRequestsAMinute ?? 1) >= 1)) return bad("mostRequestsAMinute", "it is less than one")
  const { trustedIdentityProviders = [], trustedPlatforms = [] } = options
  const trusted = [...trustedIdentityProviders, ...trustedPlatforms]
  for (const [index, { issuer: other }] of trusted.entries()) {
    if (other === issuer || trusted.findIndex(({ issuer }) => issuer === other) !== index) {
      return bad("trustedIdentityProviders and trustedPlatforms", `${other} is this server, or there twice`)
    }
  }
  const { secret } = noncesOf(options) ?? {}
  if (secret !== undefined && Redacted.value(secret).length < 32) {
    return bad("dpopNonces.secret", "it has less than 32 characters")
  }
  return undefined
}

/** Undefined where there are none. */
export const noncesOf = ({ dpopNonces = false }: Options): DpopNonce.Options | undefined =>
  dpopNonces === true ? {} : dpopNonces === false ? undefined : dpopNonces

export const knownOf = ({ name, scopes = [], uri }: Resource): Known => ({
  uri,
  name,
  scopes: new Map(
    Array.isArray(scopes) ? scopes.map((scope: string) => [scope, undefined]) : Object.entries<string>(
      scopes as { readonly [scope: string]: string }
    )
  )
})

export const lifetimesOf = (lifetimes: Lifetimes): Issuer["lifetimes"] => ({
  code: millis(lifetimes.code ?? "1 minute"),
  accessToken: millis(lifetimes.accessToken ?? "5 minutes"),
  refreshIdle: millis(lifetimes.refreshToken ?? "30 days"),
  grant: millis(lifetimes.grant ?? "180 days"),
  interaction: millis(lifetimes.interaction ?? "15 minutes"),
  session: millis(lifetimes.session ?? "12 hours"),
  pushedRequest: millis(lifetimes.pushedRequest ?? "1 minute"),
  deviceCode: millis(lifetimes.deviceCode ?? "10 minutes")
})

export const registrationOf = ({ lasts = "90 days", mostAnHour = 20 }: Registration) => ({
  lasts: millis(lasts),
  mostAnHour
})

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))
