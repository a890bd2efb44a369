import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import * as Deadlines from "../../src/core/Deadlines.ts"
import { countingClock } from "./countingClock.ts"

type Step =
  | { readonly _tag: "Add"; readonly delay: number }
  | { readonly _tag: "Remove"; readonly which: number }
  | { readonly _tag: "Wait"; readonly millis: number }

const step: Arbitrary.Arbitrary<Step> = Arbitrary.schema(Schema.Union([
  Schema.TaggedStruct("Add", { delay: Schema.Literals([-5, 0, 1, 2, 5, 10, 10, 10, 17, 20, 30]) }),
  Schema.TaggedStruct("Add", { delay: Schema.Int.check(Schema.isBetween({ minimum: -5, maximum: 60 })) }),
  Schema.TaggedStruct("Remove", { which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })) }),
  Schema.TaggedStruct("Wait", { millis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 25 })) })
]))

/** Runs a schedule against the real thing and against a list, and compares after every step. */
const agreesWithList = Effect.fnUntraced(function*(schedule: ReadonlyArray<Step>) {
  const clock = yield* Clock.Clock
  const deadlines = yield* Deadlines.make
  const entries: Array<Deadlines.Entry> = []
  const model: Array<{ readonly id: number; readonly at: number; readonly due: number }> = []
  let fired: Array<{ readonly id: number; readonly at: number; readonly now: number }> = []

  for (const step of [...schedule, { _tag: "Wait", millis: 1000 } as const]) {
    switch (step._tag) {
      case "Add": {
        const now = clock.currentTimeMillisUnsafe()
        const at = now + step.delay
        const id = entries.length
        entries.push(deadlines.add(at, () => fired.push({ id, at, now: clock.currentTimeMillisUnsafe() })))
        model.push({ id, at, due: Math.max(at, now) })
        break
      }
      case "Remove": {
        const entry = entries[step.which]
        if (entry === undefined) break
        deadlines.remove(entry)
        const index = model.findIndex(({ id }) => id === step.which)
        if (index >= 0) model.splice(index, 1)
        break
      }
      case "Wait": {
        yield* TestClock.adjust(step.millis)
        const now = clock.currentTimeMillisUnsafe()
        const due = model.filter((entry) => entry.due <= now)
        for (const entry of due) model.splice(model.indexOf(entry), 1)
        for (let i = 1; i < fired.length; i++) assert.isTrue(fired[i - 1]!.at <= fired[i]!.at, "fires in time order")
        assert.deepStrictEqual(
          fired.toSorted((a, b) => a.id - b.id),
          due.map(({ id, at, due }) => ({ id, at, now: due })).sort((a, b) => a.id - b.id)
        )
        fired = []
      }
    }
    assert.strictEqual(deadlines.size(), model.length)
    assert.deepStrictEqual(fired, [], "nothing fires while add or remove runs")
  }
})

