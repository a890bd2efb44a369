/**
 * Tools of `effect/ai` as tools of ours, with the layer of their handlers as it is; and our contracts as tools that an
 * `effect/ai` language model can use. The only module here that loads `effect/ai`.
 */
import * as AiError from "effect/ai/AiError"
import * as AiTool from "effect/ai/Tool"
import * as AiToolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as jsonSchema from "./internal/jsonSchema.ts"
import * as Tool from "./Tool.ts"
import type * as Toolkit from "./Toolkit.ts"
import * as ToolSchema from "./ToolSchema.ts"

// ----------------------------------------------------------------------------
// from effect/ai
// ----------------------------------------------------------------------------

/** A tool of `effect/ai`, served. It needs its handler, as the toolkit's layer gives it. @category models @since 0.1.0 */
export type FromAi<T extends AiTool.Any> = T extends AiTool.Any ? Tool.Handled<
    AiTool.Name<T>,
    Schema.Codec<AiTool.Parameters<T>, AiTool.ParametersEncoded<T>>,
    Schema.Codec<AiTool.Success<T>, AiTool.SuccessEncoded<T>>,
    Schema.Codec<AiTool.Failure<T> | AiError.AiError, AiTool.FailureEncoded<T> | AiError.AiErrorEncoded>,
    AiTool.Handler<AiTool.Name<T>> | AiTool.HandlerServices<T>
  >
  : never

type Served<Tools extends Record<string, AiTool.Any>> = {
  [Name in keyof Tools]: AiTool.RequiresHandler<Tools[Name]> extends true ? FromAi<Tools[Name]> : never
}[keyof Tools]

/**
 * The tools of a toolkit, for a server; `toolkit.toLayer(...)` still gives their handlers. Left out are tools that a
 * model provider runs itself. Title, hints, `Meta` and `Strict` are kept. A declared failure is a tool error; errors of
 * `effect/ai` are one too with `failureMode: "return"`, and with `"error"` a defect. Preliminary results go nowhere,
 * and `needsApproval` is for the client to heed, which asks its user in its own way. A raw JSON Schema of
 * `Tool.dynamic` is checked, see `ToolSchema.fromJsonSchema`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromAiToolkit = <Tools extends Record<string, AiTool.Any>>(
  toolkit: AiToolkit.Toolkit<Tools>
): ReadonlyArray<Served<Tools>> =>
  Object.values<AiTool.Any>(toolkit.tools)
    .filter((tool) => !AiTool.isProviderDefined(tool) || tool.requiresHandler)
    .map((tool) => fromAiTool(tool) as Served<Tools>)

/** One tool, see `fromAiToolkit`. @category conversions @since 0.1.0 */
export const fromAiTool = <T extends AiTool.Any>(tool: T): FromAi<T> => {
  const { annotations, failureMode } = tool
  const isDeclared = Schema.is(tool.failureSchema)
  const title = Context.getOrUndefined(annotations, AiTool.Title)
  const strict = Context.get(annotations, AiTool.Strict)
  const description = AiTool.getDescription(tool)
  const meta = Context.getOrUndefined(annotations, AiTool.Meta)
  const hints: McpSchema.ToolAnnotations = {
    ...(title === undefined ? undefined : { title }),
    readOnlyHint: Context.get(annotations, AiTool.Readonly),
    destructiveHint: Context.get(annotations, AiTool.Destructive),
    idempotentHint: Context.get(annotations, AiTool.Idempotent),
    openWorldHint: Context.get(annotations, AiTool.OpenWorld)
  }
  return Tool.make(tool.name, {
    title,
    description,
    meta,
    annotations: hints,
    ...(strict === undefined ? undefined : { strict }),
    parameters: parametersOf(tool),
    success: tool.successSchema as Tool.Codec,
    failure: (failureMode === "return"
      ? Schema.Union([tool.failureSchema, AiError.AiError])
      : tool.failureSchema) as Tool.Codec,
    handler: (parameters: unknown) =>
      Effect.flatMap(Effect.context<never>(), (services) => {
        const { context, handler } = Context.getUnsafe(services, handlerKey(tool))
        return handler(parameters, { toolCallId: undefined, preliminary: () => Effect.void }).pipe(
          Effect.updateContext((current: Context.Context<never>) => Context.merge(context, current)),
          Effect.catch((failure): Effect.Effect<never, unknown> => {
            const error = aiErrorOf(tool.name, failure)
            return failureMode === "error" && AiError.isAiError(error) && !isDeclared(error)
              ? Effect.die(error)
              : Effect.fail(error)
          })
        )
      })
  }) as unknown as FromAi<T>
}

/** A toolkit's layer keeps each handler under the id of its tool. */
const handlerKey = (tool: AiTool.Any) => Context.Service<AiTool.Handler<string>, AiTool.Handler<string>>(tool.id)

