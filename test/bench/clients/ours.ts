/** Ours, with its transports on Node. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import { effects } from "./effects.ts"
import * as load from "./load.ts"

const transport = load.transport === "http"
  ? NodeStreamableHttpClient.layer({ url: load.url })
  : NodeStdioClient.layer(load.server)
const layer = McpClient.layer({ info: load.info, revision: load.era }).pipe(Layer.provide(transport))
const client = await ManagedRuntime.make(layer).runPromise(McpClient.McpClient)
await Effect.runPromise(client.listTools())

load.serve(
  effects((a, b) =>
    Effect.map(
      client.callTool("add", { a, b }),
      ({ content: [block] }) => block?.type === "text" ? block.text : undefined
    )
  )
)
