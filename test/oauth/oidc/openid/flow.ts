/** The authorization code flow in its steps, as every module makes them. */
import { createHash, randomBytes } from "node:crypto"
import { assert } from "vitest"
import type { Json } from "./claims.ts"
import * as idToken from "./idToken.ts"
import { type At, type Client, clients, endpoint, jsonOf, listed, redirectUri, text } from "./module.ts"
import { type Walk, walk } from "./walk.ts"

export const random = (bytes: number): string => randomBytes(bytes).toString("base64url")

// ----------------------------------------------------------------------------
// asking
// ----------------------------------------------------------------------------

export interface Asked {
  readonly client: Client
  readonly params: { readonly [name: string]: string }
  readonly verifier: string
}

export interface Options {
  readonly client?: Client
  /** On top of, or instead of, what there is; what is undefined is left out. */
  readonly params?: { readonly [name: string]: string | undefined }
  /** The parameters from Z to A. */
  readonly isTurned?: boolean
}

/** Every request carries PKCE, which the suite's do not. */
export const ask = ({ client = clients.first, isTurned = false, params = {} }: Options = {}): Asked => {
  const verifier = random(32)
  const all = {
    client_id: client.id,
    redirect_uri: redirectUri,
    scope: "openid",
    state: random(9),
    nonce: random(9),
    response_type: "code",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...params
  }
  const there = Object.entries(all).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
  const ordered = isTurned ? there.toSorted(([a], [b]) => a < b ? 1 : -1) : there
  return { client, verifier, params: Object.fromEntries(ordered) }
}

export const urlOf = (at: Pick<At, "metadata">, params: Asked["params"], name = "authorization_endpoint"): string => {
  const url = new URL(endpoint(at, name))
  for (const [name, value] of Object.entries(params)) url.searchParams.append(name, value)
  return url.href
}

/** Goes to the authorization endpoint, and on until it is over. */
export const authorize = (at: At, { params }: Asked): Promise<Walk> => walk(at.person, urlOf(at, params))

// ----------------------------------------------------------------------------
// the answer of the authorization endpoint
// ----------------------------------------------------------------------------

const lastWords = ({ pages }: Walk) => `${pages.at(-1)?.status}: ${pages.at(-1)?.text}`

/** What was sent to the client with the person. */
export const answer = (at: At, { params }: Asked, came: Walk): URLSearchParams => {
  assert.isDefined(came.left, `the person has not come back, but is on a page, ${lastWords(came)}`)
  const { hash, origin, pathname, searchParams } = came.left!
  assert.strictEqual(origin + pathname, redirectUri)
  assert.strictEqual(hash, "")
  if (searchParams.has("iss")) assert.strictEqual(searchParams.get("iss"), at.issuer)
  if (params["state"] !== undefined) assert.strictEqual(searchParams.get("state"), params["state"])
  return searchParams
}

export const codeOf = (at: At, asked: Asked, came: Walk): string => {
  const params = answer(at, asked, came)
  assert.isNull(params.get("error"), params.get("error_description") ?? undefined)
  return text(params.get("code"), "code")
}

/** RFC 6749, 4.1.2.1 and 5.2. */
const checkWords = (at: At, description: string | undefined, uri: string | undefined) => {
  if (description !== undefined) {
    assert.match(description, /^[\t\n\r\x20-\x21\x23-\x5b\x5d-\x7e]*$/u)
    at.warn(!/[\t\n\r]/u.test(description), "an error_description of more than one line")
  }
  if (uri !== undefined) assert.match(uri, /^[\x21\x23-\x5b\x5d-\x7e]*$/u)
}

export const errorOf = (at: At, asked: Asked, came: Walk): string => {
  const params = answer(at, asked, came)
  assert.isFalse(params.has("code"))
  const known = ["error", "error_description", "error_uri", "state", "session_state", "iss"]
  const others = [...params.keys()].filter((name) => !known.includes(name))
  at.warn(others.length === 0, `an error with ${others.join(", ")}`)
  checkWords(at, params.get("error_description") ?? undefined, params.get("error_uri") ?? undefined)
  return text(params.get("error"), "error")
}

