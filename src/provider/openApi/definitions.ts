/** One operation as a tool, a resource or a template. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Result from "effect/Result"
import * as UriTemplate from "../../core/UriTemplate.ts"
import type * as Definition from "../../definition/Definition.ts"
import * as DefinitionError from "../../definition/DefinitionError.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as Tool from "../../definition/Tool.ts"
import * as ToolSchema from "../../definition/ToolSchema.ts"
import type { Json, JsonObject } from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import type * as OpenApi from "../OpenApi.ts"
import * as OpenApiFailure from "../OpenApiFailure.ts"
import * as calling from "./calling.ts"
import { type Document, resolve, Unusable } from "./document.ts"
import * as inputs from "./inputs.ts"
import type { Operation } from "./operations.ts"
import * as requests from "./requests.ts"
import * as responses from "./responses.ts"
import { type Schemas, shortened } from "./schemas.ts"
import * as security from "./security.ts"
import * as servers from "./servers.ts"

type Needs<R> = HttpClient.HttpClient | R

export type Any<R> =
  | Tool.Handled<string, any, any, any, Needs<R>>
  | Resource.Handled<string, any, Needs<R>>
  | ResourceTemplate.Handled<string, any, any, Needs<R>>

export interface Made<R> {
  readonly definition: Any<R>
  /** What it is found by. */
  readonly label: string
  readonly notes: ReadonlyArray<string>
}

/** Whether it can be read by its URI alone. */
export const canBe = (as: "resource" | "template", { body, method, parameters }: Operation): boolean =>
  method === "GET" && body === undefined &&
  parameters.every((parameter) => parameter.in === "path" || !parameter.required) &&
  parameters.some((parameter) => parameter.in === "path") === (as === "template")

interface Context<R> {
  readonly document: Document
  readonly schemas: Schemas
  readonly schemes: ReadonlyMap<string, security.Scheme>
  readonly place: servers.Place
  readonly options: OpenApi.Options<R>
  readonly name: string
}

type Send<R> = (
  args: JsonObject
) => Effect.Effect<calling.Answer, OpenApiFailure.OpenApiFailure | McpError.McpError, Needs<R>>

export class Maker<R> {
  private readonly context: Context<R>
  private readonly limits: calling.Limits

  constructor(context: Context<R>) {
    const { maxBytes = 4 << 20, timeout = "30 seconds" } = context.options
    this.context = context
    this.limits = { maxBytes, timeout: Duration.toMillis(Duration.fromInputUnsafe(timeout)) }
  }

  /** What it wants and cannot get, in words. */
  missingCredentials({ security: alternatives }: Operation): string | undefined {
    const { options: { credentials }, schemes } = this.context
    if (credentials === undefined || alternatives === undefined) return undefined
    if (security.choose(alternatives, schemes, credentials) !== undefined) return undefined
    const words = alternatives.map((names) => names.join(" and ")).join(", or ")
    return `it wants credentials for ${words}, which the option credentials has not`
  }

  make(operation: Operation, as: "tool" | "resource" | "template", name: string): Made<R> {
    const found = inputs.make(this.context.document, this.context.schemas, operation)
    const send = this.sendOf(operation, found)
    return as === "tool"
      ? this.tool(operation, name, found, send)
      : as === "resource"
      ? this.resource(operation, name, send)
      : this.template(operation, name, found, send)
  }

  private sendOf(operation: Operation, found: inputs.Inputs): Send<R> {
    const { document, options: { credentials }, place, schemes } = this.context
    const base = servers.baseOf(operation.servers, place)
    const request = requests.make(document, operation, found)
    const names = credentials === undefined || operation.security === undefined
      ? []
      : security.choose(operation.security, schemes, credentials) ?? []
    return (args) =>
      Effect.suspend(() => {
        const outgoing = request(args)
        return Result.isFailure(outgoing) ? Effect.fail(outgoing.failure) : Effect.flatMap(
          names.length === 0 ? Effect.succeed([]) : security.sending(names, schemes, credentials ?? {}),
          (sent) => calling.call(operation, base, outgoing.success, sent, this.limits)
        )
      })
  }

