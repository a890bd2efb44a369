/**
 * MCP over Streamable HTTP, both eras on one endpoint. A reply is JSON when it is the only message, and a stream of
 * server-sent events once there is a second, or once it takes long. In the stateful era a session has streams that its
 * client may resume, and one by GET for what answers no request; in the stateless one every POST stands alone.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Pending from "../core/Pending.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as EventStore from "../session/EventStore.ts"
import * as SessionMailbox from "../session/SessionMailbox.ts"
import * as SessionStore from "../session/SessionStore.ts"
import * as Admission from "./Admission.ts"
import * as HttpEndpoint from "./HttpEndpoint.ts"
import * as HttpGuard from "./HttpGuard.ts"
import * as httpExchange from "./internal/httpExchange.ts"
import * as httpSessions from "./internal/httpSessions.ts"
import type * as liveSession from "./internal/liveSession.ts"
import * as runner from "./internal/runner.ts"
import * as Receiver from "./Receiver.ts"

/** @category models @since 0.1.0 */
export interface Options extends HttpGuard.Options {
  /** Most sessions at one time; `initialize` is refused with 503 above it. 10,000. */
  readonly maxSessions?: number
  /** Most sessions of one caller who is known; 503 above it. 100. */
  readonly maxSessionsPerCaller?: number
  /** How long a session lives without a request or an open connection; 404 afterwards. 30 minutes. */
  readonly sessionIdle?: Duration.Input
  /** How long a client is told to wait before it comes back for a stream (2025-11-25). 1 second. */
  readonly retryInterval?: Duration.Input
  /** How long requests in flight may go on once the transport closes. Not at all when left out. */
  readonly grace?: Duration.Input
}

