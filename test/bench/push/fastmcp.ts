/**
 * punkpeye `fastmcp` with sessions and event streams, as it is by default.
 * Usage: fastmcp progress PORT | fastmcp changes PORT
 */
import { FastMCP } from "fastmcp"
import { z } from "zod"
import { uris } from "./data.ts"

const silent = () => {}

const server = new FastMCP({
  name: "bench",
  version: "1.0.0",
  ping: { enabled: false },
  logger: { debug: silent, info: silent, log: silent, warn: silent, error: silent }
})

const [, , what, port] = process.argv
if (what === "progress") {
  server.addTool({
    name: "add",
    description: "Add two numbers, and say how far it is",
    parameters: z.object({ a: z.number(), b: z.number() }),
    execute: async ({ a, b }, { reportProgress }) => {
      await reportProgress({ progress: 1, total: 2 })
      return String(a + b)
    }
  })
} else {
  for (const uri of uris) server.addResource({ uri, name: uri, load: async () => ({ text: "A text that changes" }) })
  server.addTool({
    name: "publish",
    description: "Change every resource",
    execute: async () => {
      await Promise.all(uris.flatMap((uri) => server.sessions.map((session) => session.sendResourceUpdated(uri))))
      return "published"
    }
  })
}
await server.start({
  transportType: "httpStream",
  httpStream: { port: Number(port), host: "127.0.0.1", endpoint: "/mcp" }
})
