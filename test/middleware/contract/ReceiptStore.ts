/** The laws of a `ReceiptStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import type { Backend } from "../../session/places.ts"

type Store = ReceiptStore.ReceiptStore["Service"]

/** Long enough that a busy machine does not let it pass. */
const lease = 700

const call = (fingerprint: string, changed: Partial<ReceiptStore.Call> = {}): ReceiptStore.Call => ({
  fingerprint,
  round: undefined,
  leaseMillis: lease,
  ttlMillis: 60_000,
  isHarmless: false,
  ...changed
})

const began = (begun: ReceiptStore.Begun): string => begun._tag === "Begun" ? begun.run : assert.fail(begun._tag)

export const suite = (name: string, { isShared, place, time }: Backend<ReceiptStore.ReceiptStore>): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = time === "virtual" ? TestClock.adjust : Effect.sleep

  const connect = (process: Layer.Layer<ReceiptStore.ReceiptStore, unknown>) =>
    Effect.map(Layer.build(process), Context.get(ReceiptStore.ReceiptStore))

  const law = (title: string, body: (store: Store) => Effect.Effect<void, ReceiptStore.ReceiptsUnavailable>) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process()))
      })), 30_000)

  describe(`A ReceiptStore ${name}`, () => {
    law("lets a call begin once, and answers it with how it ended", (store) =>
      Effect.gen(function*() {
        const run = began(yield* store.begin("a", call("x")))
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Running" })
        assert.isTrue(yield* store.end("a", run, { _tag: "Done", text: "é\\u0000 \"1\"" }, 60_000))
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Done", text: "é\\u0000 \"1\"" })
        assert.isFalse(yield* store.end("a", run, { _tag: "Done", text: "2" }, 60_000))
        assert.isFalse(yield* store.renew("a", run, lease))
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Done", text: "é\\u0000 \"1\"" })
        began(yield* store.begin("b", call("x")))
      }))

    law("says that a key is another call's, however that stands", (store) =>
      Effect.gen(function*() {
        const conflict: ReceiptStore.Begun = { _tag: "Conflict" }
        const run = began(yield* store.begin("a", call("x")))
        assert.deepStrictEqual(yield* store.begin("a", call("y", { isHarmless: true })), conflict)
        yield* store.end("a", run, { _tag: "Unknown" }, 60_000)
        assert.deepStrictEqual(yield* store.begin("a", call("y")), conflict)
        const other = began(yield* store.begin("b", call("x")))
        yield* store.end("b", other, { _tag: "Done", text: "1" }, 60_000)
        assert.deepStrictEqual(yield* store.begin("b", call("y", { isHarmless: true })), conflict)
      }))

    law("keeps that a result was too large, and forgets what was undone", (store) =>
      Effect.gen(function*() {
        const run = began(yield* store.begin("a", call("x")))
        yield* store.end("a", run, { _tag: "Undone" }, 60_000)
        const again = began(yield* store.begin("a", call("y")))
        assert.notStrictEqual(again, run)
        assert.isFalse(yield* store.end("a", run, { _tag: "Done", text: "1" }, 60_000))
        assert.isTrue(yield* store.end("a", again, { _tag: "Done", text: undefined }, 60_000))
        assert.deepStrictEqual(yield* store.begin("a", call("y")), { _tag: "Done", text: undefined })
      }))

    law(
      "goes on with a call that has asked only with what it has given out, and repeats its question otherwise",
      (store) =>
        Effect.gen(function*() {
          const question = (text: string): ReceiptStore.Begun => ({ _tag: "Done", text })
          const first = began(yield* store.begin("a", call("x")))
          yield* store.end("a", first, { _tag: "Asked", text: "one?", next: "s1" }, 60_000)
          assert.deepStrictEqual(yield* store.begin("a", call("x")), question("one?"))
          assert.deepStrictEqual(yield* store.begin("a", call("x", { round: "forged" })), question("one?"))
          const second = began(yield* store.begin("a", call("x", { round: "s1" })))
          assert.deepStrictEqual(yield* store.begin("a", call("x", { round: "s1" })), { _tag: "Running" })
          yield* store.end("a", second, { _tag: "Asked", text: "two?", next: "s2" }, 60_000)
          // An older round is not gone through again.
          assert.deepStrictEqual(yield* store.begin("a", call("x", { round: "s1" })), question("two?"))
          const third = began(yield* store.begin("a", call("x", { round: "s2" })))
          // Nothing was done: it stands where it stood.
          yield* store.end("a", third, { _tag: "Undone" }, 60_000)
          assert.deepStrictEqual(yield* store.begin("a", call("x")), question("two?"))
          const fourth = began(yield* store.begin("a", call("x", { round: "s2" })))
          yield* store.end("a", fourth, { _tag: "Done", text: "done" }, 60_000)
          for (const round of [undefined, "s1", "s2"]) {
            assert.deepStrictEqual(yield* store.begin("a", call("x", { round })), question("done"))
          }
        })
    )

    law("does not let begin again what was cut off, unless there is no harm in it", (store) =>
      Effect.gen(function*() {
        const run = began(yield* store.begin("a", call("x")))
        yield* wait(lease / 2)
        assert.isTrue(yield* store.renew("a", run, lease))
        yield* wait(lease * 0.6)
        assert.deepStrictEqual(yield* store.begin("a", call("x", { isHarmless: true })), { _tag: "Running" })
        yield* wait(lease * 0.6)
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Unknown" })
        // It was there all the time.
        assert.isTrue(yield* store.renew("a", run, lease))
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Running" })
        yield* wait(lease + 1)
        const other = began(yield* store.begin("a", call("x", { isHarmless: true })))
        assert.isFalse(yield* store.renew("a", run, lease))
        assert.isFalse(yield* store.end("a", run, { _tag: "Done", text: "1" }, 60_000))
        assert.isTrue(yield* store.end("a", other, { _tag: "Unknown" }, 60_000))
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Unknown" })
        began(yield* store.begin("a", call("x", { isHarmless: true })))
      }))

    law("takes how it ended from a run whose time was over", (store) =>
      Effect.gen(function*() {
        const run = began(yield* store.begin("a", call("x")))
        yield* wait(lease + 1)
        assert.isTrue(yield* store.end("a", run, { _tag: "Done", text: "late" }, 60_000))
        assert.deepStrictEqual(yield* store.begin("a", call("x")), { _tag: "Done", text: "late" })
      }))

    law(
      "keeps what became of a call for as long as it is told, and longer while it runs",
      (store) =>
        Effect.gen(function*() {
          const brief = call("x", { ttlMillis: 300 })
          const run = began(yield* store.begin("a", brief))
          yield* wait(400)
          assert.deepStrictEqual(yield* store.begin("a", brief), { _tag: "Running" })
          yield* store.renew("a", run, lease)
          yield* wait(lease * 0.6)
          assert.deepStrictEqual(yield* store.begin("a", brief), { _tag: "Running" })
          yield* store.end("a", run, { _tag: "Done", text: "1" }, 300)
          assert.deepStrictEqual(yield* store.begin("a", brief), { _tag: "Done", text: "1" })
          yield* wait(310)
          began(yield* store.begin("a", call("y")))
        })
    )

    law("takes any text for a key, a fingerprint and a round", (store) =>
      Effect.gen(function*() {
        const texts = ["", " ", "\u0000", "\ud800", "ä😀", "'); DROP TABLE receipts; --", "x".repeat(10_000), "\"\""]
        for (const text of texts) {
          const run = began(yield* store.begin(text, call(text)))
          yield* store.end(text, run, { _tag: "Asked", text: "?", next: text }, 60_000)
        }
        for (const text of texts) began(yield* store.begin(text, call(text, { round: text })))
      }))

    run("goes on with what it runs until it closes", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const ended = yield* Deferred.make<string>()
        yield* Effect.gen(function*() {
          const process = yield* place
          const store = yield* connect(process())
          const fiber = yield* Effect.forkChild(Effect.sync(() => {
            store.fork(Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, "closed")))
          }))
          yield* Fiber.join(fiber)
        }).pipe(Scope.provide(scope))
        assert.isFalse(yield* Deferred.isDone(ended))
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* Deferred.await(ended), "closed")
      }))

    run("has a name of its own in each place, and keeps it", () =>
      Effect.scoped(Effect.gen(function*() {
        const [one, other] = [yield* place, yield* place]
        const [first, second] = [yield* connect(one()), yield* connect(one())]
        assert.notStrictEqual(first.id, "")
        assert.strictEqual(first.id === second.id, isShared)
        if (name !== "on Postgres") assert.notStrictEqual((yield* connect(other())).id, first.id)
      })))

    if (!isShared) return

    run("lets one of four processes begin, and answers them all", () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const stores = yield* Effect.all([1, 2, 3, 4].map(() => connect(process())))
        for (let round = 0; round < 10; round++) {
          const key = `key ${round}`
          const begun = yield* Effect.all(
            stores.flatMap((store) =>
              Array.from({ length: 5 }, () => store.begin(key, call("x", { leaseMillis: 60_000 })))
            ),
            { concurrency: "unbounded" }
          )
          const runs = begun.filter(({ _tag }) => _tag === "Begun")
          assert.lengthOf(runs, 1)
          assert.lengthOf(begun.filter(({ _tag }) => _tag === "Running"), 19)
          yield* stores[round % 4]!.end(key, began(runs[0]!), { _tag: "Done", text: key }, 60_000)
          for (const store of stores) {
            assert.deepStrictEqual(yield* store.begin(key, call("x")), { _tag: "Done", text: key })
          }
        }
      })), 30_000)
  })
}
