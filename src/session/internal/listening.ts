/** Whoever listens to a mailbox in this process, and the one reader that serves all of them. */
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Persistently from "../../storage/Persistently.ts"
import type * as SessionError from "../SessionError.ts"
import type * as SessionMailbox from "../SessionMailbox.ts"
import { tell } from "./tell.ts"

export interface Entry<Position> {
  readonly position: Position
  readonly letter: SessionMailbox.Letter
}

export interface Reader<Position> {
  /** The position of the newest letter, or one before all of them. */
  readonly newest: Effect.Effect<Position, SessionError.SessionError>
  /** The letters after a position in their order, as soon as there are some, or none after a while. */
  readonly next: (after: Position) => Effect.Effect<ReadonlyArray<Entry<Position>>, SessionError.SessionError>
}

export interface Source<Position> {
  readonly name: string
  readonly newest: Reader<Position>["newest"]
  /** Both on a connection that is new. */
  readonly connect: Effect.Effect<Reader<Position>, SessionError.SessionError, Scope.Scope>
  readonly isAfter: (position: Position, other: Position) => boolean
}

export const make = <Position>({ connect, isAfter, name, newest }: Source<Position>): Effect.Effect<
  SessionMailbox.SessionMailbox["Service"]["listen"],
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const reader = yield* RcRef.make({
      acquire: Effect.gen(function*() {
        const listeners = new Set<
          { readonly after: Position; readonly onLetter: (letter: SessionMailbox.Letter) => void }
        >()
        let at = yield* newest
        yield* Effect.forkScoped(Persistently.run(name, (works) =>
          Effect.scoped(Effect.gen(function*() {
            const { newest, next } = yield* connect
            // A database that was put back to an earlier state counts from there.
            const last = yield* newest
            if (isAfter(at, last)) at = last
            while (true) {
              const entries = yield* next(at)
              works()
              for (const { letter, position } of entries) {
                at = position
                for (const { after, onLetter } of [...listeners]) {
                  if (isAfter(position, after)) yield* tell(onLetter, letter)
                }
              }
            }
          }))))
        return listeners
      })
    })
    return (onLetter) =>
      Effect.gen(function*() {
        const listeners = yield* RcRef.get(reader)
        // What comes between this and the next line has been posted before anybody was told that we listen.
        const listener = { after: yield* newest, onLetter }
        yield* Effect.acquireRelease(
          Effect.sync(() => listeners.add(listener)),
          () => Effect.sync(() => listeners.delete(listener))
        )
      })
  })
