/** From entries to definitions, each with the code its entry asks for; or, in words, why there can be none. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type * as Stream from "effect/Stream"
import * as UriTemplate from "../../core/UriTemplate.ts"
import * as Definition from "../../definition/Definition.ts"
import * as Prompt from "../../definition/Prompt.ts"
import type * as Provider from "../../definition/Provider.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as Tool from "../../definition/Tool.ts"
import * as ToolSchema from "../../definition/ToolSchema.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import type * as CatalogueEntry from "../CatalogueEntry.ts"
import type * as CatalogueHandler from "../CatalogueHandler.ts"
import { faultOfListed } from "../proxy/catalogue.ts"
import * as entryText from "./entryText.ts"
import * as placeholders from "./placeholders.ts"

/** Of an entry that may be read. */
export type Updates = (uri: string) => Stream.Stream<unknown>

export interface Builder {
  /** `handlers` are undefined for who only wants to know whether somebody could serve it. */
  readonly build: (
    entry: CatalogueEntry.Entry,
    handlers: CatalogueHandler.Handlers | undefined,
    updates?: Updates
  ) => Effect.Effect<Result.Result<Provider.AnyDefinition, string>>
}

export const make = (): Builder => {
  let check: ((schema: JsonRpc.JsonObject) => string | undefined) | undefined
  /** Ajv is loaded for the first entry that has a schema, and wanted by nobody who has none. */
  const checked = (schema: JsonRpc.JsonObject) =>
    check === undefined
      ? Effect.matchEffect(ToolSchema.makeCheck, {
        onFailure: (error) => Effect.succeed(error.message),
        onSuccess: (loaded) => Effect.sync(() => (check = loaded)(schema))
      })
      : Effect.succeed(check(schema))

  const faultOfSchemas = Effect.fnUntraced(function*(entry: CatalogueEntry.Entry) {
    if (entry.kind !== "tool") return undefined
    for (const side of ["inputSchema", "outputSchema"] as const) {
      const schema = entry[side]
      const fault = schema === undefined ? undefined : yield* checked(schema)
      if (fault !== undefined) return `${side}: ${fault}`
    }
    return undefined
  })

  return {
    build: (entry, handlers, updates) =>
      Effect.map(faultOfSchemas(entry), (fault) =>
        fault === undefined
          ? Result.flatMap(definitionOf(entry, handlers, updates), listable)
          : Result.fail(fault))
  }
}

const listable = (definition: Provider.AnyDefinition): Result.Result<Provider.AnyDefinition, string> => {
  try {
    // What is wrong with a template shows with its first use.
    if (ResourceTemplate.isResourceTemplate(definition)) ResourceTemplate.compare(definition, definition)
    const fault = Tool.isTool(definition)
      ? faultOfListed.tool(Tool.describe(definition))
      : ResourceTemplate.isResourceTemplate(definition)
      ? faultOfListed.template(ResourceTemplate.describe(definition))
      : Resource.isResource(definition)
      ? faultOfListed.resource(Resource.describe(definition))
      : void Prompt.describe(definition)
    return fault === undefined ? Result.succeed(Definition.from(definition, "catalogue")) : Result.fail(fault)
  } catch (error) {
    return Result.fail(error instanceof Error ? error.message : String(error))
  }
}

type Made = Result.Result<Provider.AnyDefinition, string>

const definitionOf = (
  entry: CatalogueEntry.Entry,
  handlers: CatalogueHandler.Handlers | undefined,
  updates: Updates | undefined
): Made => {
  switch (entry.kind) {
    case "tool":
      return Result.map(find(handlers, entry.handler, "tool", entry.settings), (found) => toolOf(entry, found))
    case "resource":
      return resourceOf(entry, handlers, updates)
    case "template":
      return templateOf(entry, handlers, updates)
    case "prompt":
      return promptOf(entry, handlers)
  }
}

// ----------------------------------------------------------------------------
// handlers
// ----------------------------------------------------------------------------

interface Found<H> {
  readonly handler: H
  readonly settings: unknown
}

type OfKind<K> = Extract<CatalogueHandler.Any, { readonly kind: K }>

