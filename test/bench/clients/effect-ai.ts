/** Effect's own `effect/ai/McpClient` with its transports, the schema compiler on. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import "effect/schema/SchemaJITCompiler/enable"
import * as McpClient from "effect/ai/McpClient"
import * as McpProtocol from "effect/ai/McpProtocol"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as ChildProcess from "effect/process/ChildProcess"
import { effects } from "./effects.ts"
import * as load from "./load.ts"

const options = {
  ...load.info,
  protocol: load.era === "2026-07-28" ? McpProtocol.v2026_07_28 : McpProtocol.v2025_11_25
}
const layer = load.transport === "http"
  ? McpClient.layerHttp({ ...options, url: load.url }).pipe(Layer.provide(NodeHttpClient.layerUndici))
  : McpClient.layerStdio({ ...options, command: ChildProcess.make(load.server.command, load.server.args) }).pipe(
    Layer.provide(NodeServices.layer)
  )
const client = await ManagedRuntime.make(layer).runPromise(McpClient.McpClient)
const [tool] = await Effect.runPromise(client.listTools())

load.serve(
  effects((a, b) =>
    Effect.map(
      client.callTool({ tool: tool!, arguments: { a, b } }),
      ({ content: [block] }) => block?.type === "text" ? block.text : undefined
    )
  )
)
