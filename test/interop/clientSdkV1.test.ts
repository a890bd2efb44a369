/** Our client on the official server of the first generation, `@modelcontextprotocol/sdk`. */
import * as suite from "./clientSuite.ts"
import * as harness from "./harness.ts"

suite.describePeer({
  id: "sdk-v1",
  name: "@modelcontextprotocol/sdk",
  program: {
    args: (transport, port) =>
      transport === "stdio"
        ? [harness.pathOf("servers/sdkV1.ts"), "stdio"]
        : [harness.pathOf("servers/sdkV1.ts"), "http", String(port)],
    path: (transport) => transport === "sse" ? "/sse" : "/mcp"
  },
  wires: [
    { transport: "stdio", revision: "2025-11-25" },
    { transport: "http", revision: "2025-11-25" },
    { transport: "http", revision: "2025-06-18", isPinned: true },
    { transport: "http", revision: "2025-03-26", isPinned: true },
    { transport: "sse", revision: "2025-11-25" },
    { transport: "sse", revision: "2024-11-05", isPinned: true }
  ],
  features: ({ transport }) => ({
    ...suite.standard,
    ...(transport === "sse"
      ? { "ends with its client": { since: "a stream of HTTP+SSE that ends says nothing of its own" } }
      : undefined)
  })
})
