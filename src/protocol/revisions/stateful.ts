/**
 * What the stateful revisions have in common. Each says as data which members of each type its peers know (`Wire`); what
 * they do not know is left out here, or said in words where a text can carry it. Their tables of methods are those of
 * 2024-11-05, which the later ones only add to.
 */
import type { JsonObject } from "../JsonRpc.ts"
import * as McpSchema from "../McpSchema.ts"
import type * as Revision from "../Revision.ts"
import * as inWords from "./inWords.ts"

type Members<A> = ReadonlyArray<A extends unknown ? keyof A & string : never>

type Block<Type extends McpSchema.ContentBlock["type"]> = Extract<McpSchema.ContentBlock, { readonly type: Type }>

type Annotations = typeof McpSchema.Annotations.Type

/** The members each type has in one revision. */
export interface Wire {
  readonly implementation: Members<McpSchema.Implementation>
  readonly clientCapabilities: Members<McpSchema.ClientCapabilities>
  readonly serverCapabilities: Members<McpSchema.ServerCapabilities>
  readonly tool: Members<McpSchema.Tool>
  readonly callToolResult: Members<McpSchema.CallToolResult>
  readonly prompt: Members<McpSchema.Prompt>
  readonly promptArgument: Members<McpSchema.PromptArgument>
  readonly resource: Members<McpSchema.Resource>
  readonly resourceTemplate: Members<McpSchema.ResourceTemplate>
  readonly resourceContents: Members<McpSchema.ResourceContents>
  readonly annotations: Members<Annotations>
  /** A kind that is not here is said in words. */
  readonly content: {
    readonly text: Members<Block<"text">>
    readonly image: Members<Block<"image">>
    readonly audio?: Members<Block<"audio">>
    readonly resource: Members<Block<"resource">>
    readonly resource_link?: Members<Block<"resource_link">>
  }
  readonly progress: Members<typeof McpSchema.ProgressParams.Type>
}

// ----------------------------------------------------------------------------
// parts; each returns the very value it was given where there is nothing to change
// ----------------------------------------------------------------------------

const only = <A extends object>(members: Members<A>): (value: A) => A => {
  const known: ReadonlySet<string> = new Set(members)
  return (value) => {
    for (const key in value) {
      if (!known.has(key)) return Object.fromEntries(Object.entries(value).filter(([key]) => known.has(key))) as A
    }
    return value
  }
}

/** The same without the model's members that these peers do not know. What the model does not know either passes as it came. */
const without = <A extends object>(
  members: Members<A>,
  model: { readonly fields: { readonly [name: string]: unknown } }
): (value: A) => A => {
  const unknown = new Set(Object.keys(model.fields).filter((key) => !(members as ReadonlyArray<string>).includes(key)))
  return (value) => {
    for (const key in value) {
      if (unknown.has(key)) return Object.fromEntries(Object.entries(value).filter(([key]) => !unknown.has(key))) as A
    }
    return value
  }
}

export const within = <A extends object, K extends keyof A>(
  value: A,
  key: K,
  f: (member: NonNullable<A[K]>) => NonNullable<A[K]>
): A => {
  const member = value[key]
  if (member === undefined) return value
  const next = f(member as NonNullable<A[K]>)
  return next === member ? value : { ...value, [key]: next }
}

export const each = <A>(f: (value: A) => A) => (values: ReadonlyArray<A>): ReadonlyArray<A> => {
  const next = values.map(f)
  return next.every((value, index) => value === values[index]) ? values : next
}

export const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A title takes the place of a missing description among peers that know no titles. */
const titled = <A extends { readonly title?: string; readonly description?: string }>(
  members: Members<A>,
  model: Parameters<typeof without>[1]
): (value: A) => A => {
  const keep = without<A>(members, model)
  if ((members as ReadonlyArray<string>).includes("title")) return keep
  return (value) =>
    keep(
      value.title === undefined || value.description !== undefined ? value : { ...value, description: value.title }
    )
}

