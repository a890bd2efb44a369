/**
 * Questions to the client's model. The client chooses the model, shows its user what is asked, and may say no.
 * Deprecated by the protocol in 2026-07-28, where it still works.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Ask from "./Ask.ts"
import type * as AskError from "./AskError.ts"
import { misfit, reader } from "./internal/answers.ts"
import { faultOf } from "./internal/fault.ts"
import type * as RequestContext from "./RequestContext.ts"

/** @category models @since 0.1.0 */
export interface Options extends Omit<McpSchema.CreateMessageParams, "messages"> {
  /** The most the model may write; the client may allow it less. */
  readonly maxTokens: number
}

/** @category models @since 0.1.0 */
export interface Params extends Options {
  readonly messages: ReadonlyArray<McpSchema.SamplingMessage>
}

/**
 * What the model says next. `tools` and `toolChoice` need a client with `sampling.tools`, an `includeContext` other than
 * `none` one with `sampling.context`. Each use of a tool in the messages must be answered by the message after it, and
 * that one may hold nothing else; anything else is an `InvalidQuestion`.
 *
 * @category questions
 * @since 0.1.0
 */
export const createMessage = (params: Params): Ask.Question<McpSchema.CreateMessageResult> => {
  const encoded = encodeParams(params)
  const invalid = Exit.isFailure(encoded)
    ? faultOf(encoded.cause)
    : params.maxTokens < 1
    ? "maxTokens has to be at least 1."
    : faultOfMessages(params.messages)
  return {
    method: "sampling/createMessage",
    params: Exit.isSuccess(encoded) ? encoded.value as unknown as JsonObject : {},
    requires: { sampling: requirements(params) },
    ...invalid === undefined ? undefined : { invalid },
    decode: read
  }
}

/**
 * What the model answers in words. An answer without any text is an `InvalidAnswer`.
 *
 * @category questions
 * @since 0.1.0
 */
export const text = (
  messages: string | ReadonlyArray<McpSchema.SamplingMessage>,
  options: Options
): Ask.Question<string> => {
  const question = createMessage({ ...options, messages: typeof messages === "string" ? [user(messages)] : messages })
  return {
    ...question,
    decode: (key, result) =>
      Exit.match(question.decode(key, result), {
        onFailure: (cause) => Exit.failCause(cause),
        onSuccess: (message) =>
          contentOf(message).some(isText) ? Exit.succeed(textOf(message)) : misfit(key, "it holds no text")
      })
  }
}

/**
 * Asks the model for words.
 *
 * @category asking
 * @since 0.1.0
 */
export const ask = (
  key: string,
  messages: string | ReadonlyArray<McpSchema.SamplingMessage>,
  options: Options
): Effect.Effect<string, AskError.AskError, RequestContext.RequestContext> =>
  Effect.suspend(() => Ask.one(key, text(messages, options)))

// ----------------------------------------------------------------------------
// messages
// ----------------------------------------------------------------------------

/** Text, one block, or several (which clients read from 2025-11-25). @category models @since 0.1.0 */
export type Content = string | McpSchema.SamplingMessage["content"]

const message = (role: McpSchema.SamplingMessage["role"]) => (content: Content): McpSchema.SamplingMessage => ({
  role,
  content: typeof content === "string" ? { type: "text", text: content } : content
})

/** @category messages @since 0.1.0 */
export const user: (content: Content) => McpSchema.SamplingMessage = message("user")

/** @category messages @since 0.1.0 */
export const assistant: (content: Content) => McpSchema.SamplingMessage = message("assistant")

/** @category models @since 0.1.0 */
export type ToolUse = typeof McpSchema.ToolUseContent.Type

/** @category models @since 0.1.0 */
export type ToolResult = typeof McpSchema.ToolResultContent.Type

/**
 * What the model's tool use came to: a tool's own result, as `Tool.respond` makes it, or text.
 *
 * @category messages
 * @since 0.1.0
 */
