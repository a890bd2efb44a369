/**
 * The large loads on `@modelcontextprotocol/server` 2.x, over stdio, in both eras. The text beside structured content is
 * the handler's to write, as its documentation does.
 * Usage: sdk-v2 list | sdk-v2 report
 */
import { McpServer } from "@modelcontextprotocol/server"
import { serveStdio } from "@modelcontextprotocol/server/stdio"
import { z } from "zod"
import { records, tools } from "./data.ts"

const list = (server: McpServer) => {
  for (const { description, name } of tools) {
    const inputSchema = z.object({ account: z.string(), limit: z.number() })
    server.registerTool(name, { description, inputSchema }, ({ account }) => ({
      content: [{ type: "text", text: account }]
    }))
  }
}

const report = (server: McpServer) => {
  server.registerTool("report", {
    description: "Reads one page of records",
    inputSchema: z.object({ page: z.number() }),
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
    })
  }, ({ page }) => {
    const structuredContent = { page, records: [...records] }
    return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent }
  })
}

const register = process.argv[2] === "list" ? list : report

serveStdio(() => {
  const server = new McpServer({ name: "bench", version: "1.0.0" })
  register(server)
  return server
})
