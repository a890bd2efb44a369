/**
 * Resources and prompts as tools, beside what they are: for clients that know tools alone.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as RequestContext from "../context/RequestContext.ts"
import * as Definition from "../definition/Definition.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Provider from "../definition/Provider.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Both when left out. */
  readonly only?: "resources" | "prompts"
  /** What the tools are called, if not as their keys say: `list_resources` and so on. */
  readonly names?: {
    readonly list_resources?: string
    readonly read_resource?: string
    readonly list_prompts?: string
    readonly get_prompt?: string
  }
}

/**
 * Adds `list_resources` and `read_resource` where the provider has resources or templates, and `list_prompts` and
 * `get_prompt` where it has prompts. They list the provider's own, and of those what their caller may see and use; they
 * read and get through the server, as their caller would.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({ names = {}, only }: Options = {}): Provider.Transform => (self) =>
  Provider.map(self, (catalogue) => {
    const resources = catalogue.filter((definition) => Resource.isResource(definition))
    const templates = catalogue.filter((definition) => ResourceTemplate.isResourceTemplate(definition))
    const prompts = catalogue.filter((definition) => Prompt.isPrompt(definition))
    const { get_prompt, list_prompts, list_resources, read_resource } = names
    const tools: ReadonlyArray<Provider.AnyDefinition> = [
      ...only === "prompts" || resources.length + templates.length === 0
        ? []
        : [listResources(list_resources ?? "list_resources", resources, templates), readResource(read_resource)],
      ...only === "resources" || prompts.length === 0
        ? []
        : [listPrompts(list_prompts ?? "list_prompts", prompts), getPrompt(get_prompt)]
    ]
    return [...catalogue, ...tools.map((tool) => Definition.from(tool, "as tools"))]
  })

const annotations = { readOnlyHint: true, openWorldHint: false }

const said = {
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String)
}

const mimeType = Schema.optionalKey(Schema.String)

const Listed = Schema.Struct({
  resources: Schema.Array(Schema.Struct({ uri: Schema.String, ...said, mimeType })),
  templates: Schema.Array(Schema.Struct({ uriTemplate: Schema.String, ...said, mimeType }))
})

const sayOf = (
  { description, mimeType, name, title }: Pick<McpSchema.Resource, "name" | "title" | "description" | "mimeType">
) => ({
  name,
  ...(title === undefined ? undefined : { title }),
  ...(description === undefined ? undefined : { description }),
  ...(mimeType === undefined ? undefined : { mimeType })
})

const listResources = (
  name: string,
  resources: ReadonlyArray<Resource.Any>,
  templates: ReadonlyArray<ResourceTemplate.Any>
) =>
  Tool.make(name, {
    description: "Lists the resources that can be read, and templates of the URIs of others.",
    annotations,
    success: Listed,
    handler: Effect.fnUntraced(function*() {
      const { sees } = yield* RequestContext.RequestContext
      const own = resources.filter(({ unlisted, uri }) => unlisted !== true && sees("resource", uri))
      const seen = templates.filter(({ unlisted, uriTemplate }) =>
        unlisted !== true && sees("resource template", uriTemplate)
      )
      const found = yield* Effect.forEach(seen, (template) => ResourceTemplate.list(template), { concurrency: 8 })
      const taken = new Map(own.map((resource) => [resource.uri, Resource.describe(resource)]))
      for (const resource of found.flat()) if (!taken.has(resource.uri)) taken.set(resource.uri, resource)
      return {
        resources: [...taken.values()].map((resource) => ({ uri: resource.uri, ...sayOf(resource) })),
        templates: seen.map((template) => ({
          uriTemplate: template.uriTemplate,
          ...sayOf(ResourceTemplate.describe(template))
        }))
      }
    })
  })

const readResource = (name = "read_resource") =>
  Tool.make(name, {
    description: "Reads a resource by its URI.",
    annotations,
    parameters: { uri: Schema.String.annotate({ description: "As it is listed, or made of a template" }) },
    success: Tool.Result,
    handler: ({ uri }) =>
      told(Effect.map(
        RequestContext.RequestContext.use(({ readResource }) => readResource({ uri })),
        ({ contents }): McpSchema.CallToolResult => ({ content: contents.map(asContent) })
      ))
  })

const listPrompts = (name: string, prompts: ReadonlyArray<Prompt.Any>) =>
  Tool.make(name, {
    description: "Lists the prompts there are, and the arguments they take.",
    annotations,
    success: Schema.Struct({
      prompts: Schema.Array(
        Schema.Struct({ ...said, arguments: Schema.optionalKey(Schema.Array(McpSchema.PromptArgument)) })
      )
    }),
    handler: () =>
      RequestContext.RequestContext.useSync(({ sees }) => ({
        prompts: prompts.filter(({ name, unlisted }) => unlisted !== true && sees("prompt", name)).map((prompt) => {
          const { arguments: args, ...listed } = Prompt.describe(prompt)
          return { ...sayOf(listed), ...(args === undefined ? undefined : { arguments: args }) }
        })
      }))
  })

const getPrompt = (name = "get_prompt") =>
  Tool.make(name, {
    description: "Gets the messages of a prompt.",
    annotations,
    parameters: {
      name: Schema.String,
      arguments: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
    },
    success: Tool.Result,
    handler: (params) =>
      told(Effect.map(
        RequestContext.RequestContext.use(({ getPrompt }) => getPrompt(params)),
        ({ description, messages }): McpSchema.CallToolResult => {
          const got = { ...(description === undefined ? undefined : { description }), messages }
          return { content: [{ type: "text", text: JSON.stringify(got) }], structuredContent: got }
        }
      ))
  })

/** What a model can do better is told to it; the rest refuses the request, as where a scope is missing. */
const told = <R>(
  result: Effect.Effect<McpSchema.CallToolResult, McpError.McpError, R>
): Effect.Effect<McpSchema.CallToolResult, McpError.McpError, R> =>
  Effect.catchIf(
    result,
    ({ reason: { _tag } }) => _tag === "ResourceNotFound" || _tag === "PromptNotFound" || _tag === "InvalidParams",
    ({ message }) => Effect.succeed({ content: [{ type: "text", text: message }], isError: true })
  )

const asContent = (contents: McpSchema.ResourceContents): McpSchema.ContentBlock => {
  if ("text" in contents) return { type: "text", text: contents.text }
  const { blob, mimeType = "application/octet-stream" } = contents
  const [type] = mimeType.split("/")
  return type === "image" || type === "audio"
    ? { type, data: blob, mimeType }
    : { type: "resource", resource: contents }
}
