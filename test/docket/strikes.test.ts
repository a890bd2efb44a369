import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { starts, withWorker } from "./support.ts"

const mail = DocketTask.make("mail", { payload: Schema.Struct({ to: Schema.Struct({ name: Schema.String }) }) })

const other = DocketTask.make("other", { payload: Schema.String })

describe("a strike", () => {
  it.effect("holds what it names until it is restored", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const add = (name: string) => docket.add(mail, { to: { name } })
        const strike = { task: "mail", where: { at: "/to/name", equals: "a" } }
        yield* docket.strike(strike)
        const { id } = yield* add("a")
        yield* add("b")
        yield* docket.add(other, "a")
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* payloads, ["b", "a"])
        const held = yield* docket.get(id)
        assert.deepStrictEqual([held?.status, held?.isHeld, held?.attempt], ["Scheduled", true, 0])
        assert.deepStrictEqual(yield* docket.strikes, [strike])
        assert.isTrue(yield* docket.restore({ where: { equals: "a", at: "/to/name" }, task: "mail" }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* payloads, ["b", "a", "a"])
        assert.isFalse(yield* docket.restore(strike))
      }).pipe(withWorker(
        [DocketTask.handle(mail, ({ to }) => note(to.name)), DocketTask.handle(other, note)],
        { encryption: [Redacted.make("a key of thirty-two or more bytes")] }
      ))
    }))

  it.effect("of nothing in particular holds everything", () =>
    Effect.gen(function*() {
      const { note, payloads } = yield* starts
      yield* Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.strike({})
        yield* docket.strike({ task: "other" })
        yield* docket.add(other, "x")
        yield* TestClock.adjust("1 minute")
        yield* docket.restore({})
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* payloads, [])
        yield* docket.restore({ task: "other" })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* payloads, ["x"])
      }).pipe(withWorker([DocketTask.handle(other, note)]))
    }))

  it.effect("does not keep a job from being finished", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      yield* docket.strike({ task: "other" })
      yield* docket.add(other, "x")
      yield* Docket.runUntilFinished([DocketTask.handle(other, () => Effect.void)])
      assert.deepStrictEqual((yield* docket.snapshot).counts, [{ task: "other", status: "Scheduled", count: 1 }])
    }).pipe(Effect.provide(Docket.layerMemory())))
})