/** Up to 2025-11-25 the schema of a property is an object, where JSON Schema has `true` and `false` too. */
const objectSchema = (schema: McpSchema.Tool["inputSchema"]): McpSchema.Tool["inputSchema"] =>
  within(schema, "properties", (properties) =>
    !isObject(properties) || Object.values(properties).every(isObject)
      ? properties
      : Object.fromEntries(
        Object.entries(properties).map(([name, schema]) => [
          name,
          schema === true ? {} : schema === false ? { not: {} } : schema
        ])
      ))

export const tool = (wire: Wire): (tool: McpSchema.Tool) => McpSchema.Tool => {
  const hasAnnotations = wire.tool.includes("annotations")
  const hasTitle = wire.tool.includes("title")
  const keep = titled<McpSchema.Tool>(wire.tool, McpSchema.Tool)
  return (tool) => {
    // Its annotations had a title before the tool had one.
    const named = hasTitle || !hasAnnotations || tool.title === undefined
      ? tool
      : { ...tool, annotations: { title: tool.title, ...tool.annotations } }
    const kept = within(keep(named), "inputSchema", objectSchema)
    if (kept.outputSchema === undefined) return kept
    if (kept.outputSchema.type === "object") return within(kept, "outputSchema", objectSchema)
    const { outputSchema: _, ...rest } = kept
    return rest
  }
}

/** A content block as peers know it. */
export const block = (wire: Wire): (block: McpSchema.ContentBlock) => McpSchema.ContentBlock => {
  const { audio, image, resource, resource_link, text } = wire.content
  const annotated = <A extends { readonly annotations?: Annotations }>(
    members: Members<A>,
    model: Parameters<typeof without>[1]
  ): (block: A) => A => {
    const keep = without<A>(members, model)
    const annotations = without<Annotations>(wire.annotations, McpSchema.Annotations)
    return (block) => within(keep(block), "annotations", annotations as (member: A["annotations"] & {}) => any)
  }
  const asText = annotated<Block<"text">>(text, McpSchema.TextContent)
  const asImage = annotated<Block<"image">>(image, McpSchema.ImageContent)
  const asAudio = audio && annotated<Block<"audio">>(audio, McpSchema.AudioContent)
  const asResource = annotated<Block<"resource">>(resource, McpSchema.EmbeddedResource)
  const asLink = resource_link && annotated<Block<"resource_link">>(resource_link, McpSchema.ResourceLink)
  const contents = without<McpSchema.ResourceContents>(wire.resourceContents, resourceContents)
  const say = (text: string, { annotations, _meta }: McpSchema.ContentBlock) =>
    asText({
      type: "text",
      text,
      ...(annotations === undefined ? undefined : { annotations }),
      ...(_meta === undefined ? undefined : { _meta })
    })
  return (block) => {
    switch (block.type) {
      case "text":
        return asText(block)
      case "image":
        return asImage(block)
      case "audio":
        return asAudio === undefined ? say(inWords.media(block), block) : asAudio(block)
      case "resource":
        return within(asResource(block), "resource", contents)
      case "resource_link":
        return asLink === undefined ? say(inWords.resourceLink(block), block) : asLink(block)
      // Of a later revision, or somebody's own: whoever sends it knows whom.
      default:
        return block
    }
  }
}

/** Of either kind. */
const resourceContents = {
  fields: { ...McpSchema.TextResourceContents.fields, ...McpSchema.BlobResourceContents.fields }
}

/** Structured content that has no place in the result is in its text. */
export const callToolResult = (wire: Wire): (result: McpSchema.CallToolResult) => McpSchema.CallToolResult => {
  const keep = without<McpSchema.CallToolResult>(wire.callToolResult, McpSchema.CallToolResult)
  const blocks = each(block(wire))
  const fits = wire.callToolResult.includes("structuredContent") ? isObject : () => false
  return (result) => within(keep(fitting(result, fits)), "content", blocks)
}

/** A result whose structured content is said in words unless it fits. */
export const fitting = <
  A extends { readonly content: ReadonlyArray<McpSchema.ContentBlock>; readonly structuredContent?: unknown }
