/**
 * `@modelcontextprotocol/server` 2.x: `stdio`, or `http PORT` with both eras at `/mcp`, the stateful one with sessions.
 * Its answers to 2026-07-28 are written once for both eras: the package asks on a connection what a result would ask.
 */
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node"
import {
  completable,
  createMcpHandler,
  inputRequired,
  McpServer,
  type McpServerFactory,
  ResourceTemplate
} from "@modelcontextprotocol/server"
import { serveStdio } from "@modelcontextprotocol/server/stdio"
import { randomUUID } from "node:crypto"
import { createServer, type RequestListener } from "node:http"
import { z } from "zod"
import * as fixtures from "./fixtures.ts"

const { text } = fixtures

interface Bus {
  readonly updated: (uri: string) => void
  readonly toolsChanged: () => void
}

const make = (bus?: Bus): McpServer => {
  const mcp = new McpServer(fixtures.info, {
    capabilities: { logging: {}, resources: { subscribe: true } },
    instructions: fixtures.instructions
  })
  const { server } = mcp
  const watched = new Set<string>()
  const nothing = z.object({})

  mcp.registerTool("add", {
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    outputSchema: z.object({ sum: z.number() })
  }, ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } }))
  mcp.registerTool("fail", { inputSchema: nothing }, () => ({ ...text("It failed"), isError: true }))
  mcp.registerTool("climb", { inputSchema: nothing }, async (_, { mcpReq }) => {
    for (const progress of [1, 2, 3]) {
      await mcpReq.notify({
        method: "notifications/progress",
        params: { progressToken: mcpReq._meta!.progressToken!, progress, total: 3, message: `step ${progress}` }
      })
    }
    return text("there")
  })
  mcp.registerTool("hang", { inputSchema: z.object({ key: z.string() }) }, async ({ key }, { mcpReq }) => {
    await fixtures.hang(key, mcpReq.signal)
    return text("never seen")
  })
  mcp.registerTool("say", { inputSchema: nothing }, async (_, { mcpReq }) => {
    for (const level of fixtures.levels) await mcpReq.log(level, { level }, "interop")
    return text("said")
  })
  mcp.registerTool("ask", { inputSchema: nothing }, (_, { mcpReq }) => {
    const answer = mcpReq.inputResponses?.who as { readonly action: string; readonly content?: object } | undefined
    return answer === undefined
      ? inputRequired({
        inputRequests: { who: inputRequired.elicit({ message: "Who?", requestedSchema: fixtures.form }) }
      })
      : text(`${answer.action} ${JSON.stringify(answer.content)}`)
  })
  mcp.registerTool("visit", { inputSchema: nothing }, (_, { mcpReq }) => {
    const answer = mcpReq.inputResponses?.pay as { readonly action: string } | undefined
    return answer === undefined
      ? inputRequired({
        inputRequests: { pay: inputRequired.elicitUrl({ message: "Please pay", url: "https://example.com/pay" }) }
      })
      : text(answer.action)
  })
  mcp.registerTool("think", { inputSchema: nothing }, (_, { mcpReq }) => {
    const answer = mcpReq.inputResponses?.thought as { readonly model: string; readonly content: object } | undefined
    return answer === undefined
      ? inputRequired({
        inputRequests: {
          thought: inputRequired.createMessage({
            messages: [{ role: "user", content: { type: "text", text: "2 and 3?" } }],
            maxTokens: 10
          })
        }
      })
      : text(`${answer.model}: ${JSON.stringify(answer.content)}`)
  })
  mcp.registerTool("where", { inputSchema: nothing }, (_, { mcpReq }) => {
    const answer = mcpReq.inputResponses?.roots as { readonly roots: object } | undefined
    return answer === undefined
      ? inputRequired({ inputRequests: { roots: inputRequired.listRoots() } })
      : text(JSON.stringify(answer.roots))
  })
  mcp.registerTool("bump", { inputSchema: nothing }, async () => {
    const count = fixtures.counter.bump()
    if (bus !== undefined) bus.updated("note://counter")
    else if (watched.has("note://counter") || server.getNegotiatedProtocolVersion?.() === "2026-07-28") {
      await server.sendResourceUpdated({ uri: "note://counter" })
    }
    return text(count)
  })
  mcp.registerTool("toggle", { inputSchema: nothing }, () => {
    if (bus !== undefined) bus.toolsChanged()
    else mcp.registerTool("late", { inputSchema: nothing }, () => text("late")).remove()
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
    contents: [{ uri: uri.href, text: `This is ${String(name)}` }]
  }))
  // The server has no pages of its own, and leaves subscriptions of the stateful era to its author.
  server.setRequestHandler("resources/list", ({ params }) => {
    const all = ["note://welcome", "note://counter", ...fixtures.pages]
    const { items, next } = fixtures.pageOf(all, params?.cursor)
    return { resources: items.map((uri) => ({ uri, name: uri })), ...next }
  })
  server.setRequestHandler("resources/subscribe", ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  server.setRequestHandler("resources/unsubscribe", ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  mcp.registerPrompt("greeting", {
    argsSchema: z.object({
      name: completable(z.string(), (value) => fixtures.people.filter((name) => name.startsWith(value)))
    })
  }, ({ name }) => ({ messages: [{ role: "user", content: { type: "text", text: `Hello, ${name}!` } }] }))
  return mcp
}

const sessions = new Map<string, NodeStreamableHTTPServerTransport>()

const open = async () => {
  const transport: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => {
      sessions.delete(id)
      fixtures.event("session closed")
    }
  })
  await make().connect(transport as Parameters<McpServer["connect"]>[0])
  return transport
}

const http = (): RequestListener => {
  const handler = createMcpHandler(
    (() =>
      make({
        updated: (uri) => handler.notify.resourceUpdated(uri),
        toolsChanged: () => handler.notify.toolsChanged()
      })) as McpServerFactory,
    { legacy: "reject" }
  )
  const modern = toNodeHandler(handler) as RequestListener
  return async (request, response) => {
    if (request.headers["mcp-protocol-version"] === "2026-07-28") return modern(request, response)
    const id = request.headers["mcp-session-id"]
    const transport = typeof id === "string" ? sessions.get(id) : await open()
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response)
  }
}

if (fixtures.mode === "http") createServer(http()).listen(Number(fixtures.port), "127.0.0.1")
else serveStdio(() => make())
