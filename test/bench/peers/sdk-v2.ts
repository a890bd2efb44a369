/**
 * `@modelcontextprotocol/server` 2.x. Over stdio `serveStdio` takes both eras. Over HTTP the legacy era is served by
 * `NodeStreamableHTTPServerTransport` with sessions and JSON answers, 2026-07-28 by `createMcpHandler` behind
 * `toNodeHandler`; each era gets a process of its own, so that neither pays for telling them apart.
 * Usage: sdk-v2 stdio | sdk-v2 http PORT ERA
 */
import { McpServer } from "@modelcontextprotocol/server"
import type { RequestListener } from "node:http"
import { z } from "zod"

const inputSchema = z.object({ a: z.number(), b: z.number() })

const make = () => {
  const server = new McpServer({ name: "bench", version: "1.0.0" })
  server.registerTool("add", {
    description: "Add two numbers",
    inputSchema
  }, ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }))
  return server
}

const stdio = async () => {
  const { serveStdio } = await import("@modelcontextprotocol/server/stdio")
  serveStdio(make)
}

const httpModern = async (port: number) => {
  const { createServer } = await import("node:http")
  const { createMcpHandler } = await import("@modelcontextprotocol/server")
  const { toNodeHandler } = await import("@modelcontextprotocol/node")
  const handler = toNodeHandler(createMcpHandler(make, { legacy: "reject", responseMode: "json" })) as RequestListener
  createServer(handler).listen(port, "127.0.0.1")
}

const httpLegacy = async (port: number) => {
  const { createServer } = await import("node:http")
  const { randomUUID } = await import("node:crypto")
  const { NodeStreamableHTTPServerTransport } = await import("@modelcontextprotocol/node")
  type Session = InstanceType<typeof NodeStreamableHTTPServerTransport>
  const sessions = new Map<string, Session>()

  const open = async () => {
    const transport: Session = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      enableJsonResponse: true,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id)
    })
    await make().connect(transport as Parameters<McpServer["connect"]>[0])
    return transport
  }

  createServer(async (request, response) => {
    const id = request.headers["mcp-session-id"]
    const transport = typeof id === "string" ? sessions.get(id) : await open()
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response)
  }).listen(port, "127.0.0.1")
}

const [, , mode, port, era] = process.argv
if (mode !== "http") await stdio()
else if (era === "2026-07-28") await httpModern(Number(port))
else await httpLegacy(Number(port))
