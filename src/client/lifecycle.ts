/** What the two eras are to a client: how a request is put, and what is known of the server that gets it. */
import type * as Tracer from "effect/Tracer"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import type * as link from "./link.ts"

/** Who the server says it is, and what it can do. */
export interface Server {
  /** The revisions it says it speaks. */
  readonly versions: ReadonlyArray<string>
  readonly info: McpSchema.Implementation | undefined
  readonly capabilities: McpSchema.ServerCapabilities
  readonly instructions: string | undefined
}

/** For whom a request is made, where requests say so: in the place of the client, with what it can do besides. */
export interface Caller {
  readonly info: McpSchema.Implementation | undefined
  readonly capabilities: McpSchema.ClientCapabilities
}

/** Who the client says it is. */
export interface Self {
  readonly info: McpSchema.Implementation
  readonly capabilities: (revision: Revision.Revision) => McpSchema.ClientCapabilities
  /** The least severe log messages it wants. */
  readonly logLevel: McpSchema.LoggingLevel | undefined
  /** Headers that mirror a request, beside those of the era itself. */
  readonly mirror: (call: link.Call) => { readonly [name: string]: string } | undefined
}

export interface Lifecycle {
  readonly revision: Revision.Revision
  readonly server: Server
  /** A request as it leaves. */
  readonly encode: (
    id: number,
    call: link.Call,
    progressToken: number | undefined,
    span: Tracer.AnySpan | undefined,
    hasHeaders: boolean
  ) => ClientTransport.Outgoing
}

export const unknownServer: Server = { versions: [], info: undefined, capabilities: {}, instructions: undefined }

/** What a request's `_meta` holds in either era; undefined when that is nothing. */
export const metaOf = (
  { meta, params }: link.Call,
  progressToken: JsonRpc.RequestId | undefined,
  trace: JsonRpc.JsonObject | undefined
): JsonRpc.JsonObject | undefined =>
  meta === undefined && progressToken === undefined && trace === undefined && params._meta === undefined
    ? undefined
    : {
      ...(params._meta as JsonRpc.JsonObject | undefined),
      ...trace,
      ...meta,
      ...(progressToken === undefined ? undefined : { progressToken })
    }

/** What `_meta` may hold of any request without being told. */
export const ofAny: ReadonlySet<string> = new Set(["traceparent", "progressToken"])

/** Whether what it wants in `_meta` can stand beside what is there anyway: none of these names is among it. */
export const isApart = ({ meta, params }: link.Call, names: ReadonlySet<string>): boolean => {
  if (params._meta !== undefined) return false
  for (const key in meta) if (names.has(key)) return false
  return true
}

/** The frame of such a request, put together of texts: that of its envelope, which may be empty, is at hand. */
export const frame = (
  id: number,
  { meta, method, params }: link.Call,
  envelope: string,
  span: Tracer.AnySpan | undefined,
  progressToken: number | undefined
): string => {
  const members = JsonRpc.members(params)
  let held = envelope
  if (span !== undefined) held = join(held, `"traceparent":${JSON.stringify(Tracing.traceparent(span))}`)
  if (meta !== undefined) held = join(held, JsonRpc.members(meta))
  if (progressToken !== undefined) held = join(held, `"progressToken":${progressToken}`)
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":{${
    held === "" ? members : join(members, `"_meta":{${held}}`)
  }}}`
}

const join = (some: string, more: string): string => some === "" ? more : more === "" ? some : `${some},${more}`
