import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import { authorization } from "./authorization.ts"
const [url] = process.argv.slice(2)
const { MCP_CONFORMANCE_CONTEXT: context = "{}", MCP_CONFORMANCE_PROTOCOL_VERSION: version, MCP_CONFORMANCE_SCENARIO: scenario = "" } = process.env
const client = McpClient.layer({
  info: { name: "everything", version: "1.0.0" },
  ...(version === undefined ? undefined : { revision: version as any })
}).pipe(Layer.provide(NodeStreamableHttpClient.layer({ url: url! })), Layer.provide(authorization(scenario, context.replace(/^\{"name":"[^"]*",?/, "{"))))
Effect.gen(function*() {
  const client = yield* McpClient.McpClient
  const tools = yield* client.listTools()
  yield* client.callTool(tools[0]?.name ?? "test-tool", {})
  if (scenario === "auth/authorization-server-migration") yield* client.callTool("test-tool", {})
}).pipe(Effect.provide(client), NodeRuntime.runMain)
