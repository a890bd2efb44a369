/**
 * The identity provider behind an authorization server, and this program as its client: sends users there, finds out
 * who comes back, and seals what it is given of theirs. `UpstreamLogin` and `UpstreamTokens` stand on it.
 *
 * There is no layer without a key: what is kept of a login on its way, and the tokens that come of it, go to the store
 * of the authorization server sealed or not at all.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as Seal from "../../core/Seal.ts"
import * as authentication from "../client/authentication.ts"
import type * as Credentials from "../client/Credentials.ts"
import * as endpoints from "../client/endpoints.ts"
import * as OAuthError from "../OAuthError.ts"
import * as Pkce from "../Pkce.ts"
import * as SafeFetch from "../SafeFetch.ts"
import * as secrets from "../server/secrets.ts"
import type * as UserLogin from "../server/UserLogin.ts"
import * as Token from "../Token.ts"
import * as metadata from "./metadata.ts"
import * as profiles from "./profile.ts"
import * as Provider from "./Provider.ts"

// ----------------------------------------------------------------------------
// options
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Options {
  readonly provider: Provider.Provider
  /** What this program was registered with there, with the address of its `/callback`. */
  readonly clientId: string
  readonly clientSecret?: Redacted.Redacted
  /** In the place of a secret. */
  readonly signingKey?: Credentials.SigningKey
  /** What seals the users' tokens: a secret of at least 32 bytes, the same in all processes. */
  readonly key: Redacted.Redacted<string | Uint8Array>
  /**
   * Secrets that open and do not seal: where one of them has sealed the tokens of a user, they are sealed anew when they
   * are next renewed. Whose secret is gone has to log in again.
   */
  readonly previousKeys?: ReadonlyArray<Redacted.Redacted<string | Uint8Array>>
  /** Whether a user whom the provider knows may come in here. All may. */
  readonly admits?: (profile: Provider.Profile) => boolean
}

// ----------------------------------------------------------------------------
// service
// ----------------------------------------------------------------------------

/** A browser on its way there and back. @category models @since 0.1.0 */
export interface Hop {
  /** Where it comes back to: as it is registered with the provider, and nobody's to choose. */
  readonly redirectUri: string
  readonly state: string
  readonly hint: string | undefined
  readonly isForced: boolean
}

/** Tokens of a user, and the same as they are kept. @category models @since 0.1.0 */
export interface Renewed {
  readonly token: Token.Token
  readonly kept: string
}

/** @category services @since 0.1.0 */
export class Upstream extends Context.Service<Upstream, {
  readonly provider: Provider.Provider
  /** Where to send the browser, and what has to be there when it comes back. */
  readonly begin: (
    hop: Hop
  ) => Effect.Effect<{ readonly url: string; readonly kept: string }, OAuthError.OAuthError>
  /** Who has come back. `kept` must have been taken away from wherever it was, so that it is used once. */
  readonly complete: (
    hop: Hop,
    kept: string,
    query: ReadonlyMap<string, string>
  ) => Effect.Effect<UserLogin.User, OAuthError.OAuthError>
  /** Undefined where nothing was sealed for this subject with a key that is known. */
  readonly tokenOf: (kept: string, subject: string) => Effect.Effect<Token.Token | undefined>
  /** The next token for a refresh token. */
  readonly renew: (
    refresh: Redacted.Redacted,
    subject: string
  ) => Effect.Effect<Renewed, OAuthError.OAuthError>
}>()("fastmcp-effect/oauth/proxy/Upstream") {}

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<
  Upstream,
  OAuthError.OAuthError,
  SafeFetch.SafeFetch | SecureRandom.SecureRandom | Digest.Digest
> => Layer.effect(Upstream, make(options))

