import * as Schema from "effect/Schema"
import { JsonObject } from "./content.ts"

/** Fields a client sends again with, to answer an `input_required` result (2026-07-28). @category models @since 0.1.0 */
export const answers = {
  // NOTE: that each is an object is checked where they are used: the schema compiler knows no record of those, and
  // every call would pay for it.
  inputResponses: Schema.optionalKey(JsonObject),
  /** As the server gave it, byte for byte. */
  requestState: Schema.optionalKey(Schema.String)
}

/** A question of the server's: a client request without its envelope. @category models @since 0.1.0 */
export const InputRequest = Schema.Struct({
  method: Schema.Literals(["elicitation/create", "sampling/createMessage", "roots/list"]),
  params: Schema.optionalKey(JsonObject)
})

/** @category models @since 0.1.0 */
export type InputRequest = typeof InputRequest.Type

/** In place of a result: answer these and send the request again (2026-07-28). @category models @since 0.1.0 */
export const InputRequiredResult = Schema.Struct({
  resultType: Schema.Literal("input_required"),
  inputRequests: Schema.optionalKey(Schema.Record(Schema.String, InputRequest)),
  requestState: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type InputRequiredResult = typeof InputRequiredResult.Type
