/**
 * Blocks of content, for tools whose success is `Tool.Result`, and for prompts. Data is given as bytes or in base64;
 * `Media` takes it from data URLs, files and the web.
 */
import * as Base64 from "effect/encoding/Base64"
import type * as McpSchema from "../protocol/McpSchema.ts"

/** Audience, priority and the like, for any block. @category models @since 0.1.0 */
export interface Options {
  readonly annotations?: typeof McpSchema.Annotations.Type
  readonly _meta?: { readonly [key: string]: unknown }
}

/** Bytes, or the same in base64. @category models @since 0.1.0 */
export type Data = Uint8Array | string

/** @category constructors @since 0.1.0 */
export const text = (text: string, options?: Options): typeof McpSchema.TextContent.Type => ({
  type: "text",
  text,
  ...options
})

/** @category constructors @since 0.1.0 */
export const image = (data: Data, mimeType: string, options?: Options): typeof McpSchema.ImageContent.Type => ({
  type: "image",
  data: base64(data),
  mimeType,
  ...options
})

/** Peers from 2025-03-26 know it. @category constructors @since 0.1.0 */
export const audio = (data: Data, mimeType: string, options?: Options): typeof McpSchema.AudioContent.Type => ({
  type: "audio",
  data: base64(data),
  mimeType,
  ...options
})

/** What a resource holds: text, or data. @category models @since 0.1.0 */
export type ResourceContents =
  & { readonly uri: string; readonly mimeType?: string; readonly _meta?: { readonly [key: string]: unknown } }
  & ({ readonly text: string } | { readonly blob: Data })

/** A resource's contents inside the result. @category constructors @since 0.1.0 */
export const resource = (
  contents: ResourceContents,
  options?: Options
): typeof McpSchema.EmbeddedResource.Type => ({
  type: "resource",
  resource: "blob" in contents ? { ...contents, blob: base64(contents.blob) } : contents,
  ...options
})

/** A resource to read if it is wanted. Peers from 2025-06-18 know it. @category constructors @since 0.1.0 */
export const resourceLink = (
  link: Omit<typeof McpSchema.ResourceLink.Type, "type">
): typeof McpSchema.ResourceLink.Type => ({ type: "resource_link", ...link })

/** The result made of these blocks. @category constructors @since 0.1.0 */
export const result = (...content: ReadonlyArray<McpSchema.ContentBlock>): McpSchema.CallToolResult => ({ content })

const base64 = (data: Data): string => typeof data === "string" ? data : Base64.encode(data)
