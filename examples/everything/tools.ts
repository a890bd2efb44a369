/** What a tool can answer with, and what it can say while it works. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ClientLog, Content, Progress, ResponseStream, Tool } from "fastmcp-effect"
import { png, wav } from "./media.ts"

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
  description: "Logs at four levels; a client of 2026-07-28 sees those it asks for on its request, or none",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    yield* ClientLog.debug("Logging tool looks closely")
    yield* ClientLog.info("Logging tool called")
    yield* ClientLog.warning("Logging tool has a doubt")
    yield* ClientLog.error("Logging tool has no doubt")
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

const milliseconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 }))

const slow = Tool.make("test_tool_slow", {
  description: "Takes its time and reports progress, to be cancelled",
  parameters: {
    durationMs: milliseconds.annotate({ description: "How long it works" }).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(6_000))
    )
  },
  success: Schema.String,
  handler: Effect.fnUntraced(function*({ durationMs }) {
    const step = 100
    for (let worked = 0; worked < durationMs; worked += step) {
      yield* Progress.report(worked, { total: durationMs })
      yield* Effect.sleep(Duration.millis(Math.min(step, durationMs - worked)))
    }
    yield* Progress.report(durationMs, { total: durationMs })
    return `Worked for ${durationMs} ms`
  })
})

const reconnection = Tool.make("test_reconnection", {
  description: "Closes the connection its answer would come on, works on, and answers who comes back for it",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    yield* ResponseStream.closeConnection
    yield* Effect.sleep("100 millis")
    return "Reconnection test completed successfully. If you received this, the client properly reconnected after stream closure."
  })
})

const fast = Tool.make("test_tool_fast", {
  description: "Answers at once",
  success: Schema.String,
  handler: () => Effect.succeed("Done")
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

export const all = [
  simpleText,
  imageContent,
  audioContent,
  embeddedResource,
  multipleContentTypes,
  toolWithLogging,
  loggingTool,
  toolWithProgress,
  slow,
  fast,
  reconnection,
  errorHandling,
  missingCapability,
  streamingElicitation
] as const
