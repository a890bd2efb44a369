/**
 * `fastmcp-effect` behind the mounts of other HTTP servers: as a route of an `HttpRouter` on `NodeHttpServer`, and as a
 * Fetch handler behind `@hono/node-server`.
 * Usage: ours router PORT | ours fetch PORT
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { getRequestListener } from "@hono/node-server"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import "effect/schema/SchemaJITCompiler/enable"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import { createServer } from "node:http"

const server = McpServer.layer({
  name: "bench",
  version: "1.0.0",
  tools: [
    Tool.make("add", {
      description: "Adds two numbers",
      parameters: { a: Schema.Finite, b: Schema.Finite },
      success: Schema.String,
      handler: ({ a, b }) => Effect.succeed(String(a + b))
    })
  ]
})

const [, , mount, port] = process.argv

const router = HttpRouter.serve(HttpRouterMount.layer(), { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(NodeHttpServer.layer(createServer, { port: Number(port), host: "127.0.0.1" }))
)

const fetch = Layer.effectDiscard(Effect.map(FetchMount.make(), (handler) => {
  createServer(getRequestListener(handler)).listen(Number(port), "127.0.0.1")
}))

NodeRuntime.runMain(
  Layer.launch(Layer.provide(mount === "router" ? router : fetch, server)).pipe(
    Effect.provideService(Logger.LogToStderr, true)
  )
)