>(
  result: A,
  fits: (structured: unknown) => boolean
): A => {
  if (result.structuredContent === undefined || fits(result.structuredContent)) return result
  const { structuredContent, ...rest } = result
  return { ...rest, content: inWords.structured(result.content, structuredContent) } as unknown as A
}

const same = <A>(value: A): A => value

// ----------------------------------------------------------------------------
// tables
// ----------------------------------------------------------------------------

export const requests = (wire: Wire): Revision.Revision["requests"] => {
  const annotations = without<Annotations>(wire.annotations, McpSchema.Annotations)
  const tools = each(tool(wire))
  const argument = each(titled<McpSchema.PromptArgument>(wire.promptArgument, McpSchema.PromptArgument))
  const prompt = titled<McpSchema.Prompt>(wire.prompt, McpSchema.Prompt)
  const prompts = each<McpSchema.Prompt>((value) => within(prompt(value), "arguments", argument))
  const content = block(wire)
  const messages = each<McpSchema.PromptMessage>((message) => within(message, "content", content))
  const resource = titled<McpSchema.Resource>(wire.resource, McpSchema.Resource)
  const resources = each<McpSchema.Resource>((value) => within(resource(value), "annotations", annotations))
  const template = titled<McpSchema.ResourceTemplate>(wire.resourceTemplate, McpSchema.ResourceTemplate)
  const templates = each<McpSchema.ResourceTemplate>((value) => within(template(value), "annotations", annotations))
  const contents = each(without<McpSchema.ResourceContents>(wire.resourceContents, resourceContents))
  const read = without<McpSchema.ReadResourceResult>(["contents", "_meta"], McpSchema.ReadResourceResult)
  const serverInfo = only<McpSchema.Implementation>(wire.implementation)
  const capabilities = only<McpSchema.ServerCapabilities>(wire.serverCapabilities)
  return {
    "initialize": {
      params: McpSchema.InitializeParams,
      result: McpSchema.InitializeResult,
      project: (result: typeof McpSchema.InitializeResult.Type) =>
        within(within(result, "serverInfo", serverInfo), "capabilities", capabilities)
    },
    "ping": { params: McpSchema.EmptyParams, result: McpSchema.EmptyResult, project: same },
    "logging/setLevel": { params: McpSchema.SetLevelParams, result: McpSchema.EmptyResult, project: same },
    "tools/list": {
      params: McpSchema.ListParams,
      result: McpSchema.ListToolsResult,
      project: (result: McpSchema.ListToolsResult) => within(uncached(result), "tools", tools)
    },
    "tools/call": {
      params: McpSchema.CallToolParams,
      result: McpSchema.CallToolResult,
      project: callToolResult(wire)
    },
    "prompts/list": {
      params: McpSchema.ListParams,
      result: McpSchema.ListPromptsResult,
      project: (result: McpSchema.ListPromptsResult) => within(uncached(result), "prompts", prompts)
    },
    "prompts/get": {
      params: McpSchema.GetPromptParams,
      result: McpSchema.GetPromptResult,
      project: (result: McpSchema.GetPromptResult) => within(result, "messages", messages)
    },
    "resources/list": {
      params: McpSchema.ListParams,
      result: McpSchema.ListResourcesResult,
      project: (result: McpSchema.ListResourcesResult) => within(uncached(result), "resources", resources)
    },
    "resources/templates/list": {
      params: McpSchema.ListParams,
      result: McpSchema.ListResourceTemplatesResult,
      project: (result: McpSchema.ListResourceTemplatesResult) =>
        within(uncached(result), "resourceTemplates", templates)
    },
    "resources/read": {
      params: McpSchema.ReadResourceParams,
      result: McpSchema.ReadResourceResult,
      project: (result: McpSchema.ReadResourceResult) => within(read(result), "contents", contents)
    },
    "resources/subscribe": { params: McpSchema.SubscribeParams, result: McpSchema.EmptyResult, project: same },
    "resources/unsubscribe": { params: McpSchema.SubscribeParams, result: McpSchema.EmptyResult, project: same },
    "completion/complete": { params: McpSchema.CompleteParams, result: McpSchema.CompleteResult, project: same }
  }
}

