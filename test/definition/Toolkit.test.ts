import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Toolkit from "fastmcp-effect/definition/Toolkit"

class Rate extends Context.Service<Rate, number>()("test/definition/Toolkit/Rate") {}

const convert = Tool.make("convert", { parameters: { amount: Schema.Finite }, success: Schema.Finite })
const currency = Tool.make("currency", { success: Schema.String })
const Money = Toolkit.make(convert, currency)

describe("a toolkit", () => {
  it("keeps its contracts in order, and goes into another", () => {
    const other = Tool.make("other")
    assert.deepStrictEqual(Toolkit.make(...Money.tools, other).tools.map(({ name }) => name), [
      "convert",
      "currency",
      "other"
    ])
  })

  it.effect("gives each contract the handler of its name", () =>
    Effect.gen(function*() {
      const [first, second] = Toolkit.handle(Money, {
        currency: () => Effect.succeed("EUR"),
        convert: ({ amount }) => Effect.map(Rate, (rate) => amount * rate)
      })
      assert.isTrue(Tool.isHandled(first) && Tool.isHandled(second))
      const converted = yield* Effect.provideService(Tool.respond(first!, { amount: 2 }), Rate, 3)
      assert.strictEqual(converted.structuredContent, 6)
      const named = yield* Effect.provideService(Tool.respond(second!, {}), Rate, 3)
      assert.deepStrictEqual(named.content, [{ type: "text", text: "EUR" }])
    }))

  it.effect("takes its handlers from an effect, which reads its services once", () =>
    Effect.gen(function*() {
      let reads = 0
      const build = Effect.gen(function*() {
        reads++
        const rate = yield* Rate
        return Toolkit.of(Money, {
          convert: ({ amount }) => Effect.succeed(amount * rate),
          currency: () => Effect.succeed("EUR")
        })
      })
      const [first] = yield* Effect.provideService(Toolkit.handleEffect(Money, build), Rate, 5)
      assert.strictEqual((yield* Tool.respond(first!, { amount: 2 })).structuredContent, 10)
      assert.strictEqual((yield* Tool.respond(first!, { amount: 3 })).structuredContent, 15)
      assert.strictEqual(reads, 1)
    }))
})
