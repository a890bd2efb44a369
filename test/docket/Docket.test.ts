import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { double, doubled, reasonOf, starts, withWorker } from "./support.ts"

const note = DocketTask.make("note", { payload: Schema.String })

const statuses = (id: string) =>
  Effect.flatMap(Docket.Docket, (docket) => Stream.runCollect(Stream.map(docket.observe(id), ({ status }) => status)))

describe("adding", () => {
  it.effect("is doing, and saying what came of it", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const { id, outcome } = yield* docket.add(double, 21)
      assert.strictEqual(outcome, "Added")
      assert.strictEqual(yield* docket.result(double, id), 42)
      assert.deepStrictEqual(yield* statuses(id), ["Succeeded"])
    }).pipe(withWorker([doubled])))

  it.effect("waits where there is no worker", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const { id } = yield* docket.add(double, 21)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* docket.get(id))?.status, "Scheduled")
      yield* Docket.runUntilFinished([doubled])
      assert.strictEqual(yield* docket.result(double, id), 42)
    }).pipe(Effect.provide(Docket.layerMemory())))

  it.effect("starts at the millisecond that was asked for", () =>
    Effect.gen(function*() {
      const { note: noted, payloads } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.add(note, "later", { delay: 1234 })
        yield* docket.add(note, "at", { at: new Date(700) })
        yield* docket.add(note, "past", { at: new Date(-5) })
        yield* TestClock.adjust(699)
        assert.deepStrictEqual(yield* payloads, ["past"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* payloads, ["past", "at"])
        yield* TestClock.adjust(533)
        assert.deepStrictEqual(yield* payloads, ["past", "at"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* payloads, ["past", "at", "later"])
      }).pipe(withWorker([DocketTask.handle(note, noted)]))
    }))

  it.effect("does a key once while it is kept", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const first = yield* docket.add(double, 1, { key: "k" })
      const second = yield* docket.add(double, 2, { key: "k" })
      assert.deepStrictEqual([first.outcome, second.outcome, first.id], ["Added", "Exists", second.id])
      assert.strictEqual(yield* docket.result(double, second.id), 2)
      yield* TestClock.adjust("25 hours")
      assert.isUndefined(yield* docket.get(first.id))
      assert.strictEqual((yield* docket.add(double, 3, { key: "k" })).outcome, "Added")
      assert.strictEqual(yield* docket.result(double, first.id), 6)
    }).pipe(withWorker([doubled])))

  it.effect("starts the more urgent first", () =>
    Effect.gen(function*() {
      const { note: noted, payloads } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        for (
          const [payload, priority] of [["low", -1], ["normal", 0], ["high", 5], ["higher", 7], ["as low", -1]] as const
        ) {
          yield* docket.add(note, payload, { priority })
        }
        yield* Docket.runUntilFinished([DocketTask.handle(note, noted)], { concurrency: 1 })
        assert.deepStrictEqual(yield* payloads, ["higher", "high", "normal", "low", "as low"])
      }).pipe(Effect.provide(Docket.layerMemory()))
    }))

  it.effect("refuses what does not fit, and keeps nothing of it", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      // As from JavaScript.
      const wrong: any = "secret words"
      const exit = yield* Effect.exit(docket.add(double, wrong))
      assert.strictEqual(reasonOf(exit), "InvalidPayload")
      assert.notInclude(JSON.stringify(exit), "secret words")
      assert.strictEqual(reasonOf(yield* Effect.exit(docket.add(note, "é".repeat(100)))), "PayloadTooLarge")
      assert.deepStrictEqual((yield* docket.list()).executions, [])
    }).pipe(withWorker([doubled], { maxBytes: 201 })))
})

