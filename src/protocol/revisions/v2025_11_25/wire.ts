/** The wire of 2025-11-25, where it differs from the model. */
import type * as McpSchema from "../../McpSchema.ts"

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `outputSchema` and `structuredContent` are objects in this revision. */
export const tool = (tool: McpSchema.Tool): McpSchema.Tool => {
  if (tool.outputSchema === undefined || tool.outputSchema.type === "object") return tool
  const { outputSchema: _, ...rest } = tool
  return rest
}

export const callToolResult = (result: McpSchema.CallToolResult): object => {
  if (result.structuredContent === undefined || isObject(result.structuredContent)) return result
  const { structuredContent: _, ...rest } = result
  return rest
}
