/**
 * How a client reaches a server: the mirror of `Receiver`. A transport opens connections and knows no method; what it
 * reads goes to the client in plain synchronous calls, and so does the fate of a request that gets no answer. A client
 * may connect again after a connection has ended.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as TransportError from "./TransportError.ts"

/** What leaves the client. @category models @since 0.1.0 */
export interface Outgoing {
  /** The message as JSON text, without a newline. */
  readonly frame: string
  /** Of a request alone: whatever comes of it is told under this id. */
  readonly id?: JsonRpc.RequestId
  /** Of a request or notification. */
  readonly method?: string
  /** The revision the message is written in; undefined for `initialize`, which asks for one. */
  readonly version: string | undefined
  /** Headers that mirror the message, by name, where the connection has headers (2026-07-28). */
  readonly headers?: { readonly [name: string]: string }
}

/** @category models @since 0.1.0 */
export interface Connection {
  /** Sends without waiting, in the order of the calls. It never throws: what cannot be sent is told to the listener. */
  readonly send: (message: Outgoing) => void
  /**
   * Nobody waits for the answer of this request any more; neither that nor a failure of it is told afterwards. A
   * transport on which it has a stream of its own closes that.
   */
  readonly forget: (id: JsonRpc.RequestId) => void
  /** Whether each request has a stream of its own, whose end is how a stateless server learns that nobody waits. */
  readonly hasStreams: boolean
  /** Whether messages have headers, so that `Outgoing.headers` is wanted. */
  readonly hasHeaders: boolean
  /** Whether so much waits to be sent that no more should be. */
  readonly congested: () => boolean
  /** Waits until it has been sent, or the connection has ended. */
  readonly drained: Effect.Effect<void>
  /**
   * The server has answered `initialize` in this revision, and has been told so: a transport that needs a stream of its
   * own for what the server says unasked opens it now. Not called in the stateless era.
   */
  readonly established: (version: string) => void
}

/** Hears what comes of a connection. @category models @since 0.1.0 */
export interface Listener {
  /** `about` is the request on whose stream the message came, where requests have streams. */
  readonly receive: (
    message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch,
    about: JsonRpc.RequestId | undefined
  ) => void
  /** No answer will come to this request; the others are not affected. */
  readonly failed: (id: JsonRpc.RequestId, error: TransportError.TransportError) => void
  /** Nothing will come any more, whatever was sent. Called once at most, and not for the end of the scope. */
  readonly closed: (error: TransportError.TransportError) => void
}

/** @category services @since 0.1.0 */
export class ClientTransport extends Context.Service<ClientTransport, {
  readonly kind: "stdio" | "http" | "sse" | "websocket" | "memory"
  /** For people: the URL, or the command. */
  readonly address: string
  /** What is known of a server is remembered under it: its origin. Undefined where each connection is a new server. */
  readonly origin: string | undefined
  /** Whether a person may be asked just now before anything goes on: the time that takes is not the server's. */
  readonly isAskingUser?: () => boolean
  /** Opens a connection for as long as the scope. Nothing is told to the listener before it has succeeded. */
  readonly connect: (
    listener: Listener
  ) => Effect.Effect<Connection, TransportError.TransportError, Scope.Scope>
}>()("fastmcp-effect/transport/ClientTransport") {}
