/**
 * Where a transport delivers what it reads. A server provides the service, a transport consumes it: so a server is
 * complete before its first message, and one server can answer on several transports at once. Everything on the way in
 * is a plain synchronous call; the request's own fiber starts behind it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Outcome from "../core/Outcome.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as Session from "../session/Session.ts"
import type * as Admission from "./Admission.ts"
import type * as HttpEndpoint from "./HttpEndpoint.ts"

/**
 * The way back for one message.
 *
 * @category models
 * @since 0.1.0
 */
export interface Exchange {
  /**
   * The final frame; `status` is what HTTP would say, and `refused` the error it is the frame of, with a `challenge` in
   * the place of the transport's own if there is one. After it nothing follows.
   */
  readonly reply: (
    frame: string,
    status: number,
    refused?: McpError.McpError,
    challenge?: HttpEndpoint.Headers
  ) => void
  /** A frame that belongs to this message, before its reply. */
  readonly notify: (frame: string) => void
  /** Ends the exchange without a reply. */
  readonly drop: () => void
  /** Whether nothing that is said here can reach the peer any more; never, when left out. */
  readonly isGone?: () => boolean
  /** Whether the peer reads too slowly to be sent more. */
  readonly congested: () => boolean
  /** Waits until it has caught up. */
  readonly drained: Effect.Effect<void>
  /** The value of a header, by its name in lower case, where the transport has headers. */
  readonly header: ((name: string) => string | undefined) | undefined
  /** When the credentials it came with end, in Unix milliseconds; what only its client would end, ends then. Never, when left out. */
  readonly expiresAt?: number
  /** Request-level services of this message alone; the connection's, when left out. */
  readonly context?: Context.Context<never>
  /**
   * Closes the connection the answer would come on, and the client comes back for it; nothing happens where it could
   * not. Never, when left out.
   */
  readonly closeConnection?: () => void
}

/**
 * One conversation as its transport sees it: a pipe, a socket, an HTTP session, or a single stateless POST.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  readonly transport: "stdio" | "http" | "sse" | "websocket" | "memory"
  readonly sessionId: string | undefined
  /** What the conversation has settled on; of this connection alone, when left out. */
  readonly session?: Session.Handle
  /** Tells this process apart where several serve one session; its questions carry it in their ids. */
  readonly node?: string | undefined
  /** Sends a frame that answers nothing, where the transport can. */
  readonly push: ((frame: string) => void) | undefined
  /** Whether the peer reads what is pushed too slowly, or not at all; never, when left out. */
  readonly congested?: () => boolean
  /** Waits until it has caught up. A transport that has none calls `Peer.caughtUp` instead. */
  readonly drained?: Effect.Effect<void>
  /** Request-level services the transport supplies to every handler. */
  readonly context: Context.Context<never>
  /** A server that is gone has answered on it before: what that one has said of its lists may be true no more. */
  readonly isResumed?: boolean
}

/** @category models @since 0.1.0 */
export interface Peer {
  /**
   * Takes a message in. False where it is a response nobody here waits for, or the cancel of a request that is not here:
   * where several processes serve the session, it may be meant for another.
   */
  readonly receive: (message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch, exchange: Exchange) => boolean
  /** Whether `initialize` has succeeded, so that this conversation is worth keeping. */
  readonly isEstablished: () => boolean
  /** The peer reads what is pushed again: it is sent what it has missed. */
  readonly caughtUp: () => void
  /** How many requests are in flight. */
  readonly inFlight: () => number
  /** Says goodbye to who only listens, and waits until no request is in flight. */
  readonly idle: Effect.Effect<void>
  /** Stops what is in flight for this reason and waits for its finalizers, within their bound. */
  readonly close: (reason: Outcome.CancelReason) => Effect.Effect<void>
  /** The same without waiting. */
  readonly closeUnsafe: (reason: Outcome.CancelReason) => void
}

/** @category services @since 0.1.0 */
export class Receiver extends Context.Service<Receiver, {
  readonly connect: (connection: Connection) => Peer
  /** Whom a transport lets in to this server; everybody when left out. */
  readonly admission?: Admission.Admission["Service"] | undefined
  /**
   * What the server has to say to what a transport has been told of a caller, whoever told it: the `Admission` in force,
   * or nobody.
   */
  readonly admitting?: (admission: Admission.Admission["Service"] | undefined) => Admission.Admission["Service"]
}>()("fastmcp-effect/transport/Receiver") {}
