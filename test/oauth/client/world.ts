/** A protected server, its authorization server and its user, without a network: what a client's requests meet. */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import type * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as WwwAuthenticate from "fastmcp-effect/oauth/WwwAuthenticate"
import { createHash } from "node:crypto"

export const address = new URL("https://mcp.acme.example/mcp")

export const issuer = "https://login.acme.example"

export interface Seen {
  readonly url: string
  readonly method: string
  readonly headers: { readonly [name: string]: string }
  readonly params: { readonly [name: string]: string }
}

type Json = { readonly [name: string]: unknown }

export interface World {
  /** What was fetched and where the user was sent, in order. */
  readonly seen: Array<Seen>
  /** What there is to fetch, by address; a test changes it. */
  readonly documents: { [url: string]: Json | undefined }
  /** What it says in its next answers, instead of giving out a token. */
  readonly refusals: Array<{ readonly status: number; readonly error?: string } | undefined>
  /** Codes and refresh tokens that are good still. */
  readonly good: Set<string>
  /** What a registration brings besides the id. */
  registration: Json
  /** What it calls the next that it gives out. */
  name: (kind: "code" | "access" | "refresh", number: number) => string
  /** Waits in front of the token endpoint. */
  hold: Effect.Effect<void>
  /** What the user brings back besides the code and the state. */
  answer: (parameters: URLSearchParams) => { readonly [name: string]: string }
  /** The scopes that a token has, where the server says so. */
  grants: string | undefined
  /** Waits until something of this kind has been asked. */
  readonly saw: (what: "authorize" | "register" | "refresh_token" | "token") => Effect.Effect<void>
  tokenType: string
  /** Seconds that a token lasts. */
  lasts: number
  /** Whether there are refresh tokens. */
  refreshes: boolean
  /** How often the user logged in, a client was registered, a token was refreshed, and tokens were asked for at all. */
  readonly count: (what: "authorize" | "register" | "refresh_token" | "token") => number
  readonly layer: Layer.Layer<
    SafeFetch.SafeFetch | UserAgent.UserAgent | TokenStore.TokenStore | SecureRandom.SecureRandom
  >
}

export const redirectUri = "http://127.0.0.1:4711/callback"

export const metadata: Json = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  code_challenge_methods_supported: ["S256"],
  token_endpoint_auth_methods_supported: ["none", "client_secret_basic"],
  authorization_response_iss_parameter_supported: true
}

export const make = (store: Layer.Layer<TokenStore.TokenStore> = TokenStore.layerMemory): World => {
  let last = 0
  const challenges = new Map<string, string>()
  const world: World = {
    seen: [],
    documents: {
      "https://mcp.acme.example/.well-known/oauth-protected-resource/mcp": {
        resource: address.href,
        authorization_servers: [issuer],
        scopes_supported: ["notes:read"]
      },
      [`${issuer}/.well-known/oauth-authorization-server`]: metadata
    },
    refusals: [],
    good: new Set(),
    registration: {},
    name: (kind, number) => `${kind}-${number}`,
    hold: Effect.void,
    answer: () => ({ iss: issuer }),
    grants: undefined,
    saw: (what) =>
      Effect.suspend(() => world.count(what) > 0 ? Effect.void : Effect.andThen(Effect.yieldNow, world.saw(what))),
    tokenType: "Bearer",
    lasts: 3600,
    refreshes: true,
    count: (what) =>
      world.seen.filter(({ params, url }) =>
        what === "refresh_token" ? params.grant_type === what : url.endsWith(`/${what}`)
      ).length,
    layer: Layer.mergeAll(
      store,
      SecureRandom.layerWebCrypto,
      Layer.succeed(SafeFetch.SafeFetch, {
        check: (url) => Effect.sync(() => new URL(url)),
        fetch: (request) => fetch(request)
      }),
      Layer.succeed(UserAgent.UserAgent, {
        listen: () => Effect.succeed({ redirectUri, visit: ({ url }) => Effect.sync(() => authorize(new URL(url))) })
      })
    )
  }

  const respond = (status: number, body: unknown): SafeFetch.Response => ({
    status,
    headers: Headers.fromInput({ "content-type": "application/json" }),
    text: JSON.stringify(body)
  })

  const authorize = ({ href, searchParams }: URL): URLSearchParams => {
    const params = Object.fromEntries(searchParams)
    world.seen.push({ url: href.split("?")[0]!, method: "GET", headers: {}, params })
    const code = world.name("code", ++last)
    world.good.add(code)
    challenges.set(code, params.code_challenge!)
    return new URLSearchParams({ code, state: params.state!, ...world.answer(searchParams) })
  }

  const fetch = ({ body = "", headers = {}, method = "GET", url }: SafeFetch.Request) =>
    Effect.gen(function*() {
      const isToken = url.endsWith("/token")
      const params = Object.fromEntries(new URLSearchParams(isToken ? body : ""))
      world.seen.push({ url, method, headers, params })
      if (method === "GET") {
        const found = world.documents[url]
        return found === undefined ? respond(404, {}) : respond(200, found)
      }
      if (!isToken) {
        return respond(201, { client_id: `client-${++last}`, ...world.registration })
      }
      yield* world.hold
      const refusal = world.refusals.shift()
      if (refusal !== undefined) {
        return respond(refusal.status, refusal.error === undefined ? {} : { error: refusal.error })
      }
      const once = params.code ?? params.refresh_token
      if (once !== undefined && !world.good.delete(once)) {
        return respond(400, { error: "invalid_grant" })
      }
      if (
        params.code !== undefined
        && createHash("sha256").update(params.code_verifier!).digest("base64url") !== challenges.get(params.code)
      ) return respond(400, { error: "invalid_grant" })
      const refresh = world.name("refresh", ++last)
      if (world.refreshes) world.good.add(refresh)
      return respond(200, {
        access_token: world.name("access", last),
        token_type: world.tokenType,
        expires_in: world.lasts,
        ...(world.grants === undefined ? undefined : { scope: world.grants }),
        ...(world.refreshes ? { refresh_token: refresh } : undefined)
      })
    })

  return world
}

export const brokenStore: TokenStore.TokenStore["Service"] = (() => {
  const fail = Effect.fail(OAuthError.make(new OAuthError.StoreFailed({ message: "The disk is full" })))
  return { get: () => fail, set: () => fail, remove: () => fail, lock: () => Effect.void }
})()

/** What a server says to a request. */
export const refusal = (
  sent: OAuthClient.Held | undefined,
  options: {
    readonly status?: 401 | 403
    readonly challenge?: string
    readonly attempt?: number
    readonly isWaitedFor?: boolean
  } = {}
): OAuthClient.Refusal => ({
  status: options.status ?? 401,
  challenges: WwwAuthenticate.parse(options.challenge ?? "Bearer"),
  sent,
  attempt: options.attempt ?? 1,
  isWaitedFor: options.isWaitedFor ?? true
})
