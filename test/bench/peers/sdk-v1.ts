/**
 * `@modelcontextprotocol/sdk` 1.x: McpServer with its stdio transport, or its Streamable HTTP transport with sessions
 * and JSON answers, as `examples/server/jsonResponseStreamableHttp` of the package wires it, on bare node:http
 * (cheaper than the Express of the example).
 * Usage: sdk-v1 stdio | sdk-v1 http PORT
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { z } from "zod"

const inputSchema = { a: z.number(), b: z.number() }

const make = () => {
  const server = new McpServer({ name: "bench", version: "1.0.0" })
  server.registerTool("add", {
    description: "Add two numbers",
    inputSchema
  }, ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }))
  return server
}

const stdio = async () => {
  const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js")
  await make().connect(new StdioServerTransport())
}

const http = async (port: number) => {
  const { createServer } = await import("node:http")
  const { randomUUID } = await import("node:crypto")
  const { StreamableHTTPServerTransport } = await import("@modelcontextprotocol/sdk/server/streamableHttp.js")
  type Session = InstanceType<typeof StreamableHTTPServerTransport>
  const sessions = new Map<string, Session>()

  const open = async () => {
    const transport: Session = new StreamableHTTPServerTransport({
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

if (process.argv[2] === "http") await http(Number(process.argv[3]))
else await stdio()
