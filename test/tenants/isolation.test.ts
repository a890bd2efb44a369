/** Whatever happens in whatever order: what a tenant has is seen by its own callers alone. `npm run proof:tenants` has more. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as random from "../server/random.ts"
import * as load from "./load.ts"

describe("isolation", () => {
  it.effect.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "no handler sees what another tenant has, in the order of seed %i",
    (seed) =>
      Lab.withSeed(seed)(Effect.gen(function*() {
        const seen = yield* load.run({
          tenants: 12,
          calls: 300,
          maximum: 6,
          workers: 5,
          random: random.make(seed)
        })
        assert.deepStrictEqual(seen.wrong, [])
        assert.strictEqual(seen.answered, 300)
        assert.isAtMost(seen.most, 6)
        // Else nothing was released and built again.
        assert.isAbove(seen.built, 12)
      }))
  )

  it.effect("of 100 tenants and 5,000 calls none goes astray", () =>
    Effect.gen(function*() {
      const seen = yield* load.run({
        tenants: 100,
        calls: 5_000,
        maximum: 70,
        workers: 60,
        random: random.make(100)
      })
      assert.deepStrictEqual(seen.wrong, [])
      assert.strictEqual(seen.answered, 5_000)
      assert.isAbove(seen.tenants.size, 90)
      assert.isAtMost(seen.most, 70)
    }), 60_000)
})
