/**
 * What an era decides about a request before anything else looks at it.
 */
import type * as RequestContext from "../context/RequestContext.ts"
import type * as SessionState from "../context/SessionState.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Receiver from "../transport/Receiver.ts"

/** A request that may go on: whose it is, and in which revision it is answered. */
export interface RequestScope {
  readonly revision: Revision.Revision
  readonly client: RequestContext.Client
  readonly meta: JsonRpc.JsonObject
  /** The least severe log message the client wants with this request; none when undefined. */
  readonly logLevel: () => McpSchema.LoggingLevel | undefined
  /** Whether the client has asked for logs, and not merely not refused them. */
  readonly wantsLogs: () => boolean
  /** What its session keeps, if it is part of one. */
  readonly session: SessionState.Values | undefined
}

export const isRefusal = (admitted: RequestScope | McpError.McpError): admitted is McpError.McpError =>
  admitted instanceof McpError.McpError

export const noMeta: JsonRpc.JsonObject = {}

export const metaOf = (params: JsonRpc.JsonObject | undefined): JsonRpc.JsonObject => {
  const meta = params?._meta
  return meta !== undefined && typeof meta === "object" && meta !== null ? meta as JsonRpc.JsonObject : noMeta
}

/** Whether a request is of the stateless era: its envelope says so, however malformed, or else its version header. */
export const isStateless = ({ params }: JsonRpc.Request, header: Receiver.Exchange["header"]): boolean => {
  if (params !== undefined && metaOf(params)[Meta.protocolVersion] !== undefined) return true
  const version = header?.("mcp-protocol-version")
  return version !== undefined && Revisions.select(version)?.era === "Stateless"
}
