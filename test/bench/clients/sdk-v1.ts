/** `@modelcontextprotocol/sdk` 1.x: `Client` with its transports. It knows no 2026-07-28. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import * as load from "./load.ts"

const client = new Client(load.info)
const transport = load.transport === "http"
  ? new StreamableHTTPClientTransport(new URL(load.url))
  : new StdioClientTransport(load.server)
await client.connect(transport as Parameters<Client["connect"]>[0])
await client.listTools()

load.serve(load.promises(async (a, b) => {
  const { content } = await client.callTool({ name: "add", arguments: { a, b } })
  return (content as ReadonlyArray<{ readonly text: string }>)[0]?.text
}))
