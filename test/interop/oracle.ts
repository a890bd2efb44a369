/** What the official schema of a session's revision finds wrong with what the server sent it. */
import * as official from "../protocol/official.ts"
import type * as suite from "./suite.ts"

const officials = new Map<string, official.Official>()

official.forEachRevision("what our server sends the official clients", ({ version }, schema) => {
  officials.set(version, schema)
})

export const has = (version: string): boolean => officials.has(version)

const results: { readonly [method: string]: string } = {
  "initialize": "InitializeResult",
  "server/discover": "DiscoverResult",
  "tools/list": "ListToolsResult",
  "tools/call": "CallToolResult",
  "prompts/list": "ListPromptsResult",
  "prompts/get": "GetPromptResult",
  "resources/list": "ListResourcesResult",
  "resources/templates/list": "ListResourceTemplatesResult",
  "resources/read": "ReadResourceResult",
  "completion/complete": "CompleteResult",
  "subscriptions/listen": "SubscriptionsListenResult"
}

/** Of each message it got, what is wrong or is not known to its revision. */
export const faultsOf = ({ frames, sent }: suite.Session, version: string): ReadonlyArray<string> => {
  const { faults, messageFaults, response, surplus } = officials.get(version)!
  return frames.flatMap((frame) => {
    if ("method" in frame) {
      return messageFaults("id" in frame ? "ServerRequest" : "ServerNotification", frame) ?? []
    }
    if ("error" in frame) return faults(response.error, frame) ?? []
    const definition = frame.result.resultType === "input_required"
      ? "InputRequiredResult"
      : results[sent.get(frame.id)!] ?? "EmptyResult"
    return faults(response.result, frame)
      ?? faults(definition, frame.result)
      ?? (definition === "EmptyResult" ? undefined : surplus(definition, frame.result))
      ?? []
  })
}
