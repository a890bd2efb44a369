/**
 * One of everything a server can offer so far: `stdio`, or `http` on PORT (8000 when unset). It is also what the
 * official conformance suite runs against, which is why its definitions have the suite's names; and the suite wants
 * `test_simple_text` to be the first of the tools.
 */
import * as Layer from "effect/Layer"
import { McpServer } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as asking from "./asking.ts"
import * as changes from "./changes.ts"
import * as prompts from "./prompts.ts"
import * as resources from "./resources.ts"
import * as schemas from "./schemas.ts"
import * as skills from "./skills.ts"
import * as tasks from "./tasks.ts"
import * as tools from "./tools.ts"

const server = McpServer.layer({
  name: "everything",
  title: "Everything",
  version: "1.0.0",
  instructions: "A server to try clients on.",
  tools: [...tools.all, ...schemas.all, ...asking.tools, ...changes.all, ...tasks.all],
  resources: resources.all,
  prompts: [...prompts.all, ...asking.prompts],
  extensions: [skills.extension, tasks.extension]
}).pipe(Layer.provide([resources.Watched.layer, tasks.docket]))

const mode = process.argv[2] ?? "stdio"
if (mode === "http") server.pipe(NodeHttp.serve({ port: Number(process.env.PORT ?? 8000), sse: true }))
else server.pipe(NodeStdio.run)
