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

  constructor(options: Options) {
    const { events, node, receiver, retry, runner, store } = options
    this.options = options
    this.shared = {
      receiver,
      events,
      runner,
      retry,
      node: store.isShared ? node : undefined,
      streamPrefix: store.isShared || events.isShared ? `${node}-` : ""
    }
  }

  /** Every session this process has in hand. */
  all(): ReadonlyArray<liveSession.LiveSession> {
    return [...this.live.values()]
  }

  /** One that `initialize` may open; `keep` it once it has. */
  begin(id: string, head: HttpEndpoint.Head): liveSession.LiveSession {
    const { create, store } = this.options
    return this.make(new storedSession.StoredSession(id, head.principal ?? null, store, create))
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
    const { clock, create, runner, store } = this.options
    runner.run(store.get(id), (exit) => {
      if (Exit.isFailure(exit)) return onError(failureOf(exit))
      const found = exit.value
      if (found === undefined) {
        this.release(id)
        return onFound(undefined)
      }
      if (found.session.principal !== (head.principal ?? null)) return onFound(undefined)
      let session = this.live.get(id)
      if (session === undefined) {
        const stored = new storedSession.StoredSession(id, found.session.principal, store, create)
        stored.adopt(found)
        this.keep(session = this.make(stored))
      } else {
        session.stored.adopt(found)
      }
      session.usedAt = clock.currentTimeMillisUnsafe()
      onFound(session)
    })
  }

  /** Ends it for everybody. */
  end(session: liveSession.LiveSession, onEnded: (exit: Exit.Exit<boolean, SessionError.SessionError>) => void): void {
    const { events, mailbox, runner, store } = this.options
    runner.run(
      store.remove(session.id).pipe(
        Effect.tap(events.drop(session.id)),
        Effect.tap(store.isShared ? mailbox.post({ session: session.id, text: ended }) : Effect.void)
      ),
      (exit) => {
        if (Exit.isSuccess(exit)) this.release(session.id)
        onEnded(exit)
      }
    )
  }

  /** What nobody here waits for may be meant for another process. */
  forward(session: liveSession.LiveSession, text: string): void {
    const { mailbox, runner, store } = this.options
    if (store.isShared) {
      runner.run(
        Effect.tapError(
          mailbox.post({ session: session.id, text }),
          (error) => Effect.logWarning("An answer or a cancel did not reach the process that waits for it", error)
        ),
        () => {}
      )
    }
  }

  /** Takes in what other processes forward, in the scope. */
  get listen(): Effect.Effect<void, SessionError.SessionError, Scope.Scope> {
    const { mailbox, store } = this.options
    if (!store.isShared) return Effect.void
    return mailbox.listen(({ session: id, text }) => {
      const session = this.live.get(id)
      if (session === undefined) return
      if (text === ended) return this.release(id)
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
    const { events, idle, runner, store } = this.options
    for (const session of this.live.values()) {
      const isAway = !session.isAttached() && now - session.usedAt >= idle
      if (isAway && !store.isShared) {
        this.release(session.id)
        runner.run(Effect.andThen(store.remove(session.id), events.drop(session.id)), () => {})
      } else if (isAway && session.peer.inFlight() === 0) {
        // It may live on elsewhere, and comes back from there.
        this.release(session.id)
      } else if (isAway || (session.isAttached() && now - session.usedAt >= idle / 3)) {
        runner.run(store.get(session.id), (exit) => {
          if (Exit.isFailure(exit)) return
          if (exit.value === undefined) this.release(session.id)
          else session.usedAt = now
        })
      }
    }
  }

  private make(stored: storedSession.StoredSession): liveSession.LiveSession {
    return new liveSession.LiveSession(this.shared, stored, this.options.clock.currentTimeMillisUnsafe())
  }

  /** Ends it here. */
  private release(id: string): void {
    const session = this.live.get(id)
    if (session === undefined) return
    this.live.delete(id)
    this.options.abandon(session.peer)
    session.close()
  }
}

/** A letter that says that the session is over. */
const ended = "{\"ended\":true}"

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