const make = (options: Options) =>
  Effect.gen(function*() {
    const { admits = () => true, clientId, provider } = options
    yield* check(options)
    const clock = yield* Clock.Clock
    const random = yield* SecureRandom.SecureRandom
    const digest = yield* Digest.Digest
    const safe = yield* SafeFetch.SafeFetch
    const services: endpoints.Services = { clock, random, safe }
    const { makeId: makeNonce } = yield* secrets.make
    const sealer = yield* Effect.provide(
      Seal.make("upstream", [options.key, ...options.previousKeys ?? []].map(Seal.bytesOf) as [Uint8Array]),
      Seal.layerWebCrypto
    )
    const logins = box(sealer, Login, "login")
    const tokens = box(sealer, Token.Token, "tokens")
    const found = metadata.make(services, provider)
    const isOpenId = provider.user._tag === "IdToken"

    /** What goes into a request to its token endpoint. */
    const requestOf = (server: metadata.Found["server"]) =>
      Effect.map(
        authentication.prepare(services, server, options, provider.authentication),
        (client): endpoints.TokenRequest => ({ services, server, client, dpop: undefined, parameters: {} })
      )

    const begin = ({ hint, isForced, redirectUri, state }: Hop) =>
      Effect.gen(function*() {
        const { server } = yield* found
        // A browser is sent there, so it is judged as if it were fetched.
        const url = yield* Effect.mapError(safe.check(server.authorization_endpoint), endpoints.failed)
        const pkce = takesPkce(provider, server)
          ? yield* Effect.provideService(makePkce, Digest.Digest, digest)
          : undefined
        const nonce = yield* makeNonce
        const parameters = {
          ...(isForced ? provider.parametersAgain ?? againOf(provider) : provider.parameters),
          response_type: "code",
          client_id: clientId,
          redirect_uri: redirectUri,
          state,
          ...(provider.scopes.length > 0 && { scope: provider.scopes.join(" ") }),
          ...(pkce !== undefined && { code_challenge: pkce.challenge, code_challenge_method: "S256" }),
          ...(isOpenId && { nonce }),
          ...(isOpenId && hint !== undefined && { login_hint: hint })
        }
        for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
        const login = { nonce, startedAt: clock.currentTimeMillisUnsafe(), ...(pkce && { verifier: pkce.verifier }) }
        return { url: url.href, kept: yield* logins.seal(login, state) }
      })

    const makePkce = Effect.provideService(Pkce.make, SecureRandom.SecureRandom, random)

    const complete = (hop: Hop, kept: string, query: ReadonlyMap<string, string>) =>
      Effect.gen(function*() {
        const login = yield* logins.open(kept, hop.state)
        if (login === undefined) return yield* gone(provider)
        const there = yield* found
        const { server } = there
        const issuer = query.get("iss")
        const answer = yield* endpoints.authorizationResponse(
          // Of one of its tenants, if it has many.
          issuer !== undefined && Provider.isIssuer(provider, issuer) ? { ...server, issuer } : server,
          clientId,
          new URLSearchParams([...query]),
          hop.state
        )
        const { idToken, token } = yield* endpoints.loginGrant(yield* requestOf(server), {
          callback: answer,
          redirectUri: hop.redirectUri,
          verifier: login.verifier
        })
        const profile = provider.user._tag === "IdToken"
          ? yield* profiles.ofIdToken(provider, there, idToken, { clientId, nonce: login.nonce })
          : yield* profiles.ofApi(safe, provider.user, token.access)
        return yield* userOf(profile, hop, login.startedAt, token)
      })

    const userOf = (profile: Provider.Profile, { isForced }: Hop, startedAt: number, token: Token.Token) =>
      Effect.gen(function*() {
        const known = Provider.userOf(provider, profile)
        if (known === undefined) {
          return yield* malformed(provider, "does not say who the user is")
        }
        if (!admits(profile)) return yield* denied(provider)
        const { amr, auth_time: seconds } = profile
        const now = clock.currentTimeMillisUnsafe()
        const shownAt = isOpenId && typeof seconds === "number" ? Math.min(seconds * 1000, now) : now
        if (isForced && shownAt < startedAt - leeway) {
          return yield* malformed(provider, "did not have the user log in again")
        }
        const { name, subject } = known
        return {
          subject,
          authenticatedAt: shownAt,
          ...(isOpenId && Array.isArray(amr) && {
            methods: amr.filter((method) => typeof method === "string")
          }),
          ...(name !== undefined && { name }),
          kept: yield* tokens.seal(token, subject)
        }
      })

    return Upstream.of({
      provider,
      begin,
      complete,
      tokenOf: tokens.open,
      renew: (refresh, subject) =>
        Effect.gen(function*() {
          const { server } = yield* found
          const next = yield* endpoints.refreshGrant(yield* requestOf(server), refresh)
          // It need not give another one.
          const token: Token.Token = { refresh, ...next }
          return { token, kept: yield* tokens.seal(token, subject) }
        })
    })
  })