/** A result without what only 2026-07-28 knows. */
const uncached = <A extends object>(result: A): A => {
  if (!("cacheHints" in result)) return result
  const { cacheHints: _, ...rest } = result
  return rest as A
}

export const extensionResult: (result: object) => object = uncached

export const notifications: Revision.Revision["notifications"] = {
  "notifications/initialized": McpSchema.EmptyParams,
  "notifications/cancelled": McpSchema.CancelledParams,
  "notifications/progress": McpSchema.ProgressParams,
  "notifications/roots/list_changed": McpSchema.EmptyParams
}

export const serverNotifications: Revision.Revision["serverNotifications"] = {
  "notifications/cancelled": McpSchema.CancelledParams,
  "notifications/progress": McpSchema.ProgressParams,
  "notifications/message": McpSchema.LoggingMessageParams,
  "notifications/tools/list_changed": McpSchema.EmptyParams,
  "notifications/prompts/list_changed": McpSchema.EmptyParams,
  "notifications/resources/list_changed": McpSchema.EmptyParams,
  "notifications/resources/updated": McpSchema.ResourceUpdatedParams
}

export const projectNotification = (wire: Wire): NonNullable<Revision.Revision["projectNotification"]> => {
  const progress = only<JsonObject>([...wire.progress, "_meta"])
  return (method, params) => method === "notifications/progress" ? progress(params) : params
}

const nothing = () => ({})

export const serverRequests = (
  sampling: (params: McpSchema.CreateMessageParams) => object
): Revision.Revision["serverRequests"] => ({
  "ping": { params: McpSchema.EmptyParams, project: nothing, result: McpSchema.EmptyResult },
  "roots/list": { params: McpSchema.EmptyParams, project: nothing, result: McpSchema.ListRootsResult },
  "sampling/createMessage": {
    params: McpSchema.CreateMessageParams,
    project: sampling,
    result: McpSchema.CreateMessageResult
  }
})

// ----------------------------------------------------------------------------
// clients before 2025-11-25
// ----------------------------------------------------------------------------

/**
 * They declare sampling and elicitation without parts: sampling takes `includeContext` and knows no tools, elicitation
 * is of forms alone.
 */
export const wholeCapabilities = (wire: Wire): Revision.Revision["clientCapabilities"] => {
  const keep = only<McpSchema.ClientCapabilities>(wire.clientCapabilities)
  return (declared) =>
    within(
      within(keep(declared), "sampling", () => ({ context: {} })),
      "elicitation",
      () => ({})
    )
}

/** Their sampling knows no tools, and one block of text, image or audio for each message. */
export const plainSampling = (wire: Wire): (params: McpSchema.CreateMessageParams) => object => {
  const asBlock = block(wire)
  const blocks = (content: McpSchema.SamplingContent | McpSchema.ContentBlock): ReadonlyArray<object> => {
    switch (content.type) {
      case "text":
      case "image":
      case "audio":
        return [asBlock(content)]
      case "resource":
        return [asBlock(say(inWords.resource(content), content))]
      case "resource_link":
        return [asBlock(say(inWords.resourceLink(content), content))]
      case "tool_use":
        return [say(inWords.toolUse(content))]
      case "tool_result":
        return [say(inWords.toolResult(content)), ...fitting(content, () => false).content.flatMap(blocks)]
    }
  }
  const say = (text: string, { annotations }: { readonly annotations?: Annotations } = {}) => ({
    type: "text" as const,
    text,
    ...(annotations === undefined ? undefined : { annotations })
  })
  return ({ messages, toolChoice: _, tools: __, ...rest }) => ({
    ...rest,
    messages: messages.flatMap(({ content, role }) =>
      (Array.isArray(content) ? content : [content]).flatMap(blocks).map((content) => ({ role, content }))
    )
  })
}