/** Undefined where there are no handlers to look among. */
const find = <K extends CatalogueHandler.Any["kind"]>(
  handlers: CatalogueHandler.Handlers | undefined,
  name: string,
  kind: K,
  settings: CatalogueEntry.Tool["settings"] = {}
): Result.Result<Found<OfKind<K>> | undefined, string> => {
  if (handlers === undefined) return Result.succeed(undefined)
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
  if (handler === undefined) {
    const known = Object.keys(handlers)
    return Result.fail(
      `no handler is called ${JSON.stringify(name)}; ${
        known.length === 0 ? "there is none" : `there is ${known.join(", ")}`
      }`
    )
  }
  if (!isOfKind(handler, kind)) {
    return Result.fail(`the handler ${JSON.stringify(name)} is for a ${handler.kind}, not for a ${kind}`)
  }
  const decoded = SchemaParser.decodeUnknownExit(handler.settings as CatalogueHandler.Codec, strict)(settings)
  return Exit.isFailure(decoded)
    ? Result.fail(`settings: ${entryText.describe(decoded.cause)}`)
    : Result.succeed({ handler, settings: decoded.value })
}

const strict = { onExcessProperty: "error", errors: "all" } as const

const isOfKind = <K extends CatalogueHandler.Any["kind"]>(
  handler: CatalogueHandler.Any,
  kind: K
): handler is OfKind<K> => handler.kind === kind

// ----------------------------------------------------------------------------
// kinds
// ----------------------------------------------------------------------------

const toolOf = (entry: CatalogueEntry.Tool, found: Found<OfKind<"tool">> | undefined): Tool.AnyHandled => {
  const { inputSchema, outputSchema } = entry
  const run = (input: JsonRpc.JsonObject): Effect.Effect<unknown, unknown, any> =>
    found === undefined ? Effect.void : found.handler.handler(found.settings, input, entry)
  return Tool.make(entry.name, {
    ...common(entry),
    ...(entry.annotations === undefined ? undefined : { annotations: entry.annotations }),
    ...(entry.task === undefined ? undefined : { task: entry.task }),
    ...(inputSchema === undefined ? undefined : { parameters: ToolSchema.fromJsonSchema(inputSchema) }),
    success: outputSchema === undefined ? Tool.Result : ToolSchema.fromJsonSchema<unknown>(outputSchema),
    failure: found === undefined ? Schema.Never : found.handler.failure,
    handler: outputSchema === undefined ? (input) => Effect.map(run(input), resultOf) : run
  })
}

const resultOf = (value: unknown): McpSchema.CallToolResult =>
  value === undefined
    ? { content: [] }
    : isResult(value)
    ? value
    : { content: [{ type: "text", text: typeof value === "string" ? value : JSON.stringify(value) }] }

const isResult = (value: unknown): value is McpSchema.CallToolResult =>
  JsonRpc.isObject(value) && Array.isArray(value.content)

const resourceOf = (
  entry: CatalogueEntry.Resource,
  handlers: CatalogueHandler.Handlers | undefined,
  updates: Updates | undefined
): Made => {
  const { blob, handler, settings, text, uri } = entry
  const make = (options: {
    readonly mimeType?: string
    readonly size?: number
    readonly handler: Effect.Effect<Resource.Served, Definition.HandlerError, any>
  }) =>
    Resource.make(uri, {
      ...options,
      ...common(entry),
      name: entry.name,
      mimeType: entry.mimeType ?? options.mimeType,
      annotations: entry.annotations,
      updates: updates?.(uri)
    })
  if (text !== undefined) {
    return Result.succeed(make({
      mimeType: "text/plain",
      size: new TextEncoder().encode(text).length,
      handler: Effect.succeed(text)
    }))
  }
  if (blob !== undefined) {
    return Result.succeed(make({
      mimeType: "application/octet-stream",
      size: blob.length,
      handler: Effect.succeed(blob)
    }))
  }
  return Result.map(find(handlers, handler!, "resource", settings), (found) =>
    make({
      handler: found === undefined ? Effect.succeed("") : Effect.flatMap(
        found.handler.handler(found.settings, { uri, values: {} }, entry),
        (served) =>
          served === undefined || served === null
            ? Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri })))
            : Effect.succeed(served)
      )
    }))
}

