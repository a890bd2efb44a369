/**
 * An OAuth 2.1 authorization server, as a layer: codes with PKCE, refresh tokens that rotate, tokens for clients
 * themselves, and every check that makes them worth trusting. Where things are kept, who the users are, how they are
 * asked and what signs the tokens are services beside it. `routes` puts it on a router.
 *
 * It does only what it does well: no implicit flow, no password grant, no `plain`, no tokens signed with a shared secret.
 */
import * as Context from "effect/Context"
import type * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as boundedJson from "../boundedJson.ts"
import * as DpopNonce from "../DpopNonce.ts"
import type * as Jwks from "../Jwks.ts"
import type * as Jwt from "../Jwt.ts"
import * as RedirectUri from "../RedirectUri.ts"
import * as SafeFetch from "../SafeFetch.ts"
import * as accessTokens from "./accessTokens.ts"
import * as assertions from "./assertions.ts"
import type { AuthEvent } from "./AuthEvent.ts"
import type * as Client from "./Client.ts"
import * as clients from "./clients.ts"
import * as Consent from "./Consent.ts"
import { device } from "./endpoints/device.ts"
import { deviceAuthorization } from "./endpoints/deviceAuthorization.ts"
import { callback, interaction } from "./endpoints/interaction.ts"
import { jwks } from "./endpoints/jwks.ts"
import * as metadata from "./endpoints/metadata.ts"
import { register } from "./endpoints/register.ts"
import { engine as ownEngine } from "./engine.ts"
import * as ExchangePolicy from "./ExchangePolicy.ts"
import { authorizationCode } from "./grants/authorizationCode.ts"
import { clientCredentials } from "./grants/clientCredentials.ts"
import { deviceCode } from "./grants/deviceCode.ts"
import { jwtBearer } from "./grants/jwtBearer.ts"
import { refreshToken } from "./grants/refreshToken.ts"
import { tokenExchange } from "./grants/tokenExchange.ts"
import * as http from "./http.ts"
import * as interactions from "./interactions.ts"
import * as cookies from "./internal/cookies.ts"
import * as page from "./internal/page.ts"
import type { Endpoint, Engine, Extension, Failure, Issuer, Resource as Known } from "./issuer.ts"
import * as OAuthStore from "./OAuthStore.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import * as Pages from "./Pages.ts"
import * as records from "./records.ts"
import * as redirect from "./redirect.ts"
import * as secrets from "./secrets.ts"
import * as SigningKeys from "./SigningKeys.ts"
import * as trusted from "./trusted.ts"
import * as UserLogin from "./UserLogin.ts"

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
  /** Whether clients are taken whose id is the address of their own description. Yes. */
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
   * Where a request comes from, for limits. The address of the connection, which behind a proxy is that of the proxy; give
   * this then, and take from a header only what your proxy has put there.
   */
  readonly clientAddress?: (request: HttpServerRequest.HttpServerRequest) => string | undefined
}

/** The options cannot be used. @category errors @since 0.1.0 */
export class InvalidOption extends Schema.TaggedError<InvalidOption>(
  "fastmcp-effect/oauth/server/AuthorizationServer/InvalidOption"
)("InvalidOption", { option: Schema.String, text: Schema.String }) {
  override get message(): string {
    return `${this.option} of the authorization server cannot be used: ${this.text}`
  }
}

// ----------------------------------------------------------------------------
// service
// ----------------------------------------------------------------------------

/** @category services @since 0.1.0 */
export class AuthorizationServer extends Context.Service<AuthorizationServer, {
  readonly issuer: string
  /** What it says of itself (RFC 8414). */
  readonly metadata: Effect.Effect<{ readonly [member: string]: unknown }>
  /** Paths of its host that are its own. */
  readonly paths: ReadonlyArray<HttpRouter.PathInput>
  readonly handle: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse>
  /** The claims of one of its access tokens, if it is good now: revoked ones are not, nor those of a grant that has ended. */
  readonly check: (
    token: Redacted.Redacted
  ) => Effect.Effect<Jwt.Claims | undefined, OAuthStoreError.OAuthStoreError>
  /** What was kept with the grant of a token when its user logged in (`UserLogin.User`). */
  readonly keptOf: (claims: Jwt.Claims) => Effect.Effect<string | undefined, OAuthStoreError.OAuthStoreError>
  /** Keeps `after` with it, if what is kept still is `before`; false otherwise. */
  readonly keep: (
    claims: Jwt.Claims,
    before: string,
    after: string
  ) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  /** Ends a grant and all tokens of it; its id is in `Issued`. */
  readonly endGrant: (id: string) => Effect.Effect<void, OAuthStoreError.OAuthStoreError>
  /** From now on; whoever does not keep up misses some. */
  readonly events: Stream.Stream<AuthEvent>
}>()("fastmcp-effect/oauth/server/AuthorizationServer") {}

