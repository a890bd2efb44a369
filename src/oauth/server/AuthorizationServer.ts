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
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as DpopNonce from "../DpopNonce.ts"
import type * as Jwt from "../Jwt.ts"
import * as SafeFetch from "../SafeFetch.ts"
import * as accessTokens from "./accessTokens.ts"
import * as assertions from "./assertions.ts"
import type { AuthEvent } from "./AuthEvent.ts"
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
import type { Endpoint, Engine, Extension, Failure, Issuer } from "./issuer.ts"
import * as limits from "./limits.ts"
import * as OAuthStore from "./OAuthStore.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import * as Pages from "./Pages.ts"
import * as records from "./records.ts"
import * as redirect from "./redirect.ts"
import * as secrets from "./secrets.ts"
import * as settings from "./settings.ts"
import * as SigningKeys from "./SigningKeys.ts"
import * as trusted from "./trusted.ts"
import * as UserLogin from "./UserLogin.ts"

// ----------------------------------------------------------------------------
// options
// ----------------------------------------------------------------------------

export type {
  Lifetimes,
  Options,
  Registration,
  Resource,
  TrustedIdentityProvider,
  TrustedPlatform
} from "./settings.ts"

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
export const layer = (options: settings.Options): Layer.Layer<AuthorizationServer, InvalidOption, Services> =>
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
export const parts = { accessTokens, assertions, callback, http, interaction, interactions, limits, records, redirect }

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
  options: settings.Options,
  extensions: ReadonlyArray<Extension>,
  engineOf: (issuer: Issuer) => Effect.Effect<Engine, E, R> = () => Effect.succeed(ownEngine)
): Effect.Effect<AuthorizationServer["Service"], InvalidOption | E, Services | R> =>
  Effect.gen(function*() {
    const problem = settings.problemOf(options)
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
    const nonces = settings.noncesOf(options)
    const providers = yield* trusted.make(trustedIdentityProviders, fetch)
    const platforms = yield* trusted.make(trustedPlatforms, fetch)
    const base = url.replace(/\/$/u, "")
    const issuer: Issuer = {
      url,
      at: (path) => base + path,
      lifetimes: settings.lifetimesOf(options.lifetimes ?? {}),
      resources: new Map(options.resources.map((resource) => [resource.uri, settings.knownOf(resource)])),
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
      mostRequestsAMinute: options.mostRequestsAMinute ?? 300,
      tell: (event) => Effect.asVoid(PubSub.publish(hub, event)),
      giveCode: (...given) => engine.giveCode(...given)
    }
    const engine = yield* engineOf(issuer)

    const endpoints = [
      ...engine.endpoints,
      jwks,
      ...(deviceFlow ? [deviceAuthorization, device] : []),
      ...(registration === false ? [] : [register(settings.registrationOf(registration === true ? {} : registration))]),
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
          : http.waiting(
            refused,
            issuer.page.show(
              issuer.pages.message({ title: "That did not work", text: refused.description }),
              http.statusOf(refused)
            )
          ))
  )
}
