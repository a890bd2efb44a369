/** Tools that run as tasks, of the server the requirements are tried on. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"

const word = Elicitation.form({ word: Schema.String }, { message: "Which word?" })

/** `gate` lets `taskWaits` go on. */
export const tools = (gate: Deferred.Deferred<void>) =>
  [
    Tool.make("taskWaits", {
      success: Schema.String,
      task: "optional",
      handler: () =>
        Effect.andThen(Progress.report(1, { total: 2 }), Deferred.await(gate)).pipe(
          Effect.andThen(Progress.report(2, { total: 2 })),
          Effect.as("waited")
        )
    }),
    Tool.make("taskAsks", {
      success: Schema.String,
      task: "required",
      handler: () => Effect.map(Ask.one("word", word), ({ word }) => `said ${word}`)
    }),
    Tool.make("taskFails", { task: "optional", failure: Schema.String, handler: () => Effect.fail("declared") }),
    Tool.make("taskRefuses", {
      task: "optional",
      handler: () => Effect.fail(McpError.make(new McpError.Other({ code: -32050, message: "refused" })))
    }),
    Tool.make("taskDies", { task: "optional", handler: () => Effect.die(new Error("no word of this")) })
  ] as const