/** Milliseconds that its clock may be behind. */
const leeway = 60_000

const againOf = ({ parameters, user }: Provider.Provider): Provider.Provider["parameters"] =>
  user._tag === "IdToken" ? { ...parameters, prompt: "login" } : parameters

/** One that says what it takes and does not name it would not know what to do with it. */
const takesPkce = ({ pkce }: Provider.Provider, server: metadata.Found["server"]): boolean =>
  pkce ?? server.code_challenge_methods_supported?.includes("S256") ?? true

// ----------------------------------------------------------------------------
// sealing
// ----------------------------------------------------------------------------

/** What is needed when a browser comes back. */
const Login = Schema.Struct({
  verifier: Schema.optionalKey(Schema.String),
  nonce: Schema.String,
  startedAt: Schema.Finite
})

const box = <A, I>(sealer: Seal.Seal, schema: Schema.Codec<A, I>, what: string) => {
  const json: Schema.Codec<A, string> = Schema.fromJsonString(schema)
  const encode = SchemaParser.encodeSync(json)
  const decode = SchemaParser.decodeResult(json)
  return {
    seal: (value: A, of: string) => sealer.seal(new TextEncoder().encode(encode(value)), `${what} ${of}`),
    open: (sealed: string, of: string): Effect.Effect<A | undefined> =>
      Effect.map(
        sealer.open(sealed, `${what} ${of}`),
        (plain) => plain === undefined ? undefined : Result.getOrUndefined(decode(new TextDecoder().decode(plain)))
      )
  }
}

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

const check = (
  { clientId, key, previousKeys = [], provider: { name } }: Options
): Effect.Effect<void, OAuthError.OAuthError> => {
  const invalid = (option: string, message: string) =>
    Effect.fail(OAuthError.make(
      new OAuthError.InvalidOption({ option, message: `${option} of the upstream cannot be used: ${message}` })
    ))
  for (
    const [option, secret] of [["key", key], ...previousKeys.map((key, at) => [`previousKeys[${at}]`, key])] as const
  ) {
    const { length } = Seal.bytesOf(secret as typeof key)
    if (length < Seal.minKeyBytes) {
      return invalid(option as string, `it has ${length} bytes and needs at least ${Seal.minKeyBytes}`)
    }
  }
  if (clientId === "") return invalid("clientId", "it is empty")
  // Subjects of clients that come for themselves begin so.
  return /^[a-z0-9][a-z0-9-]*$/iu.test(name) && name !== "client"
    ? Effect.void
    : invalid("provider.name", "it is not made of letters, digits and dashes, or is \"client\"")
}

const malformed = ({ issuer }: Provider.Provider, what: string): OAuthError.OAuthError =>
  OAuthError.make(new OAuthError.Malformed({ from: issuer, message: `${issuer} ${what}` }))

const denied = ({ issuer }: Provider.Provider): OAuthError.OAuthError =>
  OAuthError.make(
    new OAuthError.Refused({
      issuer,
      endpoint: "authorization",
      code: "access_denied",
      description: "this user is not admitted"
    })
  )

const gone = ({ issuer }: Provider.Provider): OAuthError.OAuthError =>
  OAuthError.make(new OAuthError.LoginRequired({ server: issuer }))
