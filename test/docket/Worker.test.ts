import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketEnginePersistedQueue from "../../src/docket/DocketEnginePersistedQueue.ts"
import * as DocketRecords from "../../src/docket/DocketRecords.ts"
import * as DocketStore from "../../src/docket/DocketStore.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import type * as Execution from "../../src/docket/Execution.ts"
import { double, doubled, reasonOf, starts, withWorker } from "./support.ts"

const long = DocketTask.make("long", { payload: Schema.String })

const messageOf = (exit: Exit.Exit<unknown, unknown>): string => Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""

/** A worker that can be stopped. */
const working = (
  handlers: ReadonlyArray<DocketTask.Handled<never>>,
  options?: Parameters<typeof Docket.layerWorker>[1]
) =>
  Effect.forkChild(
    Effect.provide(Effect.never, Layer.fresh(Docket.layerWorker(handlers, options))),
    { startImmediately: true }
  )

describe("a worker that stops", () => {
  it.effect("lets what it began end, and begins nothing more", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      const docket = yield* Docket.Docket
      const handled = DocketTask.handle(long, (text) => Effect.andThen(Effect.sleep("10 seconds"), note(text)))
      const first = yield* working([handled], { concurrency: 1 })
      const { id } = yield* docket.add(long, "a")
      const waiting = yield* docket.add(long, "b")
      yield* TestClock.adjust("1 second")
      const stopping = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
      yield* TestClock.adjust("8 seconds")
      assert.isUndefined(stopping.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(yield* payloads, ["a"])
      assert.deepStrictEqual([(yield* docket.get(id))?.status, (yield* docket.get(waiting.id))?.status], [
        "Succeeded",
        "Scheduled"
      ])
      const second = yield* working([handled])
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(yield* payloads, ["a", "b"])
      yield* Fiber.interrupt(second)
    }).pipe(Effect.provide(Docket.layerMemory())))

  it.effect("gives back what does not end in time, and the attempt", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const attempts = yield* Ref.make<ReadonlyArray<number>>([])
      const handled = DocketTask.handle(long, (_, { attempt }) =>
        Effect.andThen(Ref.update(attempts, (all) => [...all, attempt]), Effect.sleep("1 hour")))
      const first = yield* working([handled], { drain: "5 seconds" })
      const { id } = yield* docket.add(long, "a")
      yield* TestClock.adjust("1 second")
      const stopping = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(stopping)
      const given = yield* docket.get(id)
      assert.deepStrictEqual([given?.status, given?.attempt, given?.lapses], ["Scheduled", 0, 0])
      const second = yield* working([handled])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Ref.get(attempts), [1, 1])
      yield* Fiber.interrupt(second).pipe(Effect.forkChild({ startImmediately: true }))
      yield* TestClock.adjust("1 minute")
    }).pipe(Effect.provide(Docket.layerMemory())))
})

