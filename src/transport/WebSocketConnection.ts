/**
 * One MCP conversation over one WebSocket: a message is a text frame, in both directions. What a WebSocket adds to a
 * pipe is an end with a code, and this module gives each end its own. `WebSocketServer` decides who gets a conversation;
 * here the socket is open.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Socket from "effect/socket/Socket"
import * as Deadlines from "../core/Deadlines.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as outbox from "./internal/outbox.ts"
import * as webSocketFrames from "./internal/webSocketFrames.ts"
import * as Receiver from "./Receiver.ts"

/** @category models @since 0.1.0 */
export interface Limits {
  /** Largest message in bytes; a larger one ends the connection with 1009. 4 MiB. */
  readonly maxPayloadBytes?: number
  /** Unsent characters above which handlers wait at their next notification, and no more is read. 1 Mi. */
  readonly highWaterMark?: number
  /** How long the client may take to read the next message, or 64 KiB of small ones; then 1008. 30 seconds. */
  readonly sendTimeout?: Duration.Input
  /** Between two pings, where the host can send one. 15 seconds. */
  readonly pingInterval?: Duration.Input
  /** How long the answer to a ping may take before the client counts as gone. 10 seconds. */
  readonly pongTimeout?: Duration.Input
  /** How long requests in flight may go on at a shutdown. 5 seconds. */
  readonly grace?: Duration.Input
}

/**
 * What a host can do with a WebSocket beyond Effect's `Socket`. Without it there are no pings, a client that does not
 * read is buffered for without limit where the host's `write` does not wait, and a close waits as long as the host's
 * own does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Controls {
  /** Sends a ping and waits for a sign of life. */
  readonly ping: Effect.Effect<void>
  /** Waits until the network has taken what was written, or the connection has ended. */
  readonly flushed: Effect.Effect<void>
  /** Ends the connection without a closing handshake. */
  readonly terminate: Effect.Effect<void>
}

/** @category models @since 0.1.0 */
export interface Options extends Limits {
  readonly controls?: Controls | undefined
  /** Request-level services for the handlers behind this connection. */
  readonly context?: Context.Context<never> | undefined
  /** When its caller's credentials end, in Unix milliseconds; then it is closed with 1008. Never, when left out. */
  readonly expiresAt?: number | undefined
}