describe("an option that cannot be", () => {
  const cool = DocketTask.make("cool", {
    payload: Schema.String,
    cooldown: { key: (text) => text, window: "1 second" }
  })
  const quiet = DocketTask.make("quiet", {
    payload: Schema.String,
    debounce: { key: (text) => text, wait: "1 second" }
  })

  it.effect("is refused, and nothing is added", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const wrong = [
        docket.add(note, "", { at: new Date(NaN) }),
        docket.add(note, "", { at: new Date(0), delay: 1 }),
        docket.add(note, "", { priority: 1.5 }),
        docket.add(cool, "", { key: "k" }),
        docket.add(quiet, "", { key: "k" }),
        docket.add(quiet, "", { delay: 1 }),
        docket.add(quiet, "", { at: new Date(0) }),
        docket.replace(note, "k", "", { at: new Date(NaN) }),
        docket.strike({ where: { at: "customer", equals: 1 } })
      ]
      for (const adding of wrong) assert.strictEqual(reasonOf(yield* Effect.exit(adding)), "InvalidOption")
      assert.deepStrictEqual([(yield* docket.list()).executions, yield* docket.strikes], [[], []])
    }).pipe(Effect.provide(Docket.layerMemory())))

  it("is a defect of its definition", () => {
    const key = () => ""
    for (
      const options of [
        { concurrency: { key, limit: 0 } },
        { rateLimit: { key, limit: 1.5, window: 1 } },
        { rateLimit: { key, limit: 1, window: 0 } },
        { cooldown: { key, window: Infinity } },
        { debounce: { key, wait: -1 } },
        { cooldown: { key, window: 1 }, debounce: { key, wait: 1 } },
        { priority: 0.5 }
      ]
    ) assert.throws(() => DocketTask.make("wrong", options), /The task "wrong" cannot be/)
    assert.throws(() => DocketTask.make("", {}), /it has no name/)
  })
})

describe("replacing", () => {
  it.effect("takes the place of what waits, what runs and what has ended", () =>
    Effect.gen(function*() {
      const { note: noted, payloads } = yield* starts
      const interrupted = yield* Ref.make(0)
      const handled = DocketTask.handle(note, (payload) =>
        Effect.andThen(
          noted(payload),
          payload === "long"
            ? Effect.onInterrupt(Effect.sleep("1 hour"), () => Ref.update(interrupted, (n) => n + 1))
            : Effect.void
        ))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.replace(note, "k", "never", { delay: "1 minute" })
        yield* docket.replace(note, "k", "long")
        yield* TestClock.adjust(1)
        yield* docket.replace(note, "k", "instead")
        yield* docket.result(note, id)
        assert.deepStrictEqual([yield* payloads, yield* Ref.get(interrupted)], [["long", "instead"], 1])
        yield* docket.replace(note, "k", "again")
        yield* docket.result(note, id)
        yield* TestClock.adjust("2 hours")
        assert.deepStrictEqual(yield* payloads, ["long", "instead", "again"])
      }).pipe(withWorker([handled]))
    }))
})

describe("a run that was replaced", () => {
  it.effect("has no say any more, also on the worker that runs what replaced it", () =>
    Effect.gen(function*() {
      const slow = DocketTask.make("slow", { payload: Schema.String, success: Schema.String })
      const handled = DocketTask.handle(slow, (payload) =>
        Effect.as(Effect.uninterruptible(Effect.sleep(payload === "old" ? "2 seconds" : "1 minute")), payload))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.replace(slow, "k", "old")
        yield* TestClock.adjust(1)
        yield* docket.replace(slow, "k", "new")
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* docket.get(id))?.status, "Running")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* docket.result(slow, id), "new")
      }).pipe(withWorker([handled]))
    }))
})

describe("a run", () => {
  it.effect("is told a key that is its work's, over all attempts, and no other work's", () =>
    Effect.gen(function*() {
      const keys = yield* Ref.make<ReadonlyArray<string>>([])
      const twice = DocketTask.make("twice", {
        error: Schema.String,
        retry: Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 1 }))
      })
      const handled = DocketTask.handle(twice, (_, { attempt, key }) =>
        Effect.andThen(
          Ref.update(keys, (all) => [...all, key]),
          attempt === 1 ? Effect.fail("again") : Effect.void
        ))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.replace(twice, "k", undefined)
        yield* TestClock.adjust("1 minute")
        yield* docket.replace(twice, "k", undefined)
        yield* TestClock.adjust("1 minute")
        const [first, second, third, fourth] = yield* Ref.get(keys)
        assert.deepStrictEqual([first === second, third === fourth, first === third], [true, true, false])
      }).pipe(withWorker([handled]))
    }))

  it.effect("can be left to others by a job that has no handler for it", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const { id } = yield* docket.add(note, "later")
      yield* docket.add(double, 1)
      yield* Docket.runUntilFinished([doubled])
      assert.deepStrictEqual([(yield* docket.get(id))?.status, yield* docket.payload(note, id)], ["Scheduled", "later"])
      assert.strictEqual(reasonOf(yield* Effect.exit(docket.payload(double, id))), "Unreadable")
    }).pipe(Effect.provide(Docket.layerMemory())))
})

