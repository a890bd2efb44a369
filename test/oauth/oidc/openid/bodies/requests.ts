/** Modules that ask once, each with a request of its own. */
import { generateKeyPairSync } from "node:crypto"
import { assert } from "vitest"
import * as flow from "../flow.ts"
import * as idToken from "../idToken.ts"
import {
  type At,
  type Body,
  type Client,
  clients,
  endpoint,
  jsonOf,
  listed,
  redirectUri,
  skip,
  text
} from "../module.ts"
import { walk } from "../walk.ts"

const entropy = (value: string): number =>
  [...new Set(value)].reduce((sum, character) => {
    const share = value.split(character).length - 1
    return sum - share * Math.log2(share / value.length)
  }, 0)

export const server: Body = async (at) => {
  const { access, code, idToken: token, response } = await flow.flow(at)
  assert.isAtLeast(code.length, 16)
  assert.isAbove(entropy(code), 96)
  at.warn(response["expires_in"] !== undefined, "no expires_in")
  if (token.claims["at_hash"] !== undefined) assert.strictEqual(token.claims["at_hash"], idToken.half(access))
  if (token.claims["c_hash"] !== undefined) assert.strictEqual(token.claims["c_hash"], idToken.half(code))
  const unasked = idToken.unasked(token)
  at.warn(unasked.length === 0, `an ID token with ${unasked.join(", ")}`)
}

/** The whole flow, with more in the request. */
export const withParams = (params: { readonly [name: string]: string }): Body => async (at) => {
  await flow.flow(at, { params })
}

export const withPost: Body = async (at) => {
  await flow.flow(at, { client: clients.post })
}

export const loginHint: Body = (at) => withParams({ login_hint: `buffy@${new URL(at.issuer).hostname}` })(at)

export const acrValues: Body = async (at) => {
  const supported = listed(at, "acr_values_supported")
  const asked = (supported.length === 0 ? ["1", "2"] : supported).join(" ")
  const { idToken: { claims } } = await flow.flow(at, { params: { acr_values: asked } })
  at.warn(asked.split(" ").includes(String(claims["acr"])), "no acr that was asked for")
}

export const withoutNonce: Body = async (at) => {
  const asked = flow.ask({ params: { nonce: undefined } })
  flow.codeOf(at, asked, await flow.authorize(at, asked))
}

export const withoutResponseType: Body = async (at) => {
  const asked = flow.ask({ params: { response_type: undefined } })
  const came = await flow.authorize(at, asked)
  if (came.left === undefined) return flow.refusal(at, came)
  assert.include(["unsupported_response_type", "invalid_request"], flow.errorOf(at, asked, came))
}

export const unregisteredRedirectUri: Body = async (at) => {
  const asked = flow.ask({ params: { redirect_uri: `${redirectUri}/${flow.random(8)}` } })
  flow.refusal(at, await flow.authorize(at, asked))
}

export const postRequest: Body = async (at) => {
  const asked = flow.ask()
  const came = await walk(at.person, endpoint(at, "authorization_endpoint"), {
    init: {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(asked.params).toString()
    }
  })
  if (came.left === undefined) return at.warn(false, `a POST ends on a page, ${came.pages.at(-1)!.status}`)
  const tokens = await flow.redeem(at, asked, flow.codeOf(at, asked, came))
  assert.strictEqual((await flow.userinfo(at, tokens.access)).status, 200)
}

// ----------------------------------------------------------------------------
// request objects
// ----------------------------------------------------------------------------

const skipWithoutNone = (at: At) => {
  if (!("request_object_signing_alg_values_supported" in at.metadata)) return
  if (listed(at, "request_object_signing_alg_values_supported").includes("none")) return
  skip("there are no unsigned request objects in the metadata")
}

const objectOf = ({ params }: flow.Asked) => {
  const [header, claims] = [{ alg: "none" }, params].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url")
  )
  return `${header}.${claims}.`
}

/** What has to be outside of it, with PKCE, which is in every request. */
const outside = ({ params }: flow.Asked) =>
  Object.fromEntries(
    ["client_id", "redirect_uri", "response_type", "scope", "code_challenge", "code_challenge_method"].map((name) =>
      [name, params[name]!] as const
    )
  )

const byObject = async (
  at: At,
  metadata: string,
  refused: string,
  params: { readonly [name: string]: string },
  asked: flow.Asked
) => {
  const came = await walk(at.person, flow.urlOf(at, { ...outside(asked), ...params }))
  if (came.left?.searchParams.get("error") === refused) skip(`the answer is ${refused}`)
  at.warn(at.metadata[metadata] === true, `request objects, which are not in ${metadata}`)
  const tokens = await flow.redeem(at, asked, flow.codeOf(at, asked, came))
  assert.strictEqual((await flow.userinfo(at, tokens.access)).status, 200)
}

export const requestObject: Body = (at) => {
  skipWithoutNone(at)
  const asked = flow.ask()
  return byObject(at, "request_parameter_supported", "request_not_supported", { request: objectOf(asked) }, asked)
}

/** What is inside goes first, or nothing is taken from it and the person stays. */
export const requestObjectRedirectUri: Body = async (at) => {
  skipWithoutNone(at)
  const asked = flow.ask()
  const params = { ...outside(asked), request: objectOf(asked), redirect_uri: `${redirectUri}_invalid` }
  const came = await walk(at.person, flow.urlOf(at, params))
  if (came.left === undefined) return flow.refusal(at, came)
  const tokens = await flow.redeem(at, asked, flow.codeOf(at, asked, came))
  assert.strictEqual((await flow.userinfo(at, tokens.access)).status, 200)
}

// ----------------------------------------------------------------------------
// modules with a client that registers itself
// ----------------------------------------------------------------------------

const register = async (at: At, more: { readonly [name: string]: unknown } = {}): Promise<Client> => {
  if (!("registration_endpoint" in at.metadata)) {
    return skip("clients are registered by hand, and then the plan is without it")
  }
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" })
  const response = await at.fetch(endpoint(at, "registration_endpoint"), {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "registered",
      contacts: ["client@client.example"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "client_secret_basic",
      jwks: { keys: [{ ...key, kid: "registered", use: "sig", alg: "RS256" }] },
      ...more
    })
  })
  const registered = await jsonOf(response)
  assert.strictEqual(response.status, 201, JSON.stringify(registered))
  return {
    id: text(registered["client_id"], "client_id"),
    secret: text(registered["client_secret"], "client_secret"),
    authenticates: "basic"
  }
}

export const idTokenSignature: Body = async (at) => {
  const { idToken: { header } } = await flow.flow(at, { client: await register(at) })
  assert.isString(header["kid"])
  assert.strictEqual(header["alg"], "RS256")
}

export const idTokenUnsigned: Body = async (at) => {
  if (!listed(at, "id_token_signing_alg_values_supported").includes("none")) skip("there are no unsigned ID tokens")
  const asked = flow.ask({ client: await register(at, { id_token_signed_response_alg: "none" }) })
  const code = flow.codeOf(at, asked, await flow.authorize(at, asked))
  const { idToken } = await flow.tokensOf(at, asked, await flow.exchange(at, asked, code))
  assert.strictEqual(idToken.header["alg"], "none")
}

/** Nobody serves the object: a server that fetches it needs more than this. */
export const requestUri: Body = async (at) => {
  skipWithoutNone(at)
  const uri = `https://client.example/${flow.random(8)}.jwt#${flow.random(8)}`
  const client = await register(at, { request_uris: [uri] })
  const asked = flow.ask({ client })
  await byObject(at, "request_uri_parameter_supported", "request_uri_not_supported", { request_uri: uri }, asked)
}