describe("a worker", () => {
  it.effect("leaves a task it does not know to one that does, and says so once", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      const lines = yield* Ref.make<ReadonlyArray<string>>([])
      const logger = Logger.make<unknown, void>(({ message }) => {
        Effect.runSync(Ref.update(lines, (all) => [...all, String(message)]))
      })
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const ignorant = yield* working([doubled])
        yield* docket.add(long, "a")
        yield* docket.add(long, "b")
        yield* TestClock.adjust("5 minutes")
        const other = yield* working([DocketTask.handle(long, note)])
        yield* TestClock.adjust("1 minute")
        assert.sameMembers([...(yield* payloads)], ["a", "b"])
        yield* Fiber.interruptAll([ignorant, other])
      }).pipe(Effect.provide([Docket.layerMemory(), Logger.layer([logger])]))
      assert.strictEqual((yield* Ref.get(lines)).filter((line) => line.includes("\"long\"")).length, 1)
    }))

  it.effect("gives back what has lost its share of a limit to another, and does it when there is one again", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      const alone = DocketTask.make("alone", {
        payload: Schema.String,
        concurrency: { key: () => "k", limit: 1 },
        timeout: "1 hour"
      })
      const handled = DocketTask.handle(alone, (text) => Effect.andThen(note(text), Effect.sleep("40 minutes")))
      const docket = yield* Docket.Docket
      const { store } = yield* DocketRecords.DocketRecords
      const worker = yield* working([handled], { drain: "1 second" })
      const { id } = yield* docket.add(alone, "a")
      yield* TestClock.adjust("1 second")
      const run = (yield* docket.get(id))!
      // As when its process was frozen for so long that its share was over.
      const slot = { key: "slot alone k", holder: "another" }
      yield* store.release({ key: slot.key, holder: `${id}@${run.worker}` })
      assert.isUndefined(yield* store.acquire({ ...slot, limit: 1, lifeMillis: 3_600_000 }))
      yield* TestClock.adjust("15 seconds")
      const given = yield* docket.get(id)
      assert.deepStrictEqual([given?.status, given?.attempt], ["Scheduled", 0])
      yield* store.release(slot)
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(yield* payloads, ["a", "a"])
      yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
    }).pipe(Effect.provide(Docket.layerMemory())))

  it.effect("does not start what cannot be read, and keeps it for an operator", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      const before = DocketTask.make("double", { payload: Schema.Struct({ secret: Schema.String }) })
      const docket = yield* Docket.Docket
      const { id } = yield* docket.add(before, { secret: "words" })
      yield* Docket.runUntilFinished([DocketTask.handle(double, (n) => Effect.as(note(`${n}`), n))])
      const { attempt, failure, status } = (yield* docket.get(id))!
      assert.deepStrictEqual([yield* payloads, status, attempt, failure], [[], "Failed", 0, {
        kind: "Undecodable",
        message: "The payload cannot be used. It does not fit the schema."
      }])
    }).pipe(Effect.provide(Docket.layerMemory())))

  it.effect("keeps its lease for as long as a run takes", () =>
    Effect.gen(function*() {
      const attempts = yield* Ref.make(0)
      const handled = DocketTask.handle(long, () =>
        Effect.andThen(Ref.update(attempts, (n) => n + 1), Effect.sleep("4 minutes")))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const other = yield* working([handled])
        const { id } = yield* docket.add(long, "a")
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([yield* Ref.get(attempts), (yield* docket.get(id))?.status], [1, "Succeeded"])
        yield* Fiber.interrupt(other)
      }).pipe(withWorker([handled]))
    }))

  it.effect("takes over from one that has disappeared, when the lease is over, and not for ever", () =>
    Effect.gen(function*() {
      const { all, note } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { add, store } = yield* DocketRecords.DocketRecords
        const base = {
          task: "long",
          payload: "\"x\"",
          priority: 0,
          status: "Running",
          generation: 2,
          createdAt: 0,
          dueAt: 0,
          attempt: 1,
          worker: "gone",
          startedAt: 0,
          leaseUntil: 20_000
        } as const
        yield* store.add({ ...base, id: "first", lapses: 0 })
        yield* store.add({ ...base, id: "last", lapses: 10 })
        yield* add({ ...base, id: "other", status: "Scheduled", lapses: 0, dueAt: 1e9 } as Execution.Execution)
        yield* TestClock.adjust("19 seconds")
        assert.deepStrictEqual(yield* all, [])
        yield* TestClock.adjust("20 seconds")
        const [[, at]] = (yield* all) as [readonly [string, number]]
        assert.isTrue(at >= 20_000 && at <= 36_000)
        assert.deepStrictEqual((yield* docket.get("first"))?.lapses, 1)
        assert.deepStrictEqual((yield* docket.get("last"))?.failure?.kind, "Lost")
      }).pipe(withWorker([DocketTask.handle(long, note)]))
    }))

  it.effect("does not begin what it was too slow to begin: its lease is over, and another may have it", () =>
    Effect.gen(function*() {
      const attempts = yield* Ref.make<ReadonlyArray<number>>([])
      const handled = DocketTask.handle(long, (_, { attempt }) => Ref.update(attempts, (all) => [...all, attempt]))
      // As when it is frozen between its claim and the start.
      const pauses: Array<Duration.Input> = ["29 seconds", "30 seconds"]
      const slow = Layer.effect(
        DocketStore.DocketStore,
        Effect.map(DocketStore.DocketStore, (store): DocketStore.DocketStore["Service"] => ({
          ...store,
          change: (execution, condition) =>
            Effect.tap(
              store.change(execution, condition),
              () => execution.status === "Running" ? Effect.sleep(pauses.shift() ?? 0) : Effect.void
            )
        }))
      )
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const told = yield* Ref.make<ReadonlyArray<string>>([])
        const listening = yield* Effect.forkChild(
          Stream.runForEach(docket.events, ({ _tag }) => Ref.update(told, (all) => [...all, _tag])),
          { startImmediately: true }
        )
        const worker = yield* working([handled], { sweepInterval: "1 hour" })
        for (const [text, history] of [["in time", []], ["late", ["Claim", "Release"]]] as const) {
          yield* Ref.set(told, [])
          const { id } = yield* docket.add(long, text)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual((yield* Ref.get(told)).toSorted(), ["Add", "Claim", ...history, "Succeed"])
          const { attempt, lapses } = (yield* docket.get(id))!
          assert.deepStrictEqual([attempt, lapses], [1, 0])
        }
        assert.deepStrictEqual(yield* Ref.get(attempts), [1, 1])
        yield* Fiber.interruptAll([listening, worker])
      }).pipe(Effect.provide(
        Docket.layer().pipe(
          Layer.provideMerge(slow.pipe(Layer.provide(DocketStore.layerMemory()))),
          Layer.provideMerge(DocketEnginePersistedQueue.layerMemory)
        )
      ))
    }))

  it.effect("gives its handlers what the layer has", () =>
    Effect.gen(function*() {
      class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
      const greet = DocketTask.make("greet", { payload: Schema.String, success: Schema.String })
      const handled = DocketTask.handle(greet, (name) => Effect.map(Greeting, (greeting) => `${greeting} ${name}`))
      const worker = Docket.layerWorker([handled]).pipe(
        Layer.provide(Layer.succeed(Greeting, "Hello")),
        Layer.provideMerge(Docket.layerMemory())
      )
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.add(greet, "you")
        assert.strictEqual(yield* docket.result(greet, id), "Hello you")
      }).pipe(Effect.provide(worker))
    }))

  it.effect("has each task once", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.void.pipe(withWorker([doubled, doubled])))
      assert.include(messageOf(exit), "Two handlers of a worker have tasks of one name.")
    }))
})

