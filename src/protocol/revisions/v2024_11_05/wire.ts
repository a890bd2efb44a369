/** What peers of 2024-11-05 know of each type. */
import type * as stateful from "../stateful.ts"

const block = ["type", "annotations"] as const

export const wire: stateful.Wire = {
  implementation: ["name", "version"],
  clientCapabilities: ["experimental", "roots", "sampling", "extensions"],
  // Extensions are carried by every revision that has a handshake, for peers that know them.
  serverCapabilities: ["experimental", "logging", "prompts", "resources", "tools", "extensions"],
  tool: ["name", "description", "inputSchema"],
  callToolResult: ["content", "isError", "_meta"],
  prompt: ["name", "description", "arguments"],
  promptArgument: ["name", "description", "required"],
  resource: ["uri", "name", "description", "mimeType", "size", "annotations"],
  resourceTemplate: ["uriTemplate", "name", "description", "mimeType", "annotations"],
  resourceContents: ["uri", "mimeType", "text", "blob"],
  annotations: ["audience", "priority"],
  content: {
    text: [...block, "text"],
    image: [...block, "data", "mimeType"],
    resource: [...block, "resource"]
  },
  progress: ["progressToken", "progress", "total"]
}
