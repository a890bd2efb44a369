/**
 * The HTTP transport of 2024-11-05, for clients that know no other: a stream of server-sent events by GET, which names
 * the address messages are posted to, and carries every answer. The stream is the session: it lives in this process, and
 * what is in flight is cancelled when it closes.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Admission from "./Admission.ts"
import * as HttpEndpoint from "./HttpEndpoint.ts"
import * as HttpGuard from "./HttpGuard.ts"
import * as runner from "./internal/runner.ts"
import * as sse from "./internal/sse.ts"
import * as Receiver from "./Receiver.ts"

/** @category models @since 0.1.0 */
export interface Paths {
  /** Where the stream is. `/sse`. */
  readonly ssePath?: string
  /** Where messages are posted to, as a client is told. `/messages`. */
  readonly messagesPath?: string
}

/** @category models @since 0.1.0 */
export interface Options extends HttpGuard.Options, Paths {
  /** Most streams at one time; 503 above it. 10,000. */
  readonly maxSessions?: number
  /** How long requests in flight may go on once the transport closes. Not at all when left out. */
  readonly grace?: Duration.Input
}

/**
 * Makes the two endpoints for the server in context, by their paths. They end with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<
  ReadonlyMap<string, HttpEndpoint.Endpoint>,
  never,
  Receiver.Receiver | Scope.Scope
> =>
  Effect.gen(function*() {
    const { grace, maxSessions = 10_000, messagesPath = "/messages", ssePath = "/sse" } = options
    const receiver = yield* Receiver.Receiver
    const clock = yield* Clock.Clock
    const random = Option.getOrUndefined(yield* Effect.serviceOption(SecureRandom.SecureRandom))
      ?? Context.get(yield* Layer.build(SecureRandom.layerWebCrypto), SecureRandom.SecureRandom)
    const admission = yield* Admission.inForce(receiver)
    const guard = yield* HttpGuard.make(options, { admission, transport: "sse" })
    const run = yield* runner.make
    const sessions = new Map<string, SseSession>()
    /** Whose client is gone, and whose finalizers are still waited for. */
    const passing = new Set<Receiver.Peer>()
    let isClosing = false

    const each = (f: (peer: Receiver.Peer) => Effect.Effect<void>) =>
      Effect.suspend(() =>
        Effect.forEach([...Array.from(sessions.values(), ({ peer }) => peer), ...passing], f, {
          concurrency: "unbounded",
          discard: true
        })
      )
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        isClosing = true
        return grace === undefined ? Effect.void : Effect.timeoutOption(each((peer) => peer.idle), grace)
      }).pipe(
        Effect.andThen(each((peer) => peer.close("Shutdown"))),
        Effect.andThen(Effect.sync(() => {
          for (const session of sessions.values()) session.end()
        }))
      )
    )

    const open = (head: HttpEndpoint.Head, responder: HttpEndpoint.Responder) => {
      if (sessions.size >= maxSessions) {
        HttpEndpoint.respond(
          responder,
          HttpEndpoint.overloaded(`${maxSessions} streams are open, which is as many as this server keeps.`)
        )
        return ignore
      }
      let isGone = false
      let lose = () => {
        isGone = true
      }
      run.run(Effect.map(random.randomBytes(16), Hex.encode), (exit) => {
        if (isGone) return
        if (Exit.isFailure(exit)) {
          return HttpEndpoint.respond(
            responder,
            HttpEndpoint.refusal(500, McpError.make(new McpError.InternalError()))
          )
        }
        const id = exit.value
        const session = new SseSession({
          id,
          head,
          receiver,
          response: responder.stream(200, sse.headers),
          now: clock.currentTimeMillisUnsafe()
        })
        sessions.set(id, session)
        guard.watch(session)
        session.announce(`${messagesPath}?sessionId=${id}`)
        lose = () => {
          sessions.delete(id)
          guard.unwatch(session)
          session.lose()
          if (session.peer.inFlight() === 0) return
          passing.add(session.peer)
          run.run(session.peer.idle, () => passing.delete(session.peer))
        }
      })
      return () => lose()
    }

    const unknown = HttpEndpoint.refusal(
      404,
      McpError.invalidRequest(`There is no such stream; open one with GET ${ssePath}.`)
    )

    const receive = (head: HttpEndpoint.Head, body: string, responder: HttpEndpoint.Responder) => {
      const refuse = (answer: HttpEndpoint.Answer) => {
        HttpEndpoint.respond(responder, answer)
        return ignore
      }
      const id = new URLSearchParams(head.url.slice(head.url.indexOf("?") + 1)).get("sessionId")
      const session = id === null ? undefined : sessions.get(id)
      if (session === undefined || session.principal !== head.principal) return refuse(unknown)
      const message = JsonRpc.parse(body)
      if (message._tag === "Invalid" && !message.isResponse) {
        return refuse(HttpEndpoint.refusal(400, message.error, {}, message.id))
      }
      const take = (isOpen: boolean) => {
        if (!isOpen) return refuse(unknown)
        // What is in flight may still need its answers.
        if (isClosing && (message._tag === "Request" || message._tag === "Batch")) return refuse(stopping)
        responder.respond(202, {}, "")
        session.receive(message, head)
        return ignore
      }
      return session.isBehind() ? session.hold(take, run) ?? refuse(unread) : take(true)
    }

    const only = (method: string, head: HttpEndpoint.Head) =>
      head.method === method
        ? undefined
        : HttpEndpoint.refusal(405, McpError.invalidRequest(`This address answers ${method} alone.`), { allow: method })

    return new Map([
      [
        ssePath,
        guard.protect({
          refuse: (head) => only("GET", head),
          accept: (head, _body, responder) => {
            if (!isClosing) return open(head, responder)
            HttpEndpoint.respond(responder, stopping)
            return ignore
          }
        })
      ],
      [
        messagesPath,
        guard.protect({
          refuse: (head) =>
            only("POST", head)
              ?? (/^application\/json\s*(;|$)/iu.test(head.header("content-type") ?? "")
                ? undefined
                : HttpEndpoint.refusal(
                  415,
                  McpError.invalidRequest("Send the message as Content-Type: application/json.")
                )),
          accept: receive
        })
      ]
    ])
  })