describe("how it ends", () => {
  const failing = DocketTask.make("failing", {
    payload: Schema.Literals(["error", "defect"]),
    error: Schema.String,
    retry: Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 2 }))
  })

  it.effect("is retried as the schedule says, and then kept with its reason", () =>
    Effect.gen(function*() {
      const { all, note: noted } = yield* starts
      const handled = DocketTask.handle(failing, (kind, { attempt }) =>
        Effect.andThen(
          noted(`${kind} ${attempt}`),
          kind === "error" ? Effect.fail(`no ${attempt}`) : Effect.die(new Error("broken"))
        ))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const error = yield* docket.add(failing, "error")
        const defect = yield* docket.add(failing, "defect", { delay: "1 minute" })
        const result = yield* Effect.forkChild(Effect.exit(docket.result(failing, error.id)))
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(yield* Fiber.join(result), Exit.fail("no 3"))
        assert.deepStrictEqual(yield* all, [
          ["error 1", 0],
          ["error 2", 1000],
          ["error 3", 3000],
          ["defect 1", 60_000],
          ["defect 2", 61_000],
          ["defect 3", 63_000]
        ])
        assert.deepStrictEqual((yield* docket.get(error.id))?.failure?.kind, "Error")
        assert.deepStrictEqual((yield* docket.get(defect.id))?.failure, {
          kind: "Defect",
          message: "The handler died: Error: broken"
        })
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.result(failing, defect.id))), "ExecutionFailed")
      }).pipe(withWorker([handled]))
    }))

  it.effect("is for an operator to have begun anew", () =>
    Effect.gen(function*() {
      const works = yield* Ref.make(false)
      const handled = DocketTask.handle(double, (n) =>
        Effect.flatMap(Ref.get(works), (works) => works ? Effect.succeed(2 * n) : Effect.die("not yet")))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.add(double, 4)
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.result(double, id))), "ExecutionFailed")
        yield* Ref.set(works, true)
        assert.isTrue(yield* docket.retry(id))
        assert.strictEqual(yield* docket.result(double, id), 8)
        assert.isFalse(yield* docket.retry(id))
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.retry("nobody"))), "NotFound")
      }).pipe(withWorker([handled]))
    }))

  it.effect("comes in time, also where a handler will not end", () =>
    Effect.gen(function*() {
      const slow = DocketTask.make("slow", { timeout: "10 seconds" })
      const handled = DocketTask.handle(slow, () => Effect.uninterruptible(Effect.sleep("1 minute")))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.add(slow, undefined)
        const result = yield* Effect.forkChild(Effect.exit(docket.result(slow, id)))
        yield* TestClock.adjust("16 seconds")
        assert.strictEqual(reasonOf(yield* Fiber.join(result)), "ExecutionFailed")
        assert.deepStrictEqual((yield* docket.get(id))?.failure, {
          kind: "Timeout",
          message: "It ran for longer than 10s."
        })
        yield* TestClock.adjust("1 minute")
      }).pipe(withWorker([handled]))
    }))

  it.effect("is a failure where the result is too large, or not what the task says", () =>
    Effect.gen(function*() {
      const text = DocketTask.make("text", { payload: Schema.Int, success: Schema.String })
      const wrong: any = 5
      const handled = DocketTask.handle(text, (n) => Effect.succeed(n === 0 ? wrong : "x".repeat(n)))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const kindOf = (n: number) =>
          Effect.flatMap(docket.add(text, n), ({ id }) =>
            Effect.andThen(
              Effect.exit(docket.result(text, id)),
              Effect.map(docket.get(id), (execution) => execution?.failure?.kind)
            ))
        assert.deepStrictEqual(yield* Effect.forEach([98, 99, 0], kindOf), [undefined, "TooLarge", "Defect"])
      }).pipe(withWorker([handled], { maxBytes: 100 }))
    }))

  it.effect("is a cancel, of what waits and of what runs", () =>
    Effect.gen(function*() {
      const ended = yield* Ref.make<ReadonlyArray<string>>([])
      const endless = DocketTask.make("endless", { keep: "2 hours" })
      const handled = DocketTask.handle(
        endless,
        () => Effect.onInterrupt(Effect.never, () => Ref.set(ended, ["interrupted"]))
      )
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const waiting = yield* docket.add(endless, undefined, { delay: "1 hour" })
        const running = yield* docket.add(endless, undefined)
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* docket.get(running.id))?.status, "Running")
        assert.isTrue(yield* docket.cancel(waiting.id))
        assert.isTrue(yield* docket.cancel(running.id, "no need"))
        const result = yield* Effect.exit(docket.result(endless, running.id))
        assert.strictEqual(reasonOf(result), "ExecutionCancelled")
        assert.deepStrictEqual(yield* Ref.get(ended), ["interrupted"])
        assert.strictEqual((yield* docket.get(waiting.id))?.status, "Cancelled")
        assert.strictEqual((yield* docket.get(waiting.id))?.expiresAt, 2 * 60 * 60 * 1000 + 1)
        assert.isFalse(yield* docket.cancel(running.id))
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.cancel("nobody"))), "NotFound")
      }).pipe(withWorker([handled]))
    }))
})

