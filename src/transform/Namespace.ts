/**
 * A provider's definitions under a name of their own, so that two providers can have the same ones: tools and prompts
 * are called `weather_forecast`, resources move to `acme://weather/clock`. Their code knows nothing of it.
 */
import * as Effect from "effect/Effect"
import { memoize } from "effect/Function"
import * as Result from "effect/Result"
import type * as RequestContext from "../context/RequestContext.ts"
import * as UriTemplate from "../core/UriTemplate.ts"
import * as Definition from "../definition/Definition.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Provider from "../definition/Provider.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as definitions from "./internal/definitions.ts"
import * as uris from "./internal/uris.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Between the namespace and a name: `_`. */
  readonly separator?: string
}

/**
 * Throws a `DefinitionError` where the namespace cannot be a part of names and URIs: it has letters, digits and `_ . -`,
 * and begins with a letter or a digit.
 *
 * **Details**
 *
 * - A resource's URI gets a segment behind its scheme and `//`, as in `acme://weather/clock`; behind the host where
 *   that is the host of a server (`https://example.com/weather/clock`), and in the path where there is no host
 *   (`file:///weather/clock`, `memo:weather/clock`). Templates get the same, and stay as they match.
 * - URIs in results change where the provider has such a resource or template: in what is read, and in resource links
 *   and embedded resources of tools and prompts. Others are somebody else's, and stay.
 * - A handler finds what stands beside it (`Tool.call`, `readResource` and the like) by its own names; what its provider
 *   does not have goes by the name it has on the server.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (namespace: string, { separator = "_" }: Options = {}): Provider.Transform => {
  if (!/^[A-Za-z\d][A-Za-z\d_.-]*$/u.test(namespace) || !/^[A-Za-z\d_.-]*$/u.test(separator)) {
    throw DefinitionError.make(
      new DefinitionError.InvalidDefinition({
        name: `The namespace ${JSON.stringify(namespace)} with ${JSON.stringify(separator)} behind it`,
        message: "it has letters, digits and _ . - alone, and begins with a letter or a digit"
      })
    )
  }
  return (self) => Provider.map(self, (catalogue) => move(catalogue, namespace, namespace + separator))
}

interface Moves {
  readonly prefix: string
  readonly uris: uris.Uris
  readonly names: RequestContext.Names
}

const move = (catalogue: Provider.Catalogue, namespace: string, prefix: string): Provider.Catalogue => {
  const places = uris.make(catalogue, namespace)
  const own = {
    tool: new Set(catalogue.flatMap((definition) => Tool.isTool(definition) ? [definition.name] : [])),
    prompt: new Set(catalogue.flatMap((definition) => Prompt.isPrompt(definition) ? [definition.name] : [])),
    template: new Map(
      catalogue.flatMap((definition) =>
        ResourceTemplate.isResourceTemplate(definition)
          ? [[definition.uriTemplate, places.template(definition)] as const]
          : []
      )
    )
  }
  const moves: Moves = {
    prefix,
    uris: places,
    names: (kind, name) => {
      switch (kind) {
        case "tool":
        case "prompt":
          return own[kind].has(name) ? prefix + name : name
        case "resource":
          return places.find(name) ?? name
        case "resource template": {
          const place = own.template.get(name)
          return place === undefined || place instanceof DefinitionError.DefinitionError
            ? name
            : uris.moved(name, place)
        }
      }
    }
  }
  return catalogue.map((definition) =>
    Definition.from(moveOne(definitions.withNames(definition, moves.names), moves), `namespace ${namespace}`)
  )
}

const moveOne = (definition: Provider.AnyDefinition, moves: Moves): Provider.AnyDefinition =>
  Tool.isHandled(definition)
    ? moveTool(definition, moves)
    : Resource.isHandled(definition)
    ? moveResource(definition, moves)
    : ResourceTemplate.isHandled(definition)
    ? moveTemplate(definition, moves)
    : movePrompt(definition as Prompt.AnyHandled, moves)

const moveTool = (tool: Tool.AnyHandled, { prefix, uris }: Moves): Tool.AnyHandled => {
  const named = Tool.amend(tool, { name: prefix + tool.name, meta: moveMeta(tool.meta, uris) })
  return uris.isEmpty ? named : definitions.answered(
    named,
    (respond) => (input, options) => Effect.map(respond(input, options), (result) => moveContent(result, uris))
  )
}

const moveResource = (resource: Resource.AnyHandled, moves: Moves): Resource.AnyHandled => {
  const { name, relayed, uri } = resource
  const moved = moves.uris.resource(resource)
  return {
    ...resource,
    uri: moved,
    relayed: {
      listed: { ...relayed?.listed, uri: moved, name },
      read: () => moveRead(Resource.respond(resource as Resource.Handled<string, any, any>, uri), uri, moved, moves)
    }
  }
}

const moveTemplate = (template: ResourceTemplate.AnyHandled, moves: Moves): ResourceTemplate.AnyHandled => {
  const place = moves.uris.template(template)
  if (place instanceof DefinitionError.DefinitionError) return definitions.broken(template, place)
  const uriTemplate = uris.moved(template.uriTemplate, place)
  const { list, name, relayed, updates } = template
  const wire = memoize((template: ResourceTemplate.AnyHandled) => ({
    ...template.wire(),
    template: Result.getOrThrow(Result.flatMap(UriTemplate.parse(uriTemplate), UriTemplate.invert))
  }))
  // What matches the one matches the other: they differ in how they begin, and that is fixed.
  const inner = (uri: string) => uris.restored(uri, place) ?? uri
  const read = (uri: string) => {
    if (relayed !== undefined) return ResourceTemplate.respond(template, uri, {})
    const values = ResourceTemplate.match(template, uri)
    return values === undefined || values === "Unsafe"
      ? Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri })))
      : ResourceTemplate.respond(template, uri, values)
  }
  return {
    ...template,
    uriTemplate,
    list: list && Effect.map(list, (resources) =>
      resources.map((resource) => ({
        ...resource,
        uri: moves.uris.find(resource.uri) ?? resource.uri,
        name: resource.name ?? Resource.nameOf(resource.uri)
      }))),
    updates: updates && ((uri) => updates(inner(uri))),
    relayed: {
      listed: { ...relayed?.listed, uriTemplate, name },
      read: (uri) => moveRead(read(inner(uri)), inner(uri), uri, moves),
      complete: (argument, context) => ResourceTemplate.complete({ ...template, uriTemplate }, argument, context)
    },
    wire: () => wire(template)
  }
}

const movePrompt = (prompt: Prompt.AnyHandled, { prefix, uris }: Moves): Prompt.AnyHandled => {
  const named: Prompt.AnyHandled = Prompt.amend(prompt, { name: prefix + prompt.name })
  return uris.isEmpty ? named : {
    ...named,
    relayed: {
      listed: { ...prompt.relayed?.listed, name: named.name },
      get: (arguments_) =>
        Effect.map(Prompt.respond(named, arguments_), (result) => ({
          ...result,
          messages: result.messages.map((message) => {
            const content = moveBlock(message.content, uris)
            return content === message.content ? message : { ...message, content }
          })
        })),
      complete: (argument, context) => Prompt.complete(named, argument, context)
    }
  }
}

/** What was read of one URI, as read of the other. */
const moveRead = <R>(
  read: Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError, R>,
  uri: string,
  moved: string,
  { uris }: Moves
): Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError, R> =>
  Effect.mapBoth(read, {
    onSuccess: (result) => ({
      ...result,
      contents: result.contents.map((contents) => ({
        ...contents,
        uri: contents.uri === uri ? moved : uris.find(contents.uri) ?? contents.uri
      }))
    }),
    onFailure: (error) =>
      error.reason._tag === "ResourceNotFound" && error.reason.uri === uri
        ? McpError.make(new McpError.ResourceNotFound({ uri: moved }))
        : error
  })

