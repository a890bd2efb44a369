/**
 * Content told as text, for peers whose revision does not know its kind. Nothing that can be said is dropped; bytes are
 * described, not quoted.
 */
import type { Json } from "../JsonRpc.ts"
import type * as McpSchema from "../McpSchema.ts"

type Kind<Type extends (McpSchema.ContentBlock | McpSchema.SamplingContent)["type"]> = Extract<
  McpSchema.ContentBlock | McpSchema.SamplingContent,
  { readonly type: Type }
>

/** Lines of what is known, one each. */
const lines = (facts: { readonly [label: string]: string | undefined }): string =>
  Object.entries(facts).flatMap(([label, fact]) => fact === undefined ? [] : [`${label}: ${fact}`]).join("\n")

const bytes = (base64: string): string =>
  `${Math.floor(base64.length * 3 / 4) - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0)} bytes`

export const media = ({ data, mimeType, type }: Kind<"audio" | "image">): string =>
  `[${type}, ${mimeType}, ${bytes(data)}, which this client's revision of MCP cannot carry]`

export const resourceLink = (link: Kind<"resource_link">): string =>
  lines({
    Resource: link.title === undefined || link.title === link.name ? link.name : `${link.title} (${link.name})`,
    URI: link.uri,
    Type: link.mimeType,
    Size: link.size === undefined ? undefined : `${link.size} bytes`,
    Description: link.description
  })

export const resource = ({ resource }: Kind<"resource">): string => {
  const head = lines({
    Resource: resource.uri,
    Type: resource.mimeType,
    Size: "blob" in resource ? `${bytes(resource.blob)}, not shown` : undefined
  })
  return "text" in resource ? `${head}\n\n${resource.text}` : head
}

export const toolUse = ({ id, input, name }: Kind<"tool_use">): string =>
  `Tool call ${id}: ${name} ${JSON.stringify(input)}`

export const toolResult = ({ isError, toolUseId }: Kind<"tool_result">): string =>
  `Tool call ${toolUseId} ${isError === true ? "failed" : "ended"} with:`

/**
 * The content, and the structured content as text after it; nothing is added where a text says it already, which it
 * should.
 */
export const structured = (
  content: ReadonlyArray<McpSchema.ContentBlock>,
  value: unknown
): ReadonlyArray<McpSchema.ContentBlock> => {
  const text = JSON.stringify(value)
  return content.some((block) => block.type === "text" && (block.text === value || isJson(block.text, text)))
    ? content
    : [...content, { type: "text", text }]
}

/** Whether a text is this JSON, however it is indented. */
const isJson = (text: string, json: string): boolean => {
  if (text === json) return true
  if (text.length < json.length || text.trimStart()[0] !== json[0]) return false
  try {
    return JSON.stringify(JSON.parse(text) as Json) === json
  } catch {
    return false
  }
}
