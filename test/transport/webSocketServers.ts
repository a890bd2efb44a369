/** Servers at a WebSocket for the tests of a client, which do as the test says. */
import * as NodeWS from "@effect/platform-node/NodeWS"
import * as Effect from "effect/Effect"
import type { AddressInfo } from "node:net"

export const listen = (options: NodeWS.ServerOptions) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<NodeWS.WebSocketServer>((resume) => {
        const server = new NodeWS.WebSocketServer({ port: 0, host: "127.0.0.1", ...options })
        server.once("listening", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          for (const ws of server.clients) ws.terminate()
          server.close(() => resume(Effect.void))
        })
    ),
    (server) => ({ server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` })
  )
