/**
 * A client's end of a connection to a server in the same process. Messages survive a trip through JSON text, so what
 * works here works on a wire, and each crosses in a turn of its own, so that the two sides never run on one stack.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as ClientTransport from "./ClientTransport.ts"
import * as Receiver from "./Receiver.ts"

/** @category models @since 0.1.0 */
export interface Memory {
  /** Sends one frame of text to the server. */
  readonly send: (frame: string) => void
  /** The next frame from the server; ends with `Cause.Done` when the connection has closed. */
  readonly frames: Queue.Dequeue<string>
}

/**
 * Connects to the server in scope; the connection closes with its scope, which cancels what is in flight as a client
 * that goes away would.
 *
 * @category constructors
 * @since 0.1.0
 */
export const connect: Effect.Effect<Memory, never, Receiver.Receiver | Scope.Scope> = Effect.gen(function*() {
  const receiver = yield* Receiver.Receiver
  const toClient = yield* Queue.unbounded<string>()
  const toServer = yield* Queue.unbounded<string>()
  const write = (frame: string) => {
    Queue.offerUnsafe(toClient, frame)
  }
  const peer = receiver.connect({ transport: "memory", sessionId: undefined, push: write, context: Context.empty() })
  const exchange: Receiver.Exchange = {
    reply: write,
    notify: write,
    drop: () => {},
    congested: () => false,
    drained: Effect.void,
    header: undefined
  }
  const reader = yield* Effect.forkScoped(Effect.forever(
    Effect.map(Queue.take(toServer), (frame) => peer.receive(JsonRpc.parse(frame), exchange))
  ))
  yield* Effect.addFinalizer(() =>
    Fiber.interrupt(reader).pipe(
      Effect.andThen(peer.close("User")),
      Effect.andThen(Queue.shutdown(toClient))
    )
  )
  return {
    send: (frame) => {
      Queue.offerUnsafe(toServer, frame)
    },
    frames: toClient
  }
})

/**
 * The same as a client's transport: each connection is one to the server in context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ClientTransport.ClientTransport, never, Receiver.Receiver> = Layer.effect(
  ClientTransport.ClientTransport,
  Effect.map(Receiver.Receiver, (receiver) => ({
    kind: "memory",
    address: "this process",
    origin: undefined,
    connect: (listener) =>
      Effect.gen(function*() {
        const { frames, send } = yield* Effect.provideService(connect, Receiver.Receiver, receiver)
        yield* Effect.forkScoped(
          Effect.forever(Effect.map(Queue.take(frames), (frame) => listener.receive(JsonRpc.parse(frame), undefined)))
        )
        return {
          send: ({ frame }) => send(frame),
          forget: () => {},
          hasStreams: false,
          hasHeaders: false,
          congested: () => false,
          drained: Effect.void,
          established: () => {}
        }
      })
  }))
)
