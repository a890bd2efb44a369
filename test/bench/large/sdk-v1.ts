/**
 * The large loads on `@modelcontextprotocol/sdk` 1.x, over stdio. The text beside structured content is the handler's
 * to write, as its documentation does.
 * Usage: sdk-v1 list | sdk-v1 report
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import { z } from "zod"
import { records, tools } from "./data.ts"

const server = new McpServer({ name: "bench", version: "1.0.0" })

if (process.argv[2] === "list") {
  for (const { description, name } of tools) {
    const inputSchema = { account: z.string(), limit: z.number() }
    server.registerTool(name, { description, inputSchema }, ({ account }) => ({
      content: [{ type: "text", text: account }]
    }))
  }
} else {
  server.registerTool("report", {
    description: "Reads one page of records",
    inputSchema: { page: z.number() },
    outputSchema: {
      page: z.number(),
      records: z.array(z.object({
        sku: z.string(),
        title: z.string(),
        price: z.number(),
        stock: z.number(),
        available: z.boolean(),
        tags: z.array(z.string())
      }))
    }
  }, ({ page }) => {
    const structuredContent = { page, records }
    return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent }
  })
}

await server.connect(new StdioServerTransport())
