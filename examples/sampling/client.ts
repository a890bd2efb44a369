/** Plays a client with a model that can use tools, in both eras; exits with 1 if the conversation is not the expected one. */
import * as Effect from "effect/Effect"
import type { McpSchema } from "fastmcp-effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { solve, summarize, Thinker } from "./server.ts"

/** Says how long the question is; with a tool at hand it multiplies first, and then repeats what came out. */
const model = ({ messages, tools = [] }: McpSchema.CreateMessageParams): McpSchema.CreateMessageResult => {
  const say = (content: McpSchema.SamplingMessage["content"], stopReason: string) =>
    ({ role: "assistant", model: "parrot-1", content, stopReason }) as const
  const last = [messages.at(-1)!.content].flat().at(0)!
  if (last.type === "tool_result") return say(last.content[0]! as McpSchema.SamplingContent, "endTurn")
  const [tool] = tools
  return tool === undefined
    ? say({ type: "text", text: last.type === "text" ? `${last.text.length} letters` : "nothing" }, "endTurn")
    : say([{ type: "tool_use", id: "use-1", name: tool.name, input: { a: 6, b: 7 } }], "toolUse")
}

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    let turns = 0
    const client = yield* McpTest.client(Thinker, {
      revision,
      answers: {
        sample: (params) =>
          Effect.sync(() => {
            turns++
            return model(params)
          })
      }
    })
    assert.equal(yield* client.call(summarize, { text: "It was a dark night." }), "37 letters")
    assert.equal(turns, 1)
    assert.equal(yield* client.call(solve, { task: "What is six times seven?" }), "42")
    assert.equal(turns, 3)

    // `requires` refuses before the handler runs.
    const without = yield* McpTest.client(Thinker, { revision, capabilities: { sampling: {} } })
    const refused = yield* Effect.flip(without.callTool("solve", { task: "What is six times seven?" }))
    assert.match(refused.message, /sampling/)
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: 42, in two turns`)
}
