/** A model of which a test says every word. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as FakeModel from "fastmcp-effect/testing/FakeModel"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"

const forecast = {
  name: "forecast",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
}

const advise = Tool.make("advise", {
  parameters: { city: Schema.String },
  success: Schema.String,
  handler: ({ city }) =>
    Effect.gen(function*() {
      const question = { role: "user" as const, content: { type: "text" as const, text: `Umbrella in ${city}?` } }
      const first = yield* Ask.one(
        "first",
        Sampling.createMessage({ messages: [question], maxTokens: 100, systemPrompt: "Be brief.", tools: [forecast] })
      )
      const use = [first.content].flat().find((block) => block.type === "tool_use")
      if (use === undefined) return "no tool"
      const second = yield* Ask.one(
        "second",
        Sampling.createMessage({
          messages: [
            question,
            { role: "assistant", content: [use] },
            {
              role: "user",
              content: [{ type: "tool_result", toolUseId: use.id, content: [{ type: "text", text: "rain" }] }]
            }
          ],
          maxTokens: 100,
          tools: [forecast]
        })
      )
      return [second.content].flat().map((block) => block.type === "text" ? block.text : "").join("")
    })
})

const server = McpServer.layer({ name: "weather", version: "1.0.0", tools: [advise] })

const script = () =>
  FakeModel.make(
    {
      asked: { text: /umbrella in oslo/iu, system: "brief", tools: ["forecast"] },
      answer: FakeModel.uses("forecast", { city: "Oslo" })
    },
    { asked: { result: "rain" }, answer: FakeModel.says("Take one.") }
  )

describe("a fake model", () => {
  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    it.effect(`answers a server step by step (${revision})`, () =>
      Effect.gen(function*() {
        const model = script()
        const client = yield* McpTest.client(server, { revision, answers: { sample: model.createMessage } })
        assert.strictEqual(yield* client.call(advise, { city: "Oslo" }), "Take one.")
        yield* model.verify
        assert.lengthOf(yield* model.asked, 2)
      }))
  }

  it.effect("is the model of a client", () =>
    Effect.gen(function*() {
      const model = script()
      const client = McpClient.layer().pipe(
        Layer.provide(Memory.layer),
        Layer.provide(server),
        Layer.provide(model.layer)
      )
      const answer = yield* Effect.provide(
        McpClient.McpClient.use((client) => client.call(advise, { city: "Oslo" })),
        client
      )
      assert.strictEqual(answer, "Take one.")
      yield* model.verify
    }))

  const ask = (model: FakeModel.FakeModel, text: string) =>
    model.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 1 })

  it.effect("refuses what its script does not expect, and says what that was", () =>
    Effect.gen(function*() {
      const expectations: ReadonlyArray<readonly [FakeModel.Expected, string]> = [
        [{ text: "b" }, `b is in no message, of "a"`],
        [{ system: "b" }, "b is in no system prompt, of none"],
        [{ tools: ["b"] }, "it may use no tools, and not b"],
        [{ result: /b/u }, "/b/u is in no result of a tool, of none"],
        [{ check: ({ maxTokens }) => maxTokens > 1 ? undefined : "too few tokens" }, "too few tokens"]
      ]
      for (const [asked, message] of expectations) {
        const model = FakeModel.make({ asked, answer: FakeModel.says("x") })
        yield* Effect.flip(ask(model, "a"))
        const error = yield* Effect.flip(model.verify)
        assert.strictEqual(error.message, `In step 1 the model was asked for something else: ${message}`)
      }
    }))

  it.effect("is asked neither too often nor too seldom", () =>
    Effect.gen(function*() {
      const model = FakeModel.make(FakeModel.says("x"))
      assert.strictEqual((yield* Effect.flip(model.verify)).reason._tag, "TooSeldom")
      yield* ask(model, "a")
      yield* model.verify
      yield* Effect.flip(ask(model, "a"))
      assert.strictEqual((yield* Effect.flip(model.verify)).reason._tag, "TooOften")
    }))

  it.effect("may refuse, as a user does", () =>
    Effect.gen(function*() {
      const model = FakeModel.make(FakeModel.refuses())
      assert.include((yield* Effect.flip(ask(model, "a"))).message, "The user rejected the request")
      yield* model.verify
    }))
})
