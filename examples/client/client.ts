/** Speaks to the server beside it, alone and as one of two, and exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { ClientGroup, ClientHandlers, McpClient } from "fastmcp-effect/client"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import assert from "node:assert/strict"
import * as path from "node:path"
import { greet } from "./contract.ts"

const transport = NodeStdioClient.layer({
  command: process.execPath,
  args: ["--conditions=fastmcp-effect/source", path.join(import.meta.dirname, "server.ts")]
})

/** What the user would type. A group says which server asks. */
const answers = ClientHandlers.elicitation({
  form: ({ message }) =>
    Effect.gen(function*() {
      assert.equal(message, "Who are you?")
      const server = yield* ClientGroup.CurrentServer
      return ClientHandlers.accept({ name: server === undefined ? "Ada" : `Ada, at ${server}` })
    })
})

const alone = Effect.gen(function*() {
  const client = yield* McpClient.McpClient
  console.log(client.server().revision)
  assert.deepEqual((yield* client.listTools()).map(({ name }) => name), ["greet", "introduce"])

  // By name, as a host calls what it was shown.
  const { content } = yield* client.callTool("greet", { name: "Ada" })
  assert.deepEqual(content, [{ type: "text", text: "Hello, Ada!" }])

  // By contract, with its types.
  const hello = yield* McpClient.fromTools([greet])
  assert.equal(yield* hello.greet({ name: "Ada" }), "Hello, Ada!")
  const refused = yield* Effect.flip(hello.greet({ name: "Mallory" }))
  assert.equal(refused._tag, "Unfriendly")

  // Progress as it comes, and a question in the middle.
  const events = yield* Stream.runCollect(client.callToolStream("introduce"))
  assert.equal(events.filter(({ _tag }) => _tag === "Progress").length > 0, true)
  const last = events.at(-1)
  assert.deepEqual(last?._tag === "Result" ? last.result.content : [], [{ type: "text", text: "This is Ada." }])
})

const together = Effect.gen(function*() {
  const group = yield* ClientGroup.make({ servers: { home: { transport } } })
  yield* group.add("work", { transport })
  const { items, problems } = yield* group.listTools()
  assert.deepEqual(problems, [])
  assert.deepEqual(items.map(({ name }) => name), ["home_greet", "home_introduce", "work_greet", "work_introduce"])
  const { content } = yield* group.callTool("work_introduce")
  assert.deepEqual(content, [{ type: "text", text: "This is Ada, at work." }])
  yield* group.remove("home")
  assert.equal((yield* group.listTools()).items.length, 2)
})

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const client = McpClient.layer({ revision }).pipe(Layer.provide(transport), Layer.provide(answers))
  await Effect.runPromise(Effect.provide(alone, client))
}

await Effect.runPromise(together.pipe(Effect.scoped, Effect.provide(answers)))
console.log("Hello, Ada!")
