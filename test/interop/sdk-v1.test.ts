/** Our server under the official client of the first generation, `@modelcontextprotocol/sdk`. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import {
  EmptyResultSchema,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema
} from "@modelcontextprotocol/sdk/types.js"
import * as suite from "./suite.ts"

const connect = async (
  transport: StdioClientTransport | StreamableHTTPClientTransport
): Promise<suite.Session> => {
  const client = new Client({ name: "interop-client", version: "9.8.7" }, { capabilities: { sampling: {} } })
  const complaints: Array<Error> = []
  const logs: Array<suite.Log> = []
  let changes = 0
  let stderr = ""
  let isOpen = true
  // What breaks when a connection is closed is no complaint.
  client.onerror = (error) => isOpen && complaints.push(error)
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logs.push(params)
  })
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    changes++
  })
  const isStdio = transport instanceof StdioClientTransport
  if (isStdio) transport.stderr!.on("data", (chunk) => stderr += chunk)
  await client.connect(transport as Transport)
  return {
    version: isStdio ? "2025-11-25" : transport.protocolVersion,
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    capabilities: client.getServerCapabilities(),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args, { logLevel: _, ...options } = {}) =>
      await client.callTool({ name, arguments: args }, undefined, options) as suite.CallResult,
    ping: () => client.ping(),
    setLevel: (level) => client.setLoggingLevel(level),
    request: (method) => client.request({ method } as any, EmptyResultSchema),
    logs,
    changes: () => changes,
    watchTools: async () => undefined,
    complaints,
    stderr: () => stderr,
    pid: isStdio ? transport.pid! : undefined,
    terminate: async () => {
      isOpen = false
      if (!isStdio) await transport.terminateSession()
    },
    close: () => {
      isOpen = false
      return client.close()
    }
  }
}

suite.describeClient({
  name: "@modelcontextprotocol/sdk",
  versions: ["2025-11-25"],
  overStdio: ({ args, command, env }) => connect(new StdioClientTransport({ command, args, env, stderr: "pipe" })),
  overHttp: (url) => connect(new StreamableHTTPClientTransport(url))
})
