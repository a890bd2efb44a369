/**
 * `@modelcontextprotocol/sdk` 1.x with sessions and event streams: its Streamable HTTP transport as it is by default, on
 * bare `node:http`. It has no subscriptions of its own, so each session keeps its set as the package's documentation
 * has it.
 * Usage: sdk-v1 progress PORT | sdk-v1 changes PORT
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import { SubscribeRequestSchema } from "@modelcontextprotocol/sdk/types.js"
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"
import { z } from "zod"
import { uris } from "./data.ts"

interface Session {
  readonly server: McpServer
  readonly transport: StreamableHTTPServerTransport
  readonly subscribed: Set<string>
}

const sessions = new Map<string, Session>()

const textResult = (text: string) => ({ content: [{ type: "text" as const, text }] })

const progress = (server: McpServer) => {
  server.registerTool("add", {
    description: "Add two numbers, and say how far it is",
    inputSchema: { a: z.number(), b: z.number() }
  }, async ({ a, b }, { _meta, sendNotification }) => {
    await sendNotification({
      method: "notifications/progress",
      params: { progressToken: _meta!.progressToken!, progress: 1, total: 2 }
    })
    return textResult(String(a + b))
  })
}

const changes = (server: McpServer, subscribed: Set<string>) => {
  server.server.registerCapabilities({ resources: { subscribe: true } })
  for (const uri of uris) {
    server.registerResource(uri, uri, {}, () => ({ contents: [{ uri, text: "A text that changes" }] }))
  }
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  server.registerTool("publish", { description: "Change every resource", inputSchema: {} }, async () => {
    await Promise.all(
      uris.flatMap((uri) =>
        [...sessions.values()].flatMap((session) =>
          session.subscribed.has(uri) ? [session.server.server.sendResourceUpdated({ uri })] : []
        )
      )
    )
    return textResult("published")
  })
}

const [, , what, port] = process.argv

const open = async () => {
  const server = new McpServer({ name: "bench", version: "1.0.0" })
  const subscribed = new Set<string>()
  if (what === "progress") progress(server)
  else changes(server, subscribed)
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, { server, transport, subscribed }),
    onsessionclosed: (id) => void sessions.delete(id)
  })
  await server.connect(transport as Parameters<McpServer["connect"]>[0])
  return transport
}

createServer(async (request, response) => {
  const id = request.headers["mcp-session-id"]
  const transport = typeof id === "string" ? sessions.get(id)?.transport : await open()
  if (transport === undefined) response.writeHead(404).end()
  else await transport.handleRequest(request, response)
}).listen(Number(port), "127.0.0.1")
