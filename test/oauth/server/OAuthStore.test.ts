import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import { suite } from "./contract/OAuthStore.ts"
import { memory } from "./places.ts"

suite("in memory", memory(() => OAuthStore.layerMemory()))

const start = (maxEntries: number) =>
  Effect.map(Layer.build(OAuthStore.layerMemory({ maxEntries })), Context.get(OAuthStore.OAuthStore))

const key = (id: string, kind = "code"): OAuthStore.Key => ({ kind, id })

const one: OAuthStore.Entry = { data: "", expiresAt: 1000 }
const long: OAuthStore.Entry = { data: "", expiresAt: 100_000 }

const isFull = (effect: Effect.Effect<unknown, OAuthStoreError.OAuthStoreError>, maximum: number) =>
  Effect.map(
    Effect.flip(effect as Effect.Effect<never, OAuthStoreError.OAuthStoreError>),
    ({ reason }) => assert.deepStrictEqual(reason, new OAuthStoreError.Full({ maximum }))
  )

describe("the bound of layerMemory", () => {
  it.effect("refuses what would be one too many, and lets nothing go for it", () =>
    Effect.gen(function*() {
      const store = yield* start(3)
      yield* store.putOnce(key("1"), one)
      yield* store.putOnce(key("2"), long)
      yield* store.count(key("1"), 1000)
      yield* isFull(store.putOnce(key("3"), long), 3)
      yield* isFull(store.takeOnce(key("1"), [[key("3"), long]]), 3)
      yield* isFull(store.count(key("2"), 1000), 3)
      assert.deepStrictEqual(yield* store.get(key("1")), { _tag: "Live", entry: one })
      // What needs no room.
      assert.isFalse(yield* store.putOnce(key("1"), long))
      assert.isTrue(yield* store.replace(key("1"), "", one))
      assert.strictEqual(yield* store.count(key("1"), 1000), 2)
      assert.strictEqual((yield* store.takeOnce(key("1")))._tag, "Live")
      assert.deepStrictEqual(yield* store.takeOnce(key("1"), [[key("3"), long]]), { _tag: "Used", grant: undefined })
      // A used one is still there.
      yield* isFull(store.putOnce(key("3"), long), 3)
    }))

  it.effect("has room again for what is over, removed, or of a grant that has ended", () =>
    Effect.gen(function*() {
      const store = yield* start(3)
      const fill = Effect.forEach(["a", "b", "c"], (id) => Effect.exit(store.putOnce(key(id), long)))
      yield* store.putOnce(key("1"), one)
      yield* store.count(key("1"), 2000)
      yield* store.putOnce(key("2"), long)
      yield* isFull(store.putOnce(key("3"), long), 3)
      yield* TestClock.adjust("1 second")
      yield* store.putOnce(key("3"), long)
      yield* isFull(store.putOnce(key("4"), long), 3)
      yield* TestClock.adjust("1 second")
      yield* store.putOnce(key("4"), long)
      yield* isFull(store.putOnce(key("5"), long), 3)
      yield* store.remove(key("4"))
      yield* store.putOnce(key("g", "grant"), { data: "", expiresAt: 3000 })
      yield* isFull(store.putOnce(key("5"), long), 3)
      yield* store.remove(key("3"))
      yield* store.putOnce(key("of g"), { ...long, grant: "g" })
      yield* isFull(store.putOnce(key("5"), long), 3)
      yield* store.endGrant("g")
      yield* store.putOnce(key("h", "grant"), { data: "", expiresAt: 3000 })
      yield* store.putOnce(key("of h"), { ...long, grant: "h" })
      yield* TestClock.adjust("1 second")
      // Two for one grant that is over.
      yield* fill
      assert.strictEqual((yield* store.get(key("b")))._tag, "Live")
      yield* isFull(store.putOnce(key("5"), long), 3)
    }))

  it.effect("does not count what is kept in vain", () =>
    Effect.gen(function*() {
      const store = yield* start(3)
      yield* store.putOnce(key("1"), long)
      yield* store.takeOnce(key("1"), [[key("2"), { ...long, grant: "gone" }], [key("3"), { ...long, grant: "gone" }]])
      yield* store.putOnce(key("4"), long)
      yield* store.putOnce(key("5"), long)
      yield* isFull(store.putOnce(key("6"), long), 3)
    }))

  it.effect("does not look at everything each time somebody is refused", () =>
    Effect.gen(function*() {
      const store = yield* start(50_000)
      for (let index = 0; index < 50_000; index++) yield* store.putOnce(key(`${index}`), long)
      const begun = performance.now()
      for (let index = 0; index < 2000; index++) yield* isFull(store.putOnce(key("x"), one), 50_000)
      assert.isBelow(performance.now() - begun, 3000)
    }))
})
