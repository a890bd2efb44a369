/**
 * The same as `server.ts`, but that everything is in a server mounted in the one that is served. Whoever can tell the two
 * apart has found a mistake.
 */
import * as Layer from "effect/Layer"
import { McpServer } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as asking from "./asking.ts"
import * as changes from "./changes.ts"
import * as prompts from "./prompts.ts"
import * as resources from "./resources.ts"
import * as schemas from "./schemas.ts"
import * as skills from "./skills.ts"
import * as tasks from "./tasks.ts"
import * as tools from "./tools.ts"

const everything = McpServer.layer({
  name: "inside",
  version: "1.0.0",
  tools: [...tools.all, ...schemas.all, ...asking.tools, ...changes.all, ...tasks.all],
  resources: resources.all,
  prompts: [...prompts.all, ...asking.prompts]
}).pipe(Layer.provide(resources.Watched.layer))

const server = McpServer.register(Mount.make(everything)).pipe(
  Layer.provideMerge(McpServer.layer({
    name: "everything",
    title: "Everything, mounted",
    version: "1.0.0",
    instructions: "A server to try clients on.",
    // What an extension adds to the protocol is for the server that speaks it.
    extensions: [skills.extension, tasks.extension]
  })),
  Layer.provide(tasks.docket)
)

const mode = process.argv[2] ?? "stdio"
if (mode === "http") server.pipe(NodeHttp.serve({ port: Number(process.env.PORT ?? 8000), sse: true }))
else server.pipe(NodeStdio.run)