const moveContent = (result: McpSchema.CallToolResult, uris: uris.Uris): McpSchema.CallToolResult => {
  // What another server answers may be a result of a kind we do not know.
  if (!Array.isArray(result.content)) return result
  const content = result.content.map((block) => moveBlock(block, uris))
  return content.every((block, index) => block === result.content[index]) ? result : { ...result, content }
}

const moveBlock = (block: McpSchema.ContentBlock, { find }: uris.Uris): McpSchema.ContentBlock => {
  const uri = block.type === "resource_link" ? block.uri : block.type === "resource" ? block.resource.uri : undefined
  const moved = uri === undefined ? undefined : find(uri)
  if (moved === undefined) return block
  return block.type === "resource"
    ? { ...block, resource: { ...block.resource, uri: moved } }
    : { ...block, uri: moved } as McpSchema.ContentBlock
}

/** A tool may name the resource of its view (MCP Apps). */
const moveMeta = (meta: Definition.Options["meta"], { find }: uris.Uris): Definition.Options["meta"] => {
  const ui = meta?.ui
  const uri = typeof ui === "object" && ui !== null && "resourceUri" in ui ? ui.resourceUri : undefined
  const moved = typeof uri === "string" ? find(uri) : undefined
  return moved === undefined ? meta : { ...meta, ui: { ...ui as object, resourceUri: moved } }
}
