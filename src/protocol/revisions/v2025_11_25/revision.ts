import * as McpSchema from "../../McpSchema.ts"
import type * as Revision from "../../Revision.ts"
import * as stateful from "../stateful.ts"
import * as wire from "./wire.ts"

const same = <A>(value: A): A => value

export const v2025_11_25: Revision.Revision = {
  version: "2025-11-25",
  era: "Stateful",
  batches: false,
  polls: true,
  requests: {
    ...stateful.requests(wire.wire),
    "tools/call": {
      params: McpSchema.CallToolAsTaskParams,
      result: McpSchema.CallToolResult,
      project: wire.callToolResult
    }
  },
  notifications: stateful.notifications,
  serverNotifications: {
    ...stateful.serverNotifications,
    "notifications/elicitation/complete": McpSchema.ElicitationCompleteParams
  },
  serverRequests: {
    ...stateful.serverRequests(wire.sampling),
    "elicitation/create": { params: McpSchema.ElicitParams, project: same, result: McpSchema.ElicitResult }
  },
  inputRequests: {},
  clientCapabilities: same,
  projectResult: stateful.extensionResult
}
