/**
 * MCP over HTTP on Node: a bare `node:http` server, because a small request would pay much of its time to a router. Mount `StreamableHttpServer` on an `HttpRouter` instead when it has to live beside other routes. Importing the
 * module turns on Effect's schema compiler for the process.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Banner from "../console/Banner.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as StreamableHttpServer from "../transport/StreamableHttpServer.ts"
import * as TransportError from "../transport/TransportError.ts"
import * as nodeProcess from "./internal/process.ts"

/** @category models @since 0.1.0 */
export interface Options extends StreamableHttpServer.Options {
  /** 8000; 0 picks a free one. */
  readonly port?: number
  /** The address to listen on; only this machine unless said otherwise: `127.0.0.1`. */
  readonly host?: string
  /** `/mcp`. */
  readonly path?: string
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

const listen = (
  options: Options
): Effect.Effect<
  Address["Service"],
  TransportError.TransportError,
  Receiver.Receiver | Scope.Scope
> =>
  Effect.gen(function*() {
    const { grace = "5 seconds", host = "127.0.0.1", path = "/mcp", port = 8000 } = options
    const server = Http.createServer()
    // Released last to first: nobody new comes in, requests in flight end and are answered, connections are closed.
    yield* Effect.addFinalizer(() => hangUp(server))
    const transport = yield* StreamableHttpServer.make({ ...options, grace })
    server.on("request", (request, response) => handle(transport, path, request, response))
    yield* Effect.acquireRelease(open(server, host, port), () => Effect.sync(() => server.close()))
    const address = server.address() as AddressInfo
    return { url: `http://${reachableAt(address, options)}:${address.port}${path}`, port: address.port }
  })

/** A name the guard lets in: a server on all addresses is reached by one of its own. */
const reachableAt = ({ address, family }: AddressInfo, { allowedHosts }: Options): string =>
  address !== "0.0.0.0" && address !== "::"
    ? family === "IPv6" ? `[${address}]` : address
    : Array.isArray(allowedHosts)
    ? allowedHosts[0] ?? "127.0.0.1"
    : "127.0.0.1"

const open = (server: Http.Server, host: string, port: number) =>
  Effect.callback<void, TransportError.TransportError>((resume) => {
    server.once("error", (cause) =>
      resume(Effect.fail(
        TransportError.make(new TransportError.Refused({ address: `${host}:${port}`, cause }))
      )))
    server.listen(port, host, () => resume(Effect.void))
  })

/** Closes connections as the last of their answers leaves, and soon all of them. */
const hangUp = (server: Http.Server) =>
  Effect.callback<number>((resume) => {
    server.closeIdleConnections()
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  }).pipe(
    Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("10 millis") }),
    Effect.timeoutOption("1 second"),
    Effect.andThen(Effect.sync(() => server.closeAllConnections()))
  )

const handle = (
  transport: StreamableHttpServer.StreamableHttpServer,
  path: string,
  request: Http.IncomingMessage,
  response: Http.ServerResponse
): void => {
  const url = request.url!
  if (url !== path && !url.startsWith(`${path}?`)) {
    response.writeHead(404).end()
    request.resume()
    return
  }
  const { headers } = request
  const head: StreamableHttpServer.Head = {
    method: request.method!,
    header: (name) => {
      const value = headers[name]
      return Array.isArray(value) ? value.join(", ") : value
    }
  }
  const refused = transport.refuse(head)
  if (refused !== undefined) return refuse(request, response, refused)
  readBody(request, transport.maxBodyBytes, (body) => {
    if (body === undefined) return refuse(request, response, StreamableHttpServer.tooLarge(transport.maxBodyBytes))
    const disconnect = transport.accept(head, body, responder(response))
    if (response.writableFinished) return
    response.once("close", () => {
      if (!response.writableFinished) disconnect()
    })
  })
}

const refuse = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  { body, headers, status }: StreamableHttpServer.Refusal
): void => {
  // The rest of a body nobody will read must not keep the connection.
  request.resume()
  response.writeHead(status, { ...headers, connection: "close" }).end(body)
}

const readBody = (
  request: Http.IncomingMessage,
  limit: number,
  done: (body: string | undefined) => void
): void => {
  let chunks: Array<Buffer> | undefined = []
  let size = 0
  request.on("data", (chunk: Buffer) => {
    if (chunks === undefined) return
    size += chunk.length
    if (size > limit) {
      chunks = undefined
      return done(undefined)
    }
    chunks.push(chunk)
  })
  request.on("end", () => {
    if (chunks === undefined) return
    done((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString("utf8"))
  })
}

const responder = (response: Http.ServerResponse): StreamableHttpServer.Responder => ({
  respond: (status, headers, body) => {
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body)
  },
  stream: (status, headers) => {
    response.writeHead(status, headers)
    response.flushHeaders()
    return {
      write: (text) => {
        response.write(text)
      },
      end: () => {
        response.end()
      },
      congested: () => response.writableNeedDrain,
      drained: Effect.callback<void>((resume) => {
        if (!response.writableNeedDrain || response.closed) return resume(Effect.void)
        const done = () => {
          response.off("drain", done)
          response.off("close", done)
          resume(Effect.void)
        }
        response.once("drain", done)
        response.once("close", done)
        return Effect.sync(() => {
          response.off("drain", done)
          response.off("close", done)
        })
      })
    }
  }
})