  private tool(operation: Operation, name: string, found: inputs.Inputs, send: Send<R>): Made<R> {
    const { maxOutputSchema = 16_384, outputs: mode = "described" } = this.context.options
    const notes: Array<string> = []
    const full = mode === "none" ? undefined : responses.schemaOf(this.context.schemas, operation)
    const size = full === undefined ? 0 : JSON.stringify(full).length
    if (size > maxOutputSchema) notes.push(`its output schema is not listed: it has ${size} characters`)
    const outputs = responses.outputs(name, mode, size > maxOutputSchema ? undefined : full)
    const tool = Tool.make(name, {
      ...this.words(operation),
      parameters: ToolSchema.fromJsonSchema(found.schema),
      success: Tool.Result,
      failure: OpenApiFailure.OpenApiFailure,
      annotations: annotationsOf(operation),
      handler: (args) => Effect.flatMap(send(args), (answer) => responses.toResult(name, answer, outputs))
    })
    const listed = (options: { readonly strict: boolean }): McpSchema.Tool => {
      const description = Tool.describe(tool, options)
      return outputs.schema === undefined ? description : { ...description, outputSchema: outputs.schema }
    }
    return {
      definition: usable(() => Tool.relay(listed, (input, options) => Tool.respond(tool, input, options))),
      label: name,
      notes
    }
  }

  private resource(operation: Operation, name: string, send: Send<R>): Made<R> {
    const uri = `${this.scheme}${operation.path}`
    return {
      definition: Resource.make(uri, {
        ...this.words(operation),
        ...mimeTypeOf(operation),
        name,
        handler: read(uri, send({}))
      }),
      label: uri,
      notes: notesOf(operation)
    }
  }

  private template(operation: Operation, name: string, found: inputs.Inputs, send: Send<R>): Made<R> {
    const variables = new Map<string, { readonly key: string; readonly schema: Json }>()
    const text = operation.path.replace(/\{([^{}]+)\}/gu, (_, parameter: string) => {
      const argument = found.arguments.find(({ to }) =>
        to.in === "parameter" && to.parameter.in === "path" && to.parameter.name === parameter
      )!
      if (argument.to.in === "parameter" && argument.to.parameter.style !== "simple") {
        throw new Unusable(`its parameter ${JSON.stringify(parameter)} cannot be a part of a resource's URI`)
      }
      const variable = argument.key.replace(/[.-]/gu, "_")
      variables.set(variable, {
        key: argument.key,
        schema: argument.to.in === "parameter" ? argument.to.parameter.schema : {}
      })
      return `{${variable}}`
    })
    const uriTemplate = `${this.scheme}${text}`
    const template = Result.getOrElse(UriTemplate.parse(uriTemplate), ({ message }) => raise(message))
    const checker = Tool.make(name, { parameters: ToolSchema.fromJsonSchema(found.schema) })
    const definition = ResourceTemplate.make(uriTemplate, {
      ...this.words(operation),
      ...mimeTypeOf(operation),
      name,
      handler: (values) => {
        const args = Object.fromEntries([...variables].flatMap(([variable, { key, schema }]) => {
          const value = values[variable]
          return typeof value === "string" ? [[key, typed(resolve(this.context.document, schema), value)]] : []
        }))
        const uri = UriTemplate.expand(template, present(values))
        return Effect.flatMap(
          Effect.mapError(
            Tool.decodeParameters(checker, args),
            ({ message }) => McpError.invalidParams(message, { uri })
          ),
          (args) => read(uri, send(args))
        )
      }
    })
    return {
      definition: usable(() => {
        ResourceTemplate.describe(definition)
        return definition
      }),
      label: uriTemplate,
      notes: notesOf(operation)
    }
  }