describe("Deadlines", () => {
  it.effect.prop(
    "whatever is added, removed and waited for, exactly the due entries fire, once, at their time",
    [Arbitrary.array(step, { maxLength: 60 })],
    ([schedule]) => Effect.scoped(agreesWithList(schedule)),
    { arbitrary: { runs: 150, size: 60 }, timeout: 20_000 }
  )

  it.effect("does so when nothing comes in order and the lanes are full", () =>
    Effect.scoped(Effect.gen(function*() {
      let seed = 42
      const random = (n: number) => {
        seed = (seed * 1103515245 + 12345) % 2147483648
        return seed % n
      }
      const schedule: Array<Step> = []
      for (let i = 0; i < 300; i++) schedule.push({ _tag: "Add", delay: 3000 - 7 * i })
      for (let i = 0; i < 700; i++) {
        schedule.push({ _tag: "Add", delay: random(4000) })
        if (i % 2 === 0) schedule.push({ _tag: "Remove", which: random(300 + i) })
        if (i % 50 === 0) schedule.push({ _tag: "Wait", millis: random(100) })
      }
      yield* agreesWithList([...schedule, { _tag: "Wait", millis: 5000 }])
    })), 20_000)

  it.effect("an earlier deadline wakes the watcher early", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      const fired: Array<string> = []
      deadlines.add(10_000, () => fired.push("late"))
      yield* TestClock.adjust("1 second")
      deadlines.add(2000, () => fired.push("early"))
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(fired, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(fired, ["early"])
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(fired, ["early", "late"])
    }))

  it.effect("an action that throws is logged and harms nobody", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      const fired: Array<number> = []
      deadlines.add(1000, () => fired.push(1))
      deadlines.add(1000, () => {
        throw new Error("bad action")
      })
      deadlines.add(1000, () => fired.push(2))
      deadlines.add(1001, () => fired.push(3))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(fired, [1, 2, 3])
      assert.match(JSON.stringify(yield* TestConsole.logLines), /bad action/)
    }))

  it.effect("an action may remove others that are due and add more", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      const fired: Array<string> = []
      deadlines.add(1000, () => {
        fired.push("first")
        deadlines.remove(second)
        deadlines.add(0, () => fired.push("past"))
        deadlines.add(1500, () => fired.push("later"))
      })
      const second = deadlines.add(1000, () => fired.push("second"))
      deadlines.add(1000, () => fired.push("third"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(fired, ["first", "third", "past"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(fired, ["first", "third", "past", "later"])
    }))

  it.effect("an action that adds what is due already lets others run in between", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      let rounds = 0
      let stop = false
      const again = (): void => {
        rounds++
        if (!stop) deadlines.add(0, again)
      }
      deadlines.add(0, again)
      for (let i = 0; i < 10; i++) yield* Effect.yieldNow
      assert.isTrue(rounds > 1)
      stop = true
    }))

  it.effect("a time that is no number is due at once, Infinity never", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      const fired: Array<string> = []
      deadlines.add(Infinity, () => fired.push("never"))
      deadlines.add(1000, () => fired.push("1000"))
      deadlines.add(NaN, () => fired.push("NaN"))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(fired, ["NaN", "1000"])
      assert.strictEqual(deadlines.size(), 1)
    }))

  it.effect("removing twice, or after the time, does nothing", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      let fired = 0
      const kept = deadlines.add(1000, () => fired++)
      const gone = deadlines.add(1000, () => fired++)
      deadlines.remove(gone)
      deadlines.remove(gone)
      assert.strictEqual(deadlines.size(), 1)
      yield* TestClock.adjust("1 second")
      deadlines.remove(kept)
      assert.strictEqual(fired, 1)
      assert.strictEqual(deadlines.size(), 0)
    }))

  it.effect("one fiber sleeps, and nobody once nothing is pending and the last known deadline has passed", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* countingClock
      const deadlines = yield* Effect.provideService(Deadlines.make, Clock.Clock, clock)
      assert.strictEqual(counts.asleep, 0)
      for (let i = 0; i < 1000; i++) deadlines.remove(deadlines.add(1000 + i, () => {}))
      const entries = Array.from({ length: 100 }, (_, i) => deadlines.add(3000 + 100 * (i % 7), () => {}))
      assert.strictEqual(counts.asleep, 1)
      assert.strictEqual(counts.sleeps, 1)
      for (const entry of entries) deadlines.remove(entry)
      assert.strictEqual(deadlines.size(), 0)
      assert.strictEqual(counts.asleep, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(counts.asleep, 0)
      deadlines.add(5000, () => {})
      assert.strictEqual(counts.asleep, 1)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(counts.asleep, 0)
      assert.strictEqual(counts.most, 1)
    }))

  it.effect("ends with its scope", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* countingClock
      const scope = yield* Scope.make()
      const deadlines = yield* Deadlines.make.pipe(
        Effect.provideService(Clock.Clock, clock),
        Scope.provide(scope)
      )
      let fired = 0
      deadlines.add(1000, () => fired++)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(counts.asleep, 0)
      deadlines.remove(deadlines.add(500, () => fired++))
      deadlines.add(400, () => fired++)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(fired, 0)
      assert.strictEqual(counts.asleep, 0)
    }))
})

describe("a time limit by deadlines", () => {
  const limited = <A, E>(deadlines: Deadlines.Deadlines, effect: Effect.Effect<A, E>) =>
    Deadlines.timeoutOrElse(effect, {
      deadlines,
      duration: Duration.seconds(5),
      orElse: () => Effect.fail("late")
    })

  it.effect("is nothing to what ends in time, however it ends", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      for (const pause of [Effect.void, Effect.sleep("4 seconds")]) {
        for (const end of [Effect.succeed(1), Effect.fail("no"), Effect.die("broken"), Effect.interrupt]) {
          const fiber = yield* Effect.forkChild(limited(deadlines, Effect.andThen(pause, end)))
          yield* TestClock.adjust("4 seconds")
          const exit = yield* Fiber.await(fiber)
          assert.strictEqual(exit._tag, (yield* Effect.exit(end))._tag)
          assert.notDeepEqual(exit, Exit.fail("late"))
          assert.strictEqual(deadlines.size(), 0)
        }
      }
    }))

  it.effect("gives the word to the other when it is over, and waits for no end", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      let ends = 0
      const slowToEnd = Effect.onInterrupt(
        Effect.never,
        () => Effect.andThen(Effect.sleep("1 minute"), Effect.sync(() => void ends++))
      )
      const fiber = yield* Effect.forkChild(limited(deadlines, slowToEnd))
      yield* TestClock.adjust(4999)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(fiber.pollUnsafe(), Exit.fail("late"))
      assert.strictEqual(ends, 0)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(ends, 1)
    }))

  it.effect("goes with whoever waits, and what was begun with it", () =>
    Effect.gen(function*() {
      const deadlines = yield* Deadlines.make
      let ends = 0
      const effect = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void ends++))
      const fiber = yield* Effect.forkChild(limited(deadlines, effect), { startImmediately: true })
      assert.strictEqual(deadlines.size(), 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(ends, 1)
      assert.strictEqual(deadlines.size(), 0)
    }))
})
