/** stdio and Streamable HTTP. */
import { cite, over, type Row, row, sessions, stateless } from "../row.ts"

const http = "basic/transports/streamable-http"
const legacy = "basic/transports"
const firstHttp = { until: "2024-11-05", ...over("http") } as const
const modernHttp = { ...stateless, ...over("http") } as const
const legacyHttp = { ...sessions, ...over("http") } as const
const anyHttp = { since: "2025-03-26", ...over("http") } as const

export const transports: ReadonlyArray<Row> = [
  row("sse:endpoints", "MUST", "A stream by GET carries what messages by POST are answered with.", [
    cite(legacy, "MUST provide two endpoints")
  ], firstHttp),
  row("sse:address", "MUST", "The stream begins with the address to post to.", [
    cite(legacy, "MUST send an endpoint event containing a URI")
  ], firstHttp),
  row("sse:origin", "MUST", "A page of a foreign origin is refused at both addresses.", [
    cite(legacy, "MUST validate the Origin header", { until: "2024-11-05" })
  ], firstHttp),

  row("transport:utf-8", "MUST", "Text of every script goes both ways as UTF-8.", [
    cite(legacy, "MUST be UTF-8 encoded", sessions),
    cite("basic/transports/index", "MUST be UTF-8 encoded", stateless)
  ], { since: "2025-03-26", ...over("stdio", "http") }),
  row("stdio:lines", "MUST", "A message is one line, whatever the text in it.", [
    cite(legacy, "MUST NOT contain embedded newlines", { until: "2025-11-25" }),
    cite("basic/transports/stdio", "MUST NOT contain embedded newlines", stateless)
  ], over("stdio")),
  row("stdio:stdout", "MUST", "Nothing but messages comes out of its stdout, whatever its handlers print.", [
    cite(legacy, "MUST NOT write anything to its stdout", { until: "2025-11-25" }),
    cite("basic/transports/stdio", "MUST NOT write anything to its stdout", stateless)
  ], over("stdio")),

  row("http:endpoint", "MUST", "One path takes every message as a POST.", [
    cite(legacy, "MUST provide a single HTTP endpoint path", sessions),
    cite(legacy, "A single JSON-RPC request, notification", { until: "2025-03-26" }),
    cite(http, "MUST provide a single HTTP endpoint path", stateless)
  ], anyHttp),
  row("http:get", "MUST", "A GET in a session opens a stream of events.", [
    cite(legacy, "in response to this HTTP GET, or else return HTTP 405")
  ], legacyHttp),
  row("http:get:no-responses", "MUST", "What answers a request does not come on the stream by GET; changes do.", [
    cite(legacy, "MUST NOT send a JSON-RPC response on the stream")
  ], legacyHttp),
  row("http:resume:ids", "MUST", "No two events of a session have the same id.", [
    cite(legacy, "MUST be globally unique across all streams within that session")
  ], legacyHttp),
  row("http:resume:stream", "MUST", "What is replayed is of the stream the event id is of, and of no other.", [
    cite(legacy, "MUST NOT replay messages that would have been delivered on a different stream")
  ], legacyHttp),
  row("http:origin", "MUST", "A page of a foreign origin is refused.", [
    cite(legacy, "MUST validate the Origin header", sessions),
    cite(http, "MUST validate the Origin header", stateless)
  ], anyHttp),
  row("http:origin:status", "MUST", "That refusal is a 403.", [
    cite(legacy, "MUST respond with HTTP 403", { since: "2025-11-25", until: "2025-11-25" }),
    cite(http, "MUST respond with HTTP 403", stateless)
  ], { since: "2025-11-25", ...over("http") }),
  row("http:notification", "MUST", "A notification is answered with 202 and nothing in it.", [
    cite(legacy, "MUST return HTTP status code 202", sessions),
    cite(http, "MUST return HTTP status code 202", stateless)
  ], anyHttp),
  row("http:refused", "MUST", "What it cannot take is answered with an error status.", [
    cite(legacy, "it MUST return an HTTP error status code", sessions),
    cite(http, "it MUST return an HTTP error status code", stateless)
  ], anyHttp),
  row("http:one-message", "MUST", "A body of several messages is refused.", [
    cite(legacy, "MUST be a single JSON-RPC request", { since: "2025-06-18", until: "2025-11-25" }),
    cite(http, "MUST be a single JSON-RPC request", stateless)
  ], { since: "2025-06-18", ...over("http") }),
  row("http:batch", "MUST", "A body may be an array of messages.", [
    cite(legacy, "array batching one or more requests"),
    cite(legacy, "array batching one or more responses")
  ], { since: "2025-03-26", until: "2025-03-26", ...over("http"), needs: "batches" }),
  row("http:content-type", "MUST", "An answer is JSON or a stream of events, and says which.", [
    cite(legacy, "the server MUST either return Content-Type: text/event-stream", sessions),
    cite(http, "the server MUST return either Content-Type: application/json", stateless)
  ], anyHttp),
  row("http:no-broadcast", "MUST", "A message goes out on one stream.", [
    cite(legacy, "on only one of the connected streams")
  ], legacyHttp),
  row("http:session:id", "MUST", "The id of a session is visible ASCII.", [
    cite(legacy, "MUST only contain visible ASCII")
  ], legacyHttp),
  row("http:session:ended", "MUST", "A session that has ended, or never was, is answered with 404.", [
    cite(legacy, "after which it MUST respond to requests containing that session ID")
  ], legacyHttp),
  row("http:session:missing", "SHOULD", "A request that should name its session and does not is answered with 400.", [
    cite(legacy, "SHOULD respond to requests without an")
  ], legacyHttp),
  row("http:version-header:unsupported", "MUST", "A version header it does not know is answered with 400.", [
    cite(legacy, "invalid or unsupported MCP-Protocol-Version")
  ], { since: "2025-06-18", until: "2025-11-25", ...over("http") }),
  row(
    "http:version-header:mismatch",
    "MUST",
    "A version header that is not what the body says is refused: 400, -32020.",
    [
      cite(http, "The header value MUST match the"),
      cite(http, "400 Bad Request and a HeaderMismatch"),
      cite("schema", "this value MUST match the MCP-Protocol-Version header")
    ],
    modernHttp
  ),
  row("http:version-header:missing", "MUST", "A request of this revision without the version header is refused.", [
    cite(http, "MUST include an MCP-Protocol-Version header"),
    cite(http, "MUST reject a request without the header")
  ], modernHttp),
  row("http:method:unknown", "MUST", "An unknown method is a 404 that carries -32601.", [
    cite(http, "MUST respond with 404 Not Found and a JSON-RPC error")
  ], modernHttp),
  row(
    "http:headers:mirror",
    "MUST",
    "Mcp-Method and Mcp-Name must be there and equal the body: 400, -32020 otherwise.",
    [
      cite(http, "These headers are REQUIRED for compliance"),
      cite(http, "MUST reject requests where the values specified in the headers"),
      cite(http, "MUST include a JSON-RPC error response")
    ],
    modernHttp
  ),
  row("http:headers:case", "MUST", "The case of a header's name does not matter.", [
    cite(http, "MUST use case-insensitive comparisons")
  ], modernHttp),
  row("http:headers:base64", "MUST", "A value in base64 is compared as what it stands for.", [
    cite(http, "need to inspect these values MUST decode them"),
    cite(http, "servers MUST decode an encoded Mcp-Name"),
    cite(http, "servers MUST decode encoded values (see Value Encoding)"),
    cite(http, "MUST appear exactly as shown")
  ], modernHttp),
  row(
    "http:param-headers:equal",
    "MUST",
    "A mirrored argument must equal its header, or the call is refused: 400, -32020.",
    [
      cite(http, "MUST validate that encoded header values"),
      cite(http, "if any validation fails"),
      cite(http, "Server MUST validate header matches body")
    ],
    modernHttp
  ),
  row("http:param-headers:missing", "MUST", "An argument without the header that mirrors it is refused.", [
    cite(http, "Server MUST reject the request")
  ], modernHttp),
  row("http:param-headers:absent", "MUST", "An argument that is null or left out needs no header.", [
    cite(http, "Server MUST NOT expect the header")
  ], modernHttp),
  row("http:param-headers:characters", "MUST", "A header with characters it may not have is refused.", [
    cite(http, "that contains invalid characters")
  ], modernHttp),
  row("http:param-headers:integers", "MUST", "Integers beyond what a double holds exactly are not taken.", [
    cite(http, "Integer values MUST be within the safe range"),
    cite("server/tools", "Integer values MUST be within the safe range")
  ], modernHttp)
]
