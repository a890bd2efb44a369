/**
 * The stateful era: `initialize` opens a session on the connection, and later requests are answered in the revision it
 * settled on.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as RequestContext from "../context/RequestContext.ts"
import * as SessionState from "../context/SessionState.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Session from "../session/Session.ts"
import type * as SessionError from "../session/SessionError.ts"
import * as lifecycle from "./lifecycle.ts"

/** One for each session, however many there are: what it holds is little, and what it does is shared. */
export class StatefulLifecycle {
  private readonly handle: Session.Handle
  private seen: Session.Session | undefined
  private scope: SessionScope | undefined

  constructor(handle: Session.Handle) {
    this.handle = handle
  }

  admit(request: JsonRpc.Request): lifecycle.RequestScope | McpError.McpError {
    const meta = lifecycle.metaOf(request.params)
    const established = this.session()
    if (established !== undefined) {
      if (request.method === "initialize") return initialized()
      return meta === lifecycle.noMeta ? established : established.withMeta(meta)
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
  }

  /** Settles on a revision; the client's own choice where this server speaks it. */
  initialize(
    { capabilities, clientInfo, protocolVersion }: typeof McpSchema.InitializeParams.Type
  ): Effect.Effect<Revision.Revision, McpError.McpError> {
    return Effect.suspend(() => {
      if (this.handle.current() !== undefined) return Effect.fail(initialized())
      const asked = Revisions.select(protocolVersion)
      const revision = asked?.era === "Stateful" ? asked : Revisions.latestStateful
      return this.handle.establish({
        revision: revision.version,
        clientInfo,
        capabilities,
        watched: none,
        values: nothing
      }).pipe(
        Effect.mapError(unavailable),
        Effect.as(revision)
      )
    })
  }

  setLogLevel(level: McpSchema.LoggingLevel): Effect.Effect<void, McpError.McpError> {
    return this.update((session) => session.logLevel === level ? session : { ...session, logLevel: level })
  }

  /** Resources the client wants to hear of: at most `limit` at a time. */
  watch(uri: string, limit: number): Effect.Effect<void, McpError.McpError> {
    return Effect.suspend(() => {
      let isFull = false
      return Effect.andThen(
        this.update((session) => {
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
    })
  }

  unwatch(uri: string): Effect.Effect<void, McpError.McpError> {
    return this.update((session) =>
      session.watched.includes(uri)
        ? { ...session, watched: session.watched.filter((watched) => watched !== uri) }
        : session
    )
  }

  isWatching(uri: string): boolean {
    return this.watched().includes(uri)
  }

  watched(): ReadonlyArray<string> {
    return this.handle.current()?.watched ?? none
  }

  /** What `initialize` established: the scope of its requests. */
  session(): SessionScope | undefined {
    const current = this.handle.current()
    if (current === this.seen) return this.scope
    // The revision and the client of a session never change.
    if (this.scope === undefined && current !== undefined) {
      const revision = Revisions.select(current.revision) ?? Revisions.latestStateful
      const client = { info: current.clientInfo, capabilities: revision.clientCapabilities(current.capabilities) }
      this.scope = new SessionScope(revision, client, lifecycle.noMeta, this.handle)
    }
    this.seen = current
    return this.scope
  }

  private update(change: (session: Session.Session) => Session.Session): Effect.Effect<void, McpError.McpError> {
    return Effect.mapError(this.handle.update(change), unavailable)
  }
}

class SessionScope implements lifecycle.RequestScope {
  readonly revision: Revision.Revision
  readonly client: RequestContext.Client
  readonly meta: JsonRpc.JsonObject
  private readonly handle: Session.Handle

  constructor(
    revision: Revision.Revision,
    client: RequestContext.Client,
    meta: JsonRpc.JsonObject,
    handle: Session.Handle
  ) {
    this.revision = revision
    this.client = client
    this.meta = meta
    this.handle = handle
  }

  get session(): SessionState.Values {
    return new SessionValues(this.handle)
  }

  logLevel(): McpSchema.LoggingLevel {
    return this.handle.current()?.logLevel ?? "info"
  }

  wantsLogs(): boolean {
    return this.handle.current()?.logLevel !== undefined
  }

  withMeta(meta: JsonRpc.JsonObject): SessionScope {
    return new SessionScope(this.revision, this.client, meta, this.handle)
  }
}

const initialized = () => McpError.invalidRequest("This connection is initialized already.")

const unavailable = (error: SessionError.SessionError) =>
  McpError.make(new McpError.Overloaded({ message: error.message }))

const stranger = { info: undefined, capabilities: {} }

const noLogs = () => undefined

const no = () => false

const none: ReadonlyArray<string> = []

const nothing: Session.Session["values"] = {}

class SessionValues implements SessionState.Values {
  private readonly handle: Session.Handle

  constructor(handle: Session.Handle) {
    this.handle = handle
  }

  get(key: string): JsonRpc.Json | undefined {
    const session = this.handle.current()
    return session === undefined ? undefined : valueOf(session, key)
  }

  get refresh(): Effect.Effect<void, SessionState.SessionStateError> {
    return Effect.mapError(this.handle.refresh, ({ message }) => unreachable(message))
  }

  modify<A>(
    key: string,
    change: (current: JsonRpc.Json | undefined) => Exit.Exit<
      SessionState.Modified<A>,
      SessionState.SessionStateError
    >
  ): Effect.Effect<A, SessionState.SessionStateError> {
    return Effect.suspend(() => {
      let changed: Exit.Exit<A, SessionState.SessionStateError> | undefined
      return this.handle.update((session) => {
        const current = valueOf(session, key)
        const modified = change(current)
        changed = Exit.map(modified, ({ value }) => value)
        if (Exit.isFailure(modified) || modified.value.next === current) return session
        const { next } = modified.value
        const { [key]: _, ...values } = session.values
        return { ...session, values: next === undefined ? values : { ...values, [key]: next } }
      }).pipe(
        Effect.mapError(({ message }) => unreachable(message)),
        Effect.andThen(Effect.suspend(() => changed ?? Exit.fail(unreachable("The session has ended."))))
      )
    })
  }
}

const valueOf = ({ values }: Session.Session, key: string): JsonRpc.Json | undefined =>
  Object.hasOwn(values, key) ? values[key] : undefined

const unreachable = (text: string) =>
  new SessionState.SessionStateError({ reason: new SessionState.Unavailable({ text }) })
