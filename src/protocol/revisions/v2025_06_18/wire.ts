/** What 2025-06-18 added: titles, `_meta` everywhere, structured content, links to resources, elicitation of forms. */
import type * as stateful from "../stateful.ts"
import * as before from "../v2025_03_26/wire.ts"

const { audio = [], image, resource, text } = before.wire.content

export const wire: stateful.Wire = {
  ...before.wire,
  implementation: [...before.wire.implementation, "title"],
  clientCapabilities: [...before.wire.clientCapabilities, "elicitation"],
  tool: [...before.wire.tool, "title", "outputSchema", "_meta"],
  callToolResult: [...before.wire.callToolResult, "structuredContent"],
  prompt: [...before.wire.prompt, "title", "_meta"],
  promptArgument: [...before.wire.promptArgument, "title"],
  resource: [...before.wire.resource, "title", "_meta"],
  resourceTemplate: [...before.wire.resourceTemplate, "title", "_meta"],
  resourceContents: [...before.wire.resourceContents, "_meta"],
  annotations: [...before.wire.annotations, "lastModified"],
  content: {
    text: [...text, "_meta"],
    image: [...image, "_meta"],
    audio: [...audio, "_meta"],
    resource: [...resource, "_meta"],
    resource_link: ["type", ...before.wire.resource, "title", "_meta"]
  }
}
