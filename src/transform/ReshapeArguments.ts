/**
 * Tools with other arguments than they had: under other names, hidden with a value of the server's, with a default, with
 * other words or another schema. A tool stays as it is; its callers see something else.
 */
import * as Effect from "effect/Effect"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import * as Definition from "../definition/Definition.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import type * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import type { Json, JsonObject } from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import * as argumentSchema from "./internal/argumentSchema.ts"
import * as definitions from "./internal/definitions.ts"
import * as expecting from "./internal/expecting.ts"

/** A value, or an effect that makes one for each call, as the handler could. @category models @since 0.1.0 */
export type Value<R> = Json | Effect.Effect<Json, Definition.HandlerError, R>

/**
 * An argument nobody can give: a caller's is dropped, or refused where unknown arguments are.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hidden<R> {
  readonly hidden: true
  /** What the tool gets. Nothing when left out, which only an argument that is not required can be. */
  readonly value?: Value<R>
}

/** @category models @since 0.1.0 */
export interface Shown<R> {
  readonly hidden?: false
  /** What callers call it. */
  readonly name?: string
  readonly title?: string
  readonly description?: string
  /**
   * What callers give, decoded to the JSON that the tool takes; of `ToolSchema.fromJsonSchema` for a JSON Schema. The
   * tool checks what it gets all the same.
   */
  readonly schema?: Schema.Codec<any, any>
  /** Given in the place of an absent one, which then is not required. Clients see it, unless it is an effect. */
  readonly default?: Value<R>
  /** `true` for one that the tool can do without. */
  readonly required?: boolean
}

/** @category models @since 0.1.0 */
export type Argument<R = never> = Hidden<R> | Shown<R>

/** @category models @since 0.1.0 */
export interface Options {
  /** What comes of a name that no tool has: `error`. One that is gone in a later catalogue is logged. */
  readonly missing?: expecting.Missing
}

/**
 * By the names of tools, and of their arguments. An argument that a tool does not have, two of one name, and a required
 * one that is hidden without a value, are a `DefinitionError` where the tool is registered.
 *
 * **Gotchas**
 *
 * Who calls the tool by its contract (`Tool.call`, `McpClient.fromTools`) calls it by arguments that it no longer has;
 * what stands beside it, too.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(
  tools: { readonly [tool: string]: { readonly [argument: string]: Argument<R> } },
  options: Options = {}
): Provider.Transform<DefinitionError.DefinitionError, R> =>
<E, R0>(self: Provider.Provider<E, R0>) =>
  expecting.map<E, R0 | R>(
    self,
    Object.keys(tools).map((name) => ["tool", name] as const),
    options.missing ?? "error",
    (catalogue) =>
      catalogue.map((definition) =>
        Tool.isHandled(definition) && Object.hasOwn(tools, definition.name)
          ? Definition.from(reshape(definition, tools[definition.name]!), `arguments of ${definition.name}`)
          : definition
      )
  )

const reshape = (
  tool: Tool.AnyHandled,
  given: { readonly [argument: string]: Argument<any> }
): Tool.AnyHandled => {
  const reshaping: Reshaping = { tool, arguments: new Map(Object.entries(given)), decoder: decoderOf(tool, given) }
  const shape = memoize((listed: McpSchema.Tool) => {
    const reshapings = new Map([...reshaping.arguments].map(([name, argument]) => [name, listingOf(name, argument)]))
    const reshaped = argumentSchema.reshape(listed.inputSchema as JsonObject, reshapings)
    if (typeof reshaped === "string") throw invalid(tool, reshaped)
    return reshaped
  })
  const plan = memoize((tool: Tool.AnyHandled) => planOf(reshaping, shape(tool.wire().description).names))
  const relayed: Tool.Relayed<any> = (input, options) => Effect.suspend(() => call(plan(tool), input, options))
  const blank = Tool.make(tool.name, { parameters: McpSchema.JsonObject, success: Tool.Result })
  const relist = memoize((listed: McpSchema.Tool) => ({ ...listed, inputSchema: shape(listed).schema }))
  const wire = memoize((tool: Tool.AnyHandled) => {
    const { description, strictDescription } = tool.wire()
    return {
      ...blank.wire(),
      description: relist(description),
      strictDescription: () => relist(strictDescription())
    }
  })
  const reshaped: Tool.AnyHandled = {
    ...tool,
    parameters: McpSchema.JsonObject,
    success: Tool.Result,
    failure: Schema.Never,
    handler: (input: JsonObject) => relayed(input),
    relayed,
    wire: () => wire(tool)
  }
  for (const [name, argument] of reshaping.arguments) {
    if (argument.hidden !== true && argument.required === true && argument.default !== undefined) {
      return definitions.broken(
        reshaped,
        invalid(tool, `its argument ${JSON.stringify(name)} has a default, so it cannot be required`)
      )
    }
  }
  return reshaped
}

const invalid = (tool: Tool.Any, message: string) =>
  DefinitionError.make(
    new DefinitionError.InvalidDefinition({ name: `The reshaped ${JSON.stringify(tool.name)}`, message })
  )

interface Reshaping {
  readonly tool: Tool.AnyHandled
  readonly arguments: ReadonlyMap<string, Argument<any>>
  /** Takes what has a schema of its own, under the names that callers know. */
  readonly decoder: Tool.Any | undefined
}

