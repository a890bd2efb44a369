/**
 * MCP over WebSocket from the client's side: subprotocol `mcp`, one message a text frame, and a word for each code a
 * connection can end with. The WebSocket itself is whatever `WebSocketConstructor` makes; `node/NodeWebSocketClient`
 * brings one that stops reading where a message grows too large, and that can be cut off.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as ClientTransport from "./ClientTransport.ts"
import * as forgotten from "./internal/forgotten.ts"
import * as outbox from "./internal/outbox.ts"
import * as ownScope from "./internal/ownScope.ts"
import * as webSocketFrames from "./internal/webSocketFrames.ts"
import * as TransportError from "./TransportError.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Begins with `ws://` or `wss://`. */
  readonly url: string | URL
  /** For the request that opens the connection; a browser sends none of its pages' choice. */
  readonly headers?: { readonly [name: string]: string | Redacted.Redacted<string> }
  /** Largest message in bytes; a larger one ends the connection with 1009. 10 MiB. */
  readonly maxPayloadBytes?: number
  /** Unsent characters above which the connection is congested. 1 Mi. */
  readonly highWaterMark?: number
  /** How long the connection may take to open. 10 seconds. */
  readonly openTimeout?: Duration.Input
}

/** Unless `maxPayloadBytes` says otherwise. @category constants @since 0.1.0 */
export const defaultMaxPayloadBytes = 10 << 20

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<ClientTransport.ClientTransport, never, Socket.WebSocketConstructor> =>
  Layer.effect(ClientTransport.ClientTransport, make(options))

/** @category constructors @since 0.1.0 */
export const make = (
  options: Options
): Effect.Effect<ClientTransport.ClientTransport["Service"], never, Socket.WebSocketConstructor> =>
  Effect.map(Socket.WebSocketConstructor, (construct) => {
    const url = URL.parse(String(options.url))
    // What stands behind the path, or before the host, can be a secret.
    const address = url === null ? String(options.url) : `${url.protocol}//${url.host}${url.pathname}`
    return {
      kind: "websocket",
      address,
      origin: url === null ? undefined : `${url.protocol}//${url.host}`,
      connect: (listener) =>
        ownScope.open((clientScope, scope) => open(construct, address, options, listener, clientScope, scope))
    }
  })

/** What a WebSocket can do beyond what Effect asks of one. */
interface WebSocket extends Socket.WebSocketLike {
  readonly protocol?: string
  readonly bufferedAmount?: number
  readonly terminate?: () => void
}

