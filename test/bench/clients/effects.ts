/** Of a client whose calls are effects: the workers are fibers. */
import * as Effect from "effect/Effect"
import type * as load from "./load.ts"

export const effects =
  <E>(call: (a: number, b: number) => Effect.Effect<string | undefined, E>): load.Run => (inFlight, worker) => {
    const work = Effect.gen(function*() {
      for (let sum = worker.next(); sum !== undefined; sum = worker.next()) {
        worker.take(sum, yield* call(sum.a, sum.b))
      }
    })
    return Effect.runPromise(
      Effect.all(Array.from({ length: inFlight }, () => work), { concurrency: "unbounded", discard: true })
    )
  }