const listingOf = (name: string, argument: Argument<any>): argumentSchema.Reshaping => {
  if (argument.hidden === true) {
    return {
      ...unsaid,
      name: undefined,
      hasValue: argument.value !== undefined
    }
  }
  const { default: value, description, name: outer = name, required, schema, title } = argument
  return {
    name: outer,
    title,
    description,
    required,
    hasValue: value !== undefined,
    default: value === undefined || Effect.isEffect(value) ? undefined : value,
    schema: schema === undefined
      ? undefined
      : Tool.describe(Tool.make(outer, { parameters: { [outer]: schema } })).inputSchema as JsonObject
  }
}

const unsaid = { title: undefined, description: undefined, schema: undefined, default: undefined, required: undefined }

const decoderOf = (
  tool: Tool.Any,
  given: { readonly [argument: string]: Argument<any> }
): Tool.Any | undefined => {
  const fields = Object.entries(given).flatMap(([name, argument]) =>
    argument.hidden === true || argument.schema === undefined
      ? []
      : [[argument.name ?? name, Schema.optionalKey(argument.schema)] as const]
  )
  return fields.length === 0 ? undefined : Tool.make(tool.name, { parameters: Object.fromEntries(fields) })
}

// ----------------------------------------------------------------------------
// calls
// ----------------------------------------------------------------------------

interface Plan extends Reshaping {
  /** From what a caller says to what the tool hears, of the arguments that are named. */
  readonly inward: ReadonlyMap<string, string>
  readonly outward: ReadonlyMap<string, string | undefined>
  /** Names of the tool's that mean nothing to a caller any more. */
  readonly closed: ReadonlySet<string>
  readonly decoded: ReadonlySet<string>
  readonly required: ReadonlyArray<string>
  /** Under the tool's names: what is always given, and what an absent one is given. */
  readonly values: ReadonlyArray<readonly [name: string, value: Value<any>]>
  /** Under the callers' names. */
  readonly defaults: ReadonlyArray<readonly [name: string, value: Value<any>]>
}

const planOf = (reshaping: Reshaping, names: ReadonlyMap<string, string | undefined>): Plan => {
  const inward = new Map([...names].flatMap(([inner, outer]) => outer === undefined ? [] : [[outer, inner] as const]))
  const all = [...reshaping.arguments]
  return {
    ...reshaping,
    inward,
    outward: names,
    closed: new Set([...names.keys()].filter((inner) => !inward.has(inner))),
    decoded: new Set(Object.keys(reshaping.decoder?.parameters.fields ?? {})),
    required: all.flatMap(([name, argument]) =>
      argument.hidden !== true && argument.required === true ? [argument.name ?? name] : []
    ),
    values: all.flatMap(([name, argument]) =>
      argument.hidden === true && argument.value !== undefined ? [[name, argument.value] as const] : []
    ),
    defaults: all.flatMap(([name, argument]) =>
      argument.hidden !== true && argument.default !== undefined
        ? [[argument.name ?? name, argument.default] as const]
        : []
    )
  }
}