const open = Effect.fnUntraced(function*(
  construct: Socket.WebSocketConstructor["Service"],
  address: string,
  options: Options,
  listener: ClientTransport.Listener,
  clientScope: Scope.Scope,
  scope: Scope.Closeable
) {
  const { maxPayloadBytes = defaultMaxPayloadBytes } = options
  const out = outbox.make({ highWaterMark: options.highWaterMark ?? 1 << 20 })
  const unwanted = forgotten.make()
  const ended = Deferred.makeUnsafe<Ending>()
  let farewell = left.close
  let hasLeft = false
  let isStuck = false
  const end = (ending: Ending) => {
    if (Deferred.isDoneUnsafe(ended)) return
    farewell = ending.close
    Deferred.doneUnsafe(ended, Exit.succeed(ending))
  }

  const ws = yield* Effect.acquireRelease(
    Effect.try({
      try: () => dial(construct, options),
      catch: (cause) => unreachable(address, textOf(cause) ?? "it is not the URL of a WebSocket", cause)
    }),
    (ws) => hangUp(ws, farewell, isStuck)
  )
  const socket = yield* Socket.fromWebSocket(Effect.succeed(ws), { openTimeout: options.openTimeout })
  const { pull } = yield* Effect.mapError(
    socket.reader,
    ({ reason }) => unreachable(address, refusal(reason), causeOf(reason))
  )
  if (ws.protocol !== undefined && ws.protocol !== webSocketFrames.subprotocol) {
    return yield* unreachable(address, `the server does not speak the subprotocol "${webSocketFrames.subprotocol}"`)
  }
  const writer = yield* socket.writer

  const receive = (frame: string | Uint8Array) => {
    if (Deferred.isDoneUnsafe(ended)) return
    if (typeof frame !== "string") return end(notText)
    if (webSocketFrames.isLongerThan(frame, maxPayloadBytes)) return end(tooLarge(maxPayloadBytes))
    const wanted = unwanted.sift(JsonRpc.parse(frame))
    if (wanted !== undefined) listener.receive(wanted, undefined)
  }
  const read = Effect.gen(function*() {
    // Who connects has the connection before anything is told.
    yield* Effect.yieldNow
    for (;;) {
      const frames = yield* pull
      out.cork()
      try {
        for (const frame of frames) receive(frame)
      } finally {
        out.uncork()
      }
    }
  })
  const write = Effect.gen(function*() {
    for (let batch = yield* out.take; batch !== undefined; batch = yield* out.take) {
      for (const frames of webSocketFrames.slices(batch)) {
        yield* writer.writeAll(frames)
        yield* caughtUp(ws)
      }
    }
  })
  const run = (effect: Effect.Effect<void, Socket.SocketError>) =>
    effect.pipe(
      Effect.catch((error) => Effect.sync(() => end(endingOf(error, maxPayloadBytes)))),
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.logError("A connection to a server hit a defect", defect),
          Effect.sync(() => end(broken))
        )
      ),
      Effect.forkIn(scope)
    )
  yield* run(read)
  const writing = yield* run(write)
  yield* Effect.addFinalizer(() => {
    out.end()
    return Effect.map(Effect.timeoutOption(Fiber.await(writing), closeTimeout), (flushed) => {
      isStuck = flushed._tag === "None"
    })
  })

  const watch = Effect.map(Deferred.await(ended), ({ reason }) => {
    if (reason !== undefined && !hasLeft) listener.closed(TransportError.make(reason))
  })
  yield* Effect.forkIn(Effect.ensuring(watch, Scope.close(scope, Exit.void)), clientScope)
  yield* Scope.addFinalizer(
    clientScope,
    Effect.sync(() => {
      hasLeft = true
      end(left)
    })
  )

  return {
    send: ({ frame }) => {
      if (!Deferred.isDoneUnsafe(ended)) out.write(frame)
    },
    forget: unwanted.add,
    hasStreams: false,
    hasHeaders: false,
    congested: () => !Deferred.isDoneUnsafe(ended) && out.congested(),
    drained: Effect.raceFirst(out.drained, Deferred.await(ended)),
    established: () => {}
  } satisfies ClientTransport.Connection
})

const dial = (construct: Socket.WebSocketConstructor["Service"], { headers, url }: Options): WebSocket => {
  const { subprotocol } = webSocketFrames
  const ws = construct(
    String(url),
    headers === undefined ? subprotocol : {
      protocols: subprotocol,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) =>
          [name, Redacted.isRedacted(value) ? Redacted.value(value) : value] as const
        )
      )
    }
  )
  // One that is given up while it opens says so when nobody listens any more.
  ws.addEventListener("error", () => {})
  return ws
}

/** How long what is still to be sent may take, and after it the server's answer to the close. */
const closeTimeout = "2 seconds"

/** Where the server has stopped reading there is no use in a close. */
const hangUp = (ws: WebSocket, { code, reason }: Socket.CloseEvent, isStuck: boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = () => resume(Effect.void)
    if (ws.readyState === closed) return done()
    ws.addEventListener("close", done, { once: true })
    try {
      ws.close(code, reason)
    } catch {
      // A browser leaves most codes to servers.
      ws.close()
    }
    return Effect.sync(() => ws.removeEventListener("close", done))
  }).pipe(
    Effect.timeoutOption(isStuck ? 0 : closeTimeout),
    Effect.andThen(Effect.sync(() => ws.terminate?.()))
  )

/** The states of a WebSocket. */
const opened = 1
const closed = 3