const templateOf = (
  entry: CatalogueEntry.Template,
  handlers: CatalogueHandler.Handlers | undefined,
  updates: Updates | undefined
): Made => {
  const { handler, settings, text, uriTemplate } = entry
  const parsed = UriTemplate.parse(uriTemplate)
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure.message)
  const names = parsed.success.parts.flatMap((part) =>
    part._tag === "Expression" ? part.variables.map(({ name }) => name) : []
  )
  const make = (
    read: (values: ResourceTemplate.Values) => Effect.Effect<
      Resource.Served | undefined | null,
      Definition.HandlerError,
      any
    >
  ): Provider.AnyDefinition =>
    ResourceTemplate.make(uriTemplate, {
      ...common(entry),
      name: entry.name,
      mimeType: entry.mimeType ?? (text === undefined ? undefined : "text/plain"),
      annotations: entry.annotations,
      complete: { ...entry.complete },
      updates,
      handler: (values) => read(values as ResourceTemplate.Values)
    })
  if (text !== undefined) {
    const unknown = unknownName([text], names)
    return unknown === undefined
      ? Result.succeed(make((values) => Effect.succeed(placeholders.fill(text, (name) => textOf(values[name])))))
      : Result.fail(`the text has {{${unknown}}}, and the template no such variable`)
  }
  return Result.map(find(handlers, handler!, "resource", settings), (found) =>
    make((values) =>
      found === undefined
        ? Effect.succeed(undefined)
        : found.handler.handler(found.settings, { uri: UriTemplate.expand(parsed.success, values), values }, entry)
    ))
}

const textOf = (value: UriTemplate.Value | undefined): string | undefined =>
  value === undefined || typeof value === "string"
    ? value
    : Array.isArray(value)
    ? value.join(",")
    : JSON.stringify(value)

const promptOf = (entry: CatalogueEntry.Prompt, handlers: CatalogueHandler.Handlers | undefined): Made => {
  const { handler, messages, settings } = entry
  const given = entry.arguments ?? []
  const names = given.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return Result.fail(`it has two arguments ${JSON.stringify(twice)}`)
  const make = (
    respond: (args: CatalogueHandler.Arguments) => Effect.Effect<Prompt.Served, Definition.HandlerError, any>
  ): Provider.AnyDefinition =>
    Prompt.make(entry.name, {
      ...common(entry),
      arguments: Object.fromEntries(given.map((argument) => [argument.name, schemaOf(argument)])),
      complete: { ...entry.complete },
      handler: respond
    })
  if (messages !== undefined) {
    const unknown = unknownName(messages.flatMap(textsOf), names)
    return unknown === undefined
      ? Result.succeed(
        make((args) =>
          Effect.succeed(
            messages.map((message) =>
              filled(message, (text) =>
                placeholders.fill(text, (name) => Object.hasOwn(args, name) ? args[name] : undefined))
            )
          )
        )
      )
      : Result.fail(`a message has {{${unknown}}}, and the prompt no such argument`)
  }
  return Result.map(
    find(handlers, handler!, "prompt", settings),
    (found) =>
      make((args) => found === undefined ? Effect.succeed("") : found.handler.handler(found.settings, args, entry))
  )
}

const schemaOf = ({ description, required, title }: McpSchema.PromptArgument) => {
  const schema = Schema.String.annotate({
    ...(title === undefined ? undefined : { title }),
    ...(description === undefined ? undefined : { description })
  })
  return required === true ? schema : Schema.optionalKey(schema)
}

const unknownName = (texts: ReadonlyArray<string>, names: ReadonlyArray<string>): string | undefined =>
  texts.flatMap(placeholders.namesIn).find((name) => !names.includes(name))

const textsOf = (message: CatalogueEntry.Message): ReadonlyArray<string> => {
  const texts: Array<string> = []
  filled(message, (text) => {
    texts.push(text)
    return text
  })
  return texts
}

/** The message with another text in the place of each. */
const filled = (
  { content, role }: CatalogueEntry.Message,
  f: (text: string) => string
): McpSchema.PromptMessage => {
  if (typeof content === "string") return { role, content: { type: "text", text: f(content) } }
  if (content.type === "text") return { role, content: { ...content, text: f(content.text) } }
  if (content.type === "resource" && "text" in content.resource) {
    return { role, content: { ...content, resource: { ...content.resource, text: f(content.resource.text) } } }
  }
  return { role, content }
}

const common = (
  { description, icons, meta, scopes, tags, title, unlisted, version }: CatalogueEntry.Entry
): Definition.Options => ({ description, icons, meta, scopes, tags, title, unlisted, version })
