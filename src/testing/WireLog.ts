/**
 * What went over the wire in a test, as a text that is the same in each run: to be kept in a file and compared. Ids,
 * times and traces are numbered in the order in which they come, and what a tool's schemas call `Redacted` is not in it.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as PlatformError from "effect/PlatformError"
import type * as Tool from "../definition/Tool.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as ClientTransport from "../transport/ClientTransport.ts"
import * as Receiver from "../transport/Receiver.ts"
import * as WireLogError from "./WireLogError.ts"
import * as writing from "./writing.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Tools by whose contracts secrets are found: a `Schema.Redacted` in the parameters or the success of one. Its value is
   * then written nowhere, also where another message repeats it.
   */
  readonly tools?: ReadonlyArray<Tool.Any>
}

/** @category models @since 0.1.0 */
export interface WireLog {
  /** Listens to what a client sends and gets over this transport, whichever it is. */
  readonly client: <E, R>(
    transport: Layer.Layer<ClientTransport.ClientTransport, E, R>
  ) => Layer.Layer<ClientTransport.ClientTransport, E, R>
  /** Listens to what a server gets and sends, over all of its transports: for `McpTest`, say, or for a lab. */
  readonly server: <A, E, R>(
    server: Layer.Layer<A | Receiver.Receiver, E, R>
  ) => Layer.Layer<A | Receiver.Receiver, E, R>
  /** All that was heard so far. */
  readonly text: Effect.Effect<string>
}

/**
 * A log that has heard nothing yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({ tools = [] }: Options = {}): WireLog => {
  const heard: Array<writing.Heard> = []
  const hear = (from: writing.Side, message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch) =>
    heard.push({ from, message })
  return {
    client: (transport) =>
      Layer.effect(
        ClientTransport.ClientTransport,
        Effect.map(ClientTransport.ClientTransport, (inner) => ({
          ...inner,
          connect: (listener) =>
            Effect.map(
              inner.connect({
                receive: (message, about) => {
                  hear("server", message)
                  listener.receive(message, about)
                },
                failed: (id, error) => listener.failed(id, error),
                closed: (error) => listener.closed(error)
              }),
              (connection): ClientTransport.Connection => ({
                send: (message) => {
                  hear("client", JsonRpc.parse(message.frame))
                  connection.send(message)
                },
                forget: (id) => connection.forget(id),
                hasStreams: connection.hasStreams,
                hasHeaders: connection.hasHeaders,
                congested: () => connection.congested(),
                drained: connection.drained,
                established: (version) => connection.established(version)
              })
            )
        }))
      ).pipe(Layer.provide(transport)),
    server: <A, E, R>(server: Layer.Layer<A | Receiver.Receiver, E, R>) => {
      const listening = Layer.effect(
        Receiver.Receiver,
        Effect.map(Receiver.Receiver, (inner) => ({
          ...inner,
          connect: (connection: Receiver.Connection) => {
            const { push } = connection
            const says = (frame: string) => hear("server", JsonRpc.parse(frame))
            const peer = inner.connect({
              ...connection,
              push: push === undefined ? undefined : (frame) => {
                says(frame)
                push(frame)
              }
            })
            return {
              receive: (message, exchange) => {
                hear("client", message)
                return peer.receive(message, overheard(exchange, says))
              },
              isEstablished: () => peer.isEstablished(),
              caughtUp: () => peer.caughtUp(),
              inFlight: () => peer.inFlight(),
              idle: peer.idle,
              close: (reason) => peer.close(reason),
              closeUnsafe: (reason) => peer.closeUnsafe(reason)
            } satisfies Receiver.Peer
          }
        }))
      )
      return Layer.provideMerge(listening, server)
    },
    text: Effect.suspend(() => writing.write(heard, tools))
  }
}

/** The same way back, with somebody who listens. */
const overheard = (exchange: Receiver.Exchange, says: (frame: string) => void): Receiver.Exchange => {
  const { closeConnection, context, expiresAt, isGone } = exchange
  return {
    reply: (frame, ...rest) => {
      says(frame)
      exchange.reply(frame, ...rest)
    },
    notify: (frame) => {
      says(frame)
      exchange.notify(frame)
    },
    drop: () => exchange.drop(),
    congested: () => exchange.congested(),
    drained: exchange.drained,
    header: exchange.header,
    ...(isGone === undefined ? undefined : { isGone: () => exchange.isGone!() }),
    ...(expiresAt === undefined ? undefined : { expiresAt }),
    ...(context === undefined ? undefined : { context }),
    ...(closeConnection === undefined ? undefined : { closeConnection: () => exchange.closeConnection!() })
  }
}

/** @category models @since 0.1.0 */
export interface KeptOptions {
  /** Writes the file in the place of comparing with it. False. */
  readonly update?: boolean
}

/**
 * Fails where the log is not what the file has, with what is other; a file that is not there is a failure, too.
 *
 * @category comparisons
 * @since 0.1.0
 */
export const isKept = (
  log: WireLog,
  path: string,
  { update = false }: KeptOptions = {}
): Effect.Effect<void, WireLogError.WireLogError | PlatformError.PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const text = yield* log.text
    if (update) return yield* files.writeFileString(path, text)
    if (!(yield* files.exists(path))) return yield* WireLogError.make(new WireLogError.NoFile({ path }))
    const difference = diff(yield* files.readFileString(path), text)
    if (difference !== undefined) return yield* WireLogError.make(new WireLogError.Differs({ path, difference }))
  })

/**
 * What is in one text and not in the other, with what stands around it; undefined where they are the same.
 *
 * @category comparisons
 * @since 0.1.0
 */
export const diff = (before: string, after: string): string | undefined =>
  before.replaceAll("\r\n", "\n") === after ? undefined : writing.difference(before.replaceAll("\r\n", "\n"), after)
