/** `@modelcontextprotocol/sdk` 1.x: `stdio`, or `http PORT` with sessions at `/mcp`, and 2024-11-05 at `/sse`. */
import { completable } from "@modelcontextprotocol/sdk/server/completable.js"
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js"
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import {
  ListResourcesRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema
} from "@modelcontextprotocol/sdk/types.js"
import { randomUUID } from "node:crypto"
import { createServer, type RequestListener } from "node:http"
import { z } from "zod"
import * as fixtures from "./fixtures.ts"

const { text } = fixtures

const sum = { sum: z.number() }

const make = () => {
  const mcp = new McpServer(fixtures.info, {
    capabilities: { logging: {}, resources: { subscribe: true } },
    instructions: fixtures.instructions
  })
  const { server } = mcp
  const watched = new Set<string>()

  mcp.registerTool("add", { inputSchema: { a: z.number(), b: z.number() }, outputSchema: sum }, ({ a, b }) => ({
    ...text(String(a + b)),
    structuredContent: { sum: a + b }
  }))
  mcp.registerTool("fail", {}, () => ({ ...text("It failed"), isError: true }))
  mcp.registerTool("climb", {}, async (extra) => {
    for (const progress of [1, 2, 3]) {
      await extra.sendNotification({
        method: "notifications/progress",
        params: { progressToken: extra._meta!.progressToken!, progress, total: 3, message: `step ${progress}` }
      })
    }
    return text("there")
  })
  mcp.registerTool("hang", { inputSchema: { key: z.string() } }, async ({ key }, { signal }) => {
    await fixtures.hang(key, signal)
    return text("never seen")
  })
  mcp.registerTool("say", {}, async (extra) => {
    for (const level of fixtures.levels) {
      await mcp.sendLoggingMessage({ level, logger: "interop", data: { level } }, extra.sessionId)
    }
    return text("said")
  })
  mcp.registerTool("ask", {}, async () => {
    const { action, content } = await server.elicitInput({ message: "Who?", requestedSchema: fixtures.form })
    return text(`${action} ${JSON.stringify(content)}`)
  })
  mcp.registerTool("visit", {}, async () => {
    const { action } = await server.elicitInput({
      mode: "url",
      message: "Please pay",
      url: "https://example.com/pay",
      elicitationId: "pay"
    })
    return text(action)
  })
  mcp.registerTool("think", {}, async () => {
    const { content, model } = await server.createMessage({
      messages: [{ role: "user", content: { type: "text", text: "2 and 3?" } }],
      maxTokens: 10
    })
    return text(`${model}: ${JSON.stringify(content)}`)
  })
  mcp.registerTool("where", {}, async () => text(JSON.stringify((await server.listRoots()).roots)))
  mcp.registerTool("bump", {}, async () => {
    const count = fixtures.counter.bump()
    if (watched.has("note://counter")) await server.sendResourceUpdated({ uri: "note://counter" })
    return text(count)
  })
  mcp.registerTool("toggle", {}, () => {
    mcp.registerTool("late", {}, () => text("late")).remove()
    return text("done")
  })

  const note = (uri: string, read: () => string) =>
    mcp.registerResource(uri, uri, { mimeType: "text/plain" }, () => ({
      contents: [{ uri, mimeType: "text/plain", text: read() }]
    }))
  note("note://welcome", () => fixtures.welcome)
  note("note://counter", fixtures.counter.get)
  for (const uri of fixtures.pages) note(uri, () => uri)
  mcp.registerResource("person", new ResourceTemplate("people://{name}", { list: undefined }), {}, (uri, { name }) => ({
    contents: [{ uri: uri.href, text: `This is ${name}` }]
  }))
  // The server has no pages of its own, and leaves subscriptions to its author.
  server.setRequestHandler(ListResourcesRequestSchema, ({ params }) => {
    const all = ["note://welcome", "note://counter", ...fixtures.pages]
    const { items, next } = fixtures.pageOf(all, params?.cursor)
    return { resources: items.map((uri) => ({ uri, name: uri })), ...next }
  })
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  mcp.registerPrompt("greeting", {
    argsSchema: {
      name: completable(z.string(), (value) => fixtures.people.filter((name) => name.startsWith(value)))
    }
  }, ({ name }) => ({ messages: [{ role: "user", content: { type: "text", text: `Hello, ${name}!` } }] }))
  return mcp
}

type Transport = Parameters<McpServer["connect"]>[0]

const sessions = new Map<string, StreamableHTTPServerTransport>()
const streams = new Map<string, SSEServerTransport>()

const open = async () => {
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => {
      sessions.delete(id)
      fixtures.event("session closed")
    }
  })
  await make().connect(transport as Transport)
  return transport
}

const listener: RequestListener = async (request, response) => {
  const { pathname, searchParams } = new URL(request.url!, "http://localhost")
  if (pathname === "/sse") {
    const transport = new SSEServerTransport("/messages", response)
    streams.set(transport.sessionId, transport)
    return make().connect(transport as Transport)
  }
  if (pathname === "/messages") {
    return streams.get(searchParams.get("sessionId")!)?.handlePostMessage(request, response)
  }
  const id = request.headers["mcp-session-id"]
  const transport = typeof id === "string" ? sessions.get(id) : await open()
  if (transport === undefined) response.writeHead(404).end()
  else await transport.handleRequest(request, response)
}

if (fixtures.mode === "http") createServer(listener).listen(Number(fixtures.port), "127.0.0.1")
else await make().connect(new StdioServerTransport() as Transport)
