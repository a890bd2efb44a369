import type * as Revision from "../../Revision.ts"
import * as stateful from "../stateful.ts"
import { wire } from "./wire.ts"

export const v2025_03_26: Revision.Revision = {
  version: "2025-03-26",
  era: "Stateful",
  batches: true,
  polls: false,
  requests: stateful.requests(wire),
  notifications: stateful.notifications,
  serverNotifications: stateful.serverNotifications,
  serverRequests: stateful.serverRequests(stateful.plainSampling(wire)),
  inputRequests: {},
  clientCapabilities: stateful.wholeCapabilities(wire),
  projectResult: stateful.extensionResult
}
