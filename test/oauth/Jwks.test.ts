import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Jwks from "fastmcp-effect/oauth/Jwks"
import * as issuers from "../auth/issuer.ts"

const url = `${issuers.url}/jwks`

const kids = (keys: ReadonlyArray<Jwks.Jwk>) => keys.map(({ kid }) => kid)

const find = (keys: Jwks.Keys, kid: string | undefined, alg = "ES256") => Effect.map(keys.find({ alg, kid }), kids)

const second = Effect.promise(() => issuers.makeSigner("second"))

describe("Jwks", () => {
  it.effect("fetches once for many tokens that come at one time", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      const found = yield* Effect.all(Array.from({ length: 20 }, () => find(keys, "first")), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(found, Array.from({ length: 20 }, () => ["first"]))
      assert.deepStrictEqual(issuer.asked, ["/jwks"])
    }))

  it.effect("finds a key that was rotated in, at the next unknown kid after 30 seconds", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      yield* find(keys, "first")
      issuer.keys.push((yield* second).jwk)
      assert.deepStrictEqual(yield* find(keys, "second"), [])
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* find(keys, "second"), ["second"])
      assert.strictEqual(issuer.asked.length, 2)
    }))

  it.effect("is not moved by a thousand made-up kids to fetch more than once in 30 seconds", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      for (let i = 0; i < 1000; i++) {
        assert.deepStrictEqual(yield* find(keys, `made up ${i}`), [])
        yield* TestClock.adjust("60 millis")
      }
      assert.strictEqual(issuer.asked.length, 2)
      assert.deepStrictEqual(yield* find(keys, "first"), ["first"])
    }))

  it.effect("forgets after 10 minutes a key that was withdrawn", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      yield* find(keys, "first")
      issuer.keys = [(yield* second).jwk]
      yield* TestClock.adjust("9 minutes")
      assert.deepStrictEqual(yield* find(keys, "first"), ["first"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* find(keys, "first"), [])
    }))

  it.effect("uses the keys it has for an hour while its issuer is down, and none after it", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      yield* find(keys, "first")
      issuer.failure = "down"
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* find(keys, "first"), ["first"])
      const unknown = yield* Effect.flip(find(keys, "second"))
      assert.strictEqual(unknown._tag, "JwksError")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* Effect.flip(find(keys, "first")))._tag, "JwksError")
    }))

  it.effect("asks an issuer that is down every 5 seconds at most, and says when it is worth asking again", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      issuer.failure = "down"
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      assert.strictEqual((yield* Effect.flip(find(keys, "first"))).retryAfter, 5000)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Effect.flip(find(keys, "first"))).retryAfter, 2000)
      assert.strictEqual(issuer.asked.length, 1)
      issuer.failure = undefined
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* find(keys, "first"), ["first"])
    }))

  it.effect("gives up after 5 seconds on an issuer that does not answer", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      issuer.failure = "silent"
      const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
      const asking = yield* Effect.forkChild(Effect.flip(find(keys, "first")), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      assert.include((yield* Fiber.join(asking)).message, "has not answered in time")
    }))

  it.effect("takes no key that may not verify, is secret, or is of another kind than the algorithm", () =>
    Effect.gen(function*() {
      const { jwk } = (yield* issuers.make).signer
      const keys = Jwks.fixed([
        { ...jwk, kid: "encrypts", use: "enc" },
        { ...jwk, kid: "wraps", key_ops: ["wrapKey"] },
        { ...jwk, kid: "private", d: "secret" },
        { ...jwk, kid: "other", crv: "P-384" },
        { ...jwk, kid: "says", alg: "ES384" },
        { kty: "oct", kid: "shared", k: "c2VjcmV0" },
        { ...jwk, kid: "good" }
      ] as ReadonlyArray<Jwks.Jwk>)
      assert.deepStrictEqual(yield* find(keys, undefined), ["good"])
      assert.deepStrictEqual(yield* find(keys, "shared", "HS256"), [])
      assert.deepStrictEqual(yield* find(keys, undefined, "none"), [])
    }))

  for (
    const [what, answer] of [
      ["is no key set", () => Response.json({ keys: "none" })],
      ["is no JSON", () => new Response("<html>")],
      ["is larger than half a megabyte", () => new Response(`{"keys":[],"more":"${"x".repeat(1 << 19)}"}`)],
      ["comes with another status", () => Response.json({ keys: [] }, { status: 203 })]
    ] as const
  ) {
    it.effect(`fails where what is there ${what}`, () =>
      Effect.gen(function*() {
        const issuer = yield* issuers.make
        issuer.failure = answer
        const keys = yield* Effect.provide(Jwks.remote(url), issuer.client)
        assert.include((yield* Effect.flip(find(keys, "first"))).message, "has no key set")
      }))
  }

  it.effect("does not ask where anybody in between could answer", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.remote("http://issuer.example/jwks"), issuer.client)
      assert.include((yield* Effect.flip(find(keys, "first"))).message, "is not https")
      assert.deepStrictEqual(issuer.asked, [])
    }))

  it.effect("finds them by the metadata of the issuer, and not by that of another", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const own = yield* Effect.provide(Jwks.ofIssuer(issuers.url), issuer.client)
      assert.deepStrictEqual(yield* find(own, "first"), ["first"])
      assert.deepStrictEqual(issuer.asked, ["/.well-known/oauth-authorization-server", "/jwks"])
      // A slash more is another issuer.
      const other = yield* Effect.provide(Jwks.ofIssuer(`${issuers.url}/`), issuer.client)
      assert.include((yield* Effect.flip(find(other, "first"))).message, "of another issuer")
    }))

  it.effect("looks at each place the metadata may be, before the path and behind it", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      const keys = yield* Effect.provide(Jwks.ofIssuer(`${issuers.url}/tenant`), issuer.client)
      assert.include((yield* Effect.flip(find(keys, "first"))).message, "publishes no metadata")
      assert.deepStrictEqual(issuer.asked, [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration"
      ])
    }))
})
