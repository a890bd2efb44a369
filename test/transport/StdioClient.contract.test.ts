import * as Effect from "effect/Effect"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import { suite } from "./contract/ClientTransport.ts"
import * as stdioServers from "./stdioServers.ts"

suite(
  "stdio",
  Effect.gen(function*() {
    const token = crypto.randomUUID()
    const transport = yield* NodeStdioClient.make({
      command: process.execPath,
      args: [stdioServers.counterpart, token]
    })
    return { transport, open: () => stdioServers.running(token).length }
  })
)
