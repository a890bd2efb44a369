/** Modules in which a person comes a second time. */
import { assert } from "vitest"
import * as flow from "../flow.ts"
import type { At, Body } from "../module.ts"
import { isLogin } from "../walk.ts"

type Params = { readonly [name: string]: string }

const authTime = ({ idToken }: flow.Tokens) => {
  const time = idToken.claims["auth_time"]
  if (time !== undefined) assert.isNumber(time)
  return time as number | undefined
}

const isLaterIfPresent = (first: flow.Tokens, second: flow.Tokens) => {
  const [before, after] = [authTime(first), authTime(second)]
  if (before !== undefined && after !== undefined) assert.isAbove(after, before)
}

/** Who is logged in has to log in again: the suite wants to see the page. */
const logsInAgain = async (at: At, seconds: number, params: Params) => {
  const first = await flow.flow(at)
  await at.wait(seconds)
  const second = await flow.flow(at, { params })
  assert.isTrue(second.came.pages.some(isLogin), "the person is asked to log in")
  at.review("the login page is shown again")
  isLaterIfPresent(first, second)
  return second
}

export const promptLogin: Body = async (at) => {
  await logsInAgain(at, 1, { prompt: "login" })
}

export const maxAge1: Body = async (at) => {
  const second = await logsInAgain(at, 2, { max_age: "1" })
  const time = authTime(second)
  assert.isDefined(time)
  assert.isAtLeast(time!, Date.now() / 1000 - 301)
}

export const promptNoneNotLoggedIn: Body = async (at) => {
  const asked = flow.ask({ params: { prompt: "none", state: flow.random(96) } })
  flow.isOfNobody(flow.errorOf(at, asked, await flow.authorize(at, asked)))
}

/** Who is logged in is not asked again, and it is the same login. */
const isSameLogin = async (at: At, first: Params, again: (before: flow.Tokens) => Params) => {
  const before = await flow.flow(at, { params: first })
  await at.wait(1)
  const after = await flow.flow(at, { params: again(before) })
  assert.isFalse(after.came.pages.some(isLogin), "the person is not asked to log in")
  assert.strictEqual(after.idToken.claims["sub"], before.idToken.claims["sub"])
  const [from, to] = [authTime(before), authTime(after)]
  if (from !== undefined && to !== undefined) assert.strictEqual(to, from)
  return { before, after }
}

export const promptNoneLoggedIn: Body = async (at) => {
  await isSameLogin(at, {}, () => ({ prompt: "none" }))
}

export const idTokenHint: Body = async (at) => {
  await isSameLogin(at, {}, ({ idToken }) => ({ prompt: "none", id_token_hint: idToken.raw }))
}

export const maxAge10000: Body = async (at) => {
  const { after, before } = await isSameLogin(at, { max_age: "15000" }, () => ({ max_age: "10000" }))
  assert.isDefined(authTime(before))
  assert.isDefined(authTime(after))
}
