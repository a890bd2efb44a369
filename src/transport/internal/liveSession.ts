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
import type * as HttpEndpoint from "../HttpEndpoint.ts"
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
  /** Tells this process apart, where several serve the same sessions. */
  readonly node: string | undefined
  readonly streamPrefix: string
}

/** The stream of what answers no request. */
const standalone = "0"

export class LiveSession implements Receiver.Connection {
  private readonly shared: Shared
  readonly stored: storedSession.StoredSession
  readonly peer: Receiver.Peer
  usedAt: number
  /** Connections its client has open here. */
  private connections = 0
  private lastStream = 0
  private isClosed = false
  private unasked: keptStream.KeptStream | undefined
  /** Requests whose streams are told of here, by stream. */
  private exchanges: Map<string, httpExchange.HttpExchange> | undefined
  /** Who reads streams that are kept, by stream. */
  private readers: Map<string, Reader> | undefined

  constructor(shared: Shared, stored: storedSession.StoredSession, now: number) {
    this.shared = shared
    this.stored = stored
    this.usedAt = now
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

  get node(): string | undefined {
    return this.shared.node
  }

  get context() {
    return noServices
  }

  push(frame: string): void {
    const { events, runner } = this.shared
    // Its readers follow the store, here as elsewhere.
    this.unasked ??= new keptStream.KeptStream({
      events,
      runner,
      key: { session: this.id, stream: standalone },
      retry: undefined,
      write: ignore
    })
    this.unasked.push(frame)
  }

  congested(): boolean {
    // Where events are shared, somebody may read them in another process.
    return !this.shared.events.isShared && this.readers?.get(standalone)?.isBehind() !== false
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
  }

  /** Begins a stream of this session for an exchange. */
  keep(exchange: httpExchange.HttpExchange, write: (text: string) => void): keptStream.KeptStream {
    const { events, retry, runner, streamPrefix } = this.shared
    const stream = `${streamPrefix}${(++this.lastStream).toString(36)}`
    this.exchanges ??= new Map()
    this.exchanges.set(stream, exchange)
    return new keptStream.KeptStream({
      events,
      runner,
      key: { session: this.id, stream },
      retry: this.polls() ? retry : undefined,
      write
    })
  }

  /** Its reply has been sent, or never will be. */
  forget(kept: keptStream.KeptStream): void {
    this.exchanges?.delete(kept.options.key.stream)
  }

  /**
   * Opens a GET stream: of what answers no request, or of any after an event its client has seen. One that the client
   * already reads here is closed in favour of this one.
   */
  read(options: {
    readonly lastEventId: string | undefined
    readonly responder: HttpEndpoint.Responder
    readonly onRefused: (reason: SessionError.SessionError | undefined) => void
    readonly onOpened: (reader: Reader) => void
    readonly onClosed: (reader: Reader) => void
  }): void {
    const { events, retry, runner } = this.shared
    const from = options.lastEventId === undefined ? undefined : keptStream.parseEventId(options.lastEventId)
    if (options.lastEventId !== undefined && from === undefined) return options.onRefused(undefined)
    const key = { session: this.id, stream: from?.stream ?? standalone }
    const start = from === undefined
      ? Effect.andThen(events.create(key), events.last(key))
      : Effect.as(events.read(key, from.position), from.position)
    runner.run(start, (exit) => {
      if (Exit.isFailure(exit)) {
        const reason = exit.cause.reasons[0]
        return options.onRefused(reason?._tag === "Fail" ? reason.error : undefined)
      }
      if (this.isClosed) return options.onRefused(undefined)
      this.exchanges?.get(key.stream)?.release()
      this.readers?.get(key.stream)?.close()
      const response = options.responder.stream(200, sse.headers)
      if (this.polls()) response.write(sse.priming(keptStream.eventId(key.stream, exit.value), retry))
      else response.write(sse.comment)
      const reader = new Reader(key.stream, response, () => {
        if (this.readers?.get(key.stream) === reader) this.readers.delete(key.stream)
        options.onClosed(reader)
      })
      this.readers ??= new Map()
      this.readers.set(key.stream, reader)
      options.onOpened(reader)
      reader.follow(runner, events.follow(key, exit.value), () => {
        if (key.stream === standalone) this.peer.caughtUp()
      })
      if (key.stream === standalone) this.peer.caughtUp()
    })
  }

  close(): void {
    this.isClosed = true
    for (const reader of [...this.readers?.values() ?? []]) reader.close()
    for (const exchange of [...this.exchanges?.values() ?? []]) exchange.release()
  }

  /** Whether its client knows that a stream may be closed and resumed. */
  private polls(): boolean {
    const revision = this.stored.current()?.revision
    return revision !== undefined && Revisions.select(revision)?.polls === true
  }
}

/** A GET response that follows one stream. */
export class Reader {
  readonly stream: string
  private readonly response: HttpEndpoint.ResponseStream
  private readonly onClosed: () => void
  private isClosed = false
  private stop: () => void = () => {}
  private usedAt: number | undefined
  private stalledAt: number | undefined

  constructor(stream: string, response: HttpEndpoint.ResponseStream, onClosed: () => void) {
    this.stream = stream
    this.response = response
    this.onClosed = onClosed
  }

  isBehind(): boolean {
    return this.response.congested()
  }

  follow(
    runner: runner.Runner,
    events: Stream.Stream<EventStore.Event, SessionError.SessionError>,
    onCaughtUp: () => void
  ): void {
    this.stop = runner.fork(
      Stream.runForEachArray(events, (batch) =>
        Effect.suspend(() => {
          for (const { data, position } of batch) {
            this.write(sse.messageWithId(keptStream.eventId(this.stream, position), data))
          }
          if (!this.response.congested()) return Effect.void
          return Effect.andThen(this.response.drained, Effect.sync(onCaughtUp))
        })).pipe(
          // What cannot be told without a gap is not told: its client asks again, and is told why.
          Effect.exit,
          Effect.andThen(Effect.sync(() => this.close()))
        )
    )
  }

  /** As an exchange's. */
  tick(now: number, keepAlive: number, stallTimeout: number): void {
    if (this.response.congested()) {
      this.stalledAt ??= now
      if (now - this.stalledAt >= stallTimeout) this.response.abort()
      return
    }
    this.stalledAt = undefined
    this.usedAt ??= now
    if (now - this.usedAt < keepAlive) return
    this.usedAt = now
    this.write(sse.comment)
  }

  /** From our side. */
  close(): void {
    if (this.isClosed) return
    this.disconnect()
    this.response.end()
  }

  /** The peer is gone. */
  disconnect(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stop()
    this.onClosed()
  }

  private write(text: string): void {
    if (!this.isClosed) this.response.write(text)
  }
}

const noServices = Context.empty()

const ignore = () => {}
