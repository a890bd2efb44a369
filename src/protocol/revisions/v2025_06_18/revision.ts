import * as McpSchema from "../../McpSchema.ts"
import type * as Revision from "../../Revision.ts"
import * as stateful from "../stateful.ts"
import * as form from "./form.ts"
import { wire } from "./wire.ts"

export const v2025_06_18: Revision.Revision = {
  version: "2025-06-18",
  era: "Stateful",
  batches: false,
  polls: false,
  requests: stateful.requests(wire),
  notifications: stateful.notifications,
  serverNotifications: stateful.serverNotifications,
  serverRequests: {
    ...stateful.serverRequests(stateful.plainSampling(wire)),
    "elicitation/create": {
      params: McpSchema.ElicitParams,
      project: form.project,
      result: McpSchema.ElicitResult,
      lift: form.lift
    }
  },
  inputRequests: {},
  clientCapabilities: stateful.wholeCapabilities(wire),
  projectResult: stateful.extensionResult
}
