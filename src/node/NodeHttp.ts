/**
 * MCP over HTTP on Node: a bare `node:http` server, because a small request would pay much of its time to a router. The
 * program's own routes may stand beside it (`routes`). Importing the module turns on Effect's schema compiler for the
 * process.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import * as Banner from "../console/Banner.ts"
import type * as AuthorizationServer from "../oauth/server/AuthorizationServer.ts"
import type * as HttpEndpoint from "../transport/HttpEndpoint.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as SseServer from "../transport/SseServer.ts"
import * as StreamableHttpServer from "../transport/StreamableHttpServer.ts"
import type * as TransportError from "../transport/TransportError.ts"
import type * as authorization from "./internal/authorization.ts"
import * as http from "./internal/http.ts"
import * as listening from "./internal/listening.ts"
import * as nodeProcess from "./internal/process.ts"
import * as sha256 from "./internal/sha256.ts"
import type * as NodeWebSocket from "./NodeWebSocket.ts"

/** @category models @since 0.1.0 */
export interface Options<out E = never> extends StreamableHttpServer.Options {
  /** 8000; 0 picks a free one. */
  readonly port?: number
  /** The address to listen on; only this machine unless said otherwise: `127.0.0.1`. */
  readonly host?: string
  /** `/mcp`. */
  readonly path?: string
  /** The transport of 2024-11-05 beside it, for clients that know no other: on `/sse` and `/messages` when true. Off. */
  readonly sse?: boolean | SseServer.Paths
  /** WebSocket on the same port: on `/ws` when true. Off. */
  readonly webSocket?: boolean | NodeWebSocket.HandlerOptions
  /** Answers GET with 200 for as long as the server takes requests, then with 503, whatever the host: `/health`. */
  readonly health?: string | false
  /** An authorization server beside it, at its own paths, without the router that `routes` have. */
  readonly authorizationServer?: Layer.Layer<AuthorizationServer.AuthorizationServer, E>
  /** What else the server answers: paths that are none of the above go to these routes. */
  readonly routes?: Layer.Layer<never, E, HttpRouter.HttpRouter>
  /** Connections at one time; one more is answered with 503 and closed. 16,384. */
  readonly maxConnections?: number
  /** Bytes of all headers of a request; 431 above it. 16 KiB. */
  readonly maxHeaderBytes?: number
  /** How long the headers of a request may take to come; 408 afterwards. 10 seconds. */
  readonly headersTimeout?: Duration.Input
  /** How long a connection may be idle between two requests. 60 seconds. */
  readonly idleTimeout?: Duration.Input
  /** How long requests in flight may go on after a signal. 5 seconds. */
  readonly grace?: Duration.Input
}

/**
 * Where the server listens, once it does.
 *
 * @category services
 * @since 0.1.0
 */
export class Address extends Context.Service<Address, {
  readonly url: string
  readonly port: number
}>()("fastmcp-effect/node/NodeHttp/Address") {}

/**
 * Listens for as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E = never>(
  options: Options<E> = {}
): Layer.Layer<Address, TransportError.TransportError | E, Receiver.Receiver> => Layer.effect(Address, listen(options))

/**
 * A whole program out of a server: serves until a signal comes, and exits with 0. Prints where to connect on stderr.
 *
 * @category running
 * @since 0.1.0
 */
export const serve = <RE = never>(options: Options<RE> = {}) => <E>(server: Layer.Layer<Receiver.Receiver, E>): void =>
  nodeProcess.runMain(
    Effect.gen(function*() {
      const { url } = yield* Address
      yield* Effect.sync(() => process.stderr.write(Banner.render({ url, color: process.stderr.isTTY })))
      return yield* Effect.never
    }).pipe(
      Effect.provide(
        layer(options).pipe(Layer.provideMerge(server), Layer.provideMerge(nodeProcess.logsToStderr))
      )
    )
  )

const listen = <E>(
  options: Options<E>
): Effect.Effect<
  Address["Service"],
  TransportError.TransportError | E,
  Receiver.Receiver | Scope.Scope
