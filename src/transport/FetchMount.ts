/**
 * An HTTP endpoint as a function from `Request` to `Promise<Response>`, for hosts that speak the Fetch API: Bun, Deno,
 * Workers, Next, Hono.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import * as HttpEndpoint from "./HttpEndpoint.ts"
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
  Effect.map(StreamableHttpServer.make(options), fromEndpoint)

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
  const runtime = ManagedRuntime.make(Layer.provide(Layer.effect(Endpoint, StreamableHttpServer.make(options)), server))
  return {
    handler: (request) => runtime.runPromise(Endpoint).then((endpoint) => handle(endpoint, request)),
    dispose: () => runtime.dispose()
  }
}

/**
 * Builds the server anew for each request and ends it with the response, so that nothing runs between two requests: for
 * hosts that freeze or end the process then. What a session keeps would end with it, too: serve 2026-07-28, which has
 * none, or give the server a `SessionStore`, a `SessionMailbox` and an `EventStore` that live elsewhere.
 *
 * @category constructors
 * @since 0.1.0
 */
export const requestScoped = <E>(
  server: Layer.Layer<Receiver.Receiver, E>,
  options?: StreamableHttpServer.Options
): FetchHandler =>
async (request) => {
  const scope = await Effect.runPromise(Scope.make())
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  try {
    const context = await Effect.runPromise(
      Layer.buildWithScope(
        Layer.provide(Layer.effect(Endpoint, StreamableHttpServer.make(options)), Layer.fresh(server)),
        scope
      )
    )
    const { response, isStream } = await answer(Context.get(context, Endpoint), request, close)
    if (!isStream) await close()
    return response
  } catch (cause) {
    await close()
    throw cause
  }
}

/** @category constructors @since 0.1.0 */
export const fromEndpoint = (endpoint: HttpEndpoint.Endpoint): FetchHandler => (request) => handle(endpoint, request)

class Endpoint extends Context.Service<Endpoint, HttpEndpoint.Endpoint>()(
  "fastmcp-effect/transport/FetchMount/Endpoint"
) {}

const handle = (endpoint: HttpEndpoint.Endpoint, request: Request): Promise<Response> =>
  answer(endpoint, request, () => {}).then(({ response }) => response)

interface Answered {
  readonly response: Response
  /** More of it comes; `onEnd` is called when that has ended. */
  readonly isStream: boolean
}

const answer = async (endpoint: HttpEndpoint.Endpoint, request: Request, onEnd: () => void): Promise<Answered> => {
  const whole = (answer: HttpEndpoint.Answer): Answered => ({ response: toResponse(answer), isStream: false })
  const { headers } = request
  const url = new URL(request.url)
  const head: HttpEndpoint.Head = {
    method: request.method,
    url: url.pathname + url.search,
    // Some hosts leave the Host header to the URL.
    header: (name) => headers.get(name) ?? (name === "host" ? url.host : undefined)
  }
  const beside = endpoint.beside?.get(url.pathname)
  if (beside !== undefined) endpoint = beside
  const refused = endpoint.refuse(head)
  if (refused !== undefined) return whole(refused)
  const body = endpoint.readsBody(head) ? await Effect.runPromise(readBody(request, endpoint)) : ""
  if (typeof body !== "string") return whole(body)
  return new Promise((resolve) => {
    const { signal } = request
    let disconnect: () => void = () => {}
    // Nobody reads what a client that has gone is answered, but whoever called must not wait for it.
    let leave = () => {
      disconnect()
      resolve(whole(left))
    }
    const gone = () => leave()
    disconnect = endpoint.accept(head, body, {
      respond: (status, headers, body) => {
        signal.removeEventListener("abort", gone)
        resolve(whole({ status, headers, body }))
      },
      stream: (status, headers) => {
        const { body, fail, stream } = makeStream(() => disconnect(), () => {
          signal.removeEventListener("abort", gone)
          onEnd()
        })
        leave = () => fail(signal.reason)
        resolve({ response: new Response(body, { status, headers }), isStream: true })
        return stream
      }
    })
    if (signal.aborted) gone()
    else signal.addEventListener("abort", gone, { once: true })
  })
}

/** The text, or what is answered where it does not come whole and in time. */
const readBody = (
  request: Request,
  { bodyTimeout, maxBodyBytes }: HttpEndpoint.Endpoint
): Effect.Effect<string | HttpEndpoint.Answer> =>
  Effect.tryPromise((signal) => read(request, maxBodyBytes, signal)).pipe(
    Effect.map((text) => text ?? HttpEndpoint.tooLarge(maxBodyBytes)),
    Effect.timeoutOrElse({
      duration: bodyTimeout,
      orElse: () => Effect.succeed(HttpEndpoint.tooSlow(bodyTimeout))
    }),
    Effect.catch(() => Effect.succeed(HttpEndpoint.unreadable))
  )

const read = async (request: Request, limit: number, signal: AbortSignal): Promise<string | undefined> => {
  if (request.body === null) return ""
  const decoder = new TextDecoder()
  const reader = request.body.getReader()
  const stop = () => void reader.cancel().catch(() => {})
  signal.addEventListener("abort", stop, { once: true })
  let size = 0
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.length
    if (size > limit) {
      stop()
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

const left: HttpEndpoint.Answer = { status: 499, headers: {}, body: "" }

/** `onLost` is called when the client goes away early, `onEnd` when the stream is over, however. */
const makeStream = (onLost: () => void, onEnd: () => void) => {
  const encoder = new TextEncoder()
  const open = Latch.makeUnsafe(true)
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let isEnded = false
  const end = () => {
    isEnded = true
    open.openUnsafe()
    onEnd()
  }
  const congested = () => !isEnded && (controller.desiredSize ?? 0) <= 0
  const body = new ReadableStream<Uint8Array>({
    start: (started) => {
      controller = started
    },
    pull: () => {
      open.openUnsafe()
    },
    cancel: () => {
      if (isEnded) return
      onLost()
      end()
    }
  }, new ByteLengthQueuingStrategy({ highWaterMark: 1 << 16 }))
  const fail = (reason: unknown) => {
    if (isEnded) return
    controller.error(reason)
    onLost()
    end()
  }
  const stream: HttpEndpoint.ResponseStream = {
    write: (text) => {
      if (isEnded) return
      controller.enqueue(encoder.encode(text))
      if (congested()) open.closeUnsafe()
    },
    end: () => {
      if (isEnded) return
      controller.close()
      end()
    },
    congested,
    drained: open.await,
    abort: () => fail(new Error("The client has read nothing for too long."))
  }
  return { body, fail, stream }
}

const toResponse = ({ body, headers, status }: HttpEndpoint.Answer): Response =>
  new Response(body === "" ? null : body, { status, headers })
