/**
 * Requests that are right but for a few letters, of which nobody knows beforehand which: whatever comes, the server
 * neither breaks nor sends a browser to somebody who is not its client.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RedirectUri from "fastmcp-effect/oauth/RedirectUri"
import * as jose from "jose"
import { randomUUID } from "node:crypto"
import * as oidc from "../oidc/world.ts"
import { tv } from "./devices.ts"
import { type Key, makeKey, prove } from "./proofs.ts"
import * as world from "./world.ts"

export interface Options {
  readonly seed: number
  /** Requests, and comparisons of addresses. */
  readonly runs: number
}

// ----------------------------------------------------------------------------
// letters
// ----------------------------------------------------------------------------

/** The same in each run of a seed. */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let next = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  next = (next + Math.imul(next ^ (next >>> 7), 61 | next)) ^ next
  return ((next ^ (next >>> 14)) >>> 0) / 2 ** 32
}

const awkward =
  " |\0|\t|\r\n|%|%00|%zz|%2f%2f|\ud800|\u202e|ü|💥|\"|'|<|`|&|&&|=|;|?|#|/|//|../|\\|@|:|.|*|+|,|[|]|{|}|-1|1e999|null|__proto__|constructor|toString|evil.example|//evil.example|@evil.example|.evil.example|javascript:alert(1)|data:|http://|https://|127.0.0.1|localhost|[::1]|0x7f.1|:99999|eyJ|openid|Basic |"
    .split("|")

interface Dice {
  readonly random: () => number
  readonly below: (most: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
  readonly spoil: (text: string) => string
}

const diceOf = (seed: number): Dice => {
  const random = seeded(seed)
  const below = (most: number) => Math.floor(random() * most)
  const pick = <A>(from: ReadonlyArray<A>): A => from[below(from.length)]!
  const once = (text: string): string => {
    const at = below(text.length + 1)
    const to = at + below(Math.min(text.length - at, 8) + 1)
    switch (below(9)) {
      case 0:
      case 1:
      case 2:
        return text.slice(0, at) + pick(awkward) + text.slice(at)
      case 3:
        return text.slice(0, at) + text.slice(to)
      case 4:
        return text.slice(0, at) + pick(awkward) + text.slice(to)
      case 5:
        return text.slice(0, to) + text.slice(at)
      case 6:
        return text.slice(0, at) + String.fromCharCode(below(random() < 0.5 ? 128 : 65_536)) + text.slice(at + 1)
      case 7:
        return random() < 0.5 ? text.toUpperCase() : encodeURIComponent(text.toWellFormed())
      default:
        return random() < 0.2 ? pick(awkward).repeat(below(3000)) : text.slice(at)
    }
  }
  return {
    random,
    below,
    pick,
    spoil: (text) => {
      let spoiled = text
      for (let times = below(4); times >= 0; times--) spoiled = once(spoiled)
      return spoiled
    }
  }
}

// ----------------------------------------------------------------------------
// addresses
// ----------------------------------------------------------------------------

const registered = [
  world.redirectUri,
  "https://app.example/callback?tenant=1",
  "http://127.0.0.1/callback",
  "http://127.0.0.1:4711/callback?x=1",
  "http://[::1]:4711/callback",
  "http://localhost/callback",
  "com.example.app:/callback"
]

/** Where a browser goes with it: for one of this machine the port may be another. */
const placeOf = (uri: string): string => {
  const { hostname, password, pathname, port, protocol, search, username } = new URL(uri)
  const isLoopback = hostname === "127.0.0.1" || hostname === "[::1]"
  return JSON.stringify([protocol, username, password, hostname, isLoopback ? "" : port, pathname, search])
}

/** What did not hold, in words. */
export const addresses = (
  { runs, seed }: Options,
  matches: typeof RedirectUri.matches = RedirectUri.matches
): ReadonlyArray<string> => {
  const failures: Array<string> = []
  const { pick, spoil } = diceOf(seed)
  let matched = 0
  for (let run = 0; run < runs; run++) {
    const known = pick(registered)
    const given = spoil(known)
    if (!matches(known, given)) continue
    matched++
    if (!URL.canParse(given) || placeOf(given) !== placeOf(known)) {
      failures.push(`seed ${seed}, run ${run}: ${JSON.stringify(given)} is taken for ${known}`)
    }
  }
  if (matched === 0) failures.push(`seed ${seed}: nothing is taken for anything, so nothing is shown`)
  return failures
}

// ----------------------------------------------------------------------------
// requests
// ----------------------------------------------------------------------------

interface Asked {
  readonly path: string
  readonly sent: world.Sent
}

/** What is good at this moment. */
interface Good {
  readonly code: string
  readonly access: string
  readonly refresh: string
  readonly id: string
  readonly assertion: string
  readonly proof: string
}

const jwt = (key: Key) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.promise(() =>
      new jose.SignJWT({})
        .setProtectedHeader({ alg: key.alg })
        .setIssuer("signer")
        .setSubject("signer")
        .setAudience(world.issuer)
        .setJti(randomUUID())
        .setExpirationTime(now / 1000 + 60)
        .sign(key.privateKey)
    ))