  private get scheme(): string {
    return `openapi://${
      this.context.name.toLowerCase().replace(/[^a-z0-9]+/gu, "-").replace(/^-+|-+$/gu, "").slice(0, 40) || "api"
    }`
  }

  private words(operation: Operation): Definition.Options {
    const { deprecated, description, method, path, summary, tags } = operation
    const { maxDescription = 1024 } = this.context.options
    const said = description ?? summary ?? `${method} ${path}`
    return {
      ...(summary === undefined || summary.length > 120 ? undefined : { title: summary }),
      description: shortened(deprecated ? `Deprecated. ${said}` : said, maxDescription),
      ...(tags.length === 0 ? undefined : { tags })
    }
  }
}

const annotationsOf = ({ method }: Operation): McpSchema.ToolAnnotations => ({
  readOnlyHint: method === "GET" || method === "HEAD" || method === "OPTIONS",
  ...(method === "DELETE" ? { destructiveHint: true } : method === "POST" ? { destructiveHint: false } : undefined),
  ...(method === "PUT" || method === "DELETE" ? { idempotentHint: true } : undefined),
  openWorldHint: true
})

const mimeTypeOf = ({ responses }: Operation): { readonly mimeType?: string } => {
  const types = responses.filter(({ status }) => status.startsWith("2")).flatMap(({ content }) => content)
  const [[type] = []] = types
  return types.length === 1 && type !== undefined && !type.includes("*") ? { mimeType: type.split(";")[0]! } : {}
}

const notesOf = ({ parameters }: Operation): ReadonlyArray<string> => {
  const unsaid = parameters.filter((parameter) => parameter.in !== "path").map(({ name }) => name)
  return unsaid.length === 0 ? [] : [`nothing can be said for ${unsaid.join(", ")} in its URI`]
}

const raise = (reason: string): never => {
  throw new Unusable(reason)
}

const present = (values: { readonly [name: string]: UriTemplate.Value | undefined }): ResourceTemplate.Values =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
  )

/** The text of a URI as the document has it. */
const typed = ({ type }: JsonObject, text: string): Json => {
  const isOf = (name: string) => type === name || (Array.isArray(type) && type.includes(name))
  if ((isOf("integer") || isOf("number")) && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text)
  if (isOf("boolean") && (text === "true" || text === "false")) return text === "true"
  return isOf("array") && !isOf("string") ? text.split(",") : text
}

const read = <R>(
  uri: string,
  answer: Effect.Effect<calling.Answer, OpenApiFailure.OpenApiFailure | McpError.McpError, R>
): Effect.Effect<Resource.Served, McpError.McpError, R> =>
  Effect.matchEffect(answer, {
    onSuccess: (answer) => Effect.succeed(responses.toContents(answer)),
    onFailure: (error) => Effect.fail(error instanceof McpError.McpError ? error : refusalOf(uri, error))
  })

const refusalOf = (uri: string, { message, reason }: OpenApiFailure.OpenApiFailure): McpError.McpError => {
  switch (reason._tag) {
    case "Unsendable":
      return McpError.invalidParams(message, { uri })
    case "TimedOut":
    case "Unreachable":
      return McpError.make(new McpError.Overloaded({ message }))
    case "Refused": {
      const { retryAfter, status } = reason
      const later = retryAfter === undefined ? undefined : { retryAfter: retryAfter * 1000 }
      if (status === 404 || status === 410) return McpError.make(new McpError.ResourceNotFound({ uri }))
      if (status === 429) return McpError.make(new McpError.RateLimited({ ...later }))
      if (status === 503) return McpError.make(new McpError.Overloaded({ message, ...later }))
    }
  }
  return McpError.make(new McpError.Other({ code: -32000, message }))
}

/** What is wrong with a definition shows when it is made. */
const usable = <D>(make: () => D): D => {
  try {
    return make()
  } catch (error) {
    if (error instanceof DefinitionError.DefinitionError) throw new Unusable(error.message)
    throw error
  }
}
