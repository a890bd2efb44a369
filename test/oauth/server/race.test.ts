import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import { memory } from "../../session/places.ts"
import { needing } from "../../support/services.ts"
import * as race from "./race.ts"

/** Looks first and takes then. */
const hasty = Layer.effect(
  OAuthStore.OAuthStore,
  Effect.map(OAuthStore.OAuthStore, (store) => ({
    ...store,
    takeOnce: (key, next) =>
      Effect.gen(function*() {
        const found = yield* store.get(key)
        // Long enough for all, also where they do not come at once.
        yield* Effect.sleep("50 millis")
        yield* store.takeOnce(key, next)
        return found
      })
  }))
).pipe(Layer.provide(OAuthStore.layerMemory()))

describe("what may be used once", () => {
  for (const [name, { needs, store }] of Object.entries(race.stores)) {
    const test = () =>
      it.live(`is used by one of 50 at the same moment, and is void after that: ${name}`, () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* race.run(name, store, { rounds: 3, crowd: 50 }), [])
        }))
    if (needs === undefined) test()
    else needing(needs, test)
  }

  it.live("is seen to be used by many where a store does not do it in one step", () =>
    Effect.gen(function*() {
      const failures = yield* race.run("hasty", memory(() => hasty), { rounds: 1, crowd: 50 })
      for (const what of ["code", "refresh token", "device code"]) {
        const mine = failures.filter((failure) => failure.startsWith(`hasty, round 1, ${what}: `))
        assert.match(String(mine[0]), /: ([2-9]|\d\d) of 50 got tokens$/u)
      }
    }))
})
