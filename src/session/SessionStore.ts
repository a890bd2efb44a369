/**
 * Where the sessions of an HTTP endpoint are kept. In memory a session lives in one process. In a database or in Redis
 * (`SessionStoreSql`, `SessionStoreRedis`) every process behind one address can go on with it; they then need a
 * `SessionMailbox` and an `EventStore` of the same kind.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Session from "./Session.ts"
import * as SessionError from "./SessionError.ts"

/** A session with the number of its version, which every write raises. @category models @since 0.1.0 */
export interface Versioned {
  readonly version: number
  readonly session: Session.Session
}

/** @category models @since 0.1.0 */
export interface CreateOptions {
  /** How long it lives without being asked for. */
  readonly idle: Duration.Duration
  /** Most sessions at one time, in all. */
  readonly maxSessions: number
  /** Most sessions of one principal; callers nobody knows are not counted. */
  readonly maxSessionsPerCaller: number
}

/** @category services @since 0.1.0 */
export class SessionStore extends Context.Service<SessionStore, {
  /** Whether other processes see what is written here. */
  readonly isShared: boolean
  /**
   * Keeps a new session, as version 1. `Full` where that would be one too many; counting and keeping is one step. Dies
   * where there is one of this id, for ids are not chosen by anybody.
   */
  readonly create: (
    session: Session.Session,
    options: CreateOptions
  ) => Effect.Effect<void, SessionError.SessionError>
  /** The session, if it has neither ended nor expired. Asking for it starts its idle time anew. */
  readonly get: (id: string) => Effect.Effect<Versioned | undefined, SessionError.SessionError>
  /**
   * Writes the next version in place of this one; false when it is no longer the newest, or the session has ended. Its
   * idle time goes on, and it counts for the principal it was created for.
   */
  readonly replace: (
    version: number,
    session: Session.Session
  ) => Effect.Effect<boolean, SessionError.SessionError>
  /** Ends the session; false when it had ended already. Of two that race, one is told true. */
  readonly remove: (id: string) => Effect.Effect<boolean, SessionError.SessionError>
  /** How many have neither ended nor expired. */
  readonly size: Effect.Effect<number, SessionError.SessionError>
}>()("fastmcp-effect/session/SessionStore") {}

interface Kept extends Versioned {
  readonly principal: string | null
  readonly idle: number
  readonly expiresAt: number
}

/**
 * In the memory of this process, for as long as the layer lives. Expired sessions are let go when somebody asks for
 * them, or opens another.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionStore> = Layer.effect(
  SessionStore,
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    // The least recently used first. An entry is never changed, for callers have it in hand.
    const kept = new Map<string, Kept>()
    const byPrincipal = new Map<string, number>()

    const count = (principal: string | null, by: number) => {
      if (principal === null) return
      const next = (byPrincipal.get(principal) ?? 0) + by
      if (next === 0) byPrincipal.delete(principal)
      else byPrincipal.set(principal, next)
    }

    const forget = (id: string, { principal }: Kept) => {
      kept.delete(id)
      count(principal, -1)
    }

    /** One that is still good; an expired one goes. */
    const find = (id: string): Kept | undefined => {
      const found = kept.get(id)
      if (found === undefined || found.expiresAt > clock.currentTimeMillisUnsafe()) return found
      forget(id, found)
      return undefined
    }

    /** With one idle time for all, those that have expired come before all others. */
    const forgetOldest = () => {
      const now = clock.currentTimeMillisUnsafe()
      for (const [id, found] of kept) {
        if (found.expiresAt > now) break
        forget(id, found)
      }
    }

    const forgetExpired = () => {
      const now = clock.currentTimeMillisUnsafe()
      for (const [id, found] of kept) {
        if (found.expiresAt <= now) forget(id, found)
      }
    }

    return {
      isShared: false,
      create: (session, { idle, maxSessions, maxSessionsPerCaller }) =>
        Effect.suspend(() => {
          const { id, principal } = session
          const isFull = () =>
            kept.size >= maxSessions
              ? new SessionError.Full({ limit: "server", maximum: maxSessions })
              : principal !== null && (byPrincipal.get(principal) ?? 0) >= maxSessionsPerCaller
              ? new SessionError.Full({ limit: "caller", maximum: maxSessionsPerCaller })
              : undefined
          forgetOldest()
          if (isFull() !== undefined) forgetExpired()
          const full = isFull()
          if (full !== undefined) return Effect.fail(SessionError.make(full))
          if (find(id) !== undefined) return Effect.die(new Error("There is a session of this id."))
          const millis = Duration.toMillis(idle)
          const expiresAt = clock.currentTimeMillisUnsafe() + millis
          kept.set(id, { version: 1, session, principal, idle: millis, expiresAt })
          count(principal, 1)
          return Effect.void
        }),
      get: (id) =>
        Effect.sync(() => {
          const found = find(id)
          if (found === undefined) return undefined
          kept.delete(id)
          kept.set(id, { ...found, expiresAt: clock.currentTimeMillisUnsafe() + found.idle })
          return { version: found.version, session: found.session }
        }),
      replace: (version, session) =>
        Effect.sync(() => {
          const found = find(session.id)
          if (found === undefined || found.version !== version) return false
          kept.set(session.id, { ...found, version: version + 1, session })
          return true
        }),
      remove: (id) =>
        Effect.sync(() => {
          const found = find(id)
          if (found === undefined) return false
          forget(id, found)
          return true
        }),
      size: Effect.sync(() => {
        forgetExpired()
        return kept.size
      })
    }
  })
)
