/** What a server lists, as the definitions of the proxy in front of it. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import type * as McpClient from "../../client/McpClient.ts"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as UriTemplate from "../../core/UriTemplate.ts"
import type * as Definition from "../../definition/Definition.ts"
import * as Prompt from "../../definition/Prompt.ts"
import type * as Provider from "../../definition/Provider.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as Tool from "../../definition/Tool.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as JsonSchema from "../../protocol/JsonSchema.ts"
import type * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import type * as relaying from "./relaying.ts"

/** The lists, as they came. */
export interface Lists {
  readonly tools: ReadonlyArray<McpSchema.Tool>
  readonly resources: ReadonlyArray<McpSchema.Resource>
  readonly templates: ReadonlyArray<McpSchema.ResourceTemplate>
  readonly prompts: ReadonlyArray<McpSchema.Prompt>
}

export const read = (client: McpClient.Client): Effect.Effect<Lists, McpClient.CallError> =>
  Effect.all({
    tools: client.listTools(anew),
    resources: client.listResources(anew),
    templates: client.listResourceTemplates(anew),
    prompts: client.listPrompts(anew)
  }, { concurrency: "unbounded" })

const anew: McpClient.CallOptions = { refresh: true, unchecked: true }

/**
 * What of them can be served, and in words what cannot: a server may list a name twice, or one that no tool may have, and
 * the rest of its lists is as good as ever.
 */
export const servable = (lists: Lists): { readonly lists: Lists; readonly faults: ReadonlyArray<string> } => {
  const faults: Array<string> = []
  const keep = <A>(
    kind: string,
    items: ReadonlyArray<A>,
    key: keyof A,
    faultOf: (item: A) => string | undefined = () => undefined
  ) => {
    const seen = new Set<unknown>()
    return items.filter((item) => {
      const name: unknown = isObject(item) ? item[key] : undefined
      const fault = typeof name !== "string"
        ? `it has no ${String(key)}`
        : seen.has(name)
        ? "it is there twice"
        : faultOf(item)
      seen.add(name)
      if (fault === undefined) return true
      faults.push(`the ${kind} ${JSON.stringify(name)}: ${fault}`)
      return false
    })
  }
  return {
    lists: {
      tools: keep("tool", lists.tools, "name", faultOfTool),
      resources: keep("resource", lists.resources, "uri", faultOfResource),
      templates: keep("template", lists.templates, "uriTemplate", faultOfTemplate),
      prompts: keep("prompt", lists.prompts, "name")
    },
    faults
  }
}

const faultOfTool = ({ inputSchema, name }: McpSchema.Tool): string | undefined => {
  if (!/^[A-Za-z\d_.-]{1,128}$/u.test(name)) return "no tool may have this name"
  if (!isObject(inputSchema)) return "it has no inputSchema"
  const headers = JsonSchema.headerParameters(inputSchema as JsonRpc.JsonObject)
  return typeof headers === "string" ? headers : undefined
}

const faultOfResource = ({ name }: McpSchema.Resource | McpSchema.ResourceTemplate): string | undefined =>
  typeof name === "string" ? undefined : "it has no name"

const faultOfTemplate = (template: McpSchema.ResourceTemplate): string | undefined => {
  const { uriTemplate } = template
  const parsed = UriTemplate.parse(uriTemplate)
  return Result.isSuccess(parsed) && Result.isSuccess(UriTemplate.invert(parsed.success))
    ? faultOfResource(template)
    : "no URI can be read by this template"
}

/** What is wrong with a definition as it is listed, in words. */
export const faultOfListed = { tool: faultOfTool, resource: faultOfResource, template: faultOfTemplate }

export const sizeOf = ({ prompts, resources, templates, tools }: Lists): number =>
  tools.length + resources.length + templates.length + prompts.length

/** How the proxy answers for them. */
export interface Relay {
  readonly ask: (call: relaying.Call) => Effect.Effect<
    JsonRpc.JsonObject,
    Definition.HandlerError,
    RequestContext.RequestContext
  >
  readonly complete: (params: JsonRpc.JsonObject) => Effect.Effect<
    JsonRpc.JsonObject,
    McpError.McpError,
    RequestContext.RequestContext
  >
  readonly updates: (uri: string) => Stream.Stream<unknown>
  /** Whether calls of tools that may be tasks there may be tasks here. */
  readonly tasks: boolean
}

export const definitions = ({ prompts, resources, templates, tools }: Lists, relay: Relay): Provider.Catalogue => [
  ...tools.map((tool) => toolOf(tool, relay)),
  ...resources.map((listed) =>
    Resource.relay({ listed, read: (uri) => readOf(uri, relay) }, { updates: relay.updates(listed.uri) })
  ),
  ...templates.map((listed) =>
    ResourceTemplate.relay({
      listed,
      read: (uri) => readOf(uri, relay),
      complete: (argument, context) =>
        typed<McpSchema.CompleteResult, McpError.McpError>(
          relay.complete(completionOf({ type: "ref/resource", uri: listed.uriTemplate }, argument, context))
        )
    }, { updates: relay.updates })
  ),
  ...prompts.map((listed) =>
    Prompt.relay({
      listed,
      get: (args) =>
        typed<McpSchema.GetPromptResult>(relay.ask({
          method: "prompts/get",
          params: { name: listed.name, ...(args === undefined ? undefined : { arguments: args }) }
        })),
      complete: (argument, context) =>
        typed<McpSchema.CompleteResult, McpError.McpError>(
          relay.complete(completionOf({ type: "ref/prompt", name: listed.name }, argument, context))
        )
    })
  )
]

/** Who runs it as a task is said on each hop: by the proxy, for its own tasks. */
const toolOf = ({ execution, ...listed }: McpSchema.Tool, relay: Relay) => {
  const { name } = listed
  const { idempotentHint, readOnlyHint } = listed.annotations ?? {}
  const idempotent = idempotentHint === true || readOnlyHint === true
  const task = relay.tasks ? execution?.taskSupport : undefined
  return Tool.relay(
    task === undefined ? listed : { ...listed, execution: { ...execution, taskSupport: task } },
    (args) =>
      typed<McpSchema.CallToolResult>(
        relay.ask({ method: "tools/call", params: { name, arguments: args ?? {} }, idempotent })
      ),
    task === undefined ? {} : { task }
  )
}

const readOf = (uri: string, relay: Relay) =>
  typed<McpSchema.ReadResourceResult>(relay.ask({ method: "resources/read", params: { uri } }))

const completionOf = (
  ref: McpSchema.CompleteParams["ref"],
  argument: McpSchema.CompleteParams["argument"],
  context: { readonly arguments: { readonly [name: string]: string } } | undefined
): JsonRpc.JsonObject => ({
  ref: { ...ref },
  argument: { ...argument },
  ...(context === undefined || Object.keys(context.arguments).length === 0
    ? undefined
    : { context: { arguments: context.arguments } })
})

/** Whatever it is said to be: nobody has looked at it. */
const isObject = (value: unknown): boolean => JsonRpc.isObject(value)

/** What the server answers is passed on as it came, whatever its type says. */
const typed = <A, E = Definition.HandlerError>(
  answer: Effect.Effect<JsonRpc.JsonObject, E, RequestContext.RequestContext>
) =>
  answer as Effect.Effect<unknown, E, RequestContext.RequestContext> as Effect.Effect<
    A,
    E,
    RequestContext.RequestContext
  >
