/** What runs keep for those after them: a task that asks, waits and goes on. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { reasonOf } from "./support.ts"

const form = DocketTask.make("form", { success: Schema.Json })

const hours = (n: number) =>
  Effect.map(Effect.clockWith(({ currentTimeMillis }) => currentTimeMillis), (now) => new Date(now + n * 3_600_000))

/** Waits once for an answer, and gives back what it then has. */
const asking = (seen: Ref.Ref<ReadonlyArray<unknown>>) =>
  DocketTask.handle(form, (_, run) =>
    Effect.gen(function*() {
      const data = yield* run.data
      yield* Ref.update(seen, (all) => [...all, [data ?? null, run.attempt]])
      return data === undefined ? yield* Effect.orDie(run.wait({ asked: 1 }, yield* hours(1))) : data
    }).pipe(Effect.orDie))

const key = Redacted.make("a key of thirty-two or more bytes")

const place = Layer.fresh(Docket.layerMemory({ encryption: [key] }))

/** Until its scope closes. */
const working = (handled: DocketTask.Handled<never>, options?: Parameters<typeof Docket.layerWorker>[1]) =>
  Layer.build(Layer.fresh(Docket.layerWorker([handled], options)))

describe("work that is put down", () => {
  it.effect("holds no worker, and goes on with what was added to it", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
      yield* working(asking(seen), { concurrency: 1 })
      const { id } = yield* docket.add(form, undefined)
      const other = yield* docket.add(form, undefined)
      yield* TestClock.adjust("1 second")
      const waiting = (yield* docket.get(id))!
      assert.deepStrictEqual([waiting.status, waiting.attempt, waiting.worker], ["Scheduled", 0, undefined])
      assert.notInclude(waiting.data, "asked", "it is sealed")
      assert.deepStrictEqual(yield* docket.data(waiting), { asked: 1 })
      assert.deepStrictEqual(yield* docket.data((yield* docket.get(other.id))!), { asked: 1 })

      yield* docket.amend(id, (data) => ({ data: { before: data! }, isReady: false }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* docket.get(id))?.status, "Scheduled")
      const amended = yield* docket.amend(id, (data) => ({ data: { answered: data! }, isReady: true }))
      assert.strictEqual(amended?.status, "Scheduled")
      assert.deepStrictEqual(yield* docket.result(form, id), { answered: { before: { asked: 1 } } })
      const ended = (yield* docket.get(id))!
      assert.deepStrictEqual(yield* docket.outcome(form, ended), { answered: { before: { asked: 1 } } })
      assert.deepStrictEqual(yield* Ref.get(seen), [
        [null, 1],
        [null, 1],
        [{ answered: { before: { asked: 1 } } }, 1]
      ])
      assert.strictEqual((yield* docket.amend(id, () => ({ data: 0, isReady: true })))?.generation, ended.generation)
      assert.isUndefined(yield* docket.amend("form:none", () => ({ data: 0, isReady: true })))
    }).pipe(Effect.scoped, Effect.provide(place)))

  it.effect("starts again at its time, and ends the finalizers of the run first", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      const note = (text: string) => Ref.update(seen, (all) => [...all, text])
      yield* working(DocketTask.handle(form, (_, run) =>
        Effect.gen(function*() {
          yield* note("start")
          if ((yield* run.data) !== undefined) return "done"
          return yield* run.wait("once", yield* hours(1))
        }).pipe(
          Effect.orDie,
          Effect.onInterrupt(() => Effect.andThen(Effect.sleep("2 seconds"), note("end")))
        )))
      const { id } = yield* docket.add(form, undefined)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* docket.get(id))?.status, "Running")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* docket.get(id))?.status, "Scheduled")
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* Ref.get(seen), ["start", "end"])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* docket.result(form, id), "done")
    }).pipe(Effect.scoped, Effect.provide(place)))

  it.effect("is cancelled at once while it waits, and a wait does not undo a cancel", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
      yield* working(asking(seen))
      const { id } = yield* docket.add(form, undefined)
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* docket.cancel(id, "enough"))
      assert.deepInclude(yield* docket.get(id), { status: "Cancelled", cancelRequestedAt: 1000 })
      assert.strictEqual(reasonOf(yield* Effect.exit(docket.result(form, id))), "ExecutionCancelled")
    }).pipe(Effect.scoped, Effect.provide(place)))

  it.effect("what was saved is there for the next run; more than the docket keeps is refused", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
      const handled = DocketTask.handle(form, (_, run) =>
        Effect.gen(function*() {
          const data = yield* run.data
          yield* Ref.update(seen, (all) => [...all, data ?? null])
          const refused = yield* Effect.exit(run.save("x".repeat(2_000_000)))
          assert.strictEqual(reasonOf(refused), "DataTooLarge")
          yield* run.save({ step: 1 })
          return data === undefined ? yield* Effect.never : data
        }).pipe(Effect.orDie))
      const first = yield* Scope.make()
      yield* Scope.provide(working(handled, { drain: Duration.zero }), first)
      const { id } = yield* docket.add(form, undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* docket.data((yield* docket.get(id))!), { step: 1 })
      yield* Effect.forkChild(Scope.close(first, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("20 seconds")
      yield* working(handled)
      assert.deepStrictEqual(yield* docket.result(form, id), { step: 1 })
      assert.deepStrictEqual(yield* Ref.get(seen), [null, { step: 1 }])
    }).pipe(Effect.scoped, Effect.provide(place)))

  it.effect("is listed by its owner, and kept until its own time", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      yield* working(DocketTask.handle(form, () => Effect.succeed(1)))
      const keepUntil = new Date(90_000)
      const { id } = yield* docket.add(form, undefined, { owner: "me", keepUntil })
      yield* docket.add(form, undefined, { owner: "you" })
      yield* TestClock.adjust("1 second")
      const mine = yield* docket.list({ owner: "me" })
      assert.deepStrictEqual(mine.executions.map(({ expiresAt, id }) => [id, expiresAt]), [[id, 90_000]])
      yield* TestClock.adjust("89 seconds")
      assert.isUndefined(yield* docket.get(id))
      const refused = yield* Effect.exit(docket.add(form, undefined, { keepUntil: new Date(NaN) }))
      assert.strictEqual(reasonOf(refused), "InvalidOption")
    }).pipe(Effect.scoped, Effect.provide(place)))
})
