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
import * as Admission from "./Admission.ts"
import * as ClientTransport from "./ClientTransport.ts"
import * as Receiver from "./Receiver.ts"
import * as TransportError from "./TransportError.ts"

/** @category models @since 0.1.0 */
export interface Memory {
  /** Sends one frame of text to the server. */
  readonly send: (frame: string) => void
  /** The next frame from the server; ends with `Cause.Done` when the connection has closed. */
  readonly frames: Queue.Dequeue<string>
}

/** Who connects. @category models @since 0.1.0 */
export interface Options {
  /** What the `Admission` of the server, if it has one, is shown; by names in lower case. */
  readonly headers?: { readonly [name: string]: string }
  /** Request-level services for the handlers. With them nobody is asked: it is the program itself that says who calls. */
  readonly context?: Context.Context<never>
}

/**
 * Connects to the server in context; the connection closes with its scope, which cancels what is in flight as a client
 * that goes away would.
 *
 * @category constructors
 * @since 0.1.0
 */
export const connectAs = (
  options: Options
): Effect.Effect<Memory, TransportError.TransportError, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const receiver = yield* Receiver.Receiver
    const context = options.context ?? (yield* letIn(receiver, options.headers ?? {}))
    const toClient = yield* Queue.unbounded<string>()
    const toServer = yield* Queue.unbounded<string>()
    const write = (frame: string) => {
      Queue.offerUnsafe(toClient, frame)
    }
    const peer = receiver.connect({ transport: "memory", sessionId: undefined, push: write, context })
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

/** As nobody in particular. @category constructors @since 0.1.0 */
export const connect: Effect.Effect<Memory, TransportError.TransportError, Receiver.Receiver | Scope.Scope> = connectAs(
  {}
)

const letIn = (
  receiver: Receiver.Receiver["Service"],
  headers: { readonly [name: string]: string }
): Effect.Effect<Context.Context<never>, TransportError.TransportError> =>
  Effect.flatMap(
    Admission.inForce(receiver),
    (admission) =>
      admission === undefined ? Effect.succeed(Context.empty()) : Effect.flatMap(
        admission.admit({ transport: "memory", header: (name) => headers[name] }),
        (verdict) =>
          verdict._tag === "Admitted"
            ? Effect.succeed(verdict.context)
            : Effect.fail(TransportError.make(new TransportError.NotAdmitted({ message: verdict.error.message })))
      )
  )

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