/**
 * Makes the endpoint for the server in context. It ends with the scope.
 *
 * Sessions and the events of their streams are kept by the `SessionStore`, the `SessionMailbox` and the `EventStore` in
 * context, or in memory where there are none. Ids come from the `SecureRandom` in context, or from Web Crypto.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<HttpEndpoint.Endpoint, never, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const { grace, maxSessions = 10_000, maxSessionsPerCaller = 100 } = options
    const idle = Duration.fromInputUnsafe(options.sessionIdle ?? "30 minutes")
    const receiver = yield* Receiver.Receiver
    const clock = yield* Clock.Clock
    const random = yield* given(SecureRandom.SecureRandom, SecureRandom.layerWebCrypto)
    const admission = yield* Admission.inForce(receiver)
    const guard = yield* HttpGuard.make(options, { admission, transport: "http" })
    const run = yield* runner.make
    const randomId = (bytes: number) => Effect.map(random.randomBytes(bytes), Hex.encode)
    const passing = new Set<Receiver.Peer>()
    /** Each for one request. */
    const brief = new Pending.Unkeyed<Receiver.Peer>()
    let isClosing = false

    /** Its client is gone, and its finalizers are still waited for when the transport closes. */
    const abandon = (peer: Receiver.Peer) => {
      peer.closeUnsafe("User")
      if (peer.inFlight() === 0) {
        passing.delete(peer)
        return
      }
      passing.add(peer)
      run.run(peer.idle, () => passing.delete(peer))
    }

    /** A server that is about to stop takes in what those in flight may wait for, and nothing new. */
    const isRefused = ({ _tag }: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch) =>
      isClosing && (_tag === "Request" || _tag === "Batch")

    const sessions = new httpSessions.HttpSessions({
      receiver,
      store: yield* given(SessionStore.SessionStore, SessionStore.layerMemory),
      events: yield* given(EventStore.EventStore, EventStore.layerMemory()),
      mailbox: yield* given(SessionMailbox.SessionMailbox, SessionMailbox.layerMemory),
      runner: run,
      clock,
      create: { idle, maxSessions, maxSessionsPerCaller },
      idle: Duration.toMillis(idle),
      retry: Duration.toMillis(Duration.fromInputUnsafe(options.retryInterval ?? "1 second")),
      // A failure of the random source is a defect of the machine.
      node: yield* Effect.orDie(randomId(6)),
      abandon
    })
    yield* Effect.orDie(sessions.listen)

    const each = (f: (peer: Receiver.Peer) => Effect.Effect<void>) =>
      Effect.suspend(() =>
        Effect.forEach([...sessions.all().map(({ peer }) => peer), ...brief.values(), ...passing], f, {
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
        Effect.andThen(Effect.timeoutOption(sessions.told, grace ?? "1 second")),
        Effect.andThen(Effect.sync(() => {
          for (const session of sessions.all()) session.close()
        }))
      )
    )
    const sweepEvery = Math.min(Math.max(Duration.toMillis(idle) / 4, 1000), 60_000)
    yield* Effect.forkScoped(
      Effect.forever(Effect.andThen(
        Effect.sleep(sweepEvery),
        Effect.sync(() => sessions.sweep(clock.currentTimeMillisUnsafe()))
      ))
    )

    // ------------------------------------------------------------------------
    // POST
    // ------------------------------------------------------------------------

    const begin = (exchange: Omit<httpExchange.Options, "now" | "challenge">) =>
      new httpExchange.HttpExchange({
        ...exchange,
        challenge: admission?.challenge,
        now: clock.currentTimeMillisUnsafe()
      })

    /** Watches a connection that is open after its call, and what its peer's going away comes to. */
    const track = (exchange: httpExchange.HttpExchange, onLost: () => void = ignore) => {
      if (exchange.isClosed()) return ignore
      guard.watch(exchange)
      return () => {
        if (exchange.disconnect()) onLost()
      }
    }

    const acceptStateless = (
      head: HttpEndpoint.Head,
      message: JsonRpc.Message | JsonRpc.Invalid,
      responder: HttpEndpoint.Responder
    ) => {
      const peer = receiver.connect({
        transport: "http",
        sessionId: undefined,
        push: undefined,
        context: head.context ?? noServices
      })
      const leave = brief.add(peer)
      const exchange: httpExchange.HttpExchange = begin({
        head,
        responder,
        keep: undefined,
        onClosed: ignore,
        onDone: () => {
          leave()
          guard.unwatch(exchange)
        }
      })
      peer.receive(message, exchange)
      if (message._tag !== "Request") exchange.acknowledge()
      // Closing the response stream is how a client of this era cancels.
      return track(exchange, () => {
        leave()
        abandon(peer)
      })
    }

    const acceptStateful = (
      head: HttpEndpoint.Head,
      message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch,
      body: string,
      responder: HttpEndpoint.Responder
    ) => {
      const refused = unsupported(head, message)
      if (refused !== undefined) return answer(responder, refused)
      const id = head.header(sessionHeader)
      if (id !== undefined) {
        return later((gone) =>
          sessions.find(
            id,
            head,
            (session) =>
              isRefused(message)
                ? HttpEndpoint.respond(responder, stopping)
                : session === undefined
                ? HttpEndpoint.respond(responder, unknownSession(idOf(message)))
                : gone.then(acceptInSession(head, session, message, body, responder, gone.isGone())),
            () => HttpEndpoint.respond(responder, HttpEndpoint.overloaded(storeIsDown, idOf(message)))
          )
        )
      }
      return message._tag === "Request"
        ? open(head, message, responder)
        : answer(responder, missingSession)
    }

    const acceptInSession = (
      head: HttpEndpoint.Head,
      session: liveSession.LiveSession,
      message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch,
      body: string,
      responder: HttpEndpoint.Responder,
      isGone: boolean
    ) => {
      session.attach()
      const exchange: httpExchange.HttpExchange = begin({
        head,
        responder,
        keep: (write) => session.keep(exchange, write),
        onClosed: () => {
          session.detach(clock.currentTimeMillisUnsafe())
          guard.unwatch(exchange)
        },
        onDone: ignore
      })
      if (isGone) exchange.disconnect()
      if (!session.peer.receive(message, exchange)) sessions.forward(session, body)
      if (!expectsReply(message)) exchange.acknowledge()
      return track(exchange)
    }

    /** The first request of a conversation: `initialize`, or one that will be told to begin there. */
    const open = (head: HttpEndpoint.Head, message: JsonRpc.Request, responder: HttpEndpoint.Responder) =>
      later((gone) =>
        run.run(randomId(16), (exit) => {
          if (Exit.isFailure(exit)) {
            const failed = McpError.make(new McpError.InternalError())
            return HttpEndpoint.respond(responder, HttpEndpoint.refusal(500, failed, {}, message.id))
          }
          if (gone.isGone()) return
          if (isClosing) return HttpEndpoint.respond(responder, stopping)
          const session = sessions.begin(exit.value, head)
          passing.add(session.peer)
          const exchange: httpExchange.HttpExchange = begin({
            head,
            responder,
            keep: undefined,
            opening: (answer) => {
              const { refused } = session.stored
              if (refused !== undefined) return HttpEndpoint.overloaded(refused.message, message.id)
              if (!session.peer.isEstablished()) return answer
              sessions.keep(session)
              return { ...answer, headers: { ...answer.headers, [sessionHeader]: session.id } }
            },
            onClosed: () => guard.unwatch(exchange),
            onDone: () => passing.delete(session.peer)
          })
          session.peer.receive(message, exchange)
          gone.then(track(exchange, () => {
            passing.add(session.peer)
            sessions.discard(session)
          }))
        })
      )

    // ------------------------------------------------------------------------
    // GET and DELETE
    // ------------------------------------------------------------------------

    const inSession = (
      head: HttpEndpoint.Head,
      responder: HttpEndpoint.Responder,
      use: (session: liveSession.LiveSession, gone: Gone) => void
    ) => {
      const refused = unsupported(head, undefined)
      if (refused !== undefined) return answer(responder, refused)
      return later((gone) =>
        sessions.find(
          head.header(sessionHeader)!,
          head,
          (session) =>
            isClosing
              ? HttpEndpoint.respond(responder, stopping)
              : session === undefined
              ? HttpEndpoint.respond(responder, unknownSession(null))
              : use(session, gone),
          () => HttpEndpoint.respond(responder, HttpEndpoint.overloaded(storeIsDown))
        )
      )
    }

    const read = (head: HttpEndpoint.Head, responder: HttpEndpoint.Responder) =>
      inSession(head, responder, (session, gone) => {
        const lastEventId = head.header("last-event-id")
        session.read({
          lastEventId,
          responder,
          expiresAt: head.expiresAt ?? Infinity,
          isGone: gone.isGone,
          onEnded: () => HttpEndpoint.respond(responder, isClosing ? stopping : unknownSession(null)),
          onRefused: (error) =>
            HttpEndpoint.respond(
              responder,
              error === undefined
                ? HttpEndpoint.refusal(400, McpError.invalidRequest(notAnEventId(lastEventId)))
                : error.reason._tag === "Unavailable"
                ? HttpEndpoint.overloaded(error.message)
                : HttpEndpoint.refusal(
                  error.reason._tag === "Trimmed" ? 410 : 400,
                  McpError.invalidRequest(error.message)
                )
            ),
          onOpened: (reader) => {
            session.attach()
            guard.watch(reader)
            gone.then(() => reader.disconnect())
          },
          onClosed: (reader) => {
            guard.unwatch(reader)
            session.detach(clock.currentTimeMillisUnsafe())
          }
        })
      })

    const end = (head: HttpEndpoint.Head, responder: HttpEndpoint.Responder) =>
      inSession(head, responder, (session) =>
        sessions.end(session, (exit) =>
          HttpEndpoint.respond(
            responder,
            Exit.isFailure(exit)
              ? HttpEndpoint.overloaded(storeIsDown)
              : exit.value
              ? { status: 204, headers: {}, body: "" }
              : unknownSession(null)
          )))

    const refuse = (head: HttpEndpoint.Head): HttpEndpoint.Answer | undefined => {
      if (head.method === "GET" || head.method === "DELETE") {
        const problem = problemOfSession(head)
        return problem === undefined && head.method === "GET" && !accepts(head.header("accept") ?? "", eventStream)
          ? HttpEndpoint.refusal(406, McpError.invalidRequest("Accept: text/event-stream, for that is what comes."))
          : problem
      }
      if (head.method !== "POST") return notAllowed("GET, POST, DELETE")
      const contentType = head.header("content-type")
      if (contentType === undefined || !/^application\/json\s*(;|$)/iu.test(contentType)) {
        return HttpEndpoint.refusal(
          415,
          McpError.invalidRequest("Send the message as Content-Type: application/json.")
        )
      }
      const accept = head.header("accept") ?? ""
      return accepts(accept, "application/json") && accepts(accept, eventStream)
        ? undefined
        : HttpEndpoint.refusal(
          406,
          McpError.invalidRequest("Accept both kinds of answer: application/json, text/event-stream.")
        )
    }

    return guard.protect({
      refuse,
      accept: (head, body, responder) => {
        if (isClosing && head.method !== "POST") return answer(responder, stopping)
        if (head.method === "GET") return read(head, responder)
        if (head.method === "DELETE") return end(head, responder)
        const message = JsonRpc.parse(body)
        if (isRefused(message)) return answer(responder, stopping)
        if (message._tag === "Invalid") {
          return answer(
            responder,
            HttpEndpoint.refusal(400, message.error, {}, message.isResponse ? null : message.id)
          )
        }
        // Whether its revision has batches is for the session to say.
        if (message._tag === "Batch" && head.header(sessionHeader) === undefined) {
          return answer(
            responder,
            HttpEndpoint.refusal(
              400,
              McpError.invalidRequest("Send one message; batches are not part of this revision.")
            )
          )
        }
        return message._tag !== "Batch" && isStateless(head, message)
          ? acceptStateless(head, message, responder)
          : acceptStateful(head, message, body, responder)
      }
    })
  })

