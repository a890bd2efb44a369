import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import { decodeJwt } from "jose"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

const claimsOf = (caller: server.Caller, own: Readonly<Record<string, string>>) =>
  Effect.flatMap(
    world.tokens(caller, own),
    ({ access_token }) => Effect.map(world.userInfo(caller, access_token), ({ json }) => json)
  )

describe("user info", () => {
  it.effect("R8: is given for a token with openid: by GET, by POST, and from a form", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const { access_token, id_token } = yield* world.tokens(caller)
      const { payload } = yield* world.verify(caller, id_token)
      const headers = { authorization: `Bearer ${access_token}` }
      for (
        const sent of [{ headers }, { headers, method: "POST" }, { form: { access_token } }, {
          headers: { ...headers, origin: "https://app.example" }
        }]
      ) {
        const answer = yield* caller.send("/userinfo", sent)
        assert.strictEqual(answer.status, 200)
        assert.deepStrictEqual(answer.json, { sub: payload.sub })
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
        assert.isNull(answer.headers.get("access-control-allow-credentials"))
        assert.strictEqual(answer.headers.get("cache-control"), "no-store")
      }
      const preflight = yield* caller.send("/userinfo", { method: "OPTIONS" })
      assert.strictEqual(preflight.status, 204)
      assert.include(preflight.headers.get("access-control-allow-headers"), "authorization")
    })))

  it.effect("R8: is for no other token", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const { access_token } = yield* world.tokens(caller)
      const refused = (sent: server.Sent, path = "/userinfo") =>
        Effect.map(
          caller.send(path, sent),
          ({ headers, json, status }) => [status, json.error, headers.get("www-authenticate")]
        )
      const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
      const invalid = [401, "invalid_token", "Bearer error=\"invalid_token\""]
      assert.deepStrictEqual(yield* refused({}), [401, "invalid_token", "Bearer"])
      assert.deepStrictEqual(yield* refused({}, `/userinfo?access_token=${access_token}`), [
        401,
        "invalid_token",
        "Bearer"
      ])
      assert.deepStrictEqual(yield* refused(bearer("nonsense")), invalid)
      assert.deepStrictEqual(yield* refused(bearer(`${access_token.slice(0, -4)}AAAA`)), invalid)
      const without = yield* world.tokens(caller, { scope: "notes:read" })
      const insufficient = [403, "insufficient_scope", "Bearer error=\"insufficient_scope\", scope=\"openid\""]
      assert.deepStrictEqual(yield* refused(bearer(without.access_token)), insufficient)
      const ofClient = yield* caller.send("/token", {
        form: { grant_type: "client_credentials" },
        headers: { authorization: `Basic ${btoa(`backend:${encodeURIComponent(server.secret)}`)}` }
      })
      assert.deepStrictEqual(yield* refused(bearer(ofClient.json.access_token)), insufficient)
      const twice = yield* caller.send("/userinfo", { form: { access_token }, ...bearer(access_token) })
      assert.deepStrictEqual([twice.status, twice.json.error], [400, "invalid_request"])
    })))

  it.effect("R8: takes no token that is bound to a key for a bearer token", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const { access_token } = yield* world.tokens(caller)
      const { sign } = yield* Effect.provide(SigningKeys.SigningKeys, world.keys)
      const claims = decodeJwt(access_token)
      const again = yield* sign({ typ: "at+jwt" }, claims)
      assert.strictEqual((yield* world.userInfo(caller, again)).status, 200)
      const bound = yield* sign({ typ: "at+jwt" }, { ...claims, cnf: { jkt: "somebody's" } })
      assert.strictEqual((yield* world.userInfo(caller, bound)).status, 401)
    })))

  it.effect("R8: ends with the token, its time and its grant", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const first = yield* world.tokens(caller)
      const status = (token: string) => Effect.map(world.userInfo(caller, token), ({ status }) => status)
      yield* TestClock.adjust("299 seconds")
      assert.strictEqual(yield* status(first.access_token), 200)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* status(first.access_token), 401)
      const second = yield* world.tokens(caller)
      yield* caller.send("/revoke", { form: { client_id: "app", token: second.refresh_token } })
      assert.strictEqual(yield* status(second.access_token), 401)
    })))

  it.effect("has the claims of the scopes, one sub, and drops none of one's own", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const { name, email, email_verified, phone_number, address, department, favourite } = world.anna
      const sub = "anna"
      for (
        const [scope, expected] of [
          ["openid", {}],
          ["openid profile", { name, favourite }],
          ["openid email", { email, email_verified }],
          ["openid phone", { phone_number }],
          ["openid address", { address }],
          ["openid work", { department }],
          ["openid email notes:read", { email, email_verified }]
        ] as const
      ) {
        assert.deepStrictEqual(yield* claimsOf(caller, { scope }), { ...expected, sub })
      }
      const { access_token } = yield* world.tokens(caller, { scope: "openid profile" })
      assert.strictEqual((yield* world.userInfo(caller, access_token)).text.split("\"sub\"").length, 2)
    })))

  it.effect("has nothing but sub of somebody who is not known", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        assert.deepStrictEqual(yield* claimsOf(caller, { scope: "openid profile email" }), { sub: "toString" })
      }),
      {},
      { login: world.logins("toString") }
    ))
})

describe("the parameter claims", () => {
  const asking = (claims: unknown, own = {}) => ({ claims: JSON.stringify(claims), ...own })

  it.effect("gives single claims, where they are asked for", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const given = yield* world.tokens(
        caller,
        asking({ userinfo: { email: null, unknown: null }, id_token: { name: { essential: true }, aud: null } })
      )
      assert.deepStrictEqual((yield* world.userInfo(caller, given.access_token)).json, {
        email: world.anna.email,
        sub: "anna"
      })
      const { payload } = yield* world.verify(caller, given.id_token)
      assert.deepInclude(payload, { name: world.anna.name, aud: "app", sub: "anna" })
      assert.notProperty(payload, "email")
    })))

  it.effect("gives no client what it may not ask for with a scope", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const claims = yield* claimsOf(
        caller,
        asking({ userinfo: { email: null, name: null } }, { client_id: "little" })
      )
      assert.deepStrictEqual(claims, { name: world.anna.name, sub: "anna" })
    })))

  it.effect("is refused when it is no such thing, or asks for what cannot be", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const errorOf = (claims: string) =>
        Effect.map(
          caller.send(server.authorizePath({ scope: "openid", claims })),
          ({ location }) => location!.searchParams.get("error")
        )
      for (
        const claims of [
          "{",
          "[]",
          "1",
          `{"userinfo":[]}`,
          `{"userinfo":{"name":true}}`,
          `{"id_token":{"sub":{"value":1}}}`,
          JSON.stringify({ userinfo: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [index, null])) })
        ]
      ) assert.strictEqual(yield* errorOf(claims), "invalid_request", claims)
      assert.strictEqual(
        yield* errorOf(JSON.stringify({ id_token: { acr: { essential: true, values: ["gold"] } } })),
        "access_denied"
      )
      assert.isNull(yield* errorOf(JSON.stringify({ id_token: { acr: { values: ["gold"] } } })))
    })))

  it.effect("that names a user is for that user", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const send = (value: string, own = {}) =>
        Effect.map(
          caller.send(
            server.authorizePath({ scope: "openid", ...asking({ id_token: { sub: { value } } }), ...own })
          ),
          ({ location }) => location!.searchParams.get("error")
        )
      assert.isNull(yield* send("anna"))
      assert.strictEqual(yield* send("berta"), "login_required")
      assert.strictEqual(yield* send("berta", { prompt: "none" }), "login_required")
    })))
})
