/** Our client on the official server of the second generation, `@modelcontextprotocol/server`. */
import * as suite from "./clientSuite.ts"
import * as harness from "./harness.ts"

suite.describePeer({
  id: "sdk-v2",
  name: "@modelcontextprotocol/server",
  program: {
    args: (transport, port) =>
      transport === "stdio"
        ? [harness.pathOf("servers/sdkV2.ts"), "stdio"]
        : [harness.pathOf("servers/sdkV2.ts"), "http", String(port)],
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
    ...(transport === "http" && revision === "2026-07-28"
      ? { "ends with its client": { since: "there are no sessions in 2026-07-28" } }
      : undefined)
  })
})
