import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import { memory } from "../session/places.ts"
import { suite } from "./contract/ReceiptStore.ts"

suite("in memory", memory(() => ReceiptStore.layerMemory()))

const start = (options: ReceiptStore.Options) =>
  Effect.map(Layer.build(Layer.fresh(ReceiptStore.layerMemory(options))), Context.get(ReceiptStore.ReceiptStore))

const call = (ttlMillis: number): ReceiptStore.Call => ({
  fingerprint: "x",
  round: undefined,
  leaseMillis: 1000,
  ttlMillis,
  isHarmless: false
})

describe("ReceiptStore in memory", () => {
  it.effect("refuses what it has no room for, and forgets nothing before its time", () =>
    Effect.gen(function*() {
      const store = yield* start({ maxKeys: 3 })
      yield* store.begin("long", call(600_000))
      for (const key of ["a", "b"]) yield* store.begin(key, call(60_000))
      assert.strictEqual((yield* Effect.flip(store.begin("c", call(60_000))))._tag, "ReceiptsUnavailable")
      // What is there is answered all the same.
      assert.strictEqual((yield* store.begin("a", call(60_000)))._tag, "Running")
      yield* TestClock.adjust(60_000)
      for (const key of ["c", "d"]) assert.strictEqual((yield* store.begin(key, call(60_000)))._tag, "Begun")
      assert.strictEqual((yield* store.begin("long", call(60_000)))._tag, "Unknown")
      assert.strictEqual((yield* Effect.flip(store.begin("e", call(60_000))))._tag, "ReceiptsUnavailable")
    }))

  it.effect("refuses when its results have no room", () =>
    Effect.gen(function*() {
      const store = yield* start({ maxBytes: 10 })
      const begun = yield* store.begin("a", call(60_000))
      if (begun._tag === "Begun") yield* store.end("a", begun.run, { _tag: "Done", text: "12345" }, 60_000)
      yield* Effect.flip(store.begin("b", call(60_000)))
      assert.deepStrictEqual(yield* store.begin("a", call(60_000)), { _tag: "Done", text: "12345" })
      yield* TestClock.adjust(60_000)
      assert.strictEqual((yield* store.begin("b", call(60_000)))._tag, "Begun")
    }))

  it.effect("cannot be for nothing", () =>
    Effect.gen(function*() {
      for (const options of [{ maxKeys: 0 }, { maxBytes: 1.5 }, { maxItemBytes: NaN }]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.scoped(start(options)))))
      }
    }))
})
