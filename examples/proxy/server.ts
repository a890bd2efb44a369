/** A gateway: the servers of a config file as one, each under its name. One of them cannot be started. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { McpServer } from "fastmcp-effect"
import * as ClientConfig from "fastmcp-effect/client/ClientConfig"
import * as NodeClientConfig from "fastmcp-effect/node/NodeClientConfig"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as Proxy from "fastmcp-effect/provider/Proxy"

const servers = Layer.unwrap(Effect.map(
  ClientConfig.load("examples/proxy/mcp.json"),
  (config) =>
    McpServer.register(Proxy.fromConfig(config, NodeClientConfig.transport, {
      patience: "3 seconds",
      client: { revision: "2025-11-25" }
    }))
))

servers.pipe(
  Layer.provideMerge(McpServer.layer({ name: "gateway", version: "1.0.0" })),
  Layer.provide(NodeClientConfig.layer),
  NodeStdio.run
)