describe("watching", () => {
  it.effect("shows how it goes, from anywhere", () =>
    Effect.gen(function*() {
      const stepwise = DocketTask.make("stepwise")
      const handled = DocketTask.handle(stepwise, (_, { advance }) =>
        Effect.forEach(
          [1, 2, 3],
          (current) => Effect.andThen(advance({ current, total: 3 }), Effect.sleep("1 second")),
          { discard: true }
        ))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.add(stepwise, undefined, { delay: "1 second" })
        const seen = yield* Effect.forkChild(Stream.runCollect(
          Stream.map(docket.observe(id), ({ progress, status }) => `${status} ${progress?.current ?? ""}`.trim())
        ))
        yield* TestClock.adjust("10 seconds")
        const shown = yield* Fiber.join(seen)
        assert.deepStrictEqual([...new Set(shown)], [
          "Scheduled",
          "Running",
          "Running 1",
          "Running 2",
          "Running 3",
          "Succeeded 3"
        ])
      }).pipe(withWorker([handled]))
    }))

  it.effect("tells each event of this process, without payloads and results", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const events = yield* Effect.forkChild(Stream.runCollect(Stream.take(docket.events, 3)), {
        startImmediately: true
      })
      yield* docket.add(double, 5)
      const told = yield* Fiber.join(events)
      assert.deepStrictEqual(told.map(({ _tag }) => _tag), ["Add", "Claim", "Succeed"])
      for (const { execution } of told) assert.isFalse("payload" in execution || "result" in execution)
    }).pipe(withWorker([doubled])))

  it.effect("lists page after page, and counts", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      for (let n = 0; n < 5; n++) yield* docket.add(double, n, { key: `${n}`, delay: n === 4 ? "1 hour" : 0 })
      yield* TestClock.adjust(1)
      const first = yield* docket.list({ limit: 2 })
      const second = yield* docket.list({ limit: 2, cursor: first.cursor })
      const third = yield* docket.list({ limit: 2, cursor: second.cursor })
      assert.deepStrictEqual(
        [first, second, third].map(({ executions }) => executions.map(({ id }) => id)),
        [["double:4", "double:3"], ["double:2", "double:1"], ["double:0"]]
      )
      assert.isUndefined(third.cursor)
      const { counts, rings, workers } = yield* docket.snapshot
      assert.sameDeepMembers([...counts], [
        { task: "double", status: "Succeeded", count: 4 },
        { task: "double", status: "Scheduled", count: 1 }
      ])
      assert.deepStrictEqual(rings, { waiting: 0, delayed: 1, active: 0 })
      assert.deepStrictEqual(workers.map(({ concurrency, tasks }) => ({ concurrency, tasks })), [
        { concurrency: 10, tasks: ["double"] }
      ])
    }).pipe(withWorker([doubled])))
})
