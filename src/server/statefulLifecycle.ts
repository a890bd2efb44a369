/**
 * The stateful era: `initialize` opens a session on the connection, and later requests are answered in the revision it
 * settled on.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SessionState from "../context/SessionState.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Session from "../session/Session.ts"
import type * as SessionError from "../session/SessionError.ts"
import * as lifecycle from "./lifecycle.ts"

export interface StatefulLifecycle {
  readonly admit: (request: JsonRpc.Request) => lifecycle.RequestScope | McpError.McpError
  /** Settles on a revision; the client's own choice where this server speaks it. */
  readonly initialize: (
    params: typeof McpSchema.InitializeParams.Type
  ) => Effect.Effect<Revision.Revision, McpError.McpError>
  readonly setLogLevel: (level: McpSchema.LoggingLevel) => Effect.Effect<void, McpError.McpError>
  /** Resources the client wants to hear of: at most `limit` at a time. */
  readonly watch: (uri: string, limit: number) => Effect.Effect<void, McpError.McpError>
  readonly unwatch: (uri: string) => Effect.Effect<void, McpError.McpError>
  readonly isWatching: (uri: string) => boolean
  /** What `initialize` established: the scope of its requests. */
  readonly session: () => lifecycle.RequestScope | undefined
}

export const make = (handle: Session.Handle): StatefulLifecycle => {
  let seen: Session.Session | undefined
  let scope: lifecycle.RequestScope | undefined
  const values = makeValues(handle)
  const logLevel = () => handle.current()?.logLevel ?? "info"
  const wantsLogs = () => handle.current()?.logLevel !== undefined

  const session = (): lifecycle.RequestScope | undefined => {
    const current = handle.current()
    if (current === seen) return scope
    // The revision and the client of a session never change.
    if (scope === undefined && current !== undefined) {
      const revision = Revisions.select(current.revision) ?? Revisions.latestStateful
      scope = {
        revision,
        client: { info: current.clientInfo, capabilities: revision.clientCapabilities(current.capabilities) },
        meta: lifecycle.noMeta,
        logLevel,
        wantsLogs,
        session: values
      }
    }
    seen = current
    return scope
  }

  const update = (change: (session: Session.Session) => Session.Session) =>
    Effect.mapError(handle.update(change), unavailable)

  return {
    session,
    admit: (request) => {
      const meta = lifecycle.metaOf(request.params)
      const established = session()
      if (established !== undefined) {
        if (request.method === "initialize") return initialized()
        return meta === lifecycle.noMeta ? established : { ...established, meta }
      }
      // Before the handshake there is nobody to speak to, and two things to say.
      return request.method === "initialize" || request.method === "ping"
        ? {
          revision: Revisions.latestStateful,
          client: stranger,
          meta,
          logLevel: noLogs,
          wantsLogs: no,
          session: undefined
        }
        : McpError.invalidRequest(
          `Send initialize first, or the ${"_meta"} envelope of 2026-07-28; ${request.method} came before either.`
        )
    },
    initialize: ({ capabilities, clientInfo, protocolVersion }) =>
      Effect.suspend(() => {
        if (handle.current() !== undefined) return Effect.fail(initialized())
        const asked = Revisions.select(protocolVersion)
        const revision = asked?.era === "Stateful" ? asked : Revisions.latestStateful
        return handle.establish({ revision: revision.version, clientInfo, capabilities, watched: [], values: {} }).pipe(
          Effect.mapError(unavailable),
          Effect.as(revision)
        )
      }),
    setLogLevel: (level) => update((session) => session.logLevel === level ? session : { ...session, logLevel: level }),
    watch: (uri, limit) =>
      Effect.suspend(() => {
        let isFull = false
        return Effect.andThen(
          update((session) => {
            isFull = !session.watched.includes(uri) && session.watched.length >= limit
            return isFull || session.watched.includes(uri)
              ? session
              : { ...session, watched: [...session.watched, uri] }
          }),
          Effect.suspend(() =>
            isFull
              ? Effect.fail(McpError.invalidParams(
                `A session watches ${limit} resources at most; unsubscribe from some.`
              ))
              : Effect.void
          )
        )
      }),
    unwatch: (uri) =>
      update((session) =>
        session.watched.includes(uri)
          ? { ...session, watched: session.watched.filter((watched) => watched !== uri) }
          : session
      ),
    isWatching: (uri) => handle.current()?.watched.includes(uri) === true
  }
}

const initialized = () => McpError.invalidRequest("This connection is initialized already.")

const unavailable = (error: SessionError.SessionError) =>
  McpError.make(new McpError.Overloaded({ message: error.message }))

const stranger = { info: undefined, capabilities: {} }

const noLogs = () => undefined

const no = () => false

const makeValues = (handle: Session.Handle): SessionState.Values => {
  const unreachable = (text: string) =>
    new SessionState.SessionStateError({ reason: new SessionState.Unavailable({ text }) })
  const ended = Exit.fail(unreachable("The session has ended."))
  const get = ({ values }: Session.Session, key: string): JsonRpc.Json | undefined =>
    Object.hasOwn(values, key) ? values[key] : undefined
  return {
    get: (key) => {
      const session = handle.current()
      return session === undefined ? undefined : get(session, key)
    },
    refresh: Effect.mapError(handle.refresh, ({ message }) => unreachable(message)),
    modify: <A>(
      key: string,
      change: (current: JsonRpc.Json | undefined) => Exit.Exit<
        SessionState.Modified<A>,
        SessionState.SessionStateError
      >
    ) =>
      Effect.suspend(() => {
        let changed: Exit.Exit<A, SessionState.SessionStateError> = ended
        return handle.update((session) => {
          const current = get(session, key)
          const modified = change(current)
          changed = Exit.map(modified, ({ value }) => value)
          if (Exit.isFailure(modified) || modified.value.next === current) return session
          const { next } = modified.value
          const { [key]: _, ...values } = session.values
          return { ...session, values: next === undefined ? values : { ...values, [key]: next } }
        }).pipe(
          Effect.mapError(({ message }) => unreachable(message)),
          Effect.andThen(Effect.suspend(() => changed))
        )
      })
  }
}
