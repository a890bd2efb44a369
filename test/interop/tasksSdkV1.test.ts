/** Tasks of our server under the experimental tasks of the official client of the first generation. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  RELATED_TASK_META_KEY,
  TaskStatusNotificationSchema
} from "@modelcontextprotocol/sdk/types.js"
import { assert, describe, it } from "vitest"
import { compiled, everythingArgs, startEverything } from "./harness.ts"

interface Connected {
  readonly client: Client
  /** The tasks whose questions it was asked. */
  readonly asked: ReadonlyArray<unknown>
  readonly statuses: ReadonlyArray<string>
  readonly close: () => Promise<void>
}

const connect = async (transport: Transport, end: () => Promise<void>): Promise<Connected> => {
  const client = new Client({ name: "tasks", version: "1" }, { capabilities: { elicitation: { form: {} } } })
  const asked: Array<unknown> = []
  const statuses: Array<string> = []
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params._meta?.[RELATED_TASK_META_KEY]?.taskId)
    return { action: "accept", content: { confirm: true, name: params.message } }
  })
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => {
    statuses.push(params.status)
  })
  await client.connect(transport)
  return {
    client,
    asked,
    statuses,
    close: async () => {
      await client.close()
      await end()
    }
  }
}

const ways: { readonly [name: string]: () => Promise<Connected> } = {
  stdio: () =>
    connect(
      new StdioClientTransport({ command: process.execPath, args: [...everythingArgs, "stdio"], env: compiled }),
      async () => {}
    ),
  http: async () => {
    const server = await startEverything()
    return connect(new StreamableHTTPClientTransport(server.url), async () => {
      server.signal("SIGTERM")
      await server.ended
    })
  }
}

/** What the client's own stream of a call says. */
const follow = async ({ client }: Connected, name: string, args: Record<string, unknown>) => {
  const seen: Array<any> = []
  // It is told of no error but by a message.
  for await (
    const message of client.experimental.tasks.callToolStream({ name, arguments: args }, CallToolResultSchema, {
      task: { ttl: 60_000 }
    })
  ) seen.push(message)
  return seen
}

const begin = async ({ client }: Connected, name: string, args: Record<string, unknown>): Promise<string> => {
  const stream = client.experimental.tasks.callToolStream({ name, arguments: args }, CallToolResultSchema, { task: {} })
  const { value } = await stream.next()
  await stream.return()
  const created: any = value
  assert.strictEqual(created.type, "taskCreated")
  return created.task.taskId
}

const rejection = (promise: Promise<unknown>): Promise<any> =>
  promise.then(() => assert.fail("no error"), (error) => error)

for (const [way, open] of Object.entries(ways)) {
  describe(`tasks over ${way}, under the official client of the first generation`, { timeout: 30_000 }, () => {
    const using = (body: (connected: Connected) => Promise<void>) => async () => {
      const connected = await open()
      try {
        await body(connected)
      } finally {
        await connected.close()
      }
    }

    it(
      "are made, followed and have their result",
      using(async (connected) => {
        assert.deepInclude(connected.client.getServerCapabilities()?.tasks, {
          list: {},
          cancel: {},
          requests: { tools: { call: {} } }
        })
        const seen = await follow(connected, "slow_compute", { seconds: 1, label: "v1" })
        assert.strictEqual(seen[0].type, "taskCreated")
        assert.deepInclude(seen[0].task, { status: "working", ttl: 60_000 })
        const { result, type } = seen.at(-1)
        assert.strictEqual(type, "result")
        assert.strictEqual(result.content[0].text, "v1: computed for 1 s")
        assert.deepStrictEqual(result._meta[RELATED_TASK_META_KEY], { taskId: seen[0].task.taskId })
        const after = await connected.client.experimental.tasks.getTask(seen[0].task.taskId)
        assert.strictEqual(after.status, "completed")
      })
    )

    it(
      "ask the client that waits for the result",
      using(async (connected) => {
        const seen = await follow(connected, "confirm_delete", { filename: "a.txt" })
        assert.strictEqual(seen.at(-1).result.content[0].text, "a.txt would be deleted")
        assert.deepStrictEqual(connected.asked, [seen[0].task.taskId])
        const both = await follow(connected, "multi_input", {})
        assert.strictEqual(both.at(-1).result.content[0].text, "What is the first name? and And the second?")
      })
    )

    it(
      "fail as the tool does, and as the request does",
      using(async (connected) => {
        const tool = await begin(connected, "failing_job", {})
        const { tasks } = connected.client.experimental
        const result = await tasks.getTaskResult(tool, CallToolResultSchema)
        assert.isTrue(result.isError)
        assert.strictEqual((await tasks.getTask(tool)).status, "failed")
        const protocol = await begin(connected, "protocol_error_job", {})
        assert.deepInclude(await rejection(tasks.getTaskResult(protocol, CallToolResultSchema)), { code: -32000 })
        assert.deepInclude(await rejection(connected.client.callTool({ name: "failing_job" })), { code: -32601 })
      })
    )

    it(
      "are listed and cancelled, once",
      using(async (connected) => {
        const { tasks } = connected.client.experimental
        const one = await begin(connected, "slow_compute", { seconds: 60 })
        const two = await begin(connected, "slow_compute", { seconds: 60 })
        const listed = (await tasks.listTasks()).tasks.map(({ taskId }) => taskId)
        assert.deepStrictEqual(listed.slice(0, 2), [two, one])
        const waiting = rejection(tasks.getTaskResult(one, CallToolResultSchema))
        assert.strictEqual((await tasks.cancelTask(one)).status, "cancelled")
        assert.isDefined((await waiting).code)
        assert.strictEqual((await tasks.getTask(one)).status, "cancelled")
        assert.deepInclude(await rejection(tasks.cancelTask(one)), { code: -32602 })
        assert.deepInclude(await rejection(tasks.getTask("f".repeat(44))), { code: -32602 })
        await tasks.cancelTask(two)
        assert.deepStrictEqual(connected.statuses.filter((status) => status !== "cancelled"), [])
      })
    )
  })
}
