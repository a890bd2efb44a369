/** Messages, `_meta`, errors, the handshake and what came in its place. */
import { cite, over, type Row, row, stateful, stateless } from "../row.ts"

const first = { until: "2024-11-05" } as const
const later = { since: "2025-03-26" } as const
const result = { since: "2025-11-25" } as const
const either = { since: "2025-03-26", until: "2025-06-18" } as const

const requestPages = [
  "server/tools",
  "server/resources",
  "server/prompts",
  "server/utilities/completion",
  "server/utilities/pagination",
  "basic/patterns/mrtr"
]

export const base: ReadonlyArray<Row> = [
  row("base:json-rpc", "MUST", "Every message it sends is JSON-RPC 2.0: a notification, a result or an error.", [
    cite("basic/messages", "MUST follow the JSON-RPC 2.0", first),
    cite("basic/index", "MUST follow the JSON-RPC 2.0"),
    cite("basic/index", "All implementations MUST support the base protocol"),
    cite("basic/transports/index", "A binding MUST deliver client-sent requests", stateless)
  ]),
  row("base:response:id", "MUST", "An answer carries the id of its request, as string or number as it came.", [
    cite("basic/messages", "MUST include the same ID as the request", first),
    cite("basic/index", "MUST include the same ID as the request", later)
  ]),
  row("base:response:one-outcome", "MUST", "An answer has a result or an error, and never both.", [
    cite("basic/messages", "Either a result or an error MUST be set", first),
    cite("basic/messages", "MUST NOT set both", first),
    cite("basic/index", "Either a result or an error MUST be set", either),
    cite("basic/index", "MUST NOT set both", either),
    cite("basic/index", "Result responses MUST include a result field", result),
    cite("basic/index", "MUST include an error field with a code and message", result)
  ]),
  row("base:error:code", "MUST", "An error has an integer code and a message.", [
    cite("basic/messages", "Error codes MUST be integers", first),
    cite("basic/index", "Error codes MUST be integers", later),
    cite("basic/index", "errors MUST include an error code and message", either)
  ]),
  row("base:request:id-type", "MUST", "A request whose id is null or neither a string nor an integer is refused.", [
    cite("basic/messages", "MUST include a string or integer ID", first),
    cite("basic/messages", "the ID MUST NOT be null", first),
    cite("basic/index", "MUST include a string or integer ID", later),
    cite("basic/index", "the ID MUST NOT be null", later)
  ]),
  row("base:error:unreadable-id", "MUST", "What cannot be parsed gets -32700, without an id.", [
    cite("basic/index", "could not be read due a malformed request")
  ], result),
  row("base:notification:silence", "MUST", "A notification gets no answer, known or unknown, well-formed or not.", [
    cite("basic/index", "The receiver MUST NOT send a response", later),
    cite("basic/messages", "They do not expect a response", first)
  ], over("memory", "stdio")),
  row("base:notification:no-id", "MUST", "Notifications of the server have no id.", [
    cite("basic/messages", "Notifications MUST NOT include an ID", first),
    cite("basic/index", "Notifications MUST NOT include an ID", later)
  ]),
  row("base:method:unknown", "plain", "An unknown method is answered with -32601.", [
    cite("basic/messages", "MUST follow the JSON-RPC 2.0", first),
    cite("basic/index", "MUST follow the JSON-RPC 2.0", later)
  ]),
  row(
    "base:server-request:id",
    "MUST",
    "Requests of the server have ids that are strings or integers, each used once.",
    [
      cite("basic/messages", "MUST NOT have been previously used", first),
      cite("basic/index", "MUST NOT have been previously used", later)
    ],
    { ...stateful, needs: "sampling" }
  ),
  row("base:result-type", "MUST", "Every result says what kind it is, of the kinds the core has.", [
    cite("basic/index", "MUST include a resultType field"),
    cite("basic/index", "set of supported ResultType values MUST be created"),
    cite("schema", "implementing this protocol version MUST include this field")
  ], stateless),
  row(
    "base:error:reserved-codes",
    "MUST",
    "Refusals use the codes of this revision, and none of those it retired or reserved.",
    [
      cite("basic/index", "New codes MUST NOT be allocated in this sub-range"),
      cite("basic/index", "MUST NOT emit any code from this sub-range"),
      cite("basic/index", "-32002 — resource not found"),
      cite("basic/index", "-32042 — URL elicitation required")
    ],
    stateless
  ),
  row("base:stateless", "MUST", "What one request declared is not remembered for the next on its connection.", [
    cite("basic/index", "MUST NOT rely on prior requests over the same connection"),
    cite("schema", "MUST NOT infer capabilities from prior requests")
  ], stateless),
  row("base:meta:required", "MUST", "A request whose _meta lacks a required key is refused with -32602.", [
    cite("basic/index", "fields marked as required MUST be included"),
    cite("basic/index", "MUST reject it with JSON-RPC error code -32602"),
    ...requestPages.map((page) => cite(page, "Every request MUST include the required _meta"))
  ], stateless),
  row("base:meta:required-status", "MUST", "Over HTTP that refusal, and one for a missing capability, is a 400.", [
    cite("basic/index", "On HTTP, the response status MUST be 400"),
    cite("schema", "For HTTP, the response status code MUST be 400")
  ], { ...stateless, ...over("http") }),
  row("base:meta:unknown-keys", "MUST", "Keys of _meta that mean nothing to it, reserved ones too, change nothing.", [
    cite("basic/index", "MUST NOT make assumptions about values at these keys"),
    cite("schema", "MUST NOT make assumptions about values at these keys", { since: "2026-07-28" })
  ], { since: "2025-06-18" }),
  row("base:meta:key-names", "MUST", "The keys it puts into _meta follow the grammar for such keys.", [
    cite("basic/index", "MUST be a series of labels"),
    cite("basic/index", "Labels MUST start with a letter"),
    cite("basic/index", "MUST begin and end with an alphanumeric character"),
    cite("schema", "MUST be a series of labels", { since: "2026-07-28" }),
    cite("schema", "Labels MUST start with a letter", { since: "2026-07-28" }),
    cite("schema", "MUST start and end with an alphanumeric character", { since: "2026-07-28" })
  ], { since: "2025-06-18" }),
  row(
    "base:capability:undeclared",
    "MUST",
    "What needs a capability the client did not declare is refused, naming it.",
    [
      cite("basic/index", "MUST NOT rely on capabilities the client has not declared"),
      cite("basic/index", "MUST return a MissingRequiredClientCapabilityError (-32021)")
    ],
    stateless
  ),
  row("base:schema:2020-12", "MUST", "Schemas it lists are valid in JSON Schema 2020-12.", [
    cite("basic/index", "MUST support at least 2020-12"),
    cite("basic/index", "MUST support JSON Schema 2020-12 for schemas without"),
    cite("basic/index", "Schemas MUST be valid according to their declared")
  ], { since: "2025-11-25" }),
  row("base:schema:dialect", "MUST", "A schema in another dialect is refused, with a word about the dialect.", [
    cite("basic/index", "MUST validate schemas according to their declared"),
    cite("basic/index", "MUST handle unsupported dialects gracefully")
  ], { since: "2025-11-25", ...over("memory") }),
  row("base:schema:references", "MUST", "A schema that refers out of itself is refused, and nothing is fetched.", [
    cite("basic/index", "MUST NOT automatically dereference"),
    cite("basic/index", "it MUST be disabled by default")
  ], { ...stateless, ...over("memory") }),
  row("base:no-requests", "MUST", "It never sends a request.", [
    cite("basic/patterns/index", "MUST NOT initiate JSON-RPC requests"),
    cite("basic/transports/stdio", "MUST NOT write JSON-RPC requests"),
    cite("basic/transports/streamable-http", "MUST NOT send independent JSON-RPC requests")
  ], stateless),

  row("lifecycle:first", "MUST", "A request before initialize is refused, and not run.", [
    cite("basic/lifecycle", "MUST be the first interaction")
  ], stateful),
  row("lifecycle:initialize", "MUST", "It answers initialize with its revision, its capabilities and what it is.", [
    cite("basic/lifecycle", "MUST respond with its own capabilities and information")
  ], stateful),
  row("lifecycle:version:same", "MUST", "A client that asks for a revision the server speaks gets that revision.", [
    cite("basic/lifecycle", "MUST respond with the same version")
  ], stateful),
  row("lifecycle:version:other", "MUST", "A client that asks for an unknown revision gets one the server speaks.", [
    cite("basic/lifecycle", "MUST respond with another protocol version")
  ], stateful),
  row("lifecycle:version:latest", "SHOULD", "That one is the newest with a handshake.", [
    cite("basic/lifecycle", "version supported by the server")
  ], stateful),
  row("lifecycle:ping-first", "SHOULD", "A ping is answered before initialize.", [
    cite("basic/lifecycle", "before the server has responded to the initialize request")
  ], { ...stateful, ...over("memory", "stdio") }),
  row("lifecycle:negotiated", "MUST", "A session knows the methods of its revision only, and answers in its terms.", [
    cite("basic/lifecycle", "Respect the negotiated protocol version"),
    cite("basic/lifecycle", "Only use capabilities that were successfully negotiated")
  ], stateful),
  row("lifecycle:initialize-once", "plain", "initialize has no place inside a session.", [
    cite("basic/lifecycle", "MUST be the first interaction")
  ], stateful),
  row(
    "batches:receive",
    "MUST",
    "A batch is answered with a batch: an answer for each request, none for a notification.",
    [
      cite("basic/index", "MUST support receiving JSON-RPC batches")
    ],
    { since: "2025-03-26", until: "2025-03-26", needs: "batches" }
  ),
  row("batches:initialize", "MUST", "initialize inside a batch opens no session.", [
    cite("basic/lifecycle", "MUST NOT be part of a JSON-RPC batch")
  ], { since: "2025-03-26", until: "2025-03-26", needs: "batches" }),
  row("batches:gone", "plain", "A batch is refused where the revision has none.", [
    cite("basic/index", "MUST follow the JSON-RPC 2.0")
  ], { since: "2025-06-18", ...over("memory", "stdio") }),

  row("versioning:discover", "MUST", "server/discover tells the revisions and the capabilities.", [
    cite("basic/versioning", "Servers MUST implement server/discover"),
    cite("server/discover", "Servers MUST implement it"),
    cite("schema", "Servers MUST implement server/discover"),
    cite("changelog", "servers MUST implement this RPC")
  ], stateless),
  row("versioning:unsupported", "MUST", "A request in a revision it does not speak is told which it does: -32022.", [
    cite("basic/versioning", "MUST respond with an UnsupportedProtocolVersionError"),
    cite("schema", "MUST return an UnsupportedProtocolVersionError")
  ], stateless),
  row("versioning:unsupported-status", "MUST", "Over HTTP that is a 400.", [
    cite("basic/transports/streamable-http", "If the server does not implement the requested protocol version")
  ], { ...stateless, ...over("http") }),
  row("versioning:extension-names", "MUST", "Extensions it announces have a name with a prefix.", [
    cite("basic/versioning", "MUST follow the _meta key naming rules"),
    cite("schema", "Keys MUST follow the _meta key naming rules")
  ], stateless),
  row("versioning:extension-alone", "MUST", "A client that knows none of its extensions is served what the core has.", [
    cite("basic/versioning", "the supporting party MUST either revert to core")
  ], stateless)
]
