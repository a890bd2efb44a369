/**
 * MCP over HTTP POST, both eras on one endpoint. `accept` is the whole transport as plain calls, and three thin mounts
 * feed it: `HttpRouterMount`, `FetchMount` for anything that speaks `Request` and `Response`, and `node/NodeHttp` on a
 * bare `node:http` server. A reply is JSON when it is the only message, and a stream of
 * server-sent events once there is a second.
 */
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
import * as Meta from "../protocol/Meta.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as HostGuard from "./HostGuard.ts"
import * as Receiver from "./Receiver.ts"

/** @category models @since 0.1.0 */
export interface Options extends HostGuard.Options {
  /** Largest request body in bytes; 4 MiB. */
  readonly maxBodyBytes?: number
  /** Most sessions at one time; `initialize` is refused with 503 above it. 10,000. */
  readonly maxSessions?: number
  /** How long requests in flight may go on once the transport closes. Not at all when left out. */
  readonly grace?: Duration.Input
}

/** What a mount knows before it has read the body. @category models @since 0.1.0 */
export interface Head {
  readonly method: string
  /** The value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined
  /** Request-level services for the handlers behind this request. */
  readonly context?: Context.Context<never>
}

/** @category models @since 0.1.0 */
export type Headers = { readonly [name: string]: string }

/** How a mount answers; exactly one of the two is called, once. @category models @since 0.1.0 */
export interface Responder {
  readonly respond: (status: number, headers: Headers, body: string) => void
  readonly stream: (status: number, headers: Headers) => ResponseStream
}

/** @category models @since 0.1.0 */
export interface ResponseStream {
  readonly write: (text: string) => void
  readonly end: () => void
  readonly congested: () => boolean
  readonly drained: Effect.Effect<void>
}

/** @category models @since 0.1.0 */
export interface StreamableHttpServer {
  readonly maxBodyBytes: number
  /** What is wrong with a request before its body is read, if anything. */
  readonly refuse: (head: Head) => Refusal | undefined
  /** Takes a request whose body has been read. The result is to be called when the peer goes away early. */
  readonly accept: (head: Head, body: string, responder: Responder) => () => void
}

/** @category models @since 0.1.0 */
export interface Refusal {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/**
 * Makes the transport for the server in context. Sessions live in memory and end with the scope; their ids come from
 * the `SecureRandom` in context, or from Web Crypto.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<StreamableHttpServer, never, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const { grace, maxBodyBytes = 4 << 20, maxSessions = 10_000 } = options
    const receiver = yield* Receiver.Receiver
    const random = Option.getOrUndefined(yield* Effect.serviceOption(SecureRandom.SecureRandom))
      ?? Context.get(yield* Layer.build(SecureRandom.layerWebCrypto), SecureRandom.SecureRandom)
    const guard = HostGuard.make(options)
    const sessions = new Map<string, Receiver.Peer>()
    const passing = new Set<Receiver.Peer>()
    const context = yield* Effect.context<never>()
    const fork = Effect.runForkWith(context)

    const each = (f: (peer: Receiver.Peer) => Effect.Effect<void>) =>
      Effect.suspend(() =>
        Effect.forEach([...sessions.values(), ...passing], f, { concurrency: "unbounded", discard: true })
      )
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        grace === undefined ? Effect.void : Effect.timeoutOption(each((peer) => peer.idle), grace),
        each((peer) => peer.close("Shutdown"))
      )
    )

    /** Its client is gone, and its finalizers are still waited for when the transport closes. */
    const abandon = (peer: Receiver.Peer) => {
      passing.add(peer)
      peer.closeUnsafe("User")
      fork(Effect.andThen(peer.idle, Effect.sync(() => passing.delete(peer))))
    }

    const sessionId = Effect.map(random.randomBytes(16), Hex.encode)

    const refuse = (head: Head): Refusal | undefined => {
      const forbidden = guard(head.header)
      if (forbidden !== undefined) return refusal(403, McpError.invalidRequest(forbidden))
      if (head.method === "DELETE") return endSession(head)
      if (head.method !== "POST") {
        return refusal(405, McpError.invalidRequest("This endpoint answers POST, and DELETE to end a session."), {
          allow: "POST, DELETE"
        })
      }
      const contentType = head.header("content-type")
      if (contentType === undefined || !/^application\/json\s*(;|$)/iu.test(contentType)) {
        return refusal(415, McpError.invalidRequest("Send the message as Content-Type: application/json."))
      }
      const accept = head.header("accept") ?? ""
      if (!accepts(accept, "application/json") || !accepts(accept, "text/event-stream")) {
        return refusal(
          406,
          McpError.invalidRequest("Accept both kinds of answer: application/json, text/event-stream.")
        )
      }
      const length = Number(head.header("content-length") ?? 0)
      return length > maxBodyBytes ? tooLarge(maxBodyBytes) : undefined
    }

