/**
 * The turn of a request among those that may run at once: in the server, in its session, or of a tool it calls. It is
 * given back when what it was taken for ends, while the request waits for a person, and when the request is over though
 * its code still runs: somebody else's turn does not depend on a finalizer that never ends.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"

export interface Turn {
  /** Waits for its turn, and has it until the effect ends. */
  readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Others have their turn until the effect ends. */
  readonly wait: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Closing `holder` gives the turn back for good. */
export const make = (limits: ReadonlyArray<Semaphore.Semaphore>, holder: Scope.Scope): Turn => {
  let held = Scope.forkUnsafe(holder)
  let waiting = 0

  const take = Effect.suspend(() => {
    const scope = held
    return Effect.forEach(limits, (limit) => Scope.provide(limit.takeScoped(1), scope), { discard: true })
  })

  const give = Effect.uninterruptible(Effect.suspend(() => {
    const given = held
    held = Scope.forkUnsafe(holder)
    return Scope.close(given, Exit.void)
  }))

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
