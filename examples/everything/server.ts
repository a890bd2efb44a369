/**
 * One of everything a server can offer so far: `stdio`, or `http` on PORT (8000 when unset). It is also what the
 * official conformance suite runs against, which is why its tools have the suite's names.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ClientLog, Content, McpServer, Progress, Tool } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"

// The smallest picture and the shortest sound there are.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
const wav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="

const simpleText = Tool.make("test_simple_text", {
  description: "Answers with a line of text",
  success: Schema.String,
  handler: () => Effect.succeed("This is a simple text response for testing.")
})

const imageContent = Tool.make("test_image_content", {
  description: "Answers with a picture of one pixel",
  success: Tool.Result,
  handler: () => Effect.succeed(Content.result(Content.image(png, "image/png")))
})

const audioContent = Tool.make("test_audio_content", {
  description: "Answers with a sound of no length",
  success: Tool.Result,
  handler: () => Effect.succeed(Content.result(Content.audio(wav, "audio/wav")))
})

const embeddedResource = Tool.make("test_embedded_resource", {
  description: "Answers with a resource inside the result",
  success: Tool.Result,
  handler: () =>
    Effect.succeed(Content.result(Content.resource({
      uri: "test://embedded-resource",
      mimeType: "text/plain",
      text: "This is an embedded resource content."
    })))
})

const multipleContentTypes = Tool.make("test_multiple_content_types", {
  description: "Answers with text, a picture and a resource",
  success: Tool.Result,
  handler: () =>
    Effect.succeed(Content.result(
      Content.text("Multiple content types test:"),
      Content.image(png, "image/png"),
      Content.resource({
        uri: "test://mixed-content-resource",
        mimeType: "application/json",
        text: JSON.stringify({ test: "data", value: 123 })
      })
    ))
})

const toolWithLogging = Tool.make("test_tool_with_logging", {
  description: "Logs three times while it works",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    yield* ClientLog.info("Tool execution started")
    yield* Effect.sleep("50 millis")
    yield* ClientLog.info("Tool processing data")
    yield* Effect.sleep("50 millis")
    yield* ClientLog.info("Tool execution completed")
    return "Tool with logging executed successfully"
  })
})

const loggingTool = Tool.make("test_logging_tool", {
  description: "Logs once; a client of 2026-07-28 sees it only with a log level on its request",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    yield* ClientLog.info("Logging tool called")
    return "Logging tool executed"
  })
})

const toolWithProgress = Tool.make("test_tool_with_progress", {
  description: "Reports progress at 0, 50 and 100",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    for (const progress of [0, 50, 100]) {
      yield* Progress.report(progress, { total: 100, message: `Completed step ${progress} of 100` })
      yield* Effect.sleep("50 millis")
    }
    return "Tool with progress executed successfully"
  })
})

class IntentionalError extends Schema.TaggedError<IntentionalError>()("IntentionalError", {
  message: Schema.String
}) {}

const errorHandling = Tool.make("test_error_handling", {
  description: "Fails as it declares",
  success: Schema.String,
  failure: IntentionalError,
  handler: () => Effect.fail(new IntentionalError({ message: "This tool intentionally returns an error for testing" }))
})

const missingCapability = Tool.make("test_missing_capability", {
  description: "Needs a client that can sample",
  success: Schema.String,
  requires: { sampling: {} },
  handler: () => Effect.succeed("The client can sample")
})

const streamingElicitation = Tool.make("test_streaming_elicitation", {
  description: "Reports progress and answers, without asking the client anything",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    yield* Progress.report(1, { total: 1 })
    return "Nothing was asked"
  })
})

const mirroredHeader = Tool.make("test_x_mcp_header", {
  description: "Has an argument that clients of 2026-07-28 mirror into the header Mcp-Param-Region",
  parameters: { region: Schema.optionalKey(Schema.String.annotate({ "x-mcp-header": "Region" })) },
  success: Schema.String,
  handler: ({ region = "none" }) => Effect.succeed(`Region: ${region}`)
})

const add = Tool.make("add", {
  description: "Adds two numbers",
  parameters: {
    a: Schema.Finite.annotate({ description: "The first number" }),
    b: Schema.Finite.annotate({ description: "The second number" })
  },
  success: Schema.Finite,
  annotations: { readOnlyHint: true, idempotentHint: true },
  handler: ({ a, b }) => Effect.succeed(a + b)
})

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
    const added = yield* Effect.result(server.addTools(late))
    if (added._tag === "Success") return "Added a tool"
    yield* server.removeTools(late.name)
    return "Removed a tool"
  })
})

const server = McpServer.layer({
  name: "everything",
  title: "Everything",
  version: "1.0.0",
  instructions: "A server to try clients on.",
  tools: [
    simpleText,
    imageContent,
    audioContent,
    embeddedResource,
    multipleContentTypes,
    toolWithLogging,
    loggingTool,
    toolWithProgress,
    errorHandling,
    missingCapability,
    streamingElicitation,
    mirroredHeader,
    add,
    triggerToolChange
  ]
})

const mode = process.argv[2] ?? "stdio"
if (mode === "http") server.pipe(NodeHttp.serve({ port: Number(process.env.PORT ?? 8000) }))
else server.pipe(NodeStdio.run)
