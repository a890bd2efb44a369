import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as ReceiptStoreRedis from "fastmcp-effect/middleware/ReceiptStoreRedis"
import { keys, onRedis } from "../session/places.ts"
import { needing, redis } from "../support/services.ts"
import { suite } from "./contract/ReceiptStore.ts"

const start = Effect.gen(function*() {
  const { client, prefix } = yield* keys
  const services = yield* Layer.build(ReceiptStoreRedis.layer({ prefix }).pipe(Layer.provideMerge(client())))
  return {
    prefix,
    send: Context.get(services, Redis.Redis).send,
    store: Context.get(services, ReceiptStore.ReceiptStore)
  }
})

const call: ReceiptStore.Call = {
  fingerprint: "x",
  round: undefined,
  leaseMillis: 1000,
  ttlMillis: 70_000,
  isHarmless: false
}

needing(redis, () => {
  suite("on Redis", onRedis((prefix) => ReceiptStoreRedis.layer({ prefix })))

  describe("ReceiptStoreRedis", () => {
    it.live("keeps a receipt for as long as it is told, under a name that says nothing of its key", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        const begun = yield* store.begin("a", call)
        if (begun._tag === "Begun") yield* store.end("a", begun.run, { _tag: "Done", text: "1" }, 50_000)
        const found = yield* send<ReadonlyArray<string>>("KEYS", `${prefix}receipt:*`)
        assert.lengthOf(found, 1)
        assert.match(found[0]!, /:[\w-]{43}$/)
        const life = yield* send<number>("PTTL", found[0]!)
        assert.isTrue(life > 49_000 && life <= 50_000, `${life}`)
      })))

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        yield* store.begin("a", call)
        const [key] = yield* send<ReadonlyArray<string>>("KEYS", `${prefix}receipt:*`)
        yield* send("DEL", key!)
        yield* send("RPUSH", key!, "a list")
        assert.strictEqual((yield* Effect.flip(store.begin("a", call)))._tag, "ReceiptsUnavailable")
        assert.strictEqual((yield* Effect.flip(store.renew("a", "run", 1)))._tag, "ReceiptsUnavailable")
      })))
  })
})