/** One stream, and what is posted for it. */
class SseSession implements HttpGuard.Watched {
  readonly peer: Receiver.Peer
  readonly principal: string | undefined
  private readonly expiresAt: number
  private readonly response: HttpEndpoint.ResponseStream
  private usedAt: number
  private stalledAt: number | undefined
  private isOver = false
  private held: Array<(isOpen: boolean) => void> = []

  constructor({ head, id, now, receiver, response }: {
    readonly id: string
    readonly head: HttpEndpoint.Head
    readonly receiver: Receiver.Receiver["Service"]
    readonly response: HttpEndpoint.ResponseStream
    readonly now: number
  }) {
    this.response = response
    this.principal = head.principal
    this.expiresAt = head.expiresAt ?? Infinity
    this.usedAt = now
    this.peer = receiver.connect({
      transport: "sse",
      sessionId: id,
      push: (frame) => this.send(frame),
      congested: () => response.congested(),
      drained: response.drained,
      context: head.context ?? noServices
    })
  }

  announce(address: string): void {
    this.write(`event: endpoint\ndata: ${address}\n\n`)
  }

  receive(message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch, head: HttpEndpoint.Head): void {
    const send = (frame: string) => this.send(frame)
    this.peer.receive(message, {
      reply: send,
      notify: send,
      drop: ignore,
      isGone: () => this.isOver,
      congested: () => this.response.congested(),
      drained: this.response.drained,
      header: undefined,
      ...(head.context === undefined ? undefined : { context: head.context })
    })
  }

  /** Whether its client is to read what it was sent before more is taken in from it. */
  isBehind(): boolean {
    return this.held.length > 0 || this.response.congested()
  }

  /** Takes a message in once its client has read; the result gives that up. Undefined where too many wait already. */
  hold(take: (isOpen: boolean) => void, run: runner.Runner): (() => void) | undefined {
    if (this.held.length >= maxHeld) return undefined
    this.held.push(take)
    if (this.held.length === 1) run.run(this.release, ignore)
    return () => {
      this.held = this.held.filter((held) => held !== take)
    }
  }

  /** In the order in which they came, each when there is room for its answer. */
  private readonly release: Effect.Effect<void> = Effect.suspend(() => {
    const take = this.held[0]
    if (take === undefined) return Effect.void
    return Effect.andThen(
      this.response.drained,
      Effect.suspend(() => {
        if (this.held[0] === take) {
          this.held.shift()
          take(!this.isOver)
        }
        return this.release
      })
    )
  })

  tick(now: number, keepAlive: number, stallTimeout: number): void {
    // What it is told unasked is for the caller of back then.
    if (now >= this.expiresAt) return this.response.abort()
    if (this.response.congested()) {
      this.stalledAt ??= now
      if (now - this.stalledAt >= stallTimeout) this.response.abort()
      return
    }
    this.stalledAt = undefined
    if (now - this.usedAt < keepAlive) return
    this.usedAt = now
    this.write(sse.comment)
  }

  /** The client is gone. */
  lose(): void {
    this.isOver = true
    this.peer.closeUnsafe("User")
    this.refuseHeld()
  }

  /** From our side. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.response.end()
    this.refuseHeld()
  }

  private refuseHeld(): void {
    for (const take of this.held.splice(0)) take(false)
  }

  private send(frame: string): void {
    this.write(sse.message(frame))
  }

  private write(text: string): void {
    if (!this.isOver) this.response.write(text)
  }
}

/** Messages of one client that may wait for it to read. */
const maxHeld = 16

const stopping = HttpEndpoint.overloaded("The server is about to stop.")

const unread = HttpEndpoint.overloaded("Read the stream first: messages wait for it.")

const noServices = Context.empty()

const ignore = () => {}