/**
 * Largest message in bytes unless `maxPayloadBytes` says otherwise.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultMaxPayloadBytes = 4 << 20

/**
 * Serves until the connection ends. A client that goes away cancels what is in flight with `User`. An interruption is a
 * shutdown: requests in flight have `grace` to finish, new ones are refused, the rest is cancelled with `Shutdown` and
 * answered, and the connection closes with 1001.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (socket: Socket.Socket, options: Options = {}): Effect.Effect<void, never, Receiver.Receiver> =>
  Effect.scoped(Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const { controls, maxPayloadBytes = defaultMaxPayloadBytes } = options
      const grace = options.grace ?? "5 seconds"
      const sendTimeout = Duration.toMillis(options.sendTimeout ?? "30 seconds")
      const clock = yield* Clock.Clock
      const receiver = yield* Receiver.Receiver
      const { pull } = yield* restore(socket.reader)
      const writer = yield* socket.writer
      const deadlines = yield* Deadlines.make
      const out = outbox.make({ highWaterMark: options.highWaterMark ?? 1 << 20 })
      const ended = Deferred.makeUnsafe<void>()
      const closed = Deferred.makeUnsafe<void>()
      let ending: Ending | undefined
      let isStopping = false
      /** A frame is on its way, and what comes after it waits. */
      let isWriting = false
      /** How often nothing was read for a while, pongs neither. */
      let pauses = 0

      const end = (how: Ending) => {
        ending ??= how
        Deferred.doneUnsafe(ended, Exit.void)
      }

      const breakOff = (defect: unknown) => {
        end(broken)
        return Effect.logError("A WebSocket connection hit a defect", defect)
      }

      const exchange: Receiver.Exchange = {
        reply: out.write,
        notify: out.write,
        drop: () => {},
        isGone: () => ending !== undefined,
        congested: out.congested,
        drained: out.drained,
        header: undefined
      }
      const peer = receiver.connect({
        transport: "websocket",
        sessionId: undefined,
        push: out.write,
        congested: out.congested,
        drained: out.drained,
        context: options.context ?? Context.empty()
      })

      const write = Effect.gen(function*() {
        for (let batch = yield* out.take; batch !== undefined; batch = yield* out.take) {
          for (const frames of webSocketFrames.slices(batch)) {
            isWriting = true
            const limit = deadlines.add(clock.currentTimeMillisUnsafe() + sendTimeout, () => end(notReading))
            yield* writer.writeAll(frames)
            if (controls !== undefined) yield* controls.flushed
            deadlines.remove(limit)
            isWriting = false
          }
        }
      }).pipe(
        Effect.catch(() => Effect.sync(() => end(gone))),
        Effect.catchDefect(breakOff)
      )

      const receive = (frame: string | Uint8Array): void => {
        if (ending !== undefined) return
        if (typeof frame !== "string") return end(notText)
        if (webSocketFrames.isLongerThan(frame, maxPayloadBytes)) return end(tooLarge)
        const message = JsonRpc.parse(frame)
        if (isStopping && (message._tag === "Request" || message._tag === "Batch")) {
          return out.write(refusal(message._tag === "Request" ? message.id : null))
        }
        peer.receive(message, exchange)
      }

      const read = Effect.gen(function*() {
        for (;;) {
          const frames = yield* pull
          out.cork()
          try {
            for (const frame of frames) receive(frame)
          } finally {
            out.uncork()
          }
          if (out.congested()) {
            pauses++
            yield* out.drained
          }
        }
      }).pipe(
        // The client's close is still to come.
        Effect.catchDefect((defect) => Effect.andThen(breakOff(defect), Effect.forever(pull))),
        Effect.onExit(() =>
          Effect.sync(() => {
            Deferred.doneUnsafe(closed, Exit.void)
            end(gone)
          })
        )
      )

      const keepAlive = (ping: Effect.Effect<void>) =>
        Effect.gen(function*() {
          for (;;) {
            yield* Effect.sleep(options.pingInterval ?? "15 seconds")
            // Held back, it could not answer in time; `sendTimeout` has an eye on it.
            if (isWriting || out.congested()) continue
            const before = pauses
            const pong = yield* Effect.timeoutOption(ping, options.pongTimeout ?? "10 seconds")
            if (pong._tag === "None" && !isWriting && pauses === before) return end(gone)
          }
        })

      const farewell = Effect.gen(function*() {
        if (ending === undefined) {
          isStopping = true
          yield* Effect.raceFirst(Effect.timeoutOption(peer.idle, grace), Deferred.await(ended))
          if (ending === undefined) {
            yield* peer.close("Shutdown")
            end(goingAway)
          }
        }
        const { close, flush } = ending!
        out.end()
        peer.closeUnsafe("User")
        if (close !== undefined) {
          // Who has stopped reading must not keep us here.
          if (flush) yield* Effect.timeoutOption(Fiber.await(writing), grace)
          yield* say(writer, close)
        }
        yield* peer.close("User")
        yield* leave(close === undefined ? Effect.void : Deferred.await(closed), controls)
      })

      const writing = yield* Effect.forkScoped(write, { startImmediately: true })
      yield* Effect.forkScoped(Effect.ignore(read), { startImmediately: true })
      if (controls !== undefined) yield* Effect.forkScoped(keepAlive(controls.ping))
      const { expiresAt = Infinity } = options
      if (expiresAt !== Infinity) {
        const expiry = deadlines.add(expiresAt, () => end(expired))
        yield* Effect.addFinalizer(() => Effect.sync(() => deadlines.remove(expiry)))
      }
      yield* Effect.addFinalizer(() => farewell)
      yield* restore(Deferred.await(ended))
    })
  )).pipe(
    Effect.catch((error) => Effect.logDebug("A WebSocket did not open", error))
  )

/**
 * Opens the connection only to close it with this code.
 *
 * @category running
 * @since 0.1.0
 */
export const turnAway = (
  socket: Socket.Socket,
  close: Socket.CloseEvent,
  controls?: Controls
): Effect.Effect<void> =>
  Effect.scoped(Effect.gen(function*() {
    const { pull } = yield* socket.reader
    yield* say(yield* socket.writer, close)
    yield* leave(Effect.ignore(Effect.forever(pull)), controls)
  })).pipe(
    Effect.catch((error) => Effect.logDebug("A WebSocket did not open", error))
  )

/** How a connection ends: as its client chose, or with a code of ours, after what was said before has left. */
interface Ending {
  readonly close: Socket.CloseEvent | undefined
  readonly flush: boolean
}

const gone: Ending = { close: undefined, flush: false }

const closing = (code: number, reason: string, flush = true): Ending => ({
  close: new Socket.CloseEvent(code, reason),
  flush
})

const goingAway = closing(1001, "The server is shutting down.")

const notText = closing(1003, "A message is a text frame.")

const notReading = closing(1008, "The client does not read.", false)

const expired = closing(1008, "The credentials have expired; connect again.")

const tooLarge = closing(1009, "The message is too large.")

const broken = closing(1011, "Internal error.")

/** How long a close may take, from our frame to the client's. */
const closeTimeout = "2 seconds"

const say = (writer: Socket.Writer, close: Socket.CloseEvent): Effect.Effect<void> =>
  Effect.ignoreCause(Effect.timeoutOption(writer.write(close), closeTimeout))

const leave = (closed: Effect.Effect<void>, controls: Controls | undefined): Effect.Effect<void> =>
  Effect.andThen(Effect.timeoutOption(closed, closeTimeout), controls?.terminate ?? Effect.void)

const refusal = (id: JsonRpc.RequestId | null): string =>
  JsonRpc.encodeError(
    id,
    McpError.toObject(
      McpError.make(new McpError.Overloaded({ message: "The server is shutting down; send it again elsewhere." })),
      "Stateful"
    )
  )
