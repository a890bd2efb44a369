/**
 * Effect's own `effect/ai/McpServer` with a Toolkit, the schema compiler on. One protocol adapter at a time, its
 * cheapest setting; over HTTP through `NodeHttpServer` without the request log.
 * Usage: effect-ai stdio - ERA | effect-ai http PORT ERA
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as McpProtocol from "effect/ai/McpProtocol"
import * as McpServer from "effect/ai/McpServer"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"

const Add = Tool.make("add", {
  description: "Add two numbers",
  parameters: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
  success: Schema.Finite
})

const toolkit = Toolkit.make(Add)
const registrations = McpServer.toolkit(toolkit).pipe(
  Layer.provide(toolkit.toLayer({ add: ({ a, b }) => Effect.succeed(a + b) }))
)

const [, , mode, port, era] = process.argv
const options = {
  name: "bench",
  version: "1.0.0",
  protocols: [era === "2026-07-28" ? McpProtocol.v2026_07_28 : McpProtocol.v2025_11_25],
  registrations
} as const

const stdio = async () => {
  const NodeStdio = await import("@effect/platform-node/NodeStdio")
  return McpServer.layerStdio(options).pipe(Layer.provide(NodeStdio.layer))
}

const http = async () => {
  const { createServer } = await import("node:http")
  const HttpRouter = await import("effect/http/HttpRouter")
  const NodeHttpServer = await import("@effect/platform-node/NodeHttpServer")
  return HttpRouter.serve(McpServer.layerHttp({ ...options, path: "/mcp", allowSessionTermination: true }), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(Layer.provide(NodeHttpServer.layer(createServer, { port: Number(port), host: "127.0.0.1" })))
}

const server = mode === "http" ? await http() : await stdio()
NodeRuntime.runMain(Layer.launch(server).pipe(Effect.provideService(Logger.LogToStderr, true)))