/** What it stands on. @category models @since 0.1.0 */
export type Services =
  | OAuthStore.OAuthStore
  | SigningKeys.SigningKeys
  | UserLogin.UserLogin
  | Consent.Consent
  | Pages.Pages
  | SafeFetch.SafeFetch
  | SecureRandom.SecureRandom
  | Digest.Digest

// ----------------------------------------------------------------------------
// layers
// ----------------------------------------------------------------------------

/** @category layers @since 0.1.0 */
export const layer = (options: Options): Layer.Layer<AuthorizationServer, InvalidOption, Services> =>
  Layer.effect(AuthorizationServer, make(options, []))

/**
 * Puts its endpoints on a router. Codes and other secrets are in the addresses of some requests: provide `RedactedUrls` to
 * `HttpRouter.serve`, so that its spans do not tell them; `NodeHttp` does so for its `routes`.
 *
 * @category layers
 * @since 0.1.0
 */
export const routes: Layer.Layer<never, never, HttpRouter.HttpRouter | AuthorizationServer> = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const { handle, paths } = yield* AuthorizationServer
    for (const path of paths) {
      yield* router.add("*", path, Effect.flatMap(HttpServerRequest.HttpServerRequest, handle))
    }
  })
)

/**
 * What an engine of somebody else's is made of.
 *
 * @internal
 */
export type { Endpoint, Engine, Failure, Issuer }

/**
 * What it takes from ours: users are asked, and access tokens known again, in the same way.
 *
 * @internal
 */
export const parts = { accessTokens, assertions, callback, http, interaction, interactions, records, redirect }

/**
 * Secrets and their hashes by the host itself.
 *
 * @internal
 */
export const HostSecrets: typeof secrets.Host = secrets.Host

/**
 * With what stands on it, and with another engine than our own.
 *
 * @internal
 */
export const make = <E = never, R = never>(
  options: Options,
  extensions: ReadonlyArray<Extension>,
  engineOf: (issuer: Issuer) => Effect.Effect<Engine, E, R> = () => Effect.succeed(ownEngine)
): Effect.Effect<AuthorizationServer["Service"], InvalidOption | E, Services | R> =>
  Effect.gen(function*() {
    const problem = problemOf(options)
    if (problem !== undefined) return yield* new InvalidOption(problem)
    const {
      clients: configured = [],
      deviceFlow = true,
      issuer: url,
      metadataDocuments = true,
      registration = false,
      trustedIdentityProviders = [],
      trustedPlatforms = []
    } = options
    const policy = Option.getOrUndefined(yield* Effect.serviceOption(ExchangePolicy.ExchangePolicy))
    const store = yield* OAuthStore.OAuthStore
    const fetch = yield* SafeFetch.SafeFetch
    const ownSecrets = yield* secrets.make
    const hub = yield* PubSub.sliding<AuthEvent>(1024)
    const nonces = noncesOf(options)
    const providers = yield* trusted.make(trustedIdentityProviders, fetch)
    const platforms = yield* trusted.make(trustedPlatforms, fetch)
    const base = url.replace(/\/$/u, "")
    const issuer: Issuer = {
      url,
      at: (path) => base + path,
      lifetimes: lifetimesOf(options.lifetimes ?? {}),
      resources: new Map(options.resources.map((resource) => [resource.uri, knownOf(resource)])),
      grantTypes: new Map(
        [
          authorizationCode,
          refreshToken,
          clientCredentials,
          ...(deviceFlow ? [deviceCode] : []),
          ...(providers.size + platforms.size > 0 ? [jwtBearer({ providers, platforms })] : []),
          ...(policy === undefined ? [] : [tokenExchange(policy)])
        ].map((grant) => [grant.name, grant])
      ),
      features: {
        registration: registration !== false,
        metadataDocuments,
        deviceFlow,
        readsLetters: providers.size > 0,
        writesLetters: policy !== undefined
      },
      extensions,
      store,
      keys: yield* SigningKeys.SigningKeys,
      secrets: ownSecrets,
      nonces: nonces === undefined ? undefined : yield* DpopNonce.make(nonces),
      login: yield* UserLogin.UserLogin,
      consent: yield* Consent.Consent,
      pages: yield* Pages.Pages,
      page: yield* page.make,
      cookies: cookies.make(url),
      fetch,
      client: yield* clients.make({
        configured,
        store,
        secrets: ownSecrets,
        fetch,
        takesDocuments: metadataDocuments
      }),
      addressOf: options.clientAddress ?? (({ remoteAddress }) => Option.getOrUndefined(remoteAddress)),
      tell: (event) => Effect.asVoid(PubSub.publish(hub, event)),
      giveCode: (...given) => engine.giveCode(...given)
    }
    const engine = yield* engineOf(issuer)

    const endpoints = [
      ...engine.endpoints,
      jwks,
      ...(deviceFlow ? [deviceAuthorization, device] : []),
      ...(registration === false ? [] : [register(registrationOf(registration === true ? {} : registration))]),
      ...extensions.flatMap(({ endpoints }) => endpoints)
    ]
    const document: Endpoint = { path: "", methods: { GET: metadata.handle }, audience: "program" }
    const basePath = new URL(base).pathname.replace(/\/$/u, "")
    const byPath = new Map<string, Endpoint>([
      ...metadata.paths(issuer).map((path) => [path, document] as const),
      ...endpoints.map((endpoint) => [basePath + endpoint.path, endpoint] as const)
    ])
    const find = (path: string): Endpoint | undefined =>
      byPath.get(path) ?? byPath.get(path.replace(/\/[^/]*$/u, "/:id"))

    return {
      issuer: url,
      metadata: metadata.describe(issuer),
      paths: [...byPath.keys()] as ReadonlyArray<HttpRouter.PathInput>,
      handle: (request) => handle(issuer, find(request.url.split("?", 1)[0]!), request),
      check: accessTokens.checker(issuer),
      keptOf: ({ jti }) => accessTokens.keptOf(issuer, String(jti)),
      keep: ({ jti }, before, after) => accessTokens.keep(issuer, String(jti), before, after),
      endGrant: (id) =>
        Effect.andThen(
          store.endGrant(id),
          issuer.tell({ _tag: "Revoked", grantId: id, tokenId: undefined, clientId: undefined })
        ),
      events: Stream.fromPubSub(hub)
    }
  })

