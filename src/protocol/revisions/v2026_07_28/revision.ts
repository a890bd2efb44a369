import * as McpSchema from "../../McpSchema.ts"
import type * as Revision from "../../Revision.ts"
import * as wire from "./wire.ts"

export const v2026_07_28: Revision.Revision = {
  version: "2026-07-28",
  era: "Stateless",
  requests: {
    "server/discover": { params: McpSchema.EmptyParams, project: wire.cacheable },
    "tools/list": { params: McpSchema.ListParams, project: wire.cacheable },
    "tools/call": { params: McpSchema.CallToolParams, project: wire.result },
    "subscriptions/listen": { params: McpSchema.ListenParams, project: wire.result }
  },
  notifications: {
    "notifications/cancelled": McpSchema.CancelledParams
  },
  serverNotifications: {
    "notifications/cancelled": McpSchema.CancelledParams,
    "notifications/progress": McpSchema.ProgressParams,
    "notifications/message": McpSchema.LoggingMessageParams,
    "notifications/tools/list_changed": McpSchema.EmptyParams,
    "notifications/prompts/list_changed": McpSchema.EmptyParams,
    "notifications/resources/list_changed": McpSchema.EmptyParams,
    "notifications/subscriptions/acknowledged": McpSchema.ListenParams
  },
  projectResult: wire.result
}
