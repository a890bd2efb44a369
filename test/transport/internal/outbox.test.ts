import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as outbox from "../../../src/transport/internal/outbox.ts"

describe("outbox", () => {
  it.effect("hands out what has gathered as one batch, oldest first", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 100 })
      out.write("a")
      out.write("b")
      assert.deepStrictEqual(yield* out.take, ["a", "b"])
    }))

  it.effect("wakes a taker that waits, with all that was written in the same turn", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 100 })
      const taken = yield* Effect.forkChild(out.take, { startImmediately: true })
      out.write("a")
      out.write("b")
      assert.deepStrictEqual(yield* Fiber.join(taken), ["a", "b"])
    }))

  it.effect("wakes a taker for the first thirty-two before the turn is over, and for the others after it", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 100 })
      const taken: Array<number> = []
      const taker = yield* Effect.forkChild(
        Effect.forever(
          Effect.map(out.take, (batch) => {
            taken.push(batch?.length ?? 0)
          }),
          { disableYield: true }
        ),
        { startImmediately: true }
      )
      for (let frame = 0; frame < 31; frame++) out.write("a")
      assert.deepStrictEqual(taken, [])
      for (let frame = 0; frame < 36; frame++) out.write("a")
      assert.deepStrictEqual(taken, [32, 32])
      yield* McpTest.settle
      assert.deepStrictEqual(taken, [32, 32, 3])
      yield* Fiber.interrupt(taker)
    }))

  it.effect("gives nothing while it is corked, and all of it after", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 100 })
      const taken = yield* Effect.forkChild(out.take, { startImmediately: true })
      out.cork()
      out.write("a")
      yield* McpTest.settle
      assert.isUndefined(taken.pollUnsafe())
      out.write("b")
      out.uncork()
      assert.deepStrictEqual(yield* Fiber.join(taken), ["a", "b"])
    }))

  it.effect("is congested above its mark until a batch has been taken", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 10 })
      yield* out.drained
      out.write("0123456789")
      assert.isTrue(out.congested())
      const waiting = yield* Effect.forkChild(Effect.all([out.drained, out.drained], { concurrency: 2 }), {
        startImmediately: true
      })
      yield* McpTest.settle
      assert.isUndefined(waiting.pollUnsafe())
      yield* out.take
      yield* Fiber.join(waiting)
      assert.isFalse(out.congested())
    }))

  it.effect("ends after the frames it has, takes none after, and keeps nobody waiting", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 1 })
      out.write("a")
      const waiting = yield* Effect.forkChild(out.drained, { startImmediately: true })
      out.end()
      out.write("b")
      assert.deepStrictEqual(yield* out.take, ["a"])
      assert.isUndefined(yield* out.take)
      yield* Fiber.join(waiting)
    }))

  it.effect("ends a taker that waits", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 1 })
      const taken = yield* Effect.forkChild(out.take, { startImmediately: true })
      out.end()
      assert.isUndefined(yield* Fiber.join(taken))
    }))

  it.effect("forgets a taker and a waiter that were interrupted", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 1 })
      yield* Fiber.interrupt(yield* Effect.forkChild(out.take, { startImmediately: true }))
      out.write("abc")
      yield* Fiber.interrupt(yield* Effect.forkChild(out.drained, { startImmediately: true }))
      assert.deepStrictEqual(yield* out.take, ["abc"])
    }))

  it.effect("loses no frame when somebody who waited writes at once", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 2 })
      const taken: Array<string> = []
      const taker = yield* Effect.forkChild(
        Effect.forever(Effect.map(out.take, (batch) => {
          taken.push(...batch ?? [])
        })),
        { startImmediately: true }
      )
      out.cork()
      out.write("first")
      const waiter = yield* Effect.forkChild(Effect.andThen(out.drained, Effect.sync(() => out.write("second"))), {
        startImmediately: true
      })
      out.uncork()
      yield* Fiber.join(waiter)
      yield* McpTest.settle
      assert.deepStrictEqual(taken, ["first", "second"])
      yield* Fiber.interrupt(taker)
    }))

  it.effect("loses no frame to a taker that is interrupted as it wakes", () =>
    Effect.gen(function*() {
      const out = outbox.make({ highWaterMark: 1 })
      const taker = yield* Effect.forkChild(out.take, { startImmediately: true })
      out.write("a")
      yield* Fiber.interrupt(taker)
      assert.deepStrictEqual(yield* out.take, ["a"])
    }))
})