/** The service in context, or else one of its own. */
const given = <I, S>(service: Context.Key<I, S>, layer: Layer.Layer<I>): Effect.Effect<S, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.serviceOption(service),
    (found) => Option.isSome(found) ? Effect.succeed(found.value) : Effect.map(Layer.build(layer), Context.get(service))
  )

/** What to do when the peer goes away, once that is known. */
interface Gone {
  readonly isGone: () => boolean
  readonly then: (disconnect: () => void) => void
}

/** For what may have to wait before it is accepted: a peer that goes away meanwhile is known to be gone then. */
const later = (accept: (gone: Gone) => void): () => void => {
  let disconnect: (() => void) | undefined
  let isGone = false
  accept({
    isGone: () => isGone,
    then: (known) => {
      if (isGone) known()
      else disconnect = known
    }
  })
  return () => {
    isGone = true
    disconnect?.()
  }
}

const answer = (responder: HttpEndpoint.Responder, answer: HttpEndpoint.Answer): () => void => {
  HttpEndpoint.respond(responder, answer)
  return ignore
}

const expectsReply = (message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch): boolean =>
  message._tag === "Request"
  || (message._tag === "Batch" && message.messages.some(({ _tag }) => _tag === "Request" || _tag === "Invalid"))

/** Which era a message belongs to: its own envelope says so, or else its version header. */
const isStateless = (head: HttpEndpoint.Head, message: JsonRpc.Message | JsonRpc.Invalid): boolean => {
  if (message._tag === "Response" || message._tag === "Invalid") return false
  const meta = message.params?._meta
  if (JsonRpc.isObject(meta) && meta[Meta.protocolVersion] !== undefined) return true
  return versionOf(head)?.era === "Stateless"
}

