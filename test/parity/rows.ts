/**
 * What FastMCP for Rust has or names, one row each, and what stands for it here. `docs/reference/parity.md` is written
 * from these rows (`generate.ts`); `coverage.test.ts` holds them.
 */

interface Fields {
  readonly id: string
  readonly area: string
  /** What the original has, as of its 0.1.0 state of January 2026. */
  readonly original: string
  /** A remark printed after the last column. */
  readonly note?: string
}

/**
 * - `done`: ours, and `test` ("test/<file>::<test name>") shows it over a real transport.
 * - `planned`: ours, in the modules that `ours` names (under `src/`, without extension).
 * - `effect`: Effect has it; `ours` names the exports, separated by ", ".
 * - `refused`: left out on purpose.
 */
export type Row =
  & Fields
  & (
    | { readonly status: "done"; readonly ours: string; readonly test: string }
    | { readonly status: "planned"; readonly ours: string }
    | { readonly status: "effect"; readonly ours: string }
    | { readonly status: "refused"; readonly reason: string }
  )

export const statuses: ReadonlyArray<Row["status"]> = ["done", "planned", "effect", "refused"]

/** Areas in page order, by the first part of the id. */
export const areas: Readonly<Record<string, string>> = {
  C: "Core",
  P: "Protocol",
  T: "Transports",
  S: "Server",
  A: "Auth, OAuth and OpenID",
  B: "Asking the client",
  K: "MCP tasks",
  D: "Docket",
  L: "Client",
  O: "Console",
  M: "Definitions",
  X: "Command line",
  Q: "Testing",
  prelude: "Names: prelude",
  macro: "Names: macros",
  module: "Names: modules",
  name: "Names: other public names"
}

const fields = (id: string, original: string, note: string | undefined): Fields => ({
  id,
  area: areas[/^[A-Z](?=\d\d$)|^[a-z]+(?=\.)/.exec(id)?.[0] ?? ""] ?? "unknown",
  original,
  ...(note === undefined ? {} : { note })
})

export const done = (id: string, original: string, ours: string, test: string, note?: string): Row => ({
  ...fields(id, original, note),
  status: "done",
  ours,
  test
})

export const planned = (id: string, original: string, ours: string, note?: string): Row => ({
  ...fields(id, original, note),
  status: "planned",
  ours
})

export const effect = (id: string, original: string, ours: string, note?: string): Row => ({
  ...fields(id, original, note),
  status: "effect",
  ours
})

export const refused = (id: string, original: string, reason: string): Row => ({
  ...fields(id, original, undefined),
  status: "refused",
  reason
})

