/**
 * `StreamableHttpServer` as a function from `Request` to `Promise<Response>`, for hosts that speak the Fetch API: Bun,
 * Deno, Workers, Next, Hono.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type * as Scope from "effect/Scope"
import type * as Receiver from "./Receiver.ts"
import * as StreamableHttpServer from "./StreamableHttpServer.ts"

/** @category models @since 0.1.0 */
export type FetchHandler = (request: Request) => Promise<Response>

/**
 * Makes the handler for the server in context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: StreamableHttpServer.Options
): Effect.Effect<FetchHandler, never, Receiver.Receiver | Scope.Scope> =>
  Effect.map(StreamableHttpServer.make(options), (transport) => (request) => handle(transport, request))

/**
 * Builds the server on the first request and keeps it until `dispose`, for programs that do not run Effect themselves.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromLayer = <E>(
  server: Layer.Layer<Receiver.Receiver, E>,
  options?: StreamableHttpServer.Options
): { readonly handler: FetchHandler; readonly dispose: () => Promise<void> } => {
  const runtime = ManagedRuntime.make(
    Layer.effect(Transport, StreamableHttpServer.make(options)).pipe(
      Layer.provide(server)
    )
  )
  return {
    handler: (request) => runtime.runPromise(Transport).then((transport) => handle(transport, request)),
    dispose: () => runtime.dispose()
  }
}

class Transport extends Context.Service<Transport, StreamableHttpServer.StreamableHttpServer>()(
  "fastmcp-effect/transport/FetchMount/Transport"
) {}

const handle = async (
  transport: StreamableHttpServer.StreamableHttpServer,
  request: Request
): Promise<Response> => {
  const { headers } = request
  const host = new URL(request.url).host
  const head: StreamableHttpServer.Head = {
    method: request.method,
    // Some hosts leave the Host header to the URL.
    header: (name) => headers.get(name) ?? (name === "host" ? host : undefined)
  }
  const refused = transport.refuse(head)
  if (refused !== undefined) return toResponse(refused)
  const body = await readBody(request, transport.maxBodyBytes)
  if (body === undefined) return toResponse(StreamableHttpServer.tooLarge(transport.maxBodyBytes))
  return new Promise((resolve) => {
    let disconnect: () => void = () => {}
    const gone = () => disconnect()
    disconnect = transport.accept(head, body, {
      respond: (status, headers, body) => {
        request.signal.removeEventListener("abort", gone)
        resolve(toResponse({ status, headers, body }))
      },
      stream: (status, headers) => {
        const { body, stream } = makeStream(gone)
        resolve(new Response(body, { status, headers }))
        return stream
      }
    })
    if (request.signal.aborted) gone()
    else request.signal.addEventListener("abort", gone, { once: true })
  })
}

const readBody = async (request: Request, limit: number): Promise<string | undefined> => {
  if (request.body === null) return ""
  const decoder = new TextDecoder()
  let size = 0
  let text = ""
  for await (const chunk of request.body) {
    size += chunk.length
    if (size > limit) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

const makeStream = (onClose: () => void) => {
  const encoder = new TextEncoder()
  const open = Latch.makeUnsafe(true)
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let isEnded = false
  const congested = () => !isEnded && (controller.desiredSize ?? 0) <= 0
  const body = new ReadableStream<Uint8Array>({
    start: (started) => {
      controller = started
    },
    pull: () => {
      open.openUnsafe()
    },
    cancel: () => {
      isEnded = true
      open.openUnsafe()
      onClose()
    }
  }, new ByteLengthQueuingStrategy({ highWaterMark: 1 << 16 }))
  const stream: StreamableHttpServer.ResponseStream = {
    write: (text) => {
      if (isEnded) return
      controller.enqueue(encoder.encode(text))
      if (congested()) open.closeUnsafe()
    },
    end: () => {
      if (isEnded) return
      isEnded = true
      controller.close()
    },
    congested,
    drained: open.await
  }
  return { body, stream }
}

const toResponse = ({ body, headers, status }: StreamableHttpServer.Refusal): Response =>
  new Response(body === "" ? null : body, { status, headers })
