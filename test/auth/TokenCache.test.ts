import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as AuthError from "fastmcp-effect/auth/AuthError"
import * as Caller from "fastmcp-effect/auth/Caller"
import * as TokenCache from "fastmcp-effect/auth/TokenCache"
import * as Identity from "fastmcp-effect/context/Identity"
import * as util from "node:util"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

/** Counts how often it had to verify. */
const counting = (options?: TokenCache.Options) =>
  Effect.map(TokenCache.make(options), (cache) => {
    const counted = {
      verified: 0,
      cache,
      find: (_token: string, _more?: { purpose?: string; expiresAt?: number }) => found
    }
    const found: Effect.Effect<Caller.Caller, AuthError.AuthError> = Effect.die("replaced")
    counted.find = (token, { expiresAt = Infinity, purpose = "here" } = {}) =>
      cache.find({
        token,
        purpose,
        verify: () =>
          Effect.sync(() => {
            counted.verified++
            return Caller.make(Identity.make({ subject: token }), expiresAt)
          })
      })
    return counted
  })

describe("TokenCache", () => {
  it.effect("verifies a token once a minute", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      for (let i = 0; i < 10; i++) assert.strictEqual((yield* cached.find("a")).identity.subject, "a")
      assert.strictEqual(cached.verified, 1)
      yield* TestClock.adjust("59999 millis")
      yield* cached.find("a")
      assert.strictEqual(cached.verified, 1)
      yield* TestClock.adjust("1 millis")
      yield* cached.find("a")
      assert.strictEqual(cached.verified, 2)
    }))

  it.effect("is not talked into more than a minute", () =>
    Effect.gen(function*() {
      const cached = yield* counting({ timeToLive: "1 hour" })
      yield* cached.find("a")
      yield* TestClock.adjust("1 minute")
      yield* cached.find("a")
      assert.strictEqual(cached.verified, 2)
    }))

  it.effect("never keeps one past its own end", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      yield* cached.find("a", { expiresAt: 10_000 })
      yield* TestClock.adjust("10 seconds")
      yield* cached.find("a", { expiresAt: 10_000 })
      yield* cached.find("a", { expiresAt: 10_000 })
      assert.strictEqual(cached.verified, 3)
    }))

  it.effect("keeps as many as it may, those that were used last", () =>
    Effect.gen(function*() {
      const cached = yield* counting({ capacity: 2 })
      for (const token of ["a", "b", "a", "c", "a"]) {
        yield* cached.find(token)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(cached.verified, 3)
      yield* cached.find("b")
      assert.strictEqual(cached.verified, 4)
    }))

  it.effect("takes a token that is good for one resource for no other", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      yield* cached.find("a")
      yield* cached.find("a", { purpose: "there" })
      assert.strictEqual(cached.verified, 2)
    }))

  it.effect("keeps no refusal", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      const refused = cached.cache.find({
        token: "a",
        purpose: "here",
        verify: () => Effect.fail(AuthError.make(new AuthError.Unknown()))
      })
      yield* Effect.flip(refused)
      yield* cached.find("a")
      assert.strictEqual(cached.verified, 1)
    }))

  it.effect("forgets a token, or all of a caller, when it is told so", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      for (const token of ["a", "b", "c"]) yield* cached.find(token)
      yield* cached.cache.drop(issuers.secret("a"))
      yield* cached.cache.dropWhere(({ subject }) => subject === "b")
      for (const token of ["a", "b", "c"]) yield* cached.find(token)
      assert.strictEqual(cached.verified, 5)
    }))

  it.effect("does not keep what was verified while it was told to forget", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      const gate = yield* Deferred.make<Caller.Caller>()
      const slow = yield* Effect.forkChild(
        cached.cache.find({ token: "a", purpose: "here", verify: () => Deferred.await(gate) }),
        {
          startImmediately: true
        }
      )
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
      yield* cached.cache.drop(issuers.secret("a"))
      yield* Deferred.succeed(gate, Caller.make(Identity.make({ subject: "a" })))
      yield* Fiber.join(slow)
      yield* cached.find("a")
      assert.strictEqual(cached.verified, 1)
    }))

  it.effect("holds no token, only what cannot be turned back into one", () =>
    Effect.gen(function*() {
      const cached = yield* counting()
      yield* cached.cache.find({
        token: "planted",
        purpose: "here",
        verify: () => Effect.succeed(Caller.make(Identity.make({ subject: "ann" })))
      })
      assert.notInclude(util.inspect(cached.cache, { depth: 20, showHidden: true }), "planted")
    }))

  it.effect("waits for nothing where the digest does not", () =>
    Effect.gen(function*() {
      const { cache } = yield* counting()
      const ann = Caller.make(Identity.make({ subject: "ann" }))
      const find = () =>
        cache.find({
          token: "a",
          purpose: "here",
          verify: () => Effect.succeed(ann),
          sha256: (text) => `hash of ${text}`
        })
      yield* find()
      assert.isTrue(Exit.isExit(find()))
    }))

  it.effect("given to a provider lets a revoked token go at once", () =>
    Effect.gen(function*() {
      const cache = yield* TokenCache.make()
      const at = yield* door.open(door.bearer().pipe(Layer.provide(Layer.succeed(TokenCache.TokenCache, cache))))
      const token = yield* at.issuer.token()
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      at.issuer.keys = []
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      yield* cache.drop(issuers.secret(token))
      // Asked again, and of keys that are ten minutes old at most.
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 401)
    }))
})
