/** Our client on punkpeye's `fastmcp`. */
import * as suite from "./clientSuite.ts"
import * as harness from "./harness.ts"

suite.describePeer({
  id: "fastmcp",
  name: "fastmcp",
  program: {
    args: (transport, port) =>
      transport === "stdio"
        ? [harness.pathOf("servers/fastmcp.ts"), "stdio"]
        : [harness.pathOf("servers/fastmcp.ts"), "http", String(port)],
    path: (transport) => transport === "sse" ? "/sse" : "/mcp"
  },
  wires: [
    { transport: "stdio", revision: "2025-11-25" },
    { transport: "http", revision: "2025-11-25" },
    { transport: "sse", revision: "2025-11-25" }
  ],
  features: () => ({
    ...suite.standard,
    "lists with pages": { since: "all lists are one page" }
  })
})
