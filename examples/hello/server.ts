import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"

const greet = Tool.make("greet", {
  description: "Greets a person by name",
  parameters: { name: Schema.NonEmptyString },
  success: Schema.String,
  handler: ({ name }) => Effect.succeed(`Hello, ${name}!`)
})

const Hello = McpServer.layer({ name: "hello", version: "1.0.0", tools: [greet] })

if (process.argv[2] === "http") Hello.pipe(NodeHttp.serve({ port: Number(process.env.PORT ?? 8000) }))
else Hello.pipe(NodeStdio.run)
