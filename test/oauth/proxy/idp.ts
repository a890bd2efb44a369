/**
 * An identity provider in memory, on the test's clock: it knows one client, and answers whoever asks for its metadata,
 * its keys, tokens and users. What it says can be changed, for a test of what is then made of it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as jose from "jose"
import { createHash } from "node:crypto"

export const issuer = "https://idp.example"
export const clientId = "proxy-at-idp"
export const clientSecret = "the secret of the proxy at the provider"

type Claims = Readonly<Record<string, unknown>>

/** What a test changes. */
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
  /** The key that signs, and what it says it is. */
  signer: { readonly key: jose.CryptoKey | Uint8Array; readonly alg: string; readonly kid: string } | undefined
  /** Paths that cannot be reached. */
  down: ReadonlyArray<string>
  /** Milliseconds it takes over a request for tokens. */
  slow: number
}

export interface Idp {
  readonly fetch: SafeFetch.SafeFetch["Service"]["fetch"]
  readonly changes: Changes
  /** What has been asked of it. */
  readonly seen: Array<SafeFetch.Request>
  /** What a user who says yes is sent back with. */
  readonly authorize: (url: URL) => URL
  /** Everything it has given out that is a secret. */
  readonly secrets: Array<string>
  readonly count: (path: string) => number
}

const pair = jose.generateKeyPair("RS256", { extractable: true })
const other = jose.generateKeyPair("RS256", { extractable: true })

/** A key that is not its own, under the id of the one that is. */
export const foreignKey = Effect.map(
  Effect.promise(() => other),
  ({ privateKey }) => ({ key: privateKey, alg: "RS256", kid: "one" })
)

export const publicKey = Effect.promise(async () => ({
  ...await jose.exportJWK((await pair).publicKey),
  kid: "one",
  use: "sig",
  alg: "RS256"
}))

export const make = (at: string = issuer): Idp => {
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
        iss: at,
        sub: "ada",
        aud: clientId,
        iat: now,
        exp: now + 600,
        ...(nonce !== null && { nonce }),
        name: "Ada",
        ...changes.claims
      }
      const { alg, key, kid } = changes.signer ??
        { key: (yield* Effect.promise(() => pair)).privateKey, alg: "RS256", kid: "one" }
      const token = yield* Effect.promise(() => new jose.SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key))
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
      const challenge = verifier === null ? null : createHash("sha256").update(verifier).digest("base64url")
      return code === undefined || code.challenge !== challenge ? no : answer(200, yield* tokens(code.nonce))
    })

  const fetch: Idp["fetch"] = (request) =>
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
            issuer: at,
            authorization_endpoint: `${at}/authorize`,
            token_endpoint: `${at}/token`,
            jwks_uri: `${at}/jwks`,
            code_challenge_methods_supported: ["S256"],
            id_token_signing_alg_values_supported: ["RS256", "HS256", "none"],
            ...changes.metadata
          })
        case "/jwks":
          return answer(changes.keys, { keys: [yield* publicKey] })
        case "/token":
          return yield* grant(new URLSearchParams(request.body))
        case "/user":
          return answer(changes.user.status, changes.user.body)
        default:
          return answer(404, {})
      }
    })

  return {
    fetch,
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
