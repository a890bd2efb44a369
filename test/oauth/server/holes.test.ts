/** What fastmcp_rust gets wrong, by the number of the hole: the same request to this server, and what comes of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Caller from "fastmcp-effect/auth/Caller"
import * as TokenCache from "fastmcp-effect/auth/TokenCache"
import * as ResponseCache from "fastmcp-effect/client/ResponseCache"
import * as Identity from "fastmcp-effect/context/Identity"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as jose from "jose"
import * as oidc from "../oidc/world.ts"
import { makeKey, prove } from "./proofs.ts"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

const { assertPage, assertRefused, assertTold } = steps

const clients = world.options.clients!

const other: Client.Options = { id: "other", secret: Redacted.make(world.secret), redirectUris: [world.redirectUri] }

it.effect("fastmcp_rust 1: S256 is SHA-256, by the vector of RFC 7636, appendix B, and plain is refused", () =>
  world.withServer(Effect.gen(function*() {
    const caller = yield* world.caller
    const code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    const code_challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    for (let i = 0; i < 3; i++) {
      const code = yield* world.code(caller, { code_challenge })
      assert.strictEqual((yield* steps.redeem(caller, code, { code_verifier })).status, 200)
    }
    const code = yield* world.code(caller, { code_challenge })
    assertRefused(yield* steps.redeem(caller, code, { code_verifier: code_challenge }), "invalid_grant")
    const plain = { code_challenge: code_verifier, code_challenge_method: "plain" }
    assertTold(yield* caller.send(world.authorizePath(plain)), "invalid_request")
  })))

describe("fastmcp_rust 2: what is signed can be verified by anybody", () => {
  it.effect("fastmcp_rust 2: access tokens, by another library and the published keys", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token } = yield* steps.login(caller)
      const { json } = yield* caller.send("/jwks")
      const keys = jose.createLocalJWKSet(json)
      const verify = (token: string) =>
        Effect.promise(() =>
          jose.jwtVerify(token, keys, { issuer: world.issuer, audience: world.resource, currentDate: new Date(0) })
            .then(() => true, () => false)
        )
      assert.isTrue(yield* verify(access_token))
      const [head, body, signature] = access_token.split(".")
      const changed = btoa(JSON.stringify({ ...jose.decodeJwt(access_token), sub: "eve" })).replace(/=+$/u, "")
      assert.isFalse(yield* verify(`${head}.${changed}.${signature}`))
      assert.isFalse(yield* verify(`${head}.${body}.${signature!.split("").toReversed().join("")}`))
    })))

  it.effect("fastmcp_rust 2: ID tokens, of each algorithm, with an at_hash that is one", () =>
    oidc.withProvider(Effect.gen(function*() {
      const caller = yield* world.caller
      for (const client_id of ["app", "rsa", "ed"]) {
        const first = yield* oidc.tokens(caller, { client_id })
        const { payload, protectedHeader } = yield* oidc.verify(caller, first.id_token, client_id)
        assert.notMatch(protectedHeader.alg, /^HS|none/u)
        assert.isString(payload["at_hash"])
      }
    })))
})

describe("fastmcp_rust 3: what is secret comes from a source of randomness", () => {
  it.effect("fastmcp_rust 3: each bit of it", () => {
    let asked = 0
    // Another byte each time, so that what was made of which can be seen.
    const random = SecureRandom.make((size) => new Uint8Array(size).fill(++asked))
    const layer = AuthorizationServer.layer(world.options).pipe(
      Layer.provide(Layer.succeed(SecureRandom.SecureRandom, random)),
      Layer.provide(world.services())
    )
    return Effect.gen(function*() {
      const caller = yield* world.caller
      const code = yield* world.code(caller)
      const { json } = yield* steps.redeem(caller, code)
      for (const secret of [code, json.refresh_token, ...caller.cookies.values()]) {
        const bytes = jose.base64url.decode(secret)
        assert.strictEqual(bytes.length, 32)
        assert.strictEqual(new Set(bytes).size, 1)
      }
      const ids = String(jose.decodeJwt(json.access_token).jti).split(".")
      for (const id of ids) assert.strictEqual(jose.base64url.decode(id).length, 16)
    }).pipe(Effect.provide(layer, { local: true }))
  })

  it.effect("fastmcp_rust 3: and no two are alike, nor is a bit of them likelier than not", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const codes = yield* Effect.all(Array.from({ length: 1000 }, () => world.code(caller)))
      assert.strictEqual(new Set(codes).size, 1000)
      const counts = Array.from({ length: 256 }, () => 0)
      for (const code of codes) {
        const bytes = jose.base64url.decode(code)
        for (let bit = 0; bit < 256; bit++) counts[bit]! += bytes[bit >> 3]! >> (bit & 7) & 1
      }
      // Seven standard deviations: 2 of 10^12 times one of these would be further off.
      for (const count of counts) assert.closeTo(count, 500, 110)
    })))
})

describe("fastmcp_rust 4: what was stolen is noticed", () => {
  it.effect("fastmcp_rust 4: a refresh token is another each time, and one that comes again ends all", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const first = yield* steps.login(caller)
      const second = (yield* steps.refresh(caller, first.refresh_token)).json
      assert.notStrictEqual(second.refresh_token, first.refresh_token)
      assertRefused(yield* steps.refresh(caller, first.refresh_token), "invalid_grant")
      assertRefused(yield* steps.refresh(caller, second.refresh_token), "invalid_grant")
      assert.isFalse(yield* steps.isActive(caller, second.access_token))
    })))

  it.effect("fastmcp_rust 4: a code that comes again is more than not found", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const code = yield* world.code(caller)
      const { json } = yield* steps.redeem(caller, code)
      assertRefused(yield* steps.redeem(caller, code), "invalid_grant")
      assert.isFalse(yield* steps.isActive(caller, json.access_token))
      assertRefused(yield* steps.refresh(caller, json.refresh_token), "invalid_grant")
    })))
})

it.effect("fastmcp_rust 5: a client cannot end the tokens of another", () =>
  world.withServer(
    Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      for (const token of [access_token, refresh_token]) {
        const sent = { form: { token }, headers: steps.basic("other") }
        assert.strictEqual((yield* caller.send("/revoke", sent)).status, 200)
      }
      assert.isTrue(yield* steps.isActive(caller, access_token))
      assert.strictEqual((yield* steps.refresh(caller, refresh_token)).status, 200)
    }),
    { clients: [...clients, other] }
  ))

describe("fastmcp_rust 6: a code goes to no other host", () => {
  const pairs = [
    ["http://localhost/cb", "http://localhost:x@evil.com/cb"],
    ["http://localhost/cb", "http://localhost:80@evil.com/cb"],
    ["http://localhost/cb", "http://localhost@evil.com/cb"],
    ["http://localhost/cb", "http://localhost:x:y@evil.com:80/cb"],
    ["http://localhost/cb", "http://localhost\\@evil.com/cb"],
    ["http://localhost/cb", "http://localhost.evil.com/cb"],
    ["http://127.0.0.1/cb", "http://127.0.0.1:x@evil.com/cb"],
    ["http://127.0.0.1/cb", "http://127.0.0.1:4711@evil.com/cb"],
    ["http://127.0.0.1/cb", "http://127.0.0.1.evil.com/cb"],
    ["http://[::1]/cb", "http://[::1]:x@evil.com/cb"],
    ["http://localhost/cb", "http://127.0.0.1/cb"],
    ["http://127.0.0.1/cb", "http://localhost/cb"],
    ["http://127.0.0.1/cb", "http://[::1]/cb"],
    ["https://localhost.a.com/cb", "https://localhost.b.com/cb"]
  ] as const
  for (const [registered, redirect_uri] of pairs) {
    it.effect(`fastmcp_rust 6: ${redirect_uri} is not ${registered}`, () =>
      world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          assertPage(yield* caller.send(world.authorizePath({ redirect_uri })))
          const { searchParams } = new URL(world.authorizePath({ redirect_uri }), world.issuer)
          assertRefused(yield* caller.send("/par", { form: searchParams }), "invalid_request")
        }),
        { clients: [{ id: "app", redirectUris: [registered] }] }
      ))
  }
})

describe("fastmcp_rust 7: what is missing there is here", () => {
  it.effect("fastmcp_rust 7: endpoints, and what the metadata says of them", () =>
    oidc.withProvider(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
        for (
          const name of [
            "issuer",
            "jwks_uri",
            "introspection_endpoint",
            "revocation_endpoint",
            "registration_endpoint",
            "pushed_authorization_request_endpoint",
            "device_authorization_endpoint",
            "dpop_signing_alg_values_supported",
            "client_id_metadata_document_supported",
            "authorization_response_iss_parameter_supported"
          ]
        ) {
          assert.property(json, name)
        }
        const code = yield* world.code(caller, { scope: "openid", nonce: "n-1" })
        const { id_token } = (yield* steps.redeem(caller, code)).json
        assert.strictEqual(jose.decodeJwt(id_token)["nonce"], "n-1")
        const answer = yield* steps.token(caller, { grant_type: "client_credentials" }, steps.basic("backend"))
        assert.strictEqual(jose.decodeJwt(answer.json.access_token).aud, world.resource)
        const dpop = yield* prove(yield* Effect.promise(() => makeKey()))
        const bound = yield* steps.token(caller, { grant_type: "client_credentials" }, {
          ...steps.basic("backend"),
          dpop
        })
        assert.strictEqual(bound.json.token_type, "DPoP")
      }),
      { registration: true }
    ))

  it.effect("fastmcp_rust 7: what is revoked is not kept for longer than the token would last", () => {
    const { store, written } = steps.watched()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { access_token } = yield* steps.login(caller)
        yield* caller.send("/revoke", { form: { token: access_token, client_id: "app" } })
        const now = yield* Clock.currentTimeMillis
        const [, revoked] = written.find(([{ kind }]) => kind === "revoked")!
        assert.isAtMost(revoked!.expiresAt, now + 360_000)
        for (const [, entry] of written) assert.isTrue(entry === undefined || Number.isFinite(entry.expiresAt))
        yield* TestClock.adjust("6 minutes")
        assert.isFalse(yield* steps.isActive(caller, access_token))
      }),
      {},
      { store }
    )
  })
})

describe("fastmcp_rust 9: what is kept for one user is not served to another", () => {
  it.effect("fastmcp_rust 9: nor is who they are", () =>
    Effect.gen(function*() {
      const cache = yield* TokenCache.make()
      const find = (token: string) =>
        cache.find({
          token,
          purpose: "here",
          verify: (token) => Effect.sync(() => Caller.make(Identity.make({ subject: `of ${Redacted.value(token)}` })))
        })
      for (const token of ["anna", "ben", "anna", "ann", "ben"]) {
        assert.strictEqual((yield* find(token)).identity.subject, `of ${token}`)
      }
    }))

  it.effect("fastmcp_rust 9: nor is a result, unless it is for all", () =>
    Effect.gen(function*() {
      const { open } = yield* ResponseCache.ResponseCache
      const [anna, ben] = [open("https://acme.example"), open("https://acme.example")]
      const params = { uri: "note://1" }
      for (const cacheScope of ["private", undefined]) {
        const result = { contents: [], ttlMs: 60_000, ...(cacheScope === undefined ? undefined : { cacheScope }) }
        anna.begin("resources/read", params)(result)
        assert.deepStrictEqual(anna.get("resources/read", params), result)
        assert.isUndefined(ben.get("resources/read", params))
      }
      const result = { contents: [], ttlMs: 60_000, cacheScope: "public" }
      anna.begin("resources/read", params)(result)
      assert.deepStrictEqual(ben.get("resources/read", params), result)
    }).pipe(Effect.provide(ResponseCache.layerMemory())))
})
