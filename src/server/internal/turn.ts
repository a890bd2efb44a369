/**
 * A request's turn among those that may run at once, in the server and in its session. It is given back while the
 * request waits for a person, so that nobody else does.
 */
import * as Effect from "effect/Effect"
import type * as Semaphore from "effect/Semaphore"

export interface Turn {
  /** Waits for its turn, and has it until the effect ends. */
  readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Others have their turn until the effect ends. */
  readonly wait: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const make = (limits: ReadonlyArray<Semaphore.Semaphore>): Turn => {
  let held: ReadonlyArray<Semaphore.Semaphore> = []
  let waiting = 0

  const take = Effect.forEach(limits, (limit) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.andThen(
        restore(limit.take(1)),
        Effect.sync(() => {
          held = [...held, limit]
        })
      )
    ), { discard: true })

  const give = Effect.suspend(() => {
    const given = held
    held = []
    return Effect.forEach(given, (limit) => limit.release(1), { discard: true })
  })

  return {
    run: (effect) => Effect.ensuring(Effect.andThen(take, effect), give),
    wait: (effect) =>
      Effect.suspend(() => {
        const isFirst = ++waiting === 1
        const resume = Effect.suspend(() => --waiting === 0 ? take : Effect.void)
        return Effect.andThen(isFirst ? give : Effect.void, Effect.exit(effect)).pipe(
          // Who is interrupted ends, and needs no turn for it.
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              waiting--
            })
          ),
          Effect.flatMap((exit) => Effect.andThen(resume, exit))
        )
      })
  }
}
