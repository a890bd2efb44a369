import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Gathered from "../../src/storage/Gathered.ts"

type Asked = ReadonlyArray<ReadonlyArray<number>>

/** Doubles; what is asked of it, statement for statement, and whether more than one can be asked for together. */
const doubling = Effect.fnUntraced(function*(
  options: Partial<Gathered.Options<number, number, string>> & { readonly breaks?: boolean } = {}
) {
  const asked: Array<ReadonlyArray<number>> = []
  const double = yield* Gathered.make<number, number, string>({
    one: (item) =>
      Effect.suspend(() => {
        asked.push([item])
        return item < 0 ? Effect.fail(`${item} is too little`) : Effect.succeed(2 * item)
      }),
    many: (items) =>
      Effect.suspend(() => {
        asked.push(items)
        return options.breaks === true
          ? Effect.fail("no such statement")
          : Effect.succeed(items.map((item) => Exit.succeed(2 * item)))
      }),
    most: 4,
    ...options
  })
  return { asked: asked as Asked, double }
})

const all = <A, E>(effects: ReadonlyArray<Effect.Effect<A, E>>) =>
  Effect.all(effects.map(Effect.exit), { concurrency: "unbounded" })

describe("what is wanted at one moment", () => {
  it.effect("is asked for together, and each has its own answer", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling()
      assert.deepStrictEqual(yield* all([1, 2, 3].map(double)), [2, 4, 6].map(Exit.succeed))
      assert.deepStrictEqual(asked, [[1, 2, 3]])
    }))

  it.effect("and what comes while that is under way, go so many times at once and no more", () =>
    Effect.gen(function*() {
      const asked: Array<ReadonlyArray<number>> = []
      const answer = (items: ReadonlyArray<number>) =>
        Effect.andThen(Effect.sync(() => asked.push(items)), Effect.as(Effect.sleep(10), items.map(Exit.succeed)))
      const say = yield* Gathered.make<number, number, never>({
        one: (item) => Effect.as(answer([item]), item),
        many: answer,
        most: 3,
        flights: 1
      })
      const said = yield* Effect.forkChild(Effect.forEach([1, 2], say, { concurrency: "unbounded" }))
      yield* TestClock.adjust(5)
      const later = yield* Effect.forkChild(Effect.forEach([3, 4, 5, 6], say, { concurrency: "unbounded" }))
      yield* TestClock.adjust(4)
      assert.deepStrictEqual(asked, [[1, 2]])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(asked, [[1, 2], [3, 4, 5]])
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(asked, [[1, 2], [3, 4, 5], [6]])
      yield* TestClock.adjust(10)
      assert.deepStrictEqual([yield* Fiber.join(said), yield* Fiber.join(later)], [[1, 2], [3, 4, 5, 6]])
    }))

  it.effect("is asked for alone where it is alone", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling()
      assert.strictEqual(yield* double(1), 2)
      assert.strictEqual(yield* double(2), 4)
      assert.deepStrictEqual(asked, [[1], [2]])
    }))

  it.effect("is asked for in portions", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling()
      assert.deepStrictEqual(
        yield* all([1, 2, 3, 4, 5, 6, 7, 8, 9].map(double)),
        [2, 4, 6, 8, 10, 12, 14, 16, 18].map(Exit.succeed)
      )
      assert.deepStrictEqual(asked, [[1, 2, 3, 4], [5, 6, 7, 8], [9]])
    }))

  it.effect("waits for the next time where something with its key is asked for", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling({ key: (item) => String(item % 10) })
      yield* all([1, 2, 11, 3, 21].map(double))
      assert.deepStrictEqual(asked, [[1, 2, 3], [11], [21]])
    }))

  it.effect("does not wait for others where it is large", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling({ isAlone: (item) => item > 100 })
      yield* all([1, 101, 2].map(double))
      assert.deepStrictEqual(asked, [[101], [1, 2]])
    }))

  it.effect("is asked for one by one when it cannot be asked for together, and fails one by one", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling({ breaks: true })
      assert.deepStrictEqual(yield* all([1, -2, 3].map(double)), [
        Exit.succeed(2),
        Exit.fail("-2 is too little"),
        Exit.succeed(6)
      ])
      assert.deepStrictEqual(asked, [[1, -2, 3], [1], [-2], [3]])
    }))

  it.effect("is not asked for when nobody wants it any more", () =>
    Effect.gen(function*() {
      const { asked, double } = yield* doubling()
      const unwanted = yield* Effect.forkChild(double(1), { startImmediately: true })
      const wanted = yield* Effect.forkChild(double(2), { startImmediately: true })
      yield* Fiber.interrupt(unwanted)
      assert.strictEqual(yield* Fiber.join(wanted), 4)
      assert.deepStrictEqual(asked, [[2]])
    }))
})