/** A WebSocket takes all it is given; what is too much for the network waits in it, and it does not say until when. */
const caughtUp = (ws: WebSocket): Effect.Effect<void> =>
  Effect.suspend(() =>
    ws.readyState === opened && (ws.bufferedAmount ?? 0) > webSocketFrames.sliceSize
      ? Effect.andThen(Effect.sleep("5 millis"), caughtUp(ws))
      : Effect.void
  )

/** Why the connection is over, unless its client has left, and what the server is told. */
interface Ending {
  readonly reason: TransportError.Reason | undefined
  readonly close: Socket.CloseEvent
}

const left: Ending = { reason: undefined, close: new Socket.CloseEvent(1000) }

const notText: Ending = {
  reason: new TransportError.Malformed({ message: "it sent a binary frame, and a message is a text frame" }),
  close: new Socket.CloseEvent(1003, "A message is a text frame.")
}

const tooLarge = (limit: number): Ending => ({
  reason: new TransportError.TooLarge({ limit }),
  close: new Socket.CloseEvent(1009, "The message is too large.")
})

const broken: Ending = {
  reason: new TransportError.Closed({ message: "the client has hit a defect, which it has logged" }),
  close: new Socket.CloseEvent(1011, "Internal error.")
}

const endingOf = ({ reason }: Socket.SocketError, limit: number): Ending => {
  if (reason._tag === "SocketCloseError") {
    return { ...left, reason: new TransportError.Closed({ message: meaningOf(reason.code, reason.closeReason) }) }
  }
  const cause = causeOf(reason)
  const code = codeOf(cause)
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return tooLarge(limit)
  const message = textOf(cause) ?? meaningOf(1006)
  return {
    ...left,
    reason: code?.startsWith("WS_ERR_") === true
      ? new TransportError.Malformed({ message })
      : new TransportError.Closed({ message, ...(cause === undefined ? undefined : { cause }) })
  }
}

const meanings: { readonly [code: number]: string } = {
  1000: "the server has closed it",
  1001: "the server is shutting down",
  1002: "the server found a frame that is not WebSocket",
  1003: "the server was sent a kind of frame it does not take",
  1005: "the server has closed it, and does not say why",
  1006: "it was cut off, without a word from the server",
  1007: "the server found text that is not UTF-8",
  1008: "the server has a rule against what this client does",
  1009: "a message was larger than the server takes",
  1011: "the server has failed",
  1012: "the server is restarting",
  1013: "the server has too much to do; try again later",
  1014: "a gateway did not reach the server"
}

const meaningOf = (code: number, reason?: string): string =>
  `${meanings[code] ?? "the server has closed it"} (${code}${
    reason === undefined || reason === "" ? "" : `, ${JSON.stringify(reason)}`
  })`

const refusal = (reason: Socket.SocketErrorReason): string => {
  switch (reason._tag) {
    case "SocketCloseError":
      return meaningOf(reason.code, reason.closeReason)
    case "SocketOpenError":
      return reason.kind === "Timeout" ? "it did not open in time" : textOf(causeOf(reason)) ?? "it did not open"
    default:
      return reason.message
  }
}

const unreachable = (address: string, message: string, cause?: unknown): TransportError.TransportError =>
  TransportError.make(
    new TransportError.Unreachable({ address, message, ...(cause === undefined ? undefined : { cause }) })
  )

/**
 * What a WebSocket fires when it fails is an event. That of a browser says nothing, others hold an error; the event
 * itself leads to all that was sent, secrets too.
 */
const causeOf = (reason: Socket.SocketErrorReason): unknown => {
  const cause = "cause" in reason ? reason.cause : undefined
  return cause instanceof Error ? cause : (cause as { readonly error?: unknown } | null | undefined)?.error
}

const codeOf = (cause: unknown): string | undefined => {
  const code = (cause as { readonly code?: unknown } | null | undefined)?.code
  return typeof code === "string" ? code : undefined
}

const textOf = (cause: unknown): string | undefined =>
  cause instanceof Error && cause.message !== "" ? cause.message : codeOf(cause)
