/** Modules that look at the claims of the user. */
import { assert } from "vitest"
import { claimsOf, type Json, wrongClaims } from "../claims.ts"
import * as flow from "../flow.ts"
import { type At, type Body, jsonOf, listed, skip } from "../module.ts"

const check = (claims: Json, { idToken }: flow.Tokens): void => {
  assert.isEmpty(wrongClaims(claims))
  assert.isString(claims["sub"])
  assert.strictEqual(claims["sub"], idToken.claims["sub"])
}

const claimsFrom = async (response: Response, tokens: flow.Tokens): Promise<Json> => {
  assert.strictEqual(response.status, 200)
  const claims = await jsonOf(response)
  check(claims, tokens)
  return claims
}

export const get: Body = async (at) => {
  const tokens = await flow.flow(at)
  await claimsFrom(await flow.userinfo(at, tokens.access), tokens)
}

export const postHeader: Body = async (at) => {
  const tokens = await flow.flow(at)
  const headers = { authorization: `Bearer ${tokens.access}` }
  await claimsFrom(await flow.userinfo(at, tokens.access, { method: "POST", headers }), tokens)
}

/** RFC 6750 lets a server be without. */
export const postBody: Body = async (at) => {
  const tokens = await flow.flow(at)
  const response = await flow.userinfo(at, tokens.access, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ access_token: tokens.access }).toString()
  })
  if (!response.ok) return at.warn(false, "no access token in the body")
  await claimsFrom(response, tokens)
}

/** The claims, and a warning of what the scopes would have brought. */
const asked = async (at: At, options: flow.Options) => {
  const tokens = await flow.flow(at, options)
  const claims = await claimsFrom(await flow.userinfo(at, tokens.access), tokens)
  const missing = tokens.asked.params["scope"]!.split(" ").flatMap((scope) => claimsOf[scope]!)
    .filter((name) => !(name in claims))
  at.warn(missing.length === 0, `no ${missing.join(", ")}`)
  return { claims, tokens }
}

const skipWithout = (at: At, scope: string) => {
  const missing = scope.split(" ").filter((name) => !listed(at, "scopes_supported").includes(name))
  if (missing.length > 0) skip(`the scope ${missing.join(", ")} is not in the metadata`)
}

export const scope = (scope: string): Body => async (at) => {
  skipWithout(at, `openid ${scope}`)
  await asked(at, { params: { scope: `openid ${scope}` } })
}

const emailWith = (options: flow.Options): Body => async (at) => {
  skipWithout(at, "openid email")
  const { claims, tokens } = await asked(at, options)
  at.warn(!("name" in tokens.idToken.claims), "an ID token with name")
  at.warn(!("email" in tokens.idToken.claims), "an ID token with email")
  at.warn(!("name" in claims), "a name that was not asked for")
}

export const email = emailWith({ params: { scope: "openid email" } })

/** All in another order, the scopes too. */
export const alternate = emailWith({ params: { scope: "email openid" }, isTurned: true })

export const essential: Body = async (at) => {
  const { claims, tokens } = await asked(at, {
    params: { claims: JSON.stringify({ userinfo: { name: { essential: true } } }) }
  })
  at.warn("name" in claims, "no name")
  at.warn(!("name" in tokens.idToken.claims), "an ID token with name")
}
