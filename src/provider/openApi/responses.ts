/** What the API answered, as the result of a tool or the contents of a resource. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Content from "../../definition/Content.ts"
import type * as DefinitionError from "../../definition/DefinitionError.ts"
import type * as Resource from "../../definition/Resource.ts"
import * as Tool from "../../definition/Tool.ts"
import * as ToolSchema from "../../definition/ToolSchema.ts"
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as OpenApiFailure from "../OpenApiFailure.ts"
import type { Answer } from "./calling.ts"
import { isJsonType, type Operation } from "./operations.ts"
import type { Schemas } from "./schemas.ts"

// ----------------------------------------------------------------------------
// what is listed
// ----------------------------------------------------------------------------

/** The schema of what comes back where that is JSON in any case that the document knows. */
export const schemaOf = (schemas: Schemas, { responses }: Operation): JsonObject | undefined => {
  const successes = responses.filter(({ status }) => status.startsWith("2"))
  const answers = successes.length > 0 ? successes : responses.filter(({ status }) => status === "default")
  const found = new Map<string, Json>()
  for (const { content } of answers) {
    const json = content.find(([type]) => isJsonType(type))
    if (json === undefined || json[1] === undefined) return undefined
    found.set(JSON.stringify(json[1]), json[1])
  }
  const distinct = [...found.values()]
  return distinct.length === 0
    ? undefined
    : schemas.list(distinct.length === 1 ? distinct[0] : { anyOf: distinct }, "output")
}

/**
 * The schema as a description that nothing can fail: APIs answer with more, with less and with null, and a client that
 * checks would throw the answer away.
 */
export const described = (schema: JsonObject): JsonObject => {
  const { $defs, ...root } = schema
  return {
    ...(isOfObject(schema) ? { type: "object" } : undefined),
    anyOf: [root, {}],
    ...($defs === undefined ? undefined : { $defs })
  }
}

/** Whether what it describes is an object, which older clients want. */
export const isOfObject = (schema: JsonObject): boolean => {
  let root: Json | undefined = schema
  for (let depth = 0; depth < 10 && isObject(root); depth++) {
    if (root.type !== undefined || root.properties !== undefined) break
    const name: string | undefined = typeof root.$ref === "string" ? root.$ref.split("/").at(-1) : undefined
    if (name === undefined) break
    root = isObject(schema.$defs) ? schema.$defs[name] : undefined
  }
  return isObject(root) && (root.type === "object" || (root.type === undefined && root.properties !== undefined))
}

// ----------------------------------------------------------------------------
// what comes back
// ----------------------------------------------------------------------------

export interface Outputs {
  readonly mode: "described" | "checked" | "none"
  readonly schema: JsonObject | undefined
  /** Checks a value, where that is wanted. */
  readonly check: ((value: Json) => Effect.Effect<unknown, DefinitionError.DefinitionError>) | undefined
}

export const outputs = (name: string, mode: Outputs["mode"], schema: JsonObject | undefined): Outputs => {
  if (schema === undefined || mode === "none") return { mode, schema: undefined, check: undefined }
  if (mode === "described") return { mode, schema: described(schema), check: undefined }
  // A tool's parameters are checked, so the value stands among some.
  const { $defs, ...root } = schema
  const checker = Tool.make(name, {
    parameters: ToolSchema.fromJsonSchema({
      type: "object",
      properties: { value: root },
      ...($defs === undefined ? undefined : { $defs })
    })
  })
  return { mode, schema, check: (value) => Tool.decodeParameters(checker, { value }) }
}

export const textOf = ({ bytes, mediaType }: Answer): string => {
  const charset = /charset="?([^\s;"]+)/iu.exec(mediaType ?? "")?.[1] ?? "utf-8"
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

const typeOf = ({ mediaType }: Answer): string | undefined => mediaType?.split(";")[0]!.trim().toLowerCase()

const isText = (type: string): boolean =>
  /^text\/|^application\/(?:json|xml|javascript|x-ndjson|ndjson|yaml|x-yaml|graphql|sql|x-www-form-urlencoded)$|\+(?:json|xml|yaml)$/u
    .test(type)

const parsed = (text: string): Json | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const toResult = (
  name: string,
  answer: Answer,
  { check, schema }: Outputs
): Effect.Effect<McpSchema.CallToolResult, OpenApiFailure.OpenApiFailure> => {
  const { bytes, location, status } = answer
  const type = typeOf(answer)
  if (location !== undefined) {
    return Effect.succeed(filled(schema, Content.result(Content.resourceLink({ uri: location, name }))))
  }
  if (bytes.length === 0) {
    const result = filled(schema, Content.result(Content.text(`Status ${status}, and nothing else`)))
    return check === undefined ? Effect.succeed(result) : checked(check, status, null, result)
  }
  if (type === undefined || isText(type)) {
    const text = textOf(answer)
    const value = type === undefined || isJsonType(type) ? parsed(text) : undefined
    if (value === undefined) {
      const result = filled(schema, Content.result(Content.text(text)))
      return check === undefined ? Effect.succeed(result) : checked(check, status, text, result)
    }
    const result = {
      // Numbers too large for JavaScript are right in the text at least.
      content: [Content.text(/\d{16}/u.test(text) ? text : JSON.stringify(value))],
      structuredContent: schema?.type === "object" && !isObject(value) ? { result: value } : value
    }
    return check === undefined ? Effect.succeed(result) : checked(check, status, value, result)
  }
  return Effect.succeed(filled(
    schema,
    Content.result(
      type.startsWith("image/")
        ? Content.image(bytes, type)
        : type.startsWith("audio/")
        ? Content.audio(bytes, type)
        : Content.resource({ uri: `openapi:///${name}`, mimeType: type, blob: bytes })
    )
  ))
}

/** Who lists a schema owes a structure. */
const filled = (schema: JsonObject | undefined, result: McpSchema.CallToolResult): McpSchema.CallToolResult =>
  schema === undefined ? result : { ...result, structuredContent: schema.type === "object" ? {} : null }

const checked = (
  check: NonNullable<Outputs["check"]>,
  status: number,
  body: Json,
  result: McpSchema.CallToolResult
): Effect.Effect<McpSchema.CallToolResult, OpenApiFailure.OpenApiFailure> =>
  Effect.matchEffect(check(body), {
    onSuccess: () => Effect.succeed(result),
    onFailure: ({ reason }) =>
      reason._tag === "InvalidInput"
        ? Effect.fail(OpenApiFailure.make(
          new OpenApiFailure.Unexpected({
            status,
            issues: reason.issues.map(({ message, path }) => ({ message, path: path.slice(1) })),
            body
          })
        ))
        : Exit.die(reason)
  })

/** The contents of the resource that was read. */
export const toContents = (answer: Answer): Resource.Served => {
  const type = typeOf(answer)
  const named = type === undefined ? {} : { mimeType: type }
  return {
    contents: [
      answer.location !== undefined
        ? { mimeType: "text/uri-list", text: answer.location }
        : type === undefined || isText(type)
        ? { ...named, text: textOf(answer) }
        : { ...named, blob: answer.bytes }
    ]
  }
}