const call = Effect.fnUntraced(function*(
  plan: Plan,
  input: JsonObject,
  options: { readonly strict?: boolean } | undefined
) {
  const { closed, decoder, inward, tool } = plan
  const strict = options?.strict ?? tool.strict ?? false
  const outer = new Map(Object.entries(input))
  const issues: Array<DefinitionError.Issue> = []
  for (const name of plan.required) {
    if (!outer.has(name)) issues.push({ path: [name], message: "Missing key" })
  }
  for (const name of outer.keys()) {
    if (inward.has(name) || !closed.has(name)) continue
    if (strict) issues.push({ path: [name], message: "Expected no excess property" })
    outer.delete(name)
  }
  if (issues.length > 0) return refuse(tool, issues)
  for (const [name, value] of plan.defaults) {
    if (!outer.has(name)) outer.set(name, Effect.isEffect(value) ? yield* value : value)
  }
  if (decoder !== undefined) {
    const decoding = Object.fromEntries([...outer].filter(([name]) => plan.decoded.has(name)))
    const decoded = yield* Effect.catch(
      Effect.map(Tool.decodeParameters(decoder, decoding, { strict }), (values) => new Map(Object.entries(values))),
      (error) =>
        error.reason._tag === "InvalidInput" ? Effect.succeed(refuse(tool, error.reason.issues)) : Effect.die(error)
    )
    if (!(decoded instanceof Map)) return decoded
    for (const [name, value] of decoded) outer.set(name, value as Json)
  }
  const inner = new Map([...outer].map(([name, value]) => [inward.get(name) ?? name, value]))
  for (const [name, value] of plan.values) inner.set(name, Effect.isEffect(value) ? yield* value : value)
  const result = yield* Tool.respond(
    tool as Tool.Handled<string, any, any, any, any>,
    Object.fromEntries(inner),
    options
  )
  return result.isError === true ? outward(plan, result) : result
})

const refuse = (
  { name }: Tool.Any,
  issues: ReadonlyArray<DefinitionError.Issue>,
  meta?: McpSchema.CallToolResult["_meta"]
): McpSchema.CallToolResult => ({
  content: [{
    type: "text",
    text: DefinitionError.make(new DefinitionError.InvalidInput({ name, issues })).message
  }],
  isError: true,
  _meta: { ...meta, ...WireOutcome.encode({ _tag: "InvalidInput", issues: issues as ReadonlyArray<{}> as Json }) }
})

/** What is wrong with arguments, by the names that the caller knows. */
const outward = (plan: Plan, result: McpSchema.CallToolResult): McpSchema.CallToolResult => {
  const outcome = WireOutcome.decode(result._meta)
  if (outcome?._tag !== "InvalidInput" || !areIssues(outcome.issues)) return result
  const { issues } = outcome
  const hidden = issues.filter(({ path: [first] }) =>
    typeof first === "string" && plan.outward.has(first) && plan.outward.get(first) === undefined
  )
  // Nobody who calls can do anything about it.
  if (hidden.length > 0) {
    const [{ message, path }] = hidden as [DefinitionError.Issue]
    throw invalid(plan.tool, `the value of its hidden argument ${path.join(".")} does not fit: ${message}`)
  }
  return refuse(
    plan.tool,
    issues.map(({ message, path: [first, ...rest] }) => ({
      message,
      path: first === undefined ? [] : [plan.outward.get(String(first)) ?? first, ...rest]
    })),
    result._meta
  )
}

const areIssues = Schema.is(Schema.Array(DefinitionError.Issue))
