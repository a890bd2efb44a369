import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import * as RateLimitStoreRedis from "fastmcp-effect/middleware/RateLimitStoreRedis"
import { keys, onRedis } from "../session/places.ts"
import { needing, redis } from "../support/services.ts"
import { suite } from "./contract/RateLimitStore.ts"

const start = Effect.gen(function*() {
  const { client, prefix } = yield* keys
  const services = yield* Layer.build(RateLimitStoreRedis.layer({ prefix }).pipe(Layer.provideMerge(client())))
  return {
    prefix,
    send: Context.get(services, Redis.Redis).send,
    store: Context.get(services, RateLimitStore.RateLimitStore)
  }
})

const algorithms: ReadonlyArray<RateLimitStore.Algorithm> = ["fixed-window", "sliding-window", "token-bucket"]

needing(redis, () => {
  suite("on Redis", onRedis((prefix) => RateLimitStoreRedis.layer({ prefix })))

  describe("RateLimitStoreRedis", () => {
    it.live("keeps a key for as long as it counts", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        for (const algorithm of algorithms) {
          yield* store.take(algorithm, { algorithm, limit: 10, windowMillis: 70_000, burst: 10 }, 1)
        }
        const lives = yield* Effect.forEach(algorithms, (key) => send<number>("PTTL", `${prefix}rate:${key}`))
        for (const [index, [least, most]] of [[69_000, 70_000], [69_000, 80_000], [6000, 7001]].entries()) {
          assert.isTrue(lives[index]! > least! && lives[index]! <= most!, `${algorithms[index]} ${lives[index]}`)
        }
      })))

    it.live("keeps of a sliding window the parts that count", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        for (let index = 0; index < 60; index++) {
          yield* store.take("a", { algorithm: "sliding-window", limit: 1000, windowMillis: 70, burst: 1000 }, 1)
          yield* Effect.sleep(5)
        }
        assert.isAtMost(yield* send<number>("HLEN", `${prefix}rate:a`), 9)
      })))

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        yield* send("RPUSH", `${prefix}rate:a`, "a list")
        for (const algorithm of algorithms) {
          const error = yield* Effect.flip(store.take("a", { algorithm, limit: 1, windowMillis: 1000, burst: 1 }, 1))
          assert.strictEqual(error._tag, "RateLimitUnavailable")
        }
      })))
  })
})
