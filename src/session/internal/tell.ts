import * as Effect from "effect/Effect"
import type * as SessionMailbox from "../SessionMailbox.ts"

/** Calls a listener, which must not stop the letters of others. */
export const tell = (
  onLetter: (letter: SessionMailbox.Letter) => void,
  letter: SessionMailbox.Letter
): Effect.Effect<void> =>
  Effect.catchCause(
    Effect.sync(() => onLetter(letter)),
    (cause) => Effect.logError("A listener of the session mailbox threw.", cause)
  )