export const toolResult = (
  use: Pick<ToolUse, "id">,
  result: string | Pick<McpSchema.CallToolResult, "content" | "structuredContent" | "isError">
): ToolResult => {
  if (typeof result === "string") {
    return { type: "tool_result", toolUseId: use.id, content: [{ type: "text", text: result }] }
  }
  const { content, isError, structuredContent } = result
  return {
    type: "tool_result",
    toolUseId: use.id,
    content,
    ...structuredContent === undefined ? undefined : { structuredContent },
    ...isError === undefined ? undefined : { isError }
  }
}

/** The tools a message asks for. @category messages @since 0.1.0 */
export const toolUses = (message: Pick<McpSchema.SamplingMessage, "content">): ReadonlyArray<ToolUse> =>
  contentOf(message).filter(isToolUse)

/** All the text of a message, a line for each block. @category messages @since 0.1.0 */
export const textOf = (message: Pick<McpSchema.SamplingMessage, "content">): string =>
  contentOf(message).filter(isText).map(({ text }) => text).join("\n")

/** The blocks of a message, of one too. @category messages @since 0.1.0 */
export const contentOf = (
  { content }: Pick<McpSchema.SamplingMessage, "content">
): ReadonlyArray<McpSchema.SamplingContent> => isList(content) ? content : [content]

const isList = (
  content: McpSchema.SamplingMessage["content"]
): content is ReadonlyArray<McpSchema.SamplingContent> => Array.isArray(content)

const isText = (content: McpSchema.SamplingContent): content is typeof McpSchema.TextContent.Type =>
  content.type === "text"
const isToolUse = (content: McpSchema.SamplingContent): content is ToolUse => content.type === "tool_use"
const isToolResult = (content: McpSchema.SamplingContent): content is ToolResult => content.type === "tool_result"

// ----------------------------------------------------------------------------
// checks
// ----------------------------------------------------------------------------

const encodeParams = SchemaParser.encodeUnknownExit(McpSchema.CreateMessageParams)
const read = reader(McpSchema.CreateMessageResult)

const requirements = (params: Params): NonNullable<McpSchema.ClientCapabilities["sampling"]> => {
  const { includeContext, messages, toolChoice, tools } = params
  const usesTools = tools !== undefined || toolChoice !== undefined ||
    messages.some((message) => contentOf(message).some((content) => isToolUse(content) || isToolResult(content)))
  return {
    ...usesTools ? { tools: {} } : undefined,
    ...includeContext === undefined || includeContext === "none" ? undefined : { context: {} }
  }
}

/** A use of a tool without its result, or the reverse, is what models' providers refuse with an error of their own. */
const faultOfMessages = (messages: ReadonlyArray<McpSchema.SamplingMessage>): string | undefined => {
  for (const [index, message] of messages.entries()) {
    const place = `message ${index + 1}`
    const uses = toolUses(message).map(({ id }) => id)
    if (uses.length > 0) {
      if (message.role !== "assistant") return `${place} uses a tool, which only the assistant does.`
      if (new Set(uses).size < uses.length) return `${place} uses two tools under one id.`
      const next = messages[index + 1]
      if (next === undefined) return `${place} uses a tool, and no message with its result follows.`
      const results = contentOf(next)
      if (next.role !== "user" || !results.every(isToolResult)) {
        return `message ${index + 2} has to hold the results of the tools that ${place} uses, and nothing else.`
      }
      const missing = uses.find((id) => !results.some(({ toolUseId }) => toolUseId === id))
      if (missing !== undefined) {
        return `message ${index + 2} has no result for the tool use ${JSON.stringify(missing)} of ${place}.`
      }
    }
    const results = contentOf(message).filter(isToolResult)
    if (results.length > 0) {
      const before = messages[index - 1]
      const known = new Set(before === undefined ? [] : toolUses(before).map(({ id }) => id))
      const stray = results.find(({ toolUseId }) => !known.delete(toolUseId))
      if (stray !== undefined) {
        return `${place} has a result for ${JSON.stringify(stray.toolUseId)}, which the message before it does not use.`
      }
    }
  }
  return undefined
}
