/** A client's end of a WebSocket in memory: what `effect/socket/Socket` and a host's controls do, and no network. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Socket from "effect/socket/Socket"
import type * as WebSocketConnection from "fastmcp-effect/transport/WebSocketConnection"

export interface Options {
  /** Makes each write wait, as a network that takes nothing does. */
  readonly gate?: Effect.Effect<void> | undefined
  /** Whether pings are answered; they are unless this says otherwise. */
  readonly isAlive?: () => boolean
  /** Whether the client answers a close. */
  readonly answersClose?: boolean
  readonly onFrame?: (frame: string) => void
}

export interface WebSocket {
  readonly socket: Socket.Socket
  readonly controls: WebSocketConnection.Controls
  readonly send: (...frames: ReadonlyArray<string | Uint8Array>) => void
  /** The client closes with a code of its own; without one it is gone and said nothing. */
  readonly close: (code?: number) => void
  /** Text frames from the server so far. */
  readonly frames: ReadonlyArray<string>
  /** What was written after the end, or is no text. */
  readonly misplaced: ReadonlyArray<string | Uint8Array>
  /** What the server ended with: the codes it sent, and `terminate`. */
  readonly ends: ReadonlyArray<number | "terminate">
  readonly pings: () => number
}

const closed = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })

export const make = (options: Options = {}): Effect.Effect<WebSocket> =>
  Effect.gen(function*() {
    const { answersClose = true, gate = Effect.void, isAlive = () => true, onFrame } = options
    const input = yield* Queue.unbounded<string | Uint8Array, Socket.SocketError>()
    const frames: Array<string> = []
    const ends: Array<number | "terminate"> = []
    const misplaced: Array<string | Uint8Array> = []
    const over = Deferred.makeUnsafe<void>()
    let pings = 0
    let isClosed = false

    const end = (code: number) => {
      isClosed = true
      Queue.failCauseUnsafe(input, Cause.fail(closed(code)))
      Deferred.doneUnsafe(over, Exit.void)
    }
    const write = (chunk: string | Uint8Array | Socket.CloseEvent): void => {
      if (Socket.isCloseEvent(chunk)) {
        if (ends.length === 0 && !isClosed) ends.push(chunk.code)
        if (answersClose) end(chunk.code)
        return
      }
      if (typeof chunk !== "string" || ends.length > 0 || isClosed) {
        misplaced.push(chunk)
        return
      }
      frames.push(chunk)
      onFrame?.(chunk)
    }
    return {
      socket: Socket.make({
        reader: Effect.as(
          Effect.addFinalizer(() => Effect.sync(() => end(1006))),
          { pull: Queue.takeAll(input), upgrade: Socket.SocketUpgradeError.unsupported }
        ),
        writer: Effect.succeed({
          write: (chunk) => Effect.sync(() => write(chunk)),
          writeAll: (chunks) => Effect.sync(() => chunks.forEach(write))
        })
      }),
      controls: {
        ping: Effect.suspend(() => {
          pings++
          return isAlive() ? Effect.void : Effect.never
        }),
        flushed: Effect.raceFirst(gate, Deferred.await(over)),
        terminate: Effect.sync(() => {
          if (isClosed) return
          ends.push("terminate")
          end(1006)
        })
      },
      send: (...chunks) => {
        Queue.offerAllUnsafe(input, chunks)
      },
      close: (code = 1006) => end(code),
      frames,
      misplaced,
      ends,
      pings: () => pings
    }
  })
