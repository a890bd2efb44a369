/**
 * From what a resource's handler succeeds with to the contents a client gets.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Definition from "../Definition.ts"
import type * as DefinitionError from "../DefinitionError.ts"
import type * as Resource from "../Resource.ts"
import { invalidOutput } from "./issues.ts"
import * as jsonCodec from "./jsonCodec.ts"
import * as jsonSchema from "./jsonSchema.ts"
import { fault, settle } from "./parsing.ts"

/** How a success becomes contents, compiled on first use. */
export interface Reading {
  /** Of contents that say nothing else. */
  readonly mimeType: string | undefined
  readonly encode: (success: unknown) => Effect.Effect<Resource.Result, DefinitionError.DefinitionError>
}

export const make = (
  success: Resource.Codec,
  { isServed, name }: { readonly isServed: boolean; readonly name: string }
): Reading => {
  const isText = !isServed && jsonSchema.toolOutput(success).type === "string"
  const encode = SchemaParser.encodeUnknownEffect(isServed ? success : jsonCodec.codec(success))
  const write = isServed ? writeServed : isText ? writeText : writeJson
  return {
    mimeType: isServed ? undefined : isText ? "text/plain" : "application/json",
    encode: (value) =>
      settle(encode(value), (encoded) =>
        Exit.isSuccess(encoded)
          ? Exit.succeed(write(encoded.value))
          : fault(name, encoded.cause, invalidOutput))
  }
}

const writeText = (encoded: unknown): Resource.Result => ({ contents: [{ text: encoded as string }] })

const writeJson = (encoded: unknown): Resource.Result => writeText(JSON.stringify(encoded))

const writeServed = (encoded: unknown): Resource.Result =>
  typeof encoded === "string"
    ? writeText(encoded)
    : encoded instanceof Uint8Array
    ? { contents: [{ blob: encoded }] }
    : encoded as Resource.Result

/** Runs a handler to its contents; nothing, and no contents, is no resource. */
export const respond = <R>(
  definition: {
    readonly mimeType: string | undefined
    readonly cache: McpSchema.CacheHints | undefined
    readonly wire: () => Reading
  },
  uri: string,
  handler: Effect.Effect<unknown, Definition.HandlerError, R>
): Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError, R> =>
  Effect.matchEffect(handler, {
    onFailure: (error) => Effect.fail(Definition.refusal(error)),
    onSuccess: (success) => {
      const reading = definition.wire()
      if (success === undefined || success === null) return notFound(uri)
      return settle(reading.encode(success), (encoded) => {
        if (Exit.isFailure(encoded)) return Effect.orDie(encoded as Exit.Exit<never, DefinitionError.DefinitionError>)
        const { contents, ...rest } = encoded.value
        if (contents.length === 0) return notFound(uri)
        const mimeType = definition.mimeType ?? reading.mimeType
        const common = { uri, ...(mimeType === undefined ? undefined : { mimeType }) }
        return Effect.succeed({
          ...rest,
          contents: contents.map((content): McpSchema.ResourceContents =>
            "text" in content ? { ...common, ...content } : { ...common, ...content, blob: base64(content.blob) }
          ),
          ...(definition.cache === undefined ? undefined : { cacheHints: definition.cache })
        })
      })
    }
  })

const base64 = (blob: string | Uint8Array) => typeof blob === "string" ? blob : Base64.encode(blob)

const notFound = (uri: string) => Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri })))
