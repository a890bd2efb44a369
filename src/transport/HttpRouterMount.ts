/**
 * `StreamableHttpServer` as a route of an `HttpRouter`, beside a program's other routes and behind its middleware.
 */
import * as ByteSize from "effect/ByteSize"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import type * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as Receiver from "./Receiver.ts"
import * as StreamableHttpServer from "./StreamableHttpServer.ts"

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
    const transport = yield* StreamableHttpServer.make(options)
    yield* router.add("*", options.path ?? "/mcp", (request) => handle(transport, request))
  }))

/**
 * Answers one request; the client going away interrupts it.
 *
 * @category handling
 * @since 0.1.0
 */
export const handle = (
  transport: StreamableHttpServer.StreamableHttpServer,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const head: StreamableHttpServer.Head = {
    method: request.method,
    header: (name) => request.headers[name] ?? (name === "host" ? hostOf(request.originalUrl) : undefined)
  }
  const refused = transport.refuse(head)
  if (refused !== undefined) return Effect.succeed(toResponse(refused))
  return request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(transport.maxBodyBytes)),
    Effect.matchEffect({
      onFailure: () => Effect.succeed(toResponse(StreamableHttpServer.tooLarge(transport.maxBodyBytes))),
      onSuccess: (body) => accept(transport, head, body)
    })
  )
}

const accept = (
  transport: StreamableHttpServer.StreamableHttpServer,
  head: StreamableHttpServer.Head,
  body: string
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.flatMap(Queue.unbounded<string, Cause.Done>(), (queue) =>
    Effect.callback((resume) => {
      let disconnect: () => void = () => {}
      disconnect = transport.accept(head, body, {
        respond: (status, headers, body) => resume(Effect.succeed(toResponse({ status, headers, body }))),
        stream: (status, headers) => {
          const { response, stream } = makeStream(queue, status, headers, () => disconnect())
          resume(Effect.succeed(response))
          return stream
        }
      })
      return Effect.sync(disconnect)
    }))

/** A request made from a Fetch API `Request` has its host in the URL alone. */
const hostOf = (url: string): string | undefined => URL.parse(url)?.host

/** Unsent events above which the server holds a handler back. */
const highWaterMark = 256

const makeStream = (
  queue: Queue.Queue<string, Cause.Done>,
  status: number,
  headers: StreamableHttpServer.Headers,
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
  const stream: StreamableHttpServer.ResponseStream = {
    write: (text) => {
      Queue.offerUnsafe(queue, text)
      if (congested()) open.closeUnsafe()
    },
    end: () => {
      Queue.endUnsafe(queue)
    },
    congested,
    drained: open.await
  }
  return {
    stream,
    response: HttpServerResponse.stream(events, { status, headers, contentType: headers["content-type"]! })
  }
}

const toResponse = ({ body, headers, status }: StreamableHttpServer.Refusal): HttpServerResponse.HttpServerResponse =>
  body === ""
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers, contentType: headers["content-type"] ?? "application/json" })
