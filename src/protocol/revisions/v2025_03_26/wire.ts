/** What 2025-03-26 added: audio, annotations of tools, a message with progress, completion as a capability. */
import type * as stateful from "../stateful.ts"
import * as before from "../v2024_11_05/wire.ts"

export const wire: stateful.Wire = {
  ...before.wire,
  serverCapabilities: [...before.wire.serverCapabilities, "completions"],
  tool: [...before.wire.tool, "annotations"],
  content: { ...before.wire.content, audio: before.wire.content.image },
  progress: [...before.wire.progress, "message"]
}
