/**
 * The stateless era: each request brings its version, identity and capabilities in `_meta`, and over HTTP mirrors some
 * of them into headers that must agree.
 */
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import * as HeaderValue from "../protocol/HeaderValue.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as lifecycle from "./lifecycle.ts"

export interface StatelessLifecycle {
  readonly admit: (
    request: JsonRpc.Request,
    header: Receiver.Exchange["header"]
  ) => lifecycle.RequestScope | McpError.McpError
}

/** `mirroredName` tells what a method's `Mcp-Name` header must equal. */
export const make = (options: {
  readonly mirroredName: (request: JsonRpc.Request) => string | undefined
}): StatelessLifecycle => {
  const decoders = makeDecoders()
  return {
    admit: (request, header) => {
      const meta = lifecycle.metaOf(request.params)
      const version = meta[Meta.protocolVersion]
      if (typeof version !== "string") return missing(Meta.protocolVersion)
      const mismatch = header === undefined
        ? undefined
        : checkHeaders(header, request.method, version, options.mirroredName(request))
      if (mismatch !== undefined) return mismatch
      const revision = Revisions.select(version)
      if (revision === undefined || revision.era !== "Stateless") {
        return McpError.make(
          new McpError.UnsupportedVersion({ requested: version, supported: Revisions.versions })
        )
      }
      const capabilities = decoders().capabilities(meta[Meta.clientCapabilities])
      if (Exit.isFailure(capabilities)) return missing(Meta.clientCapabilities)
      const info = meta[Meta.clientInfo]
      const clientInfo = info === undefined ? undefined : decoders().clientInfo(info)
      if (clientInfo !== undefined && Exit.isFailure(clientInfo)) return malformed(Meta.clientInfo)
      const level = meta[Meta.logLevel]
      const logLevel = level === undefined ? undefined : decoders().logLevel(level)
      if (logLevel !== undefined && Exit.isFailure(logLevel)) return malformed(Meta.logLevel)
      return {
        revision,
        client: { info: clientInfo?.value, capabilities: capabilities.value },
        meta,
        logLevel: () => logLevel?.value,
        wantsLogs: () => logLevel !== undefined,
        session: undefined
      }
    }
  }
}

const checkHeaders = (
  header: NonNullable<Receiver.Exchange["header"]>,
  method: string,
  version: string,
  name: string | undefined
): McpError.McpError | undefined =>
  checkHeader(header, "MCP-Protocol-Version", version)
    ?? checkHeader(header, "Mcp-Method", method)
    ?? (name === undefined ? undefined : checkHeader(header, "Mcp-Name", name))

const checkHeader = (
  header: NonNullable<Receiver.Exchange["header"]>,
  name: string,
  expected: string
): McpError.McpError | undefined => {
  const value = header(name.toLowerCase())
  if (value === undefined) return mismatch(`The ${name} header is missing; the body says ${JSON.stringify(expected)}.`)
  return HeaderValue.decode(value) === expected
    ? undefined
    : mismatch(`The ${name} header does not equal the body's ${JSON.stringify(expected)}.`)
}

const mismatch = (message: string) => McpError.make(new McpError.HeaderMismatch({ message }))

const missing = (key: string) =>
  McpError.make(
    new McpError.InvalidEnvelope({ message: `params._meta lacks ${JSON.stringify(key)}, or has it wrong.` })
  )

const malformed = (key: string) =>
  McpError.make(new McpError.InvalidEnvelope({ message: `params._meta[${JSON.stringify(key)}] is malformed.` }))

/** On first use, so that an entry point can still turn the schema compiler on. */
const makeDecoders = () => {
  let decoders: ReturnType<typeof compile> | undefined
  return () => decoders ??= compile()
}

const compile = () => ({
  capabilities: SchemaParser.decodeUnknownExit(McpSchema.ClientCapabilities),
  clientInfo: SchemaParser.decodeUnknownExit(McpSchema.Implementation),
  logLevel: SchemaParser.decodeUnknownExit(McpSchema.LoggingLevel)
})
