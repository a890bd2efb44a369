/**
 * The exchange of one POST: JSON where the reply is the only message and comes soon, server-sent events where not. A
 * connection that is lost ends the exchange of a stateless request, which is how a client of that era cancels. A request
 * of a session goes on, and what it still says is kept for a client that comes back.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as McpError from "../../protocol/McpError.ts"
import type * as HttpEndpoint from "../HttpEndpoint.ts"
import type * as Receiver from "../Receiver.ts"
import type * as keptStream from "./keptStream.ts"
import * as sse from "./sse.ts"

export interface Options {
  readonly head: HttpEndpoint.Head
  readonly responder: HttpEndpoint.Responder
  readonly now: number
  /** The headers of an answer that refuses its caller. */
  readonly challenge: ((refused: McpError.McpError) => HttpEndpoint.Headers) | undefined
  /** Begins the stream its client may resume; undefined for one that is lost with its connection. */
  readonly keep: ((write: (text: string) => void) => keptStream.KeptStream) | undefined
  /** What becomes of the answer to `initialize`; it comes alone, for its status and its headers say what it came to. */
  readonly opening?: (answer: HttpEndpoint.Answer) => HttpEndpoint.Answer
  /** Its connection is closed, by whoever. */
  readonly onClosed: () => void
  /** Nothing more comes, and all that did is kept. */
  readonly onDone: () => void
}

export class HttpExchange implements Receiver.Exchange {
  private readonly options: Options
  private isStreaming = false
  private isDone = false
  private isConnected = true
  private stream: HttpEndpoint.ResponseStream | undefined
  private kept: keptStream.KeptStream | undefined
  private usedAt: number
  private stalledAt: number | undefined

  constructor(options: Options) {
    this.options = options
    this.usedAt = options.now
  }

  get header() {
    return this.options.head.header
  }

  get context() {
    return this.options.head.context ?? noServices
  }

  get expiresAt() {
    return this.options.head.expiresAt ?? Infinity
  }

  reply(frame: string, status: number, refused?: McpError.McpError, own?: HttpEndpoint.Headers): void {
    if (this.isDone) return
    if (!this.isStreaming) {
      const challenge = refused === undefined ? undefined : own ?? this.options.challenge?.(refused)
      return this.respond({
        status,
        headers: challenge === undefined ? json : { ...json, ...challenge },
        body: frame
      })
    }
    this.isDone = true
    if (this.kept === undefined) this.stream?.write(sse.message(frame))
    else this.kept.push(frame)
    this.finish()
  }

  notify(frame: string): void {
    if (this.isDone || !this.begins()) return
    if (this.kept === undefined) this.stream?.write(sse.message(frame))
    else this.kept.push(frame)
  }

  drop(): void {
    if (this.isDone) return
    this.isDone = true
    // Nothing is said, so there is nothing to come back for.
    if (this.kept === undefined && this.isConnected) this.stream ??= this.options.responder.stream(200, sse.headers)
    this.finish()
  }

  /** 202 for what has no reply, unless it was refused. */
  acknowledge(): void {
    if (!this.isDone && !this.isStreaming) this.respond({ status: 202, headers: {}, body: "" })
  }

  isGone(): boolean {
    return this.isDone || (!this.isConnected && this.kept === undefined)
  }

  /** Whether its connection is closed; its request may go on. */
  isClosed(): boolean {
    return !this.isConnected
  }

  congested(): boolean {
    return this.kept?.isBehind() === true || this.stream?.congested() === true
  }

  get drained(): Effect.Effect<void> {
    const read = Effect.suspend(() => this.stream?.drained ?? Effect.void)
    return this.kept === undefined ? read : Effect.andThen(this.kept.caughtUp, read)
  }

  closeConnection(): void {
    if (this.isDone || !this.isConnected || this.options.keep === undefined) return
    this.begins()
    const kept = this.kept!
    if (kept.options.retry === undefined) return
    // A client that was given no id could not come back.
    kept.after(() => {
      if (kept.isKept()) this.close()
    })
  }

  /** Whoever resumes its stream takes it over. */
  release(): void {
    this.close()
  }

  /** The peer is gone; answers whether that ended the exchange. */
  disconnect(): boolean {
    if (!this.isConnected) return false
    this.isConnected = false
    this.stream = undefined
    this.options.onClosed()
    if (this.isDone || this.options.keep !== undefined) return false
    this.isDone = true
    this.options.onDone()
    return true
  }

  /** Keeps the connection alive, and cuts one whose peer has read nothing for too long. */
  tick(now: number, keepAlive: number, stallTimeout: number): void {
    if (!this.isConnected) return
    if (!this.isStreaming) {
      if (now - this.usedAt >= keepAlive) this.begins()
      return
    }
    const stream = this.stream!
    if (stream.congested()) {
      this.stalledAt ??= now
      if (now - this.stalledAt >= stallTimeout) stream.abort()
      return
    }
    this.stalledAt = undefined
    if (now - this.usedAt < keepAlive) return
    this.usedAt = now
    stream.write(sse.comment)
  }

  private respond(answer: HttpEndpoint.Answer): void {
    this.isDone = true
    if (this.isConnected) {
      const { opening, responder } = this.options
      const { body, headers, status } = opening === undefined ? answer : opening(answer)
      responder.respond(status, headers, body)
      this.isConnected = false
      this.options.onClosed()
    }
    this.options.onDone()
  }

  /** Whether the answer is a stream, or becomes one now. */
  private begins(): boolean {
    if (this.isStreaming) return true
    const { keep, opening, responder } = this.options
    // Who was gone before the first event has no id to come back with.
    if (!this.isConnected || opening !== undefined) return false
    this.isStreaming = true
    this.stream = responder.stream(200, sse.headers)
    this.kept = keep?.((text) => this.stream?.write(text))
    return true
  }

  /** Closes once all is kept, so that whoever comes back meanwhile can take the rest of it over. */
  private finish(): void {
    const finished = () => {
      this.close()
      this.options.onDone()
    }
    if (this.kept === undefined) finished()
    else this.kept.end(finished)
  }

  /** From our side, in good order. */
  private close(): void {
    if (!this.isConnected) return
    this.isConnected = false
    const { stream } = this
    this.stream = undefined
    stream?.end()
    this.options.onClosed()
  }
}

const noServices = Context.empty()

export const json: HttpEndpoint.Headers = { "content-type": "application/json" }
