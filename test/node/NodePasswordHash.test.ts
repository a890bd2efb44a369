import { assert, describe, it } from "@effect/vitest"
import * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodePasswordHash from "fastmcp-effect/node/NodePasswordHash"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import { argon2Sync } from "node:crypto"

const password = Redacted.make("correct horse")

/** Quick ones. */
const quick = { memory: 64, passes: 1 }

/** By the reference implementation: `argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32` of the word `password`. */
const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

const withHash = <A, E>(
  body: (service: PasswordHash.PasswordHash["Service"]) => Effect.Effect<A, E>,
  options: PasswordHash.Options = quick
) => Effect.flatMap(PasswordHash.PasswordHash, body).pipe(Effect.provide(NodePasswordHash.layer(options)))

describe("NodePasswordHash", () => {
  it.effect("writes Argon2id as others read it, with salts of its own", () =>
    withHash(({ hash, needsRehash, verify }) =>
      Effect.gen(function*() {
        const one = yield* hash(password)
        assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
        assert.notStrictEqual(yield* hash(password), one)
        assert.isFalse(needsRehash(one))
        const [, , , , salt, tag] = one.split("$")
        const expected = argon2Sync("argon2id", {
          message: "correct horse",
          nonce: Buffer.from(salt!, "base64"),
          memory: 19456,
          passes: 2,
          parallelism: 1,
          tagLength: 32
        })
        assert.strictEqual(Buffer.from(tag!, "base64").toString("hex"), expected.toString("hex"))
        assert.isTrue(yield* verify(password, one))
        assert.isFalse(yield* verify(Redacted.make("correct horsE"), one))
      }), {}))

  it.effect("reads hashes of other programs, and says which are too cheap", () =>
    withHash(({ needsRehash, verify }) =>
      Effect.gen(function*() {
        assert.isTrue(yield* verify(Redacted.make("password"), reference))
        assert.isFalse(yield* verify(Redacted.make("passwore"), reference))
        assert.isFalse(needsRehash(reference))
      })
    ))

  it.effect("asks for another hash where one was made with less", () =>
    Effect.gen(function*() {
      const cheap = yield* withHash(({ hash }) => hash(password))
      yield* withHash(({ needsRehash, verify }) =>
        Effect.gen(function*() {
          assert.isTrue(yield* verify(password, cheap))
          assert.isTrue(needsRehash(cheap))
          assert.isTrue(needsRehash("$2b$10$abc"))
        }), { memory: 128, passes: 1 })
    }))

  it.effect("takes a password for the same however its letters were put together", () =>
    withHash(({ hash, verify }) =>
      Effect.gen(function*() {
        assert.isTrue(yield* verify(Redacted.make("Tu\u0308r"), yield* hash(Redacted.make("Tür"))))
      })
    ))

  it.effect("is false for what is no hash, and for one that would take all memory", () =>
    withHash(({ verify }) =>
      Effect.gen(function*() {
        for (
          const hash of [
            undefined,
            "",
            "plain",
            "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=4000000,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=8,t=1,p=99$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbH$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPP="
          ]
        ) assert.isFalse(yield* verify(password, hash), hash)
        // The tag that is compared with where there is none.
        assert.isFalse(yield* verify(Redacted.make(""), undefined))
      })
    ))

  it.effect("says what to do where there is no Argon2id, before anybody logs in", () =>
    Effect.gen(function*() {
      const exit = yield* PasswordHash.PasswordHash.pipe(
        Effect.provide(PasswordHash.layer().pipe(Layer.provide([Kdf.layerWebCrypto, SecureRandom.layerWebCrypto]))),
        Effect.flip
      )
      assert.strictEqual(exit._tag, "Unsupported")
      assert.include(exit.message, "no Argon2id")
    }))

  /** An engine in which a hash takes until it is let go. */
  const slow = () => {
    const seen = { running: 0, most: 0 }
    const gates: Array<() => void> = []
    const kdf = Layer.succeed(Kdf.Kdf, {
      derive: (_, __, { length }) =>
        Effect.callback<Uint8Array>((resume) => {
          seen.running++
          seen.most = Math.max(seen.most, seen.running)
          gates.push(() => {
            seen.running--
            resume(Effect.succeed(new Uint8Array(length)))
          })
        })
    })
    const open = Effect.sync(() => gates.splice(0).forEach((gate) => gate()))
    return { kdf, open, seen }
  }

  it.effect("makes few at one time, and lets no more than so many wait", () =>
    Effect.gen(function*() {
      const { kdf, open, seen } = slow()
      const building = yield* Effect.forkChild(
        Layer.build(
          PasswordHash.layer({ concurrency: 2, maxWaiting: 3 }).pipe(Layer.provide([kdf, SecureRandom.layerWebCrypto]))
        ),
        { startImmediately: true }
      )
      yield* open
      const services = yield* Fiber.join(building)
      yield* Effect.gen(function*() {
        const { hash } = yield* PasswordHash.PasswordHash
        const fibers = yield* Effect.forEach(
          [1, 2, 3, 4, 5],
          () => Effect.forkChild(hash(password), { startImmediately: true })
        )
        const busy = yield* Effect.flip(hash(password))
        assert.strictEqual(busy._tag, "Busy")
        yield* Fiber.interrupt(fibers[4]!)
        const another = yield* Effect.forkChild(hash(password), { startImmediately: true })
        while (another.pollUnsafe() === undefined) {
          yield* open
          yield* Effect.yieldNow
        }
        const exits = yield* Effect.forEach([...fibers.slice(0, 4), another], Fiber.await)
        assert.isTrue(exits.every(Exit.isSuccess))
        assert.strictEqual(seen.most, 2)
      }).pipe(Effect.provide(services))
    }).pipe(Effect.scoped))
})