    const endSession = (head: Head): Refusal => {
      const id = head.header(sessionHeader)
      if (id === undefined) return refusal(405, McpError.invalidRequest("Only a session can be ended."))
      const peer = sessions.get(id)
      if (peer === undefined) return refusal(404, unknownSession)
      sessions.delete(id)
      abandon(peer)
      return { status: 204, headers: {}, body: "" }
    }

    /** A conversation that lasts for one exchange: a stateless request, or an `initialize` that may become a session. */
    const passThrough = (head: Head, sessionId: string | undefined) =>
      receiver.connect({
        transport: "http",
        sessionId,
        push: undefined,
        context: head.context ?? noServices
      })

    const acceptStateless = (
      head: Head,
      message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch,
      responder: Responder
    ) => {
      const peer = passThrough(head, undefined)
      passing.add(peer)
      const exchange = new HttpExchange(head, responder, undefined, () => passing.delete(peer))
      peer.receive(message, exchange)
      if (message._tag !== "Request") exchange.acknowledge()
      // Closing the response stream is how a client of this era cancels.
      return () => {
        if (exchange.disconnect()) abandon(peer)
      }
    }

    const acceptStateful = (
      head: Head,
      message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch,
      responder: Responder
    ) => {
      const version = head.header(versionHeader)
      if (version !== undefined && Revisions.select(version) === undefined) {
        respond(responder, refusal(400, unsupportedVersion(version), {}, idOf(message)))
        return ignore
      }
      const id = head.header(sessionHeader)
      const known = id === undefined ? undefined : sessions.get(id)
      if (id !== undefined && known === undefined) {
        respond(responder, refusal(404, unknownSession, {}, idOf(message)))
        return ignore
      }
      if (known !== undefined) {
        const exchange = new HttpExchange(head, responder, undefined, ignore)
        known.receive(message, exchange)
        if (!expectsReply(message)) exchange.acknowledge()
        return () => {
          exchange.disconnect()
        }
      }
      if (message._tag !== "Request") {
        respond(
          responder,
          refusal(400, McpError.invalidRequest("Send the Mcp-Session-Id header that initialize answered with."))
        )
        return ignore
      }
      return open(head, message, responder)
    }

    /** The first request of a conversation: `initialize`, or one that will be told to begin there. */
    const open = (head: Head, message: JsonRpc.Request, responder: Responder) => {
      if (sessions.size >= maxSessions) {
        respond(
          responder,
          refusal(
            503,
            McpError.make(new McpError.Overloaded({ message: "Too many sessions are open; try again later." })),
            {},
            message.id
          )
        )
        return ignore
      }
      let disconnect: () => void = ignore
      fork(sessionId).addObserver((exit) => {
        if (Exit.isFailure(exit)) {
          return respond(responder, refusal(500, McpError.make(new McpError.InternalError()), {}, message.id))
        }
        const peer = passThrough(head, exit.value)
        passing.add(peer)
        const exchange = new HttpExchange(head, responder, () => {
          if (!peer.isEstablished()) return undefined
          sessions.set(exit.value, peer)
          return exit.value
        }, () => passing.delete(peer))
        peer.receive(message, exchange)
        disconnect = () => {
          exchange.disconnect()
        }
      })
      return () => disconnect()
    }

    return {
      maxBodyBytes,
      refuse,
      accept: (head, body, responder) => {
        const message = JsonRpc.parse(body)
        if (message._tag === "Invalid") {
          respond(responder, refusal(400, message.error, {}, message.isResponse ? null : message.id))
          return ignore
        }
        // Whether its revision has batches is for the session to say.
        if (message._tag === "Batch" && head.header(sessionHeader) === undefined) {
          respond(
            responder,
            refusal(400, McpError.invalidRequest("Send one message; batches are not part of this revision."))
          )
          return ignore
        }
        return message._tag !== "Batch" && isStateless(head, message)
          ? acceptStateless(head, message, responder)
          : acceptStateful(head, message, responder)
      }
    }
  })