const handle = (
  issuer: Issuer,
  endpoint: Endpoint | undefined,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  if (endpoint === undefined) return Effect.succeed(HttpServerResponse.empty({ status: 404 }))
  const { audience, methods } = endpoint
  const names = Object.keys(methods)
  if (request.method === "OPTIONS" && audience === "program") return Effect.succeed(http.preflight(names))
  const method = request.method === "HEAD" ? "GET" : request.method
  const found = Object.hasOwn(methods, method) ? methods[method as keyof typeof methods] : undefined
  if (found === undefined) {
    return Effect.succeed(HttpServerResponse.empty({ status: 405, headers: { allow: names.join(", ") } }))
  }
  return Effect.catch(
    found(issuer, request),
    (failure) =>
      Effect.map(http.asRefusal(failure), (refused) =>
        audience === "program"
          ? http.refusal(refused, request)
          : issuer.page.show(
            issuer.pages.message({ title: "That did not work", text: refused.description }),
            http.statusOf(refused)
          ))
  )
}

// ----------------------------------------------------------------------------
// options, resolved
// ----------------------------------------------------------------------------

const problemOf = (options: Options) => {
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
const noncesOf = ({ dpopNonces = false }: Options): DpopNonce.Options | undefined =>
  dpopNonces === true ? {} : dpopNonces === false ? undefined : dpopNonces

const knownOf = ({ name, scopes = [], uri }: Resource): Known => ({
  uri,
  name,
  scopes: new Map(
    Array.isArray(scopes) ? scopes.map((scope: string) => [scope, undefined]) : Object.entries<string>(
      scopes as { readonly [scope: string]: string }
    )
  )
})

const lifetimesOf = (lifetimes: Lifetimes): Issuer["lifetimes"] => ({
  code: millis(lifetimes.code ?? "1 minute"),
  accessToken: millis(lifetimes.accessToken ?? "5 minutes"),
  refreshIdle: millis(lifetimes.refreshToken ?? "30 days"),
  grant: millis(lifetimes.grant ?? "180 days"),
  interaction: millis(lifetimes.interaction ?? "15 minutes"),
  session: millis(lifetimes.session ?? "12 hours"),
  pushedRequest: millis(lifetimes.pushedRequest ?? "1 minute"),
  deviceCode: millis(lifetimes.deviceCode ?? "10 minutes")
})

const registrationOf = ({ lasts = "90 days", mostAnHour = 20 }: Registration) => ({
  lasts: millis(lasts),
  mostAnHour
})

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))
