/** Tasks of 2025-11-25 with the official SDK of the first generation: its server and our client, and the other way round. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { CallToolResultSchema, CreateTaskResultSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as clientHarness from "./clientHarness.ts"
import * as harness from "./harness.ts"

const transports = ["stdio", "http"] as const

for (const transport of transports) {
  describe(`our client on the tasks of @modelcontextprotocol/sdk, ${transport}`, () => {
    const ids: Array<string> = []
    let connected: clientHarness.Connected
    let client: McpClient.Client

    const connect = () =>
      clientHarness.connect(
        {
          args: (transport, port) => {
            const file = harness.pathOf("servers/sdkV1Tasks.ts")
            return transport === "stdio" ? [file, "stdio"] : [file, "http", String(port)]
          },
          path: () => "/mcp"
        },
        { transport, revision: "2025-11-25" },
        {
          extensions: [
            TasksClient.extension({ onCreated: ({ taskId }) => Effect.sync(() => void ids.push(taskId)) })
          ]
        }
      )

    beforeAll(async () => {
      connected = await connect()
      client = await connected.run(McpClient.McpClient)
    })
    afterAll(() => connected.close())

    const textOf = async (name: string, args?: { readonly [name: string]: unknown }) => {
      const { content: [block], isError = false } = await connected.run(client.callTool(name, args))
      return `${isError ? "error: " : ""}${block?.type === "text" ? block.text : ""}`
    }

    it("a call of a tool that is a task only", async () => {
      const before = ids.length
      assert.strictEqual(client.server().revision, "2025-11-25")
      assert.strictEqual(await textOf("slow"), "slept")
      assert.strictEqual(await textOf("fail"), "error: It failed")
      assert.strictEqual(await textOf("either"), "a task")
      assert.strictEqual(ids.length, before + 2)
    })

    it("a task that asks", async () => {
      assert.strictEqual(await textOf("ask"), `accept {"name":"Ada","size":"s"}`)
    })

    it("a call that is interrupted cancels its task", async () => {
      const before = ids.length
      const call = Effect.runFork(client.callTool("hang", { key: transport }))
      await harness.until("the task", () => connected.events().includes(`started ${transport}`))
      await harness.until("its id", () => ids.length > before)
      await Effect.runPromise(Fiber.interrupt(call))
      const task = TasksClient.make(client).resume(ids.at(-1)!)
      assert.strictEqual((await connected.run(task.get)).status, "cancelled")
      const { reason } = await connected.run(Effect.flip(task.result))
      assert.strictEqual(reason._tag, "TaskCancelled")
    })

    it("a task by its handle", async () => {
      const tasks = TasksClient.make(client, { minPollInterval: "10 millis" })
      const created = await connected.run(tasks.create("either", {}, { ttl: "30 seconds" }))
      assert.strictEqual(created._tag, "Task")
      if (created._tag !== "Task") return
      assert.strictEqual(created.state.ttlMs, 30_000)
      const states = await connected.run(Stream.runCollect(created.task.updates))
      assert.deepStrictEqual(states.map(({ status }) => status), ["working", "completed"])
      assert.strictEqual((await connected.run(tasks.resume(created.task.id).result)).content.length, 1)
      assert.include((await connected.run(tasks.list)).map(({ taskId }) => taskId), created.task.id)
      const gone = await connected.run(Effect.flip(tasks.resume("nobody's").get))
      assert.strictEqual(gone.reason._tag, "TaskGone")
    })

    it("what it asks us for as a task", async () => {
      // What it has come to is kept for as long as the client is there, so it is one of its own.
      const own = await connect()
      const { callTool } = await own.run(McpClient.McpClient)
      const texts = await Promise.all(
        ["think", "consult"].map(async (tool) => JSON.stringify((await own.run(callTool(tool))).content))
      )
      await own.close()
      assert.match(texts[0]!, /created .*completed: .*"text\\":\\"5/)
      assert.match(texts[1]!, /created .*completed: .*"name\\":\\"Ada/)
    })
  })

  describe(`the client of @modelcontextprotocol/sdk on our tasks, ${transport}`, () => {
    const asked: Array<string> = []
    let client: Client

    beforeAll(async () => {
      client = new Client({ name: "interop-client", version: "9.8.7" }, { capabilities: { elicitation: { form: {} } } })
      client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
        asked.push(params.message)
        return { action: "accept", content: { confirm: true } }
      })
      const carrier = transport === "stdio"
        ? new StdioClientTransport({
          command: process.execPath,
          args: [...harness.everythingArgs, "stdio"],
          env: { ...harness.compiled },
          stderr: "ignore"
        })
        : new StreamableHTTPClientTransport((await harness.startEverything()).url)
      await client.connect(carrier as Transport)
      await client.listTools()
    })
    afterAll(() => client.close())

    /** What a call as a task shows, step by step. */
    const follow = async (name: string, args: Record<string, unknown> = {}) => {
      const seen: Array<string> = []
      let taskId = ""
      const stream = client.experimental.tasks.callToolStream({ name, arguments: args }, CallToolResultSchema, {
        task: {}
      })
      for await (const message of stream) {
        if (message.type === "taskCreated") taskId = message.task.taskId
        if (message.type === "taskStatus") seen.push(message.task.status)
        if (message.type === "error") seen.push(message.error.message)
        if (message.type === "result") seen.push((message.result.content[0] as { readonly text: string }).text)
      }
      return { taskId, seen: [...new Set(seen)] }
    }

    it("a call as a task", async () => {
      const { taskId, seen } = await follow("slow_compute", { seconds: 0.5 })
      assert.deepStrictEqual(seen, ["working", "completed", "done: computed for 0.5 s"])
      const again = await client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema)
      assert.deepStrictEqual(again._meta, { "io.modelcontextprotocol/related-task": { taskId } })
      const { tasks } = await client.experimental.tasks.listTasks()
      assert.include(tasks.map(({ taskId }) => taskId), taskId)
    })

    it("a task that fails", async () => {
      const { taskId, seen } = await follow("failing_job")
      assert.deepStrictEqual(seen, ["working", "failed", `MCP error -32603: Task ${taskId} failed`])
      const { isError } = await client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema)
      assert.isTrue(isError)
      const refused = await follow("protocol_error_job")
      const error = await client.experimental.tasks.getTaskResult(refused.taskId, CallToolResultSchema).catch((error) =>
        error
      )
      assert.deepInclude(error, { code: -32000 })
    })

    it("a task that asks", async () => {
      const { seen } = await follow("confirm_delete", { filename: "a.txt" })
      assert.strictEqual(seen.at(-1), "a.txt would be deleted")
      assert.deepStrictEqual(asked, ["Delete a.txt?"])
    })

    it("a task that is cancelled, and one that is none", async () => {
      const { task: { taskId } } = await client.request(
        { method: "tools/call", params: { name: "slow_compute", arguments: { seconds: 60 }, task: {} } },
        CreateTaskResultSchema
      )
      assert.strictEqual((await client.experimental.tasks.cancelTask(taskId)).status, "cancelled")
      assert.strictEqual((await client.experimental.tasks.getTask(taskId)).status, "cancelled")
      const codeOf = (promise: Promise<unknown>) => promise.then(() => undefined, ({ code }) => code)
      assert.strictEqual(await codeOf(client.experimental.tasks.cancelTask(taskId)), -32602)
      assert.strictEqual(await codeOf(client.experimental.tasks.getTask("nobody's")), -32602)
      assert.strictEqual(
        await codeOf(client.request(
          { method: "tools/call", params: { name: "greet", arguments: { name: "Ada" }, task: {} } },
          CreateTaskResultSchema
        )),
        -32601
      )
    })
  })
}
