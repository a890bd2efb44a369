import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as jose from "jose"

const algorithms = ["ES256", "RS256", "EdDSA"] as const

const ring = await Effect.runPromise(Effect.forEach(algorithms, (algorithm) => SigningKeys.generate(algorithm, 0)))

const [es256, rs256] = ring

const next = await Effect.runPromise(SigningKeys.generate("ES256", 1000))

const make = (keys: ReadonlyArray<unknown>) => SigningKeys.make(Redacted.make(keys as SigningKeys.Ring))

const secret = ["d", "p", "q", "dp", "dq", "qi", "k", "oth", "ext", "key_ops"]

describe("R5: signing keys", () => {
  for (const [index, alg] of algorithms.entries()) {
    it.effect(`R5: of ${alg} sign what anybody verifies with what is published`, () =>
      Effect.gen(function*() {
        const { published, sign } = yield* make([...ring.slice(index), ...ring.slice(0, index)])
        const keys = yield* published
        for (const typ of ["at+jwt", "JWT"]) {
          const token = yield* sign({ typ, alg }, { sub: "anna" })
          const { payload, protectedHeader } = yield* Effect.promise(() =>
            jose.jwtVerify(token, jose.createLocalJWKSet({ keys: keys as unknown as Array<jose.JWK> }))
          )
          assert.deepStrictEqual(payload, { sub: "anna" })
          const key = keys.find(({ kid }) => kid === protectedHeader.kid)!
          assert.deepStrictEqual(protectedHeader, { alg, typ, kid: key.kid! })
          assert.deepInclude(key, { alg, use: "sig" })
          assert.strictEqual(key.kid, yield* Effect.promise(() => jose.calculateJwkThumbprint(key as jose.JWK)))
          for (const member of secret) assert.notProperty(key, member)
        }
        assert.strictEqual(jose.decodeProtectedHeader(yield* sign({ typ: "JWT" }, {})).alg, alg)
      }))
  }

  it.effect("R5: are of pairs, private, and what they are called", () =>
    Effect.gen(function*() {
      const { d: _, ...publicKey } = es256!.jwk
      const wrong: ReadonlyArray<unknown> = [
        { ...es256, jwk: publicKey },
        { ...es256, jwk: { kty: "oct", k: "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" } },
        { ...es256, jwk: rs256!.jwk },
        { ...es256, jwk: {} },
        { ...es256, algorithm: "HS256", jwk: { kty: "oct", k: "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" } },
        { ...es256, algorithm: "none" }
      ]
      for (const key of wrong) {
        const error = yield* Effect.flip(make([key]))
        assert.strictEqual(error._tag, "SigningKeysError")
        assert.notInclude(error.message, String(es256!.jwk["d"]))
        assert.strictEqual((yield* Effect.flip(make([es256, key])))._tag, "SigningKeysError")
      }
    }))

  it.effect("R5: are there, and one signs, from the beginning", () =>
    Effect.gen(function*() {
      for (const keys of [[], [next], [{ ...es256, publishedUntil: 0 }]]) {
        assert.strictEqual((yield* Effect.flip(make(keys))).text, "No key of the ring signs now")
      }
    }))

  it.effect("R5: are published, sign, and are withdrawn, each at its time", () =>
    Effect.gen(function*() {
      const { algorithms, published, sign } = yield* make([{ ...es256, publishedUntil: 2000 }, next, {
        ...rs256,
        publishedUntil: 1500
      }])
      const count = Effect.map(published, (keys) => keys.length)
      const kid = Effect.map(sign({ typ: "JWT", alg: "ES256" }, {}), (token) => jose.decodeProtectedHeader(token).kid)
      const before = yield* kid
      assert.strictEqual(yield* count, 3)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* kid, before)
      yield* TestClock.adjust("1 millis")
      const after = yield* kid
      assert.notStrictEqual(after, before)
      assert.strictEqual(yield* count, 3)
      assert.deepStrictEqual(yield* algorithms, ["ES256", "RS256"])
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* algorithms, ["ES256"])
      assert.strictEqual(yield* count, 2)
      // Rather nothing than a token that nobody can verify.
      assert.isTrue(Exit.hasDies(yield* Effect.exit(sign({ typ: "JWT", alg: "RS256" }, {}))))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(sign({ typ: "JWT", alg: "HS256" }, {}))))
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* count, 1)
      assert.strictEqual(yield* kid, after)
    }))

  it.effect("R5: that are generated are others each time, and the log says that they are lost", () => {
    const logged: Array<unknown> = []
    const logger = Logger.make(({ message }) => logged.push(message))
    const kid = Effect.flatMap(SigningKeys.SigningKeys, ({ published }) => Effect.map(published, ([key]) => key!.kid))
      .pipe(
        Effect.provide(Layer.fresh(SigningKeys.layerGenerated()), { local: true }),
        Effect.provide(Logger.layer([logger]))
      )
    return Effect.gen(function*() {
      assert.notStrictEqual(yield* kid, yield* kid)
      assert.strictEqual(logged.length, 2)
      assert.include(String(logged[0]), "lost when this process ends")
    })
  })
})
