/**
 * HTTP endpoints and WebSocket as routes of an `HttpRouter`, beside a program's other routes and behind its middleware.
 */
import * as ByteSize from "effect/ByteSize"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import type * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as McpError from "../protocol/McpError.ts"
import * as HttpEndpoint from "./HttpEndpoint.ts"
import type * as Receiver from "./Receiver.ts"
import * as SseServer from "./SseServer.ts"
import * as StreamableHttpServer from "./StreamableHttpServer.ts"
import type * as WebSocketConnection from "./WebSocketConnection.ts"
import * as WebSocketServer from "./WebSocketServer.ts"

/** @category models @since 0.1.0 */
export interface Options extends StreamableHttpServer.Options {
  /** `/mcp`. */
  readonly path?: HttpRouter.PathInput
}

/**
 * Adds the route to the router in context. Sessions live as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Receiver.Receiver> =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const endpoint = yield* StreamableHttpServer.make(options)
    yield* router.add("*", options.path ?? "/mcp", (request) => handle(endpoint, request))
    yield* addBeside(router, endpoint.beside)
  }))

/**
 * Adds the two routes of `SseServer`, for clients of 2024-11-05.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSse = (
  options: SseServer.Options = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Receiver.Receiver> =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const endpoints = yield* SseServer.make(options)
    for (const [path, endpoint] of endpoints) {
      yield* router.add("*", path as HttpRouter.PathInput, (request) => handle(endpoint, request))
    }
    yield* addBeside(router, [...endpoints.values()][0]!.beside)
  }))

/** What is at such a path already stays: another of these routes has brought it, or the program has its own. */
const addBeside = (
  router: HttpRouter.HttpRouter,
  beside: HttpEndpoint.Endpoint["beside"]
): Effect.Effect<void> =>
  Effect.forEach(beside ?? [], ([path, endpoint]) =>
    Effect.catchDefect(
      router.add("*", path as HttpRouter.PathInput, (request) => handle(endpoint, request)),
      (defect) =>
        defect instanceof Error && defect.message.includes("already declared") ? Effect.void : Effect.die(defect)
    ), { discard: true })

/** @category models @since 0.1.0 */
export interface WebSocketOptions extends WebSocketServer.Options {
  /** `/ws`. */
  readonly path?: HttpRouter.PathInput
  /** What the host can do with a connection: `NodeWebSocket.controls` on Node. */
  readonly controls?: (request: HttpServerRequest.HttpServerRequest) => WebSocketConnection.Controls
}

/**
 * Adds the route of `WebSocketServer`.
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
export const layerWebSocket = (
  options: WebSocketOptions = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Receiver.Receiver> =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const transport = yield* WebSocketServer.make(options)
    yield* router.add("*", options.path ?? "/ws", (request) => upgrade(transport, request, options.controls))
    yield* addBeside(router, transport.beside)
  }))

const upgrade = (
  transport: WebSocketServer.WebSocketServer,
  request: HttpServerRequest.HttpServerRequest,
  controls: WebSocketOptions["controls"]
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const head = headOf(request)
  const refused = transport.refuse(head) ?? notFirst(head)
  if (refused !== undefined) return Effect.succeed(toResponse(refused))
  const open = (known: WebSocketServer.Head) =>
    Effect.matchEffect(request.upgrade, {
      onFailure: () => Effect.succeed(toResponse(cannotUpgrade)),
      onSuccess: (socket) =>
        Effect.suspend(() => {
          const connection = transport.accept(Effect.succeed(socket), known, controls?.(request))
          return Effect.onInterrupt(Fiber.await(connection), () => Fiber.interrupt(connection))
        }).pipe(Effect.as(HttpServerResponse.empty()))
    })
  return Effect.flatMap(
    Effect.callback<Parameters<Parameters<WebSocketServer.WebSocketServer["admit"]>[1]>[0]>((resume) =>
      transport.admit(head, (verdict) => resume(Effect.succeed(verdict)))
    ),
    (verdict) => "refused" in verdict ? Effect.succeed(toResponse(verdict.refused)) : open(verdict.head)
  )
}

/** A host that chooses by itself chooses the first. */
const notFirst = ({ header }: HttpEndpoint.Head): HttpEndpoint.Answer | undefined => {
  const offered = header("sec-websocket-protocol")
  return offered === undefined || WebSocketServer.tokensOf(offered)[0] === WebSocketServer.subprotocol
    ? undefined
    : HttpEndpoint.refusal(
      400,
      McpError.invalidRequest(`Offer the subprotocol ${JSON.stringify(WebSocketServer.subprotocol)} first.`)
    )
}

