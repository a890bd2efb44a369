/** A server without sockets that answers a client's HTTP requests as a test tells it, and what the client is told. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Scope from "effect/Scope"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import type * as TransportError from "fastmcp-effect/transport/TransportError"
import * as wires from "../server/wires.ts"

export type Headers = { readonly [name: string]: string }

/** One request of the client's. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly body: string
  /** Whether the client has given it up, or closed its stream. */
  readonly isAborted: () => boolean
  readonly respond: (status: number, headers?: Headers, body?: string) => void
  readonly json: (message: object, headers?: Headers, status?: number) => void
  /** Opens a stream, of events unless its headers say otherwise. */
  readonly stream: (headers?: Headers, status?: number) => Stream
  /** No answer comes: the connection is reset, or was never there. */
  readonly fail: (cause: unknown) => void
}

export interface Stream {
  readonly write: (text: string | Uint8Array) => void
  readonly message: (message: object, id?: string) => void
  readonly end: () => void
  readonly cut: () => void
}

export interface Server {
  readonly client: HttpClient.HttpClient
  readonly seen: ReadonlyArray<Exchange>
  /** The request of this number, once it has come. */
  readonly request: (index: number) => Effect.Effect<Exchange>
}

const json = { "content-type": "application/json" }

const eventStream = { "content-type": "text/event-stream" }

/** The end of a session is taken, unless it is to be left waiting as well. */
export const makeServer = (options: { readonly isDeaf?: boolean } = {}): Server => {
  const seen: Array<Exchange> = []
  const client = HttpClient.make((request, url, signal) =>
    Effect.callback((resume) => {
      let isAborted = false
      let cut = () => {}
      signal.addEventListener("abort", () => {
        isAborted = true
        cut()
      })
      const respond = (status: number, headers: Headers, body: ReadableStream<Uint8Array> | string | null) =>
        resume(Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body, { status, headers }))))
      const exchange: Exchange = {
        method: request.method,
        url: url.href,
        headers: { ...request.headers },
        body: request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "",
        isAborted: () => isAborted,
        respond: (status, headers = {}, body) => respond(status, headers, body ?? null),
        json: (message, headers, status = 200) => respond(status, { ...json, ...headers }, JSON.stringify(message)),
        stream: (headers, status = 200) => {
          let controller: ReadableStreamDefaultController<Uint8Array>
          const body = new ReadableStream<Uint8Array>({
            start: (started) => {
              controller = started
            },
            cancel: () => {
              isAborted = true
            }
          })
          cut = () => controller.error(new Error("broken off"))
          respond(status, { ...eventStream, ...headers }, body)
          const write = (text: string | Uint8Array) =>
            controller.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text)
          return {
            write,
            message: (message, id) =>
              write(`${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`),
            end: () => controller.close(),
            cut: () => cut()
          }
        },
        fail: (cause) =>
          resume(Effect.fail(
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
          ))
      }
      seen.push(exchange)
      if (exchange.method === "DELETE" && options.isDeaf !== true) exchange.respond(204)
    })
  )
  return {
    client,
    seen,
    request: (index) =>
      Effect.map(
        wires.until(() => seen.length > index, () => `request ${index} among ${seen.map(({ method }) => method)}`),
        () => seen[index]!
      )
  }
}

export interface Client {
  readonly connection: ClientTransport.Connection
  /** `2 = {"x":1}`, `2 error -32601`, `2 failed Lost`, `notifications/x about 2`, `roots/list 7`, `closed Lost`. */
  readonly told: ReadonlyArray<string>
  readonly errors: ReadonlyArray<TransportError.TransportError>
  /** Waits until so much has been told. */
  readonly heard: (count: number) => Effect.Effect<void>
  /** Sends a request in this revision. */
  readonly ask: (id: JsonRpc.RequestId, version?: string, more?: Partial<ClientTransport.Outgoing>) => void
  readonly initialize: (id: JsonRpc.RequestId) => void
  readonly notify: (method: string, version?: string) => void
  /** What the client is told is also told this. */
  onTold: (what: string) => void
}

export const stateful = "2025-11-25"

export const stateless = "2026-07-28"

const describe = (message: JsonRpc.Message | JsonRpc.Invalid): string => {
  switch (message._tag) {
    case "Request":
      return `${message.method} ${message.id}`
    case "Notification":
      return message.method
    case "Response":
      return message.error === undefined
        ? `${message.id} = ${JSON.stringify(message.result)}`
        : `${message.id} error ${message.error.code}`
    case "Invalid":
      return `invalid ${message.id}`
  }
}

/** Connects in scope, and writes down what is told. */
export const connect = (
  transport: ClientTransport.ClientTransport["Service"]
): Effect.Effect<Client, TransportError.TransportError, Scope.Scope> =>
  Effect.gen(function*() {
    const told: Array<string> = []
    const errors: Array<TransportError.TransportError> = []
    const tell = (what: string) => {
      told.push(what)
      client.onTold(what)
    }
    const connection = yield* transport.connect({
      receive: (received, about) => {
        const ofIt = about === undefined ? "" : ` about ${about}`
        if (received._tag === "Batch") return tell(`[${received.messages.map(describe).join(", ")}]${ofIt}`)
        tell(received._tag === "Response" ? describe(received) : `${describe(received)}${ofIt}`)
      },
      failed: (id, error) => {
        errors.push(error)
        tell(`${id} failed ${error.reason._tag}`)
      },
      closed: (error) => {
        errors.push(error)
        tell(`closed ${error.reason._tag}`)
      }
    })
    const client: Client = {
      connection,
      told,
      errors,
      heard: (count) =>
        wires.until(() => told.length >= count, () => `${count} messages among ${JSON.stringify(told)}`),
      ask: (id, version = stateful, more) =>
        connection.send({
          id,
          method: "tools/call",
          version,
          frame: JsonRpc.encodeRequest(id, "tools/call", { name: "x" }),
          ...more
        }),
      initialize: (id) =>
        connection.send({
          id,
          method: "initialize",
          version: undefined,
          frame: JsonRpc.encodeRequest(id, "initialize", { protocolVersion: stateful })
        }),
      notify: (method, version = stateful) =>
        connection.send({ method, version, frame: JsonRpc.encodeNotification(method) }),
      onTold: () => {}
    }
    return client
  })

export const result = (id: JsonRpc.RequestId, value: object = {}) => ({ jsonrpc: "2.0", id, result: value })

export const refusal = (id: JsonRpc.RequestId | null | undefined, code: number) => ({
  jsonrpc: "2.0",
  id,
  error: { code, message: "no" }
})

export const progress = { jsonrpc: "2.0", method: "notifications/progress", params: {} }

/** The reason of the last error. */
export const reasonOf = ({ errors }: Client): TransportError.Reason => {
  assert.isAbove(errors.length, 0)
  return errors.at(-1)!.reason
}
