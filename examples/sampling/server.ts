/** Questions to the client's model: for words, and with tools that it may use on the way. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type McpSchema, McpServer, Tool } from "fastmcp-effect"
import { Ask, Sampling } from "fastmcp-effect/context"

export const summarize = Tool.make("summarize", {
  description: "Has a text summarized by the client's own model",
  parameters: { text: Schema.NonEmptyString },
  success: Schema.String,
  requires: { sampling: {} },
  handler: ({ text }) =>
    Sampling.ask("summary", `In one sentence: ${text}`, {
      maxTokens: 100,
      systemPrompt: "You are brief.",
      modelPreferences: { speedPriority: 1 }
    })
})

const multiply = Tool.make("multiply", {
  description: "Multiplies two numbers",
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.Finite,
  handler: ({ a, b }) => Effect.succeed(a * b)
})

export class GaveUp extends Schema.TaggedError<GaveUp>()("GaveUp", { turns: Schema.Int }) {}

const maxTurns = 5

export const solve = Tool.make("solve", {
  description: "Solves a task with the client's model, which may multiply as often as it needs",
  parameters: { task: Schema.NonEmptyString },
  success: Schema.String,
  failure: GaveUp,
  requires: { sampling: { tools: {} } },
  handler: Effect.fnUntraced(function*({ task }) {
    const messages: Array<McpSchema.SamplingMessage> = [Sampling.user(task)]
    for (let turn = 0; turn < maxTurns; turn++) {
      const reply = yield* Ask.one(
        `turn-${turn}`,
        Sampling.createMessage({ messages: [...messages], maxTokens: 500, tools: [Tool.describe(multiply)] })
      )
      const uses = Sampling.toolUses(reply)
      if (uses.length === 0) return Sampling.textOf(reply)
      const results = yield* Effect.forEach(
        uses,
        (use) => Effect.map(Tool.respond(multiply, use.input), (result) => Sampling.toolResult(use, result))
      )
      messages.push({ role: reply.role, content: reply.content }, Sampling.user(results))
    }
    return yield* new GaveUp({ turns: maxTurns })
  })
})

export const Thinker = McpServer.layer({ name: "thinker", version: "1.0.0", tools: [summarize, solve] })
