/** Prompts: what a client's user picks, fills in, and hands to the model. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Content, McpServer } from "fastmcp-effect"
import * as Prompt from "fastmcp-effect/definition/Prompt"

const proverb = Prompt.make("proverb", {
  title: "A proverb",
  description: "Asks for a proverb",
  handler: () => Effect.succeed("Tell me a proverb that fits this conversation.")
})

const review = Prompt.make("review", {
  title: "Review code",
  description: "Asks for a review of a piece of code",
  // A client fills in text; the handler gets what the schemas make of it.
  arguments: {
    code: Schema.NonEmptyString.annotate({ title: "Code", description: "What to review" }),
    comments: Schema.FiniteFromString.annotate({ description: "How many comments at most" }),
    language: Schema.optionalKey(Schema.Literals(["ts", "rust"]).annotate({ description: "Guessed when left out" }))
  },
  handler: ({ code, comments, language = "ts" }) =>
    Effect.succeed([
      Prompt.user(`Review this file. Make ${comments} comments at most, the worst first.`),
      Prompt.user(Content.resource({ uri: `review://snippet.${language}`, mimeType: "text/plain", text: code })),
      Prompt.assistant("The worst is this:")
    ])
})

export const Desk = McpServer.layer({ name: "desk", version: "1.0.0", prompts: [proverb, review] })
