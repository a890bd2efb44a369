/**
 * Answers servers' sampling with a language model of `effect/ai`, which this module loads. The model never runs a
 * server's tools: what it wants to use goes back to the server.
 *
 * `effect/ai` has no words for `maxTokens` and `temperature`; a provider's own configuration has, and `around` is where
 * it goes. A text is cut at a stop sequence here, whether the provider knew of it or not.
 */
import type * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as AiTool from "effect/ai/Tool"
import * as AiToolkit from "effect/ai/Toolkit"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { isObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as ClientHandlers from "./ClientHandlers.ts"
import * as modelContent from "./internal/modelContent.ts"

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /**
   * Shows the user what a server asks of the model, with `ClientGroup.CurrentServer` saying which server; false is a
   * refusal. Nobody is asked when left out.
   */
  readonly approve?: (params: McpSchema.CreateMessageParams) => Effect.Effect<boolean, never, R>
  /**
   * Goes around each generation: there a provider is told `maxTokens` and `temperature` in its own words, and another
   * `LanguageModel` may be given, by `modelPreferences`.
   */
  readonly around?: (
    params: McpSchema.CreateMessageParams
  ) => <A>(
    generate: Effect.Effect<A, AiError.AiError, LanguageModel.LanguageModel>
  ) => Effect.Effect<A, AiError.AiError, LanguageModel.LanguageModel>
  /** What the model takes besides text; messages with anything else are refused. Both. */
  readonly takes?: ReadonlyArray<"image" | "audio">
  /** The model's name, as servers get it. What the response says, or `Model`, when left out. */
  readonly model?: string
}

/**
 * The handler of sampling. A server hears that the model failed, and not why: that is in the log.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(
  options: Options<R> = {}
): Layer.Layer<ClientHandlers.SamplingHandler, never, LanguageModel.LanguageModel | R> =>
  ClientHandlers.sampling<LanguageModel.LanguageModel | R>({
    tools: true,
    createMessage: (params) => createMessage(params, options)
  })

/** The same as a function, for a handler of your own. @category running @since 0.1.0 */
export const createMessage = <R = never>(
  params: McpSchema.CreateMessageParams,
  options: Options<R> = {}
): Effect.Effect<McpSchema.CreateMessageResult, McpError.McpError, LanguageModel.LanguageModel | R> =>
  Effect.gen(function*() {
    const { approve, around, takes = ["image", "audio"] } = options
    const prompt = promptOf(params, takes)
    if (prompt instanceof McpError.McpError) return yield* prompt
    if (approve !== undefined && !(yield* approve(params))) return yield* rejected
    const generate = LanguageModel.generateText({
      prompt,
      toolkit: toolkitOf(params.tools ?? []),
      toolChoice: params.tools === undefined ? "none" : params.toolChoice?.mode ?? "auto",
      disableToolCallResolution: true
    })
    const response = yield* (around === undefined ? generate : around(params)(generate)).pipe(
      Effect.catch((error) =>
        Effect.andThen(Effect.logWarning("The model did not answer a server", error), explain(error))
      )
    )
    const parts: ReadonlyArray<Response.Part<Tools, "encoded">> = response.content
    const name = yield* Effect.serviceOption(Model.ModelName)
    const content = contentOf(parts)
    if (content === undefined) return yield* noAnswer
    const cut = cutAt(content, params.stopSequences ?? [])
    return {
      role: "assistant",
      model: options.model ?? modelOf(parts) ?? Option.getOrElse(name, () => "unknown"),
      // Before 2025-11-25 a message is one block, so one there is, be it empty.
      content: cut.content.length === 0 ? [{ type: "text", text: "" }] : cut.content,
      stopReason: cut.isCut
        ? "stopSequence"
        : content.some(({ type }) => type === "tool_use")
        ? "toolUse"
        : stopReasons[response.finishReason]
    }
  })

// ----------------------------------------------------------------------------
// to the model
// ----------------------------------------------------------------------------

type Tools = { readonly [name: string]: AiTool.Dynamic<string, any> }

const toolkitOf = (tools: ReadonlyArray<McpSchema.Tool>): AiToolkit.Toolkit<Tools> =>
  AiToolkit.make(
    ...tools.map(({ description, inputSchema, name }) =>
      AiTool.dynamic(name, { description, parameters: modelContent.parametersOf(inputSchema) })
    )
  ) as unknown as AiToolkit.Toolkit<Tools>

