/**
 * An outcome as the frame a peer gets: the one place where a failure becomes a code and a status.
 */
import type * as Outcome from "../../core/Outcome.ts"
import type * as Era from "../../protocol/Era.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import * as WireOutcome from "../../protocol/WireOutcome.ts"

export interface Reply {
  readonly frame: string
  readonly status: number
  /** The JSON-RPC code of an error. */
  readonly code: number | undefined
}

/** `project` turns the model into the wire of the request's revision. */
export const make = (
  id: JsonRpc.RequestId,
  outcome: Outcome.Outcome<object, McpError.McpError>,
  era: Era.Era,
  project: (result: object) => object
): Reply => {
  switch (outcome._tag) {
    case "Ok":
      return { frame: JsonRpc.encodeResult(id, project(outcome.value)), status: 200, code: undefined }
    case "Err":
      return refusal(id, outcome.error, era)
    case "Cancelled":
      return error(
        id,
        McpError.make(
          outcome.reason === "Deadline" || outcome.reason === "Timeout"
            ? new McpError.DeadlineExceeded()
            : new McpError.Cancelled({ reason: outcome.reason })
        ),
        era,
        outcome
      )
    case "Panicked":
      return error(id, McpError.make(new McpError.InternalError()), era, { _tag: "Panicked" })
  }
}

export const refusal = (id: JsonRpc.RequestId | null, refused: McpError.McpError, era: Era.Era): Reply => ({
  frame: JsonRpc.encodeError(id, McpError.toObject(refused, era)),
  status: McpError.httpStatus(refused.reason, era),
  code: McpError.code(refused.reason, era)
})

const error = (
  id: JsonRpc.RequestId,
  mcpError: McpError.McpError,
  era: Era.Era,
  outcome: WireOutcome.WireOutcome
): Reply => ({
  frame: JsonRpc.encodeError(id, { ...McpError.toObject(mcpError, era), data: WireOutcome.encode(outcome) }),
  status: McpError.httpStatus(mcpError.reason, era),
  code: McpError.code(mcpError.reason, era)
})
