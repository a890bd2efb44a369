/**
 * The sessions of one HTTP endpoint as this process serves them: those it has opened, and those it has taken up from a
 * store it shares with others. What ends one ends all that belongs to it.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as EventStore from "../../session/EventStore.ts"
import type * as SessionError from "../../session/SessionError.ts"
import type * as SessionMailbox from "../../session/SessionMailbox.ts"
import type * as SessionStore from "../../session/SessionStore.ts"
import type * as HttpEndpoint from "../HttpEndpoint.ts"
import type * as Receiver from "../Receiver.ts"
import * as liveSession from "./liveSession.ts"
import type * as runner from "./runner.ts"
import * as storedSession from "./storedSession.ts"

export interface Options {
  readonly receiver: Receiver.Receiver["Service"]
  readonly store: SessionStore.SessionStore["Service"]
  readonly events: EventStore.EventStore["Service"]
  readonly mailbox: SessionMailbox.SessionMailbox["Service"]
  readonly runner: runner.Runner
  readonly clock: Clock.Clock
  readonly create: SessionStore.CreateOptions
  /** Milliseconds a session is kept without a client. */
  readonly idle: number
  /** Milliseconds a client waits before it comes back for a stream. */
  readonly retry: number
  /** Tells this process apart from others that serve the same sessions. */
  readonly node: string
  /** Waits for the finalizers of what was cut off. */
  readonly abandon: (peer: Receiver.Peer) => void
}

export class HttpSessions {
  private readonly options: Options
  private readonly shared: liveSession.Shared
  private readonly live = new Map<string, liveSession.LiveSession>()
  /** Who waits for the store. */
  private readonly asking = new Set<Asking>()
  private lastMade = 0

  constructor(options: Options) {
    const { clock, events, receiver, retry, runner } = options
    this.options = options
    this.shared = {
      receiver,
      events,
      runner,
      retry,
      onLeft: (session) => {
        const now = clock.currentTimeMillisUnsafe()
        if (now - session.toldAt >= freshness) this.tell(session, now)
      }
    }
  }

  /** Every session this process has in hand. */
  all(): ReadonlyArray<liveSession.LiveSession> {
    return [...this.live.values()]
  }

  /** One that `initialize` may open; `keep` it once it has. */
  begin(id: string, head: HttpEndpoint.Head): liveSession.LiveSession {
    const session = this.make(this.stored(id, head.principal ?? null))
    if (head.context !== undefined) session.context = head.context
    return session
  }

  keep(session: liveSession.LiveSession): void {
    this.live.set(session.id, session)
  }

  /** The session a request names, if there is one and it is the caller's. */
  find(
    id: string,
    head: HttpEndpoint.Head,
    onFound: (found: liveSession.LiveSession | undefined) => void,
    onError: (error: SessionError.SessionError | undefined) => void
  ): void {
    const { clock, runner, store } = this.options
    const asking: Asking = { id, hasEnded: false }
    this.asking.add(asking)
    runner.run(store.get(id), (exit) => {
      this.asking.delete(asking)
      if (Exit.isFailure(exit)) return onError(failureOf(exit))
      const found = exit.value
      if (found === undefined) this.ended(id)
      if (found === undefined || asking.hasEnded) return onFound(undefined)
      if (found.session.principal !== (head.principal ?? null)) return onFound(undefined)
      let session = this.live.get(id)
      if (session === undefined) {
        const stored = this.stored(id, found.session.principal)
        stored.adopt(found)
        this.keep(session = this.make(stored))
      } else {
        session.stored.adopt(found)
      }
      session.usedAt = session.toldAt = clock.currentTimeMillisUnsafe()
      if (head.context !== undefined) session.context = head.context
      onFound(session)
    })
  }

  /** Ends it for everybody. */
  end(session: liveSession.LiveSession, onEnded: (exit: Exit.Exit<boolean, SessionError.SessionError>) => void): void {
    const { runner, store } = this.options
    runner.run(
      store.remove(session.id).pipe(
        Effect.tap(Effect.sync(() => this.ended(session.id))),
        Effect.tap(this.post(session.id, ended)),
        Effect.tap(this.forget(session.id))
      ),
      onEnded
    )
  }

  /** Ends one whose client left before it was told of it, as soon as it is known whether there is one. */
  discard(session: liveSession.LiveSession): void {
    const { abandon, runner, store } = this.options
    runner.run(session.peer.idle, () => {
      const isOpen = session.peer.isEstablished()
      abandon(session.peer)
      if (isOpen) runner.run(store.remove(session.id), () => {})
    })
  }

