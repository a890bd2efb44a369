/** A server on PORT with nothing of its own: a proxy of examples/everything, at a URL or over stdio, in a given revision. */
import * as Layer from "effect/Layer"
import { McpServer } from "fastmcp-effect"
import type * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as Proxy from "fastmcp-effect/provider/Proxy"

const [behind, revision] = process.argv.slice(2) as [string, NonNullable<McpClient.Options["revision"]>]

const transport = URL.canParse(behind)
  ? NodeStreamableHttpClient.layer({ url: behind })
  : NodeStdioClient.layer({
    command: process.execPath,
    args: ["--conditions=fastmcp-effect/source", behind]
  })

McpServer.register(Proxy.make({ name: "everything", transport, client: { revision } })).pipe(
  Layer.provideMerge(McpServer.layer({ name: "proxied", version: "1.0.0" })),
  NodeHttp.serve({ port: Number(process.env.PORT ?? 8000) })
)