const basic = `Basic ${btoa(`backend:${encodeURIComponent(world.secret)}`)}`

/** One part of a JWT, read and written again. */
const spoilJwt = ({ below, pick, spoil }: Dice, token: string): string => {
  const parts = token.split(".")
  const at = below(parts.length)
  const text = Buffer.from(parts[at]!, "base64url").toString()
  parts[at] = pick([
    () => spoil(parts[at]!),
    () => Buffer.from(spoil(text)).toString("base64url"),
    () =>
      Buffer.from(text.replace(/"alg":"[^"]*"/u, `"alg":${JSON.stringify(pick(["none", "HS256", ""]))}`)).toString(
        "base64url"
      ),
    () =>
      Buffer.from(text.replace(/:("[^"]*"|\d+)/u, `:${pick(["null", "[]", "{}", "-1", "1e999", "\"\""])}`)).toString(
        "base64url"
      )
  ])()
  return parts.join(".")
}

/** A form as text, in which a part is wrong. */
const spoilForm = ({ pick, random, spoil }: Dice, form: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(form)
  const chosen = pick(entries)[0]
  const spoiled = entries.flatMap(([name, value]) => {
    const entry: [string, string] = name === chosen
      ? [random() < 0.1 ? spoil(name) : name, spoil(value)]
      : [name, value]
    return random() < 0.03 ? [] : random() < 0.03 ? [entry, entry] : [entry]
  })
  const text = new URLSearchParams(spoiled).toString()
  return random() < 0.2 ? spoil(text) : text
}

const kinds: ReadonlyArray<(dice: Dice, good: Good) => Asked> = [
  (dice) => ({ path: world.authorizePath({ redirect_uri: dice.spoil(dice.pick(registered)) }), sent: {} }),
  (dice) => ({ path: world.authorizePath({ scope: dice.spoil("openid notes:read notes:write") }), sent: {} }),
  (dice) => ({ path: world.authorizePath({ state: dice.spoil("xyz"), prompt: dice.spoil("login") }), sent: {} }),
  (dice) => {
    const form = Object.fromEntries(
      new URLSearchParams(world.authorizePath({ nonce: "n", claims: claims }).split("?")[1])
    )
    return dice.random() < 0.5
      ? { path: `/authorize?${spoilForm(dice, form)}`, sent: {} }
      : { path: dice.pick(["/authorize", "/par"]), sent: plain(spoilForm(dice, form)) }
  },
  (dice) => ({
    path: dice.pick(["/token", "/par", "/introspect", "/revoke"]),
    sent: {
      form: { grant_type: "client_credentials", token: "x" },
      headers: {
        authorization: dice.random() < 0.5
          ? dice.spoil(basic)
          : `Basic ${btoa(latin(dice.spoil(atob(basic.slice(6)))))}`
      }
    }
  }),
  (dice, { assertion }) => ({
    path: dice.pick(["/token", "/par", "/introspect", "/revoke"]),
    sent: {
      form: {
        grant_type: "client_credentials",
        client_assertion: spoilJwt(dice, assertion),
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
      }
    }
  }),
  (dice, { proof }) => ({
    path: "/token",
    sent: {
      form: { grant_type: "client_credentials" },
      headers: { authorization: basic, dpop: spoilJwt(dice, proof) }
    }
  }),
  (dice, { access }) => ({
    path: "/userinfo",
    sent: {
      headers: { authorization: `${dice.pick(["Bearer", "DPoP", dice.spoil("Bearer")])} ${spoilJwt(dice, access)}` }
    }
  }),
  (dice, { access, refresh }) => ({
    path: dice.pick(["/introspect", "/revoke"]),
    sent: {
      form: { token: dice.random() < 0.5 ? spoilJwt(dice, access) : dice.spoil(refresh) },
      headers: { authorization: basic }
    }
  }),
  (dice, { id }) => ({
    path: `/logout?${new URLSearchParams({
      id_token_hint: spoilJwt(dice, id),
      post_logout_redirect_uri: dice.spoil(oidc.goodbyeUri),
      state: dice.spoil("xyz")
    })}`,
    sent: {}
  }),
  (dice, { code, refresh }) => ({
    path: "/token",
    sent: plain(spoilForm(
      dice,
      dice.random() < 0.5
        ? world.exchange(code).form
        : { grant_type: "refresh_token", client_id: "app", refresh_token: refresh, scope: "openid notes:read" }
    ))
  }),
  (dice) => ({
    path: dice.pick(["/device", "/callback"]),
    sent: plain(spoilForm(dice, { user_code: "BCDF-GHJK", csrf: "x" }))
  }),
  (dice) => ({
    path: `${dice.pick(["/device", "/callback", "/interaction/x", "/jwks"])}?${
      spoilForm(dice, { user_code: "BCDF-GHJK", state: "x", code: "y" })
    }`,
    sent: {}
  }),
  (dice) => ({ path: `/${dice.spoil("interaction/AAAA")}`, sent: {} }),
  (dice) => ({
    path: "/register",
    sent: {
      text: dice.spoil(JSON.stringify({ ...metadata, redirect_uris: [dice.spoil(dice.pick(registered))] })),
      headers: { "content-type": "application/json" }
    }
  })
]

const claims = JSON.stringify({ userinfo: { email: null }, id_token: { email: { essential: true } } })

const metadata = {
  client_name: "New",
  grant_types: ["authorization_code"],
  scope: "openid",
  jwks: { keys: [{ kty: "EC" }] }
}

const plain = (text: string): world.Sent => ({
  text,
  headers: { "content-type": "application/x-www-form-urlencoded" }
})

const latin = (text: string): string => Buffer.from(text, "latin1").toString("latin1")

/** Of clients, and our own. */
const hosts = ["app.example", "127.0.0.1", "[::1]", "localhost", new URL(world.issuer).hostname, ""]

/** Where an answer sends a browser, and where its page would. */
const targetsOf = ({ headers, text }: world.Answer): ReadonlyArray<string> => {
  const refresh = headers.get("refresh")?.replace(/^0;url=/u, "")
  const location = headers.get("location")
  const links = headers.get("content-type")?.includes("html") === true
    ? [...text.matchAll(/\s(?:href|action)="([^"]*)"/gu)].map(([, uri]) => uri!)
    : []
  return [location, refresh, ...links].filter((uri) => typeof uri === "string")
}

const problemOf = (answer: world.Answer): string | undefined => {
  if (answer.status >= 500) return `is answered with ${answer.status} ${answer.text.slice(0, 200)}`
  const foreign = targetsOf(answer).find((uri) => {
    if (!URL.canParse(uri, world.issuer)) return true
    const { hostname, protocol } = new URL(uri, world.issuer)
    return !hosts.includes(hostname) || !["https:", "http:", "com.example.app:"].includes(protocol)
  })
  return foreign === undefined ? undefined : `leads to ${foreign}`
}

const goodOf = (caller: world.Caller, key: Key): Effect.Effect<Good> =>
  Effect.gen(function*() {
    const { access_token: access, id_token: id, refresh_token: refresh } = yield* oidc.tokens(caller)
    const code = yield* world.code(caller, { scope: "openid" })
    return { access, id, refresh, code, assertion: yield* jwt(key), proof: yield* prove(key) }
  })

/** What did not hold, in words; and how many were answered how. */
export const requests = ({ runs, seed }: Options) =>
  Effect.gen(function*() {
    const key = yield* Effect.promise(() => makeKey())
    const failures: Array<string> = []
    const answered = new Map<number, number>()
    const dice = diceOf(seed)
    yield* oidc.withProvider(
      Effect.gen(function*() {
        let good: Good | undefined
        for (let run = 0; run < runs; run++) {
          if (run % 100 === 0 || good === undefined) good = yield* goodOf(yield* world.caller, key)
          const { path, sent } = dice.pick(kinds)(dice, good)
          const method = dice.random() < 0.05 ? dice.pick(["GET", "HEAD", "PUT", "OPTIONS", "DELETE"]) : undefined
          const bodiless = method === "GET" || method === "HEAD"
          const caller = yield* world.caller
          const asked = bodiless
            ? { method, headers: sent.headers ?? {} }
            : { ...sent, ...method !== undefined && { method } }
          if (!isSendable(path, asked)) continue
          const exit = yield* Effect.exit(caller.send(path, asked))
          const problem = Exit.isFailure(exit) ? `ends with ${Cause.pretty(exit.cause)}` : problemOf(exit.value)
          if (Exit.isSuccess(exit)) answered.set(exit.value.status, (answered.get(exit.value.status) ?? 0) + 1)
          if (problem !== undefined) {
            failures.push(`seed ${seed}, run ${run}: ${JSON.stringify({ path, ...asked })} ${problem}`)
          }
        }
      }),
      {
        clients: [
          { ...oidc.app, redirectUris: registered },
          world.backend,
          { id: "signer", keys: [{ ...key.jwk, kty: String(key.jwk.kty) }], grantTypes: ["client_credentials"] },
          tv
        ],
        registration: { mostAnHour: Infinity },
        // Nobody waits: who waits has no chance to break anything.
        clientAddress: () => randomUUID()
      }
    )
    return { failures, answered }
  })

/** Whether there can be such a request at all. */
const isSendable = (path: string, { headers = {} }: world.Sent): boolean => {
  try {
    const { url } = new Request(new URL(path, world.issuer), { headers })
    return new URL(url).origin === world.issuer
  } catch {
    return false
  }
}
