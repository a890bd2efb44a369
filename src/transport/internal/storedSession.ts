/** A session out of a `SessionStore`, as one connection of this process has it in hand. */
import * as Effect from "effect/Effect"
import type * as Session from "../../session/Session.ts"
import type * as SessionError from "../../session/SessionError.ts"
import type * as SessionStore from "../../session/SessionStore.ts"

export class StoredSession implements Session.Handle {
  readonly id: string
  private readonly store: SessionStore.SessionStore["Service"]
  private readonly principal: string | null
  private readonly options: SessionStore.CreateOptions
  private readonly onWatched: Effect.Effect<void>
  private session: Session.Session | undefined
  private version = 0
  /** Why it could not be opened. */
  refused: SessionError.SessionError | undefined

  constructor(
    id: string,
    principal: string | null,
    store: SessionStore.SessionStore["Service"],
    options: SessionStore.CreateOptions,
    /** What it watches has changed, which others who have it in hand do not know. */
    onWatched: Effect.Effect<void>
  ) {
    this.id = id
    this.principal = principal
    this.store = store
    this.options = options
    this.onWatched = onWatched
  }

  current(): Session.Session | undefined {
    return this.session
  }

  /** What the store has, unless it was asked before what is known by now. */
  adopt({ session, version }: SessionStore.Versioned): void {
    if (version < this.version) return
    this.session = session
    this.version = version
  }

  establish(established: Omit<Session.Session, "id" | "principal">): Effect.Effect<void, SessionError.SessionError> {
    return Effect.suspend(() => {
      const session = { ...established, id: this.id, principal: this.principal }
      return this.store.create(session, this.options).pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            this.refused = error
          })
        ),
        Effect.andThen(Effect.sync(() => this.adopt({ session, version: 1 })))
      )
    })
  }

  get refresh(): Effect.Effect<void, SessionError.SessionError> {
    if (!this.store.isShared) return Effect.void
    return Effect.map(this.store.get(this.id), (found) => {
      if (found !== undefined) this.adopt(found)
    })
  }

  update(change: (session: Session.Session) => Session.Session): Effect.Effect<void, SessionError.SessionError> {
    return Effect.suspend(() => {
      const { session, version } = this
      if (session === undefined) return Effect.void
      const next = change(session)
      if (next === session) return Effect.void
      return Effect.flatMap(this.store.replace(version, next), (isWritten) => {
        if (isWritten) {
          this.adopt({ session: next, version: version + 1 })
          return next.watched === session.watched ? Effect.void : this.onWatched
        }
        return Effect.flatMap(this.store.get(this.id), (found) => {
          if (found === undefined) return Effect.void
          this.adopt(found)
          return this.update(change)
        })
      })
    })
  }
}
