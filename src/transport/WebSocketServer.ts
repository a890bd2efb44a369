/**
 * MCP over WebSocket as an endpoint: who may open a connection, and how many at one time. No revision specifies this
 * transport, so it is what its clients expect: one message a text frame, subprotocol `mcp`, and in everything else what
 * stdio does. `layer` mounts it on an `HttpRouter`, `node/NodeWebSocket` on a bare `node:http` server.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as HostGuard from "./HostGuard.ts"
import type * as Receiver from "./Receiver.ts"
import * as WebSocketConnection from "./WebSocketConnection.ts"

/** @category models @since 0.1.0 */
export interface Options extends WebSocketConnection.Limits, HostGuard.Options {
  /** Most connections at one time; one more is closed with 1013. 10,000. */
  readonly maxConnections?: number
}

/** What a mount knows of the request for an upgrade. @category models @since 0.1.0 */
export interface Head {
  readonly method: string
  /** The value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined
  /** Request-level services for the handlers behind this connection. */
  readonly context?: Context.Context<never>
}

/** @category models @since 0.1.0 */
export interface Refusal {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** @category models @since 0.1.0 */
export interface WebSocketServer {
  /** For the host, which has to stop reading there. */
  readonly maxPayloadBytes: number
  /** What is wrong with the request for an upgrade, if anything. */
  readonly refuse: (head: Head) => Refusal | undefined
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
export const subprotocol = "mcp"

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
    const fork = yield* FiberSet.makeRuntime<Receiver.Receiver, void>()
    let isStopping = false
    let connections = 0
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isStopping = true
      })
    )

    const refuse = ({ header, method }: Head): Refusal | undefined => {
      const forbidden = guard(header)
      if (forbidden !== undefined) return refusal(403, McpError.invalidRequest(forbidden))
      if (method !== "GET") {
        return refusal(405, McpError.invalidRequest("A WebSocket begins with GET."), { allow: "GET" })
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
        return refusal(400, McpError.invalidRequest(`Offer the subprotocol ${JSON.stringify(subprotocol)}, or none.`))
      }
      return isStopping
        ? refusal(503, McpError.make(new McpError.Overloaded({ message: "The server is shutting down." })))
        : undefined
    }

    const serve = (socket: Socket.Socket, { context }: Head, controls: WebSocketConnection.Controls | undefined) =>
      Effect.suspend(() => {
        if (connections >= maxConnections) return WebSocketConnection.turnAway(socket, full, controls)
        connections++
        return Effect.ensuring(
          WebSocketConnection.run(socket, { ...options, context, controls }),
          Effect.sync(() => {
            connections--
          })
        )
      })

    return {
      maxPayloadBytes,
      refuse,
      accept: (socket, head, controls) => fork(Effect.flatMap(socket, (socket) => serve(socket, head, controls)))
    }
  })

/** @category models @since 0.1.0 */
export interface LayerOptions extends Options {
  /** `/ws`. */
  readonly path?: HttpRouter.PathInput
  /** What the host can do with a connection: `NodeWebSocket.controls` on Node. */
  readonly controls?: (request: HttpServerRequest.HttpServerRequest) => WebSocketConnection.Controls
}

/**
 * Adds the route to the router in context.
 *
 * **Gotchas**
 *
 * The host does the handshake, and some of what it does is for its own options to say. It has to be told the largest
 * payload, or it takes in more before the connection is closed (`websocket: { maxPayload }` of `NodeHttpServer.layer`).
 * It answers with the first subprotocol a client offers, so a client that offers others must offer `mcp` first. And a
 * host that waits for its connections before it stops waits for these (`disablePreemptiveShutdown` there).
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: LayerOptions = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Receiver.Receiver> =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const transport = yield* make(options)
    yield* router.add("*", options.path ?? "/ws", (request) => handle(transport, request, options.controls))
  }))

const handle = (
  transport: WebSocketServer,
  request: HttpServerRequest.HttpServerRequest,
  controls: LayerOptions["controls"]
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const head: Head = {
    method: request.method,
    header: (name) => request.headers[name] ?? (name === "host" ? hostOf(request.originalUrl) : undefined)
  }
  const refused = transport.refuse(head) ?? notFirst(head)
  if (refused !== undefined) return Effect.succeed(toResponse(refused))
  return Effect.matchEffect(request.upgrade, {
    onFailure: () => Effect.succeed(toResponse(cannotUpgrade)),
    onSuccess: (socket) =>
      Effect.suspend(() => {
        const connection = transport.accept(Effect.succeed(socket), head, controls?.(request))
        return Effect.onInterrupt(Fiber.await(connection), () => Fiber.interrupt(connection))
      }).pipe(Effect.as(HttpServerResponse.empty()))
  })
}

/** A request made from a Fetch API `Request` has its host in the URL alone. */
const hostOf = (url: string): string | undefined => URL.parse(url)?.host

/** A host that chooses by itself chooses the first. */
const notFirst = ({ header }: Head): Refusal | undefined => {
  const offered = header("sec-websocket-protocol")
  return offered === undefined || tokensOf(offered)[0] === subprotocol
    ? undefined
    : refusal(400, McpError.invalidRequest(`Offer the subprotocol ${JSON.stringify(subprotocol)} first.`))
}

const tokensOf = (list = ""): ReadonlyArray<string> => list.split(",").map((token) => token.trim())

const full = new Socket.CloseEvent(1013, "Too many connections are open; try again later.")

const toResponse = ({ body, headers, status }: Refusal): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(body, { status, headers, contentType: headers["content-type"]! })

const refusal = (
  status: number,
  error: McpError.McpError,
  headers: Refusal["headers"] = {}
): Refusal => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JsonRpc.encodeError(null, McpError.toObject(error, "Stateful"))
})

const needsUpgrade = (message: string): Refusal =>
  refusal(426, McpError.invalidRequest(message), {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13"
  })

const cannotUpgrade = refusal(501, McpError.invalidRequest("This host has no upgrade to WebSocket."))
