import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { starts, withWorker } from "./support.ts"

const User = Schema.Struct({ user: Schema.String, n: Schema.Int })

const byUser = ({ user }: typeof User.Type) => user

describe("concurrency by key", () => {
  it.effect("is never more, and another key does not wait for it", () =>
    Effect.gen(function*() {
      const most = new Map<string, number>()
      const now = new Map<string, number>()
      const step = (user: string, by: number) =>
        Effect.sync(() => {
          now.set(user, (now.get(user) ?? 0) + by)
          most.set(user, Math.max(most.get(user) ?? 0, now.get(user)!))
        })
      const task = DocketTask.make("limited", { payload: User, concurrency: { key: byUser, limit: 2 } })
      const handled = DocketTask.handle(task, ({ user }) =>
        step(user, 1).pipe(Effect.andThen(Effect.sleep("1 second")), Effect.andThen(step(user, -1))))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        for (let n = 0; n < 6; n++) {
          yield* docket.add(task, { user: "a", n })
        }
        yield* docket.add(task, { user: "b", n: 0 })
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(Object.fromEntries(now), { a: 2, b: 1 })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(Object.fromEntries(most), { a: 2, b: 1 })
        const { executions } = yield* docket.list()
        assert.deepStrictEqual(
          executions.map(({ attempt, status }) =>
            `${status} ${attempt}`
          ),
          Array(7).fill("Succeeded 1")
        )
      }).pipe(withWorker([handled]))
    }))
})

describe("rate by key", () => {
  it.effect("holds in any window", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      const task = DocketTask.make("rated", {
        payload: User,
        rateLimit: { key: byUser, limit: 2, window: "1 minute" }
      })
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        for (let n = 0; n < 5; n++) {
          yield* docket.add(task, { user: "a", n })
          yield* TestClock.adjust("10 seconds")
        }
        yield* docket.add(task, { user: "b", n: 0 })
        yield* TestClock.adjust("5 minutes")
        const times = (yield* all).filter(([user]) => user === "a").map(([, at]) => at)
        assert.strictEqual(times.length, 5)
        assert.deepStrictEqual(times.slice(0, 2), [0, 10_000])
        times.forEach((at, index) => assert.isTrue(index < 2 || at - times[index - 2]! >= 60_000))
        assert.isBelow(times[2]!, 61_000)
        assert.deepStrictEqual((yield* all).find(([user]) => user === "b"), ["b", 50_000])
      }).pipe(withWorker([DocketTask.handle(task, ({ user }) => note(user))]))
    }))
})

describe("a cooldown", () => {
  it.effect("drops what follows too soon", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      const task = DocketTask.make("cool", { payload: User, cooldown: { key: byUser, window: "1 minute" } })
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const add = (user: string, n: number) => Effect.map(docket.add(task, { user, n }), ({ outcome }) => outcome)
        const outcomes = [yield* add("a", 1), yield* add("a", 2), yield* add("b", 1)]
        yield* TestClock.adjust(59_999)
        outcomes.push(yield* add("a", 3))
        yield* TestClock.adjust(1)
        outcomes.push(yield* add("a", 4), yield* add("a", 5))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(outcomes, ["Added", "Cooling", "Added", "Cooling", "Added", "Cooling"])
        assert.deepStrictEqual(yield* all, [["a1", 0], ["b1", 0], ["a4", 60_000]])
      }).pipe(withWorker([DocketTask.handle(task, ({ n, user }) => note(`${user}${n}`))]))
    }))

  it.effect("does not lose what comes after it while the first still runs", () =>
    Effect.gen(function*() {
      const { payloads, note } = yield* starts
      const task = DocketTask.make("cool", { payload: User, cooldown: { key: byUser, window: "1 second" } })
      const handled = DocketTask.handle(task, ({ n }) => Effect.andThen(note(`${n}`), Effect.sleep("1 minute")))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.add(task, { user: "a", n: 1 })
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* docket.add(task, { user: "a", n: 2 })).outcome, "Added")
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(yield* payloads, ["1", "2"])
      }).pipe(withWorker([handled]))
    }))
})

describe("a debounce", () => {
  const task = DocketTask.make("quiet", {
    payload: User,
    debounce: { key: byUser, wait: "10 seconds", maxWait: "25 seconds" }
  })

  it.effect("runs the last once it is quiet", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const outcomes: Array<string> = []
        for (let n = 1; n <= 3; n++) {
          outcomes.push((yield* docket.add(task, { user: "a", n })).outcome)
          yield* TestClock.adjust("5 seconds")
        }
        yield* TestClock.adjust("1 minute")
        outcomes.push((yield* docket.add(task, { user: "a", n: 4 })).outcome)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(outcomes, ["Added", "Debounced", "Debounced", "Added"])
        assert.deepStrictEqual(yield* all, [["3", 20_000], ["4", 85_000]])
      }).pipe(withWorker([DocketTask.handle(task, ({ n }) => note(`${n}`))]))
    }))

  it.effect("does not put it off for ever", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        for (let n = 1; n <= 8; n++) {
          yield* docket.add(task, { user: "a", n })
          yield* TestClock.adjust("5 seconds")
        }
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* all, [["5", 25_000], ["8", 45_000]])
      }).pipe(withWorker([DocketTask.handle(task, ({ n }) => note(`${n}`))]))
    }))

  it.effect("puts what comes during a run into the next", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      const interrupted = yield* Ref.make(false)
      const handled = DocketTask.handle(task, ({ n }) =>
        Effect.andThen(
          note(`${n}`),
          Effect.onInterrupt(Effect.sleep("1 minute"), () => Ref.set(interrupted, true))
        ))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.add(task, { user: "a", n: 1 })
        yield* TestClock.adjust("11 seconds")
        yield* docket.add(task, { user: "a", n: 2 })
        yield* docket.add(task, { user: "a", n: 3 })
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([yield* payloads, yield* Ref.get(interrupted)], [["1", "3"], false])
      }).pipe(withWorker([handled]))
    }))
})
