/**
 * One session in the hands of this process: its peer, the connections its client has open here, and the streams they
 * read.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Revisions from "../../protocol/Revisions.ts"
import type * as EventStore from "../../session/EventStore.ts"
import type * as SessionError from "../../session/SessionError.ts"
import * as HttpEndpoint from "../HttpEndpoint.ts"
import type * as Receiver from "../Receiver.ts"
import type * as httpExchange from "./httpExchange.ts"
import * as keptStream from "./keptStream.ts"
import type * as runner from "./runner.ts"
import * as sse from "./sse.ts"
import type * as storedSession from "./storedSession.ts"

/** What all sessions of an endpoint have in common. */
export interface Shared {
  readonly receiver: Receiver.Receiver["Service"]
  readonly events: EventStore.EventStore["Service"]
  readonly runner: runner.Runner
  /** Milliseconds a client waits before it comes back for a stream. */
  readonly retry: number
  /** The last of a session's connections is closed. */
  readonly onLeft: (session: LiveSession) => void
}

/** The stream of what answers no request. */
const standalone = "0"

/**
 * To who comes back for a stream that has ended, and has seen all of it: in server-sent events 204 is how a client is
 * told not to come back. Many would after an empty stream, again and again: those whose request was cancelled, or
 * answered with an error they do not take for the end.
 */
const nothingFollows: HttpEndpoint.Answer = { status: 204, headers: { "content-type": "text/event-stream" }, body: "" }

export class LiveSession implements Receiver.Connection {
  private readonly shared: Shared
  readonly stored: storedSession.StoredSession
  /** Tells what this process says in the session apart from what others say, where there are others. */
  readonly node: string | undefined
  readonly peer: Receiver.Peer
  /** As of the last request in it: the same caller may come with more scopes than before, or with fewer. */
  context: Context.Context<never> = Context.empty()
  usedAt: number
  /** When its store was last told that it lives. */
  toldAt: number
  /** When its streams were. */
  renewedAt: number
  /** Connections its client has open here. */
  private connections = 0
  private lastStream = 0
  private isClosed = false
  private unasked: keptStream.KeptStream | undefined
  /** Streams of requests that are answered here. */
  private own: Map<string, Own> | undefined
  /** Who reads streams that are kept, by stream. */
  private readers: Map<string, Reader> | undefined

  constructor(shared: Shared, stored: storedSession.StoredSession, node: string | undefined, now: number) {
    this.shared = shared
    this.stored = stored
    this.node = node
    this.usedAt = now
    this.toldAt = now
    this.renewedAt = now
    this.peer = shared.receiver.connect(this)
  }

  // As its server sees it.

  get transport() {
    return "http" as const
  }

  get sessionId(): string {
    return this.id
  }

  get session(): storedSession.StoredSession {
    return this.stored
  }

  push(frame: string): void {
    const { events, runner } = this.shared
    // Its readers follow the store, here as elsewhere.
    this.unasked ??= new keptStream.KeptStream({
      events,
      runner,
      key: { session: this.id, stream: standalone },
      retry: undefined,
      write: ignore,
      onEnded: ignore
    })
    this.unasked.push(frame)
  }

  congested(): boolean {
    // Where events are shared, somebody may read them in another process.
    return !this.shared.events.isShared && this.readers?.get(standalone)?.isCongested() !== false
  }

  // As its endpoint does.

  get id(): string {
    return this.stored.id
  }

  isAttached(): boolean {
    return this.connections > 0
  }

  attach(): void {
    this.connections++
  }

  detach(now: number): void {
    this.connections--
    this.usedAt = now
    if (this.connections === 0 && !this.isClosed) this.shared.onLeft(this)
  }

  /** Begins a stream of this session for an exchange. */
  keep(exchange: httpExchange.HttpExchange, write: (text: string) => void): keptStream.KeptStream {
    const { node } = this
    const { events, retry, runner } = this.shared
    const number = (++this.lastStream).toString(36)
    const stream = node === undefined ? number : `${node}-${number}`
    const kept = new keptStream.KeptStream({
      events,
      runner,
      key: { session: this.id, stream },
      retry: this.polls() ? retry : undefined,
      write,
      onEnded: () => this.own!.delete(stream)
    })
    this.own ??= new Map()
    this.own.set(stream, { exchange, kept })
    return kept
  }

