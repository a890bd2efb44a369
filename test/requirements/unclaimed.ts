/**
 * Binding sentences of the specification that no row is about, and why. An entry names a sentence, a section or a page,
 * never more than its reason covers: what a server has to do itself is not excused by what stands next to it.
 */
import type { Unclaimed } from "./compare.ts"
import { stateful, stateless } from "./row.ts"

const client = "a client's duty"
const host = "a duty of whoever shows icons or runs the model"
const between = "a duty of proxies and caches between client and server"
const authorization = "authorization: its issue"
const requestor =
  "a duty of whoever has others run tasks: what the server does of it is in test/server/askedTask.test.ts"
const callers = "tasks of callers who are known: test/tasks, for these transports have none"
const urlById = "the error that asks for a URL, and elicitations by id (2025-11-25): not offered"
const author = "up to the author of handlers; a framework cannot see it, nor can the wire"
const operator = "access, rates and exposure: middleware and the operator's choice"
const identity = "knowing the user: authorization, and the author of the page that is visited"
const contradiction =
  "two pages disagree on how a subscription ends, and the server does what subscriptions:closed says"
const transport = "for authors of transports the specification does not name"
const terms = "says what words mean, or what changed"

/** A sentence whose subject is the client, and that says nothing of the server's duties. */
const aboutClients =
  /^(?:The |MCP |A |If using HTTP, the |In the initialize request, the )?[Cc]lients?\b(?! and servers)(?!.*\bservers? MUST\b)/

