/** Types ahead, in both eras, and exits with 1 if a suggestion is not the expected one. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Shop } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Shop, { revision })
    const trip = { type: "ref/prompt", name: "trip" } as const
    const order = { type: "ref/resource", uri: "shop://orders/{number}" } as const

    // What begins with it comes first, then what contains it.
    const country = yield* client.complete({ ref: trip, argument: { name: "country", value: "a" } })
    assert.deepEqual(country.values, ["France", "Japan"])

    const city = yield* client.complete({
      ref: trip,
      argument: { name: "city", value: "K" },
      context: { arguments: { country: "Japan" } }
    })
    assert.deepEqual(city.values, ["Kyoto"])

    const orders = yield* client.complete({ ref: order, argument: { name: "number", value: "A" } })
    assert.deepEqual([orders.values.length, orders.total, orders.hasMore], [100, 250, true])

    const unknown = yield* Effect.flip(client.complete({ ref: trip, argument: { name: "hotel", value: "" } }))
    assert.equal(unknown.reason._tag, "InvalidParams")
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: K becomes Kyoto`)
}
