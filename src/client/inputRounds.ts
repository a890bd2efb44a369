/**
 * Drives a request that needs input to its end (2026-07-28): each round answers what the server asks, and sends the
 * request again with the answers and with the server's state, byte for byte.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as answering from "./answering.ts"
import * as McpClientError from "./McpClientError.ts"

type Failure = McpError.McpError | McpClientError.McpClientError

export interface Options {
  readonly method: string
  readonly params: JsonObject
  readonly send: (params: JsonObject) => Effect.Effect<JsonObject, Failure>
  readonly answer: answering.Answer
  readonly maxRounds: number
}

/** Only these may ask. */
export const asking: ReadonlySet<string> = new Set(["tools/call", "prompts/get", "resources/read"])

/** Questions of one round that are answered at one time. */
const maxAsked = 100

/** From the first result that needs input to the one that does not. */
export const drive = (first: JsonObject, options: Options): Effect.Effect<JsonObject, Failure> =>
  Effect.gen(function*() {
    const { maxRounds, method, params, send } = options
    let result = first
    for (let round = 0; result.resultType === "input_required"; round++) {
      if (round === maxRounds) {
        return yield* McpClientError.make(new McpClientError.TooManyRounds({ method, limit: maxRounds }))
      }
      const read = readRound(result)
      if (Exit.isFailure(read)) return yield* invalid(method, "it needs input, and does not say which")
      const { inputRequests, requestState } = read.value
      if (inputRequests === undefined && requestState === undefined) {
        return yield* invalid(method, "it needs input, and neither asks nor says what to come back with")
      }
      // Without a question it is a word to come again later.
      if (inputRequests === undefined) yield* Effect.sleep(Math.min(100 * 2 ** round, 5_000))
      const inputResponses = inputRequests === undefined
        ? undefined
        : Object.fromEntries(
          yield* Effect.forEach(
            Object.entries(inputRequests),
            ([key, { method, params = {} }]) =>
              Effect.map(
                answer(options.answer, key, method, params as JsonObject),
                (answer) => [key, answer] as const
              ),
            { concurrency: maxAsked }
          )
        )
      result = yield* send({
        ...params,
        ...(inputResponses === undefined ? undefined : { inputResponses }),
        ...(requestState === undefined ? undefined : { requestState })
      })
    }
    return result
  })

const answer = (
  give: answering.Answer,
  key: string,
  method: string,
  params: JsonObject
): Effect.Effect<JsonObject, McpClientError.McpClientError> =>
  Effect.mapError(
    give(method, params),
    ({ message }) => McpClientError.make(new McpClientError.Unanswered({ key, method, message }))
  )

// Extensions answer methods of their own.
const readRound = SchemaParser.decodeUnknownExit(Schema.Struct({
  ...McpSchema.InputRequiredResult.fields,
  inputRequests: Schema.optionalKey(Schema.Record(
    Schema.String,
    Schema.Struct({ ...McpSchema.InputRequest.fields, method: Schema.String })
  ))
}))

const invalid = (method: string, message: string) =>
  McpClientError.make(new McpClientError.InvalidResponse({ method, message }))