describe("with a key", () => {
  const key = (letter: string) => Redacted.make(letter.repeat(32))

  it.effect("nothing of payload, result and error is kept in the open, nor opened as another's", () =>
    Effect.gen(function*() {
      const secret = DocketTask.make("secret", { payload: Schema.String, success: Schema.String, error: Schema.String })
      const handled = DocketTask.handle(secret, (words) =>
        words === "planted fails"
          ? Effect.fail("planted error")
          : words === "planted dies"
          ? Effect.die(new Error("planted defect"))
          : Effect.succeed("planted result"))
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { store } = yield* DocketRecords.DocketRecords
        const good = yield* docket.add(secret, "planted payload")
        const bad = yield* docket.add(secret, "planted fails")
        const dead = yield* docket.add(secret, "planted dies")
        assert.strictEqual(yield* docket.result(secret, good.id), "planted result")
        assert.strictEqual(yield* Effect.flip(docket.result(secret, bad.id)), "planted error")
        yield* Effect.exit(docket.result(secret, dead.id))
        const { executions } = yield* docket.list()
        assert.notInclude(JSON.stringify(executions), "planted")
        const { payload } = executions.find(({ id }) => id === good.id)!
        const { id } = yield* docket.add(secret, "x", { key: "moved", delay: "1 minute" })
        const moved = (yield* docket.get(id))!
        yield* store.change({ ...moved, payload, generation: moved.generation + 1 })
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* docket.get(id))?.failure?.kind, "Undecodable")
      }).pipe(withWorker([handled], { encryption: [key("a")] }))
    }))

  it.effect("what was sealed with an older one is read, and what was not sealed is not", () =>
    Effect.gen(function*() {
      const store = Layer.mergeAll(DocketStore.layerMemory(), DocketEnginePersistedQueue.layerMemory)
      yield* Effect.gen(function*() {
        const on = (encryption: Docket.Options["encryption"]) =>
          Effect.provide(Layer.fresh(Docket.layer({ encryption })))
        const add = (n: number) => Effect.flatMap(Docket.Docket, (docket) => docket.add(double, n))
        const older = yield* add(1).pipe(on([key("a")]))
        const open = yield* add(2).pipe(on(undefined))
        const newer = yield* add(3).pipe(on([key("b"), key("a")]))
        yield* Effect.gen(function*() {
          const docket = yield* Docket.Docket
          yield* Docket.runUntilFinished([doubled])
          assert.strictEqual(yield* docket.result(double, older.id), 2)
          assert.strictEqual(yield* docket.result(double, newer.id), 6)
          assert.strictEqual((yield* docket.get(open.id))?.failure?.kind, "Undecodable")
        }).pipe(on([key("b"), key("a")]))
        const docket = yield* Docket.Docket
        assert.strictEqual(reasonOf(yield* Effect.exit(docket.result(double, newer.id))), "Unreadable")
      }).pipe(Effect.provide(Docket.layer().pipe(Layer.provideMerge(store))))
    }))

  it.effect("that is too short there is no docket", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.provide(Effect.void, Docket.layerMemory({ encryption: [Redacted.make("short")] }))
      )
      assert.include(messageOf(exit), "32 random ones are the least")
    }))
})
