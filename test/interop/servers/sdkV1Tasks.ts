/** The experimental tasks of `@modelcontextprotocol/sdk` 1.x: `stdio`, or `http PORT` with sessions at `/mcp`. */
import {
  InMemoryTaskMessageQueue,
  InMemoryTaskStore
} from "@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js"
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"
import { z } from "zod"
import * as fixtures from "./fixtures.ts"

const { text } = fixtures

const make = () => {
  const mcp = new McpServer(fixtures.info, {
    capabilities: { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
    taskStore: new InMemoryTaskStore(),
    taskMessageQueue: new InMemoryTaskMessageQueue()
  })
  const { server } = mcp
  const { tasks } = mcp.experimental

  const tool = (
    name: string,
    taskSupport: "required" | "optional",
    work: (
      args: { readonly key?: string | undefined },
      at: { readonly taskId: string; readonly asking: () => Promise<void> }
    ) => Promise<CallToolResult>
  ) =>
    tasks.registerToolTask(name, { inputSchema: { key: z.string().optional() }, execution: { taskSupport } }, {
      createTask: async (args, { taskRequestedTtl, taskStore }) => {
        const task = await taskStore.createTask({ ttl: taskRequestedTtl ?? 60_000, pollInterval: 50 })
        const { taskId } = task
        const asking = () => taskStore.updateTaskStatus(taskId, "input_required")
        work(args, { taskId, asking }).then(
          (result) => taskStore.storeTaskResult(taskId, result.isError === true ? "failed" : "completed", result),
          (error) => taskStore.updateTaskStatus(taskId, "failed", String(error))
        ).catch((error) => fixtures.event(`lost: ${error}`))
        return { task }
      },
      getTask: (_, { taskId, taskStore }) => taskStore.getTask(taskId),
      getTaskResult: async (_, { taskId, taskStore }) => await taskStore.getTaskResult(taskId) as CallToolResult
    })

  const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

  tool("slow", "required", () => pause(200).then(() => text("slept")))
  tool("either", "optional", () => pause(100).then(() => text("a task")))
  tool("fail", "required", () => Promise.resolve({ ...text("It failed"), isError: true }))
  tool("hang", "required", async ({ key }) => {
    fixtures.event(`started ${key}`)
    await pause(60_000)
    return text("never seen")
  })
  tool("ask", "required", async (_, { asking, taskId }) => {
    await asking()
    const { action, content } = await server.elicitInput({ message: "Who?", requestedSchema: fixtures.form }, {
      relatedTask: { taskId }
    })
    return text(`${action} ${JSON.stringify(content)}`)
  })
  // These ask for tasks, and come back for what they came to.
  const follow = async <A>(
    stream: AsyncIterable<{ readonly type: string; readonly task?: any; readonly result?: A; readonly error?: unknown }>
  ) => {
    const seen: Array<string> = []
    for await (const { error, result, task, type } of stream) {
      if (type === "error") return text(`error ${String(error)}`)
      if (type === "result") return text(`${[...new Set(seen)].join(" ")}: ${JSON.stringify(result)}`)
      seen.push(type === "taskCreated" ? "created" : task.status)
    }
    return text("nothing")
  }
  mcp.registerTool("think", {}, () =>
    follow(server.experimental.tasks.createMessageStream({
      messages: [{ role: "user", content: { type: "text", text: "2 and 3?" } }],
      maxTokens: 10
    }, { task: { ttl: 60_000 } })))
  mcp.registerTool("consult", {}, () =>
    follow(server.experimental.tasks.elicitInputStream({
      mode: "form",
      message: "Who?",
      requestedSchema: fixtures.form
    }, { task: { ttl: 60_000 } })))
  return mcp
}

type Transport = Parameters<McpServer["connect"]>[0]

const sessions = new Map<string, StreamableHTTPServerTransport>()

const open = async () => {
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport)
  })
  await make().connect(transport as Transport)
  return transport
}

if (fixtures.mode === "http") {
  createServer(async (request, response) => {
    const id = request.headers["mcp-session-id"]
    const transport = typeof id === "string" ? sessions.get(id) : await open()
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response)
  }).listen(Number(fixtures.port), "127.0.0.1")
} else await make().connect(new StdioServerTransport() as Transport)
