/**
 * Keeps one caller, tool or kind of work from taking all there is: so many at once, so many that wait, and the others are
 * refused with `Overloaded`, code 503.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as McpError from "../protocol/McpError.ts"
import * as key from "./internal/key.ts"
import * as methods from "./internal/methods.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** How many run at once: a whole number from 1. */
  readonly concurrency: number
  /** How many wait for a place, first come, first served: 0 when left out. */
  readonly queue?: number
  /** What has places of its own: each identity when left out. */
  readonly per?: Middleware.Per
}

/** The places a request has already, which what it uses of its own server needs no more. */
const Places = Context.Reference<ReadonlyArray<object>>("fastmcp-effect/middleware/Bulkhead/Places", {
  defaultValue: () => []
})

interface Compartment {
  readonly semaphore: Semaphore.Semaphore
  users: number
}

/**
 * The places are this value's: two servers with the same value in their lists share them. The handshake, lists, what looks
 * after tasks and the like pass by, and so does what a handler uses of its own server where it has the place already. A
 * request keeps its place while it waits for a person.
 *
 * A call that becomes a task has its place until the task is made, and each run of the task has one until its end. A run
 * waits for its place however many wait, for it has been let in before, and counts as one that waits. A task that waits for
 * an answer has none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Middleware.Middleware<never, never> => {
  const { concurrency, per = "identity", queue = 0 } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new Error("The concurrency of a bulkhead is not a whole number from 1.")
  }
  if (!Number.isSafeInteger(queue) || queue < 0) {
    throw new Error("The queue of a bulkhead is not a whole number from 0.")
  }
  // Only those in use.
  const compartments = new Map<string, Compartment>()

  const leave = (own: string, compartment: Compartment) =>
    Effect.sync(() => {
      if (--compartment.users === 0) compartments.delete(own)
    })

  return Middleware.make((request, next) =>
    methods.isProtocol(request.method) || methods.isOfTask(request.method) ?
      next :
      Effect.withFiber<object, McpError.McpError>((fiber) => {
        const own = key.of(per, request, key.callerOf(fiber))
        if (own === undefined) return next
        const compartment = compartments.get(own)
        const places = fiber.getRef(Places)
        if (compartment !== undefined && places.includes(compartment)) return next
        return Effect.uninterruptibleMask((restore) => {
          const taken = compartments.get(own) ?? { semaphore: Semaphore.makeUnsafe(concurrency), users: 0 }
          if (taken.users >= concurrency + queue && request.isTaskRun !== true) return Effect.fail(full)
          taken.users++
          compartments.set(own, taken)
          const placed = Effect.provideService(next, Places, [...places, taken])
          return Effect.ensuring(restore(taken.semaphore.withPermit(placed)), leave(own, taken))
        })
      })
  )
}

const full = McpError.make(
  new McpError.Overloaded({ message: "As many requests are being answered as may be at once; try again later." })
)
