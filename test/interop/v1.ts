/** The official client of the first generation, `@modelcontextprotocol/sdk`, as the suites use it. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  EmptyResultSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema
} from "@modelcontextprotocol/sdk/types.js"
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv"
import * as suite from "./suite.ts"

/** The client always offers its newest revision; `version` is put in the place of that on its way out. */
const offer = (transport: Transport, version: suite.Version) => {
  const sent = new Map<string | number, string>()
  const send = transport.send.bind(transport)
  transport.send = (message, options) => {
    if ("method" in message && "id" in message) sent.set(message.id, message.method)
    return send(
      "method" in message && message.method === "initialize"
        ? { ...message, params: { ...message.params, protocolVersion: version } }
        : message,
      options
    )
  }
  return sent
}

const itemsOf = (list: suite.List, result: object) => (result as any)[list] as ReadonlyArray<suite.Listed>

const connect = async (
  transport: StdioClientTransport | StreamableHTTPClientTransport | SSEClientTransport,
  options: suite.ConnectOptions
): Promise<suite.Session> => {
  const validated: suite.Session["validated"] = []
  const ajv = new AjvJsonSchemaValidator()
  const client = new Client({ name: "interop-client", version: "9.8.7" }, {
    capabilities: suite.capabilities(options),
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
  let version: string | undefined
  // What breaks when a connection is closed is no complaint.
  client.onerror = (error) => isOpen && complaints.push(error)
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logs.push(params)
  })
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    changes++
  })
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
    news.push("resources")
  })
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => {
    news.push("prompts")
  })
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    news.push(params.uri)
  })
  if (options.isCapable === true) {
    client.setRequestHandler(
      ElicitRequestSchema,
      async ({ params }, { signal }) => await answers.elicit(params, signal) as any
    )
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => await answers.sample(params) as any)
    client.setRequestHandler(ListRootsRequestSchema, async () => await answers.roots() as any)
  }
  const isStdio = transport instanceof StdioClientTransport
  if (isStdio) transport.stderr!.on("data", (chunk) => stderr += chunk)
  const sent = offer(transport as Transport, options.version)
  const tell = (transport as Transport).setProtocolVersion?.bind(transport)
  ;(transport as Transport).setProtocolVersion = (negotiated) => {
    version = negotiated
    tell?.(negotiated)
  }
  transport.onmessage = (message: unknown) => frames.push(message)
  await client.connect(transport as Transport)
  const listers = {
    tools: client.listTools.bind(client),
    resources: client.listResources.bind(client),
    resourceTemplates: client.listResourceTemplates.bind(client),
    prompts: client.listPrompts.bind(client)
  }
  return {
    version,
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    capabilities: client.getServerCapabilities(),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args, { logLevel: _, ...options } = {}) =>
      await client.callTool({ name, arguments: args }, undefined, options) as suite.CallResult,
    list: async (list) => itemsOf(list, await listers[list]({})),
    page: async (list, cursor) => {
      const result = await listers[list](cursor === undefined ? {} : { cursor })
      return { items: itemsOf(list, result), nextCursor: result.nextCursor }
    },
    read: (uri) => client.readResource({ uri }),
    watch: async (uri) => {
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
    request: (method) => client.request({ method } as any, EmptyResultSchema),
    logs,
    changes: () => changes,
    news,
    watchTools: async () => undefined,
    watchLists: async () => undefined,
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

export const client: suite.OfficialClient = {
  name: "@modelcontextprotocol/sdk",
  versions: ["2025-11-25"],
  overStdio: ({ args, command, env }, options) =>
    connect(new StdioClientTransport({ command, args, env, stderr: "pipe" }), options),
  overHttp: (url, options) => connect(new StreamableHTTPClientTransport(url, suite.httpOptions(options)), options),
  overSse: (url, options) => connect(new SSEClientTransport(url, suite.httpOptions(options)), options)
}
