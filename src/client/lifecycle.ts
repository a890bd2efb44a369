/** What the two eras are to a client: how a request is put, and what is known of the server that gets it. */
import type * as Tracer from "effect/Tracer"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
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
