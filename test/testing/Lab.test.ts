import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Lab from "fastmcp-effect/testing/Lab"

/** Eight fibers that each say their number three times: the order is the scheduler's. */
const order = (seed: number) =>
  Effect.gen(function*() {
    const said: Array<number> = []
    const speak = (number: number) =>
      Effect.gen(function*() {
        for (let time = 0; time < 3; time++) {
          said.push(number)
          yield* Effect.yieldNow
        }
      })
    const fibers = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (number) => Effect.forkChild(speak(number)))
    yield* Fiber.joinAll(fibers)
    return said.join("")
  }).pipe(Lab.withSeed(seed))

describe("Lab", () => {
  it.effect("replays the same order from the same seed, and others from others", () =>
    Effect.gen(function*() {
      const orders = yield* Effect.forEach([1, 2, 3, 4, 5], order)
      assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3, 4, 5], order), orders)
      assert.isAbove(new Set(orders).size, 3)
    }))

  it.effect("settles when nothing is ready any more", () =>
    Effect.gen(function*() {
      let steps = 0
      const worker = Effect.gen(function*() {
        for (; steps < 500; steps++) yield* Effect.yieldNow
        return yield* Effect.never
      })
      yield* Effect.forkScoped(worker)
      yield* Lab.settle
      assert.strictEqual(steps, 500)
    }).pipe(Lab.withSeed(7)))

  it.effect("dies when nothing ever settles", () =>
    Effect.gen(function*() {
      yield* Effect.forkScoped(Effect.forever(Effect.yieldNow))
      const exit = yield* Effect.exit(Lab.settle)
      assert.strictEqual(exit._tag, "Failure")
    }).pipe(Effect.scoped, Lab.withSeed(7)))
})