/** What a person who may not be asked anything is sent back with. */
export const isOfNobody = (error: string): void =>
  assert.include(["login_required", "interaction_required", "consent_required", "account_selection_required"], error)

/** A page that says what is wrong, in the place of a redirect. */
export const refusal = (at: At, { left, pages }: Walk): void => {
  assert.isUndefined(left, "nobody is sent away")
  assert.isAtLeast(pages.at(-1)!.status, 400)
  assert.isBelow(pages.at(-1)!.status, 500)
  at.review(`an error page, ${pages.at(-1)!.status}`)
}

// ----------------------------------------------------------------------------
// the token endpoint
// ----------------------------------------------------------------------------

const encode = (value: string) => new URLSearchParams({ "": value }).toString().slice(1)

/** As a client that authenticates itself. */
export const post = (at: At, url: string, client: Client, params: { readonly [name: string]: string }) => {
  const { authenticates, id, secret } = client
  const isBasic = authenticates === "basic"
  const body = new URLSearchParams(isBasic ? params : { ...params, client_id: id, client_secret: secret })
  const credentials = Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")
  return at.fetch(url, {
    method: "POST",
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(isBasic ? { authorization: `Basic ${credentials}` } : undefined)
    },
    body: body.toString()
  })
}

export const exchange = (at: At, { client, params, verifier }: Asked, code: string): Promise<Response> =>
  post(at, endpoint(at, "token_endpoint"), client, {
    grant_type: "authorization_code",
    code,
    redirect_uri: params["redirect_uri"]!,
    code_verifier: verifier
  })

export const invalidGrant = async (at: At, response: Response): Promise<void> => {
  assert.strictEqual(response.status, 400)
  const { error, error_description, error_uri } = await jsonOf(response)
  assert.strictEqual(error, "invalid_grant")
  checkWords(at, error_description as string | undefined, error_uri as string | undefined)
}

export interface Tokens {
  readonly asked: Asked
  readonly access: string
  readonly response: Json
  readonly idToken: idToken.IdToken
}

export const tokensOf = async (at: At, asked: Asked, response: Response): Promise<Tokens> => {
  const json = await jsonOf(response)
  assert.strictEqual(response.status, 200, JSON.stringify(json))
  const { access_token, expires_in, id_token } = json
  if (expires_in !== undefined) {
    assert.isNumber(expires_in)
    assert.isAbove(Number(expires_in), 0)
  }
  const token = idToken.read(text(id_token, "id_token"))
  return { asked, access: text(access_token, "access_token"), response: json, idToken: token }
}

/** With an ID token that is all right. */
export const redeem = async (at: At, asked: Asked, code: string): Promise<Tokens> => {
  const tokens = await tokensOf(at, asked, await exchange(at, asked, code))
  idToken.check(at, tokens.idToken, { client: asked.client.id, nonce: asked.params["nonce"] })
  return tokens
}

// ----------------------------------------------------------------------------
// the userinfo endpoint, and all of it
// ----------------------------------------------------------------------------

export const userinfo = (at: At, access: string, init: RequestInit = {}): Promise<Response> =>
  at.fetch(endpoint(at, "userinfo_endpoint"), { headers: { authorization: `Bearer ${access}` }, ...init })

/** The whole of it: the code, the tokens, and the claims of the user. */
export const flow = async (
  at: At,
  options: Options = {}
): Promise<Tokens & { readonly code: string; readonly came: Walk }> => {
  const { authenticates } = options.client ?? clients.first
  if ("token_endpoint_auth_methods_supported" in at.metadata) {
    assert.include(listed(at, "token_endpoint_auth_methods_supported"), `client_secret_${authenticates}`)
  }
  const asked = ask(options)
  const came = await authorize(at, asked)
  const code = codeOf(at, asked, came)
  const tokens = await redeem(at, asked, code)
  assert.strictEqual((await userinfo(at, tokens.access)).status, 200)
  return { ...tokens, code, came }
}
