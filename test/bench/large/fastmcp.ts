/**
 * The large loads on punkpeye `fastmcp`, over stdio. It writes the text beside structured content itself.
 * Usage: fastmcp list | fastmcp report
 */
import { FastMCP } from "fastmcp"
import { z } from "zod"
import { records, tools } from "./data.ts"

const silent = () => {}

// Its default logger writes debug lines to stdout, also over stdio.
const server = new FastMCP({
  name: "bench",
  version: "1.0.0",
  ping: { enabled: false },
  logger: { debug: silent, info: silent, log: silent, warn: silent, error: silent }
})

if (process.argv[2] === "list") {
  for (const { description, name } of tools) {
    server.addTool({
      name,
      description,
      parameters: z.object({ account: z.string(), limit: z.number() }),
      execute: async ({ account }) => account
    })
  }
} else {
  server.addTool({
    name: "report",
    description: "Reads one page of records",
    parameters: z.object({ page: z.number() }),
    outputSchema: z.object({
      page: z.number(),
      records: z.array(z.object({
        sku: z.string(),
        title: z.string(),
        price: z.number(),
        stock: z.number(),
        available: z.boolean(),
        tags: z.array(z.string())
      }))
    }),
    execute: async ({ page }) => ({ page, records: [...records] })
  })
}

await server.start({ transportType: "stdio" })
