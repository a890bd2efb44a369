import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import { SignJWT } from "jose"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

interface Page {
  readonly action: string
  readonly csrf: string
}

const pageOf = ({ status, text }: server.Answer): Page => {
  assert.strictEqual(status, 200, text)
  return {
    action: /action="([^"]*)"/u.exec(text)![1]!.replaceAll("&#38;", "&"),
    csrf: /name="csrf" value="([^"]*)"/u.exec(text)![1]!
  }
}

const asksFor = (params: Readonly<Record<string, string | undefined>>) => {
  const given = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `/logout?${new URLSearchParams(given)}`
}

const answer = (caller: server.Caller, { action, csrf }: Page, decision = "logout") =>
  caller.send(action, { form: { csrf, decision } })

const isLoggedIn = (caller: server.Caller) =>
  Effect.map(
    caller.send(server.authorizePath({ scope: "openid", prompt: "none" })),
    ({ location }) => location!.searchParams.has("code")
  )

/** Where a page sends the browser on to. */
const onwards = ({ headers }: server.Answer) => headers.get("refresh")?.replace(/^0;url=/u, "")

/** Logged in, with a right request to log out. */
const begun = Effect.gen(function*() {
  const caller = yield* server.caller
  const { id_token } = yield* world.tokens(caller)
  return {
    caller,
    token: id_token as string,
    right: { id_token_hint: id_token as string, post_logout_redirect_uri: world.goodbyeUri, state: "a&b=c" }
  }
})

const target = `${world.goodbyeUri}?state=a%26b%3Dc`

