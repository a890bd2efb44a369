/**
 * A session of the stateful revisions: what must outlive one message for the next to be understood, as data, so that it
 * can be kept where other processes find it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as SessionError from "./SessionError.ts"

/** @category models @since 0.1.0 */
export const Session = Schema.Struct({
  /** Visible ASCII that cannot be guessed. */
  id: Schema.String,
  /** Whose it is; null for a caller nobody knows. Whoever else names the id is told that there is no such session. */
  principal: Schema.NullOr(Schema.String),
  /** The revision `initialize` settled on. */
  revision: Schema.String,
  clientInfo: McpSchema.Implementation,
  /** As the client declared them. */
  capabilities: McpSchema.ClientCapabilities,
  /** The least severe log message the client has asked for, if it has. */
  logLevel: Schema.optionalKey(McpSchema.LoggingLevel),
  /** URIs of the resources it subscribed to. */
  watched: Schema.Array(Schema.String),
  /** What handlers keep, by name. */
  values: Schema.Record(Schema.String, Schema.Json as Schema.Codec<JsonRpc.Json>)
})

/** @category models @since 0.1.0 */
export type Session = typeof Session.Type

/**
 * One session, as a connection has it in hand.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle {
  /** As this process last saw it; undefined before `initialize`. Never waits. */
  readonly current: () => Session | undefined
  /** Opens it. `Full` when there are too many. */
  readonly establish: (session: Omit<Session, "id" | "principal">) => Effect.Effect<void, SessionError.SessionError>
  /** Sees what others have changed. */
  readonly refresh: Effect.Effect<void, SessionError.SessionError>
  /**
   * Changes it in one step: `change` may run again, on what somebody else wrote meanwhile. Nothing is written where it
   * answers with the session it was given. A session that has ended is left alone.
   */
  readonly update: (change: (session: Session) => Session) => Effect.Effect<void, SessionError.SessionError>
}

/**
 * A session nobody else sees, for a connection that is the session: a pipe, a socket.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLocal = (id = ""): Handle => {
  let session: Session | undefined
  return {
    current: () => session,
    establish: (established) =>
      Effect.sync(() => {
        session = { ...established, id, principal: null }
      }),
    refresh: Effect.void,
    update: (change) =>
      Effect.sync(() => {
        if (session !== undefined) session = change(session)
      })
  }
}
