/** Speaks to the server beside it with the official client, in both eras, and exits with 1 if anything is not so. */
import { Client } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import assert from "node:assert/strict"
import * as path from "node:path"

const transport = () =>
  new StdioClientTransport({
    command: process.execPath,
    args: ["--conditions=fastmcp-effect/source", path.join(import.meta.dirname, "server.ts")]
  })

const eras = [
  ["2025-11-25", "legacy"],
  ["2026-07-28", { pin: "2026-07-28" }]
] as const

for (const [revision, mode] of eras) {
  const client = new Client({ name: "hello-client", version: "1.0.0" }, { versionNegotiation: { mode } })
  await client.connect(transport())
  assert.equal(client.getNegotiatedProtocolVersion(), revision)
  assert.equal(client.getServerVersion()?.name, "hello")

  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(({ name }) => name), ["greet"])

  const greeting = await client.callTool({ name: "greet", arguments: { name: "Ada" } })
  assert.deepEqual(greeting.content, [{ type: "text", text: "Hello, Ada!" }])

  const refused = await client.callTool({ name: "greet", arguments: { name: "" } })
  assert.equal(refused.isError, true)

  await client.close()
  console.log(`${revision}: Hello, Ada!`)
}
