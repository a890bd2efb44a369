/** Modules that use a code twice, or a refresh token. */
import { assert } from "vitest"
import * as flow from "../flow.ts"
import * as idToken from "../idToken.ts"
import { type At, type Body, clients, endpoint, jsonOf, listed, skip, text } from "../module.ts"

type Params = { readonly [name: string]: string }

export const reuse: Body = async (at) => {
  const { asked, code } = await flow.flow(at)
  const response = await flow.exchange(at, asked, code)
  if (response.status === 200) return at.warn(false, "a code can be used twice")
  await flow.invalidGrant(at, response)
}

export const reuseLater: Body = async (at) => {
  const { access, asked, code } = await flow.flow(at)
  await at.wait(30)
  await flow.invalidGrant(at, await flow.exchange(at, asked, code))
  const { status } = await flow.userinfo(at, access)
  at.warn(status >= 400 && status < 500, "the access token is good still")
}

const refresh = (at: At, client: flow.Asked["client"], token: string, more: Params = {}) =>
  flow.post(at, endpoint(at, "token_endpoint"), client, { grant_type: "refresh_token", refresh_token: token, ...more })

/** OpenID Connect Core 12.2. */
const isOfSameLogin = (before: idToken.IdToken, after: idToken.IdToken) => {
  for (const name of ["iss", "sub", "azp"]) assert.strictEqual(after.claims[name], before.claims[name], name)
  assert.sameMembers([after.claims["aud"]].flat(), [before.claims["aud"]].flat())
  assert.isAbove(Number(after.claims["iat"]), Number(before.claims["iat"]))
  if ("auth_time" in after.claims) assert.strictEqual(after.claims["auth_time"], before.claims["auth_time"])
}

/** A refresh token that works, of a client. */
const refreshed = async (at: At, client: flow.Asked["client"], params: Params, more: Params): Promise<string> => {
  const before = await flow.flow(at, { client, params })
  const isListed = listed(at, "grant_types_supported").includes("refresh_token")
  const { refresh_token } = before.response
  if (refresh_token === undefined) {
    return skip(
      isListed ? "no refresh token is given out, though it is in the metadata" : "no refresh token is given out"
    )
  }
  at.warn(isListed, "refresh tokens, which are not in grant_types_supported")
  assert.match(text(refresh_token, "refresh_token"), /^[\x20-\x7e]+$/u)
  await at.wait(1)
  const response = await refresh(at, client, String(refresh_token), more)
  assert.match(response.headers.get("cache-control") ?? "", /(^|,)\s*no-store\s*(,|$)/u)
  const after = await jsonOf(response)
  assert.strictEqual(response.status, 200, JSON.stringify(after))
  assert.match(String(after["token_type"]), /^bearer$/iu)
  assert.match(text(after["access_token"], "access_token"), /^[\x20-\x7e]{16,}$/u)
  at.warn(after["expires_in"] !== undefined, "no expires_in")
  if (after["id_token"] !== undefined) isOfSameLogin(before.idToken, idToken.read(String(after["id_token"])))
  assert.strictEqual((await flow.userinfo(at, String(after["access_token"]))).status, 200)
  const last = String(after["refresh_token"] ?? refresh_token)
  assert.isAtLeast(last.length, 16)
  return last
}

export const refreshToken: Body = async (at) => {
  const isOffline = listed(at, "scopes_supported").includes("offline_access")
  const params: Params = isOffline ? { scope: "openid offline_access", prompt: "consent" } : {}
  await refreshed(at, clients.first, params, { scope: params["scope"] ?? "openid" })
  const token = await refreshed(at, clients.second, { ...params, nonce: flow.random(32) }, {})
  await flow.invalidGrant(at, await refresh(at, clients.first, token))
}
