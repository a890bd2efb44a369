/** A12: who has to log in, and when; and what a request may say of who it is to be. */
import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

const asking = Consent.layer().pipe(Layer.provide(OAuthStore.layerMemory()), Layer.provide(Digest.layerWebCrypto))

const ask = (caller: server.Caller, own: Readonly<Record<string, string | undefined>>) =>
  Effect.map(
    caller.send(server.authorizePath({ scope: "openid", ...own })),
    ({ location }) => location?.searchParams.get("error") ?? (location === undefined ? "page" : "code")
  )

const authTime = (caller: server.Caller, own: Readonly<Record<string, string | undefined>> = {}) =>
  Effect.flatMap(
    world.tokens(caller, own),
    ({ id_token }) => Effect.map(world.verify(caller, id_token), ({ payload }) => payload["auth_time"])
  )

describe("a login", () => {
  it.effect("A12: prompt=none asks nobody", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        assert.strictEqual(yield* ask(caller, { prompt: "none" }), "login_required")
        yield* world.tokens(caller)
        assert.strictEqual(yield* ask(caller, { prompt: "none" }), "code")
        yield* TestClock.adjust("12 hours")
        assert.strictEqual(yield* ask(caller, { prompt: "none" }), "login_required")
      })
    ))

  it.effect("A12: prompt=none without consent says so", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        assert.strictEqual(yield* ask(caller, {}), "page")
        assert.strictEqual(yield* ask(caller, { prompt: "none" }), "consent_required")
      }),
      {},
      { consent: asking }
    ))

  it.effect("A12: prompt=login and max_age make auth_time a new one, and nothing else does", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      assert.strictEqual(yield* authTime(caller), 0)
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(yield* authTime(caller), 0)
      assert.strictEqual(yield* authTime(caller, { max_age: "100" }), 0)
      assert.strictEqual(yield* authTime(caller, { max_age: "99" }), 100)
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(yield* ask(caller, { max_age: "99", prompt: "none" }), "login_required")
      assert.strictEqual(yield* authTime(caller), 100)
      assert.strictEqual(yield* authTime(caller, { prompt: "login" }), 200)
    })))

  it.effect("A12: the session of a browser is a new one after each login", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      yield* world.tokens(caller)
      const before = caller.cookies.get("__Host-session")!
      yield* world.tokens(caller, { prompt: "login" })
      assert.notStrictEqual(caller.cookies.get("__Host-session"), before)
      caller.cookies.set("__Host-session", before)
      assert.strictEqual(yield* ask(caller, { prompt: "none" }), "login_required")
    })))

  it.effect("id_token_hint: is for the user of the token, expired or not, and for nobody else", () =>
    world.withProvider(
      Effect.gen(function*() {
        const [annas, bertas] = [yield* server.caller, yield* server.caller]
        const { id_token: anna } = yield* world.tokens(annas)
        yield* world.tokens(bertas)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* ask(annas, { prompt: "none", id_token_hint: anna }), "code")
        assert.strictEqual(yield* ask(bertas, { prompt: "none", id_token_hint: anna }), "login_required")
        // Berta is there, Anna is asked for, and Berta logs in again.
        assert.strictEqual(yield* ask(bertas, { id_token_hint: anna }), "login_required")
        assert.strictEqual(yield* ask(bertas, { prompt: "none" }), "code", "which has ended nobody's session")
        for (const [id_token_hint, client_id] of [["nonsense", "app"], [anna, "rsa"]] as const) {
          assert.strictEqual(yield* ask(annas, { id_token_hint, client_id }), "invalid_request")
        }
      }),
      {},
      { login: world.logins("anna", "berta") }
    ))

  it.effect("goes on when acr_values, display and ui_locales are asked for, and whatever nobody knows", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const own = { acr_values: "1 2", display: "popup", ui_locales: "de fr", claims_locales: "de", extra: "foobar" }
      assert.strictEqual(yield* ask(caller, own), "code")
    })))

  it.effect("the user is asked about claims as about the scopes they are of", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        const claims = JSON.stringify({ userinfo: { email: null }, id_token: { department: null } })
        const { text } = yield* caller.send(server.authorizePath({ scope: "openid", claims }))
        for (const words of ["Know who you are", "See your mail address", "Know of you: department"]) {
          assert.include(text, words)
        }
        assert.notInclude(text, "profile")
      }),
      {},
      { consent: asking }
    ))

  it.effect("a yes to openid is none to claims", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        const { text } = yield* caller.send(server.authorizePath({ scope: "openid" }))
        const [, action] = /action="([^"]*)"/u.exec(text)!
        const [, csrf] = /name="csrf" value="([^"]*)"/u.exec(text)!
        yield* caller.send(action!, { form: { csrf: csrf!, decision: "allow" } })
        assert.strictEqual(yield* ask(caller, { prompt: "none" }), "code")
        const claims = JSON.stringify({ userinfo: { email: null } })
        assert.strictEqual(yield* ask(caller, { prompt: "none", claims }), "consent_required")
      }),
      {},
      { consent: asking }
    ))
})
