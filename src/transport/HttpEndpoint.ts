/**
 * What HTTP serves at a path, as plain calls: a transport makes endpoints, and three thin mounts feed them
 * (`HttpRouterMount`, `FetchMount` for anything that speaks `Request` and `Response`, `node/NodeHttp` on a bare
 * `node:http` server).
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"

/** What a mount knows before it has read the body. @category models @since 0.1.0 */
export interface Head {
  readonly method: string
  /** The path and the query, as they were asked for. */
  readonly url: string
  /** The value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined
  /** Request-level services for the handlers behind this request. */
  readonly context?: Context.Context<never>
  /** Who calls, as text that no other caller has; sessions are bound to it. Nobody in particular, when left out. */
  readonly principal?: string | undefined
  /** When its credentials end, in Unix milliseconds: a stream it opens ends then. Never, when left out. */
  readonly expiresAt?: number
}

/** @category models @since 0.1.0 */
export type Headers = { readonly [name: string]: string }

/** A whole answer. @category models @since 0.1.0 */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** How a mount answers; exactly one of the two is called, once. @category models @since 0.1.0 */
export interface Responder {
  readonly respond: (status: number, headers: Headers, body: string) => void
  readonly stream: (status: number, headers: Headers) => ResponseStream
}

/** @category models @since 0.1.0 */
export interface ResponseStream {
  readonly write: (text: string) => void
  readonly end: () => void
  /** Whether the peer reads too slowly to be sent more. */
  readonly congested: () => boolean
  /** Waits until it has caught up, or is gone. */
  readonly drained: Effect.Effect<void>
  /** Cuts the connection: what has not been read is lost. */
  readonly abort: () => void
}

/** A mount shows the head of a request to `refuse` and hands the same one to `accept`. @category models @since 0.1.0 */
export interface Endpoint {
  /** Whether the body of this request is to be read; a request whose body is not has `""`. */
  readonly readsBody: (head: Head) => boolean
  readonly maxBodyBytes: number
  /** Milliseconds a body may take to come. */
  readonly bodyTimeout: number
  /** What is wrong with a request before its body is read, if anything; or a whole answer that needs none. */
  readonly refuse: (head: Head) => Answer | undefined
  /** Takes a request whose body has been read. The result is to be called when the peer goes away early. */
  readonly accept: (head: Head, body: string, responder: Responder) => () => void
  /** What has to be served on other paths for this one to be of use, by path. */
  readonly beside?: ReadonlyMap<string, Endpoint> | undefined
}

const json: Headers = { "content-type": "application/json" }

/** An error as a whole answer. @category answers @since 0.1.0 */
export const refusal = (
  status: number,
  error: McpError.McpError,
  headers: Headers = {},
  id: JsonRpc.RequestId | null = null
): Answer => ({
  status,
  headers: { ...json, ...headers },
  body: JsonRpc.encodeError(id, McpError.toObject(error, "Stateful"))
})

/** A document for everybody, pages of any origin included. @category endpoints @since 0.1.0 */
export const document = (value: JsonRpc.JsonObject): Endpoint => {
  const headers = { ...json, "access-control-allow-origin": "*", "cache-control": "max-age=3600" }
  const found: Answer = { status: 200, headers, body: JsonRpc.encode(value) }
  const preflight: Answer = {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD",
      "access-control-allow-headers": "mcp-protocol-version"
    },
    body: ""
  }
  const answer = ({ method }: Head) =>
    method === "GET" || method === "HEAD"
      ? found
      : method === "OPTIONS"
      ? preflight
      : refusal(405, McpError.invalidRequest("This is a document; read it with GET."), { allow: "GET, HEAD, OPTIONS" })
  return {
    readsBody: () => false,
    maxBodyBytes: 0,
    bodyTimeout: 0,
    refuse: answer,
    accept: (head, _body, responder) => {
      respond(responder, answer(head))
      return () => {}
    }
  }
}

/** Answers with a whole answer. @category answers @since 0.1.0 */
export const respond = (responder: Responder, { body, headers, status }: Answer): void =>
  responder.respond(status, headers, body)

/** A body larger than the limit, for a mount that counts while it reads. @category answers @since 0.1.0 */
export const tooLarge = (maxBodyBytes: number): Answer =>
  refusal(413, McpError.invalidRequest(`The body is larger than ${maxBodyBytes} bytes.`))

/** A body that did not come in time. @category answers @since 0.1.0 */
export const tooSlow = (bodyTimeout: number): Answer =>
  refusal(408, McpError.invalidRequest(`The body did not come within ${bodyTimeout} ms.`))

/** A body that ended before it was whole, or is not text. @category answers @since 0.1.0 */
export const unreadable: Answer = refusal(400, McpError.invalidRequest("The body could not be read."))

/** More at a time than the server takes on. @category answers @since 0.1.0 */
export const overloaded = (message: string, id: JsonRpc.RequestId | null = null): Answer =>
  refusal(503, McpError.make(new McpError.Overloaded({ message })), { "retry-after": "1" }, id)
