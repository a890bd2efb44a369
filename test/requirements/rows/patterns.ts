/** Cancellation, progress, ping, logging, pagination, subscriptions and caching. */
import { cite, over, type Row, row, stateful, stateless } from "../row.ts"

const legacy = (page: string) => `basic/utilities/${page}`
const modern = (page: string) => `basic/patterns/${page}`
const messages = over("memory", "stdio")

export const patterns: ReadonlyArray<Row> = [
  row("cancellation:stops", "SHOULD", "A cancelled request is interrupted and gets no answer.", [
    cite(legacy("cancellation"), "Stop processing the cancelled request", stateful),
    cite(legacy("cancellation"), "Not send a response for the cancelled request", stateful),
    cite(modern("cancellation"), "Stop processing the cancelled request", stateless)
  ]),
  row("cancellation:silence", "MUST", "Nothing more is sent about a request its client cancelled.", [
    cite("basic/transports/stdio", "MUST NOT send any further messages for it"),
    cite("basic/transports/streamable-http", "MUST NOT send any further messages for it")
  ], stateless),
  row("cancellation:disconnect", "MUST", "Closing the stream of an answer cancels its request.", [
    cite(modern("cancellation"), "MUST treat a client disconnect as cancellation"),
    cite("basic/transports/streamable-http", "MUST be treated by the server as cancellation")
  ], { ...stateless, ...over("http") }),
  row("cancellation:disconnect-is-none", "SHOULD", "Losing the stream of an answer cancels nothing.", [
    cite("basic/transports", "SHOULD NOT be interpreted as the client cancelling its request")
  ], { since: "2025-03-26", until: "2025-11-25", ...over("http") }),
  row("cancellation:races", "MUST", "Cancelling what is answered already, or was never asked, does no harm.", [
    cite(legacy("cancellation"), "MUST handle these race conditions gracefully", stateful),
    cite(modern("cancellation"), "MUST handle these race conditions gracefully", stateless)
  ], messages),
  row("cancellation:server-sent", "MUST", "The server cancels subscriptions only, by the id of their request.", [
    cite(modern("cancellation"), "MUST NOT send notifications/cancelled for any other"),
    cite(modern("cancellation"), "Were previously issued by the client"),
    cite(modern("cancellation"), "Are believed to still be in-progress"),
    cite(modern("cancellation"), "Server-sent cancellation notifications MUST"),
    cite("schema", "MUST NOT use this notification to cancel any other"),
    cite("schema", "MUST correspond to the ID of a request the client")
  ], { ...stateless, ...messages }),
  row("cancellation:own-questions", "MUST", "The server cancels only questions of its own that are still open.", [
    cite(legacy("cancellation"), "Were previously issued in the same direction"),
    cite(legacy("cancellation"), "Are believed to still be in-progress"),
    cite("schema", "MUST correspond to the ID of a request previously issued", { since: "2025-06-18" }),
    cite("schema", "MUST be provided for cancelling non-task requests", { since: "2025-11-25" })
  ], { ...stateful, ...messages, needs: "sampling" }),

  row("progress:token", "MUST", "Progress comes under the token of the request, string or integer as it came.", [
    cite(legacy("progress"), "MUST be a string or integer", stateful),
    cite(modern("progress"), "MUST be a string or integer", stateless)
  ]),
  row("progress:increases", "MUST", "Progress only grows, whatever the handler reports.", [
    cite(legacy("progress"), "MUST increase with each notification", stateful),
    cite(modern("progress"), "MUST increase with each notification", stateless)
  ]),
  row("progress:active", "MUST", "No progress comes for a request without a token, nor under another's token.", [
    cite(legacy("progress"), "Were provided in an active request", stateful),
    cite(legacy("progress"), "Are associated with an in-progress operation", stateful),
    cite(modern("progress"), "Were provided in an active request", stateless),
    cite(modern("progress"), "Are associated with an in-progress operation", stateless)
  ]),
  row("progress:ends", "MUST", "Nothing about a request's progress comes after its answer.", [
    cite(legacy("progress"), "MUST stop after completion", stateful),
    cite(modern("progress"), "MUST stop after completion", stateless)
  ]),

  row("ping", "MUST", "A ping is answered with an empty result.", [
    cite(legacy("ping"), "MUST respond promptly with an empty response")
  ], stateful),

  row("logging:capability", "MUST", "A server that logs to its clients says so.", [
    cite("server/utilities/logging", "MUST declare the logging capability")
  ]),
  row("logging:level", "plain", "Messages below the level the client set are kept back.", [
    cite("server/utilities/logging", "To configure the minimum log level")
  ], { ...stateful, ...messages }),
  row("logging:level:invalid", "SHOULD", "A level that does not exist is refused with -32602.", [
    cite("server/utilities/logging", "Invalid log level: -32602")
  ]),
  row("logging:asked", "MUST", "A request that names no level gets no messages.", [
    cite("server/utilities/logging", "MUST NOT emit notifications/message"),
    cite("schema", "MUST NOT send any notifications/message"),
    cite("changelog", "MUST NOT emit notifications/message")
  ], stateless),
  row("logging:stream", "MUST", "Messages come with the answer of the request that asked, and on no other stream.", [
    cite("server/utilities/logging", "MUST NOT deliver it on a subscriptions/listen stream")
  ], { ...stateless, ...over("http") }),

  row("pagination:cursor:invalid", "SHOULD", "A cursor it never gave out is refused with -32602.", [
    cite("server/utilities/pagination", "Invalid cursors SHOULD result")
  ]),
  row("pagination:walk", "plain", "Following the cursors brings every definition once.", [
    cite("server/utilities/pagination", "opaque string token")
  ], { needs: "pagination" }),

  row("subscriptions:acknowledged", "MUST", "The acknowledgement comes first, with what is honoured.", [
    cite(modern("subscriptions"), "MUST send notifications/subscriptions/acknowledged as the first"),
    cite("schema", "MUST be the first message the server sends"),
    cite("schema", "MUST NOT send any notification on the subscription")
  ], stateless),
  row("subscriptions:opt-in", "MUST", "Only what was asked for comes.", [
    cite(modern("subscriptions"), "MUST NOT send notification types the client"),
    cite("schema", "MUST NOT send notification types the client")
  ], stateless),
  row("subscriptions:id", "MUST", "Each message of a subscription carries the id of its request.", [
    cite("basic/index", "the server MUST include io.modelcontextprotocol/subscriptionId"),
    cite("schema", "MUST include this key on every notification")
  ], stateless),
  row("subscriptions:closed", "SHOULD", "A server that stops ends its subscriptions with a result.", [
    cite(modern("subscriptions"), "it SHOULD respond to the original subscriptions/listen")
  ], { ...stateless, ...over("stdio", "http") }),
  row(
    "subscriptions:own-stream",
    "MUST",
    "A stream of answers carries what relates to its request, and nothing else.",
    [
      cite("basic/transports/streamable-http", "MUST relate to the originating client request")
    ],
    { ...stateless, ...over("http") }
  ),

  row("caching:hints", "MUST", "Discovery and the list of tools say how long they may be kept.", [
    cite("server/utilities/caching", "following operations: server/discover"),
    cite("server/utilities/caching", "following operations: tools/list"),
    cite("server/utilities/caching", "MUST provide a ttlMs value")
  ], stateless),
  row("caching:hints:prompts", "MUST", "So does the list of prompts.", [
    cite("server/utilities/caching", "following operations: prompts/list")
  ], { ...stateless, needs: "prompts" }),
  row("caching:hints:resources", "MUST", "So do the lists of resources and of templates, and what is read.", [
    cite("server/utilities/caching", "following operations: resources/list"),
    cite("server/utilities/caching", "following operations: resources/templates/list"),
    cite("server/utilities/caching", "following operations: resources/read")
  ], { ...stateless, needs: "resources" }),
  row("caching:scope", "MUST", "All pages of a list have one scope.", [
    cite("server/utilities/caching", "MUST apply the same cacheScope"),
    cite("server/utilities/caching", "all subsequent pages for that request MUST")
  ], { ...stateless, needs: "pagination" })
]
