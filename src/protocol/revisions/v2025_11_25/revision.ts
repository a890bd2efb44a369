import * as McpSchema from "../../McpSchema.ts"
import type * as Revision from "../../Revision.ts"
import * as wire from "./wire.ts"

const same = (result: object): object => result

export const v2025_11_25: Revision.Revision = {
  version: "2025-11-25",
  era: "Stateful",
  requests: {
    "initialize": { params: McpSchema.InitializeParams, project: same },
    "ping": { params: McpSchema.EmptyParams, project: same },
    "logging/setLevel": { params: McpSchema.SetLevelParams, project: same },
    "tools/list": {
      params: McpSchema.ListParams,
      project: (result: McpSchema.ListToolsResult) => ({ ...result, tools: result.tools.map(wire.tool) })
    },
    "tools/call": { params: McpSchema.CallToolParams, project: wire.callToolResult }
  },
  notifications: {
    "notifications/initialized": McpSchema.EmptyParams,
    "notifications/cancelled": McpSchema.CancelledParams,
    "notifications/progress": McpSchema.ProgressParams,
    "notifications/roots/list_changed": McpSchema.EmptyParams
  },
  serverNotifications: {
    "notifications/cancelled": McpSchema.CancelledParams,
    "notifications/progress": McpSchema.ProgressParams,
    "notifications/message": McpSchema.LoggingMessageParams,
    "notifications/tools/list_changed": McpSchema.EmptyParams
  },
  projectResult: same
}