export const unclaimed: ReadonlyArray<Unclaimed> = [
  { why: terms, page: "index", sentence: "The key words \"MUST\"" },
  { why: terms, page: "changelog", sentence: "Change SHOULD to MUST" },

  { why: authorization, page: "basic/authorization*" },
  { why: authorization, page: "changelog", sentence: "MCP clients MUST validate a present iss" },
  { why: authorization, page: "changelog", sentence: "client credentials are bound to the authorization server" },

  { why: requestor, page: "basic/utilities/tasks", sentence: /^Requestors MUST/ },
  { why: requestor, page: "basic/utilities/tasks", sentence: "then clients MUST NOT attempt to use task augmentation" },
  { why: requestor, page: "basic/utilities/tasks", sentence: /clients MUST (?:NOT attempt to invoke|invoke) the tool/ },
  { why: requestor, sentence: /tasks\/cancel request MUST be used instead|MUST NOT be used for cancelling tasks/ },
  { why: callers, page: "basic/utilities/tasks", section: "Task Isolation and Access Control" },
  { why: terms, page: "basic/utilities/tasks", sentence: "While this note is not prescriptive" },

  // The client's part of what both do.
  { why: client, sentence: aboutClients },
  { why: client, sentence: "After successful initialization, the client MUST" },
  { why: client, sentence: "The initialize request MUST NOT be cancelled by clients" },
  { why: client, page: "schema", sentence: "If multiple hints are specified, the client MUST" },
  { why: client, page: "schema", sentence: "If the client cannot support this version, it MUST disconnect" },
  { why: client, sentence: "MUST be unique across all active requests" },
  { why: client, page: "basic/index", sentence: "The request ID MUST NOT match the ID of any other", ...stateless },
  { why: client, sentence: /clients MUST treat an absent resultType|the client MUST treat the absent field/ },
  { why: client, page: "basic/index", sentence: "any value unrecognized by the client MUST be considered" },
  { why: client, page: "basic/index", sentence: "receivers MUST NOT assume any specific meaning" },
  { why: client, page: "basic/index", sentence: "MUST follow W3C Trace Context" },
  { why: client, page: "basic/transports", sentence: "Every JSON-RPC message sent from the client MUST" },
  { why: client, page: "basic/transports", sentence: /clients using the Streamable HTTP transport MUST include it/ },
  { why: client, page: "basic/transports", sentence: "When a client receives HTTP 404" },
  { why: client, page: "basic/transports", sentence: "All subsequent client messages MUST be sent as HTTP POST" },
  { why: client, page: "basic/transports/stdio", sentence: "To cancel an in-flight request, the client MUST" },
  { why: client, page: "basic/transports/stdio", section: "Backward Compatibility" },
  { why: client, page: "basic/transports/streamable-http", section: "Client Behavior" },
  {
    why: client,
    page: "basic/transports/streamable-http",
    sentence: /^[^:]*\bclients MUST (?:encode|support|mirror|use|also)\b/
  },
  { why: client, page: "basic/transports/streamable-http", sentence: "Every JSON-RPC message sent from the client" },
  { why: client, sentence: "Rejection means the client MUST exclude" },
  { why: client, page: "basic/patterns/subscriptions", sentence: /^On stdio,.* clients? MUST/ },
  { why: client, page: "basic/patterns/mrtr", section: "Client Requirements (Basic Workflow)" },
  { why: client, sentence: "JSON-RPC id MUST be different between the initial request" },
  { why: client, page: "server/utilities/pagination", sentence: "clients MUST NOT assume a fixed page size" },
  { why: client, page: "server/utilities/pagination", sentence: "an empty string is a valid cursor" },
  { why: client, page: "server/utilities/caching", sentence: "that do choose to poll MUST apply jitter" },
  { why: client, page: "changelog", sentence: "clients MUST re-issue it as a new request" },
  { why: client, sentence: "clients MUST consider tool annotations to be untrusted" },
  { why: client, page: "client/roots" },
  { why: client, page: "client/elicitation", sentence: "MUST ignore notifications referencing unknown" },
  {
    why: client,
    page: "client/elicitation",
    section: "Safe URL Handling",
    sentence: /^MUST (?:NOT automatically pre-fetch|NOT open the URL|show the full URL|open the URL provided)/
  },

  { why: host, page: "basic/index", section: "icons" },
  { why: host, sentence: /Model MUST (?:use at least one tool|NOT use any tools)/ },

  { why: between, page: "basic/transports/streamable-http", sentence: /^Intermedia(?:te servers|ries)\b/ },
  { why: between, page: "server/utilities/caching", sentence: "MUST NOT be cached, as they depend on inputs" },
  { why: between, sentence: "Caches MUST NOT be shared across authorization contexts" },

  { why: urlById, page: "client/elicitation", section: "Completion Notifications for URL Mode Elicitation" },
  { why: urlById, page: "client/elicitation", section: "URL Elicitation Required Error" },
  { why: urlById, page: "client/elicitation", section: "Error Handling", ...stateful },

  { why: identity, page: "client/elicitation", section: "Statefulness" },
  { why: identity, page: "client/elicitation", section: "URL Mode Elicitation for OAuth Flows" },
  { why: identity, page: "client/elicitation", section: "Identifying the User" },
  { why: identity, page: "client/elicitation", section: "Phishing" },
  { why: identity, page: "client/elicitation", sentence: "MUST bind elicitation requests to the client and user" },

  { why: author, page: "client/elicitation", sentence: /Servers MUST NOT .*sensitive information/ },
  { why: author, page: "client/elicitation", sentence: "MUST use URL mode for interactions involving such" },
  {
    why: author,
    page: "client/elicitation",
    section: "Safe URL Handling",
    sentence: /^MUST NOT (?:include sensitive information|provide a URL which is pre-authenticated)/
  },
  { why: author, page: "client/sampling", sentence: "Both parties MUST handle sensitive data appropriately" },
  { why: author, page: "client/sampling", sentence: "Sampling messages MUST contain a role field" },
  { why: author, page: "server/utilities/logging", sentence: "Log messages MUST NOT contain" },
  { why: author, page: "basic/index", sentence: "MUST be referenced by an explicit identifier" },
  { why: author, page: "basic/patterns/mrtr", sentence: "must be consumed at most once" },

  { why: operator, page: "server/tools", sentence: "Implement proper access controls" },
  { why: operator, page: "server/tools", sentence: "Rate limit tool invocations" },
  { why: operator, page: "server/utilities/completion", sentence: "Implement appropriate rate limiting" },
  { why: operator, page: "server/utilities/completion", sentence: "Control access to sensitive suggestions" },
  { why: operator, page: "server/utilities/completion", sentence: "Prevent completion-based information disclosure" },
  { why: operator, page: "server/utilities/caching", section: "Security Considerations" },

  {
    why: contradiction,
    page: "basic/patterns/cancellation",
    sentence: "MUST send notifications/cancelled referencing a subscriptions/listen request ID"
  },

  { why: transport, sentence: "Implementers who choose to support custom transports" }
]