const expectsReply = (message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch): boolean =>
  message._tag === "Request"
  || (message._tag === "Batch" && message.messages.some(({ _tag }) => _tag === "Request" || _tag === "Invalid"))

/** Which era a message belongs to: its own envelope says so, or else its version header. */
const isStateless = (head: Head, message: JsonRpc.Message): boolean => {
  if (message._tag === "Response") return false
  const meta = message.params?._meta
  if (JsonRpc.isObject(meta) && meta[Meta.protocolVersion] !== undefined) return true
  const version = head.header(versionHeader)
  return version !== undefined && Revisions.select(version)?.era === "Stateless"
}

/** The exchange of one POST: JSON until something is said before the reply, server-sent events from then on. */
class HttpExchange implements Receiver.Exchange {
  private state: "fresh" | "streaming" | "done" = "fresh"
  private stream: ResponseStream | undefined = undefined
  private readonly head: Head
  private readonly responder: Responder
  private readonly establish: (() => string | undefined) | undefined
  private readonly onDone: () => void

  constructor(
    head: Head,
    responder: Responder,
    establish: (() => string | undefined) | undefined,
    onDone: () => void
  ) {
    this.head = head
    this.responder = responder
    this.establish = establish
    this.onDone = onDone
  }

  get header() {
    return this.head.header
  }

  reply(frame: string, status: number): void {
    if (this.state === "done") return
    if (this.state === "streaming") {
      this.stream!.write(event(frame))
      return this.end()
    }
    this.state = "done"
    const session = this.establish?.()
    this.responder.respond(status, session === undefined ? json : { ...json, [sessionHeader]: session }, frame)
    this.onDone()
  }

  notify(frame: string): void {
    if (this.state === "done") return
    this.open().write(event(frame))
  }

  drop(): void {
    if (this.state === "done") return
    this.open()
    this.end()
  }

  /** 202 for what has no reply, unless it was refused. */
  acknowledge(): void {
    if (this.state !== "fresh") return
    this.state = "done"
    this.responder.respond(202, {}, "")
    this.onDone()
  }

  isGone(): boolean {
    return this.state === "done"
  }

  congested(): boolean {
    return this.stream?.congested() ?? false
  }

  get drained(): Effect.Effect<void> {
    return this.stream?.drained ?? Effect.void
  }

  /** The peer is gone; answers whether it was still waiting. */
  disconnect(): boolean {
    if (this.state === "done") return false
    this.state = "done"
    this.onDone()
    return true
  }

  private open(): ResponseStream {
    this.state = "streaming"
    return this.stream ??= this.responder.stream(200, eventStream)
  }

  private end(): void {
    this.state = "done"
    this.stream!.end()
    this.onDone()
  }
}

const event = (frame: string): string => `event: message\ndata: ${frame}\n\n`

const json: Headers = { "content-type": "application/json" }

const eventStream: Headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no"
}

const sessionHeader = "mcp-session-id"

const versionHeader = "mcp-protocol-version"

const noServices = Context.empty()

const ignore = () => {}

const respond = (responder: Responder, { body, headers, status }: Refusal) => responder.respond(status, headers, body)

const refusal = (
  status: number,
  error: McpError.McpError,
  headers: Headers = {},
  id: JsonRpc.RequestId | null = null
): Refusal => ({
  status,
  headers: { ...json, ...headers },
  body: JsonRpc.encodeError(id, McpError.toObject(error, "Stateful"))
})

/**
 * The refusal of a body larger than the limit, for a mount that counts while it reads.
 *
 * @category refusals
 * @since 0.1.0
 */
export const tooLarge = (maxBodyBytes: number): Refusal =>
  refusal(413, McpError.invalidRequest(`The body is larger than ${maxBodyBytes} bytes.`))

const unknownSession = McpError.invalidRequest("This session has ended; begin again with initialize.")

const idOf = (message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch): JsonRpc.RequestId | null =>
  message._tag === "Request" ? message.id : null

const unsupportedVersion = (requested: string) =>
  McpError.make(new McpError.UnsupportedVersion({ requested, supported: Revisions.versions }))

const accepts = (accept: string, type: string): boolean =>
  accept.includes(type) || acceptsAny(accept.toLowerCase(), type)

const acceptsAny = (accept: string, type: string): boolean =>
  accept.includes(type) || accept.includes("*/*") || accept.includes(`${type.slice(0, type.indexOf("/"))}/*`)
