/** Plays a user who fills in, declines and visits, in both eras; exits with 1 if the server asks or understands amiss. */
import * as Effect from "effect/Effect"
import type { McpSchema } from "fastmcp-effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Bakery, orderCake, pay } from "./server.ts"

const filledIn: McpSchema.ElicitResult = {
  action: "accept",
  // The rest has defaults.
  content: {
    name: "Ada",
    email: "ada@example.com",
    day: "2026-12-10",
    size: "large",
    glaze: "lemon",
    nuts: ["almond", "walnut"],
    fruit: ["fig"]
  }
}

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const asked: Array<McpSchema.ElicitParams> = []
    let answer = filledIn
    const client = yield* McpTest.client(Bakery, {
      revision,
      answers: {
        elicit: (params) =>
          Effect.sync(() => {
            asked.push(params)
            return answer
          })
      }
    })

    assert.equal(yield* client.call(orderCake, {}), "1 large wheat cake for Ada, on 2026-12-10")
    const [form] = asked
    assert.ok(form !== undefined && form.mode !== "url")
    const { day, dough, fruit, glaze, nuts, pieces, size } = form.requestedSchema.properties
    assert.deepEqual(day, { type: "string", format: "date" })
    assert.deepEqual(pieces, { type: "integer", minimum: 1, maximum: 12, default: 1 })
    assert.deepEqual(size, { type: "string", enum: ["small", "large"] })
    const doughs = [{ const: "rye", title: "Rye" }, { const: "wheat", title: "Wheat" }]
    assert.deepEqual(dough, { type: "string", oneOf: doughs, default: "wheat" })
    assert.deepEqual(glaze, { type: "string", enum: ["choc", "lemon"], enumNames: ["Chocolate", "Lemon"] })
    assert.deepEqual(nuts, { type: "array", items: { type: "string", enum: ["almond", "walnut"] } })
    const fruits = [{ const: "fig", title: "Figs" }, { const: "plum", title: "Plums" }]
    assert.deepEqual(fruit, { type: "array", maxItems: 1, items: { anyOf: fruits } })

    answer = { action: "decline" }
    assert.equal(yield* client.call(orderCake, {}), "No cake today")
    answer = { action: "cancel" }
    assert.equal(yield* client.call(orderCake, {}), "Perhaps later")

    answer = { action: "accept" }
    assert.equal(yield* client.call(pay, { order: 7 }), "On the way to the till")
    const visit = asked.at(-1)!
    assert.ok(visit.mode === "url")
    assert.equal(visit.url, "https://till.example/pay?order=7")

    // A client that cannot show forms is told so.
    const mute = yield* McpTest.client(Bakery, { revision })
    const refused = yield* mute.callTool("order_cake")
    assert.equal(refused.isError, true)
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: 1 large wheat cake for Ada`)
}
