/** Our client on the server that is there to try clients on, `@modelcontextprotocol/server-everything`. */
import * as suite from "./clientSuite.ts"
import * as harness from "./harness.ts"

const program = harness.pathOf("../../node_modules/@modelcontextprotocol/server-everything/dist/index.js")

const document = "demo://resource/static/document/features.md"

suite.describePeer({
  id: "everything",
  name: "@modelcontextprotocol/server-everything",
  program: {
    args: (transport) => [
      // It tells of its end.
      "--import",
      harness.pathOf("servers/fixtures.ts"),
      program,
      { stdio: "stdio", http: "streamableHttp", sse: "sse" }[transport]
    ],
    env: (port) => ({ PORT: String(port) }),
    path: (transport) => transport === "sse" ? "/sse" : "/mcp"
  },
  wires: [
    { transport: "stdio", revision: "2025-11-25" },
    { transport: "http", revision: "2025-11-25" },
    { transport: "sse", revision: "2025-11-25" }
  ],
  features: ({ transport }) => ({
    "who serves": suite.serves("mcp-servers/everything"),
    "lists": suite.lists({
      tools: ["echo", "get-sum", "trigger-sampling-request", "trigger-elicitation-request", "get-roots-list"],
      resources: [document],
      templates: ["demo://resource/dynamic/text/{resourceId}", "demo://resource/dynamic/blob/{resourceId}"],
      prompts: ["simple-prompt", "args-prompt", "completable-prompt", "resource-prompt"]
    }),
    "lists with pages": { since: "all lists are one page" },
    "call": suite.answers({ name: "get-sum", args: { a: 2, b: 3 } }, /\b5\b/),
    "structured content": suite.structured(
      { name: "get-structured-content", args: { location: "Chicago" } },
      { temperature: 36, conditions: "Light rain / drizzle", humidity: 82 }
    ),
    "tool error": suite.fails({ name: "get-sum", args: { a: "two", b: 3 } }, /get-sum/),
    "unknown tool": suite.unknownTool,
    "progress": suite.progresses({ name: "trigger-long-running-operation", args: { duration: 0.1, steps: 3 } }),
    "cancellation reaches the server": { since: "none of its tools stops" },
    "logging": suite.logsOnce(
      ({ client, run }) => run(client.request("resources/subscribe", { uri: document })),
      /^Received Subscribe Resource request/
    ),
    "prompts": suite.prompts({ name: "args-prompt", args: { city: "Oslo" } }, /Oslo/),
    "completion": suite.completes({
      ref: { type: "ref/prompt", name: "completable-prompt" },
      argument: { name: "name", value: "" },
      context: { arguments: { department: "Sales" } }
    }, ["David", "Eve", "Frank"]),
    "resources": suite.reads(document, /Everything Server - Features/),
    "resource templates": suite.reads("demo://resource/dynamic/text/1", /^Resource 1/),
    "missing resource": suite.misses("demo://nothing"),
    "resource subscriptions": suite.watches(document, { name: "toggle-subscriber-updates" }),
    "list changes": suite.changes({
      name: "gzip-file-as-resource",
      args: { name: "late.gz", data: "data:text/plain,late" }
    }, "resources"),
    "elicitation, form": suite.asksForm(
      { name: "trigger-elicitation-request" },
      /"name": "Ada"[^]*"integer": 42[^]*"titledMultipleSelectEnum": \[\s*"fish-1"/
    ),
    "elicitation, URL": suite.asksPage(
      { name: "trigger-url-elicitation", args: { url: "https://example.com/pay" } },
      "https://example.com/pay",
      /accept/
    ),
    "sampling": suite.samples(
      { name: "trigger-sampling-request", args: { prompt: "2 and 3?", maxTokens: 10 } },
      /interop-model/
    ),
    "roots": suite.roots({ name: "get-roots-list" }, /file:\/\/\/home\/ada/),
    "ping": suite.pings,
    "ends with its client": transport === "stdio" ? suite.ends : { since: "the server tells nobody of its sessions" }
  })
})
