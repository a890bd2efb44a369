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
  /** The error it tells of, where its caller is refused for who it is. */
  readonly refused?: McpError.McpError
}

/** `encode` gives the text of a result on the wire of the request's revision. */
export const make = (
  id: JsonRpc.RequestId,
  outcome: Outcome.Outcome<object, McpError.McpError>,
  era: Era.Era,
  encode: (result: object) => string,
  correlationId?: string
): Reply => {
  switch (outcome._tag) {
    case "Ok":
      return { frame: JsonRpc.frameResult(id, encode(outcome.value)), status: 200, code: undefined }
    case "Err": {
      const refused = refusal(id, outcome.error, era)
      // Clients of sessions take any other status for a failure of the transport, but for those that ask them to log in.
      return era === "Stateful" && refused.refused === undefined ? { ...refused, status: 200 } : refused
    }
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
      return error(
        id,
        McpError.make(new McpError.InternalError(correlationId === undefined ? {} : { correlationId })),
        era,
        { _tag: "Panicked" }
      )
  }
}

export const refusal = (id: JsonRpc.RequestId | null, refused: McpError.McpError, era: Era.Era): Reply => ({
  frame: JsonRpc.encodeError(id, McpError.toObject(refused, era)),
  status: McpError.httpStatus(refused.reason, era),
  code: McpError.code(refused.reason, era),
  ...(refused.reason._tag === "Unauthenticated" || refused.reason._tag === "InsufficientScope"
    ? { refused }
    : undefined)
})

const error = (
  id: JsonRpc.RequestId,
  mcpError: McpError.McpError,
  era: Era.Era,
  outcome: WireOutcome.WireOutcome
): Reply => ({
  frame: JsonRpc.encodeError(id, merge(McpError.toObject(mcpError, era), WireOutcome.encode(outcome))),
  status: McpError.httpStatus(mcpError.reason, era),
  code: McpError.code(mcpError.reason, era)
})

const merge = (object: JsonRpc.ErrorObject, outcome: JsonRpc.JsonObject): JsonRpc.ErrorObject => ({
  ...object,
  data: { ...object.data as JsonRpc.JsonObject | undefined, ...outcome }
})
