/**
 * How what arrives at one process reaches the fiber that waits for it in another: the answer to a question, a cancel, the
 * end of a session. Every process that serves the sessions gets every letter, and drops those of sessions it does not
 * have.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { tell } from "./internal/tell.ts"
import type * as SessionError from "./SessionError.ts"

/** @category models @since 0.1.0 */
export interface Letter {
  /** The id of the session it is about. */
  readonly session: string
  /** JSON text. */
  readonly text: string
}

/** @category services @since 0.1.0 */
export class SessionMailbox extends Context.Service<SessionMailbox, {
  /** Succeeds once the letter is kept for whoever listens; it arrives soon after, once at each, in the order of posting. */
  readonly post: (letter: Letter) => Effect.Effect<void, SessionError.SessionError>
  /**
   * Gets every letter posted from now on, in the scope, its own too. What `onLetter` throws is logged, and it gets the
   * next letter all the same. A connection that breaks meanwhile is mended, and
   * what was posted in the meantime arrives late, not never, for as long as letters are kept: a minute at least.
   */
  readonly listen: (
    onLetter: (letter: Letter) => void
  ) => Effect.Effect<void, SessionError.SessionError, Scope.Scope>
}>()("fastmcp-effect/session/SessionMailbox") {}

/**
 * Within this process. A letter that a listener posts in its turn arrives after the one it answers, at every listener.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionMailbox> = Layer.sync(SessionMailbox, () => {
  const listeners = new Set<(letter: Letter) => void>()
  const posted: Array<Letter> = []
  let delivers = false

  const deliver: Effect.Effect<void> = Effect.suspend(() => {
    const letter = posted.shift()
    if (letter === undefined) {
      // In the step that finds nothing left: who posts next delivers again.
      delivers = false
      return Effect.void
    }
    return Effect.andThen(
      Effect.forEach([...listeners], (listener) => tell(listener, letter), { discard: true }),
      deliver
    )
  })

  return {
    post: (letter) =>
      Effect.suspend(() => {
        posted.push(letter)
        if (delivers) return Effect.void
        delivers = true
        return Effect.uninterruptible(deliver)
      }),
    listen: (onLetter) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => {
          const listener = (letter: Letter) => onLetter(letter)
          listeners.add(listener)
          return listener
        }),
        (listener) => Effect.sync(() => listeners.delete(listener))
      ))
  }
})