  /** What nobody here waits for may be meant for another process. */
  forward(session: liveSession.LiveSession, text: string): void {
    const { runner, store } = this.options
    if (store.isShared) runner.run(this.post(session.id, text), () => {})
  }

  /** To the other processes, if there are any. */
  private post(session: string, text: string): Effect.Effect<void> {
    const { mailbox, store } = this.options
    if (!store.isShared) return Effect.void
    return Effect.catch(
      mailbox.post({ session, text }),
      (error) => Effect.logWarning("What was said in a session did not reach the other processes", error)
    )
  }

  /** Forgets its streams; where that fails, they are forgotten in their time. */
  private forget(id: string): Effect.Effect<void> {
    return Effect.ignore(this.options.events.drop(id))
  }

  /** Waits until all that was said in them here is kept, and who came back for it has read it. */
  get told(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(this.all(), (session) => session.told, { concurrency: "unbounded", discard: true })
    )
  }

  /** Takes in what other processes forward, in the scope. */
  get listen(): Effect.Effect<void, SessionError.SessionError, Scope.Scope> {
    const { mailbox, runner, store } = this.options
    if (!store.isShared) return Effect.void
    return mailbox.listen(({ session: id, text }) => {
      if (text === ended) return this.ended(id)
      const session = this.live.get(id)
      if (session === undefined) return
      if (text === watched) return runner.run(Effect.ignore(session.stored.refresh), () => {})
      const message = JsonRpc.parse(text)
      for (const one of message._tag === "Batch" ? message.messages : [message]) {
        if (one._tag === "Response" || (one._tag === "Notification" && one.method === "notifications/cancelled")) {
          session.peer.receive(one, silent)
        }
      }
    })
  }

  /** Lets go of sessions whose client has stayed away for too long, and says of the others that they live. */
  sweep(now: number): void {
    const { idle, runner, store } = this.options
    for (const session of this.live.values()) {
      const isAway = !session.isAttached() && now - session.usedAt >= idle
      if (isAway && !store.isShared) {
        this.ended(session.id)
        runner.run(Effect.andThen(store.remove(session.id), this.forget(session.id)), () => {})
      } else if (isAway && session.peer.inFlight() === 0) {
        // It may live on elsewhere, and comes back from there.
        this.release(session.id)
      } else if (isAway || (session.isAttached() && now - session.toldAt >= idle / 3)) {
        this.tell(session, now)
      }
      if (!isAway && now - session.renewedAt >= renewal) {
        session.renewedAt = now
        runner.run(session.renew, () => {})
      }
    }
  }

  /** Says of a session that it lives. */
  private tell(session: liveSession.LiveSession, now: number): void {
    const { runner, store } = this.options
    runner.run(store.get(session.id), (exit) => {
      if (Exit.isFailure(exit)) return
      if (exit.value === undefined) this.ended(session.id)
      else session.usedAt = session.toldAt = now
    })
  }

  private stored(id: string, principal: string | null): storedSession.StoredSession {
    const { create, store } = this.options
    return new storedSession.StoredSession(id, principal, store, create, this.post(id, watched))
  }

  private make(stored: storedSession.StoredSession): liveSession.LiveSession {
    const { clock, events, node, store } = this.options
    // One that was let go of and comes back is not to be taken for what it was.
    const own = store.isShared || events.isShared ? `${node}-${(++this.lastMade).toString(36)}` : undefined
    return new liveSession.LiveSession(this.shared, stored, own, clock.currentTimeMillisUnsafe())
  }

  /** It is over, and who has found it before must not take it up again. */
  private ended(id: string): void {
    for (const asking of this.asking) if (asking.id === id) asking.hasEnded = true
    this.release(id)
  }

  /** Lets go of it here. */
  private release(id: string): void {
    const session = this.live.get(id)
    if (session === undefined) return
    this.live.delete(id)
    this.options.abandon(session.peer)
    session.close()
  }
}

interface Asking {
  readonly id: string
  hasEnded: boolean
}

/** Milliseconds the store may lag behind what is known here of a session's last use. */
const freshness = 1000

/** Milliseconds after which an event store hears again of the streams that are open here. */
const renewal = 600_000

/** A letter that says that the session is over. */
const ended = "{\"ended\":true}"

/** One that says that it watches other resources than before. */
const watched = "{\"watched\":true}"

const failureOf = (
  exit: Exit.Failure<unknown, SessionError.SessionError>
): SessionError.SessionError | undefined => {
  const reason = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return reason?._tag === "Fail" ? reason.error : undefined
}

const silent: Receiver.Exchange = {
  reply: () => {},
  notify: () => {},
  drop: () => {},
  isGone: () => true,
  congested: () => false,
  drained: Effect.void,
  header: undefined,
  context: Context.empty()
}
