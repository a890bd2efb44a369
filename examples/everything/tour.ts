/** A tour of `server.ts`: what a client is told, what it can do, and how it answers when it is asked. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Tool } from "fastmcp-effect"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as SkillsClient from "fastmcp-effect/skills/SkillsClient"
import assert from "node:assert/strict"

/** As the server has it: name, input and output are all a client needs to know. */
const add = Tool.make("add", { parameters: { a: Schema.Finite, b: Schema.Finite }, success: Schema.Finite })

const textOf = (client: McpClient.Client, name: string, args?: { readonly [name: string]: unknown }) =>
  Effect.map(client.callTool(name, args), ({ content: [block] }) => block?.type === "text" ? block.text : "")

export const tour = Effect.gen(function*() {
  const client = yield* McpClient.McpClient
  const { info, revision } = client.server()
  yield* Effect.log(`${info?.title} speaks ${revision}`)

  const tools = yield* client.listTools()
  const resources = yield* client.listResources()
  const prompts = yield* client.listPrompts()
  yield* Effect.log(`${tools.length} tools, ${resources.length} resources, ${prompts.length} prompts`)

  const typed = yield* McpClient.fromTools([add])
  assert.equal(yield* typed.add({ a: 40, b: 2 }), 42)

  const failed = yield* client.callTool("test_error_handling")
  assert.equal(failed.isError, true)

  const events = yield* Stream.runCollect(client.callToolStream("test_tool_with_progress"))
  assert.deepEqual(events.flatMap((event) => event._tag === "Progress" ? [event.progress] : []), [0, 50, 100])

  // Forms, models and folders: the handlers answer, in whatever way the revision asks.
  assert.match(yield* textOf(client, "test_elicitation", { message: "Who are you?" }), /"username":"Ada"/)
  assert.match(yield* textOf(client, "test_elicitation_sep1034_defaults"), /"name":"John Doe"/)
  assert.match(yield* textOf(client, "test_sampling", { prompt: "The capital of France?" }), /Paris/)
  assert.match(yield* textOf(client, "test_input_required_result_multi_round"), /^Ada likes Ada$/)
  assert.match(yield* textOf(client, "test_input_required_result_list_roots"), /file:\/\/\/home\/ada\/project/)

  // Calls that go on as tasks are calls, to who does not care.
  assert.match(yield* textOf(client, "slow_compute", { seconds: 0.1, label: "slow" }), /^slow: computed/)
  assert.match(yield* textOf(client, "confirm_delete", { filename: "a.txt" }), /^a.txt would be deleted$/)

  const [content] = (yield* client.readResource("test://template/7/data")).contents
  assert.ok(content !== undefined && "text" in content && content.text.includes("Data for ID: 7"))
  const missing = yield* Effect.result(client.readResource("test://nothing"))
  assert.ok(missing._tag === "Failure" && missing.failure.reason._tag === "ResourceNotFound")

  const { values } = yield* client.complete({
    ref: { type: "ref/prompt", name: "test_prompt_with_arguments" },
    argument: { name: "arg1", value: "hel" }
  })
  assert.deepEqual(values, ["hello", "help"])

  const skills = yield* SkillsClient.make(client)
  for (const entry of yield* skills.list) {
    const skill = yield* skills.load(entry)
    const { text = "" } = yield* skill.read("references/features.md")
    yield* Effect.log(`The skill ${entry.frontmatter.name}: ${skill.instructions.length + text.length} characters`)
  }
})
