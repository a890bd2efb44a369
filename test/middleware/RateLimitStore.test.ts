import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import { setTimeout } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { memory } from "../session/places.ts"
import { suite } from "./contract/RateLimitStore.ts"

suite("in memory", memory(() => RateLimitStore.layerMemory()))

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

/** Bytes of what the stores keep their keys in, garbage not counted: that is given back beside the program, a little later. */
const held = Effect.promise(async () => {
  let least = Infinity
  for (let look = 0; look < 20; look++) {
    collect()
    await setTimeout(25)
    least = Math.min(least, process.memoryUsage().arrayBuffers)
  }
  return least
})

const start = (maxKeys?: number) =>
  Effect.map(
    Layer.build(Layer.fresh(RateLimitStore.layerMemory(maxKeys === undefined ? {} : { maxKeys }))),
    Context.get(RateLimitStore.RateLimitStore)
  )

const once: RateLimitStore.Rule = { algorithm: "fixed-window", limit: 1, windowMillis: 60_000, burst: 1 }

describe("RateLimitStore.layerMemory", () => {
  it.effect("keeps a million keys in 64 MB, and forgets none of them", () =>
    Effect.gen(function*() {
      const before = yield* held
      const store = yield* start(1_000_000)
      let index = 0
      const key = (index: number) => `["identity",100,null,null] https://login.acme.example/ user-${index}`
      yield* Effect.repeat(
        Effect.suspend(() => store.take(key(index++), once, 1)),
        { until: () => index === 1_000_000 }
      )
      assert.isBelow((yield* held) - before, 64_000_000)
      for (index = 0; index < 1_000_000; index += 7) assert.isFalse((yield* store.take(key(index), once, 1)).isTaken)
    }), 120_000)

  it.effect(
    "forgets none of as many keys as it is for, and is not larger for ten times as many",
    () =>
      Effect.gen(function*() {
        for (const maxKeys of [1, 100, 2048, 5000]) {
          const store = yield* start(maxKeys)
          for (let index = 0; index < maxKeys; index++) yield* store.take(`${index}`, once, 1)
          for (let index = 0; index < maxKeys; index++) assert.isFalse((yield* store.take(`${index}`, once, 1)).isTaken)
          const before = yield* held
          for (let index = 0; index < 10 * maxKeys; index++) yield* store.take(`other ${index}`, once, 1)
          assert.isAtMost((yield* held) - before, maxKeys * 64 + 10_000)
        }
      }),
    60_000
  )

  it.effect("uses the room of what counts no more", () =>
    Effect.gen(function*() {
      const store = yield* start(2000)
      const fill = (label: string) =>
        Effect.gen(function*() {
          for (let index = 0; index < 2000; index++) yield* store.take(`${label}${index}`, once, 1)
        })
      yield* fill("a")
      const before = yield* held
      for (const label of ["b", "c", "d", "e"]) {
        yield* TestClock.adjust("1 minute")
        yield* fill(label)
      }
      for (let index = 0; index < 2000; index++) assert.isFalse((yield* store.take(`e${index}`, once, 1)).isTaken)
      assert.isAtMost((yield* held) - before, 200_000)
    }))

  it.effect("lets the one go that would be forgotten next, when there is no room", () =>
    Effect.gen(function*() {
      const store = yield* start(1)
      const long = { ...once, windowMillis: 3_600_000 }
      yield* store.take("kept", long, 1)
      for (let index = 0; index < 1000; index++) yield* store.take(`${index}`, once, 1)
      assert.isFalse((yield* store.take("kept", long, 1)).isTaken)
    }))

  it.effect("cannot be for no key", () =>
    Effect.gen(function*() {
      for (const maxKeys of [0, -1, 1.5, NaN]) {
        assert.strictEqual((yield* Effect.exit(Effect.scoped(start(maxKeys))))._tag, "Failure")
      }
    }))
})
