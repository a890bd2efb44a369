/** What a tool gave, as a language model of `effect/ai` reads it. */
import * as Prompt from "effect/ai/Prompt"
import type * as McpSchema from "../../protocol/McpSchema.ts"

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "file"; readonly mediaType: string; readonly data: string }

/** A tool's parameters, without what is for validators alone. */
export const parametersOf = ({ $schema: _, ...schema }: McpSchema.Tool["inputSchema"]) => schema

export const mediaOf = (mediaType: string): "image" | "audio" | undefined =>
  mediaType.startsWith("image/") ? "image" : mediaType.startsWith("audio/") ? "audio" : undefined

export const partsOf = (content: ReadonlyArray<McpSchema.ContentBlock>): ReadonlyArray<Part> =>
  content.map((block): Part => {
    switch (block.type) {
      case "text":
        return { type: "text", text: block.text }
      case "image":
      case "audio":
        return { type: "file", mediaType: block.mimeType, data: block.data }
      case "resource_link":
        return { type: "text", text: `[${block.title ?? block.name}](${block.uri})` }
      case "resource":
        return "text" in block.resource
          ? { type: "text", text: block.resource.text }
          : {
            type: "file",
            mediaType: block.resource.mimeType ?? "application/octet-stream",
            data: block.resource.blob
          }
    }
  })

/** The words of it. */
export const textOf = (content: ReadonlyArray<McpSchema.ContentBlock>): string =>
  partsOf(content).flatMap((part) => part.type === "text" ? [part.text] : []).join("\n")

/** As parts of a prompt. */
export const modelOutputOf = (
  content: ReadonlyArray<McpSchema.ContentBlock>
): ReadonlyArray<Prompt.ToolModelOutputPart> =>
  partsOf(content).map((part) => part.type === "text" ? Prompt.makePart("text", part) : Prompt.makePart("file", part))
