/** Has its roots asked for and its values kept, in both eras; exits with 1 if they are not the expected ones. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Market, note, openBasket, putInBasket, whereabouts } from "./server.ts"

const roots = Effect.succeed([{ uri: "file:///home/ada/garden", name: "garden" }, { uri: "file:///home/ada/kitchen" }])

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Market, { revision, answers: { roots } })
    assert.deepEqual(yield* client.call(whereabouts, {}), ["garden", "file:///home/ada/kitchen"])

    if (revision === "2025-11-25") {
      assert.deepEqual(yield* client.call(note, { text: "milk" }), ["milk"])
      assert.deepEqual(yield* client.call(note, { text: "eggs" }), ["milk", "eggs"])
    } else {
      const refused = yield* Effect.flip(client.call(note, { text: "milk" }))
      assert.ok(refused._tag === "SessionStateError" && refused.reason._tag === "NoSession")
    }

    const basket = yield* client.call(openBasket, {})
    assert.deepEqual(yield* client.call(putInBasket, { basket, item: "plums" }), ["plums"])
    assert.deepEqual(yield* client.call(putInBasket, { basket, item: "figs" }), ["plums", "figs"])
    const lost = yield* Effect.flip(client.call(putInBasket, { basket: "another", item: "plums" }))
    assert.equal(lost._tag, "NoSuchBasket")
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: two roots, two items`)
}