const versionOf = (head: HttpEndpoint.Head) => {
  const version = head.header(versionHeader)
  return version === undefined ? undefined : Revisions.select(version)
}

/** What GET and DELETE need: a session, of an era that has them. */
const problemOfSession = (head: HttpEndpoint.Head): HttpEndpoint.Answer | undefined => {
  const version = versionOf(head)
  if (version?.era === "Stateless") return notAllowed("POST")
  if (head.header(sessionHeader) !== undefined) return undefined
  // Who names no revision either may be looking for a server of another kind.
  return version === undefined && head.header(versionHeader) === undefined ? notAllowed("POST") : missingSession
}

const notAllowed = (allow: string): HttpEndpoint.Answer =>
  HttpEndpoint.refusal(
    405,
    McpError.invalidRequest("This endpoint answers POST, and in a session GET for its stream and DELETE to end it."),
    { allow }
  )

const unsupported = (
  head: HttpEndpoint.Head,
  message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch | undefined
): HttpEndpoint.Answer | undefined => {
  const requested = head.header(versionHeader)
  return requested === undefined || Revisions.select(requested) !== undefined
    ? undefined
    : HttpEndpoint.refusal(
      400,
      McpError.make(new McpError.UnsupportedVersion({ requested, supported: Revisions.versions })),
      {},
      message === undefined ? null : idOf(message)
    )
}

const missingSession = HttpEndpoint.refusal(
  400,
  McpError.invalidRequest("Send the Mcp-Session-Id header that initialize answered with.")
)

const unknownSession = (id: JsonRpc.RequestId | null): HttpEndpoint.Answer =>
  HttpEndpoint.refusal(404, McpError.invalidRequest("This session has ended; begin again with initialize."), {}, id)

const stopping = HttpEndpoint.overloaded("The server is about to stop.")

const storeIsDown = "The sessions cannot be reached at the moment; try again."

const notAnEventId = (id: string | undefined): string =>
  `${JSON.stringify(id ?? "")} is no event of this session; send the request again.`

const idOf = (message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch): JsonRpc.RequestId | null =>
  message._tag === "Request" ? message.id : null

const sessionHeader = "mcp-session-id"

const versionHeader = "mcp-protocol-version"

const eventStream = "text/event-stream"

const noServices = Context.empty()

const ignore = () => {}

const accepts = (accept: string, type: string): boolean =>
  accept.includes(type) || acceptsAny(accept.toLowerCase(), type)

const acceptsAny = (accept: string, type: string): boolean =>
  accept.includes(type) || accept.includes("*/*") || accept.includes(`${type.slice(0, type.indexOf("/"))}/*`)
