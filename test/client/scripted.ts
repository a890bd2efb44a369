/** A server of which a test says every word: what the client sends is read here, and what comes to it is written here. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as TransportError from "fastmcp-effect/transport/TransportError"

/** One connection, from the server's side. */
export interface Wire {
  readonly sent: ReadonlyArray<JsonRpc.Message>
  readonly outgoing: ReadonlyArray<ClientTransport.Outgoing>
  /** As text, or as a value to be written as JSON. */
  readonly say: (message: string | object, about?: JsonRpc.RequestId) => void
  readonly result: (id: JsonRpc.RequestId, result: object) => void
  readonly error: (id: JsonRpc.RequestId | null, code: number, message: string, data?: JsonRpc.Json) => void
  readonly fail: (id: JsonRpc.RequestId, reason: TransportError.Reason) => void
  readonly close: () => void
  readonly forgotten: ReadonlyArray<JsonRpc.RequestId>
  readonly isOpen: () => boolean
}

export interface Options {
  readonly kind?: ClientTransport.ClientTransport["Service"]["kind"]
  readonly origin?: string
  /** What the server does with each message. */
  readonly hears?: (message: JsonRpc.Message, wire: Wire) => void
  /** Runs before each connection; fails it. */
  readonly connecting?: (count: number) => Effect.Effect<void, TransportError.TransportError>
  /** Runs before a connection is closed. */
  readonly closing?: Effect.Effect<void>
  readonly congested?: () => boolean
  readonly drained?: Effect.Effect<void>
}

export interface Scripted {
  readonly layer: Layer.Layer<ClientTransport.ClientTransport>
  /** One for each connection so far. */
  readonly wires: ReadonlyArray<Wire>
  /** The newest. */
  readonly wire: () => Wire
}

export const make = (options: Options = {}): Scripted => {
  const wires: Array<Wire> = []
  const {
    closing = Effect.void,
    congested = () => false,
    connecting = () => Effect.void,
    drained = Effect.void,
    hears = () => {},
    kind = "memory"
  } = options

  // A transport may take the listener apart.
  const connect = (
    { closed, failed, receive }: ClientTransport.Listener
  ): Effect.Effect<ClientTransport.Connection, TransportError.TransportError, Scope> =>
    Effect.gen(function*() {
      yield* connecting(wires.length + 1)
      const sent: Array<JsonRpc.Message> = []
      const outgoing: Array<ClientTransport.Outgoing> = []
      const forgotten: Array<JsonRpc.RequestId> = []
      let isOpen = true
      const say: Wire["say"] = (message, about) => {
        const text = typeof message === "string" ? message : JSON.stringify(message)
        if (isOpen) receive(JsonRpc.parse(text), about)
      }
      const wire: Wire = {
        sent,
        outgoing,
        forgotten,
        say,
        isOpen: () => isOpen,
        result: (id, result) => say(JsonRpc.encodeResult(id, result)),
        error: (id, code, message, data) =>
          say(JsonRpc.encodeError(id, data === undefined ? { code, message } : { code, message, data })),
        fail: (id, reason) => failed(id, TransportError.make(reason)),
        close: () => {
          isOpen = false
          closed(TransportError.make(new TransportError.Closed({})))
        }
      }
      wires.push(wire)
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          closing,
          Effect.sync(() => {
            isOpen = false
          })
        )
      )
      return {
        send: (message) => {
          outgoing.push(message)
          const parsed = JsonRpc.parse(message.frame) as JsonRpc.Message
          sent.push(parsed)
          hears(parsed, wire)
        },
        forget: (id) => forgotten.push(id),
        hasStreams: kind === "http",
        hasHeaders: kind === "http",
        congested,
        drained,
        established: () => {}
      }
    })

  return {
    layer: Layer.succeed(ClientTransport.ClientTransport, {
      kind,
      address: "scripted",
      origin: options.origin,
      connect
    }),
    wires,
    wire: () => wires.at(-1)!
  }
}

type Answers = { readonly [method: string]: (message: JsonRpc.Request, wire: Wire) => void }

/** A server of 2025-11-25 that answers these methods, and no other. */
export const stateful = (answers: Answers = {}, capabilities: object = { tools: {} }): NonNullable<Options["hears"]> =>
  answering({
    initialize: (message, wire) =>
      wire.result(message.id, {
        protocolVersion: "2025-11-25",
        capabilities,
        serverInfo: { name: "scripted", version: "1.0.0" }
      }),
    ...answers
  })

/** The same of 2026-07-28. */
export const stateless = (answers: Answers = {}, capabilities: object = { tools: {} }): NonNullable<Options["hears"]> =>
  answering({
    "server/discover": (message, wire) =>
      wire.result(message.id, {
        resultType: "complete",
        supportedVersions: ["2026-07-28"],
        capabilities,
        ttlMs: 0,
        cacheScope: "private"
      }),
    ...answers
  })

const answering = (answers: Answers) => (message: JsonRpc.Message, wire: Wire) => {
  if (message._tag !== "Request") return
  const answer = answers[message.method]
  if (answer === undefined) wire.error(message.id, -32601, `Method not found: ${message.method}`)
  else answer(message, wire)
}

export const silent = () => {}

/** The methods of the requests and notifications that were sent. */
export const methods = ({ sent }: Wire): ReadonlyArray<string> =>
  sent.map((message) => message._tag === "Response" ? "response" : message.method)

/** The last request of a method. */
export const last = ({ sent }: Wire, method: string): JsonRpc.Request =>
  sent.findLast((message): message is JsonRpc.Request => message._tag === "Request" && message.method === method)!
