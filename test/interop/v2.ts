/** The official client of the second generation, `@modelcontextprotocol/client`, as the suites use it. */
import {
  Client,
  type DiscoverResult,
  fromJsonSchema,
  type JSONRPCMessage,
  LOG_LEVEL_META_KEY,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type SubscriptionFilter,
  type Transport,
  type TransportSendOptions
} from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import { expect } from "vitest"
import type * as harness from "./harness.ts"
import * as suite from "./suite.ts"

/** What a server has said of itself, for clients that connect to it again. */
let discovered: DiscoverResult | undefined

const itemsOf = (list: suite.List, result: object) => (result as any)[list] as ReadonlyArray<suite.Listed>

const methods = {
  tools: "tools/list",
  resources: "resources/list",
  resourceTemplates: "resources/templates/list",
  prompts: "prompts/list"
}

const connect = async (
  transport: StdioClientTransport | StreamableHTTPClientTransport | SSEClientTransport,
  options: suite.ConnectOptions
): Promise<suite.Session> => {
  const { isKnown, version } = options
  const isStateful = version !== "2026-07-28"
  const validated: suite.Session["validated"] = []
  const ajv = new AjvJsonSchemaValidator()
  const client = new Client({ name: "interop-client", version: "9.8.7" }, {
    capabilities: suite.capabilities(options),
    versionNegotiation: { mode: isStateful ? "legacy" : { pin: version } },
    ...(isStateful ? { supportedProtocolVersions: [version] } : undefined),
    jsonSchemaValidator: {
      getValidator: (schema) => {
        const validate = ajv.getValidator<any>(schema)
        return (value) => {
          const result = validate(value)
          validated.push({ value, valid: result.valid })
          return result
        }
      }
    }
  })
  const complaints: Array<Error> = []
  const logs: Array<suite.Log> = []
  const news: Array<string> = []
  const frames: Array<any> = []
  const answers = suite.makeAnswers()
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
  client.setNotificationHandler("notifications/resources/list_changed", () => {
    news.push("resources")
  })
  client.setNotificationHandler("notifications/prompts/list_changed", () => {
    news.push("prompts")
  })
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    news.push(params.uri)
  })
  if (options.isCapable === true) {
    client.setRequestHandler(
      "elicitation/create",
      async ({ params }, { mcpReq }) => await answers.elicit(params, mcpReq.signal) as any
    )
    client.setRequestHandler("sampling/createMessage", async ({ params }) => await answers.sample(params) as any)
    client.setRequestHandler("roots/list", async () => await answers.roots() as any)
  }
  const isStdio = transport instanceof StdioClientTransport
  if (isStdio) transport.stderr!.on("data", (chunk) => stderr += chunk)
  const sent = new Map<string | number, string>()
  const send = transport.send.bind(transport) as Transport["send"]
  transport.send = (message: JSONRPCMessage | Array<JSONRPCMessage>, options?: TransportSendOptions) => {
    if ("method" in message && "id" in message) sent.set(message.id, message.method)
    return send(message as JSONRPCMessage, options)
  }
  transport.onmessage = (message: unknown) => frames.push(message)
  await client.connect(
    transport,
    isKnown && !isStateful && discovered !== undefined ? { prior: { kind: "modern", discover: discovered } } : {}
  )
  discovered ??= client.getDiscoverResult()
  const listen = async (filter: SubscriptionFilter) => {
    const subscription = await client.listen(filter)
    expect(subscription.honoredFilter).toEqual(filter)
    return subscription
  }
  const listers = {
    tools: () => client.listTools(),
    resources: () => client.listResources(),
    resourceTemplates: () => client.listResourceTemplates(),
    prompts: () => client.listPrompts()
  }
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
    list: async (list) => itemsOf(list, await listers[list]()),
    page: async (list, cursor) => {
      const result = await client.request(
        { method: methods[list], ...(cursor === undefined ? undefined : { params: { cursor } }) },
        fromJsonSchema<{ readonly nextCursor?: string }>({ type: "object" })
      )
      return { items: itemsOf(list, result), nextCursor: result.nextCursor }
    },
    read: (uri) => client.readResource({ uri }),
    watch: async (uri) => {
      if (!isStateful) {
        const subscription = await listen({ resourceSubscriptions: [uri] })
        return () => subscription.close()
      }
      await client.subscribeResource({ uri })
      return () => client.unsubscribeResource({ uri })
    },
    getPrompt: (name, args) => client.getPrompt({ name, ...(args === undefined ? undefined : { arguments: args }) }),
    complete: async (ref, argument, known) =>
      (await client.complete({
        ref: "prompt" in ref ? { type: "ref/prompt", name: ref.prompt } : { type: "ref/resource", uri: ref.template },
        argument,
        ...(known === undefined ? undefined : { context: { arguments: known } })
      })).completion,
    rootsChanged: () => client.sendRootsListChanged(),
    ping: () => client.ping(),
    setLevel: (level) => client.setLoggingLevel(level),
    request: (method) => client.request({ method }, fromJsonSchema<object>({ type: "object" })),
    logs,
    changes: () => changes,
    news,
    watchTools: async () => isStateful ? undefined : listen({ toolsListChanged: true }),
    watchLists: async () => isStateful ? undefined : listen({ resourcesListChanged: true, promptsListChanged: true }),
    answers,
    frames,
    sent,
    validated,
    complaints,
    stderr: () => stderr,
    pid: isStdio ? transport.pid! : undefined,
    terminate: async () => {
      isOpen = false
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession()
    },
    close: () => {
      isOpen = false
      return client.close()
    }
  }
}

export const overStdio = ({ args, command, env }: harness.StdioTarget) =>
  new StdioClientTransport({ command, args, env, stderr: "pipe" })

export const client: suite.OfficialClient = {
  name: "@modelcontextprotocol/client",
  versions: ["2025-11-25", "2026-07-28"],
  overStdio: (target, options) => connect(overStdio(target), options),
  overHttp: (url, options) => connect(new StreamableHTTPClientTransport(url, suite.httpOptions(options)), options),
  overSse: (url, options) => connect(new SSEClientTransport(url, suite.httpOptions(options)), options)
}
