/** Feeds the requests of a bare `node:http` server to an authorization server, without a router between. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Cookies from "effect/http/Cookies"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type * as Http from "node:http"
import * as RedactedUrls from "../../oauth/RedactedUrls.ts"
import * as AuthorizationServer from "../../oauth/server/AuthorizationServer.ts"
import { BufferedRequest } from "./bufferedRequest.ts"

/** Whether the path is one of its own; if not, nothing has been done. */
export type Listener = (request: Http.IncomingMessage, response: Http.ServerResponse) => boolean

/** As much as it reads of a body itself. */
const mostBody = 64 << 10

export const make: Effect.Effect<Listener, never, AuthorizationServer.AuthorizationServer | Scope.Scope> = Effect.gen(
  function*() {
    const { handle, paths } = yield* AuthorizationServer.AuthorizationServer
    const scope = yield* Effect.scope
    const context = yield* Effect.context<never>()
    const fork = Effect.runForkWith(context)
    const isTraced = Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer
    const own = new Set<string>(paths)

    const run = (request: BufferedRequest, response: Http.ServerResponse): void => {
      const answer = isTraced
        ? Effect.provideService(HttpMiddleware.tracer(handle(request)), HttpServerRequest.HttpServerRequest, request)
        : handle(request)
      const fiber = fork(Effect.flatMap(answer, (answer) => send(request, response, answer)))
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return ended(exit, response)
      Fiber.runIn(fiber, scope)
      fiber.addObserver((exit) => ended(exit, response))
      response.once("close", () => {
        if (!response.writableEnded) fiber.interruptUnsafe()
      })
    }

    const ended = (exit: Exit.Exit<unknown>, response: Http.ServerResponse): void => {
      if (Exit.isSuccess(exit)) return
      fork(ErrorReporter.report(exit.cause))
      if (response.headersSent) response.destroy()
      else if (!response.destroyed) response.writeHead(500).end()
    }

    const listener: Listener = (request, response) => {
      const url = request.url!
      const query = url.indexOf("?")
      const path = query === -1 ? url : url.slice(0, query)
      if (!own.has(path) && !own.has(path.replace(/\/[^/]*$/u, "/:id"))) return false
      if (request.method === "GET" || request.method === "HEAD") {
        request.resume()
        run(new BufferedRequest(request, empty), response)
      } else readBody(request, (body) => run(new BufferedRequest(request, body), response))
      return true
    }
    return listener
  }
).pipe(Effect.provide(RedactedUrls.layer))

const empty = Buffer.alloc(0)

/** Undefined for one that is too long, whose rest is let go. */
const readBody = (request: Http.IncomingMessage, done: (body: Buffer | undefined) => void): void => {
  const chunks: Array<Buffer> = []
  let size = 0
  request.on("data", (chunk: Buffer) => {
    if (size > mostBody) return
    size += chunk.length
    if (size > mostBody) done(undefined)
    else chunks.push(chunk)
  })
  request.on("end", () => {
    if (size <= mostBody) done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
  })
}

const send = (
  request: BufferedRequest,
  response: Http.ServerResponse,
  answer: HttpServerResponse.HttpServerResponse
): Effect.Effect<void> => {
  const { body, status } = answer
  if (body._tag === "Empty" || request.method === "HEAD") {
    response.writeHead(status, headersOf(request, answer)).end()
    return Effect.void
  }
  if (body._tag === "Uint8Array") {
    response.writeHead(status, headersOf(request, answer)).end(body.text ?? body.body)
    return Effect.void
  }
  return Effect.map(
    Effect.promise(() => HttpServerResponse.toWeb(answer).arrayBuffer()),
    (bytes) => void response.writeHead(status, headersOf(request, answer)).end(new Uint8Array(bytes))
  )
}

const headersOf = (
  { source }: BufferedRequest,
  { cookies, headers }: HttpServerResponse.HttpServerResponse
): Http.OutgoingHttpHeaders => {
  // The rest of a body nobody reads must not keep the connection.
  const isWhole = source.complete
  if (isWhole && Cookies.isEmpty(cookies)) return headers
  return {
    ...headers,
    ...(isWhole ? undefined : { connection: "close" }),
    ...(Cookies.isEmpty(cookies) ? undefined : { "set-cookie": Cookies.toSetCookieHeaders(cookies) })
  }
}
