/** A client's tasks on a server that is a process of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import { fileURLToPath } from "node:url"

const everything = NodeStdioClient.layer({
  command: process.execPath,
  args: [
    "--conditions=fastmcp-effect/source",
    fileURLToPath(new URL("../../examples/everything/server.ts", import.meta.url)),
    "stdio"
  ]
})

const textOf = ({ content: [block] }: { readonly content: ReadonlyArray<any> }) => block.text

describe("TasksClient over stdio", () => {
  for (const revision of ["2026-07-28", "2025-11-25"] as const) {
    it.live(`calls that are tasks, that ask, that fail, and that are interrupted, in ${revision}`, () =>
      Leaks.check(Effect.gen(function*() {
        const asked: Array<string> = []
        const known = yield* Deferred.make<string>()
        const user = ClientHandlers.elicitation({
          form: ({ message }) => {
            asked.push(message)
            return Effect.succeed(ClientHandlers.accept({ confirm: true }))
          }
        })
        const context = yield* Layer.build(
          McpClient.layer({
            revision,
            extensions: [
              TasksClient.extension({
                calls: "optional",
                onCreated: ({ taskId }, { name }) =>
                  name === "slow_compute" ? Deferred.succeed(known, taskId) : Effect.void
              })
            ]
          }).pipe(Layer.provide([everything, user]))
        )
        const client = Context.get(context, McpClient.McpClient)
        assert.strictEqual(textOf(yield* client.callTool("greet", { name: "Ada" })), "Hello, Ada!")
        assert.strictEqual(
          textOf(yield* client.callTool("confirm_delete", { filename: "a.txt" })),
          "a.txt would be deleted"
        )
        assert.deepStrictEqual(asked, ["Delete a.txt?"])
        assert.isTrue((yield* client.callTool("failing_job")).isError)
        const refused = yield* Effect.flip(client.callTool("protocol_error_job"))
        assert.strictEqual(refused.message, "The job broke the protocol.")

        const call = yield* Effect.forkChild(client.callTool("slow_compute", { seconds: 60 }), {
          startImmediately: true
        })
        const task = TasksClient.make(client).resume(yield* Deferred.await(known))
        assert.strictEqual((yield* task.get).status, "working")
        yield* Fiber.interrupt(call)
        assert.strictEqual((yield* task.get).status, "cancelled")
      })))
  }
})
