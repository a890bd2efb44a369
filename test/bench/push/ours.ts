/**
 * `fastmcp-effect` with what it says beside its replies.
 * Usage: ours progress PORT | ours changes PORT
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { uris } from "./data.ts"

const identity = { name: "bench", version: "1.0.0" }

const progress = () =>
  McpServer.layer({
    ...identity,
    tools: [
      Tool.make("add", {
        description: "Adds two numbers, and says how far it is",
        parameters: { a: Schema.Finite, b: Schema.Finite },
        success: Schema.String,
        handler: ({ a, b }) => Effect.as(Progress.report(1, { total: 2 }), String(a + b))
      })
    ]
  })

const changes = () =>
  McpServer.layer({
    ...identity,
    resources: uris.map((uri) => Resource.text(uri, "A text that changes", { name: uri })),
    tools: [
      Tool.make("publish", {
        description: "Changes every resource",
        parameters: {},
        success: Schema.String,
        handler: () =>
          Effect.flatMap(
            McpServer.McpServer,
            (server) => Effect.as(Effect.forEach(uris, server.resourceUpdated, { discard: true }), "published")
          )
      })
    ]
  })

const [, , what, port] = process.argv
NodeHttp.serve({ port: Number(port) })(what === "progress" ? progress() : changes())
