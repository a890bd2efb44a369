/**
 * What FastMCP for Rust got most wrong, as of its 0.1.0 state of January 2026, and the tests that show ours: rows of the
 * list of twenty in our inventory of it, those that are about parts we have. Printed on the parity page below the rows.
 */

export interface Weakness {
  /** In the list of twenty. */
  readonly row: number
  /** What the original gets wrong. */
  readonly original: string
  /** What the tests show instead. */
  readonly ours: string
  /** "test/<file>::<test name>", one at least. */
  readonly tests: readonly [string, ...ReadonlyArray<string>]
}

/** The rows about parts we have; the others come with proxies and command line. */
export const due: ReadonlyArray<number> = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]

export const weaknesses: ReadonlyArray<Weakness> = [
  {
    row: 1,
    original: "One thread reads and runs: a cancel is read when its target has ended, and a ping waits for tools",
    ours: "A tool that never ends is cancelled, its finalizers run, and pings are answered meanwhile",
    tests: [
      "test/server/cancellation.test.ts::a tool that never ends stops when its client cancels it, its finalizers run, and nothing answers",
      "test/server/cancellation.test.ts::other requests are answered while a tool runs for ever"
    ]
  },
  {
    row: 2,
    original: "A handler that asks the client waits for ever, since nobody is left to read the answer",
    ours: "A tool samples, then elicits, then lists roots; a silent client is given up, and told",
    tests: [
      "test/parity/features.test.ts::a tool asks the model, then the user, then for the roots, and waits for none of them in vain",
      "test/parity/features.test.ts::a client that does not answer is waited for as long as the server says, and told that it need not"
    ]
  },
  {
    row: 3,
    original: "Time limits of requests and of handlers never fire",
    ours: "30 seconds on a virtual clock end a request, and a tool's own limit ends it where that is tighter",
    tests: [
      "test/server/McpServer.test.ts::are 30 seconds and nothing else when nobody says",
      "test/middleware/Timeout.test.ts::the tightest of ${named.join(\", \")} ends a call after ${ends} ms with ${reason}"
    ]
  },
  {
    row: 4,
    original: "S256 can never succeed, nobody can check an ID token, and RS256 is a word before a hash",
    ours: "The vector of RFC 7636, and ID tokens that another library checks by the published keys",
    tests: [
      "test/oauth/Pkce.test.ts::the challenge is that of RFC 7636, appendix B",
      "test/oauth/server/holes.test.ts::fastmcp_rust 2: ID tokens, of each algorithm, with an at_hash that is one"
    ]
  },
  {
    row: 5,
    original:
      "Codes to whoever crafts a user part, tokens ended by others, no rotation, plain PKCE, plain text in the store",
    ours: "Each hole is a test: redirects are compared as text, tokens are their client's, what comes twice ends all",
    tests: [
      "test/oauth/server/holes.test.ts::fastmcp_rust 6: ${redirect_uri} is not ${registered}",
      "test/oauth/server/holes.test.ts::fastmcp_rust 5: a client cannot end the tokens of another",
      "test/oauth/server/holes.test.ts::fastmcp_rust 4: a refresh token is another each time, and one that comes again ends all",
      "test/oauth/server/authorizationRows.test.ts::A14: is nowhere in the store, nor is any other secret"
    ]
  },
  {
    row: 6,
    original:
      "The cache answers before it knows who asks, keeps what tools with effects did, and a hit renews its time",
    ours:
      "Two callers and one cache in random orders of middleware; only tools that say so are kept; a hit renews nothing",
    tests: [
      "test/middleware/Caching.test.ts::gives no byte of one caller's result to another, in whatever order with the others",
      "test/middleware/Caching.test.ts::a tool that says so answers its caller again for as long as it says, and no other does"
    ]
  },
  {
    row: 7,
    original: "The filters of a folder hold for its list and not for reads, and links and swaps lead out of it",
    ours:
      "One answer for both, at any depth and in any script; what is held is read, so tens of thousands of swaps win nothing",
    tests: [
      "test/provider/GuardedFiles.test.ts::keeps back what is hidden, at whatever depth, from lists and from reads",
      "test/provider/GuardedFiles.test.ts::follows no link, neither a file's nor one on the way",
      "test/provider/GuardedFiles.race.test.ts::leads nowhere else, in tens of thousands of reads",
      "test/provider/GuardedFiles.race.test.ts::for a link, a pipe or a device is read as itself or not at all, and nobody waits",
      "test/provider/GuardedFiles.test.ts::${JSON.stringify(options)} holds for lists and reads",
      "test/provider/GuardedFiles.test.ts::reads a file of 10 GB in parts and not at once, and knows its size"
    ]
  },
  {
    row: 8,
    original: "HTTP, SSE, WebSocket and the event store are parts without a whole; no session id, no origin, no bounds",
    ours:
      "Official clients use all of it end to end; streams resume in order, and rebound names and big bodies stay out",
    tests: [
      "test/interop/everything.test.ts::lose nothing and repeat nothing when the connection breaks",
      "test/transport/StreamableHttpServer.streams.test.ts::after its handler closed the connection brings what was said meanwhile and the answer, once, and ends",
      "test/transport/StreamableHttpServer.test.ts::many requests of both eras at once are each answered on their own response",
      "test/transport/StreamableHttpServer.test.ts::answers what a browser page or a rebound name sends with 403",
      "test/transport/StreamableHttpServer.test.ts::answers a body over the limit with 413, declared or not, and lives"
    ]
  },
  {
    row: 9,
    original:
      "Names and codes on the wire that no peer knows: `initialized`, `elicitation/elicit`, `list_changed`, -32001",
    ours: "Each frame is checked against the published schema of its revision",
    tests: [
      "test/protocol/recordedSession.test.ts::every frame of a recorded session is valid",
      "test/protocol/officialSchema.test.ts::the result of ${method}",
      "test/protocol/officialSchema.test.ts::the error ${tag}"
    ]
  },
  {
    row: 10,
    original: "One revision, 2024-11-05, whatever the client asks for, and nothing that came later",
    ours: "Five revisions, each with what it knows and nothing else",
    tests: [
      "test/parity/features.test.ts::each of the revisions with a handshake is settled on, and the newest of them for one nobody knows",
      "test/parity/features.test.ts::titles, icons, metadata, tags and versions are listed where the revision has a place for them",
      "test/parity/wire.test.ts::structured content comes with the schema it fits"
    ]
  },
  {
    row: 11,
    original: "No pages, and another order on each run",
    ours: "A thousand of each kind are read page by page: none lost, none twice, in the order of registration",
    tests: [
      "test/parity/features.test.ts::a thousand of each kind are read whole, page by page, in the same order twice",
      "test/server/paging.test.ts::of ${kind.what} loses and repeats nothing that is there throughout, whatever comes and goes"
    ]
  },
  {
    row: 12,
    original: "Combinators run one after the other; a race runs only its first, and time limits are ignored",
    ours: "On a virtual clock they take the time they should, and the losers' finalizers have run",
    tests: [
      "test/parity/wire.test.ts::race ends with the first to finish, and its losers' finalizers have run before the reply",
      "test/parity/wire.test.ts::joinAll takes as long as the longest and answers every outcome in the order given",
      "test/parity/wire.test.ts::quorum ends with the success that makes it, and with a time limit at the limit"
    ]
  },
  {
    row: 13,
    original: "A panic takes the server down, and macros turn cancellations and typed errors into internal ones",
    ours: "A tool that dies harms no other, and each of the four ways to end keeps its kind up to the client",
    tests: [
      "test/server/cancellation.test.ts::a defect is answered without its text, logged with it, and touches nobody else",
      "test/parity/wire.test.ts::an outcome in a tool is one of four with a rank, a defect among them",
      "test/parity/wire.test.ts::an outcome made by hand ends the tool it is made in"
    ]
  },
  {
    row: 14,
    original: "Tools, resources and the client's capabilities can be reached from a handler in unit tests only",
    ours: "A handler uses tools, resources and prompts of its server over real transports, as its caller, ten deep",
    tests: [
      "test/parity/features.test.ts::a handler uses the other definitions of its server, as its caller, ten deep at most",
      "test/context/context.test.ts::a handler knows its request"
    ]
  },
  {
    row: 15,
    original:
      "The docket ignores delays, pauses and limits; Redis is a stub, two locks meet head-on, and what is late overwrites",
    ours:
      "Every change is decided by one function and written over what it was made from; the suites run on four stores",
    tests: [
      "test/docket/Execution.test.ts::is in the table, for every transition",
      "test/docket/DocketStore.test.ts::makes its tables once, when many processes begin at once and when another comes later",
      "test/docket/DocketStore.test.ts::writes in the transaction of its caller, whose own failures stay what they are",
      "test/docket/DocketEngine.test.ts::does not begin where there is no database, and says so",
      "test/docket/Docket.test.ts::starts at the millisecond that was asked for",
      "test/docket/Docket.test.ts::is retried as the schedule says, and then kept with its reason",
      "test/docket/Docket.test.ts::comes in time, also where a handler will not end",
      "test/docket/Docket.test.ts::is a cancel, of what waits and of what runs",
      "test/docket/Worker.test.ts::keeps its lease for as long as a run takes",
      "test/docket/Worker.test.ts::takes over from one that has disappeared, when the lease is over, and not for ever",
      "test/docket/simulation/simulation.test.ts::loses nothing, does nothing twice at a time, and keeps to what was asked (seeds from %i00)",
      "test/docket/kill/kill.test.ts::all of 2,000 are done, by 4 of them, 10 times one of them killed",
      "test/docket/kill/kill.test.ts::what they then say of their work is not taken",
      "test/docket/kill/kill.test.ts::all is done when it is back, also by who came while it was down"
    ]
  },
  {
    row: 16,
    original:
      "Tasks by private methods, which every session sees and ends; one that was cancelled before it began runs",
    ours:
      "Both forms of the specification; another caller's task is one that never was; a server may be killed anywhere",
    tests: [
      "test/tasks/McpTasks.test.ts::the client asks for one, and waits for what it comes to",
      "test/tasks/McpTasks.test.ts::asks, waits without a worker, and goes on when all is answered",
      "test/tasks/callers.test.ts::know nothing of each other's tasks",
      "test/tasks/McpTasks.test.ts::cancel ends what runs and what waits, and says nothing of what has ended",
      "test/tasks/kill/kill.test.ts::goes on with it when it is started again, and writes what it may repeat once, under a key",
      "test/tasks/TasksClient.http.test.ts::a task whose client was killed while its user thought is there for the next client, in ${revision}"
    ]
  },
  {
    row: 17,
    original: "A client over stdio alone, one call at a time, without handlers; a silent server hangs it",
    ours: "Four transports, a hundred calls at a time, every page, handlers for what servers ask; silence has an end",
    tests: [
      "test/parity/client.test.ts::reads every page, calls by contract a hundred at a time, and gets declared failures back",
      "test/parity/client.test.ts::stops what it does not wait for any more, by time or by hand, while others are answered",
      "test/parity/client.test.ts::shows progress as it comes, hears logs and changes, and answers what the server asks",
      "test/parity/client.test.ts::gives up a server that takes it in and says nothing, and leaves no connection"
    ]
  },
  {
    row: 18,
    original: "Most failures pass the error hook by; masking leaks tool errors and hides what should be read",
    ours: "A middleware sees every way a request can end, and the text of a defect reaches no client",
    tests: [
      "test/middleware/Middleware.test.ts::sees every way a request can end",
      "test/parity/features.test.ts::a defect's text reaches no client, and the log has it under the number the client gets"
    ]
  },
  {
    row: 19,
    original: "The process exits when a client goes; bad frames get no answer; a line may grow without bound",
    ours: "Servers live side by side and outlive their clients; bad frames are answered; a long line is discarded",
    tests: [
      "test/server/McpServer.test.ts::share nothing, in ${revision}",
      "test/server/cancellation.test.ts::a client that goes away leaves nothing running",
      "test/server/badInput.test.ts::${what} is refused with ${code}, and the connection lives",
      "test/transport/StdioServer.test.ts::discards a line of 200 MB while it reads it, in bounded memory, and reads the next line"
    ]
  }
]
