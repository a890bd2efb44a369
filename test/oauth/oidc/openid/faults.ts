/** For every module a server that does not behave, which its test is to find; and servers that it is to warn of. */
import type { Json } from "./claims.ts"
import { postLogoutRedirectUri } from "./module.ts"
import type { Name } from "./plans.ts"
import type { Fetch } from "./run.ts"

export type Fault = (go: Fetch) => Fetch

type Kind = "metadata" | "token" | "userinfo" | "authorization" | "logout"

const kinds: { readonly [kind in Kind]: RegExp } = {
  metadata: /openid-configuration$/u,
  token: /\/token$/u,
  userinfo: /\/(me|userinfo)$/u,
  authorization: /\/(auth|authorize)$/u,
  logout: /\/(session\/end|logout|end_session)$/u
}

const isOf = (kind: Kind, url: string) => kinds[kind].test(new URL(url).pathname)

const json = (response: Response, body: unknown) => {
  const headers = new Headers(response.headers)
  headers.delete("content-length")
  return new Response(JSON.stringify(body), { status: response.status, headers })
}

/** Another JSON, or another answer altogether. */
const answers =
  (kind: Kind, other: (body: Json, init: RequestInit) => Json | Response): Fault => (go) => async (url, init = {}) => {
    const response = await go(url, init)
    if (!isOf(kind, url)) return response
    const body = other(await response.json() as Json, init)
    return body instanceof Response ? body : json(response, body)
  }

const sends = (to: string | URL, status = 303) => new Response(null, { status, headers: { location: String(to) } })

/** Changes what a person brings to the client. */
const brings = (change: (params: URLSearchParams) => void, where = "https://client.example/"): Fault =>
(go) =>
async (
  url,
  init
) => {
  const response = await go(url, init)
  const location = response.headers.get("location")
  if (location === null || !location.startsWith(where)) return response
  const to = new URL(location)
  change(to.searchParams)
  return sends(to)
}

/** Does not know a parameter of the authorization endpoint. */
const ignores = (...names: ReadonlyArray<string>): Fault => (go) => (url, init) => {
  if (!isOf("authorization", url)) return go(url, init)
  const other = new URL(url)
  for (const name of names) other.searchParams.delete(name)
  return go(other.href, init)
}

/** Sends the person back with an error when a parameter is there. */
const refuses = (name: string, value?: string): Fault => (go) => (url, init = {}) => {
  const params = init.method === "POST" ? new URLSearchParams(String(init.body)) : new URL(url).searchParams
  const isThere = value === undefined ? params.has(name) : params.get(name) === value
  if (!isOf("authorization", url) || !isThere) return go(url, init)
  const to = new URL(params.get("redirect_uri")!)
  to.search = String(new URLSearchParams({ error: "login_required", state: params.get("state") ?? "" }))
  return Promise.resolve(sends(to))
}

/** Sends the person wherever it is told to. */
const isOpen: Fault = (go) => async (url, init) => {
  const { searchParams } = new URL(url)
  const to = searchParams.get("redirect_uri")
  return isOf("authorization", url) && to !== null && to !== "https://client.example/callback"
    ? sends(`${to}?error=invalid_request`)
    : go(url, init)
}

const isOpenAtLogout: Fault = (go) => async (url, init) => {
  const { searchParams } = new URL(url)
  return isOf("logout", url)
    ? sends(searchParams.get("post_logout_redirect_uri") ?? postLogoutRedirectUri)
    : go(url, init)
}

/** Says that all is over, when it is not. */
const forgetsToLogOut: Fault = (go) => (url, init) =>
  isOf("logout", url) ? Promise.resolve(new Response("Goodbye")) : go(url, init)

const isPost = ({ method }: RequestInit) => method === "POST"

const grants = (grant: string, { body }: RequestInit) => new URLSearchParams(String(body)).get("grant_type") === grant

const withClaims = (more: Json): Fault => answers("userinfo", (claims) => ({ ...claims, ...more }))

const withMetadata = (more: Json): Fault => answers("metadata", (metadata) => ({ ...metadata, ...more }))

/** Changes a part of the ID token, so that its signature is wrong. */
const spoilt = (change: (parts: ReadonlyArray<string>) => ReadonlyArray<string>): Fault =>
  answers("token", (tokens) =>
    typeof tokens["id_token"] === "string"
      ? { ...tokens, id_token: change(tokens["id_token"].split(".")).join(".") }
      : tokens)

const header = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

const loses = (name: string, where?: string) => brings((params) => params.delete(name), where)

const withError = (error: string): Fault => answers("token", (body) => "error" in body ? { ...body, error } : body)