describe("logout", () => {
  it.effect("R9: asks, ends the session, and sends the browser back with its state", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      const shown = yield* caller.send(asksFor(right))
      assert.include(shown.text, "<bdi>App</bdi> asks for it")
      assert.include(shown.headers.get("content-security-policy"), "frame-ancestors 'none'")
      assert.isTrue(yield* isLoggedIn(caller), "nothing is done before the answer")
      const done = yield* answer(caller, pageOf(shown))
      assert.strictEqual(onwards(done), target)
      assert.isFalse(caller.cookies.has("__Host-session"))
      assert.isFalse(yield* isLoggedIn(caller))
    })))

  it.effect("ends the session for whoever has kept its cookie, and tells so", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      const kept = new Map(caller.cookies)
      const { events } = yield* AuthorizationServer.AuthorizationServer
      const told = yield* Effect.forkChild(Stream.runHead(events), { startImmediately: true })
      yield* answer(caller, pageOf(yield* caller.send(asksFor(right))))
      for (const [name, value] of kept) caller.cookies.set(name, value)
      assert.isFalse(yield* isLoggedIn(caller))
      assert.deepStrictEqual(yield* Fiber.join(told), Option.some({ _tag: "LoggedOut" as const, subject: "anna" }))
    })))

  it.effect("takes a form as well, which comes without the cookie of the session", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      const all = new Map(caller.cookies)
      caller.cookies.clear()
      const shown = yield* caller.send("/logout", { form: right })
      for (const [name, value] of all) caller.cookies.set(name, value)
      assert.strictEqual(onwards(yield* answer(caller, pageOf(shown))), target)
      assert.isFalse(yield* isLoggedIn(caller))
    })))

  it.effect("R9: takes an ID token that has expired", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      yield* TestClock.adjust("11 hours")
      assert.strictEqual(onwards(yield* answer(caller, pageOf(yield* caller.send(asksFor(right))))), target)
    })))

  it.effect("sends on at once who is logged in no more", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      yield* TestClock.adjust("12 hours")
      const { location, status } = yield* caller.send(asksFor(right))
      assert.deepStrictEqual([status, location?.href], [303, target])
    })))

  for (
    const [kind, uri, isTrusted] of [
      ["the site of a stranger", "https://evil.example/login", false],
      ["a program on the user's machine", "http://127.0.0.1:4711/goodbye", true]
    ] as const
  ) {
    it.effect(`R9: sends on at once ${isTrusted ? "" : "nobody "}to ${kind}`, () =>
      world.withProvider(
        Effect.gen(function*() {
          const caller = yield* server.caller
          const { json: { client_id } } = yield* caller.send("/register", {
            json: {
              redirect_uris: [server.redirectUri],
              post_logout_redirect_uris: [uri],
              token_endpoint_auth_method: "none"
            }
          })
          const { id_token } = yield* world.tokens(caller, { client_id })
          caller.cookies.clear()
          const asked = asksFor({ id_token_hint: id_token, post_logout_redirect_uri: uri, state: "a&b=c" })
          const shown = yield* caller.send(asked)
          const to = `${uri}?state=a%26b%3Dc`
          assert.deepStrictEqual([shown.status, shown.location?.href], isTrusted ? [303, to] : [200, undefined])
          if (isTrusted) return
          assert.isUndefined(onwards(shown))
          // Whoever goes there has read where it leads.
          assert.include(shown.text, "<h1>Logged out</h1>")
          assert.include(shown.text, "<bdi>evil.<wbr>example</bdi>")
          assert.include(shown.text, `<a href="${to}"`)
        }),
        { registration: true }
      ))
  }

  it.effect("R9: refuses a token that proves nothing, and sends nobody anywhere", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right, token } = yield* begun
      const { access_token } = yield* world.tokens(caller)
      const [header, payload, signature] = token.split(".") as [string, string, string]
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString())
      const own = JSON.parse(Buffer.from(header, "base64url").toString())
      const forged = yield* Effect.promise(() =>
        new SignJWT(claims).setProtectedHeader({ ...own, alg: "HS256" }).sign(new TextEncoder().encode(server.secret))
      )
      for (
        const id_token_hint of [
          "nonsense",
          `${encode({ ...own, alg: "none" })}.${payload}.`,
          `${header}.${encode({ ...claims, aud: "backend" })}.${signature}`,
          `${header}.${encode({ ...claims, iss: "https://evil.example" })}.${signature}`,
          forged,
          access_token
        ]
      ) {
        const refused = yield* caller.send(asksFor({ ...right, id_token_hint }))
        assert.strictEqual(refused.status, 400)
        assert.isUndefined(refused.location)
        assert.isUndefined(onwards(refused))
      }
      assert.isTrue(yield* isLoggedIn(caller))
    })))

  it.effect("R9: refuses a token of another issuer that has the same keys", () =>
    Effect.gen(function*() {
      const { token } = yield* world.withProvider(begun, { issuer: "https://other.example" })
      yield* world.withProvider(Effect.gen(function*() {
        const { caller, right } = yield* begun
        assert.strictEqual((yield* caller.send(asksFor({ ...right, id_token_hint: token }))).status, 400)
      }))
    }))

  it.effect("R9: refuses another address than that of the client, to the letter, and another client", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      for (
        const wrong of [
          { post_logout_redirect_uri: "https://evil.example/" },
          { post_logout_redirect_uri: "https://other.example/" },
          { post_logout_redirect_uri: `${world.goodbyeUri}/` },
          { post_logout_redirect_uri: `${world.goodbyeUri}?foo=bar` },
          { post_logout_redirect_uri: server.redirectUri },
          { client_id: "backend" }
        ]
      ) {
        const refused = yield* caller.send(asksFor({ ...right, ...wrong }))
        assert.strictEqual(refused.status, 400, JSON.stringify(wrong))
        assert.isUndefined(onwards(refused))
      }
      assert.strictEqual((yield* caller.send(asksFor({ ...right, client_id: "app" }))).status, 200)
    })))

  it.effect("R9: without a token the browser stays, whatever else there is", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      const shown = yield* caller.send(asksFor({ ...right, id_token_hint: undefined, client_id: "app" }))
      assert.notInclude(shown.text, "App")
      const done = yield* answer(caller, pageOf(shown))
      assert.isUndefined(onwards(done))
      assert.include(done.text, "Logged out")
      assert.isFalse(yield* isLoggedIn(caller))
      assert.include((yield* caller.send("/logout")).text, "Logged out")
    })))

  it.effect("R9: the page is good in its browser, for its address, and for nothing else", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      const page = pageOf(yield* caller.send(asksFor(right)))
      const thief = yield* server.caller
      yield* thief.send(asksFor({ ...right }))
      yield* thief.send("/logout", { form: right })
      for (
        const [who, wrong] of [
          [thief, page],
          [yield* server.caller, page],
          [caller, { ...page, csrf: "" }],
          [caller, { ...page, action: "/logout/confirm?target=https%3A%2F%2Fevil.example" }],
          [caller, { ...page, action: "/logout/confirm" }]
        ] as const
      ) {
        const refused = yield* answer(who, wrong)
        assert.strictEqual(refused.status, 400)
        assert.isUndefined(onwards(refused))
      }
      assert.isTrue(yield* isLoggedIn(caller))
      assert.strictEqual((yield* caller.send(page.action)).status, 405)
    })))

  it.effect("leaves who says no logged in, and here", () =>
    world.withProvider(Effect.gen(function*() {
      const { caller, right } = yield* begun
      const stayed = yield* answer(caller, pageOf(yield* caller.send(asksFor(right))), "cancel")
      assert.isUndefined(onwards(stayed))
      assert.isTrue(yield* isLoggedIn(caller))
    })))
})
