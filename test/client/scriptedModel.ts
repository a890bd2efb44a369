/** A language model that says what a test has it say. */
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

export type Answer = ReadonlyArray<Response.PartEncoded> | AiError.AiErrorReason | Effect.Effect<never>

export interface Model {
  readonly layer: Layer.Layer<LanguageModel.LanguageModel>
  /** What it was asked, oldest first. */
  readonly asked: ReadonlyArray<LanguageModel.ProviderOptions>
}

/** One answer after the other. */
export const make = (...answers: ReadonlyArray<Answer>): Model => {
  const asked: Array<LanguageModel.ProviderOptions> = []
  return {
    asked,
    layer: Layer.effect(
      LanguageModel.LanguageModel,
      LanguageModel.make({
        generateText: (options) =>
          Effect.suspend(() => {
            const answer = answers[asked.push(options) - 1]
            if (answer === undefined) return Effect.die(new Error("The model was asked too often"))
            if (AiError.isAiErrorReason(answer)) {
              return Effect.fail(AiError.make({ module: "test", method: "generateText", reason: answer }))
            }
            return Effect.isEffect(answer) ? answer : Effect.succeed([...answer])
          }),
        streamText: () => Stream.empty
      })
    )
  }
}

export const text = (text: string): Response.TextPartEncoded => ({ type: "text", text })

export const use = (id: string, name: string, params: unknown): Response.ToolCallPartEncoded => ({
  type: "tool-call",
  id,
  name,
  params
})

export const finish = (reason: Response.FinishReason): Response.FinishPartEncoded => ({
  type: "finish",
  reason,
  usage: {
    inputTokens: { uncached: undefined, total: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: undefined, reasoning: undefined }
  },
  response: undefined
})
