/**
 * An identity provider in memory, on the clock of the test, for what signs its users in there: an `OAuthProxy`, or a
 * client. It knows one client, and answers whoever asks for its metadata, its keys, tokens and its user. What it says can
 * be changed, for a test of what is then made of it.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import type { CryptoKey, JWTPayload } from "jose"
import * as Promised from "../core/Promised.ts"
import * as Pkce from "../oauth/Pkce.ts"
import * as SafeFetch from "../oauth/SafeFetch.ts"
import * as fakeKeys from "./fakeKeys.ts"

type Claims = { readonly [claim: string]: unknown }

/** What signs ID tokens, and what it says it is. @category models @since 0.1.0 */
export interface Signer {
  /** As `jose` takes it: a `CryptoKey`, or the bytes of a secret. */
  readonly key: object
  readonly alg: string
  readonly kid: string
}

/** What a test changes. @category models @since 0.1.0 */
export interface Changes {
  /** Members of the metadata. */
  metadata: Claims
  /** Claims of the ID token; undefined leaves one out. */
  claims: Claims
  /** What is answered to a request for tokens, in the place of tokens. */
  token: { readonly status: number; readonly body: unknown } | undefined
  /** Members of an answer with tokens. */
  tokens: Claims
  /** The status of its keys. */
  keys: number
  /** What the user API answers. */
  user: { readonly status: number; readonly body: unknown }
  /** What signs in the place of its own key. */
  signer: Signer | undefined
  /** Paths that cannot be reached. */
  down: ReadonlyArray<string>
  /** Milliseconds it takes over a request for tokens. */
  slow: number
}

/** @category models @since 0.1.0 */
export interface FakeUpstream {
  readonly issuer: string
  readonly fetch: SafeFetch.SafeFetch["Service"]["fetch"]
  /** Reaches it, and nothing else. */
  readonly layer: Layer.Layer<SafeFetch.SafeFetch>
  readonly changes: Changes
  /** What has been asked of it. */
  readonly seen: Array<SafeFetch.Request>
  /** What a user who says yes is sent back with. */
  readonly authorize: (url: URL) => URL
  /** Everything it has given out that is a secret. */
  readonly secrets: Array<string>
  readonly count: (path: string) => number
}

/** @category models @since 0.1.0 */
export interface Options {
  /** `https://idp.example` when left out. */
  readonly issuer?: string
  /** The client that it knows. */
  readonly clientId: string
  /** Its key, and what it publishes of it. An Ed25519 key that everybody knows, when left out. */
  readonly key?: Effect.Effect<{ readonly signer: Signer; readonly jwk: Claims }>
  /** Members of its metadata beside or in the place of those that it has; `changes` come on top. */
  readonly metadata?: { readonly [member: string]: unknown }
}

const ownKey = Effect.map(fakeKeys.make(1), ({ jwk, kid, privateKey }) => ({
  signer: { key: privateKey, alg: "EdDSA", kid },
  jwk: { ...jwk }
}))

/**
 * Needs `jose`, beside this package.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  { clientId, issuer = "https://idp.example", key = ownKey, metadata = {} }: Options
): FakeUpstream => {
  const changes: Changes = {
    metadata: {},
    claims: {},
    token: undefined,
    tokens: {},
    keys: 200,
    user: { status: 200, body: { id: 1234, login: "ada" } },
    signer: undefined,
    down: [],
    slow: 0
  }
  const seen: Array<SafeFetch.Request> = []
  const secrets: Array<string> = []
  const codes = new Map<string, { readonly challenge: string | null; readonly nonce: string | null }>()
  const refreshTokens = new Set<string>()
  let made = 0
  const secret = (kind: string) => {
    const text = `${kind}-of-the-provider-${++made}`
    secrets.push(text)
    return text
  }

  const idToken = (nonce: string | null) =>
    Effect.gen(function*() {
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const claims = {
        iss: issuer,
        sub: "ada",
        aud: clientId,
        iat: now,
        exp: now + 600,
        ...(nonce !== null && { nonce }),
        name: "Ada",
        ...changes.claims
      }
      const signer = changes.signer ?? (yield* key).signer
      const { SignJWT } = yield* fakeKeys.jose
      const token = yield* Promised.make(() =>
        new SignJWT(claims as JWTPayload).setProtectedHeader({ alg: signer.alg, kid: signer.kid }).sign(
          signer.key as CryptoKey
        )
      )
      secrets.push(token)
      return token
    })

  const tokens = (nonce: string | null) =>
    Effect.gen(function*() {
      const refresh = secret("refresh")
      refreshTokens.add(refresh)
      return {
        access_token: secret("access"),
        token_type: "Bearer",
        expires_in: 3600,
        refresh_token: refresh,
        id_token: yield* idToken(nonce),
        ...changes.tokens
      }
    })

  const answer = (status: number, body: unknown): SafeFetch.Response => ({
    status,
    headers: Headers.fromInput({ "content-type": "application/json" }),
    text: JSON.stringify(body)
  })

  const grant = (form: URLSearchParams) =>
    Effect.gen(function*() {
      yield* Effect.sleep(changes.slow)
      if (changes.token !== undefined) return answer(changes.token.status, changes.token.body)
      const no = answer(400, { error: "invalid_grant" })
      if (form.get("grant_type") === "refresh_token") {
        return refreshTokens.delete(form.get("refresh_token")!) ? answer(200, yield* tokens(null)) : no
      }
      const code = codes.get(form.get("code")!)
      codes.delete(form.get("code")!)
      const verifier = form.get("code_verifier")
      const challenge = verifier === null
        ? null
        : yield* Effect.provide(Pkce.challengeOf(verifier), Digest.layerWebCrypto)
      return code === undefined || code.challenge !== challenge ? no : answer(200, yield* tokens(code.nonce))
    })

  const fetch: FakeUpstream["fetch"] = (request) =>
    Effect.gen(function*() {
      seen.push(request)
      const { pathname } = new URL(request.url)
      if (changes.down.includes(pathname)) {
        return yield* new SafeFetch.SafeFetchError({
          reason: new SafeFetch.Unreachable({ url: request.url, message: "it is down" })
        })
      }
      switch (pathname) {
        case "/.well-known/openid-configuration":
          return answer(200, {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            jwks_uri: `${issuer}/jwks`,
            code_challenge_methods_supported: ["S256"],
            id_token_signing_alg_values_supported: [(yield* key).signer.alg],
            ...metadata,
            ...changes.metadata
          })
        case "/jwks":
          return answer(changes.keys, { keys: [(yield* key).jwk] })
        case "/token":
          return yield* grant(new URLSearchParams(request.body))
        case "/user":
          return answer(changes.user.status, changes.user.body)
        default:
          return answer(404, {})
      }
    })

  return {
    issuer,
    fetch,
    layer: Layer.succeed(SafeFetch.SafeFetch, { fetch, check: (url) => Effect.sync(() => new URL(url)) }),
    changes,
    seen,
    secrets,
    authorize: (url) => {
      const code = secret("code")
      codes.set(code, { challenge: url.searchParams.get("code_challenge"), nonce: url.searchParams.get("nonce") })
      const back = new URL(url.searchParams.get("redirect_uri")!)
      back.searchParams.set("code", code)
      back.searchParams.set("state", url.searchParams.get("state")!)
      return back
    },
    count: (path) => seen.filter(({ url }) => new URL(url).pathname === path).length
  }
}
