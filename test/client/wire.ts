/** A transport to a server in this process that tests can cut, hold back and count. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as TransportError from "fastmcp-effect/transport/TransportError"

export interface Wire {
  readonly layer: Layer.Layer<ClientTransport.ClientTransport>
  /** Whether it can be connected to. */
  isDown: boolean
  /** Ends all connections, as a process that dies would. */
  readonly cut: () => void
  /** Waits before each connection is there. */
  delay: Effect.Effect<void>
  /** How often it was tried. */
  attempts: number
  /** Connections that are open. */
  readonly open: () => number
  /** Transports that are built and not closed. */
  built: number
}

export const unreachable = TransportError.make(
  new TransportError.Unreachable({ address: "the wire", message: "it is down" })
)

export const make = (server: Layer.Layer<Receiver.Receiver>): Wire => {
  const listeners = new Set<ClientTransport.Listener>()
  const wire: Wire = {
    isDown: false,
    delay: Effect.void,
    attempts: 0,
    built: 0,
    open: () => listeners.size,
    cut: () => {
      for (const listener of [...listeners]) listener.closed(TransportError.make(new TransportError.Closed({})))
    },
    layer: Layer.effect(
      ClientTransport.ClientTransport,
      Effect.gen(function*() {
        const memory = yield* ClientTransport.ClientTransport
        yield* Effect.acquireRelease(Effect.sync(() => wire.built++), () => Effect.sync(() => wire.built--))
        return {
          ...memory,
          connect: (listener) =>
            Effect.gen(function*() {
              wire.attempts++
              yield* wire.delay
              if (wire.isDown) return yield* unreachable
              yield* Effect.acquireRelease(
                Effect.sync(() => listeners.add(listener)),
                () => Effect.sync(() => listeners.delete(listener))
              )
              return yield* memory.connect(listener)
            })
        }
      })
    ).pipe(Layer.provide(Memory.layer), Layer.provide(server))
  }
  return wire
}
