import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Elicitation, Progress } from "fastmcp-effect/context"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import { greet, Unfriendly } from "./contract.ts"

const Greet = Tool.handle(
  greet,
  ({ name }) => name === "Mallory" ? new Unfriendly({ name }) : Effect.succeed(`Hello, ${name}!`)
)

/** Takes three steps, and wants to know something in between. */
const introduce = Tool.make("introduce", {
  success: Schema.String,
  handler: () =>
    Effect.gen(function*() {
      yield* Progress.report(1, { total: 2 })
      const { name } = yield* Elicitation.ask("name", { name: Schema.String }, { message: "Who are you?" })
      yield* Progress.report(2, { total: 2 })
      return `This is ${name}.`
    }).pipe(Effect.orDie)
})

McpServer.layer({ name: "hello", version: "1.0.0", tools: [Greet, introduce] }).pipe(NodeStdio.run)
