import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketEngine from "../../src/docket/DocketEngine.ts"
import * as DocketEnginePersistedQueue from "../../src/docket/DocketEnginePersistedQueue.ts"
import * as DocketStore from "../../src/docket/DocketStore.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { starts } from "./support.ts"

type Store = DocketStore.DocketStore["Service"]

/** In memory, with an engine that says whether its rings have an order: where they do, a look and a claim are one step. */
const docketOf = (ordersByPriority: boolean, change: (store: Store) => Partial<Store> = () => ({})) =>
  Layer.provide(Docket.layer(), [
    Layer.effect(
      DocketStore.DocketStore,
      Effect.map(DocketStore.DocketStore, (store) => ({ ...store, ...change(store) }))
    )
      .pipe(Layer.provide(DocketStore.layerMemory())),
    Layer.effect(
      DocketEngine.DocketEngine,
      Effect.map(DocketEngine.DocketEngine, (engine) => ({ ...engine, ordersByPriority }))
    ).pipe(Layer.provide(DocketEnginePersistedQueue.layerMemory))
  ])

const before = { payload: Schema.String }

for (const ordersByPriority of [false, true]) {
  describe(`a worker whose rings have ${ordersByPriority ? "an" : "no"} order`, () => {
    const withWorker = (
      handlers: ReadonlyArray<DocketTask.Handled<never>>,
      change?: (store: Store) => Partial<Store>,
      options: Parameters<typeof Docket.layerWorker>[1] = {}
    ) =>
      Effect.provide(
        Layer.provideMerge(Docket.layerWorker(handlers, options), docketOf(ordersByPriority, change))
      )

    it.effect("starts what is due, and yields what is not", () =>
      Effect.gen(function*() {
        const { all, note } = yield* starts
        const task = DocketTask.make("plain", before)
        yield* Effect.gen(function*() {
          const docket = yield* Docket.Docket
          yield* docket.add(task, "later", { delay: "1 minute" })
          const { id } = yield* docket.add(task, "now")
          yield* TestClock.adjust("10 seconds")
          const { attempt, generation, status } = (yield* docket.get(id))!
          assert.deepStrictEqual([status, attempt, generation], ["Succeeded", 1, 3])
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* all, [["now", 0], ["later", 60_000]])
        }).pipe(withWorker([DocketTask.handle(task, note)]))
      }))

    it.effect("takes no share of a limit for what it cannot read", () =>
      Effect.gen(function*() {
        const { note, payloads } = yield* starts
        const limits = {
          concurrency: { key: () => "k", limit: 1 },
          rateLimit: { key: () => "k", limit: 2, window: "1 hour" }
        } as const
        const old = DocketTask.make("limited", { ...before, ...limits })
        const task = DocketTask.make("limited", { payload: Schema.Literal("good"), ...limits })
        yield* Effect.gen(function*() {
          const docket = yield* Docket.Docket
          for (const payload of ["bad", "worse", "bad", "good"]) yield* docket.add(old, payload)
          yield* TestClock.adjust("10 seconds")
          assert.deepStrictEqual(yield* payloads, ["good"])
          const { executions } = yield* docket.list({ status: "Failed" })
          assert.deepStrictEqual(executions.map(({ attempt, failure }) => [attempt, failure?.kind]), [
            [0, "Undecodable"],
            [0, "Undecodable"],
            [0, "Undecodable"]
          ])
        }).pipe(withWorker([DocketTask.handle(task, note)]))
      }))

    it.effect("says so of what its schema dies of", () =>
      Effect.gen(function*() {
        const { note, payloads } = yield* starts
        const dies = Schema.String.check(Schema.makeFilter((text) => {
          if (text === "bad") throw new Error("boom")
          return true
        }))
        const task = DocketTask.make("dies", { payload: dies })
        yield* Effect.gen(function*() {
          const docket = yield* Docket.Docket
          const { id } = yield* docket.add(DocketTask.make("dies", before), "bad")
          yield* docket.add(task, "good")
          yield* TestClock.adjust("10 seconds")
          const { attempt, failure, status } = (yield* docket.get(id))!
          assert.deepStrictEqual([status, attempt, failure], ["Failed", 0, {
            kind: "Undecodable",
            message: "The payload cannot be used. Its schema has died of it."
          }])
          assert.deepStrictEqual(yield* payloads, ["good"])
        }).pipe(withWorker([DocketTask.handle(task, note)]))
      }))

    it.effect("does not start by rules that are older than its lease", () =>
      Effect.gen(function*() {
        const { note, payloads } = yield* starts
        const task = DocketTask.make("struck", before)
        // The answers are there at once, and come as to a process that was frozen in between.
        const late = ({ claim, notes }: Store): Partial<Store> => ({
          notes: (kind) => kind === "strike" ? Effect.tap(notes(kind), Effect.sleep("1 minute")) : notes(kind),
          claim: (request) =>
            Effect.tap(claim!(request), (answer) => answer?.isClaimed === true ? Effect.sleep("1 minute") : Effect.void)
        })
        yield* Effect.gen(function*() {
          const docket = yield* Docket.Docket
          const { id } = yield* docket.add(task, "a")
          yield* TestClock.adjust("10 seconds")
          yield* docket.strike({ task: "struck" })
          yield* TestClock.adjust("3 minutes")
          assert.deepStrictEqual(yield* payloads, [])
          const { attempt, isHeld, lapses } = (yield* docket.get(id))!
          assert.deepStrictEqual([isHeld, attempt, lapses], [true, 0, 0])
        }).pipe(withWorker([DocketTask.handle(task, note)], late, { lease: "30 seconds", sweepInterval: "1 day" }))
      }))
  })
}
