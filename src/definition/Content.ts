/**
 * Blocks of content, for tools whose success is `Tool.Result`.
 */
import type * as McpSchema from "../protocol/McpSchema.ts"

/** Audience, priority and the like, for any block. @category models @since 0.1.0 */
export interface Options {
  readonly annotations?: typeof McpSchema.Annotations.Type
  readonly _meta?: { readonly [key: string]: unknown }
}

/** @category constructors @since 0.1.0 */
export const text = (text: string, options?: Options): typeof McpSchema.TextContent.Type => ({
  type: "text",
  text,
  ...options
})

/** `data` is base64. @category constructors @since 0.1.0 */
export const image = (data: string, mimeType: string, options?: Options): typeof McpSchema.ImageContent.Type => ({
  type: "image",
  data,
  mimeType,
  ...options
})

/** `data` is base64. Peers from 2025-03-26 know it. @category constructors @since 0.1.0 */
export const audio = (data: string, mimeType: string, options?: Options): typeof McpSchema.AudioContent.Type => ({
  type: "audio",
  data,
  mimeType,
  ...options
})

/** A resource's contents inside the result: `text`, or `blob` in base64. @category constructors @since 0.1.0 */
export const resource = (
  resource: typeof McpSchema.EmbeddedResource.Type["resource"],
  options?: Options
): typeof McpSchema.EmbeddedResource.Type => ({ type: "resource", resource, ...options })

/** The result made of these blocks. @category constructors @since 0.1.0 */
export const result = (...content: ReadonlyArray<McpSchema.ContentBlock>): McpSchema.CallToolResult => ({ content })
