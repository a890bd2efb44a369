/**
 * Where a tool's call stops being worth waiting for. A tool with `task: { start: "handler" }` answers its caller like any
 * other, asks what it has to ask, and says `enter` when only the long part is left: for a client that takes tasks the
 * call is answered with a task there, and the handler runs again from its start on a worker, with the answers it had and
 * what `Ask.once` kept. Where there is nothing to enter, it goes on as if nothing had been said: in a task already, for a
 * client that takes none, on a server without the extension.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as AskError from "./AskError.ts"

/** What `enter` does here; nothing, unless somebody runs tasks. @category services @since 0.1.0 */
export const Entry: Context.Reference<Effect.Effect<void, AskError.AskError>> = Context.Reference<
  Effect.Effect<void, AskError.AskError>
>("fastmcp-effect/context/Background/Entry", { defaultValue: () => Effect.void })

/**
 * From here on in the background, if that is possible. A handler that another tool has called does not enter: the call
 * is not its own.
 *
 * @category running
 * @since 0.1.0
 */
export const enter: Effect.Effect<void, AskError.AskError> = Effect.flatten(Effect.service(Entry))
