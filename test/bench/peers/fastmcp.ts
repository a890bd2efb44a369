/**
 * punkpeye `fastmcp`: stdio, or its HTTP stream with sessions and JSON answers. It does not speak 2026-07-28.
 * Usage: fastmcp stdio | fastmcp http PORT
 */
import { FastMCP } from "fastmcp"
import { z } from "zod"

const silent = () => {}

// Its default logger writes debug lines to stdout, also over stdio.
const server = new FastMCP({
  name: "bench",
  version: "1.0.0",
  ping: { enabled: false },
  logger: { debug: silent, info: silent, log: silent, warn: silent, error: silent }
})

server.addTool({
  name: "add",
  description: "Add two numbers",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => String(a + b)
})

const [, , mode, port] = process.argv
if (mode === "http") {
  await server.start({
    transportType: "httpStream",
    httpStream: { port: Number(port), host: "127.0.0.1", endpoint: "/mcp", enableJsonResponse: true }
  })
} else {
  await server.start({ transportType: "stdio" })
}
