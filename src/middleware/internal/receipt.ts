/** How a call ended, as the text that is kept of it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import * as Outcome from "../../core/Outcome.ts"
import type * as Era from "../../protocol/Era.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as Middleware from "../Middleware.ts"
import type * as ReceiptStore from "../ReceiptStore.ts"
import * as jsonSize from "./jsonSize.ts"

/** `paused` is what it has asked in place of a result. */
export const of = (
  exit: Exit.Exit<object, McpError.McpError>,
  paused: object | undefined,
  maxBytes: number
): ReceiptStore.Ended => {
  const outcome = Outcome.fromExit(exit)
  switch (outcome._tag) {
    case "Ok":
      return ofResult(outcome.value, maxBytes)
    case "Err":
      return ofError(outcome.error, maxBytes)
    case "Cancelled":
      return paused === undefined ? { _tag: "Unknown" } : ofResult(paused, maxBytes)
    case "Panicked":
      return { _tag: "Unknown" }
  }
}

const ofResult = (result: object, maxBytes: number): ReceiptStore.Ended => {
  const text = textOf({ result }, maxBytes)
  return isQuestion(result) ? { _tag: "Asked", text, next: result.requestState ?? "" } : { _tag: "Done", text }
}

interface Question {
  readonly resultType: "input_required"
  readonly requestState?: string
}

const isQuestion = (result: object): result is Question =>
  "resultType" in result && result.resultType === "input_required"

const ofError = (error: McpError.McpError, maxBytes: number): ReceiptStore.Ended => {
  const { _tag } = error.reason
  return untouched.has(_tag)
    ? { _tag: "Undone" }
    : cutOff.has(_tag)
    ? { _tag: "Unknown" }
    : { _tag: "Done", text: textOf({ error: encodeError(error) }, maxBytes) }
}

/** Says who refuses before anything is done. */
const untouched: ReadonlySet<McpError.Reason["_tag"]> = new Set([
  "RateLimited",
  "Overloaded",
  "InProgress",
  "Unauthenticated",
  "InsufficientScope",
  "HeaderMismatch",
  "MissingCapability"
])

/** Says nothing of what was done before. */
const cutOff: ReadonlySet<McpError.Reason["_tag"]> = new Set([
  "InternalError",
  "DeadlineExceeded",
  "Cancelled",
  "OutcomeUnknown"
])

/** Undefined for what is too large, or no JSON. */
const textOf = (kept: object, maxBytes: number): string | undefined => {
  try {
    return jsonSize.of(kept, maxBytes) > maxBytes ? undefined : JSON.stringify(kept)
  } catch {
    return undefined
  }
}

const encodeError = (error: McpError.McpError) => SchemaParser.encodeUnknownSync(McpError.McpError)(error)

const decodeError = (error: unknown) => SchemaParser.decodeUnknownExit(McpError.McpError)(error)

export const read = (text: string): Middleware.Next => {
  const { error, result } = JSON.parse(text) as { readonly error?: unknown; readonly result?: object }
  if (result !== undefined) return Effect.succeed(result)
  const decoded = decodeError(error)
  return Exit.isSuccess(decoded) ? Effect.fail(decoded.value) : Effect.die(new Error("A receipt cannot be read."))
}

/** Whether requests of this era can be answered with it. */
export const isOf = (result: object, era: Era.Era): boolean =>
  "resultType" in result && result.resultType !== "complete"
    ? era === "Stateless"
    : !("task" in result) || era === "Stateful"
