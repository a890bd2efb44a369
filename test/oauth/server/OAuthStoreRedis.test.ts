import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import type * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as OAuthStoreRedis from "fastmcp-effect/oauth/server/OAuthStoreRedis"
import { needing, redis } from "../../support/services.ts"
import { suite } from "./contract/OAuthStore.ts"
import { dumpRedis, keys, onRedis } from "./places.ts"

const key = (id: string, kind = "code"): OAuthStore.Key => ({ kind, id })
const minute = Effect.map(
  Clock.currentTimeMillis,
  (now): OAuthStore.Entry => ({ data: "data", expiresAt: now + 60_000 })
)

const start = Effect.gen(function*() {
  const place = yield* keys
  const { client, prefix } = place
  const services = yield* Layer.build(OAuthStoreRedis.layer({ prefix }).pipe(Layer.provideMerge(client())))
  return {
    place,
    prefix,
    send: Context.get(services, Redis.Redis).send,
    store: Context.get(services, OAuthStore.OAuthStore)
  }
})

needing(redis, () => {
  suite("on Redis", onRedis((prefix) => OAuthStoreRedis.layer({ prefix })))

  describe("OAuthStoreRedis", () => {
    it.live("keeps nothing for ever, and nothing of what was removed", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        const one = yield* minute
        yield* store.putOnce(key("g", "grant"), one)
        yield* store.putOnce(key("1"), { ...one, grant: "g" })
        yield* store.takeOnce(key("1"), [[key("2"), one]])
        yield* store.replace(key("2"), "data", { ...one, data: "other" })
        yield* store.count(key("1"), 60_000)
        yield* store.count(key("1"), 1)
        const names = ["oauth-count:code:1", "oauth:code:1", "oauth:code:2", "oauth:grant:g"].map((name) =>
          prefix + name
        )
        const all = Effect.map(send<Array<string>>("KEYS", `${prefix}*`), (all) => all.toSorted())
        assert.deepStrictEqual(yield* all, names)
        for (const name of names) {
          const life = yield* send<number>("PTTL", name)
          assert.isTrue(life > 50_000 && life <= 60_000, `${name} ${life}`)
        }
        yield* store.remove(key("1"))
        yield* store.remove(key("2"))
        yield* store.endGrant("g")
        assert.deepStrictEqual(yield* all, names.slice(0, 1))
      })))

    it.effect("gives what it keeps the time the caller's clock gives it", () =>
      Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        // By this clock it is 1970.
        yield* store.putOnce(key("1"), yield* minute)
        const life = yield* send<number>("PTTL", `${prefix}oauth:code:1`)
        assert.isTrue(life > 50_000 && life <= 60_000)
      }))

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        for (const name of ["oauth:code:1", "oauth-count:code:1"]) yield* send("SET", prefix + name, "not a hash")
        const one = yield* minute
        const calls = [
          store.putOnce(key("1"), one),
          store.get(key("1")),
          store.takeOnce(key("1")),
          store.replace(key("1"), "data", one),
          store.remove(key("1")),
          store.count(key("1"), 1)
        ]
        for (const call of calls) {
          const { reason } = yield* Effect.flip(call as Effect.Effect<never, OAuthStoreError.OAuthStoreError>)
          assert.strictEqual(reason._tag, "Unavailable")
        }
      })))

    it.live("holds nothing that a dump does not show", () =>
      Effect.scoped(Effect.gen(function*() {
        const { place, store } = yield* start
        const one = yield* minute
        yield* store.putOnce(key("the grant", "grant"), one)
        yield* store.putOnce(key("the id"), { ...one, grant: "the grant" })
        yield* store.takeOnce(key("the id"), [[key("the next"), { ...one, data: "the data" }]])
        yield* store.count(key("the address", "attempts"), 1000)
        const dump = yield* dumpRedis(place)
        for (const text of ["the grant", "the id", "the next", "the data", "the address", "attempts"]) {
          assert.include(dump, text)
        }
        assert.strictEqual(dump.split("\n").length, 4)
      })))
  })
})