const parametersOf = (tool: AiTool.Any): Tool.Codec => {
  if (AiTool.isDynamic(tool) && tool.jsonSchema !== undefined) {
    return ToolSchema.fromJsonSchema(tool.jsonSchema as JsonObject)
  }
  return tool.parametersSchema as Tool.Codec
}

const aiErrorOf = (name: string, error: unknown): unknown => {
  if (AiError.isAiErrorReason(error)) return wrap(name, error)
  if (!Schema.isSchemaError(error)) return error
  const description = `Tool handler returned invalid result: ${error.message}`
  return wrap(name, new AiError.InvalidToolResultError({ toolName: name, description }))
}

const wrap = (name: string, reason: AiError.AiErrorReason): AiError.AiError =>
  AiError.make({ module: "Toolkit", method: `${name}.handle`, reason })

// ----------------------------------------------------------------------------
// to effect/ai
// ----------------------------------------------------------------------------

/** A contract as a tool of `effect/ai`. @category models @since 0.1.0 */
export type ToAi<T extends Tool.Any> = T extends Tool.Tool<infer Name, infer P, infer S, infer F> ? AiTool.Tool<
    Name,
    { readonly parameters: P; readonly success: S; readonly failure: F; readonly failureMode: "error" }
  >
  : never

type ToAiTools<Tools extends ReadonlyArray<Tool.Any>> = { readonly [T in Tools[number] as T["name"]]: ToAi<T> }

/**
 * A contract as a tool of `effect/ai`, with its description, title, hints, `meta` and strictness.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toAiTool = <T extends Tool.Any>(tool: T): ToAi<T> => {
  const { description, failure, name, parameters, success } = tool
  const options = { description, success, failure }
  const ai = jsonSchema.isForeign(parameters)
    ? AiTool.dynamic(name, { ...options, parameters: Tool.describe(tool).inputSchema })
    : AiTool.make(name, { ...options, parameters })
  return ai.annotateMerge(annotationsOf(tool)) as unknown as ToAi<T>
}

/**
 * What `effect/ai` keeps of a tool beside its schemas: title, hints, `Meta` and `Strict`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const annotationsOf = (tool: {
  readonly title?: string | undefined
  readonly annotations?: McpSchema.ToolAnnotations | undefined
  readonly meta?: Tool.Any["meta"]
  readonly strict?: boolean | undefined
}): Context.Context<never> => {
  const { annotations = {}, meta, strict } = tool
  return ([
    [AiTool.Title, tool.title ?? annotations.title],
    [AiTool.Meta, meta],
    [AiTool.Readonly, annotations.readOnlyHint],
    [AiTool.Destructive, annotations.destructiveHint],
    [AiTool.Idempotent, annotations.idempotentHint],
    [AiTool.OpenWorld, annotations.openWorldHint],
    [AiTool.Strict, strict]
  ] as ReadonlyArray<readonly [Context.Key<never, unknown>, unknown]>).reduce(
    (context, [key, value]) => value === undefined ? context : Context.add(context, key, value),
    Context.empty()
  )
}

/** @category conversions @since 0.1.0 */
export const toAiToolkit = <const Tools extends ReadonlyArray<Tool.Any>>(
  toolkit: Toolkit.Toolkit<Tools>
): AiToolkit.Toolkit<ToAiTools<Tools>> => AiToolkit.make(...toolkit.tools.map(toAiTool)) as any

/**
 * The handlers of these tools, as `effect/ai` looks for them. What they need is taken from where the layer is built; a
 * handler that asks for its request gets `RequestContext.layerNoop` from you. A refusal (`McpError`) and an `AskError`
 * become `AiError`s.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHandlers = <const Tools extends ReadonlyArray<Tool.AnyHandled>>(
  ...tools: Tools
): Layer.Layer<AiTool.Handler<Tools[number]["name"]>, never, Tool.Services<Tools[number]>> => {
  const toolkit = AiToolkit.make(...tools.map(toAiTool)) as AiToolkit.Toolkit<any>
  return toolkit.toLayer(Object.fromEntries(tools.map((tool) => [tool.name, aiHandler(tool)]))) as any
}

const formatIssue = SchemaIssue.makeFormatterDefault()

const aiHandler = (tool: Tool.AnyHandled) => {
  const isDeclared: (error: unknown) => boolean = SchemaParser.is(tool.failure as Tool.Codec)
  const decode = jsonSchema.isForeign(tool.parameters)
    ? SchemaParser.decodeUnknownEffect(tool.parameters as Tool.Codec)
    : Effect.succeed
  return (parameters: unknown) =>
    Effect.mapError(
      decode(parameters) as Effect.Effect<unknown, SchemaIssue.Issue>,
      (issue) =>
        new AiError.ToolParameterValidationError({
          toolName: tool.name,
          description: formatIssue(issue)
        })
    ).pipe(
      Effect.flatMap((parameters) =>
        Effect.mapError(tool.handler(parameters), (error: unknown) =>
          isDeclared(error)
            ? error
            : new AiError.UnknownError({ description: error instanceof Error ? error.message : String(error) }))
      )
    )
}
