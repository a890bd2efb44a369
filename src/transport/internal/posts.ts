/**
 * What a client sends over HTTP, each message by a POST of its own: in the order of the calls, and with an account of
 * which requests have no answer yet.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pending from "../../core/Pending.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as ClientTransport from "../ClientTransport.ts"
import type * as TransportError from "../TransportError.ts"
import * as clientHttp from "./clientHttp.ts"
import type * as runner from "./runner.ts"

export interface Post {
  readonly message: ClientTransport.Outgoing
  /** Its request is to be told of no more: it is answered, has failed, or nobody waits for it. */
  isOver: boolean
  /** The server has taken it in, or it has failed. */
  isTaken: boolean
  isRunning: boolean
  stop: () => void
  stopLingering: () => void
}

export interface Options {
  readonly run: runner.Runner
  /** Its end tells nothing; its failure that no answer will come. */
  readonly perform: (post: Post) => Effect.Effect<void, TransportError.TransportError>
  readonly failed: ClientTransport.Listener["failed"]
  readonly onAnswered?: (post: Post) => void
}

type Received = JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch

export class Posts {
  private readonly options: Options
  private readonly unanswered = new Pending.Keyed<JsonRpc.RequestId, Post>()
  /** Those without an answer of their own that the server has not taken in. */
  private readonly untaken = new Set<Post>()
  private readonly running = new Pending.Unkeyed<Post>()
  /** Those that wait for leave to go. */
  private held: Array<Post> | undefined
  private size = 0
  private drainers: Array<() => void> = []
  private settling: { readonly taken: (post: Post) => void; readonly stop: () => void } | undefined

  constructor(options: Options) {
    this.options = options
  }

  send(message: ClientTransport.Outgoing): void {
    const post: Post = {
      message,
      isOver: false,
      isTaken: false,
      isRunning: false,
      stop: ignore,
      stopLingering: ignore
    }
    this.size += message.frame.length
    if (message.id === undefined) this.untaken.add(post)
    else this.unanswered.set(message.id, post)
    if (this.held === undefined) this.start(post)
    else this.held.push(post)
  }

  /** The head of its answer has come, and says yes. */
  taken(post: Post): void {
    if (post.isTaken) return
    post.isTaken = true
    this.size -= post.message.frame.length
    if (post.message.id === undefined) this.untaken.delete(post)
    if (this.drainers.length > 0 && !this.congested()) {
      for (const resume of this.drainers.splice(0)) resume()
    }
    this.settling?.taken(post)
  }

  /**
   * What the server has sent, without answers that nobody waits for. `about` is the request on whose stream it came: an
   * error without an id is of that, and so is what is no message.
   */
  sift(received: Received, about: JsonRpc.RequestId | undefined): Received | undefined {
    if (received._tag !== "Batch") return this.siftOne(received, about)
    const messages = received.messages.flatMap((message) => this.siftOne(message, about) ?? [])
    return messages.length === 0 ? undefined : { _tag: "Batch", messages }
  }

  private siftOne<A extends JsonRpc.Message | JsonRpc.Invalid>(
    message: A,
    about: JsonRpc.RequestId | undefined
  ): A | undefined {
    switch (message._tag) {
      case "Request":
      case "Notification":
        return message
      case "Invalid":
        if (message.isResponse) break
        // What was to be a question is refused, and the answer still comes.
        if (message.meant !== undefined || message.id !== null) return message
        return about === undefined || this.answer(about) ? message : undefined
    }
    const id = message.id ?? about
    if (id === undefined) return message
    if (!this.answer(id)) return undefined
    return message.id === null ? { ...message, id } : message
  }

  /** Whether somebody waited for the answer to this request; it is there. */
  answer(id: JsonRpc.RequestId): boolean {
    const post = this.unanswered.take(id)
    if (post === undefined) return false
    post.isOver = true
    this.options.onAnswered?.(post)
    return true
  }

  /** What is left of it gets a moment to end by itself, so that its connection can be used again. */
  linger(post: Post): void {
    if (!post.isRunning || post.stopLingering !== ignore) return
    post.stopLingering = this.options.run.run(Effect.sleep(longestRest), (exit) => {
      if (Exit.isSuccess(exit)) post.stop()
    })
  }

  fail(id: JsonRpc.RequestId, error: TransportError.TransportError): void {
    if (this.answer(id)) this.options.failed(id, error)
  }

  forget(id: JsonRpc.RequestId): void {
    const post = this.unanswered.take(id)
    if (post === undefined) return
    post.isOver = true
    this.taken(post)
    post.stop()
  }

  /** What is sent from now on waits for `release`. */
  hold(): void {
    this.held ??= []
  }

  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const post of held) this.start(post)
  }

  /** Sends this one and what is held another way. */
  handOver(post: Post, send: (message: ClientTransport.Outgoing) => void): void {
    for (const handed of [post, ...this.held?.splice(0) ?? []]) {
      if (handed.isOver) continue
      handed.isOver = true
      if (handed.message.id !== undefined) this.unanswered.take(handed.message.id)
      this.taken(handed)
      send(handed.message)
    }
  }

  /**
   * Holds back what is sent from now on until the server has taken in what was sent before and has no answer: servers
   * refuse requests that overtake what ends the handshake. `then` comes before those.
   */
  settle(then: () => void): void {
    this.stopSettling()
    const before = new Set(this.untaken)
    const proceed = () => {
      this.stopSettling()
      then()
      this.release()
    }
    if (before.size === 0) return proceed()
    this.hold()
    const stop = this.options.run.run(Effect.sleep(longestHandshake), (exit) => {
      if (Exit.isSuccess(exit)) proceed()
    })
    this.settling = {
      taken: (post) => {
        if (before.delete(post) && before.size === 0) proceed()
      },
      stop
    }
  }

  private stopSettling(): void {
    const settling = this.settling
    this.settling = undefined
    settling?.stop()
  }

  congested(): boolean {
    return this.size > highWaterMark
  }

  readonly drained: Effect.Effect<void> = Effect.callback((resume) => {
    if (!this.congested()) return resume(Effect.void)
    const done = () => resume(Effect.void)
    this.drainers.push(done)
    return Effect.sync(() => {
      this.drainers = this.drainers.filter((drainer) => drainer !== done)
    })
  })

  /** Stops all, and tells nothing more of it. The result is whether an answer was due. */
  end(): boolean {
    const isDue = this.unanswered.size > 0
    this.stopSettling()
    this.held = undefined
    for (const { message } of this.unanswered.values()) this.unanswered.take(message.id!)
    for (const post of this.running.values()) {
      post.isOver = true
      post.stop()
    }
    for (const resume of this.drainers.splice(0)) resume()
    return isDue
  }

  private start(post: Post): void {
    if (post.isOver) return
    const leave = this.running.add(post)
    post.isRunning = true
    let isSending = true
    post.stop = this.options.run.run(this.options.perform(post), (exit) => {
      leave()
      post.isRunning = false
      post.stopLingering()
      this.taken(post)
      const { id } = post.message
      if (post.isOver || id === undefined || Exit.isSuccess(exit)) return
      const tell = () => this.fail(id, clientHttp.failureOf(exit.cause))
      // Who sends is not told of it before that is done.
      if (isSending) this.options.run.run(Effect.yieldNow, tell)
      else tell()
    })
    isSending = false
  }
}

const ignore = () => {}

/** Characters sent that the server has not taken in. */
const highWaterMark = 4 << 20

/** How long what is sent after the handshake waits for its end. */
const longestHandshake = "5 seconds"

/** How long what follows an answer is waited for. */
const longestRest = "1 second"
