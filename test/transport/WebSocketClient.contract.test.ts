import * as Effect from "effect/Effect"
import * as NodeWebSocketClient from "fastmcp-effect/node/NodeWebSocketClient"
import { suite } from "./contract/ClientTransport.ts"
import { converse } from "./contract/counterpart.ts"
import * as webSocketServers from "./webSocketServers.ts"

suite(
  "WebSocket",
  Effect.gen(function*() {
    const { server, url } = yield* webSocketServers.listen({})
    server.on("connection", (ws) => {
      const receive = converse({ send: (frame) => ws.send(frame), end: () => ws.close(1000) })
      ws.on("message", (data) => receive(String(data)))
    })
    const transport = yield* NodeWebSocketClient.make({ url })
    return { transport, open: () => server.clients.size }
  })
)