  /**
   * Opens a GET stream: of what answers no request, or of any after an event its client has seen. One that the client
   * already reads here is closed in favour of this one.
   */
  read(options: {
    readonly lastEventId: string | undefined
    readonly responder: HttpEndpoint.Responder
    /** When its caller's credentials end. */
    readonly expiresAt: number
    /** Whether the client has left while the store was asked. */
    readonly isGone: () => boolean
    /** Undefined where it is no event id. */
    readonly onRefused: (reason: SessionError.SessionError | undefined) => void
    /** The session has ended. */
    readonly onEnded: () => void
    readonly onOpened: (reader: Reader) => void
    readonly onClosed: (reader: Reader) => void
  }): void {
    const { events, retry, runner } = this.shared
    const from = options.lastEventId === undefined ? undefined : keptStream.parseEventId(options.lastEventId)
    if (options.lastEventId !== undefined && from === undefined) return options.onRefused(undefined)
    const key = { session: this.id, stream: from?.stream ?? standalone }
    let isAllTold = false
    const start = from === undefined
      ? Effect.andThen(events.create(key), events.last(key))
      // In this order: what came before the end is among the events.
      : Effect.flatMap(events.hasEnded(key), (hasEnded) =>
        Effect.map(events.read(key, from.position), (missed) => {
          isAllTold = hasEnded && missed.length === 0
          return from.position
        }))
    runner.run(start, (exit) => {
      if (options.isGone()) return
      if (this.isClosed) return options.onEnded()
      if (Exit.isFailure(exit)) {
        const reason = exit.cause.reasons[0]
        return options.onRefused(reason?._tag === "Fail" ? reason.error : undefined)
      }
      if (isAllTold) return HttpEndpoint.respond(options.responder, nothingFollows)
      const own = this.own?.get(key.stream)
      own?.exchange.release()
      this.readers?.get(key.stream)?.close()
      const response = options.responder.stream(200, sse.headers)
      if (this.polls()) response.write(sse.priming(keptStream.eventId(key.stream, exit.value), retry))
      else response.write(sse.comment)
      const reader = new Reader({
        stream: key.stream,
        position: exit.value,
        endsHere: own !== undefined,
        expiresAt: options.expiresAt,
        response,
        onRead: () => {
          if (key.stream === standalone) this.peer.caughtUp()
          else own?.kept.wake()
        },
        onClosed: () => {
          if (this.readers?.get(key.stream) === reader) this.readers.delete(key.stream)
          own?.kept.unfollow(reader)
          options.onClosed(reader)
        }
      })
      own?.kept.follow(reader)
      this.readers ??= new Map()
      this.readers.set(key.stream, reader)
      options.onOpened(reader)
      reader.follow(runner, events.follow(key, exit.value))
      if (key.stream === standalone) this.peer.caughtUp()
    })
  }

  close(): void {
    this.isClosed = true
    for (const reader of [...this.readers?.values() ?? []]) reader.close()
    for (const { exchange } of [...this.own?.values() ?? []]) exchange.release()
  }

  /** Has the streams kept that are read or written here, however long nothing is said on them. */
  get renew(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { events } = this.shared
      const streams = [...this.own?.keys() ?? [], ...this.readers?.has(standalone) === true ? [standalone] : []]
      return Effect.forEach(streams, (stream) => Effect.ignore(events.create({ session: this.id, stream })), {
        discard: true
      })
    })
  }

  /** Waits until all that was said here is kept, and who came back for it has read it. */
  get told(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const waits: Array<Effect.Effect<void>> = []
      for (const { kept } of this.own?.values() ?? []) waits.push(kept.written)
      for (const reader of this.readers?.values() ?? []) if (reader.endsHere) waits.push(reader.over)
      return Effect.all(waits, { concurrency: "unbounded", discard: true })
    })
  }

  /** Whether its client knows that a stream may be closed and resumed. */
  private polls(): boolean {
    const revision = this.stored.current()?.revision
    return revision !== undefined && Revisions.select(revision)?.polls === true
  }
}

/** A GET response that follows one stream. */
export class Reader implements keptStream.Reader {
  private readonly options: ReaderOptions
  private position: number
  private isClosed = false
  private stop: () => void = () => {}
  private usedAt: number | undefined
  private stalledAt: number | undefined
  private waiting: Array<() => void> = []

  constructor(options: ReaderOptions) {
    this.options = options
    this.position = options.position
  }

  get endsHere(): boolean {
    return this.options.endsHere
  }

  isCongested(): boolean {
    return this.options.response.congested()
  }

  isBehind(position: number): boolean {
    return this.isCongested() || position - this.position > keptStream.maxBehind
  }

  /** Waits until it is closed. */
  readonly over: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.isClosed) return resume(Effect.void)
    this.waiting.push(() => resume(Effect.void))
  })

  follow(runner: runner.Runner, events: Stream.Stream<EventStore.Event, SessionError.SessionError>): void {
    const { onRead, response, stream } = this.options
    this.stop = runner.fork(
      Stream.runForEachArray(events, (batch) =>
        Effect.suspend(() => {
          for (const { data, position } of batch) {
            this.write(sse.messageWithId(keptStream.eventId(stream, position), data))
            this.position = position
          }
          const read = Effect.sync(onRead)
          return response.congested() ? Effect.andThen(response.drained, read) : read
        })).pipe(
          // What cannot be told without a gap is not told: its client asks again, and is told why.
          Effect.exit,
          Effect.andThen(Effect.sync(() => this.close()))
        )
    )
  }

  /** As an exchange's. */
  tick(now: number, keepAlive: number, stallTimeout: number): void {
    if (now >= this.options.expiresAt) return this.close()
    if (this.isCongested()) {
      this.stalledAt ??= now
      if (now - this.stalledAt >= stallTimeout) this.options.response.abort()
      return
    }
    this.stalledAt = undefined
    // What was held back while it stood still may have nothing to follow that would bring it along.
    this.options.onRead()
    this.usedAt ??= now
    if (now - this.usedAt < keepAlive) return
    this.usedAt = now
    this.write(sse.comment)
  }

  /** From our side. */
  close(): void {
    if (this.isClosed) return
    this.disconnect()
    this.options.response.end()
  }

  /** The peer is gone. */
  disconnect(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stop()
    this.options.onClosed()
    for (const resume of this.waiting.splice(0)) resume()
  }

  private write(text: string): void {
    if (!this.isClosed) this.options.response.write(text)
  }
}

export interface ReaderOptions {
  readonly stream: string
  /** Of the last event its client has seen. */
  readonly position: number
  /** Whether the request it belongs to is answered in this process. */
  readonly endsHere: boolean
  /** When its caller's credentials end, and with them what it may hear. */
  readonly expiresAt: number
  readonly response: HttpEndpoint.ResponseStream
  /** What had come is written, and its client reads. */
  readonly onRead: () => void
  readonly onClosed: () => void
}

interface Own {
  readonly exchange: httpExchange.HttpExchange
  readonly kept: keptStream.KeptStream
}

const ignore = () => {}
