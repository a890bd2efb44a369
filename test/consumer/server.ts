import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"

const add = Tool.make("add", {
  description: "Adds two numbers",
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.String,
  handler: ({ a, b }) => Effect.succeed(String(a + b))
})

McpServer.layer({ name: "consumer", version: "1.0.0", tools: [add] }).pipe(NodeStdio.run)
