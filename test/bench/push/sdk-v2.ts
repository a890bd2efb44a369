/**
 * `@modelcontextprotocol/server` 2.x with event streams. 2025-11-25 is served by `NodeStreamableHTTPServerTransport` with
 * sessions, which has no subscriptions of its own; 2026-07-28 by `createMcpHandler`, which has.
 * Usage: sdk-v2 progress PORT ERA | sdk-v2 changes PORT ERA
 */
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node"
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server"
import { randomUUID } from "node:crypto"
import { createServer, type RequestListener } from "node:http"
import { z } from "zod"
import { uris } from "./data.ts"

interface Session {
  readonly server: McpServer
  readonly transport: NodeStreamableHTTPServerTransport
  readonly subscribed: Set<string>
}

const sessions = new Map<string, Session>()

const textResult = (text: string) => ({ content: [{ type: "text" as const, text }] })

const parameters = z.object({ a: z.number(), b: z.number() })

const nothing = z.object({})

const progress = (server: McpServer) => {
  server.registerTool("add", {
    description: "Add two numbers, and say how far it is",
    inputSchema: parameters
  }, async ({ a, b }, { mcpReq }) => {
    await mcpReq.notify({
      method: "notifications/progress",
      params: { progressToken: mcpReq._meta!.progressToken!, progress: 1, total: 2 }
    })
    return textResult(String(a + b))
  })
}

const changes = (server: McpServer, publish: () => Promise<void>) => {
  server.server.registerCapabilities({ resources: { subscribe: true } })
  for (const uri of uris) {
    server.registerResource(uri, uri, {}, () => ({ contents: [{ uri, text: "A text that changes" }] }))
  }
  server.registerTool("publish", { description: "Change every resource", inputSchema: nothing }, async () => {
    await publish()
    return textResult("published")
  })
}

const publishInSessions = async () => {
  await Promise.all(
    uris.flatMap((uri) =>
      [...sessions.values()].flatMap(({ server, subscribed }) =>
        subscribed.has(uri) ? [server.server.sendResourceUpdated({ uri })] : []
      )
    )
  )
}

const [, , what, port, era] = process.argv

const make = () => new McpServer({ name: "bench", version: "1.0.0" })

const modern = (): RequestListener => {
  const handler = createMcpHandler(() => {
    const server = make()
    if (what === "progress") progress(server)
    else changes(server, async () => uris.forEach((uri) => handler.notify.resourceUpdated(uri)))
    return server
  }, { legacy: "reject" })
  return toNodeHandler(handler) as RequestListener
}

const open = async () => {
  const server = make()
  const subscribed = new Set<string>()
  if (what === "progress") progress(server)
  else {
    changes(server, publishInSessions)
    server.server.setRequestHandler("resources/subscribe", ({ params }) => {
      subscribed.add(params.uri)
      return {}
    })
  }
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, { server, transport, subscribed }),
    onsessionclosed: (id) => void sessions.delete(id)
  })
  await server.connect(transport as Parameters<McpServer["connect"]>[0])
  return transport
}

const legacy: RequestListener = async (request, response) => {
  const id = request.headers["mcp-session-id"]
  const transport = typeof id === "string" ? sessions.get(id)?.transport : await open()
  if (transport === undefined) response.writeHead(404).end()
  else await transport.handleRequest(request, response)
}

createServer(era === "2026-07-28" ? modern() : legacy).listen(Number(port), "127.0.0.1")
