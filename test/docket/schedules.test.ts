import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketRecords from "../../src/docket/DocketRecords.ts"
import type * as DocketStore from "../../src/docket/DocketStore.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { reasonOf, starts, withWorker } from "./support.ts"

const report = DocketTask.make("report", { payload: Schema.String })

const minute = 60_000

/** Of a schedule, what waits. */
const waiting = (key: string) =>
  Effect.flatMap(
    Docket.Docket,
    (docket) =>
      Effect.map(docket.list({ schedule: key, status: "Scheduled" }), ({ executions }: DocketStore.Page) =>
        executions.map(({ dueAt }) => dueAt))
  )

describe("a schedule", () => {
  it.effect("runs at each tick, one run planned before the last has ended", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* TestClock.adjust(minute / 2)
        yield* docket.schedule("k", report, "r", { every: "5 minutes" })
        assert.deepStrictEqual(yield* waiting("k"), [5 * minute])
        yield* TestClock.adjust("16 minutes")
        assert.deepStrictEqual(yield* all, [["r", 5 * minute], ["r", 10 * minute], ["r", 15 * minute]])
        assert.deepStrictEqual(yield* waiting("k"), [20 * minute])
      }).pipe(withWorker([DocketTask.handle(report, note)]))
    }))

  it.effect("follows a cron expression in its time zone, through the change of the clocks", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* TestClock.setTime(new Date("2026-03-27T12:00:00Z").getTime())
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.schedule("k", report, "r", { cron: "30 8 * * *", timeZone: "Europe/Berlin" })
        yield* TestClock.adjust("3 days")
        assert.deepStrictEqual((yield* all).map(([, at]) => new Date(at).toISOString()), [
          "2026-03-28T07:30:00.000Z",
          "2026-03-29T06:30:00.000Z",
          "2026-03-30T06:30:00.000Z"
        ])
      }).pipe(withWorker([DocketTask.handle(report, note)], { lease: "6 hours", sweepInterval: "6 hours" }))
    }))

  it.effect("goes on after a run that fails, is cancelled or cannot be read", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      const handled = DocketTask.handle(report, (text) =>
        Effect.andThen(note(text), text === "dies" ? Effect.die("x") : Effect.sleep("1 minute")))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.schedule("dies", report, "dies", { every: "5 minutes" })
        yield* TestClock.adjust("16 minutes")
        assert.strictEqual((yield* all).length, 3)
        yield* docket.unschedule("dies")
        yield* docket.schedule("runs", report, "runs", { every: "5 minutes" })
        const [planned] = (yield* docket.list({ schedule: "runs" })).executions
        yield* docket.cancel(planned!.id)
        assert.deepStrictEqual(yield* waiting("runs"), [25 * minute])
        yield* TestClock.setTime(25 * minute + 1)
        const [running] = (yield* docket.list({ schedule: "runs", status: "Running" })).executions
        yield* docket.cancel(running!.id)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* waiting("runs"), [30 * minute])
        assert.strictEqual((yield* docket.get(running!.id))?.status, "Cancelled")
      }).pipe(withWorker([handled]))
    }))

  it.effect("makes up for ticks that were missed with one run", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.schedule("k", report, "r", { every: "1 minute" })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* waiting("k"), [minute])
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Effect.forkScoped(Effect.provide(
            Effect.never,
            Docket.layerWorker([DocketTask.handle(report, note)])
          ))
          yield* TestClock.adjust(1)
          assert.deepStrictEqual(yield* all, [["r", 60 * minute]])
          assert.deepStrictEqual(yield* waiting("k"), [61 * minute])
        }))
      }).pipe(Effect.provide(Docket.layerMemory()))
    }))

  it.effect("changes, and ends", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.schedule("k", report, "old", { every: "5 minutes" })
        yield* docket.schedule("k", report, "old", { every: "5 minutes" })
        assert.deepStrictEqual(yield* waiting("k"), [5 * minute])
        yield* docket.schedule("k", report, "new", { every: "7 minutes" })
        assert.deepStrictEqual(yield* waiting("k"), [7 * minute])
        assert.deepStrictEqual(yield* docket.schedules, [
          { key: "k", task: "report", when: { everyMillis: 7 * minute }, priority: 0, nextAt: 7 * minute }
        ])
        yield* TestClock.adjust("8 minutes")
        assert.isTrue(yield* docket.unschedule("k"))
        assert.isFalse(yield* docket.unschedule("k"))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* all, [["new", 7 * minute]])
      }).pipe(withWorker([DocketTask.handle(report, note)]))
    }))

  it.effect("that comes back to a tick it had planned before runs then", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.schedule("k", report, "a", { every: "5 minutes" })
        yield* docket.unschedule("k")
        yield* docket.schedule("k", report, "b", { every: "5 minutes" })
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(yield* all, [["b", 5 * minute]])
      }).pipe(withWorker([DocketTask.handle(report, note)]))
    }))

  it.effect("that is said again, as each start of a program does, is the same one, also where it is sealed", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      const say = Effect.flatMap(Docket.Docket, (docket) => docket.schedule("k", report, "r", { every: "5 minutes" }))
      yield* Effect.gen(function*() {
        yield* say
        yield* TestClock.adjust("7 minutes")
        yield* say
        assert.deepStrictEqual(yield* waiting("k"), [5 * minute])
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Layer.build(
            Docket.layerWorker([
              DocketTask.handle(report, (text) => Effect.andThen(note(text), Effect.sleep("1 minute")))
            ])
          )
          yield* TestClock.adjust("30 seconds")
          yield* say
          assert.deepStrictEqual(yield* waiting("k"), [])
          yield* TestClock.adjust("30 seconds")
          assert.deepStrictEqual(yield* waiting("k"), [10 * minute])
        }))
      }).pipe(
        Effect.provide(Docket.layerMemory({ encryption: [Redacted.make("a key of thirty-two or more bytes")] }))
      )
      assert.deepStrictEqual(yield* all, [["r", 7 * minute]])
    }))

  it.effect("that has lost its next run is given another", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { store } = yield* DocketRecords.DocketRecords
        yield* docket.schedule("k", report, "r", { every: "5 minutes" })
        const [planned] = (yield* docket.list({ schedule: "k" })).executions
        yield* store.remove(planned!.id)
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(yield* all, [["r", 5 * minute]])
      }).pipe(withWorker([DocketTask.handle(report, note)]))
    }))

  it.effect("that never comes is refused", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      for (
        const when of [
          { cron: "not cron" },
          { cron: "* * * *" },
          { cron: "0 0 31 2 *" },
          { cron: "* * * * *", timeZone: "Europe/Atlantis" },
          { every: 0 }
        ]
      ) {
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.schedule("k", report, "r", when))), "InvalidSchedule")
      }
      assert.deepStrictEqual(yield* docket.schedules, [])
    }).pipe(Effect.provide(Docket.layerMemory())))
})
