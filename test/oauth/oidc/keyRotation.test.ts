/** R5: keys are published, sign, and are withdrawn, and nobody notices. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as KeyRotation from "fastmcp-effect/oauth/server/KeyRotation"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "vitest"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "keys-"))
afterAll(() => fs.rmSync(directory, { recursive: true }))

const minute = 60_000
const times = { now: 0, lead: "1 hour", overlap: "1 day" } as const

const [first, second, rsa] = await Effect.runPromise(
  Effect.all([
    SigningKeys.generate("ES256", 0),
    SigningKeys.generate("ES256", 0),
    SigningKeys.generate("RS256", 0)
  ])
)

const ringOf = (ring: SigningKeys.Ring) => SigningKeys.layer(Redacted.make(ring))

const kidOf = (token: string) => decodeProtectedHeader(token).kid

const published = (caller: server.Caller) =>
  Effect.map(caller.send("/jwks"), ({ json }) => json as JSONWebKeySet & { readonly keys: ReadonlyArray<any> })

/** As a client that has fetched these keys some time ago. */
const verifies = (keys: JSONWebKeySet, token: string) =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) =>
      Effect.promise(() =>
        jwtVerify(token, createLocalJWKSet(keys), { issuer: server.issuer, currentDate: new Date(now) }).then(
          () => true,
          () => false
        )
      )
  )

describe("a key ring", () => {
  it("goes on with a key that signs later, and loses the one before it later still", () => {
    const ring = KeyRotation.rotate([first], second, times)
    const withdrawn = 25 * 60 * minute
    assert.deepStrictEqual(ring, [
      { ...first, publishedUntil: withdrawn },
      { ...second, signsFrom: 60 * minute }
    ])
    assert.deepStrictEqual(KeyRotation.prune(ring, withdrawn - 1), ring)
    assert.deepStrictEqual(KeyRotation.prune(ring, withdrawn), ring.slice(1))
  })

  it("begins with a key that signs at once", () =>
    assert.deepStrictEqual(KeyRotation.rotate([], first, { ...times, now: 5 }), [{ ...first, signsFrom: 5 }]))

  it("leaves the keys of other algorithms alone, and the first of them first", () => {
    const ring = KeyRotation.prune(KeyRotation.rotate([first, rsa], second, times), 26 * 60 * minute)
    assert.deepStrictEqual(ring.map(({ algorithm }) => algorithm), ["ES256", "RS256"])
    assert.strictEqual(ring[1], rsa)
    const more = KeyRotation.rotate([first], rsa, times)
    assert.deepStrictEqual(more, [first, { ...rsa, signsFrom: 60 * minute }])
  })

  it("never puts off what was to be withdrawn", () => {
    const once = KeyRotation.rotate([first], second, times)
    const twice = KeyRotation.rotate(once, { ...second }, { ...times, now: 10 * minute })
    assert.strictEqual(twice[0]!.publishedUntil, once[0]!.publishedUntil)
  })
})

describe("R5: a rotation", () => {
  it.effect("publishes, signs, and withdraws; a token from before it is good until it expires", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        const [before, after] = (yield* published(caller)).keys.map(({ kid }) => kid as string)
        assert.strictEqual((yield* published(caller)).keys.length, 2)
        yield* TestClock.adjust("59 minutes")
        const old = yield* world.tokens(caller)
        assert.strictEqual(kidOf(old.id_token), before)
        yield* TestClock.adjust("1 minute")
        const young = yield* world.tokens(caller)
        assert.strictEqual(kidOf(young.id_token), after)
        assert.strictEqual(kidOf(young.access_token), after)
        yield* TestClock.adjust("239 seconds")
        yield* world.verify(caller, old.id_token)
        assert.strictEqual((yield* world.userInfo(caller, old.access_token)).status, 200)
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* verifies(yield* published(caller), old.id_token))
        assert.strictEqual((yield* world.userInfo(caller, old.access_token)).status, 401)
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual((yield* published(caller)).keys.map(({ kid }) => kid), [after])
      }),
      { clients: [world.app] },
      { keys: ringOf(KeyRotation.rotate([first], second, times)) }
    ))

  it.effect("is of a file, while logins go on and clients keep keys for as long as they may", () => {
    const file = path.join(directory, "load.json")
    return Effect.andThen(
      NodeSigningKeys.make(file),
      world.withProvider(
        Effect.gen(function*() {
          const caller = yield* server.caller
          const kids = new Set<string | undefined>()
          let keys = yield* published(caller)
          let count = 0
          for (let at = 0; at < 180; at++) {
            if (at === 30) yield* NodeSigningKeys.rotate(file)
            // Ten minutes are what the server says.
            if (at % 10 === 0) keys = yield* published(caller)
            const given = yield* Effect.forEach(
              Array.from({ length: 5 }),
              () => world.tokens(caller),
              { concurrency: "unbounded" }
            )
            for (const { access_token, id_token } of given) {
              kids.add(kidOf(id_token))
              assert.isTrue(yield* verifies(keys, id_token), `minute ${at}`)
              assert.isTrue(yield* verifies(keys, access_token), `minute ${at}`)
              assert.strictEqual((yield* world.userInfo(caller, access_token)).status, 200)
              count++
            }
            yield* TestClock.adjust("1 minute")
          }
          assert.strictEqual(count, 900)
          assert.strictEqual(kids.size, 2)
        }),
        { clients: [world.app] },
        { keys: NodeSigningKeys.layerFile(file) }
      )
    )
  }, 60_000)
})
