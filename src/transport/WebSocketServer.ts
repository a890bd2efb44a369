/**
 * MCP over WebSocket as an endpoint: who may open a connection, and how many at one time. No revision specifies this
 * transport, so it is what its clients expect: one message a text frame, subprotocol `mcp`, and in everything else what
 * stdio does. `HttpRouterMount.layerWebSocket` mounts it on an `HttpRouter`, `node/NodeWebSocket` on a bare `node:http`
 * server.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as McpError from "../protocol/McpError.ts"
import * as Admission from "./Admission.ts"
import * as HostGuard from "./HostGuard.ts"
import * as HttpEndpoint from "./HttpEndpoint.ts"
import * as admitting from "./internal/admitting.ts"
import * as webSocketFrames from "./internal/webSocketFrames.ts"
import * as Receiver from "./Receiver.ts"
import * as WebSocketConnection from "./WebSocketConnection.ts"

/** @category models @since 0.1.0 */
export interface Options extends WebSocketConnection.Limits, HostGuard.Options {
  /** Most connections at one time; one more is closed with 1013. 10,000. */
  readonly maxConnections?: number
}

/** What a mount knows of the request for an upgrade. @category models @since 0.1.0 */
export type Head = Pick<HttpEndpoint.Head, "method" | "header" | "context" | "expiresAt">

/** @category models @since 0.1.0 */
export interface WebSocketServer {
  /** For the host, which has to stop reading there. */
  readonly maxPayloadBytes: number
  /** What is wrong with the request for an upgrade, if anything. */
  readonly refuse: (head: Head) => HttpEndpoint.Answer | undefined
  /**
   * Asks whether the caller is let in, after `refuse` and before the upgrade: calls back with the head that `accept`
   * takes, or with what to answer instead.
   */
  readonly admit: (
    head: Head,
    then: (verdict: { readonly head: Head } | { readonly refused: HttpEndpoint.Answer }) => void
  ) => void
  /** What has to be served beside it, by path. */
  readonly beside?: HttpEndpoint.Endpoint["beside"]
  /** Serves a connection until it ends. An interruption of the fiber is a shutdown, and so is the end of the scope. */
  readonly accept: (
    socket: Effect.Effect<Socket.Socket>,
    head: Head,
    controls?: WebSocketConnection.Controls
  ) => Fiber.Fiber<void>
}

/**
 * The name of the protocol in `Sec-WebSocket-Protocol`.
 *
 * @category constants
 * @since 0.1.0
 */
export const subprotocol = webSocketFrames.subprotocol

/**
 * Makes the endpoint for the server in context. When the scope closes, so do its connections, each after its grace.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<WebSocketServer, never, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const { maxConnections = 10_000, maxPayloadBytes = WebSocketConnection.defaultMaxPayloadBytes } = options
    const guard = HostGuard.make(options)
    const admission = yield* Admission.inForce(yield* Receiver.Receiver)
    const ask = admission === undefined
      ? undefined
      : yield* admitting.asking(admission, "websocket")
    const letIn = new WeakSet<Head>()
    const fork = yield* FiberSet.makeRuntime<Receiver.Receiver, void>()
    let isStopping = false
    let connections = 0
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isStopping = true
      })
    )

    const refuse = ({ header, method }: Head): HttpEndpoint.Answer | undefined => {
      const forbidden = guard(header)
      if (forbidden !== undefined) return HttpEndpoint.refusal(403, McpError.invalidRequest(forbidden))
      if (method !== "GET") {
        return HttpEndpoint.refusal(405, McpError.invalidRequest("A WebSocket begins with GET."), { allow: "GET" })
      }
      if (
        header("upgrade")?.toLowerCase() !== "websocket" ||
        !tokensOf(header("connection")?.toLowerCase()).includes("upgrade")
      ) {
        return needsUpgrade("This endpoint speaks WebSocket.")
      }
      if (header("sec-websocket-version") !== "13") return needsUpgrade("This endpoint speaks version 13 of WebSocket.")
      const offered = header("sec-websocket-protocol")
      if (offered !== undefined && !tokensOf(offered).includes(subprotocol)) {
        return HttpEndpoint.refusal(
          400,
          McpError.invalidRequest(`Offer the subprotocol ${JSON.stringify(subprotocol)}, or none.`)
        )
      }
      return isStopping
        ? HttpEndpoint.refusal(503, McpError.make(new McpError.Overloaded({ message: "The server is shutting down." })))
        : undefined
    }

    const admit: WebSocketServer["admit"] = (head, then) => {
      if (ask === undefined) return then({ head })
      const asked = ask(head)
      const answer = (verdict: Admission.Verdict) => {
        if (verdict._tag === "Refused") return then({ refused: admitting.answerOf(verdict) })
        const known = admitting.admitted(head, verdict)
        letIn.add(known)
        then({ head: known })
      }
      if (asked.verdict === undefined) asked.then = answer
      else answer(asked.verdict)
    }

    const serve = (socket: Socket.Socket, head: Head, controls: WebSocketConnection.Controls | undefined) =>
      Effect.suspend(() => {
        if (ask !== undefined && !letIn.has(head)) {
          return WebSocketConnection.turnAway(socket, unasked, controls)
        }
        const { context, expiresAt } = head
        if (connections >= maxConnections) return WebSocketConnection.turnAway(socket, full, controls)
        connections++
        return Effect.ensuring(
          WebSocketConnection.run(socket, { ...options, context, controls, expiresAt }),
          Effect.sync(() => {
            connections--
          })
        )
      })

    return {
      maxPayloadBytes,
      refuse,
      admit,
      beside: admitting.beside(admission),
      accept: (socket, head, controls) => fork(Effect.flatMap(socket, (socket) => serve(socket, head, controls)))
    }
  })

/** The tokens of a header that lists some. @category headers @since 0.1.0 */
export const tokensOf = (list = ""): ReadonlyArray<string> => list.split(",").map((token) => token.trim())

const full = new Socket.CloseEvent(1013, "Too many connections are open; try again later.")

const unasked = new Socket.CloseEvent(1008, "Nobody has asked who is calling.")

const needsUpgrade = (message: string): HttpEndpoint.Answer =>
  HttpEndpoint.refusal(426, McpError.invalidRequest(message), {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13"
  })
