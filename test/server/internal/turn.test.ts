import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as turn from "../../../src/server/internal/turn.ts"

const makeLimits = () => [Semaphore.makeUnsafe(1), Semaphore.makeUnsafe(1)]

/** Of each limit, whether somebody could have a turn at once. */
const areFree = (limits: ReadonlyArray<Semaphore.Semaphore>) =>
  Effect.forEach(
    limits,
    (limit) => Effect.tap(limit.takeIfAvailable(1), (isTaken) => isTaken ? limit.release(1) : Effect.void)
  )

const free = [true, true]
const taken = [false, false]

describe("a turn", () => {
  it.effect("is given back by who is interrupted at any point of waiting for it, taking it, having it, or asking", () =>
    Effect.gen(function*() {
      const few = Effect.repeat(Effect.yieldNow, { times: 3 })
      for (let seed = 1; seed <= 200; seed++) {
        const limits = makeLimits()
        yield* Effect.gen(function*() {
          const all = yield* Effect.forEach([1, 2, 3, 4], () => {
            const { run, wait } = turn.make(limits, Scope.makeUnsafe())
            return Effect.forkChild(run(Effect.andThen(wait(few), few)), { startImmediately: true })
          })
          for (let turns = seed % 16; turns > 0; turns--) yield* Effect.yieldNow
          yield* Fiber.interruptAll(all)
        }).pipe(Lab.withSeed(seed))
        assert.deepStrictEqual(yield* areFree(limits), free, `seed ${seed}`)
      }
    }))

  it.effect("is somebody else's while its holder waits for a person", () =>
    Effect.gen(function*() {
      const limits = makeLimits()
      const { run, wait } = turn.make(limits, Scope.makeUnsafe())
      const [answer, end] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
      const fiber = yield* Effect.forkChild(run(Effect.andThen(wait(Deferred.await(answer)), Deferred.await(end))))
      yield* Lab.settle
      assert.deepStrictEqual(yield* areFree(limits), free)
      yield* Deferred.succeed(answer, undefined)
      yield* Lab.settle
      assert.deepStrictEqual(yield* areFree(limits), taken)
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* areFree(limits), free)
    }))

  it.effect("is given back for good when its holder's scope closes, once, whatever its code does afterwards", () =>
    Effect.gen(function*() {
      const limits = makeLimits()
      const holder = Scope.makeUnsafe()
      const { run, wait } = turn.make(limits, holder)
      const [answer, end] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
      const late = run(Effect.andThen(Effect.andThen(Deferred.await(answer), wait(Effect.void)), Deferred.await(end)))
      const fiber = yield* Effect.forkChild(late)
      yield* Lab.settle
      assert.deepStrictEqual(yield* areFree(limits), taken)
      yield* Scope.close(holder, Exit.void)
      assert.deepStrictEqual(yield* areFree(limits), free)
      const next = turn.make(limits, Scope.makeUnsafe())
      const gate = Deferred.makeUnsafe<void>()
      const following = yield* Effect.forkChild(next.run(Deferred.await(gate)))
      yield* Lab.settle
      // What is over asks for its turn again, and ends: neither takes anything from who has it now.
      yield* Deferred.succeed(answer, undefined)
      yield* Deferred.succeed(end, undefined)
      yield* Lab.settle
      assert.deepStrictEqual(yield* areFree(limits), taken)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(following)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* areFree(limits), free)
      assert.deepStrictEqual(yield* Effect.forEach(limits, (limit) => limit.takeIfAvailable(2)), taken)
    }))
})
