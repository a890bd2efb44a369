/** What a proxy's caller is told where the server behind it refused, or was not there. */
import * as Equal from "effect/Equal"
import type * as McpClient from "../../client/McpClient.ts"
import type * as McpClientError from "../../client/McpClientError.ts"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import * as Revisions from "../../protocol/Revisions.ts"
import type * as TransportError from "../../transport/TransportError.ts"

export interface Asked {
  readonly request: RequestContext.RequestContext["Service"]
  readonly method: string
  readonly params: JsonRpc.JsonObject
  /** What the server behind speaks. */
  readonly revision: Revisions.Version
}

export const of = (name: string, error: McpClient.CallError, asked: Asked): McpError.McpError =>
  error._tag === "McpError" ? passedOn(error, asked) : explain(name, error)

/** Codes that mean something else, or nothing, in the other era. */
const ofOneEra: ReadonlySet<number> = new Set([-32002, -32020, -32021, -32022])

/** As it was sent, code, message and data. It is a reason of ours where that says the very same. */
const passedOn = (
  error: McpError.McpError,
  { method, params, request, revision }: Asked
): McpError.McpError => {
  const { reason } = error
  if (reason._tag !== "Other") return error
  const { era } = request.revision
  if (method === "resources/read" && isNotFound(reason) && Revisions.select(revision)?.era !== era) {
    return McpError.make(new McpError.ResourceNotFound({ uri: String(params.uri) }))
  }
  // The stateful era has no code for it, and says it in the data.
  if (era === "Stateless" && reason.code === -32602) {
    const required = JsonRpc.isObject(reason.data as JsonRpc.Json)
      ? (reason.data as JsonRpc.JsonObject).requiredCapabilities
      : undefined
    if (JsonRpc.isObject(required)) {
      return McpError.make(new McpError.MissingCapability({ message: reason.message, required }))
    }
  }
  // Whom the server behind lets in is not what this client can do something about.
  if (reason.code === 401 || reason.code === 403) return error
  const object: JsonRpc.ErrorObject = {
    code: reason.code,
    message: reason.message,
    ...(reason.data === undefined ? undefined : { data: reason.data as JsonRpc.Json })
  }
  const known = McpError.fromObject(object)
  return ofOneEra.has(reason.code) || Equal.equals(McpError.toObject(known, era), object) ? known : error
}

/** Both eras say it with a code of their own. */
const isNotFound = ({ code, data }: McpError.Other): boolean =>
  code === -32002 || code === -32602 && typeof data === "object" && data !== null && "uri" in data

/** A gateway's own word: the server behind it did not do what it should. */
const badGateway = 502

export const explain = (name: string, error: McpClientError.McpClientError): McpError.McpError => {
  const { reason } = error
  switch (reason._tag) {
    case "Transport":
      return isAway(reason.error) ? unavailable(name) : bad(
        `The server ${quoted(name)} behind this one could not be asked: ${reason.error.reason._tag}.`
      )
    case "Closed":
    case "NegotiationFailed":
      return unavailable(name)
    case "Timeout":
      return McpError.make(new McpError.DeadlineExceeded())
    case "OutcomeUnknown":
      return bad(
        `The connection to the server ${
          quoted(name)
        } behind this one was lost; whether it has done ${reason.method} is unknown, so it was not sent again.`
      )
    case "TaskCancelled":
      return McpError.make(new McpError.Cancelled({ reason: "User" }))
    default:
      return bad(`The server ${quoted(name)} behind this one did not keep to the protocol: ${error.message}`)
  }
}

const isAway = ({ isRetryable, reason }: TransportError.TransportError): boolean =>
  isRetryable || ["Closed", "Lost", "Exited", "Unreachable", "SessionEnded"].includes(reason._tag)

export const unavailable = (name: string): McpError.McpError =>
  McpError.make(
    new McpError.Overloaded({
      message: `The server ${quoted(name)} behind this one cannot be reached just now; try again later.`
    })
  )

export const bad = (message: string): McpError.McpError =>
  McpError.make(new McpError.Other({ code: badGateway, message }))

const quoted = (name: string): string => JSON.stringify(name)
