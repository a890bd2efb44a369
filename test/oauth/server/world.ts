/**
 * An authorization server in memory, on the test's clock, and whoever talks to it. Requests go to `handle`, without a
 * socket; what a browser keeps is kept by hand.
 */
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { importJWK } from "jose"
import { createHash } from "node:crypto"

export const issuer = "https://auth.example"
export const resource = "https://acme.example/mcp"
export const redirectUri = "https://app.example/callback"
export const verifier = "v".repeat(43)
export const challenge = createHash("sha256").update(verifier).digest("base64url")
export const secret = "a secret of more than 32 characters, for tests"

/** One without a secret, and one with. */
export const app: Client.Options = { id: "app", name: "App", redirectUris: [redirectUri] }
export const backend: Client.Options = {
  id: "backend",
  redirectUris: [redirectUri],
  secret: Redacted.make(secret),
  grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
  introspects: [resource]
}

/** One as the server knows it, once it has been looked up. */
export const client: Client.Client = {
  id: "notes",
  name: "Notes",
  uri: undefined,
  origin: "configured",
  redirectUris: [redirectUri],
  postLogoutRedirectUris: [],
  grantTypes: ["authorization_code"],
  authentication: "none",
  secretHash: undefined,
  keys: undefined,
  jwksUri: undefined,
  scopes: undefined,
  isFirstParty: false,
  introspects: [],
  requiresDpop: false,
  workload: undefined,
  idTokenAlgorithm: undefined
}

export const options: AuthorizationServer.Options = {
  issuer,
  resources: [{ uri: resource, scopes: ["notes:read", "notes:write"] }],
  clients: [app, backend]
}

/** Made once, for making keys takes its time. */
const ring = Effect.runPromise(Effect.all([SigningKeys.generate("ES256", 0)]))

/** What the server signs with. */
export const signer = ring.then(([{ algorithm, jwk }]) => importJWK(jwk, algorithm))

export const keys = Layer.unwrap(
  Effect.map(Effect.promise(() => ring), (ring) => SigningKeys.layer(Redacted.make(ring)))
)

/** What a test changes of its surroundings. */
export interface Surroundings {
  readonly store?: Layer.Layer<OAuthStore.OAuthStore, unknown>
  readonly login?: Layer.Layer<UserLogin.UserLogin>
  readonly consent?: Layer.Layer<Consent.Consent>
  /** What is there to be fetched, by address; each fetch is counted by the test itself. */
  readonly fetch?: SafeFetch.SafeFetch["Service"]["fetch"]
}

const crypto = Layer.merge(SecureRandom.layerWebCrypto, Digest.layerWebCrypto)

export const unreachable: SafeFetch.SafeFetch["Service"]["fetch"] = ({ url }) =>
  Effect.fail(new SafeFetch.SafeFetchError({ reason: new SafeFetch.Unreachable({ url, message: "it is not there" }) }))

export const services = (
  { consent = Consent.layerAutomatic, fetch = unreachable, login = UserLogin.layerAutomatic("anna"), store }:
    Surroundings = {}
) =>
  Layer.mergeAll(
    login,
    consent,
    keys,
    Pages.layer(),
    Layer.succeed(SafeFetch.SafeFetch, { fetch, check: (url) => Effect.succeed(new URL(url)) }),
    crypto
  ).pipe(Layer.provideMerge(Layer.orDie(store ?? OAuthStore.layerMemory())))

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Of a body that is JSON. */
  readonly json: any
  /** Where a browser is sent. */
  readonly location: URL | undefined
}

export interface Sent {
  readonly form?: Readonly<Record<string, string>> | URLSearchParams
  readonly json?: unknown
  /** A body of any other kind. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
}

/** Whoever asks; a browser keeps cookies, and that is all the difference. */
export interface Caller {
  readonly send: (pathOrUrl: string, sent?: Sent) => Effect.Effect<Answer>
  readonly cookies: Map<string, string>
}

export const caller = Effect.map(AuthorizationServer.AuthorizationServer, ({ handle, issuer }): Caller => {
  const cookies = new Map<string, string>()
  return {
    cookies,
    send: (pathOrUrl, { form, headers = {}, json, method, text: plain } = {}) =>
      Effect.gen(function*() {
        const body = form !== undefined
          ? new URLSearchParams(form as Record<string, string>).toString()
          : json === undefined
          ? plain
          : JSON.stringify(json)
        const request = new Request(new URL(pathOrUrl, issuer), {
          method: method ?? (body === undefined ? "GET" : "POST"),
          headers: {
            ...(form === undefined ? undefined : { "content-type": "application/x-www-form-urlencoded" }),
            ...(json === undefined ? undefined : { "content-type": "application/json" }),
            cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
            ...headers
          },
          ...(body === undefined ? undefined : { body })
        })
        const response = HttpServerResponse.toWeb(yield* handle(HttpServerRequest.fromWeb(request)))
        for (const cookie of response.headers.getSetCookie()) {
          const [, name, value] = /^([^=]+)=([^;]*)/u.exec(cookie)!
          if (/max-age=0/iu.test(cookie)) cookies.delete(name!)
          else cookies.set(name!, value!)
        }
        const text = yield* Effect.promise(() => response.text())
        const location = response.headers.get("location")
        return {
          status: response.status,
          headers: response.headers,
          text,
          json: response.headers.get("content-type")?.includes("json") === true && text !== ""
            ? JSON.parse(text)
            : undefined,
          location: location === null ? undefined : new URL(location, issuer)
        }
      })
  }
})

/** An authorization request that is right, but for what is given. */
export const authorizePath = (own: Readonly<Record<string, string | undefined>> = {}): string => {
  const given = {
    response_type: "code",
    client_id: "app",
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource,
    scope: "notes:read notes:write",
    state: "xyz",
    ...own
  }
  const entries = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `/authorize?${new URLSearchParams(entries)}`
}

/** A code, by a user whom nobody asks anything. */
export const code = (caller: Caller, own?: Readonly<Record<string, string | undefined>>) =>
  Effect.map(caller.send(authorizePath(own)), ({ location }) => location!.searchParams.get("code")!)

/** What `app` sends for a code. */
export const exchange = (code: string, own: Readonly<Record<string, string>> = {}) => ({
  form: {
    grant_type: "authorization_code",
    client_id: "app",
    redirect_uri: redirectUri,
    code_verifier: verifier,
    code,
    ...own
  }
})

/** Runs with a server of its own. */
export const withServer = <A, E>(
  test: Effect.Effect<A, E, AuthorizationServer.AuthorizationServer | OAuthStore.OAuthStore>,
  own: Partial<AuthorizationServer.Options> = {},
  surroundings?: Surroundings
): Effect.Effect<A, E | AuthorizationServer.InvalidOption | SigningKeys.SigningKeysError> =>
  Effect.provide(
    test,
    AuthorizationServer.layer({ ...options, ...own }).pipe(Layer.provideMerge(services(surroundings))),
    { local: true }
  )
