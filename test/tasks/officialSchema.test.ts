/** Whatever the server says of tasks, in either form, against the official schemas, and read by our own. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as official from "../protocol/official.ts"
import { alone, asked, call, type Client, get, modern, moment, session } from "./support.ts"

/** One for each status a task can have. */
const tools = [
  Tool.make("completes", { task: "optional", success: Schema.String, handler: () => Effect.succeed("done") }),
  Tool.make("reports", { task: "optional", failure: Schema.String, handler: () => Effect.fail("no") }),
  Tool.make("refuses", {
    task: "optional",
    handler: () => Effect.fail(McpError.make(new McpError.Other({ code: -32000, message: "no", data: { a: 1 } })))
  }),
  Tool.make("works", { task: "optional", handler: () => Effect.never }),
  Tool.make("asks", { task: "optional", handler: () => Effect.asVoid(asked) })
]

const begin = (client: Client, more: object) =>
  Effect.gen(function*() {
    const made = yield* Effect.forEach(tools, ({ name }) => call(client, name, {}, { ...more }))
    const cancelled = yield* call(client, "works", {}, { ...more })
    yield* moment
    return { made, cancelled }
  })

const reads = (schema: Schema.Codec<any, any>, value: unknown) => void Schema.decodeUnknownSync(schema)(value)

official.against("ext-tasks-draft", "tasks of 2026-07-28", ({ faults }) => {
  const fits = (definition: string, value: unknown) => assert.isUndefined(faults(definition, value))

  describe("tasks of 2026-07-28, against their official schema", () => {
    it.effect("are valid in each status, and when they are told", () =>
      Effect.gen(function*() {
        const client = yield* modern(alone(tools))
        const { cancelled, made } = yield* begin(client, {})
        const cancel = yield* client.request("tasks/cancel", { taskId: cancelled.taskId })
        fits("CancelTaskResult", cancel)
        const all = [...made, cancelled]
        const listening = yield* Effect.forkChild(
          client.request("subscriptions/listen", { notifications: { taskIds: all.map(({ taskId }) => taskId) } })
        )
        yield* moment
        const seen: Array<string> = []
        for (const created of all) {
          fits("CreateTaskResult", created)
          reads(McpSchema.CreateTaskResult, created)
          const task = yield* get(client, created.taskId)
          fits("GetTaskResult", task)
          reads(McpSchema.DetailedTask, task)
          seen.push(task.status)
        }
        assert.deepStrictEqual(seen, ["completed", "completed", "failed", "working", "input_required", "cancelled"])
        fits(
          "UpdateTaskResult",
          yield* client.request("tasks/update", { taskId: cancelled.taskId, inputResponses: {} })
        )
        const told = (yield* client.notifications).filter(({ method }) => method === "notifications/tasks")
        assert.lengthOf(told, all.length)
        for (const { method, params } of told) {
          fits("TaskStatusNotification", { jsonrpc: "2.0", method, params })
          reads(McpSchema.DetailedTask, params)
        }
        yield* Fiber.interrupt(listening)
      }))
  })
})

official.against("2025-11-25", "tasks of 2025-11-25", ({ faults }) => {
  const fits = (definition: string, value: unknown) => assert.isUndefined(faults(definition, value))

  describe("tasks of 2025-11-25, against their official schema", () => {
    it.effect("are valid in each status, and when they are told", () =>
      Effect.gen(function*() {
        const client = yield* session(alone(tools, { list: "everybody" }), {
          capabilities: { elicitation: { form: {} } }
        })
        const { cancelled, made } = yield* begin(client, { task: { ttl: 60_000 } })
        const waiting = yield* Effect.forkChild(
          Effect.exit(client.request("tasks/result", { taskId: cancelled.task.taskId }))
        )
        yield* moment
        fits("CancelTaskResult", yield* client.request("tasks/cancel", { taskId: cancelled.task.taskId }))
        yield* moment
        yield* Fiber.join(waiting)
        const seen: Array<string> = []
        for (const created of [...made, cancelled]) {
          fits("CreateTaskResult", created)
          reads(McpSchema.CreateSessionTaskResult, created)
          const task = yield* get(client, created.task.taskId)
          fits("GetTaskResult", task)
          reads(McpSchema.SessionTask, task)
          seen.push(task.status)
        }
        assert.deepStrictEqual(seen, ["completed", "failed", "failed", "working", "input_required", "cancelled"])
        const listed = yield* client.request("tasks/list")
        fits("ListTasksResult", listed)
        reads(McpSchema.ListSessionTasksResult, listed)
        const result = yield* client.request("tasks/result", { taskId: made[0]!.task.taskId })
        fits("GetTaskPayloadResult", result)
        fits("CallToolResult", result)
        const told = (yield* client.notifications).filter(({ method }) => method === "notifications/tasks/status")
        assert.isAbove(told.length, 0)
        for (const { method, params } of told) fits("TaskStatusNotification", { jsonrpc: "2.0", method, params })
        fits("Tool", (yield* client.listTools)[0])
      }))
  })
})
