/** What the tests of tasks share: tools, and servers on a docket in memory. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import type * as Identity from "fastmcp-effect/context/Identity"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import type * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TaskSchema from "fastmcp-effect/tasks/TaskSchema"
import * as McpTest from "fastmcp-effect/testing/McpTest"

export const name = Elicitation.form(Schema.Struct({ name: Schema.String }), { message: "Who?" })
export const color = Elicitation.form(Schema.Struct({ color: Schema.String }), { message: "Which?" })

export type AnyTool = Tool.Handled<string, any, any, any, RequestContext.RequestContext>

export const server = (tools: ReadonlyArray<AnyTool>, options: McpTasks.Options = {}) =>
  McpServer.layer({
    name: "tasks",
    version: "1",
    tools,
    extensions: [McpTasks.extension(options)]
  })

/** On a docket of its own. */
export const alone = (tools: ReadonlyArray<AnyTool>, options?: McpTasks.Options) =>
  server(tools, {
    ...options,
    // What still runs at the end of a test need not end.
    ...options?.worker !== false && { worker: { drain: 0, ...options?.worker } }
  }).pipe(Layer.provide(Layer.fresh(Docket.layerMemory())), Layer.fresh)

export const capabilities: McpSchema.ClientCapabilities = {
  elicitation: { form: {} },
  ...TaskSchema.required
}

export type Client = McpTest.Client

/** A client of 2026-07-28 with the extension. */
export const modern = <E>(layer: Parameters<typeof McpTest.client<E>>[0], identity?: Identity.Identity) =>
  McpTest.client(layer, {
    revision: "2026-07-28",
    capabilities,
    ...identity === undefined ? undefined : { identity }
  })

/** A client of 2025-11-25. */
export const session = <E>(
  layer: Parameters<typeof McpTest.client<E>>[0],
  options: McpTest.Options = {}
) => McpTest.client(layer, { revision: "2025-11-25", ...options })

export type Json = { readonly [key: string]: any }

/** A message, or a part of one, as the wire has it. */
export const json = (value: unknown): Json => value as Json

/** Lets all that is due happen. */
export const moment = Effect.andThen(TestClock.adjust("300 millis"), McpTest.settle)

export const call = (client: Client, tool: string, args: JsonRpc.JsonObject = {}, more: JsonRpc.JsonObject = {}) =>
  client.request("tools/call", { name: tool, arguments: args, ...more }) as Effect.Effect<Json, any>

export const get = (client: Client, taskId: string) =>
  client.request("tasks/get", { taskId }) as Effect.Effect<Json, any>

export const update = (client: Client, taskId: string, inputResponses: JsonRpc.JsonObject) =>
  client.request("tasks/update", { taskId, inputResponses }) as Effect.Effect<Json, any>

export const accept = (content: JsonRpc.JsonObject): JsonRpc.JsonObject => ({ action: "accept", content })

export const asked = Ask.all({ who: name, which: color })
