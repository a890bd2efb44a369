/**
 * A server to test clients with: of each thing a server can do there is one that does just that. Every definition can be
 * taken alone.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Ask from "../context/Ask.ts"
import * as Elicitation from "../context/Elicitation.ts"
import * as Progress from "../context/Progress.ts"
import * as Sampling from "../context/Sampling.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpServer from "../server/McpServer.ts"
import type * as Receiver from "../transport/Receiver.ts"

// ----------------------------------------------------------------------------
// tools
// ----------------------------------------------------------------------------

/** Gives back what it gets. @category tools @since 0.1.0 */
export const echo = Tool.make("echo", {
  description: "Gives back what it gets",
  parameters: { text: Schema.String },
  success: Schema.String,
  annotations: { readOnlyHint: true },
  handler: ({ text }) => Effect.succeed(text)
})

/** Has a structured result. @category tools @since 0.1.0 */
export const add = Tool.make("add", {
  description: "Adds two numbers",
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.Struct({ sum: Schema.Finite }),
  annotations: { readOnlyHint: true },
  handler: ({ a, b }) => Effect.succeed({ sum: a + b })
})

/** Fails as it declares. @category tools @since 0.1.0 */
export const fail = Tool.make("fail", {
  description: "Fails, and says why",
  parameters: { why: Schema.String },
  failure: Schema.Struct({ why: Schema.String }),
  handler: ({ why }) => Effect.fail({ why })
})

/** Refuses the request itself. @category tools @since 0.1.0 */
export const refuse = Tool.make("refuse", {
  description: "Answers with an error of the protocol",
  handler: () => Effect.fail(McpError.invalidRequest("This tool refuses every request."))
})

/** Has an error in its code. @category tools @since 0.1.0 */
export const crash = Tool.make("crash", {
  description: "Throws",
  handler: () => Effect.die(new Error("This tool throws."))
})

/** Takes as long as it is told. @category tools @since 0.1.0 */
export const slow = Tool.make("slow", {
  description: "Takes as many milliseconds as it is told",
  parameters: { millis: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) },
  handler: ({ millis }) => Effect.sleep(millis)
})

/** Never answers, until it is cancelled. @category tools @since 0.1.0 */
export const never = Tool.make("never", {
  description: "Never answers",
  handler: () => Effect.never
})

/** Tells how far it is, second by second. @category tools @since 0.1.0 */
export const count = Tool.make("count", {
  description: "Counts, a number a second, and tells of each",
  parameters: { to: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })) },
  success: Schema.Int,
  handler: ({ to }) =>
    Effect.as(
      Effect.forEach(
        Array.from({ length: to }, (_, index) => index + 1),
        (number) => Effect.andThen(Effect.sleep(1000), Progress.report(number, { total: to })),
        { discard: true }
      ),
      to
    )
})

/** Asks the user by a form. @category tools @since 0.1.0 */
export const askUser = Tool.make("ask_user", {
  description: "Asks the user for their name",
  success: Schema.String,
  handler: () =>
    Effect.map(
      Ask.one("name", Elicitation.form({ name: Schema.String }, { message: "What is your name?" })),
      ({ name }) => `Hello, ${name}!`
    )
})

/** Asks the client's model. @category tools @since 0.1.0 */
export const askModel = Tool.make("ask_model", {
  description: "Has the client's model answer",
  parameters: { question: Schema.String },
  success: Schema.String,
  handler: ({ question }) => Sampling.ask("answer", question, { maxTokens: 100 })
})

/** Logs at each level. @category tools @since 0.1.0 */
export const log = Tool.make("log", {
  description: "Logs a message at each level",
  parameters: { message: Schema.String },
  handler: ({ message }) =>
    Effect.forEach(
      ["Debug", "Info", "Warn", "Error", "Fatal"] as const,
      (level) => Effect.logWithLevel(level)(message),
      { discard: true }
    ).pipe(Effect.provideService(References.MinimumLogLevel, "All"))
})

/** All of the above. @category tools @since 0.1.0 */
export const tools = [echo, add, fail, refuse, crash, slow, never, count, askUser, askModel, log] as const

// ----------------------------------------------------------------------------
// resources
// ----------------------------------------------------------------------------

/** @category resources @since 0.1.0 */
export const text = Resource.text("fixture:///text", "A text.", { name: "text" })

/** The first 256 bytes that there are. @category resources @since 0.1.0 */
export const bytes = Resource.bytes("fixture:///bytes", Uint8Array.from({ length: 256 }, (_, byte) => byte), {
  name: "bytes"
})

/** Is listed, and gone when it is read. @category resources @since 0.1.0 */
export const gone = Resource.make("fixture:///gone", {
  name: "gone",
  handler: Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri: "fixture:///gone" })))
})

/** Of which each has a number, and completes it. @category resources @since 0.1.0 */
export const numbered = ResourceTemplate.make("fixture:///numbered/{number}", {
  name: "numbered",
  complete: { number: ["1", "10", "100"] },
  handler: ({ number }) => Effect.succeed(`Number ${number}.`)
})

/** All of the above. @category resources @since 0.1.0 */
export const resources = [text, bytes, gone, numbered] as const

// ----------------------------------------------------------------------------
// prompts
// ----------------------------------------------------------------------------

/** Has an argument that it completes, and one that may be left out. @category prompts @since 0.1.0 */
export const greet = Prompt.make("greet", {
  description: "Has the model greet somebody",
  arguments: { name: Schema.String, language: Schema.optionalKey(Schema.String) },
  complete: { language: ["English", "Esperanto", "German"] },
  handler: ({ language = "English", name }) =>
    Effect.succeed([Prompt.user(`Greet ${name} in ${language}.`), Prompt.assistant("Gladly.")])
})

/** Fails. @category prompts @since 0.1.0 */
export const broken = Prompt.make("broken", {
  description: "Fails",
  handler: () => Effect.fail(McpError.invalidRequest("This prompt is broken."))
})

/** All of the above. @category prompts @since 0.1.0 */
export const prompts = [greet, broken] as const

/**
 * A server of all of them.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<McpServer.McpServer | Receiver.Receiver, DefinitionError.DefinitionError> = McpServer
  .layer({
    name: "fixtures",
    version: "1.0.0",
    instructions: "There is nothing to do here.",
    tools,
    resources,
    prompts
  })
