/**
 * Two tools in the place of hundreds: one that finds tools, and one that calls them. What a search finds it tells with
 * its schemas, so that a model pays for those it may use and for no others.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as RequestContext from "../context/RequestContext.ts"
import * as Definition from "../definition/Definition.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import { isObject, type Json, type JsonObject } from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as ToolIndex from "./ToolIndex.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Tools that are listed all the same, by name or as a function says. */
  readonly pinned?: ReadonlyArray<string> | ((tool: Tool.Any) => boolean)
  /** How many tools one search finds, if its caller does not say: 5. */
  readonly limit?: number
  /** What the two are called: `search_tools` and `call_tool`. */
  readonly names?: { readonly search?: string; readonly call?: string }
}

/** A caller may ask for more than `limit`, and for no more than these. */
const maxLimit = 50

/**
 * Every tool that is not pinned is in no list. Who knows its name calls it as before; others find it with `search_tools`,
 * out of what they may see and use, and call it with `call_tool`, which asks the server to: so its scopes, its limits and
 * the server's middleware hold as they do for a call by its name.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  index: ToolIndex.ToolIndex,
  options: Options = {}
): Provider.Transform<DefinitionError.DefinitionError> =>
<E, R>(self: Provider.Provider<E, R>) =>
  Provider.mapEffect(self, (catalogue) => {
    const tools = catalogue.filter((definition) => Tool.isHandled(definition))
    const searched = tools.filter(({ unlisted }) => unlisted !== true)
    return Effect.map(index.index(searched.filter(isSound).map(ToolIndex.documentOf)), (search) => {
      const { call: callName = "call_tool", search: searchName = "search_tools" } = options.names ?? {}
      const added = [
        searching({
          name: searchName,
          callName,
          query: index.query,
          limit: options.limit ?? 5,
          tools: searched,
          search
        }),
        calling({ name: callName, searchName, tools })
      ]
      return [
        ...added.map((tool) => Definition.from(tool, "tool search")),
        ...catalogue.map((definition) =>
          Tool.isHandled(definition) && !isPinned(options, definition) ? { ...definition, unlisted: true } : definition
        )
      ]
    })
  })

const isPinned = ({ pinned = [] }: Options, tool: Tool.Any): boolean =>
  typeof pinned === "function" ? pinned(tool) : pinned.includes(tool.name)

/** What is wrong with the others is told when they are registered. */
const isSound = (tool: Tool.Any): boolean => {
  try {
    return Tool.describe(tool) !== undefined
  } catch {
    return false
  }
}

const Found = Schema.Struct({
  tools: Schema.Array(Schema.Struct({
    name: Schema.String,
    title: Schema.optionalKey(Schema.String),
    description: Schema.optionalKey(Schema.String),
    inputSchema: McpSchema.JsonObject,
    outputSchema: Schema.optionalKey(McpSchema.JsonObject),
    annotations: Schema.optionalKey(McpSchema.ToolAnnotations)
  }))
})

const searching = ({ callName, limit, name, query, search, tools }: {
  readonly name: string
  readonly callName: string
  readonly query: string
  readonly limit: number
  readonly tools: ReadonlyArray<Tool.AnyHandled>
  readonly search: ToolIndex.Search
}): Tool.AnyHandled => {
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  return Tool.make(name, {
    description: `Finds tools by what they do: there are more than are listed. Call what it finds with ${callName}.`,
    annotations: { readOnlyHint: true, openWorldHint: false },
    parameters: {
      query: Schema.String.annotate({ description: query }),
      limit: Schema.optionalKey(
        Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxLimit })).annotate({
          description: `How many to find at most; ${limit} when left out`
        })
      )
    },
    success: Found,
    failure: ToolIndex.InvalidQuery,
    handler: ({ limit: wanted = limit, query }) =>
      Effect.flatMap(RequestContext.RequestContext, ({ sees }) =>
        Effect.map(
          search(query, { limit: wanted, isFound: (name) => sees("tool", name) }),
          (names) => ({
            tools: names.flatMap((name) => {
              const tool = byName.get(name)
              if (tool === undefined) return []
              const { _meta, execution: _, icons: __, ...listed } = Tool.describe(tool)
              return [listed]
            })
          })
        ))
  })
}

const calling = ({ name, searchName, tools }: {
  readonly name: string
  readonly searchName: string
  readonly tools: ReadonlyArray<Tool.AnyHandled>
}): Tool.AnyHandled => {
  const names = new Set(tools.map(({ name }) => name))
  // A result passes as it comes, whatever the tool makes of it.
  return Tool.relay(
    {
      name,
      description: `Calls a tool that ${searchName} has found.`,
      inputSchema: {
        type: "object",
        properties: {
          name: { type: "string", description: "The tool's name" },
          arguments: { type: "object", description: "What its inputSchema asks for" }
        },
        required: ["name"],
        additionalProperties: false
      }
    },
    ({ arguments: given = {}, name }: JsonObject) => {
      if (typeof name !== "string" || !isObject(given as Json)) {
        return Effect.succeed(failed("Give the name of a tool, and an object of arguments if it takes any."))
      }
      const unknown = failed(`No tool is called ${JSON.stringify(name)}; look for one with ${searchName}.`)
      if (!names.has(name)) return Effect.succeed(unknown)
      return Effect.catchIf(
        RequestContext.RequestContext.use(({ callTool }) => callTool({ name, arguments: given as JsonObject })),
        ({ reason }) => reason._tag === "ToolNotFound",
        () => Effect.succeed(unknown)
      )
    }
  )
}

const failed = (text: string): McpSchema.CallToolResult => ({ content: [{ type: "text", text }], isError: true })