export const faults: { readonly [name in Name]: Fault } = {
  "oidcc-server": spoilt((
    [header, claims, signature]
  ) => [header!, claims!, signature!.split("").toReversed().join("")]),
  "oidcc-response-type-missing": brings((params) => params.set("error", "server_error")),
  "oidcc-idtoken-signature": spoilt(([, claims, signature]) => [header({ alg: "RS256" }), claims!, signature!]),
  "oidcc-idtoken-unsigned": withMetadata({ id_token_signing_alg_values_supported: ["RS256", "none"] }),
  "oidcc-userinfo-get": withClaims({ sub: "otto" }),
  "oidcc-userinfo-post-header": answers(
    "userinfo",
    (claims, init) => isPost(init) ? new Response(null, { status: 405 }) : claims
  ),
  "oidcc-userinfo-post-body": withClaims({ sub: "otto" }),
  "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": brings((params) => {
    params.delete("code")
    params.set("error", "invalid_request")
  }),
  "oidcc-scope-profile": withClaims({ birthdate: "12.04.1990" }),
  "oidcc-scope-email": withClaims({ email_verified: "true" }),
  "oidcc-scope-address": withClaims({ address: "Zurich" }),
  "oidcc-scope-phone": withClaims({ phone_number: null }),
  "oidcc-scope-all": withClaims({ updated_at: "2024-01-01" }),
  "oidcc-alternate-happy-flow": loses("state"),
  "oidcc-display-page": refuses("display"),
  "oidcc-display-popup": refuses("display"),
  "oidcc-prompt-login": ignores("prompt"),
  "oidcc-prompt-none-not-logged-in": ignores("prompt"),
  "oidcc-prompt-none-logged-in": refuses("prompt"),
  "oidcc-max-age-1": ignores("max_age"),
  "oidcc-max-age-10000": ignores("max_age"),
  "oidcc-ensure-request-with-unknown-parameter-succeeds": refuses("extra"),
  "oidcc-id-token-hint": refuses("id_token_hint"),
  "oidcc-login-hint": refuses("login_hint"),
  "oidcc-ui-locales": refuses("ui_locales"),
  "oidcc-claims-locales": refuses("claims_locales"),
  "oidcc-ensure-request-with-acr-values-succeeds": refuses("acr_values"),
  "oidcc-codereuse": withError("invalid_request"),
  "oidcc-codereuse-30seconds": withError("access_denied"),
  "oidcc-ensure-registered-redirect-uri": isOpen,
  "oidcc-ensure-post-request-succeeds": refuses("client_id"),
  "oidcc-server-client-secret-post": withMetadata({ token_endpoint_auth_methods_supported: ["client_secret_basic"] }),
  "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": ignores("request_uri"),
  "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": ignores("request"),
  "oidcc-claims-essential": refuses("claims"),
  "oidcc-ensure-request-object-with-redirect-uri": isOpen,
  "oidcc-refresh-token": withError("invalid_client"),
  "oidcc-ensure-request-with-valid-pkce-succeeds": refuses("code_challenge"),
  "oidcc-discovery-endpoint-verification": withMetadata({ id_token_signing_alg_values_supported: ["ES256"] }),
  "oidcc-rp-initiated-logout-discovery-endpoint-verification": withMetadata({ end_session_endpoint: undefined }),
  "oidcc-rp-initiated-logout": loses("state", postLogoutRedirectUri),
  "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": isOpenAtLogout,
  "oidcc-rp-initiated-logout-modified-id-token-hint": isOpenAtLogout,
  "oidcc-rp-initiated-logout-no-id-token-hint": isOpenAtLogout,
  "oidcc-rp-initiated-logout-no-params": forgetsToLogOut,
  "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": forgetsToLogOut,
  "oidcc-rp-initiated-logout-no-state": brings((params) => params.append("state", params.get("state") ?? "mine")),
  "oidcc-rp-initiated-logout-only-state": forgetsToLogOut,
  "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": isOpenAtLogout,
  "oidcc-rp-initiated-logout-bad-id-token-hint": isOpenAtLogout
}

const without = (name: string) => withClaims({ [name]: undefined })

/** What the suite only warns of. */
export const lapses: { readonly [name in Name]?: Fault } = {
  "oidcc-userinfo-post-body": answers(
    "userinfo",
    (claims, init) => isPost(init) ? new Response(null, { status: 400 }) : claims
  ),
  "oidcc-server": answers("token", (tokens) => ({ ...tokens, expires_in: undefined })),
  "oidcc-scope-profile": without("nickname"),
  "oidcc-scope-phone": without("phone_number_verified"),
  "oidcc-claims-essential": without("name"),
  "oidcc-codereuse": answers("token", (body) => "error" in body ? Response.json({ access_token: "again" }) : body),
  "oidcc-ensure-post-request-succeeds": (go) => (url, init = {}) =>
    isOf("authorization", url) && isPost(init) ? Promise.resolve(new Response(null, { status: 405 })) : go(url, init),
  "oidcc-refresh-token": answers(
    "token",
    (tokens, init) =>
      grants("refresh_token", init) && !("error" in tokens) ? { ...tokens, expires_in: undefined } : tokens
  ),
  "oidcc-discovery-endpoint-verification": withMetadata({ favourite_colour: "blue" }),
  "oidcc-rp-initiated-logout": brings((params) => params.append("goodbye", "anna"))
}
