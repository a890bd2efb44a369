/** Our client on the experimental tasks of the official server of the first generation. */
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
}
