import type * as Revision from "../../Revision.ts"
import * as stateful from "../stateful.ts"
import { wire } from "./wire.ts"

export const v2024_11_05: Revision.Revision = {
  version: "2024-11-05",
  era: "Stateful",
  batches: false,
  polls: false,
  requests: stateful.requests(wire),
  notifications: stateful.notifications,
  serverNotifications: stateful.serverNotifications,
  serverRequests: stateful.serverRequests(stateful.plainSampling(wire)),
  inputRequests: {},
  clientCapabilities: stateful.wholeCapabilities(wire),
  projectNotification: stateful.projectNotification(wire),
  projectResult: stateful.extensionResult
}
