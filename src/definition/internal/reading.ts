/**
 * From what a resource's handler succeeds with to the contents a client gets.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as SchemaParser from "effect/SchemaParser"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Definition from "../Definition.ts"
import type * as DefinitionError from "../DefinitionError.ts"
import type * as Resource from "../Resource.ts"
import { invalidOutput } from "./issues.ts"
import * as jsonSchema from "./jsonSchema.ts"

/** How a success becomes contents, compiled on first use. */
export interface Reading {
  /** Of contents that say nothing else. */
  readonly mimeType: string | undefined
  readonly encode: (success: unknown) => Result.Result<Resource.Result, DefinitionError.DefinitionError>
}

export const make = (
  success: Resource.Codec,
  { isServed, name }: { readonly isServed: boolean; readonly name: string }
): Reading => {
  const isText = !isServed && jsonSchema.toolOutput(success).type === "string"
  const encode = SchemaParser.encodeUnknownExit(isServed ? success : jsonSchema.codec(success))
  const write = isServed ? writeServed : isText ? writeText : writeJson
  return {
    mimeType: isServed ? undefined : isText ? "text/plain" : "application/json",
    encode: (value) => {
      const encoded = encode(value)
      return Exit.isSuccess(encoded)
        ? Result.succeed(write(encoded.value))
        : Result.fail(invalidOutput(name, encoded.cause))
    }
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
      const encoded = reading.encode(success)
      if (Result.isFailure(encoded)) return Effect.die(encoded.failure)
      const { contents, ...rest } = encoded.success
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
    }
  })

const base64 = (blob: string | Uint8Array) => typeof blob === "string" ? blob : Base64.encode(blob)

const notFound = (uri: string) => Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri })))