const cannotUpgrade = HttpEndpoint.refusal(501, McpError.invalidRequest("This host has no upgrade to WebSocket."))

/**
 * Answers one request; the client going away interrupts it.
 *
 * @category handling
 * @since 0.1.0
 */
export const handle = (
  endpoint: HttpEndpoint.Endpoint,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const head = headOf(request)
  const refused = endpoint.refuse(head)
  if (refused !== undefined) return Effect.succeed(toResponse(refused))
  if (!endpoint.readsBody(head)) return accept(endpoint, head, "")
  return Effect.flatMap(
    readBody(endpoint, request),
    (body) => typeof body === "string" ? accept(endpoint, head, body) : Effect.succeed(toResponse(body))
  )
}

/** The text, or what is answered where it does not come whole and in time. */
const readBody = (
  { bodyTimeout, maxBodyBytes }: HttpEndpoint.Endpoint,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<string | HttpEndpoint.Answer> =>
  request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBodyBytes)),
    Effect.timeoutOrElse({
      duration: bodyTimeout,
      orElse: () => Effect.succeed<string | HttpEndpoint.Answer>(HttpEndpoint.tooSlow(bodyTimeout))
    }),
    Effect.catch(({ reason }) =>
      Effect.succeed(
        reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
          ? HttpEndpoint.tooLarge(maxBodyBytes)
          : HttpEndpoint.unreadable
      )
    )
  )

const accept = (
  endpoint: HttpEndpoint.Endpoint,
  head: HttpEndpoint.Head,
  body: string
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.flatMap(Queue.unbounded<string, Cause.Done>(), (queue) =>
    Effect.callback((resume) => {
      let disconnect: () => void = () => {}
      disconnect = endpoint.accept(head, body, {
        respond: (status, headers, body) => resume(Effect.succeed(toResponse({ status, headers, body }))),
        stream: (status, headers) => {
          const { response, stream } = makeStream(queue, status, headers, () => disconnect())
          resume(Effect.succeed(response))
          return stream
        }
      })
      return Effect.sync(disconnect)
    }))

const headOf = (request: HttpServerRequest.HttpServerRequest): HttpEndpoint.Head => ({
  method: request.method,
  url: request.url,
  header: (name) => request.headers[name] ?? (name === "host" ? hostOf(request.originalUrl) : undefined)
})

/** A request made from a Fetch API `Request` has its host in the URL alone. */
const hostOf = (url: string): string | undefined => URL.parse(url)?.host

/** Unsent events above which the server holds a handler back. */
const highWaterMark = 256

const makeStream = (
  queue: Queue.Queue<string, Cause.Done>,
  status: number,
  headers: HttpEndpoint.Headers,
  onClose: () => void
) => {
  const open = Latch.makeUnsafe(true)
  const congested = () => Queue.sizeUnsafe(queue) > highWaterMark
  const events = Stream.fromQueue(queue).pipe(
    Stream.tap(() => Effect.sync(() => congested() ? undefined : open.openUnsafe())),
    Stream.encodeText,
    Stream.ensuring(Effect.sync(() => {
      open.openUnsafe()
      onClose()
    }))
  )
  const stream: HttpEndpoint.ResponseStream = {
    write: (text) => {
      Queue.offerUnsafe(queue, text)
      if (congested()) open.closeUnsafe()
    },
    end: () => {
      Queue.endUnsafe(queue)
    },
    congested,
    drained: open.await,
    // The connection is the router's; what waits for its peer is let go, and it gets nothing more.
    abort: () => {
      Queue.shutdownUnsafe(queue)
      open.openUnsafe()
      onClose()
    }
  }
  return {
    stream,
    response: HttpServerResponse.stream(events, { status, headers, contentType: headers["content-type"]! })
  }
}

const toResponse = ({ body, headers, status }: HttpEndpoint.Answer): HttpServerResponse.HttpServerResponse =>
  body === ""
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers, contentType: headers["content-type"] ?? "application/json" })
