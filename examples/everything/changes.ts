/** Tools that change what the server offers while clients listen. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { McpServer, Tool } from "fastmcp-effect"
import * as prompts from "./prompts.ts"
import { Watched, watched } from "./resources.ts"

const late = Tool.make("test_added_while_running", {
  description: "Comes and goes with test_trigger_tool_change",
  success: Schema.String,
  handler: () => Effect.succeed("Here for now")
})

const triggerToolChange = Tool.make("test_trigger_tool_change", {
  description: "Adds a tool to this server, or takes it away again",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const server = yield* McpServer.McpServer
    const added = yield* Effect.result(Scope.provide(server.add(late), server.scope))
    if (added._tag === "Success") return "Added a tool"
    yield* server.remove("tools", late.name)
    return "Removed a tool"
  })
})

const triggerPromptChange = Tool.make("test_trigger_prompt_change", {
  description: "Adds a prompt to this server, or takes it away again",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const server = yield* McpServer.McpServer
    const added = yield* Effect.result(Scope.provide(server.add(prompts.late), server.scope))
    if (added._tag === "Success") return "Added a prompt"
    yield* server.remove("prompts", prompts.late.name)
    return "Removed a prompt"
  })
})

const updateWatchedResource = Tool.make("test_update_watched_resource", {
  description: "Changes test://watched-resource and tells those who watch it",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const server = yield* McpServer.McpServer
    const count = yield* Ref.updateAndGet(yield* Watched, (count) => count + 1)
    yield* server.resourceUpdated(watched.uri)
    return `Changed ${count} times`
  })
})

export const all = [triggerToolChange, triggerPromptChange, updateWatchedResource] as const
