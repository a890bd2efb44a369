import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Leaks from "fastmcp-effect/testing/Leaks"

describe("Leaks", () => {
  it.effect("names a fiber that outlives the scope", () =>
    Effect.gen(function*() {
      const forgotten: Array<Fiber.Fiber<never>> = []
      const outcome = yield* Outcome.fromEffect(Leaks.check(
        Effect.map(Effect.forkDetach(Effect.never), (fiber) => void forgotten.push(fiber))
      ))
      yield* Fiber.interruptAll(forgotten)
      assert.strictEqual(outcome._tag, "Panicked")
      assert.instanceOf(outcome._tag === "Panicked" ? outcome.defect : undefined, Leaks.LeakError)
    }))

  it.effect("lets pass what ends with the scope, however it ends", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* Leaks.check(Effect.as(Effect.forkScoped(Effect.never), "done")),
        "done"
      )
      const exit = yield* Effect.exit(Leaks.check(Effect.andThen(Effect.forkScoped(Effect.never), Effect.fail("no"))))
      assert.deepStrictEqual(exit, Exit.fail("no"))
    }))
})
