/** Our server under the official client of the second generation, `@modelcontextprotocol/client`, in both eras. */
import {
  Client,
  type DiscoverResult,
  fromJsonSchema,
  LOG_LEVEL_META_KEY,
  StreamableHTTPClientTransport
} from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { describe, expect, it } from "vitest"
import * as harness from "./harness.ts"
import * as suite from "./suite.ts"

/** What a server has said of itself, for clients that connect to it again. */
let discovered: DiscoverResult | undefined

const connect = async (
  transport: StdioClientTransport | StreamableHTTPClientTransport,
  { isKnown, version }: suite.ConnectOptions
): Promise<suite.Session> => {
  const isStateful = version === "2025-11-25"
  const client = new Client({ name: "interop-client", version: "9.8.7" }, {
    capabilities: { sampling: {} },
    versionNegotiation: { mode: isStateful ? "legacy" : { pin: version } }
  })
  const complaints: Array<Error> = []
  const logs: Array<suite.Log> = []
  let changes = 0
  let stderr = ""
  let isOpen = true
  // What breaks when a connection is closed is no complaint.
  client.onerror = (error) => isOpen && complaints.push(error)
  client.setNotificationHandler("notifications/message", ({ params }) => {
    logs.push(params)
  })
  client.setNotificationHandler("notifications/tools/list_changed", () => {
    changes++
  })
  const isStdio = transport instanceof StdioClientTransport
  if (isStdio) transport.stderr!.on("data", (chunk) => stderr += chunk)
  await client.connect(
    transport,
    isKnown && !isStateful && discovered !== undefined ? { prior: { kind: "modern", discover: discovered } } : {}
  )
  discovered ??= client.getDiscoverResult()
  return {
    version: client.getNegotiatedProtocolVersion(),
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    capabilities: client.getServerCapabilities(),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args, { logLevel, ...options } = {}) =>
      await client.callTool({
        name,
        ...(args === undefined ? undefined : { arguments: args }),
        ...(isStateful || logLevel === undefined ? undefined : { _meta: { [LOG_LEVEL_META_KEY]: logLevel } })
      }, options) as suite.CallResult,
    ping: () => client.ping(),
    setLevel: (level) => client.setLoggingLevel(level),
    request: (method) => client.request({ method }, fromJsonSchema<object>({ type: "object" })),
    logs,
    changes: () => changes,
    watchTools: async () => {
      if (isStateful) return undefined
      const subscription = await client.listen({ toolsListChanged: true })
      expect(subscription.honoredFilter).toEqual({ toolsListChanged: true })
      return subscription
    },
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

const overStdio = ({ args, command, env }: harness.StdioTarget) =>
  new StdioClientTransport({ command, args, env, stderr: "pipe" })

suite.describeClient({
  name: "@modelcontextprotocol/client",
  versions: ["2025-11-25", "2026-07-28"],
  overStdio: (target, options) => connect(overStdio(target), options),
  overHttp: (url, options) => connect(new StreamableHTTPClientTransport(url), options)
})

describe("@modelcontextprotocol/client choosing the era itself", () => {
  const choose = async (transport: StdioClientTransport | StreamableHTTPClientTransport) => {
    const client = new Client({ name: "chooser", version: "1.0.0" }, {
      versionNegotiation: { mode: "auto" },
      // Opens a subscription of its own in the stateless era.
      listChanged: { tools: { onChanged: () => {} } }
    })
    const complaints: Array<Error> = []
    client.onerror = (error) => complaints.push(error)
    try {
      await client.connect(transport)
      expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28")
      expect(client.autoOpenedSubscription?.honoredFilter).toEqual({ toolsListChanged: true })
      expect((await client.callTool({ name: "add", arguments: { a: 1, b: 2 } })).structuredContent).toBe(3)
      expect(complaints).toEqual([])
    } finally {
      await client.close()
    }
  }

  it("finds the newest revision over stdio", { timeout: 10_000 }, () => choose(overStdio(harness.stdioTarget())))

  it("finds the newest revision over http", { timeout: 10_000 }, async () => {
    const { ended, signal, url } = await harness.startHttp()
    try {
      await choose(new StreamableHTTPClientTransport(url))
    } finally {
      signal("SIGKILL")
      await ended
    }
  })
})
