/** Servers behind proxies, in one process: each hop is a server of its own over a memory transport. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import type * as ProxyError from "fastmcp-effect/provider/ProxyError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

export const eras: ReadonlyArray<Revisions.Version> = ["2025-11-25", "2026-07-28"]

/** Each era in front with each behind. */
export const pairs = eras.flatMap((front) => eras.map((behind) => ({ front, behind })))

export type Server = Layer.Layer<McpServer.McpServer | Receiver.Receiver, any>

/** A server with nothing but what is behind it. */
export const proxied = (
  transport: Layer.Layer<ClientTransport.ClientTransport, any>,
  behind: Revisions.Version,
  settings: Proxy.Settings = {},
  server: Partial<McpServer.Options<[], [], [], [], []>> = {}
): Layer.Layer<McpServer.McpServer | Receiver.Receiver, any> =>
  McpServer.register(
    Proxy.make({ name: "behind", transport, ...settings, client: { revision: behind, ...settings.client } })
  ).pipe(
    Layer.provideMerge(McpServer.layer({ name: "acme", version: "1.0.0", ...server }))
  )

/** The way to a server in this process. */
export const to = (server: Layer.Layer<Receiver.Receiver, any>): Layer.Layer<ClientTransport.ClientTransport> =>
  Layer.orDie(Layer.provide(Memory.layer, server))

/** A client of a proxy in front of the server. */
export const client = (
  server: Server,
  { behind, front }: { readonly front: Revisions.Version; readonly behind: Revisions.Version },
  options: Omit<McpTest.Options, "revision"> = {},
  settings?: Proxy.Settings
): Effect.Effect<McpTest.Client, ProxyError.ProxyError | McpError.McpError, Scope.Scope> =>
  McpTest.client(proxied(to(server), behind, settings), { ...options, revision: front }) as Effect.Effect<
    McpTest.Client,
    any,
    Scope.Scope
  >

/** The same way, and every frame that goes to the server on it. */
export const tapped = (
  transport: Layer.Layer<ClientTransport.ClientTransport>,
  frames: Array<string>
): Layer.Layer<ClientTransport.ClientTransport> =>
  Layer.provide(
    Layer.effect(
      ClientTransport.ClientTransport,
      Effect.map(ClientTransport.ClientTransport, (inner) => ({
        ...inner,
        connect: (listener) =>
          Effect.map(inner.connect(listener), (connection) => ({
            ...connection,
            send: (message: ClientTransport.Outgoing) => {
              frames.push(message.frame)
              connection.send(message)
            }
          }))
      }))
    ),
    transport
  )

/** Proxies one behind the other, and what is sent on each hop, the first of which is the outermost. */
export const chain = (server: Server, revision: Revisions.Version, count: number) => {
  const wires: Array<Array<string>> = []
  let last: Server = server
  for (let hop = 0; hop < count; hop++) {
    const frames: Array<string> = []
    wires.unshift(frames)
    last = proxied(tapped(to(last), frames), revision)
  }
  return { server: last, wires }
}

/** Runs it to its end: what asks in the middle of a call waits a moment for more, and what seals state takes time of its own. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const running = yield* Effect.forkChild(effect, { startImmediately: true })
    while (running.pollUnsafe() === undefined) {
      yield* McpTest.settle
      yield* TestClock.withLive(Effect.sleep("1 millis"))
      yield* TestClock.adjust("10 millis")
    }
    return yield* Fiber.join(running)
  })
