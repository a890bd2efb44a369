/**
 * The authorization code grant with PKCE: a person logs in, and says yes. For programs that act for somebody.
 */
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import type * as Redacted from "effect/Redacted"
import * as ClientMetadata from "../ClientMetadata.ts"
import * as OAuthError from "../OAuthError.ts"
import * as Pkce from "../Pkce.ts"
import type * as Credentials from "./Credentials.ts"
import * as endpoints from "./endpoints.ts"
import * as grant from "./grant.ts"
import * as registration from "./registration.ts"
import * as UserAgent from "./UserAgent.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What was arranged with an authorization server, or with several. Then it is taken, and nothing else is tried. */
  readonly credentials?: Credentials.Credentials | ReadonlyArray<Credentials.Credentials>
  /** The address of this client's metadata, where it has published it: its id with every server that takes such. */
  readonly clientMetadataUrl?: string
  /** What the client says of itself where it registers; its name is what the user is asked about. */
  readonly metadata?: Omit<ClientMetadata.ClientMetadata, "redirect_uris">
  /** Asked for credentials where there is no other way, and not remembered. Without it the login fails. */
  readonly ask?: (issuer: string) => Effect.Effect<Credentials.Credentials, OAuthError.OAuthError>
}

/** @category constructors @since 0.1.0 */
export const make = (options: Options = {}): grant.Grant<UserAgent.UserAgent> => {
  const { credentials = [] } = options
  const identity: registration.Options = {
    credentials: Array.isArray(credentials) ? credentials : [credentials as Credentials.Credentials],
    clientMetadataUrl: options.clientMetadataUrl,
    metadata: { client_name: "An MCP client", ...options.metadata },
    ask: options.ask
  }
  return {
    asksUser: true,
    issuers: identity.credentials.flatMap(({ issuer }) => issuer ?? []),
    obtain: (target) => obtain(target, identity),
    refresh: (target, refresh) => renew(target, identity, refresh)
  }
}

const obtain = (target: grant.Target, identity: registration.Options) =>
  Effect.gen(function*() {
    const { dpop, resource, scopes, server, services } = target
    yield* checkOptions(identity)
    yield* checkServer(target)
    const agent = yield* UserAgent.UserAgent
    const { redirectUri, visit } = yield* agent.listen(yield* registration.redirectUris(target))
    const client = yield* registration.identify(target, identity, redirectUri)
    const { challenge, verifier } = yield* Pkce.make.pipe(
      Effect.provideService(SecureRandom.SecureRandom, services.random),
      Effect.provide(Digest.layerWebCrypto)
    )
    const state = Base64Url.encode(yield* services.random.randomBytes(16))
    // A browser is sent there, so it is judged as if it were fetched.
    const url = yield* Effect.mapError(services.safe.check(server.authorization_endpoint!), endpoints.failed)
    const parameters = {
      response_type: "code",
      client_id: client.id,
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: "S256",
      state,
      scope: scopes?.join(" "),
      resource,
      // OpenID Connect gives no lasting access without asking.
      prompt: scopes?.includes("offline_access") === true ? "consent" : undefined,
      dpop_jkt: dpop === undefined ? undefined : yield* Effect.promise(() => dpop.handle.calculateThumbprint())
    }
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    const answer = yield* visit({ url: url.href, state })
    const callback = yield* endpoints.authorizationResponse(server, client.id, answer, state)
    return yield* endpoints.codeGrant(grant.requestOf({ ...target, scopes: undefined }, client), {
      callback,
      redirectUri,
      verifier
    })
  })

const renew = (target: grant.Target, identity: registration.Options, refresh: Redacted.Redacted<string>) =>
  Effect.gen(function*() {
    const client = yield* registration.identify(target, identity, undefined)
    return yield* Effect.tapError(
      endpoints.refreshGrant(grant.refreshOf(target, client), refresh),
      ({ reason }) =>
        reason._tag === "Refused" && reason.code === "invalid_client" ? registration.forget(target) : Effect.void
    )
  })

const checkOptions = ({ clientMetadataUrl }: registration.Options) => {
  const problem = clientMetadataUrl === undefined ? undefined : ClientMetadata.problemOfId(clientMetadataUrl)
  return problem === undefined ? Effect.void : Effect.fail(OAuthError.make(
    new OAuthError.InvalidOption({
      option: "clientMetadataUrl",
      message: `clientMetadataUrl cannot be the id of a client: ${problem}`
    })
  ))
}

/** Without PKCE a stolen code is as good as the token, so there is no login without it. */
const checkServer = ({ isDescribed, server }: grant.Target) => {
  const { authorization_endpoint, code_challenge_methods_supported, issuer } = server
  const unsupported = (message: string) =>
    Effect.fail(OAuthError.make(new OAuthError.NotSupported({ issuer, message: `${issuer} ${message}` })))
  if (authorization_endpoint === undefined) return unsupported("has no authorization endpoint")
  return !isDescribed || code_challenge_methods_supported?.includes("S256") === true
    ? Effect.void
    : unsupported("does not say that it takes PKCE with S256, without which a stolen code is as good as a token")
}
