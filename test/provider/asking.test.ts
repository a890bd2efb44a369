/** What a server behind a proxy asks, put to the client in front of it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Ask, Elicitation, Roots, Sampling } from "fastmcp-effect/context"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import { assert, describe, it } from "../support/effectVitest.ts"
import * as hops from "./hops.ts"

const name = Elicitation.form({ name: Schema.String }, { message: "What is your name?" })

/** Writes, asks twice, and asks three things at once. */
const server = (writes: Array<string> = []) =>
  McpServer.layer({
    name: "acme",
    version: "1.0.0",
    tools: [
      Tool.make("greet", {
        success: Schema.String,
        handler: Effect.fnUntraced(function*() {
          yield* Ask.once("write", Effect.sync(() => writes.push("begin")))
          const first = yield* Ask.one("name", name)
          const color = yield* Ask.one(
            "color",
            Elicitation.form({ color: Schema.String }, { message: `Which color, ${first.name}?` })
          )
          yield* Ask.once("written", Effect.sync(() => writes.push("end")))
          return `${first.name} likes ${color.color}`
        })
      }),
      Tool.make("together", {
        success: Schema.String,
        handler: Effect.fnUntraced(function*() {
          const { answer, roots, user } = yield* Ask.all({
            user: name,
            answer: Sampling.text("Say hello", { maxTokens: 10 }),
            roots: Roots.list
          })
          return `${answer} ${user.name} at ${roots.map(({ uri }) => uri).join()}`
        })
      })
    ],
    prompts: [
      Prompt.make("topic", {
        handler: () => Effect.map(Ask.one("name", name), ({ name }) => `About ${name}`)
      })
    ]
  })

const answers: McpTest.Answers = {
  elicit: (params) => {
    const [field] = Object.keys((params as McpSchema.ElicitFormParams).requestedSchema.properties)
    return Effect.succeed({ action: "accept", content: { [field!]: field === "name" ? "Ada" : "red" } })
  },
  sample: () => Effect.succeed({ role: "assistant", model: "test", content: { type: "text", text: "Hello" } }),
  roots: Effect.succeed([{ uri: "file:///work" }])
}

for (const pair of hops.pairs) {
  describe(`a proxy, ${pair.front} in front and ${pair.behind} behind,`, () => {
    it.effect("asks its client what the server asks, and begins nothing twice", () =>
      Effect.gen(function*() {
        const writes: Array<string> = []
        const client = yield* hops.client(server(writes), pair, { answers })
        const { content } = yield* hops.inTime(client.callTool("greet"))
        assert.deepStrictEqual(content, [{ type: "text", text: "Ada likes red" }])
        assert.deepStrictEqual(writes, ["begin", "end"])
      }))

    it.effect("asks together what is asked together", () =>
      Effect.gen(function*() {
        const client = yield* hops.client(server(), pair, { answers })
        const { content } = yield* hops.inTime(client.callTool("together"))
        assert.deepStrictEqual(content, [{ type: "text", text: "Hello Ada at file:///work" }])
        if (pair.front === "2026-07-28") {
          const asked = (yield* client.frames).filter((frame) => frame.includes("input_required"))
          assert.lengthOf(asked, 1)
        }
      }))

    it.effect("asks for a prompt, too", () =>
      Effect.gen(function*() {
        const client = yield* hops.client(server(), pair, { answers })
        const { messages } = yield* hops.inTime(client.getPrompt("topic"))
        assert.deepStrictEqual(messages[0]!.content, { type: "text", text: "About Ada" })
      }))

    it.effect("asks from within a mount and a namespace, too", () =>
      Effect.gen(function*() {
        const inner = hops.proxied(hops.to(server()), pair.behind)
        const outer = McpServer.register(Namespace.make("ns")(Mount.make(inner))).pipe(
          Layer.provideMerge(McpServer.layer({ name: "outer", version: "1.0.0" }))
        )
        const client = yield* McpTest.client(outer, { revision: pair.front, answers })
        const { content } = yield* hops.inTime(client.callTool("ns_greet"))
        assert.deepStrictEqual(content, [{ type: "text", text: "Ada likes red" }])
      }))

    it.effect("tells the server what its client can be asked, and nothing more", () =>
      Effect.gen(function*() {
        const client = yield* hops.client(server(), pair, { answers: { elicit: answers.elicit! } })
        const { content, isError } = yield* hops.inTime(client.callTool("together"))
        assert.isTrue(isError)
        assert.match(JSON.stringify(content), /needs a client with (sampling|roots)/)
      }))
  })
}
