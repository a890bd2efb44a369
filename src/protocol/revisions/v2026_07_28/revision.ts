import * as McpSchema from "../../McpSchema.ts"
import type * as Revision from "../../Revision.ts"
import * as wire from "./wire.ts"

const same = <A>(value: A): A => value

export const v2026_07_28: Revision.Revision = {
  version: "2026-07-28",
  era: "Stateless",
  batches: false,
  polls: false,
  requests: {
    "server/discover": { params: McpSchema.EmptyParams, result: McpSchema.DiscoverResult, project: wire.cacheable },
    "tools/list": { params: McpSchema.ListParams, result: McpSchema.ListToolsResult, project: wire.listToolsResult },
    "tools/call": { params: McpSchema.CallToolParams, result: McpSchema.CallToolResult, project: wire.result },
    "prompts/list": { params: McpSchema.ListParams, result: McpSchema.ListPromptsResult, project: wire.cacheable },
    "prompts/get": { params: McpSchema.GetPromptParams, result: McpSchema.GetPromptResult, project: wire.result },
    "resources/list": { params: McpSchema.ListParams, result: McpSchema.ListResourcesResult, project: wire.cacheable },
    "resources/templates/list": {
      params: McpSchema.ListParams,
      result: McpSchema.ListResourceTemplatesResult,
      project: wire.cacheable
    },
    "resources/read": {
      params: McpSchema.ReadResourceParams,
      result: McpSchema.ReadResourceResult,
      project: wire.readResourceResult
    },
    "completion/complete": { params: McpSchema.CompleteParams, result: McpSchema.CompleteResult, project: wire.result },
    "subscriptions/listen": { params: McpSchema.ListenParams, result: McpSchema.EmptyResult, project: wire.result }
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
    "notifications/resources/updated": McpSchema.ResourceUpdatedParams,
    "notifications/subscriptions/acknowledged": McpSchema.ListenParams
  },
  serverRequests: {},
  inputRequests: {
    "roots/list": { params: McpSchema.EmptyParams, project: () => ({}), result: McpSchema.ListRootsResult },
    "sampling/createMessage": {
      params: McpSchema.CreateMessageParams,
      project: wire.sampling,
      result: McpSchema.CreateMessageResult
    },
    "elicitation/create": {
      params: McpSchema.ElicitParams,
      project: wire.elicitation,
      result: McpSchema.ElicitResult
    }
  },
  clientCapabilities: same,
  projectResult: wire.extensionResult
}