export const rows: ReadonlyArray<Row> = [
  // Core
  done(
    "C01",
    "Four kinds of result with a rank; panics are in the type but nothing catches one",
    "core/Outcome",
    "test/parity/wire.test.ts::an outcome in a tool is one of four with a rank, a defect among them"
  ),
  done(
    "C02",
    "Two outcomes join to the one of higher rank",
    "core/Outcome.join, core/Outcome.joinAll",
    "test/parity/wire.test.ts::outcomes in a tool join to the worst of them, in whatever order"
  ),
  done(
    "C03",
    "Ten reasons for a cancellation, in six ranks",
    "core/Outcome.strengthen",
    "test/parity/wire.test.ts::of two cancellations the client reads the more severe of ten reasons in six ranks"
  ),
  done(
    "C04",
    "Cancelled is answered with -32004, a panic with -32603 and its text",
    "server/internal/reply",
    "test/parity/wire.test.ts::a cancellation is answered with 499 or 408 and its reason, a defect with -32603 and no text"
  ),
  done(
    "C05",
    "A panic in one handler takes the process down",
    "server/dispatcher",
    "test/server/cancellation.test.ts::a defect is answered without its text, logged with it, and touches nobody else"
  ),
  done(
    "C06",
    "A deadline that is stored and never compared with a clock",
    "core/Budget.enforce",
    "test/parity/wire.test.ts::a deadline cancels the part of a tool that is put under it, and the tool goes on"
  ),
  done(
    "C07",
    "Quotas for polls and for cost, looked at by a checkpoint",
    "core/Budget.spend, core/Budget.checkpoint",
    "test/server/McpServer.test.ts::end a request that goes over them"
  ),
  done(
    "C08",
    "The tighter of two budgets, member by member",
    "core/Budget.meet",
    "test/parity/wire.test.ts::two budgets meet in the tighter of each limit, and the tool under them can read it"
  ),
  done(
    "C09",
    "A bound for clean-up work that depends on the cancel reason",
    "core/Budget.finalizerTime",
    "test/parity/wire.test.ts::finalizers that hang are cut after a time that depends on why they run"
  ),
  done(
    "C10",
    "Numeric ids of request, region and task on the context",
    "context/RequestContext",
    "test/context/context.test.ts::a handler knows its request",
    "regions are scopes and tasks are fibers, so they have no id of their own"
  ),
  done(
    "C11",
    "A handler polls to learn that it is cancelled or out of quota",
    "core/Budget.checkpoint",
    "test/parity/wire.test.ts::a tool that computes without waiting ends at its next checkpoint once cancelled or out of quota"
  ),
  done(
    "C12",
    "Code inside a mask is not cancelled; only synchronous code can be masked",
    "core/Budget.masked",
    "test/parity/wire.test.ts::a masked section takes its time, and is cut neither by its client nor by its budget"
  ),
  effect(
    "C13",
    "A line of text for the runtime's own trace",
    "effect/Effect.withSpan, effect/Effect.annotateCurrentSpan",
    "each request already has a span of ours"
  ),
  done(
    "C14",
    "Progress with or without a total, ignored where the caller sent no token",
    "context/Progress",
    "test/parity/wire.test.ts::progress comes with a total or without, and not to who sent no token"
  ),
  done(
    "C15",
    "JSON values kept per session under string keys",
    "context/SessionState",
    "test/parity/features.test.ts::a value of a session is there for its later requests, typed, and for no other client",
    "revisions with sessions only"
  ),
  done(
    "C16",
    "Four state keys that belong to the framework but that any handler may overwrite",
    "context/SessionState",
    "test/parity/features.test.ts::no value of a session is the framework's own: neither who calls nor what there is follows from it"
  ),
  done(
    "C17",
    "A session switches single tools, resources or prompts off and on",
    "transform/Visibility",
    "test/transform/Visibility.test.ts::turns definitions on and off for one session, and tells its client",
    "revisions with sessions only"
  ),
  done(
    "C18",
    "Handlers read and replace the caller's credentials, which the whole session shares",
    "context/Identity",
    "test/parity/features.test.ts::who calls is a value of each request, also of two at once",
    "per request, read only"
  ),
  done(
    "C19",
    "Questions about the peer's capabilities that always get no",
    "context/RequestContext",
    "test/context/context.test.ts::a handler knows its request"
  ),
  done(
    "C20",
    "A handler asks the client's model and then waits for ever: nobody is left to read the answer",
    "context/Sampling",
    "test/parity/features.test.ts::a tool asks the model, then the user, then for the roots, and waits for none of them in vain"
  ),
  done(
    "C21",
    "A handler asks the user by form or by URL, under a method name of its own",
    "context/Elicitation.form, context/Elicitation.url",
    "test/parity/features.test.ts::a page to visit is asked for by its address, of clients that can open one"
  ),
  done(
    "C22",
    "Reading a sibling resource from a handler, ten levels deep; wired up in unit tests only",
    "context/RequestContext",
    "test/parity/features.test.ts::a handler uses the other definitions of its server, as its caller, ten deep at most"
  ),
  done(
    "C23",
    "Calling a sibling tool from a handler, ten levels deep; wired up in unit tests only",
    "definition/Tool.call",
    "test/server/nestedCalls.test.ts::is 10 deep at most, and one more is refused"
  ),
  done(
    "C24",
    "A handler cannot ask for the client's roots",
    "context/Roots",
    "test/parity/features.test.ts::roots are asked for anew each time, so that the notice of their change finds nothing stale"
  ),
  done(
    "C25",
    "A handler cannot log to the client",
    "context/ClientLog",
    "test/context/context.test.ts::reaches the client from the level it asked for upwards"
  ),
  done(
    "C26",
    "Wait for all, results in the order given; run one after another",
    "core/Fanout.joinAll",
    "test/parity/wire.test.ts::joinAll takes as long as the longest and answers every outcome in the order given"
  ),
  done(
    "C27",
    "First to finish, with a form that takes a time limit; only the first is ever run",
    "core/Fanout.race, core/Fanout.raceTimeout",
    "test/parity/wire.test.ts::race ends with the first to finish, and its losers' finalizers have run before the reply"
  ),
  done(
    "C28",
    "M of N successes, with a form that takes a time limit",
    "core/Fanout.quorum, core/Fanout.quorumTimeout",
    "test/parity/wire.test.ts::quorum ends with the success that makes it, and with a time limit at the limit"
  ),
  done(
    "C29",
    "First success, or the last error",
    "core/Fanout.firstOk",
    "test/parity/wire.test.ts::firstOk passes over failures to the first success, or tells what everybody failed with"
  ),
  effect(
    "C30",
    "Only the runtime library has retry, hedge, circuit breaker, bulkhead, bracket and pipeline",
    "effect/Effect.retry, effect/Effect.acquireUseRelease, effect/Effect.race, effect/Semaphore.make, " +
      "effect/persistence/CircuitBreaker.make, effect/Function.pipe"
  ),
  done(
    "C31",
    "Ten named errors and a custom one; several codes differ from the specification's",
    "protocol/McpError",
    "test/parity/wire.test.ts::a refusal has the code of its reason"
  ),
  done(
    "C32",
    "An error may carry data; tool errors and masking drop it",
    "protocol/McpError",
    "test/parity/wire.test.ts::a refusal carries its data to the client, and a tool error its value"
  ),
  done(
    "C33",
    "Internal errors lose text and data when masked; tool errors are sent as they are",
    "server/internal/reply",
    "test/parity/features.test.ts::a defect's text reaches no client, and the log has it under the number the client gets",
    "what a tool declares as its failure is sent as declared"
  ),
  refused(
    "C34",
    "Masking switched by two environment variables or the kind of build",
    "there is nothing to switch: a defect's text never leaves the server, and what could be turned off would be forgotten in production"
  ),
  done(
    "C35",
    "The caller's token, subject, scopes and claims as plain values",
    "context/Identity",
    "test/parity/features.test.ts::who calls is a value of each request, also of two at once",
    "without the token, which handlers have no need to see"
  ),
  done(
    "C36",
    "Seven named log targets",
    "telemetry/ServerLog.withTarget",
    "test/parity/features.test.ts::a line of the server's own log has its target, and each target its level",
    "the author names them; none is reserved"
  ),
  effect(
    "C37",
    "Durations written like 1h30m45s, nothing above hours",
    "effect/Duration.fromInput, effect/Duration.fromIso",
    "other spellings: `1.5 hours`, `PT1H30M45S`"
  ),
  effect(
    "C38",
    "A hidden single-thread runtime that runs asynchronous code to its end",
    "@effect/platform-node/NodeRuntime.runMain",
    "only where a program starts"
  ),

  // Protocol
  done(
    "P01",
    "Requests, responses and notifications as types; the version member is not looked at",
    "protocol/JsonRpc",
    "test/server/badInput.test.ts::${what} is refused with ${code}, and the connection lives"
  ),
  done(
    "P02",
    "A line that is no JSON or no message is dropped without an answer",
    "protocol/JsonRpc",
    "test/server/badInput.test.ts::${what} is refused with ${code}, and the connection lives"
  ),
  done(
    "P03",
    "Batches are dropped without an answer",
    "protocol/JsonRpc",
    "test/parity/features.test.ts::a batch is answered together where the revision has batches, and refused elsewhere"
  ),
  done(
    "P04",
    "A second request under an id still in flight replaces the first one's entry",
    "server/dispatcher",
    "test/server/badInput.test.ts::an id that is in flight is refused, and the first request still answered"
  ),
  done(
    "P05",
    "One protocol revision, 2024-11-05, whatever the client asks for",
    "protocol/Revisions",
    "test/parity/features.test.ts::each of the revisions with a handshake is settled on, and the newest of them for one nobody knows",
    "2026-07-28 has no handshake: P40"
  ),
  done(
    "P06",
    "initialize is answered at any time, also twice",
    "server/statefulLifecycle",
    "test/parity/wire.test.ts::a second handshake is refused, and the first still holds"
  ),
  done(
    "P07",
    "Waits for `initialized`, a method no client sends",
    "server/statefulLifecycle",
    "test/parity/wire.test.ts::notifications/initialized gets no answer, and who has not sent it yet is served"
  ),
  done(
    "P08",
    "The server answers pings; the client refuses them",
    "server/dispatcher, client/McpClient",
    "test/client/handlers.test.ts::a question nobody answers is refused, and a ping is answered",
    "both answer"
  ),
  done(
    "P09",
    "tools/list",
    "server/internal/tools",
    "test/parity/wire.test.ts::a tool made from a function is listed by its contract, and called"
  ),
  done(
    "P10",
    "tools/call",
    "server/internal/tools",
    "test/parity/wire.test.ts::a tool made from a function is listed by its contract, and called"
  ),
  done(
    "P11",
    "resources/list",
    "server/internal/resources",
    "test/parity/features.test.ts::what is registered is listed, each kind in its list and in its order"
  ),
  done(
    "P12",
    "resources/templates/list, in one page",
    "server/internal/lists",
    "test/parity/features.test.ts::a list comes page by page, and takes no cursor but its own"
  ),
  done(
    "P13",
    "resources/read",
    "server/internal/resources",
    "test/parity/features.test.ts::a resource is read as text, as bytes or as a value, each of its contents as one of the two"
  ),
  done(
    "P14",
    "Subscriptions are accepted, though never announced as a capability",
    "server/subscriptions",
    "test/parity/features.test.ts::a resource that is watched tells of its change, until it is watched no more"
  ),
  done(
    "P15",
    "Nothing ever triggers a notice that a resource changed",
    "server/subscriptions",
    "test/parity/features.test.ts::a resource that is watched tells of its change, until it is watched no more",
    "sessions over HTTP hear of it once they have a stream: T12"
  ),
  done(
    "P16",
    "prompts/list and prompts/get",
    "server/internal/prompts",
    "test/parity/features.test.ts::a prompt is got as messages of two roles, from the text its arguments are"
  ),
  done(
    "P17",
    "No notice when one of the three lists changes",
    "server/registry",
    "test/parity/features.test.ts::each of the three lists tells of its change, and of no other's",
    "sessions over HTTP hear of it once they have a stream: T12"
  ),
  done(
    "P18",
    "logging/setLevel knows four levels and filters for the whole process",
    "server/statefulLifecycle",
    "test/parity/wire.test.ts::logging/setLevel knows eight levels, and holds for the connection it came on"
  ),
  done(
    "P19",
    "Log notices whose data is text behind a date",
    "context/ClientLog",
    "test/context/context.test.ts::carries any JSON and the name of its logger, and text for what is not JSON"
  ),
  done(
    "P20",
    "Progress notices under a token of text or number",
    "context/Progress",
    "test/context/context.test.ts::reaches the client under its token, with its total and message"
  ),
  done(
    "P21",
    "The loop sees a cancel notice too late to stop anything; a private member asks to wait",
    "server/dispatcher",
    "test/server/cancellation.test.ts::a tool that never ends stops when its client cancels it, its finalizers run, and nothing answers",
    "without the private member"
  ),
  done(
    "P22",
    "Cursors are neither read nor given",
    "core/Cursor, server/internal/lists",
    "test/parity/features.test.ts::a list comes page by page, and takes no cursor but its own"
  ),
  done(
    "P23",
    "No completion of arguments",
    "definition/Completion",
    "test/parity/features.test.ts::values of prompts and templates are completed, a hundred at most"
  ),
  done(
    "P24",
    "Sampling messages of text and image",
    "protocol/McpSchema",
    "test/parity/features.test.ts::a model gets text, images, audio and tools, as far as the client's revision knows them"
  ),
  done(
    "P25",
    "Elicitation by form and URL, parameters of one later revision only",
    "context/Elicitation",
    "test/parity/features.test.ts::a form holds every kind of field with its bounds and default, and its answer is decoded"
  ),
  done(
    "P26",
    "A client's roots as a type; no notice of their change",
    "context/Roots",
    "test/parity/features.test.ts::roots are asked for anew each time, so that the notice of their change finds nothing stale",
    "nothing is kept that the notice could make stale"
  ),
  done(
    "P27",
    "Tools have one icon object and no title, metadata or execution member",
    "definition/Definition",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them",
    "`execution` is there for tools that run as tasks: P39"
  ),
  done(
    "P28",
    "Hints about a tool's effects under names that clients do not read",
    "definition/Tool",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them",
    "`annotations`, with the names of the specification"
  ),
  done(
    "P29",
    "Version and tags as members of their own on each component",
    "definition/Definition, protocol/Meta",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them",
    "under `_meta` keys of ours, since no revision has such members"
  ),
  done(
    "P30",
    "Text, images and embedded resources as content",
    "definition/Content",
    "test/parity/wire.test.ts::text, nothing, structure and blocks of content become results"
  ),
  planned(
    "P31",
    "One audio item, link or unknown kind of content makes the whole result unreadable",
    "protocol/McpSchema",
    "served, and said in words to peers of older revisions; reading what is unknown comes with the client"
  ),
  done(
    "P32",
    "A tool may declare an output schema, but results have no structured part",
    "definition/Tool",
    "test/parity/wire.test.ts::structured content comes with the schema it fits"
  ),
  done(
    "P33",
    "Resource contents with text, blob, both or neither",
    "definition/Resource",
    "test/parity/features.test.ts::a resource is read as text, as bytes or as a value, each of its contents as one of the two"
  ),
  done(
    "P34",
    "Of `_meta` only the progress token is kept",
    "protocol/Meta",
    "test/context/context.test.ts::a handler knows its request"
  ),
  planned(
    "P35",
    "Private members of list requests name tags to include and to exclude",
    "transform/Visibility",
    "under a `_meta` key of ours, since no revision has such members"
  ),
  done(
    "P36",
    "A validator for a part of JSON Schema, without patterns, references and combinators",
    "definition/ToolSchema.fromJsonSchema",
    "test/parity/features.test.ts::plain JSON Schema is checked with its patterns, references and combinators",
    "by Ajv, an optional peer; schemas of Effect need none"
  ),
  done(
    "P37",
    "A switch that forbids unknown properties, not within combinators",
    "definition/Tool",
    "test/parity/features.test.ts::a strict server refuses arguments nobody has, also inside of others, and says so in the schema"
  ),
  done(
    "P38",
    "A missing resource is -32001, a refused one takes the code the specification gives to missing",
    "protocol/McpError",
    "test/parity/features.test.ts::a missing resource is -32002, and -32602 from 2026-07-28",
    "what may not be seen is missing, too"
  ),
  done(
    "P39",
    "Tasks in a private form instead of that of 2025-11-25",
    "tasks/McpTasks",
    "test/tasks/McpTasks.test.ts::the client asks for one, and waits for what it comes to",
    "and the extension of 2026-07-28"
  ),
  done(
    "P40",
    "Nothing of the stateless era",
    "server/statelessLifecycle",
    "test/interop/sdk-v2.test.ts::finds the newest revision over http"
  ),

  // Transports
  planned("T01", "One blocking object that sends and receives", "transport/ServerTransport, transport/ClientTransport"),
  planned(
    "T02",
    "Reserve, then send: on stdio only, reserves no slot, and nothing uses it",
    "transport/ServerTransport"
  ),
  done(
    "T03",
    "Messages over 10 MiB are refused; the check counts their neighbours in",
    "transport/StdioServer",
    "test/parity/wire.test.ts::a line on stdin is measured by itself, however many arrive with it"
  ),
  done(
    "T04",
    "One bad line loses its neighbours and fails again on the next read",
    "transport/StdioServer",
    "test/parity/wire.test.ts::a bad line on stdin is answered once and costs its neighbours nothing"
  ),
  done(
    "T05",
    "A server over stdio, one request at a time",
    "transport/StdioServer",
    "test/transport/StdioServer.test.ts::answers, cancels in both eras, keeps logs off stdout, and exits with 0 when stdin ends"
  ),
  done(
    "T06",
    "Logs go to stderr",
    "node/NodeStdio",
    "test/transport/StdioServer.test.ts::answers, cancels in both eras, keeps logs off stdout, and exits with 0 when stdin ends"
  ),
  done(
    "T07",
    "A line is held in memory whole before its length is looked at",
    "transport/StdioServer",
    "test/transport/StdioServer.test.ts::discards a line of 200 MB while it reads it, in bounded memory, and reads the next line"
  ),
  done(
    "T08",
    "Server-sent events, 64 KiB a line and 1 MiB an event",
    "transport/SseServer, transport/SseClient",
    "test/transport/SseClient.test.ts::does not keep a message that is too large, and tells whose answer it was"
  ),
  done(
    "T09",
    "Parts of the two-endpoint transport, without a server",
    "transport/SseServer",
    "test/transport/SseServer.test.ts::asks on the stream and takes the answer by a post"
  ),
  effect(
    "T10",
    "An HTTP/1.1 request reader written by hand",
    "@effect/platform-node/NodeHttpServer.layer, effect/http/HttpServerRequest",
    "the raw mount reads with `node:http`"
  ),
  done(
    "T11",
    "POST handling without a listener; its queue gives the newest first",
    "transport/StreamableHttpServer",
    "test/transport/StreamableHttpServer.test.ts::many requests of both eras at once are each answered on their own response"
  ),
  done(
    "T12",
    "No stream by GET",
    "transport/StreamableHttpServer",
    "test/transport/StreamableHttpServer.streams.test.ts::is the only one to be told what answers no request"
  ),
  done(
    "T13",
    "No way to end a session by DELETE",
    "transport/StreamableHttpServer",
    "test/server/sessions.test.ts::end with DELETE, which cancels what is in flight, and are 404 from then on"
  ),
  done(
    "T14",
    "No session header; private ids are a hash of the time",
    "transport/StreamableHttpServer",
    "test/server/sessions.test.ts::have ids of visible ASCII with 128 random bits, no two alike"
  ),
  done(
    "T15",
    "The protocol version header is not read",
    "transport/StreamableHttpServer",
    "test/server/sessions.test.ts::answer with the version header, without it, and refuse one nobody speaks"
  ),
  done(
    "T16",
    "The content type is compared by prefix; what the client accepts is not looked at",
    "transport/StreamableHttpServer",
    "test/transport/StreamableHttpServer.test.ts::${what}: ${status}, ${era} era"
  ),
  done(
    "T17",
    "A table of sessions with an hour of idle time that nothing uses",
    "session/SessionStore",
    "test/transport/StreamableHttpServer.sessions.test.ts::expires without a request or a connection, and everything of it is let go",
    "30 minutes unless said otherwise; SQL and Redis beside memory"
  ),
  done(
    "T18",
    "Open to every origin by default",
    "transport/HostGuard",
    "test/transport/StreamableHttpServer.test.ts::answers what a browser page or a rebound name sends with 403"
  ),
  done(
    "T19",
    "No defence against DNS rebinding",
    "transport/HostGuard",
    "test/transport/StreamableHttpServer.test.ts::answers what a browser page or a rebound name sends with 403"
  ),
  done(
    "T20",
    "Memory is taken for the announced length before any limit",
    "transport/StreamableHttpServer",
    "test/transport/StreamableHttpServer.test.ts::answers a body over the limit with 413, declared or not, and lives"
  ),
  done(
    "T21",
    "A time limit of 30 s that is configured and ignored",
    "transport/HttpGuard",
    "test/node/NodeHttp.test.ts::cuts off who does not finish its headers, or its body, in time, however slowly it goes on"
  ),
  done(
    "T22",
    "A mode without sessions that nothing reaches",
    "transport/StreamableHttpServer",
    "test/server/sessions.test.ts::are not needed, made or touched by stateless requests beside them"
  ),
  done(
    "T23",
    "The last event id is never read",
    "transport/StreamableHttpServer",
    "test/transport/StreamableHttpServer.streams.test.ts::goes on after the last event its client has seen"
  ),
  done(
    "T24",
    "Events in memory, 100 a stream for an hour; any stream's can be asked for",
    "session/EventStore.layerMemory",
    "test/transport/StreamableHttpServer.streams.test.ts::of another session: 400, however well it is guessed",
    "256 events of 1 Mi characters, 5 minutes after the end of the stream"
  ),
  done(
    "T25",
    "No other place for events than memory",
    "session/EventStoreSql, session/EventStoreRedis",
    "test/session/cluster/cluster.test.ts::serve a whole session, whichever of them a request reaches"
  ),
  done(
    "T26",
    "An event without data can open a stream, but no stream does",
    "transport/StreamableHttpServer",
    "test/transport/StreamableHttpServer.streams.test.ts::from the event that only named its position brings all of it"
  ),
  effect(
    "T27",
    "WebSocket frames written by hand, 10 MiB each",
    "effect/socket/Socket.makeWebSocket, effect/http/HttpServerRequest.upgradeChannel, " +
      "@effect/platform-node/NodeHttpServer.layer"
  ),
  done(
    "T28",
    "No upgrade and no subprotocol",
    "transport/WebSocketServer, node/NodeWebSocket",
    "test/node/NodeWebSocket.test.ts::speaks mcp when it is offered or nothing is, and refuses a client that offers others alone"
  ),
  done(
    "T29",
    "After the peer has gone the server loops for ever",
    "transport/WebSocketConnection",
    "test/node/NodeWebSocket.test.ts::leaves nothing of 200 clients that come and go"
  ),
  done(
    "T30",
    "Pings are answered",
    "node/NodeWebSocket, transport/WebSocketConnection",
    "test/node/NodeWebSocket.test.ts::answers the pings of its clients",
    "and the server pings, so that a client that is gone without a word is noticed"
  ),
  done(
    "T31",
    "A pair of ends in memory that polls every 50 ms and ignores its capacity",
    "transport/Memory",
    "test/transport/Memory.test.ts::delivers in order, and in a turn of its own"
  ),
  effect(
    "T32",
    "No TLS",
    "@effect/platform-node/NodeHttpServer.layer",
    "given a server made by `node:https`"
  ),
  done(
    "T33",
    "Client ends for SSE, HTTP and WebSocket that the client cannot use",
    "transport/StreamableHttpClient, transport/SseClient, transport/WebSocketClient",
    "test/parity/client.test.ts::stops what it does not wait for any more, by time or by hand, while others are answered"
  ),
  done(
    "T34",
    "At shutdown each request gets 5 s to end",
    "transport/StdioServer, transport/StreamableHttpServer",
    "test/server/cancellation.test.ts::a shutdown lets requests finish, then cancels them with Shutdown and answers them"
  ),

  // Server
  done(
    "S01",
    "A server has name, version and instructions",
    "server/McpServer",
    "test/server/McpServer.test.ts::in initialize, what it is and what it can"
  ),
  done(
    "S02",
    "A builder with a method per option",
    "server/McpServer.layer",
    "test/server/McpServer.test.ts::in server/discover, the same with the versions it speaks and how long to believe it"
  ),
  done(
    "S03",
    "Four policies for a name used twice; the strict one only logs",
    "server/registry",
    "test/parity/features.test.ts::a name that is used twice fails the start, or is replaced with a warning or without, or ignored",
    "`onDuplicate`; the strict one is the default"
  ),
  done(
    "S04",
    "Registration of tools, resources, prompts and templates",
    "server/McpServer",
    "test/parity/features.test.ts::what is registered is listed, each kind in its list and in its order"
  ),
  done(
    "S05",
    "Nothing can be added or removed while the server runs",
    "server/McpServer",
    "test/server/McpServer.test.ts::in ${revision}, tools come and go"
  ),
  done(
    "S06",
    "Handlers name tags that listings leave out",
    "definition/Definition",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them",
    "in `_meta`"
  ),
  done(
    "S07",
    "A listing can demand all of some tags and none of others, in any case",
    "transform/Visibility",
    "test/transform/Visibility.test.ts::of which some are included or excluded are there or not, in lists and calls alike",
    "what the author leaves out cannot be called either; the tags are in every listing, for clients to filter by"
  ),
  done(
    "S08",
    "The author cannot filter by tag",
    "server/McpServer",
    "test/parity/features.test.ts::the author shows definitions by their tags, in lists and in use",
    "`visible`, in lists and in use"
  ),
  done(
    "S09",
    "Icons, versions and hints that a handler gives never reach a listing",
    "definition/Definition",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them"
  ),
  done(
    "S10",
    "URI templates with plain `{name}` expressions",
    "core/UriTemplate, definition/ResourceTemplate",
    "test/parity/features.test.ts::a template reads what its URI holds, typed, with lists, queries and paths",
    "all of RFC 6570 whose values can be told apart; what cannot be is refused at the start"
  ),
  done(
    "S11",
    "Of several matching templates the most specific is taken",
    "core/UriTemplate.compare",
    "test/parity/features.test.ts::of several templates that match, the most specific reads, in whatever order they came"
  ),
  done(
    "S12",
    "Lists come in another order on each run",
    "server/registry",
    "test/server/McpServer.test.ts::in ${revision}, its tools in the order they were registered"
  ),
  done(
    "S13",
    "A request time limit of 30 s that never fires",
    "server/McpServer",
    "test/server/McpServer.test.ts::are 30 seconds and nothing else when nobody says"
  ),
  done(
    "S14",
    "A handler's own time limit that nothing reads",
    "definition/Tool",
    "test/middleware/Timeout.test.ts::the tightest of ${named.join(\", \")} ends a call after ${ends} ms with ${reason}"
  ),
  done(
    "S15",
    "Optional refusal of unknown arguments",
    "server/McpServer",
    "test/parity/features.test.ts::a strict server refuses arguments nobody has, also inside of others, and says so in the schema",
    "`strictInput`, or for a single tool `strict`"
  ),
  done(
    "S16",
    "Optional masking of error texts, without tool errors",
    "server/internal/reply",
    "test/parity/features.test.ts::a defect's text reaches no client, and the log has it under the number the client gets",
    "always, not by option"
  ),
  done(
    "S17",
    "Synchronous hooks around requests, run ahead of authentication; most errors pass them by",
    "middleware/Middleware",
    "test/middleware/Middleware.test.ts::sees every way a request can end"
  ),
  done(
    "S18",
    "A hook may answer in the handler's place; outer hooks still see that answer",
    "middleware/Middleware",
    "test/parity/wire.test.ts::a middleware that answers in the handler's place is seen by those outside it"
  ),
  done(
    "S19",
    "A response cache, 1,000 entries and 100 MiB, that does not know who asks",
    "middleware/Caching, middleware/CacheStore",
    "test/middleware/Caching.test.ts::gives no byte of one caller's result to another, in whatever order with the others",
    "each caller has its own, and a tool is cached where it says so"
  ),
  done(
    "S20",
    "The cache counts hits and can be cleared or told to forget a call",
    "middleware/CacheStore",
    "test/middleware/Caching.test.ts::forgets lists that change, resources that are updated, and what has a tag",
    "by tag instead of by call"
  ),
  done(
    "S21",
    "A token bucket per client, error code -32005",
    "middleware/RateLimit",
    "test/middleware/RateLimit.test.ts::a ${algorithm} refuses with 429 and says when it is worth trying again",
    "code 429, and `retryAfter` in the data"
  ),
  done(
    "S22",
    "A sliding window per client",
    "middleware/RateLimit",
    "test/middleware/RateLimit.test.ts::a ${algorithm} refuses with 429 and says when it is worth trying again",
    "never more than the limit in any window, also of several processes"
  ),
  effect(
    "S23",
    "One hook at start and one at the end",
    "effect/Layer.effect, effect/Effect.acquireRelease",
    "the server is a Layer, so what it needs is built before it and released after it"
  ),
  planned("S24", "Counters for calls, reads, connections, bytes and time", "telemetry/Metrics"),
  done(
    "S25",
    "A table of the requests in flight, awaited at the end",
    "server/dispatcher",
    "test/server/cancellation.test.ts::a shutdown lets requests finish, then cancels them with Shutdown and answers them"
  ),
  done(
    "S26",
    "One request at a time",
    "server/dispatcher",
    "test/server/cancellation.test.ts::other requests are answered while a tool runs for ever"
  ),
  done(
    "S27",
    "A process serves a single session",
    "server/McpServer",
    "test/server/sessions.test.ts::keep their log level to themselves"
  ),
  done(
    "S28",
    "Running a server ends the process with it",
    "server/McpServer",
    "test/transport/StreamableHttpServer.test.ts::answers what is in flight before it closes, with Shutdown after the grace period",
    "the server is a Layer; only `node/` ends a process"
  ),
  done(
    "S29",
    "A built server moves under a prefix and loses its hooks and its auth",
    "provider/Mount",
    "test/provider/Mount.test.ts::runs in its middleware, which is inside that of its parent, under the names it knows",
    "live, or as it was; who may not use it may not here, and prefixes are a transform's"
  ),
  done(
    "S30",
    "Mounting only the tools, the resources or the prompts",
    "provider/Mount",
    "test/provider/Mount.test.ts::has only what is asked for"
  ),
  done(
    "S31",
    "A mount reports warnings and always success",
    "provider/Mount",
    "test/provider/Mount.test.ts::that has a name that is taken fails, and says which way the two came"
  ),
  done(
    "S32",
    "A remote server's components, read once, with or without a prefix",
    "provider/Proxy",
    "test/provider/several.test.ts::have names and URIs that say whose they are, and what two of them have is the first one's",
    "read again whenever they change"
  ),
  done(
    "S33",
    "A proxied tool's progress reaches the caller",
    "provider/Proxy",
    "test/provider/Proxy.test.ts::passes on progress to who asks for it, and logs at the level of their client"
  ),
  done(
    "S34",
    "Calls through a proxy queue behind one lock",
    "provider/Proxy",
    "test/provider/Proxy.test.ts::answers many calls at once",
    "they run side by side"
  ),
  done(
    "S35",
    "A proxy shares one upstream session and does not come back after a crash",
    "provider/Proxy",
    "test/provider/sessions.test.ts::says that the server is away, and answers again when it is back",
    "a session for each client, and it comes back"
  ),
  done(
    "S36",
    "Files under a folder as resources; the filters hold for the listing only",
    "provider/FileSystem",
    "test/provider/FileSystem.test.ts::is answered like what is not there, in the same words",
    "they hold for reads, in whatever spelling, and each file is listed"
  ),
  effect("S37", "About 45 file extensions with their media types", "effect/http/Mime.getType"),
  done(
    "S38",
    "A tool under another name or description",
    "transform/Rename",
    "test/transform/Rename.test.ts::are listed and called under their new names alone, with what else is said of them"
  ),
  done(
    "S39",
    "Arguments renamed, hidden, given a default or another schema; hidden ones can be given all the same",
    "transform/ReshapeArguments",
    "test/transform/ReshapeArguments.test.ts::that are hidden or had another name cannot be given, and are unknown where that is refused",
    "what cannot be is an error when the tool is registered"
  ),
  done(
    "S40",
    "Whether an argument is required can be set, without effect",
    "transform/ReshapeArguments",
    "test/transform/ReshapeArguments.test.ts::have a default, which callers see, and then are not required"
  ),
  done(
    "S41",
    "No function over a tool's arguments or result",
    "transform/MapResult, transform/ReshapeArguments",
    "test/transform/MapResult.test.ts::get a structure of their own, which is listed and checked",
    "arguments are decoded by schemas of their own"
  ),
  done(
    "S42",
    "What a session has switched off is hidden and refused, templates excepted",
    "transform/Visibility",
    "test/transform/Visibility.test.ts::turns definitions on and off for one session, and tells its client",
    "templates included"
  ),
  done(
    "S43",
    "A client cannot ask for more log than the server is configured to give",
    "server/internal/clientLogs",
    "test/parity/features.test.ts::what a handler logs reaches the client from its level upwards, and not below the server's own",
    "of `Effect.log`; what a handler sends with `ClientLog` is meant for the client, at whatever level it asked for"
  ),
  refused(
    "S44",
    "After setLevel each request sends one log notice by itself",
    "what a client gets is what handlers log; that a request has ended it knows, and `middleware/Logging` tells whoever runs the server"
  ),
  done(
    "S45",
    "No servers from OpenAPI documents",
    "provider/OpenApi",
    "test/provider/openApi/OpenApi.documents.test.ts::has operations that are called as it says",
    "twelve public documents of ten makers are listed and called"
  ),
  done(
    "S46",
    "No routes of the author's own, no health route",
    "node/NodeHttp",
    "test/node/NodeHttp.test.ts::says at /health whether it takes requests, whatever the host, and nothing else anywhere else"
  ),

  // Auth, OAuth and OpenID
  done(
    "A01",
    "One auth service, which looks for credentials in the JSON-RPC parameters",
    "auth/AuthProvider, auth/BearerAuth, auth/ApiKeyAuth, transport/Admission",
    "test/auth/transports.test.ts::on a node:http server, with SSE and WebSocket beside"
  ),
  done(
    "A02",
    "An interface from token to caller",
    "auth/TokenVerifier",
    "test/auth/AuthProvider.test.ts::has each token verified by its own issuer, and what names none by another"
  ),
  done(
    "A03",
    "A fixed table of tokens, compared as plain text",
    "auth/StaticVerifier",
    "test/auth/AuthProvider.test.ts::lets in by a key in its header, until the key ends"
  ),
  done(
    "A04",
    "A provider that lets everybody in",
    "auth/AuthProvider.layerAllowAll, auth/AuthProvider.layerAs",
    "test/auth/transports.test.ts::with everybody let in serves nobody in particular, and as one user that one"
  ),
  refused(
    "A05",
    "JWT with a shared secret, behind a feature flag",
    "whoever checks such a token could make one; tokens are signed with a key their verifier does not have"
  ),
  done(
    "A06",
    "No JWT with public keys, no key sets",
    "auth/JwtVerifier, oauth/Jwks, oauth/Jwt",
    "test/auth/resourceServer.test.ts::unknown kid: the keys are fetched again at most once in 30 seconds"
  ),
  done(
    "A07",
    "Issuer, audience and times are checked as the JWT library happens to default",
    "auth/JwtVerifier",
    "test/auth/resourceServer.test.ts::aud contains this resource: a token for another is refused"
  ),
  done(
    "A08",
    "No component can ask for scopes",
    "definition/Definition, context/Challenge, server/internal/permission",
    "test/auth/resourceServer.test.ts::all scopes of the operation in one challenge, from the pipeline as from the door"
  ),
  done(
    "A09",
    "No HTTP status and no challenge for a refused caller",
    "auth/BearerAuth, context/Challenge",
    "test/auth/resourceServer.test.ts::401 and 403 with resource_metadata and scope"
  ),
  done(
    "A10",
    "No document that tells clients who protects the server",
    "auth/ProtectedResource, oauth/ProtectedResourceMetadata",
    "test/auth/transports.test.ts::on a node:http server, with SSE and WebSocket beside"
  ),
  done(
    "A11",
    "No authorization server metadata",
    "oauth/server/endpoints/metadata",
    "test/oauth/server/flow.test.ts::says of itself what is so"
  ),
  done(
    "A12",
    "Tokens are not bound to a resource",
    "oauth/server/checks/resource",
    "test/oauth/server/authorizationRows.test.ts::A14: is for its client, redirect, challenge and resource alone"
  ),
  done(
    "A13",
    "Authorization codes, ten minutes, used once",
    "oauth/server/grants/authorizationCode",
    "test/oauth/server/flow.test.ts::gives a code, tokens for it, and the next tokens"
  ),
  done(
    "A14",
    "The S256 challenge never matches: the hash differs on each call",
    "oauth/Pkce",
    "test/oauth/Pkce.test.ts::the challenge is that of RFC 7636, appendix B"
  ),
  refused(
    "A15",
    "The plain PKCE challenge is offered, and the only one that works",
    "plain sends the verifier itself with the first request and protects against nothing; MCP asks for S256"
  ),
  done(
    "A16",
    "Refresh tokens for 30 days, the same one each time",
    "oauth/server/grants/refreshToken",
    "test/oauth/server/holes.test.ts::fastmcp_rust 4: a refresh token is another each time, and one that comes again ends all"
  ),
  done(
    "A17",
    "No grant for machines",
    "oauth/server/grants/clientCredentials",
    "test/oauth/server/tokenRows.test.ts::T8: give a subject that no user has, and nothing that lasts"
  ),
  done(
    "A18",
    "A register of clients with secrets, redirects and scopes",
    "oauth/server/clients, oauth/server/Client",
    "test/interop/ownAuthorization.test.ts::our client gets in, known ${registration}, and asks for more"
  ),
  done(
    "A19",
    "Clients are registered by code only; there is no endpoint",
    "oauth/server/endpoints/register, oauth/server/clientDocuments",
    "test/interop/ownAuthorization.test.ts::the official client of ${revision} gets in, known ${registration}, and asks for more"
  ),
  done(
    "A20",
    "Loopback redirects compared as text, which a crafted user part passes",
    "oauth/RedirectUri",
    "test/oauth/RedirectUri.test.ts::${given} is ${expected ? \"\" : \"not \"}the registered ${registered}"
  ),
  done(
    "A21",
    "Any client can revoke any token",
    "oauth/server/endpoints/revoke",
    "test/oauth/server/holes.test.ts::fastmcp_rust 5: a client cannot end the tokens of another"
  ),
  done(
    "A22",
    "No introspection",
    "oauth/server/endpoints/introspect",
    "test/oauth/server/otherRows.test.ts::R7: tells of tokens for the caller, and of others no more than of none"
  ),
  done(
    "A23",
    "Access tokens valid for an hour, kept as plain text",
    "oauth/server/accessTokens, auth/LocalVerifier",
    "test/oauth/server/flow.test.ts::gives a code, tokens for it, and the next tokens"
  ),
  done(
    "A24",
    "Tokens derived from a hash of the time",
    "oauth/server/secrets",
    "test/oauth/server/holes.test.ts::fastmcp_rust 3: and no two are alike, nor is a bit of them likelier than not"
  ),
  done(
    "A25",
    "Ten OAuth error codes",
    "oauth/server/Refusal",
    "test/oauth/server/authorizationRows.test.ts::A6: iss is in success and in each error, and the metadata says so"
  ),
  done(
    "A26",
    "The caller passes the user in; there is no login and no consent",
    "oauth/server/UserLogin, oauth/server/PasswordLogin, oauth/server/Consent",
    "test/oauth/server/browser.test.ts::a person comes to an authorization server, and back: ${look.name}"
  ),
  done(
    "A27",
    "Everything in memory",
    "oauth/server/OAuthStore, oauth/server/OAuthStoreSql, oauth/server/OAuthStoreRedis",
    "test/oauth/server/authorizationRows.test.ts::A14: is nowhere in the store, nor is any other secret"
  ),
  done(
    "A28",
    "Expired entries go and numbers come when a function is called",
    "oauth/server/OAuthStoreSql",
    "test/oauth/server/OAuthStoreSql.test.ts::deletes what is over, however much, and nothing else"
  ),
  done(
    "A29",
    "An OpenID discovery document that no route serves",
    "oauth/oidc/discovery",
    "test/oauth/oidc/overHttp.test.ts::finds the provider by its discovery document, and its keys by that"
  ),
  done(
    "A30",
    "ID tokens whose signature nobody can check",
    "oauth/oidc/idToken",
    "test/oauth/oidc/overHttp.test.ts::gets an ID token that anybody can check with the published keys"
  ),
  done(
    "A31",
    "Discovery points to a key set that does not exist",
    "oauth/server/SigningKeys, oauth/server/KeyRotation, node/NodeSigningKeys",
    "test/oauth/oidc/keyRotation.test.ts::is of a file, while logins go on and clients keep keys for as long as they may"
  ),
  done(
    "A32",
    "User info as a function",
    "oauth/oidc/userInfo",
    "test/oauth/oidc/overHttp.test.ts::reads the claims of its scopes, of the same user, and no others"
  ),
  done(
    "A33",
    "Standard claims chosen by scope",
    "oauth/oidc/claims",
    "test/oauth/oidc/overHttp.test.ts::reads the claims of its scopes, of the same user, and no others"
  ),
  done(
    "A34",
    "The nonce is handed over by the caller, not kept with the code",
    "oauth/oidc/idToken",
    "test/oauth/oidc/overHttp.test.ts::gets the nonce of its own request, whatever else it sends with the code"
  ),
  done(
    "A35",
    "User claims from a table or a function",
    "oauth/oidc/UserClaims",
    "test/oauth/oidc/userInfo.test.ts::has the claims of the scopes, one sub, and drops none of one's own"
  ),
  done(
    "A36",
    "No OAuth in the client",
    "oauth/client/OAuthClient, client/ClientAuth",
    "test/interop/authorization.test.ts::lets a user in from a bare 401, asks for more scopes once, and takes renewed tokens, in ${revision}"
  ),
  done(
    "A37",
    "No sign-in through GitHub, Google and their like",
    "oauth/proxy/OAuthProxy, oauth/proxy/Providers",
    "test/oauth/proxy/OAuthProxy.test.ts::gives a client a token of its own for a user of the provider"
  ),

  // Asking the client
  done(
    "B01",
    "Requests to the client, numbered from a million; their answers are never read",
    "server/backChannel",
    "test/parity/features.test.ts::a tool asks the model, then the user, then for the roots, and waits for none of them in vain"
  ),
  done(
    "B02",
    "Sampling requests of text",
    "context/Sampling",
    "test/parity/features.test.ts::a model gets text, images, audio and tools, as far as the client's revision knows them"
  ),
  done(
    "B03",
    "Elicitation requests under a method the specification does not have",
    "context/Elicitation",
    "test/parity/features.test.ts::a form holds every kind of field with its bounds and default, and its answer is decoded"
  ),
  done(
    "B04",
    "A reader of roots that nothing reaches",
    "context/Roots",
    "test/parity/features.test.ts::roots are asked for anew each time, so that the notice of their change finds nothing stale"
  ),
  done(
    "B05",
    "A silent client is waited for without end",
    "server/backChannel",
    "test/parity/features.test.ts::a client that does not answer is waited for as long as the server says, and told that it need not",
    "5 minutes by default; the request's own time stands still meanwhile"
  ),
  done(
    "B06",
    "A cancelled request leaves its question to the client open",
    "server/backChannel",
    "test/parity/features.test.ts::a question is withdrawn when the request it is part of ends"
  ),
  done(
    "B07",
    "The user's answer is not compared with the schema it was asked by",
    "context/Elicitation",
    "test/parity/features.test.ts::an answer that does not fit its form does not reach the handler"
  ),

  // MCP tasks
  done(
    "K01",
    "A register of task handlers under private methods",
    "tasks/McpTasks, definition/Tool",
    "test/tasks/McpTasks.test.ts::a call becomes a task, which is looked up until it has its result",
    "a tool is its own task, with the same handler"
  ),
  done(
    "K02",
    "Five task states of its own",
    "tasks/McpTasks, protocol/McpSchema",
    "test/tasks/McpTasks.test.ts::ends as the call would have ended"
  ),
  done(
    "K03",
    "Progress from 0 to 1 that a handler cannot report, not knowing its task",
    "tasks/McpTasks, context/Progress",
    "test/tasks/McpTasks.test.ts::says how far it is"
  ),
  done(
    "K04",
    "Cancelling a task that has not begun does not keep it from running",
    "tasks/McpTasks",
    "test/tasks/McpTasks.test.ts::cancel ends what runs and what waits, and says nothing of what has ended"
  ),
  done(
    "K05",
    "Results stay until somebody removes them",
    "tasks/McpTasks",
    "test/tasks/McpTasks.test.ts::a task is not kept beyond its time, and no one is told of one that was or never was"
  ),
  done(
    "K06",
    "Everybody sees and cancels everybody's tasks",
    "tasks/McpTasks",
    "test/tasks/callers.test.ts::know nothing of each other's tasks"
  ),
  done(
    "K07",
    "Status notices reach the latest session, whoever began the task",
    "tasks/McpTasks",
    "test/tasks/McpTasks.test.ts::tells its listeners of each status"
  ),

  // Docket
  done(
    "D01",
    "Tasks with a type and parameters go into a queue",
    "docket/Docket, docket/DocketTask.make",
    "test/docket/Docket.test.ts::is doing, and saying what came of it"
  ),
  done(
    "D02",
    "Higher priority first, until a task is tried again",
    "docket/Docket",
    "test/docket/Docket.test.ts::starts the more urgent first",
    "an attempt more has the priority of the one before"
  ),
  done(
    "D03",
    "Equal priority in order of arrival",
    "docket/Docket",
    "test/docket/Docket.test.ts::starts the more urgent first"
  ),
  done(
    "D04",
    "A delay that is stored and ignored",
    "docket/Docket",
    "test/docket/Docket.test.ts::starts at the millisecond that was asked for"
  ),
  done(
    "D05",
    "Three retries that are really three attempts",
    "docket/DocketTask",
    "test/docket/Docket.test.ts::is retried as the schedule says, and then kept with its reason"
  ),
  done(
    "D06",
    "A pause between attempts that is never made",
    "docket/DocketTask",
    "test/docket/Docket.test.ts::is retried as the schedule says, and then kept with its reason",
    "any `Schedule` of Effect"
  ),
  done(
    "D07",
    "A time limit of 300 s that is never applied",
    "docket/DocketTask",
    "test/docket/Docket.test.ts::comes in time, also where a handler will not end"
  ),
  done(
    "D08",
    "A task that takes over 30 s is given out again, its worker being unable to say it lives",
    "docket/Worker",
    "test/docket/Worker.test.ts::keeps its lease for as long as a run takes"
  ),
  done(
    "D09",
    "A late acknowledgement overwrites what happened meanwhile",
    "docket/Execution.apply",
    "test/docket/Execution.test.ts::is in the table, for every transition"
  ),
  done(
    "D10",
    "A cancel is lost when the result arrives after it",
    "docket/Execution",
    "test/docket/Docket.test.ts::is a cancel, of what waits and of what runs"
  ),
  done(
    "D11",
    "A worker that asks every 100 ms and never runs two tasks together",
    "docket/Worker",
    "test/docket/limits.test.ts::is never more, and another key does not wait for it",
    "ten at a time, rung for"
  ),
  done(
    "D12",
    "A panic in a task kills its worker",
    "docket/Worker",
    "test/docket/Docket.test.ts::is retried as the schedule says, and then kept with its reason"
  ),
  done(
    "D13",
    "Five counts over the queue",
    "docket/Docket",
    "test/docket/Docket.test.ts::lists page after page, and counts",
    "by task and status, and over HTTP with `docket/DocketHttp`"
  ),
  done(
    "D14",
    "A queue in memory; two workers may lock each other out",
    "docket/DocketStore.layerMemory",
    "test/docket/Worker.test.ts::leaves a task it does not know to one that does, and says so once"
  ),
  done(
    "D15",
    "A Redis queue whose every method says it is not there",
    "docket/DocketStoreRedis, node/NodeDocketRedis",
    "test/examples/examples.test.ts::%s exits with 0",
    "`examples/docket-redis`; SQLite and Postgres as well"
  ),
  done(
    "D16",
    "No dead letters, cron, idempotency keys or result lifetimes",
    "docket/Docket",
    "test/docket/Docket.test.ts::does a key once while it is kept",
    "schedules in `test/docket/schedules.test.ts`"
  ),
  done(
    "D17",
    "The queue and MCP tasks know nothing of each other",
    "tasks/McpTasks",
    "test/examples/examples.test.ts::%s exits with 0",
    "`examples/tasks`: a task is an execution of a docket, whatever that is kept in"
  ),

  // Client
  done(
    "L01",
    "A builder with 30 s of time limit and no retries",
    "client/McpClient",
    "test/client/calls.test.ts::to a server that stays silent ends at its time, and the server is told"
  ),
  done(
    "L02",
    "Starts a server process with folder and environment",
    "transport/StdioClient, node/NodeStdioClient",
    "test/transport/StdioClient.test.ts::passes on the variables of the official SDKs alone"
  ),
  done(
    "L03",
    "Connecting is tried again after a fixed pause",
    "client/McpClient",
    "test/client/calls.test.ts::a server that cannot be reached is tried again by the schedule"
  ),
  done(
    "L04",
    "The handshake at connect or at first use",
    "client/McpClient",
    "test/client/negotiation.test.ts::2026-07-28, by one question"
  ),
  done(
    "L05",
    "Lists, calls, reads and prompts, first page only",
    "client/McpClient",
    "test/parity/client.test.ts::reads every page, calls by contract a hundred at a time, and gets declared failures back"
  ),
  done(
    "L06",
    "A call with a callback for its progress",
    "client/McpClient",
    "test/parity/client.test.ts::shows progress as it comes, hears logs and changes, and answers what the server asks"
  ),
  done(
    "L07",
    "A cancel that cannot be sent while the call it means is running",
    "client/McpClient",
    "test/parity/client.test.ts::stops what it does not wait for any more, by time or by hand, while others are answered"
  ),
  done(
    "L08",
    "A time limit that a silent server never reaches",
    "client/McpClient",
    "test/parity/client.test.ts::gives up a server that takes it in and says nothing, and leaves no connection"
  ),
  done(
    "L09",
    "Answers are taken without comparing their id on the progress path",
    "client/McpClient",
    "test/client/calls.test.ts::has one answer: a second, and one for a request nobody made, are nobody's"
  ),
  done(
    "L10",
    "One request at a time",
    "client/McpClient",
    "test/parity/client.test.ts::reads every page, calls by contract a hundred at a time, and gets declared failures back"
  ),
  done(
    "L11",
    "What the server asks is refused",
    "client/ClientHandlers",
    "test/parity/client.test.ts::shows progress as it comes, hears logs and changes, and answers what the server asks"
  ),
  done(
    "L12",
    "Log notices go to the logger, other notices nowhere",
    "client/ClientHandlers.log",
    "test/parity/client.test.ts::shows progress as it comes, hears logs and changes, and answers what the server asks"
  ),
  done(
    "L13",
    "No subscriptions, completion or ping",
    "client/McpClient",
    "test/parity/client.test.ts::shows progress as it comes, hears logs and changes, and answers what the server asks"
  ),
  done(
    "L14",
    "No decoded results",
    "client/McpClient",
    "test/parity/client.test.ts::reads every page, calls by contract a hundred at a time, and gets declared failures back"
  ),
  done(
    "L15",
    "Private task methods, with a wait that polls",
    "tasks/TasksClient",
    "test/tasks/TasksClient.http.test.ts::fifty calls at once that are tasks and ask, and one that is interrupted, in ${revision}",
    "those of the specification; a call of a tool hides them"
  ),
  done(
    "L16",
    "Stdio is the client's only transport",
    "transport/StreamableHttpClient, transport/SseClient, transport/WebSocketClient, transport/Memory",
    "test/parity/client.test.ts::reads every page, calls by contract a hundred at a time, and gets declared failures back"
  ),
  done(
    "L17",
    "Closing kills the process at once",
    "transport/StdioClient",
    "test/transport/StdioClient.closing.test.ts::kills a server that ignores the end of its stdin and SIGTERM"
  ),
  done(
    "L18",
    "Reads `mcpServers` files; one entry with a URL spoils the file",
    "client/ClientConfig",
    "test/client/ClientConfig.test.ts::is of one server, says what to do, and leaves the others"
  ),
  done(
    "L19",
    "The same from TOML",
    "client/ClientConfig",
    "test/client/ClientConfig.test.ts::may hold mcpServers in TOML, and is written as it is"
  ),
  done(
    "L20",
    "Looks for config files in a few places per system",
    "client/ClientConfig",
    "test/client/ClientConfig.test.ts::are those of macOS and Windows, where they differ"
  ),
  done(
    "L21",
    "A user's file wins over the project's, and files that do not parse are passed over",
    "client/ClientConfig",
    "test/client/ClientConfig.test.ts::finds all files, a project's before the user's, and tells what is shadowed and what is wrong"
  ),
  done(
    "L22",
    "A disabled entry is an error when asked for",
    "client/ClientConfig",
    "test/client/ClientConfig.test.ts::is not for a server that is disabled"
  ),
  done(
    "L23",
    "Variables in config files stay as written",
    "client/ClientConfig",
    "test/client/ClientConfig.test.ts::reads variables as each host writes them, and leaves what a host does not know"
  ),
  done(
    "L24",
    "No client for several servers",
    "client/ClientGroup",
    "test/client/ClientGroup.test.ts::offer all their tools and prompts, each under its server's name, and take calls by that"
  ),

  // Console
  done(
    "O01",
    "Everything for people goes to stderr",
    "node/NodeStdio",
    "test/transport/StdioServer.test.ts::answers, cancels in both eras, keeps logs off stdout, and exits with 0 when stdin ends"
  ),
  planned("O02", "Plain output for agents, told by eight variables and never by the terminal", "console/Theme"),
  planned("O03", "A start banner in three styles, or none", "console/Banner"),
  planned("O04", "Environment variables for banner, colour, log and traffic", "console"),
  planned("O05", "Tables of what a server offers", "console/table"),
  planned("O06", "Requests and responses shown at four depths, secrets included", "console/RequestLog"),
  planned("O07", "Errors in a panel, for three codes with advice", "console"),
  planned("O08", "Statistics as panel, table, line or plain text", "console/table"),
  planned("O09", "Statistics every 60 s, configured and never shown", "console"),
  effect(
    "O10",
    "A coloured logger, whose plain form swallows the level",
    "effect/Logger.consolePretty, effect/Logger.consoleJson",
    "sent to stderr by `node/NodeStdio`"
  ),
  planned("O11", "Twelve colours", "console/Theme"),
  effect(
    "O12",
    "Shows and counts errors, then exits if asked to",
    "effect/Cause.pretty, effect/Effect.tapCause, @effect/platform-node/NodeRuntime.runMain"
  ),
  effect(
    "O13",
    "Captured console output and snapshot files for tests",
    "effect/testing/TestConsole.layer",
    "with vitest's snapshots"
  ),

  // Definitions
  done(
    "M01",
    "A macro turns a function into a tool",
    "definition/Tool.make",
    "test/parity/wire.test.ts::a tool made from a function is listed by its contract, and called"
  ),
  done(
    "M02",
    "A macro turns a function into a resource",
    "definition/Resource.make",
    "test/parity/features.test.ts::a resource is read as text, as bytes or as a value, each of its contents as one of the two"
  ),
  done(
    "M03",
    "A macro turns a function into a prompt with text arguments",
    "definition/Prompt.make",
    "test/parity/features.test.ts::a prompt is got as messages of two roles, from the text its arguments are"
  ),
  done(
    "M04",
    "JSON Schema derived from types; recursion overflows, tuples become anything",
    "definition/Tool",
    "test/parity/wire.test.ts::a recursive type and a tuple are described, and read as what they are"
  ),
  done(
    "M05",
    "A comment on a parameter does not compile",
    "definition/Tool",
    "test/parity/wire.test.ts::what its author says of a parameter is listed, and one that is left out has its default"
  ),
  done(
    "M06",
    "An argument may be optional but has no default",
    "definition/Tool",
    "test/parity/wire.test.ts::what its author says of a parameter is listed, and one that is left out has its default"
  ),
  done(
    "M07",
    "No tags, icons, versions or hints in a macro",
    "definition/Definition",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them"
  ),
  done(
    "M08",
    "Text and lists of content become results",
    "definition/Tool",
    "test/parity/wire.test.ts::text, nothing, structure and blocks of content become results"
  ),
  done(
    "M09",
    "Every error of a macro's function turns into an internal one",
    "definition/Tool",
    "test/server/cancellation.test.ts::a declared failure is a tool error with its value"
  ),
  done(
    "M10",
    "A handler cannot be given what it depends on",
    "definition/Tool.handle",
    "test/server/nestedCalls.test.ts::runs with the services of the called tool's own layer"
  ),

  // Command line
  planned("X01", "run: starts a program with folder and environment, with no MCP in it", "cli/run"),
  planned("X02", "inspect: lists a server, in three formats of which two are one", "cli/inspect"),
  planned("X03", "install: writes a host's config, and empties one that does not parse", "cli/install"),
  planned("X04", "list: shows the servers that hosts have configured", "cli"),
  planned("X05", "test: connects and lists, with a report", "cli"),
  planned("X06", "dev: builds and watches, but its server has no stdin", "cli/dev"),
  planned("X07", "tasks: asks a server it has just started, which has none", "cli"),
  planned("X08", "Exit status 0 or 1, errors as a line on stderr", "cli/main"),

  // Testing
  done(
    "Q01",
    "A context to run a handler with; its budget is not used",
    "context/RequestContext.layerNoop",
    "test/parity/wire.test.ts::a handler that runs alone under a budget ends as it does behind a server"
  ),
  done(
    "Q02",
    "A builder for a server with its two transport ends",
    "testing/McpTest",
    "test/parity/wire.test.ts::a test holds both ends of a server: it sends frames as they stand, and sees each that comes back"
  ),
  done(
    "Q03",
    "A client in memory, without time limits",
    "testing/McpTest.client",
    "test/parity/wire.test.ts::the test client waits as long as it is let, and its time limit cancels on the server"
  ),
  done(
    "Q04",
    "Ten assertions about messages",
    "testing/WireLog",
    "test/testing/WireLog.test.ts::has each message of both sides, in a line or below one",
    "one comparison of a whole exchange in their place"
  ),
  effect(
    "Q05",
    "Stopwatch and timer on the real clock",
    "effect/testing/TestClock.adjust, effect/Effect.timed"
  ),
  done(
    "Q06",
    "A trace of a test's messages, saved as JSON",
    "testing/WireLog",
    "test/testing/WireLog.test.ts::listens to a client, whatever its transport",
    "as text to be compared, without secrets"
  ),
  done(
    "Q07",
    "Sample tools, resources, prompts, messages and credentials, as data only",
    "testing/Fixtures, testing/FakeIssuer",
    "test/testing/Fixtures.test.ts::calls what works",
    "with their handlers"
  ),
  done(
    "Q08",
    "No virtual time in the test kit",
    "testing/McpTest, testing/Lab",
    "test/testing/Lab.test.ts::goes on by itself to the next that is due, and not before all is done that can be"
  ),
  done(
    "Q09",
    "Seeds, chaos, leak checks and replay belong to the runtime and are out of the kit's reach",
    "testing/Lab, testing/Faults",
    "test/testing/LabTest.test.ts::finds the charge that is made twice, and shrinks it to the one fault it takes"
  ),
  done(
    "Q10",
    "Never run against an official client or suite",
    "test/interop",
    "test/interop/sdk-v2.test.ts::finds the newest revision over stdio"
  ),

  // Names: prelude
  done(
    "prelude.AccessToken",
    "A token with its scheme",
    "auth/TokenVerifier",
    "test/auth/planted.test.ts::that is ${what} is found nowhere",
    "redacted; its scheme belongs to the header, and is gone when a verifier sees it"
  ),
  done(
    "prelude.AuthContext",
    "Who is calling",
    "context/Identity",
    "test/parity/features.test.ts::who calls is a value of each request, also of two at once"
  ),
  done(
    "prelude.Client",
    "The client",
    "client/McpClient",
    "test/parity/client.test.ts::reads every page, calls by contract a hundred at a time, and gets declared failures back"
  ),
  done(
    "prelude.Content",
    "A piece of a result",
    "definition/Content",
    "test/parity/wire.test.ts::text, nothing, structure and blocks of content become results"
  ),
  effect(
    "prelude.JsonSchema",
    "A derive macro and its trait, from type to JSON Schema",
    "effect/Schema.toJsonSchemaDocument"
  ),
  done(
    "prelude.McpContext",
    "All that a handler can ask for, as one object",
    "context/RequestContext",
    "test/parity/features.test.ts::a handler uses the other definitions of its server, as its caller, ten deep at most"
  ),
  done(
    "prelude.McpError",
    "An error with code, message and data",
    "protocol/McpError",
    "test/parity/wire.test.ts::a refusal carries its data to the client, and a tool error its value"
  ),
  done(
    "prelude.McpOutcome",
    "An outcome whose error is the protocol's",
    "core/Outcome",
    "test/middleware/Middleware.test.ts::sees every way a request can end"
  ),
  effect("prelude.McpResult", "A result whose error is the protocol's", "effect/Result, effect/Exit"),
  done(
    "prelude.Outcome",
    "The type of the four outcomes",
    "core/Outcome",
    "test/parity/wire.test.ts::an outcome in a tool is one of four with a rank, a defect among them"
  ),
  done(
    "prelude.OutcomeExt",
    "Methods that turn an outcome into a result",
    "core/Outcome.toResult, core/Outcome.toExit",
    "test/parity/wire.test.ts::an outcome becomes a result with all that is not Ok on one side, and a result an outcome",
    "functions, not methods"
  ),
  done(
    "prelude.Prompt",
    "A prompt's description on the wire",
    "definition/Prompt",
    "test/parity/features.test.ts::a prompt is got as messages of two roles, from the text its arguments are"
  ),
  done(
    "prelude.PromptArgument",
    "One argument of a prompt",
    "definition/Prompt",
    "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them"
  ),
  done(
    "prelude.PromptMessage",
    "One message of a prompt",
    "definition/Prompt.user, definition/Prompt.assistant",
    "test/parity/features.test.ts::a prompt is got as messages of two roles, from the text its arguments are"
  ),
  done(
    "prelude.ProxyBackend",
    "What a proxy calls upstream",
    "provider/Proxy",
    "test/provider/Proxy.test.ts::lists and answers as the server behind it does",
    "any client transport"
  ),
  done(
    "prelude.ProxyCatalog",
    "What a proxy found upstream",
    "provider/Proxy",
    "test/provider/sessions.test.ts::follows the lists of the server, also in the middle of a call"
  ),
  done(
    "prelude.ProxyClient",
    "A lock around the upstream connection",
    "provider/Proxy",
    "test/provider/Proxy.test.ts::answers many calls at once",
    "calls run side by side"
  ),
  done(
    "prelude.Resource",
    "A resource's description on the wire",
    "definition/Resource",
    "test/parity/features.test.ts::a resource is read as text, as bytes or as a value, each of its contents as one of the two"
  ),
  done(
    "prelude.ResourceContent",
    "What reading a resource gives",
    "definition/Resource.Result",
    "test/parity/features.test.ts::a resource is read as text, as bytes or as a value, each of its contents as one of the two"
  ),
  done(
    "prelude.ResultExt",
    "Methods that turn a result into an outcome",
    "core/Outcome.fromResult",
    "test/parity/wire.test.ts::an outcome becomes a result with all that is not Ok on one side, and a result an outcome"
  ),
  done(
    "prelude.Role",
    "User or assistant",
    "definition/Prompt.user, definition/Prompt.assistant",
    "test/parity/features.test.ts::a prompt is got as messages of two roles, from the text its arguments are"
  ),
  done(
    "prelude.Server",
    "The server and its builder",
    "server/McpServer",
    "test/server/McpServer.test.ts::in initialize, what it is and what it can"
  ),
  done(
    "prelude.StaticTokenVerifier",
    "A verifier over a table of tokens",
    "auth/StaticVerifier",
    "test/auth/AuthProvider.test.ts::lets in by a key in its header, until the key ends"
  ),
  done(
    "prelude.TokenAuthProvider",
    "An auth service made from a verifier",
    "auth/AuthProvider.layerToken",
    "test/auth/transports.test.ts::over stdio by the environment, or not at all"
  ),
  done(
    "prelude.TokenVerifier",
    "The interface from token to caller",
    "auth/TokenVerifier",
    "test/auth/AuthProvider.test.ts::has each token verified by its own issuer, and what names none by another"
  ),
  done(
    "prelude.Tool",
    "A tool's description on the wire",
    "definition/Tool",
    "test/parity/wire.test.ts::a tool made from a function is listed by its contract, and called"
  ),
  done(
    "prelude.cancelled",
    "Makes a cancelled outcome",
    "core/Outcome.cancelled",
    "test/parity/wire.test.ts::an outcome made by hand ends the tool it is made in"
  ),
  done(
    "prelude.err",
    "Makes a failed outcome",
    "core/Outcome.err",
    "test/parity/wire.test.ts::an outcome made by hand ends the tool it is made in"
  ),
  done(
    "prelude.ok",
    "Makes a successful outcome",
    "core/Outcome.ok",
    "test/parity/wire.test.ts::an outcome made by hand ends the tool it is made in"
  ),

  // Names: macros
  done(
    "macro.tool",
    "Marks a function as a tool",
    "definition/Tool.make",
    "test/parity/wire.test.ts::a tool made from a function is listed by its contract, and called",
    "a value, no macro"
  ),
  done(
    "macro.resource",
    "Marks a function as a resource",
    "definition/Resource.make",
    "test/parity/features.test.ts::a resource is read as text, as bytes or as a value, each of its contents as one of the two",
    "a value, no macro"
  ),
  done(
    "macro.prompt",
    "Marks a function as a prompt",
    "definition/Prompt.make",
    "test/parity/features.test.ts::a prompt is got as messages of two roles, from the text its arguments are",
    "a value, no macro"
  ),

  // Names: modules
  done(
    "module.caching",
    "Response cache",
    "middleware/Caching",
    "test/middleware/Caching.test.ts::a tool that says so answers its caller again for as long as it says, and no other does"
  ),
  done(
    "module.docket",
    "Task queue",
    "docket/Docket",
    "test/docket/Docket.test.ts::is doing, and saying what came of it"
  ),
  planned("module.event_store", "Events for streams that resume", "session/EventStore"),
  planned("module.http", "HTTP parts", "transport/StreamableHttpServer"),
  effect(
    "module.logging",
    "Log macros and targets over Rust's log facade",
    "effect/Effect.log, effect/Effect.annotateLogs, effect/Logger",
    "`context/ClientLog` sends them to the client"
  ),
  done(
    "module.mcp_config",
    "Config files of hosts",
    "client/ClientConfig",
    "test/node/NodeClientConfig.test.ts::reaches the servers of a file"
  ),
  done(
    "module.memory",
    "Transport in memory",
    "transport/Memory",
    "test/transport/Memory.test.ts::answers each connection by itself"
  ),
  done(
    "module.oauth",
    "Authorization server",
    "oauth/server/AuthorizationServer",
    "test/oauth/server/flow.test.ts::gives a code, tokens for it, and the next tokens"
  ),
  done(
    "module.oidc",
    "OpenID provider",
    "oauth/oidc/OidcProvider",
    "test/oauth/oidc/overHttp.test.ts::logs the user out, who comes back to it"
  ),
  done(
    "module.prelude",
    "One import for the common names",
    "index",
    "test/parity/wire.test.ts::a server made from one import serves"
  ),
  done(
    "module.rate_limiting",
    "Rate limits",
    "middleware/RateLimit",
    "test/middleware/RateLimit.test.ts::a ${algorithm} refuses with 429 and says when it is worth trying again"
  ),
  done(
    "module.testing",
    "Test kit",
    "testing/McpTest",
    "test/parity/wire.test.ts::a test holds both ends of a server: it sends frames as they stand, and sees each that comes back"
  ),
  done(
    "module.transform",
    "Tools reshaped",
    "transform/Rename, transform/ReshapeArguments",
    "test/transform/ReshapeArguments.test.ts::are renamed, described, required and hidden, in the listing"
  ),

  // Names: other public names
  done(
    "name.ArgTransform",
    "How one argument is reshaped",
    "transform/ReshapeArguments.Argument",
    "test/transform/ReshapeArguments.test.ts::have a schema of their own, decoded to what the tool takes"
  ),
  done(
    "name.Budget",
    "Deadline, quotas and priority of a request",
    "core/Budget",
    "test/parity/wire.test.ts::two budgets meet in the tighter of each limit, and the tool under them can read it"
  ),
  done(
    "name.Docket",
    "The queue",
    "docket/Docket",
    "test/docket/Docket.test.ts::is doing, and saying what came of it"
  ),
  done(
    "name.EventStore",
    "The store of events",
    "session/EventStore",
    "test/transport/StreamableHttpServer.streams.test.ts::goes on after the last event its client has seen"
  ),
  done(
    "name.FilesystemProvider",
    "Files as resources",
    "provider/FileSystem",
    "test/provider/FileSystem.test.ts::has each file as a resource, and one template"
  ),
  done(
    "name.JwtTokenVerifier",
    "A verifier for JWT, behind a feature flag",
    "auth/JwtVerifier",
    "test/auth/resourceServer.test.ts::lets in who brings a token for it, and knows who that is"
  ),
  done(
    "name.LabConfig",
    "Of its runtime: seed, entropy seed, workers, panic on leaks, trace capacity, detection of who never goes on, steps, chaos, recording",
    "testing/Lab.Options",
    "test/testing/Lab.test.ts::names who has not ended within the time, or the steps, it may take",
    "one seed for order and chance; each node is a worker; every run can be replayed from its token"
  ),
  done(
    "name.LabRuntime",
    "Of its runtime: a deterministic scheduler, which the test kit does not use",
    "testing/Lab",
    "test/testing/Lab.test.ts::is the same to the byte from the same seed, and another from another"
  ),
  effect(
    "name.SharedTaskManager",
    "A counted reference to the task register",
    "effect/Layer.effect, effect/Context.Service",
    "a service is built once and shared by whoever asks for it"
  ),
  done(
    "name.TaskManager",
    "The register of background tasks",
    "tasks/McpTasks",
    "test/tasks/McpTasks.test.ts::a call becomes a task, which is looked up until it has its result"
  ),
  done(
    "name.TestClient",
    "The test kit's client",
    "testing/McpTest.client",
    "test/parity/wire.test.ts::the test client waits as long as it is let, and its time limit cancels on the server"
  ),
  done(
    "name.TestServer",
    "The test kit's server",
    "testing/McpTest",
    "test/parity/wire.test.ts::a test holds both ends of a server: it sends frames as they stand, and sees each that comes back"
  ),
  done(
    "name.TransformedTool",
    "A tool with another face",
    "transform/Rename, transform/ReshapeArguments",
    "test/transform/ReshapeArguments.test.ts::reach the tool under its own names"
  )
]