> =>
  sha256.provide(Effect.gen(function*() {
    const { grace = "5 seconds", health = "/health", host = "127.0.0.1", path = "/mcp", port = 8000 } = options
    const headersTimeout = millis(options.headersTimeout ?? "10 seconds")
    const limits = { stallTimeout: millis(options.stallTimeout ?? "30 seconds") }
    const server = Http.createServer({
      maxHeaderSize: options.maxHeaderBytes ?? 16 << 10,
      headersTimeout,
      requestTimeout: headersTimeout + millis(options.bodyTimeout ?? "30 seconds"),
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: millis(options.idleTimeout ?? "60 seconds")
    })
    let isStopping = false
    // Released last to first: who comes is told that the server stops, requests in flight end and are answered, nobody
    // comes in any more, connections are closed.
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        server.close()
        return listening.hangUp(server)
      })
    )
    const other = options.routes === undefined ? notFound : yield* routesOf(options.routes)
    const authorize = options.authorizationServer === undefined
      ? undefined
      : yield* listenerOf(options.authorizationServer)
    const transports = yield* Scope.fork(yield* Effect.scope, "parallel")
    const owned = <A, R>(make: Effect.Effect<A, never, R>) =>
      Effect.flatMap(Scope.fork(transports, "sequential"), (scope) => Scope.provide(make, scope))
    const endpoints = new Map<string, HttpEndpoint.Endpoint>()
    endpoints.set(path, yield* owned(StreamableHttpServer.make({ ...options, grace })))
    if (options.sse !== undefined && options.sse !== false) {
      const paths = options.sse === true ? {} : options.sse
      const made = yield* owned(SseServer.make({ ...options, ...paths, grace }))
      for (const [at, endpoint] of made) endpoints.set(at, endpoint)
    }
    if (options.webSocket !== undefined && options.webSocket !== false) {
      const own = options.webSocket === true ? {} : options.webSocket
      const NodeWebSocket = yield* Effect.promise(() => import("./NodeWebSocket.ts"))
      const upgrade = NodeWebSocket.makeUpgradeHandler({ ...options, path: "/ws", ...own, grace })
      server.on("upgrade", yield* owned(upgrade))
    }
    for (const { beside } of [...endpoints.values()]) {
      for (const [at, endpoint] of beside ?? []) if (!endpoints.has(at)) endpoints.set(at, endpoint)
    }

    bound(server, options.maxConnections ?? 16_384)
    server.on("request", (request, response) => {
      const url = request.url!
      const query = url.indexOf("?")
      const at = query === -1 ? url : url.slice(0, query)
      const endpoint = endpoints.get(at)
      if (endpoint !== undefined) return http.handle(endpoint, request, response, limits)
      if (at === health && request.method === "GET") return tellHealth(request, response, !isStopping)
      if (isStopping) return tellHealth(request, response, false)
      if (authorize?.(request, response) !== true) other(request, response)
    })
    yield* listening.open(server, host, port)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isStopping = true
      })
    )
    const address = server.address() as AddressInfo
    const name = listening.reachableAt(address, options.allowedHosts)
    return { url: `http://${name}:${address.port}${path}`, port: address.port }
  }))

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

type Handler = (request: Http.IncomingMessage, response: Http.ServerResponse) => void

/** The program's own routes; loaded only where there are some, for a router costs time to start. */
const routesOf = <E>(
  routes: Layer.Layer<never, E, HttpRouter.HttpRouter>
): Effect.Effect<Handler, E, Scope.Scope> =>
  Effect.gen(function*() {
    const [Router, Server, RedactedUrls] = yield* Effect.promise(() =>
      Promise.all([
        import("effect/http/HttpRouter"),
        import("@effect/platform-node/NodeHttpServer"),
        import("../oauth/RedactedUrls.ts")
      ])
    )
    const app = yield* Router.toHttpEffect(routes)
    // An authorization server may be among them.
    return yield* Effect.provide(Server.makeHandler(app, { scope: yield* Effect.scope }), RedactedUrls.layer)
  })

/** Loaded only where there is one. */
const listenerOf = <E>(
  server: Layer.Layer<AuthorizationServer.AuthorizationServer, E>
): Effect.Effect<authorization.Listener, E, Scope.Scope> =>
  Effect.gen(function*() {
    const { make } = yield* Effect.promise(() => import("./internal/authorization.ts"))
    return yield* Effect.provide(make, yield* Layer.build(server))
  })

const notFound: Handler = (request, response) => {
  response.writeHead(404).end()
  request.resume()
}

const tellHealth = (request: Http.IncomingMessage, response: Http.ServerResponse, isWell: boolean): void => {
  request.resume()
  response.writeHead(isWell ? 200 : 503, { "content-type": "text/plain", "cache-control": "no-store" })
    .end(isWell ? "ok\n" : "stopping\n")
}

/** One connection too many is told so in the fewest bytes, and costs nothing more. */
const bound = (server: Http.Server, maxConnections: number): void => {
  let connections = 0
  server.on("connection", (socket: Socket) => {
    connections++
    socket.once("close", () => connections--)
    if (connections > maxConnections) {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
      socket.destroySoon()
    }
  })
}
