import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import { halfHash } from "../../../src/oauth/oidc/idToken.ts"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

const half = (algorithm: string, text: string) => {
  const hash = createHash(algorithm).update(text).digest()
  return hash.subarray(0, hash.length / 2).toString("base64url")
}

describe("an ID token", () => {
  it.effect("says who has logged in, when, how, and for whom", () =>
    world.withProvider(
      Effect.gen(function*() {
        yield* TestClock.adjust("100 seconds")
        const caller = yield* server.caller
        const { access_token, id_token } = yield* world.tokens(caller, { nonce: "n-0S6_WzA2Mj" })
        const { payload, protectedHeader } = yield* world.verify(caller, id_token)
        const { sid, ...others } = payload
        assert.deepStrictEqual(others, {
          iss: server.issuer,
          sub: "anna",
          aud: "app",
          azp: "app",
          iat: 100,
          exp: 400,
          auth_time: 100,
          amr: ["pwd"],
          nonce: "n-0S6_WzA2Mj",
          at_hash: half("sha256", access_token)
        })
        assert.match(String(sid), /^[\w-]{43}$/u)
        assert.strictEqual(protectedHeader.alg, "ES256")
      }),
      {},
      { login: world.logins("anna") }
    ))

  it.effect("is signed as the client wants it, and its at_hash is made of the hash that goes with that", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const rsa = yield* world.tokens(caller, { client_id: "rsa" })
      const ed = yield* world.tokens(caller, { client_id: "ed" })
      const [first, second] = [
        yield* world.verify(caller, rsa.id_token, "rsa"),
        yield* world.verify(caller, ed.id_token, "ed")
      ]
      assert.deepStrictEqual([first.protectedHeader.alg, second.protectedHeader.alg], ["RS256", "EdDSA"])
      assert.strictEqual(first.payload["at_hash"], half("sha256", rsa.access_token))
      assert.strictEqual(second.payload["at_hash"], half("sha512", ed.access_token))
    })))

  it.effect("at_hash of the token in OpenID Connect Core, A.3", () =>
    Effect.gen(function*() {
      const digest = yield* Digest.Digest
      const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
      assert.strictEqual(yield* halfHash(digest, "RS256", token), "77QmUPtjPfzWtF2AnpK9RQ")
    }).pipe(Effect.provide(Digest.layerWebCrypto)))

  it.effect("R5: is never signed with a shared secret, nor not at all, however a client asks for it", () =>
    Effect.gen(function*() {
      for (const idTokenAlgorithm of ["HS256", "none"]) {
        const failure = yield* Effect.flip(
          world.withProvider(Effect.void, { clients: [{ ...world.app, idTokenAlgorithm }] })
        )
        assert.include(String(failure), `ID tokens are not signed with ${idTokenAlgorithm} here`)
        yield* world.withProvider(
          Effect.gen(function*() {
            const { send } = yield* server.caller
            const { json, status } = yield* send("/register", {
              json: { redirect_uris: [server.redirectUri], id_token_signed_response_alg: idTokenAlgorithm }
            })
            assert.deepStrictEqual([status, json.error], [400, "invalid_client_metadata"])
          }),
          { registration: true }
        )
      }
    }))

  it.effect("is signed with RS256 for a client that has registered itself and says nothing", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        const { json } = yield* caller.send("/register", {
          json: { redirect_uris: [server.redirectUri], token_endpoint_auth_method: "none" }
        })
        const { id_token } = yield* world.tokens(caller, { client_id: json.client_id })
        const { protectedHeader } = yield* world.verify(caller, id_token, json.client_id)
        assert.strictEqual(protectedHeader.alg, "RS256")
      }),
      { registration: true }
    ))

  it.effect("is no access token, and an access token is none", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const { access_token, id_token } = yield* world.tokens(caller)
      assert.strictEqual((yield* world.userInfo(caller, id_token)).status, 401)
      const { location } = yield* caller.send(
        server.authorizePath({ scope: "openid", prompt: "none", id_token_hint: access_token })
      )
      assert.strictEqual(location!.searchParams.get("error"), "invalid_request")
    })))

  it.effect("is given out for openid alone", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      assert.notProperty(yield* world.tokens(caller, { scope: "notes:read" }), "id_token")
    })))

  it.effect("A7: has the nonce that was kept with the code, and not what comes with the code", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const code = yield* server.code(caller, { scope: "openid", nonce: "first" })
      const { json } = yield* caller.send("/token", server.exchange(code, { nonce: "second" }))
      assert.strictEqual((yield* world.verify(caller, json.id_token)).payload["nonce"], "first")
      const other = yield* world.tokens(caller)
      assert.notProperty((yield* world.verify(caller, other.id_token)).payload, "nonce")
      // Nor does it come without the verifier of the code.
      const again = yield* server.code(caller, { scope: "openid", nonce: "first" })
      const { status } = yield* caller.send("/token", server.exchange(again, { code_verifier: "w".repeat(43) }))
      assert.strictEqual(status, 400)
    })))

  it.effect("is of the same login after a refresh (12.2)", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const before = yield* world.tokens(caller, { nonce: "first", scope: "openid notes:read" })
      yield* TestClock.adjust("10 minutes")
      const refresh = (token: string, scope: string) =>
        Effect.map(
          caller.send("/token", {
            form: { grant_type: "refresh_token", client_id: "app", refresh_token: token, scope }
          }),
          ({ json }) => json
        )
      const after = yield* refresh(before.refresh_token, "openid")
      const { payload } = yield* world.verify(caller, after.id_token)
      const { sid, ...others } = payload
      assert.isString(sid)
      assert.deepStrictEqual(others, {
        iss: server.issuer,
        sub: "anna",
        aud: "app",
        azp: "app",
        iat: 600,
        exp: 900,
        auth_time: 0,
        at_hash: half("sha256", after.access_token)
      })
      assert.notProperty(yield* refresh(after.refresh_token, "notes:read"), "id_token")
    })))

  it.effect("expires", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        const { id_token } = yield* world.tokens(caller)
        yield* TestClock.adjust("59 seconds")
        yield* world.verify(caller, id_token)
        yield* TestClock.adjust("1 second")
        const exit = yield* Effect.exit(world.verify(caller, id_token))
        assert.strictEqual(exit._tag, "Failure")
      }),
      { idTokenLifetime: "1 minute" }
    ))

  it.effect("has a sid for each session", () =>
    world.withProvider(Effect.gen(function*() {
      const [one, two] = [yield* server.caller, yield* server.caller]
      const sidOf = (caller: server.Caller, own = {}) =>
        Effect.flatMap(world.tokens(caller, own), ({ id_token }) =>
          Effect.map(world.verify(caller, id_token), ({ payload }) => payload["sid"]))
      const first = yield* sidOf(one)
      assert.strictEqual(yield* sidOf(one), first)
      assert.notStrictEqual(yield* sidOf(two), first)
      assert.notStrictEqual(yield* sidOf(one, { prompt: "login" }), first)
    })))
})
