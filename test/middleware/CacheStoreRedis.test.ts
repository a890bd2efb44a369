import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as CacheStoreRedis from "fastmcp-effect/middleware/CacheStoreRedis"
import { keys, onRedis } from "../session/places.ts"
import { needing, redis } from "../support/services.ts"
import { suite } from "./contract/CacheStore.ts"

const start = Effect.gen(function*() {
  const { client, prefix } = yield* keys
  const services = yield* Layer.build(CacheStoreRedis.layer({ prefix }).pipe(Layer.provideMerge(client())))
  return {
    prefix,
    send: Context.get(services, Redis.Redis).send,
    store: Context.get(services, CacheStore.CacheStore)
  }
})

const entry = (text: string, ttlMillis: number, ...tags: ReadonlyArray<string>): CacheStore.Entry => ({
  text,
  bytes: text.length,
  ttlMillis,
  tags
})

const parts = ["texts", "about", "used", "ends", "tags"]

needing(redis, () => {
  suite(
    "on Redis",
    onRedis((prefix, options: CacheStore.Options) => CacheStoreRedis.layer({ prefix, ...options }))
  )

  describe("CacheStoreRedis", () => {
    it.live("leaves nothing behind but its state when the longest result is over", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        const { epoch } = yield* store.get("a")
        yield* store.put("a", entry("a", 60_000, "tag"), epoch)
        yield* store.put("b", entry("b", 20), epoch)
        for (const part of parts) {
          const life = yield* send<number>("PTTL", `${prefix}cache:${part}`)
          assert.isTrue(life > 55_000 && life <= 60_000, `${part} ${life}`)
        }
        yield* store.invalidate("tag")
        yield* Effect.sleep(25)
        yield* store.get("b")
        assert.deepStrictEqual(yield* send("KEYS", `${prefix}*`), [`${prefix}cache:state`])
      })))

    it.live("uses nothing of what Redis has taken a part of", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        for (const part of [...parts, "state"]) {
          const { epoch } = yield* store.get("a")
          yield* store.put("a", entry("a", 60_000, "tag"), epoch)
          yield* store.put("b", entry("b", 60_000), epoch)
          assert.strictEqual((yield* store.get("a")).text, "a")
          yield* send("DEL", `${prefix}cache:${part}`)
          const after = yield* store.get("a")
          assert.strictEqual(after.text, undefined, part)
          assert.notStrictEqual(after.epoch, epoch, part)
          yield* store.put("a", entry("old", 60_000), epoch)
          assert.deepInclude(yield* store.statistics, { entries: 0, bytes: 0 }, part)
        }
      })))
  })
})
