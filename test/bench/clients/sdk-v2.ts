/** `@modelcontextprotocol/client` 2.x: `Client` with its transports, told which era to speak. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import * as load from "./load.ts"

const client = new Client(load.info, {
  versionNegotiation: { mode: load.era === "2026-07-28" ? { pin: load.era } : "legacy" }
})
await client.connect(
  load.transport === "http"
    ? new StreamableHTTPClientTransport(new URL(load.url))
    : new StdioClientTransport(load.server)
)
await client.listTools()

load.serve(load.promises(async (a, b) => {
  const { content } = await client.callTool({ name: "add", arguments: { a, b } })
  const [block] = content
  return block?.type === "text" ? block.text : undefined
}))
