/** What a client remembers of the tools it was shown: what to mirror, what may be repeated, what to check. */
import * as Effect from "effect/Effect"
import * as SchemaParser from "effect/SchemaParser"
import * as ToolSchema from "../../definition/ToolSchema.ts"
import * as HeaderValue from "../../protocol/HeaderValue.ts"
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import * as JsonSchema from "../../protocol/JsonSchema.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"

type Headers = { readonly [name: string]: string }

export interface KnownTools {
  /** Takes a list in; over HTTP from 2026-07-28 tools that cannot be called are dropped, each with why. */
  readonly learn: (
    listed: ReadonlyArray<McpSchema.Tool>,
    isStateless: boolean
  ) => { readonly kept: ReadonlyArray<McpSchema.Tool>; readonly dropped: ReadonlyArray<string> }
  readonly get: (name: string) => McpSchema.Tool | undefined
  /** The headers that mirror the arguments of a call. */
  readonly mirror: (params: JsonObject) => Headers | undefined
  readonly isIdempotent: (name: unknown) => boolean
  readonly hasOutputSchema: (name: string) => boolean
  /** Fails with what is wrong, in words. */
  readonly checkOutput: (name: string, result: JsonObject) => Effect.Effect<void, string>
}

interface Known {
  readonly tool: McpSchema.Tool
  readonly headers: ReadonlyArray<JsonSchema.HeaderParameter>
  check: ((value: unknown) => Effect.Effect<unknown, unknown>) | undefined
}

export const make = (hasHeaders: boolean): KnownTools => {
  let known = new Map<string, Known>()
  return {
    learn: (listed, isStateless) => {
      const next = new Map<string, Known>()
      const kept: Array<McpSchema.Tool> = []
      const dropped: Array<string> = []
      for (const tool of listed) {
        // A list that nobody has looked at may hold anything.
        const listing: unknown = tool
        if (!isObject(listing)) {
          kept.push(tool)
          continue
        }
        const headers = hasHeaders && isStateless && isObject(tool.inputSchema as Json)
          ? JsonSchema.headerParameters(tool.inputSchema as JsonObject)
          : noHeaders
        if (typeof headers === "string") {
          dropped.push(`${tool.name}: ${headers}`)
          continue
        }
        kept.push(tool)
        next.set(tool.name, { tool, headers, check: undefined })
      }
      known = next
      return { kept: dropped.length === 0 ? listed : kept, dropped }
    },
    get: (name) => known.get(name)?.tool,
    mirror: (params) => {
      const tool = known.get(params.name as string)
      if (tool === undefined || tool.headers.length === 0) return undefined
      const headers: Record<string, string> = {}
      for (const { header, path } of tool.headers) {
        const value = JsonSchema.valueAt(params.arguments as Json | undefined, path)
        if (value === undefined || value === null || typeof value === "object") continue
        headers[`mcp-param-${header.toLowerCase()}`] = HeaderValue.encode(String(value))
      }
      return headers
    },
    isIdempotent: (name) => {
      const annotations = known.get(name as string)?.tool.annotations
      return annotations?.readOnlyHint === true || annotations?.idempotentHint === true
    },
    hasOutputSchema: (name) => known.get(name)?.tool.outputSchema !== undefined,
    checkOutput: (name, { isError, structuredContent }) =>
      Effect.suspend(() => {
        const tool = known.get(name)
        if (tool?.tool.outputSchema === undefined || isError === true) return Effect.void
        const check = tool.check ??= SchemaParser.decodeUnknownEffect(
          ToolSchema.fromListed<unknown>(`the tool ${name}`, tool.tool.outputSchema as JsonObject)
        )
        return Effect.mapError(
          Effect.asVoid(check(structuredContent)),
          (issue) => `its structured content does not fit the tool's output schema: ${String(issue)}`
        )
      })
  }
}

const noHeaders: ReadonlyArray<JsonSchema.HeaderParameter> = []

/** What an extension's method mirrors. */
export const mirrorName = (name: string): Headers => ({ "mcp-name": HeaderValue.encode(name) })