const promptOf = (
  { messages, systemPrompt }: McpSchema.CreateMessageParams,
  takes: ReadonlyArray<"image" | "audio">
): ReadonlyArray<Prompt.MessageEncoded> | McpError.McpError => {
  const prompt: Array<Prompt.MessageEncoded> = systemPrompt === undefined
    ? []
    : [{ role: "system", content: systemPrompt }]
  const used = new Map<string, string>()
  for (const { content, role } of messages) {
    const blocks = Array.isArray(content) ? content : [content]
    const results: Array<Prompt.ToolResultPartEncoded> = []
    const calls: Array<Prompt.ToolCallPartEncoded> = []
    const parts: Array<Prompt.TextPartEncoded | Prompt.FilePartEncoded> = []
    for (const block of blocks) {
      switch (block.type) {
        case "text":
          parts.push({ type: "text", text: block.text })
          break
        case "image":
        case "audio":
          if (!takes.includes(block.type)) return invalid(`This client's model takes no ${block.type}.`)
          parts.push({ type: "file", mediaType: block.mimeType, data: block.data })
          break
        case "tool_use":
          if (role !== "assistant") return invalid("Only the model uses tools.")
          used.set(block.id, block.name)
          calls.push({ type: "tool-call", id: block.id, name: block.name, params: block.input })
          break
        case "tool_result": {
          const name = used.get(block.toolUseId)
          if (name === undefined) return invalid(`No tool was used as ${JSON.stringify(block.toolUseId)}.`)
          results.push(resultOf(block, name))
        }
      }
    }
    // What tools gave comes before what is said of it.
    if (results.length > 0) prompt.push({ role: "tool", content: results })
    if (role === "assistant") {
      if (parts.length + calls.length > 0) prompt.push({ role, content: [...parts, ...calls] })
    } else if (parts.length > 0) prompt.push({ role, content: parts })
  }
  return prompt
}

const resultOf = (
  { content, isError = false, structuredContent, toolUseId }: Extract<
    McpSchema.SamplingContent,
    { readonly type: "tool_result" }
  >,
  name: string
): Prompt.ToolResultPartEncoded => {
  const parts = modelContent.partsOf(content)
  return {
    type: "tool-result",
    id: toolUseId,
    name,
    isFailure: isError,
    result: structuredContent ?? modelContent.textOf(content),
    ...(parts.every(({ type }) => type === "text") ? undefined : { modelOutput: parts })
  }
}

// ----------------------------------------------------------------------------
// from the model
// ----------------------------------------------------------------------------

/** Undefined where a use of a tool is none. */
const contentOf = (
  parts: ReadonlyArray<Response.Part<Tools, "encoded">>
): ReadonlyArray<McpSchema.SamplingContent> | undefined => {
  const content: Array<McpSchema.SamplingContent> = []
  for (const part of parts) {
    switch (part.type) {
      case "text": {
        const last = content.at(-1)
        if (last?.type === "text") content[content.length - 1] = { type: "text", text: last.text + part.text }
        else if (part.text !== "") content.push({ type: "text", text: part.text })
        break
      }
      case "file": {
        const type = modelContent.mediaOf(part.mediaType)
        content.push(
          type === undefined
            ? { type: "text", text: `[${part.mediaType} left out]` }
            : { type, mimeType: part.mediaType, data: Base64.encode(part.data) }
        )
        break
      }
      case "tool-call":
        // What a provider runs itself is its own business.
        if (part.providerExecuted) break
        if (!isObject(part.params)) return undefined
        content.push({ type: "tool_use", id: part.id, name: part.name, input: part.params })
    }
  }
  return content
}

/** What stands before the first of them. */
const cutAt = (
  content: ReadonlyArray<McpSchema.SamplingContent>,
  sequences: ReadonlyArray<string>
): { readonly content: ReadonlyArray<McpSchema.SamplingContent>; readonly isCut: boolean } => {
  for (const [index, block] of content.entries()) {
    if (block.type !== "text") continue
    const found = sequences.flatMap((sequence) => {
      const at = sequence === "" ? -1 : block.text.indexOf(sequence)
      return at < 0 ? [] : [at]
    })
    if (found.length === 0) continue
    const text = block.text.slice(0, Math.min(...found))
    return { content: [...content.slice(0, index), ...(text === "" ? [] : [{ ...block, text }])], isCut: true }
  }
  return { content, isCut: false }
}

const modelOf = (parts: ReadonlyArray<Response.Part<Tools, "encoded">>): string | undefined => {
  for (const part of parts) if (part.type === "response-metadata" && part.modelId !== undefined) return part.modelId
  return undefined
}

const stopReasons: { readonly [reason in Response.FinishReason]: string } = {
  stop: "endTurn",
  length: "maxTokens",
  "tool-calls": "toolUse",
  "content-filter": "contentFilter",
  error: "error",
  pause: "pause",
  other: "other",
  unknown: "endTurn"
}

// ----------------------------------------------------------------------------
// refusals
// ----------------------------------------------------------------------------

const invalid = (message: string) => McpError.invalidParams(message)

/** In the specification's own words. */
const rejected = McpError.make(new McpError.Other({ code: -1, message: "User rejected sampling request" }))

const noAnswer = McpError.make(new McpError.InternalError({}))

const explain = ({ reason }: AiError.AiError): McpError.McpError => {
  switch (reason._tag) {
    case "RateLimitError":
      return McpError.make(
        new McpError.RateLimited(
          reason.retryAfter === undefined ? {} : { retryAfter: Duration.toMillis(reason.retryAfter) }
        )
      )
    case "ContentPolicyError":
      return invalid("This client's model does not answer such a question.")
    case "InvalidUserInputError":
    case "InvalidRequestError":
      return invalid("This client's model does not take this.")
    default:
      return reason.isRetryable
        ? McpError.make(new McpError.Overloaded({ message: "This client's model cannot answer now." }))
        : noAnswer
  }
}
