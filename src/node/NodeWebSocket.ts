/**
 * MCP over WebSocket on Node: a program of its own, or an `upgrade` handler beside whatever else a `node:http` server
 * answers. The frames are those of the `ws` package, which comes with `@effect/platform-node`. Importing the module turns
 * on Effect's schema compiler for the process.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as NodeWS from "@effect/platform-node/NodeWS"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import * as Banner from "../console/Banner.ts"
import type * as HttpEndpoint from "../transport/HttpEndpoint.ts"
import type * as Receiver from "../transport/Receiver.ts"
import type * as TransportError from "../transport/TransportError.ts"
import type * as WebSocketConnection from "../transport/WebSocketConnection.ts"
import * as WebSocketServer from "../transport/WebSocketServer.ts"
import * as listening from "./internal/listening.ts"
import * as nodeProcess from "./internal/process.ts"

/** @category models @since 0.1.0 */
export interface HandlerOptions extends WebSocketServer.Options {
  /** `/ws`; what asks for another one is answered with 404. */
  readonly path?: string
}

/** @category models @since 0.1.0 */
export interface Options extends HandlerOptions {
  /** 8000; 0 picks a free one. */
  readonly port?: number
  /** The address to listen on; only this machine unless said otherwise: `127.0.0.1`. */
  readonly host?: string
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
}>()("fastmcp-effect/node/NodeWebSocket/Address") {}

/** @category models @since 0.1.0 */
export type UpgradeHandler = (request: Http.IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Makes the handler of a server's `upgrade` event. It answers every upgrade it is given, so where others listen for the
 * event as well, whoever listens decides by the URL whom to call. When the scope closes, so do the connections, each
 * after its grace; stop listening before that.
 *
 * @category handlers
 * @since 0.1.0
 */
export const makeUpgradeHandler = (
  options: HandlerOptions = {}
): Effect.Effect<UpgradeHandler, never, Receiver.Receiver | Scope.Scope> =>
  Effect.map(WebSocketServer.make(options), (transport) => upgradeHandler(transport, options))

/**
 * Listens for as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Address, TransportError.TransportError, Receiver.Receiver> => Layer.effect(Address, listen(options))

/**
 * A whole program out of a server: serves until a signal comes, and exits with 0. Prints where to connect on stderr.
 *
 * @category running
 * @since 0.1.0
 */
export const serve = (options: Options = {}) => <E>(server: Layer.Layer<Receiver.Receiver, E>): void =>
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

/**
 * What Node can do with a connection that `@effect/platform-node` has upgraded: the `controls` of
 * `HttpRouterMount.layerWebSocket`.
 *
 * @category controls
 * @since 0.1.0
 */
export const controls = (request: HttpServerRequest.HttpServerRequest): WebSocketConnection.Controls => {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
  return {
    // The `ws` object behind Effect's `Socket` is out of reach. A ping may stand between any two frames, and `ws`
    // writes each of its own in one go.
    ping: Effect.callback((resume) => {
      const alive = () => resume(Effect.void)
      socket.once("data", alive)
      if (socket.writable) socket.write(pingFrame)
      return Effect.sync(() => socket.off("data", alive))
    }),
    flushed: flushed(socket),
    terminate: Effect.sync(() => {
      socket.destroy()
    })
  }
}

const pingFrame = Uint8Array.of(0x89, 0)

const listen = (
  options: Options
): Effect.Effect<Address["Service"], TransportError.TransportError, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const { host = "127.0.0.1", port = 8000 } = options
    const server = Http.createServer()
    // Released last to first: nobody new comes in, connections end after their grace, and whoever is left is cut off.
    yield* Effect.addFinalizer(() => listening.hangUp(server))
    const transport = yield* WebSocketServer.make(options)
    server.on("upgrade", upgradeHandler(transport, options))
    server.on("request", (request, response) => {
      const document = transport.beside?.get(request.url!)?.refuse({ ...headOf(request), url: request.url! })
      const { body, headers, status } = document ?? refuse(transport, options, request) ?? notFound
      request.resume()
      response.writeHead(status, { ...headers, connection: "close" }).end(body)
    })
    const address = yield* listening.listen(server, host, port)
    const name = listening.reachableAt(address, options.allowedHosts)
    return { url: `ws://${name}:${address.port}${pathOf(options)}`, port: address.port }
  })

const pathOf = ({ path = "/ws" }: HandlerOptions): string => path

const notFound: HttpEndpoint.Answer = { status: 404, headers: {}, body: "" }

const headOf = ({ headers, method }: Http.IncomingMessage): WebSocketServer.Head => ({
  method: method!,
  header: (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(", ") : value
  }
})

const refuse = (
  transport: WebSocketServer.WebSocketServer,
  options: HandlerOptions,
  request: Http.IncomingMessage
): HttpEndpoint.Answer | undefined => {
  const path = pathOf(options)
  const url = request.url!
  return url === path || url.startsWith(`${path}?`) ? transport.refuse(headOf(request)) : notFound
}

const upgradeHandler = (
  transport: WebSocketServer.WebSocketServer,
  options: HandlerOptions
): UpgradeHandler => {
  const handshake = new NodeWS.WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: transport.maxPayloadBytes,
    handleProtocols: (offered) => offered.has(WebSocketServer.subprotocol) ? WebSocketServer.subprotocol : false
  })
  return (request, socket, head) => {
    socket.on("error", ignore)
    const refused = refuse(transport, options, request)
    if (refused !== undefined) return reject(socket, refused)
    const open = (known: WebSocketServer.Head) =>
      handshake.handleUpgrade(request, socket, head, (ws) => {
        // Nobody listens yet, and no message may be lost.
        ws.pause()
        ws.on("error", ignore)
        transport.accept(toSocket(ws), known, {
          ping: Effect.callback((resume) => {
            const alive = () => resume(Effect.void)
            ws.once("pong", alive)
            ws.ping()
            return Effect.sync(() => ws.off("pong", alive))
          }),
          flushed: flushed(socket),
          terminate: Effect.sync(() => ws.terminate())
        })
      })
    transport.admit(headOf(request), (verdict) => {
      if ("refused" in verdict) reject(socket, verdict.refused)
      else open(verdict.head)
    })
  }
}

const toSocket = (ws: NodeWS.WebSocket): Effect.Effect<Socket.Socket> =>
  Socket.fromWebSocket(Effect.acquireRelease(Effect.succeed(ws), () => Effect.sync(() => ws.terminate())))

/** Without compression, which this server does not offer, whatever `ws` has not sent waits in the stream below it. */
const flushed = (socket: Duplex): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (!socket.writableNeedDrain || socket.destroyed) return resume(Effect.void)
    const done = () => {
      stop()
      resume(Effect.void)
    }
    const stop = () => {
      socket.off("drain", done)
      socket.off("close", done)
    }
    socket.once("drain", done)
    socket.once("close", done)
    return Effect.sync(stop)
  })

const reject = (socket: Duplex, { body, headers, status }: HttpEndpoint.Answer): void => {
  const lines = Object.entries({ ...headers, connection: "close", "content-length": Buffer.byteLength(body) })
    .map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once("finish", () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${Http.STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`)
}

const ignore = () => {}
