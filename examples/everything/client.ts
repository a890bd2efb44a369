/**
 * Everything a client does: a tour of `server.ts`, which it starts over stdio, or of the server at the URL it is given.
 * It is also what the official conformance suite runs, which says in the environment what it wants to see.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as SkillsClient from "fastmcp-effect/skills/SkillsClient"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import { authorization } from "./authorization.ts"
import * as handlers from "./handlers.ts"
import { scenarios } from "./scenarios.ts"
import { tour } from "./tour.ts"

const [url] = process.argv.slice(2)
const {
  MCP_CONFORMANCE_CONTEXT: context = "{}",
  MCP_CONFORMANCE_PROTOCOL_VERSION: version,
  MCP_CONFORMANCE_SCENARIO: scenario
} = process.env

const transport = url === undefined
  ? NodeStdioClient.layer({
    command: process.execPath,
    args: [...process.execArgv, `${import.meta.dirname}/server.ts`, "stdio"]
  })
  : NodeStreamableHttpClient.layer({ url }).pipe(Layer.provide(authorization(scenario ?? "", context)))

const client = McpClient.layer({
  info: { name: "everything", version: "1.0.0" },
  extensions: [SkillsClient.extension, TasksClient.extension()],
  ...(version === undefined ? undefined : { revision: version as Revisions.Version })
}).pipe(Layer.provide([transport, handlers.layer]))

const program = scenario === undefined
  ? tour
  : scenarios[scenario]?.(context) ?? Effect.die(new Error(`There is no scenario ${scenario} here.`))

program.pipe(Effect.provide(client), NodeRuntime.runMain)
