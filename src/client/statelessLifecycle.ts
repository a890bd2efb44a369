/**
 * The stateless era: each request brings its version, who asks and what they can do in `_meta`, and over HTTP mirrors
 * what it is about into headers.
 */
import * as HeaderValue from "../protocol/HeaderValue.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as Meta from "../protocol/Meta.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as lifecycle from "./lifecycle.ts"

export const make = (
  revision: Revision.Revision,
  server: lifecycle.Server,
  self: lifecycle.Self
): lifecycle.Lifecycle => {
  const { version } = revision
  const envelope: JsonRpc.JsonObject = {
    [Meta.protocolVersion]: version,
    [Meta.clientInfo]: self.info as unknown as JsonRpc.JsonObject,
    [Meta.clientCapabilities]: self.capabilities(revision) as unknown as JsonRpc.JsonObject,
    ...(self.logLevel === undefined ? undefined : { [Meta.logLevel]: self.logLevel })
  }
  const envelopeOf = ({ capabilities, info }: lifecycle.Caller): JsonRpc.JsonObject => ({
    ...envelope,
    ...(info === undefined ? undefined : { [Meta.clientInfo]: info as unknown as JsonRpc.JsonObject }),
    [Meta.clientCapabilities]: {
      ...envelope[Meta.clientCapabilities] as JsonRpc.JsonObject,
      ...capabilities as JsonRpc.JsonObject
    }
  })
  /** What `_meta` holds without being told. */
  const ours = new Set([...Object.keys(envelope), ...lifecycle.ofAny])
  // It is the same text in every request of one caller.
  const text = JsonRpc.members(envelope)
  const texts = new WeakMap<lifecycle.Caller, string>()
  const textOf = (caller: lifecycle.Caller): string => {
    let text = texts.get(caller)
    if (text === undefined) texts.set(caller, text = JsonRpc.members(envelopeOf(caller)))
    return text
  }
  return {
    revision,
    server,
    encode: (id, call, progressToken, span, hasHeaders) => {
      const { caller, method, params } = call
      const trace = span === undefined || span.traceId === "noop" ? undefined : span
      return {
        frame: lifecycle.isApart(call, ours)
          ? lifecycle.frame(id, call, caller === undefined ? text : textOf(caller), trace, progressToken)
          : JsonRpc.encodeRequest(id, method, {
            ...params,
            _meta: {
              ...caller === undefined ? envelope : envelopeOf(caller),
              ...lifecycle.metaOf(call, progressToken, trace && Tracing.inject(trace))
            }
          }),
        id,
        method,
        version,
        ...(hasHeaders ? { headers: headersOf(call, self) } : undefined)
      }
    }
  }
}

const headersOf = (call: Parameters<lifecycle.Self["mirror"]>[0], self: lifecycle.Self) => {
  const name = nameOf(call.method, call.params)
  return {
    "mcp-method": call.method,
    ...(name === undefined ? undefined : { "mcp-name": HeaderValue.encode(name) }),
    ...self.mirror(call)
  }
}

/** What a request is about, by the method's own word for it. */
const nameOf = (method: string, params: JsonRpc.JsonObject): string | undefined => {
  const name = method === "resources/read"
    ? params.uri
    : method === "tools/call" || method === "prompts/get"
    ? params.name
    : undefined
  return typeof name === "string" ? name : undefined
}
