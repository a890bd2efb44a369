/** Our client on Effect's own `effect/ai/McpServer`. */
import * as suite from "./clientSuite.ts"
import * as harness from "./harness.ts"

suite.describePeer({
  id: "effect-ai",
  name: "effect/ai McpServer",
  program: {
    args: (transport, port) =>
      transport === "stdio"
        ? [harness.pathOf("servers/effectAi.ts"), "stdio"]
        : [harness.pathOf("servers/effectAi.ts"), "http", String(port)],
    path: () => "/mcp"
  },
  wires: [
    { transport: "stdio", revision: "2026-07-28" },
    { transport: "stdio", revision: "2025-11-25", isPinned: true },
    { transport: "http", revision: "2026-07-28" },
    { transport: "http", revision: "2025-11-25", isPinned: true }
  ],
  features: ({ revision, transport }) => ({
    ...suite.standard,
    "lists with pages": { since: "all lists are one page" },
    ...(transport === "http"
      ? {
        "ends with its client": revision === "2026-07-28"
          ? { since: "there are no sessions in 2026-07-28" }
          : { since: "the server tells nobody of the end of a session" }
      }
      : undefined),
    ...(transport === "http" && revision === "2025-11-25"
      ? {
        "resource subscriptions": {
          since: "the server declares none over HTTP in 2025-11-25",
          isDeclared: ({ resources }) => resources?.subscribe === true
        }
      }
      : undefined)
  })
})
