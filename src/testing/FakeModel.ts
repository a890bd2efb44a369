/**
 * A language model that says what a test has it say, for the questions of servers: it answers one step after the other,
 * and checks what it is asked.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ClientHandlers from "../client/ClientHandlers.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as FakeModelError from "./FakeModelError.ts"

/** What has to be in a question. @category models @since 0.1.0 */
export interface Expected {
  /** In a text of one of the messages. */
  readonly text?: string | RegExp
  /** In the system prompt. */
  readonly system?: string | RegExp
  /** Names of the tools it may use, in any order: these and no others. */
  readonly tools?: ReadonlyArray<string>
  /** In what a tool has answered to the step before. */
  readonly result?: string | RegExp
  /** Says what is wrong, if anything is. */
  readonly check?: (params: McpSchema.CreateMessageParams) => string | undefined
}

/** @category models @since 0.1.0 */
export type Answer = McpSchema.CreateMessageResult | Effect.Effect<McpSchema.CreateMessageResult, McpError.McpError>

/** @category models @since 0.1.0 */
export interface Step {
  /** Anything when left out. */
  readonly asked?: Expected
  readonly answer: Answer
}

/** @category models @since 0.1.0 */
export interface FakeModel {
  /** For a client: the handler of sampling, which takes tools. */
  readonly layer: Layer.Layer<ClientHandlers.SamplingHandler>
  /** The same as a function: `McpTest` takes it as `answers.sample`. */
  readonly createMessage: (
    params: McpSchema.CreateMessageParams
  ) => Effect.Effect<McpSchema.CreateMessageResult, McpError.McpError>
  /** The questions so far. */
  readonly asked: Effect.Effect<ReadonlyArray<McpSchema.CreateMessageParams>>
  /** Fails unless each step was asked for as it says, and nothing besides: the last line of a test. */
  readonly verify: Effect.Effect<void, FakeModelError.FakeModelError>
}

/**
 * A server whose question is not the step's gets an error; why, `verify` says.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (...steps: ReadonlyArray<Step | Answer>): FakeModel => {
  const asked: Array<McpSchema.CreateMessageParams> = []
  let fault: FakeModelError.Reason | undefined
  const refuse = (reason: FakeModelError.Reason) => {
    fault ??= reason
    return Effect.fail(McpError.invalidParams(FakeModelError.make(reason).message))
  }
  const createMessage: FakeModel["createMessage"] = (params) =>
    Effect.suspend(() => {
      const number = asked.push(params)
      const step = steps[number - 1]
      if (step === undefined) return refuse(new FakeModelError.TooOften({ steps: steps.length }))
      const { answer, asked: expected = {} } = isStep(step) ? step : { answer: step }
      const message = faultOf(params, expected)
      if (message !== undefined) return refuse(new FakeModelError.Unexpected({ step: number, message }))
      return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
    })
  return {
    layer: ClientHandlers.sampling({ createMessage, tools: true }),
    createMessage,
    asked: Effect.sync(() => [...asked]),
    verify: Effect.suspend(() => {
      const reason = fault ?? (asked.length < steps.length
        ? new FakeModelError.TooSeldom({ asked: asked.length, steps: steps.length })
        : undefined)
      return reason === undefined ? Effect.void : FakeModelError.make(reason)
    })
  }
}

const isStep = (step: Step | Answer): step is Step => "answer" in step

// ----------------------------------------------------------------------------
// answers
// ----------------------------------------------------------------------------

const answer = (content: McpSchema.CreateMessageResult["content"], stopReason: string) => ({
  role: "assistant" as const,
  content,
  model: "fake",
  stopReason
})

/** A text, and the end of its turn. @category answers @since 0.1.0 */
export const says = (text: string): McpSchema.CreateMessageResult => answer({ type: "text", text }, "endTurn")

/** It wants a tool to be called. `id` is what the tool's answer names. @category answers @since 0.1.0 */
export const uses = (name: string, input: JsonObject = {}, id = name): McpSchema.CreateMessageResult =>
  answer([{ type: "tool_use", id, name, input }], "toolUse")

/** It has no answer, or its user has said no. @category answers @since 0.1.0 */
export const refuses = (message = "The user rejected the request"): Effect.Effect<never, McpError.McpError> =>
  Effect.fail(McpError.make(new McpError.Other({ code: -1, message })))

// ----------------------------------------------------------------------------
// what it is asked
// ----------------------------------------------------------------------------

const faultOf = (
  params: McpSchema.CreateMessageParams,
  { check, result, system, text, tools }: Expected
): string | undefined => {
  const content = params.messages.flatMap(({ content }) => content)
  const texts = content.flatMap((block) => block.type === "text" ? [block.text] : [])
  const results = content.flatMap((block) => block.type === "tool_result" ? [JSON.stringify(block)] : [])
  const names = (params.tools ?? []).map(({ name }) => name).toSorted()
  const missing = (wanted: string | RegExp | undefined, found: ReadonlyArray<string>, what: string) =>
    wanted === undefined ||
      found.some((text) => typeof wanted === "string" ? text.includes(wanted) : text.search(wanted) >= 0)
      ? undefined
      : `${String(wanted)} is in no ${what}, of ${
        found.length === 0 ? "none" : found.map((text) => JSON.stringify(text)).join(", ")
      }`
  return missing(text, texts, "message") ??
    missing(system, params.systemPrompt === undefined ? [] : [params.systemPrompt], "system prompt") ??
    missing(result, results, "result of a tool") ??
    (tools === undefined || tools.toSorted().join() === names.join()
      ? undefined
      : `it may use ${names.join(", ") || "no tools"}, and not ${tools.join(", ") || "none"}`) ??
    check?.(params)
}
