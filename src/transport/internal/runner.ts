/**
 * Runs effects from plain code. What ends without waiting ends before `run` returns, so that a store in memory costs
 * no turn of the event loop; what waits is stopped with the scope.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Pending from "../../core/Pending.ts"

export interface Runner {
  /** `onExit` is called once, unless the scope closes first. The result interrupts. */
  readonly run: <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => () => void
  /** Runs until it ends, the result is called, or the scope closes. */
  readonly fork: (effect: Effect.Effect<void>) => () => void
}

export const make: Effect.Effect<Runner, never, Scope.Scope> = Effect.gen(function*() {
  const start = Effect.runForkWith(yield* Effect.context<never>())
  const running = new Pending.Unkeyed<Fiber.Fiber<any, any>>()
  let isClosed = false

  const own = (fiber: Fiber.Fiber<any, any>) => {
    fiber.addObserver(running.add(fiber))
  }

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      return Fiber.interruptAll(running.values())
    })
  )

  return {
    run: (effect, onExit) => {
      if (isClosed) return ignore
      const fiber = start(effect)
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) {
        onExit(exit)
        return ignore
      }
      own(fiber)
      fiber.addObserver((exit) => {
        if (!isClosed) onExit(exit)
      })
      return () => fiber.interruptUnsafe()
    },
    fork: (effect) => {
      if (isClosed) return ignore
      const fiber = start(effect)
      if (fiber.pollUnsafe() === undefined) own(fiber)
      return () => fiber.interruptUnsafe()
    }
  }
})

const ignore = () => {}
