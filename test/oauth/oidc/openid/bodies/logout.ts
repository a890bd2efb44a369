/** Modules of RP-Initiated Logout: a person logs in, and is sent to the end session endpoint. */
import { createHmac } from "node:crypto"
import { assert } from "vitest"
import * as flow from "../flow.ts"
import { type At, type Body, clients, postLogoutRedirectUri } from "../module.ts"
import { type Walk, walk } from "../walk.ts"

interface Sent {
  readonly params: { readonly [name: string]: string }
  readonly came: Walk
}

type Change = (params: { readonly [name: string]: string }, at: At) => { readonly [name: string]: string }

/** Logs in and goes to log out, with what is right or something else. */
const logout = async (at: At, change: Change): Promise<Sent> => {
  const { idToken } = await flow.flow(at, { params: { state: flow.random(96) } })
  const right = { id_token_hint: idToken.raw, post_logout_redirect_uri: postLogoutRedirectUri, state: flow.random(96) }
  const params = change(right, at)
  return { params, came: await walk(at.person, flow.urlOf(at, params, "end_session_endpoint")) }
}

/** There is nobody whom the server knows. */
const isLoggedOut = async (at: At) => {
  const asked = flow.ask({ params: { prompt: "none", state: flow.random(96) } })
  flow.isOfNobody(flow.errorOf(at, asked, await flow.authorize(at, asked)))
}

export const returns = (change: Change): Body => async (at) => {
  const { came: { left, pages }, params } = await logout(at, change)
  assert.isDefined(left, `the person stays: ${pages.at(-1)?.status}, ${pages.at(-1)?.text}`)
  assert.strictEqual(left!.origin + left!.pathname, postLogoutRedirectUri)
  assert.strictEqual(left!.searchParams.get("state"), params["state"] ?? null)
  const others = [...left!.searchParams.keys()].filter((name) => name !== "state")
  at.warn(others.length === 0, `a redirect with ${others.join(", ")}`)
  await isLoggedOut(at)
}

/** Says so, or asks whether it is to be; and never sends the person on. */
export const stays = (change: Change): Body => async (at) => {
  const { came: { left, pages } } = await logout(at, change)
  assert.isUndefined(left, "nobody is sent away")
  const { status } = pages.at(-1)!
  assert.isBelow(status, 500)
  at.review(status >= 400 ? `an error page, ${status}` : "asks, and stays when it is told yes")
}

/** The suite wants to see that it says so; whether it is so can be asked. */
export const ends = (change: Change): Body => async (at) => {
  const { came: { left, pages } } = await logout(at, change)
  assert.isUndefined(left, "nobody is sent away")
  assert.strictEqual(pages.at(-1)?.status, 200)
  at.review("a page at the end, and nobody is logged in")
  await isLoggedOut(at)
}

const without = (...names: ReadonlyArray<string>): Change => (params) =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)))

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url")

const right: Change = (params) => params

const withUri = (uri: string): Change => (params) => ({ ...params, post_logout_redirect_uri: uri })

const unsigned: Change = (params) => ({
  ...params,
  id_token_hint: `${encode({ alg: "none" })}.${params["id_token_hint"]!.split(".")[1]}.`
})

/** Of the client's own making. */
const forged: Change = (params, at) => {
  const now = Math.floor(Date.now() / 1000)
  const { id, secret } = clients.first
  const claims = { iss: id, sub: "SubjectID", aud: at.issuer, nonce: "flibble", iat: now, exp: now + 300 }
  const signed = `${encode({ alg: "HS256" })}.${encode(claims)}`
  return { ...params, id_token_hint: `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}` }
}

export const all = {
  "oidcc-rp-initiated-logout": returns(right),
  "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": stays(
    withUri("https://client.example/bad_post_logout_redirect_uri")
  ),
  "oidcc-rp-initiated-logout-modified-id-token-hint": stays(unsigned),
  "oidcc-rp-initiated-logout-no-id-token-hint": stays(without("id_token_hint")),
  "oidcc-rp-initiated-logout-no-params": ends(() => ({})),
  "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": ends(without("post_logout_redirect_uri")),
  "oidcc-rp-initiated-logout-no-state": returns(without("state")),
  "oidcc-rp-initiated-logout-only-state": ends(without("id_token_hint", "post_logout_redirect_uri")),
  "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": stays(
    withUri(`${postLogoutRedirectUri}?foo=bar`)
  ),
  "oidcc-rp-initiated-logout-bad-id-token-hint": stays(forged)
} as const
