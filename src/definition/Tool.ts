/**
 * A tool: its contract (name, parameters, success and declared failure, as schemas) and, once handled, its code. A
 * contract is a plain value that a client can share; a handled tool runs without any server (`run`), and a server calls
 * it with raw JSON (`respond`). Inside, every schema is Effect's: those of other libraries are wrapped by `ToolSchema`.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type { StandardSchemaV1 } from "effect/StandardSchema"
import * as AskError from "../context/AskError.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as Outcome from "../core/Outcome.ts"
import type { Json, JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import * as Definition from "./Definition.ts"
import * as DefinitionError from "./DefinitionError.ts"
import { invalidInput, invalidOutput, issuesOf, refusal } from "./internal/issues.ts"
import * as jsonCodec from "./internal/jsonCodec.ts"
import * as jsonSchema from "./internal/jsonSchema.ts"
import { once } from "./internal/once.ts"
import { fault, isDone, isIssue, type Parser, settle } from "./internal/parsing.ts"
import * as ToolSchema from "./ToolSchema.ts"

const TypeId = "~fastmcp-effect/definition/Tool"

/** A schema that crosses the wire without asking for services. @category models @since 0.1.0 */
export type Codec = Schema.Codec<any, any>

/** @category models @since 0.1.0 */
export interface Tool<
  out Name extends string,
  in out Parameters extends Codec,
  in out Success extends Codec,
  in out Failure extends Codec
> extends Definition.Common {
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly parameters: Parameters
  readonly success: Success
  readonly failure: Failure
  readonly annotations: McpSchema.ToolAnnotations | undefined
  /** How many calls run at once; more wait. */
  readonly concurrency: number | undefined
  /** Whether argument keys it does not know are refused; the server's word where it has none. */
  readonly strict: boolean | undefined
  /** How long one call may take; the tighter of this and the server's own limit counts. */
  readonly timeout: Duration.Input | undefined
  /** How long a result is good for the same caller and the same arguments; no result is kept where it does not say. */
  readonly cache: Duration.Input | undefined
  /** What the client must be able to do, or the call is refused before the handler runs. */
  readonly requires: McpSchema.ClientCapabilities | undefined
  /** How its calls run as tasks; undefined where they do not. */
  readonly task: Required<TaskOptions> | undefined
  /** What answers its calls in place of a handler, see `relay`. @internal */
  readonly relayed: Relayed<any> | undefined
  /** @internal */
  readonly wire: () => Wire
}

/**
 * What answers the calls of a tool that is listed and checked elsewhere: with arguments as they came. `strict` is the
 * server's word on argument keys no parameter has, where it has one.
 *
 * @category models
 * @since 0.1.0
 */
export type Relayed<R> = (
  input: JsonObject,
  options?: { readonly strict?: boolean }
) => Effect.Effect<McpSchema.CallToolResult, Definition.HandlerError, R>

/**
 * How the calls of a tool outlive their requests, on a server with the extension of `tasks/McpTasks`; one without it
 * answers them as it always does.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskOptions {
  /** `required`: never without being a task, so that clients who know no tasks cannot call it. */
  readonly support: "optional" | "required"
  /**
   * When a call of a client that takes tasks becomes one: `call` from the start, `handler` where the handler says
   * `Background.enter`, or never if it does not. `call`. Clients of 2025-11-25 decide that themselves.
   */
  readonly start?: "call" | "handler"
  /**
   * What becomes of a task whose worker disappeared, or was stopped, while the handler ran, and who knows how far it got:
   *
   * - `fail`: it has failed.
   * - `resume`: the handler runs again from its start, with what is recorded: answers, and what `Ask.once` kept. For
   *   handlers that have each of their writes in a step of its own. A step that had begun and has no record may or may
   *   not have happened: then the task has failed.
   * - `repeat`: the same, and such a step runs again, too.
   *
   * `repeat` for a tool that is annotated with `idempotentHint`, `fail` for others.
   */
  readonly recovery?: "fail" | "resume" | "repeat"
}

/** @category models @since 0.1.0 */
export interface Any extends Tool<string, any, any, any> {}

/** A contract with its code; `R` is what the code needs. @category models @since 0.1.0 */
export interface Handled<
  out Name extends string,
  in out Parameters extends Codec,
  in out Success extends Codec,
  in out Failure extends Codec,
  out R
> extends Tool<Name, Parameters, Success, Failure> {
  readonly handler: (
    parameters: Parameters["Type"]
  ) => Effect.Effect<Success["Type"], Failure["Type"] | Definition.HandlerError, R>
}

/** @category models @since 0.1.0 */
export interface AnyHandled extends Handled<string, any, any, any, any> {}

/** What the code of a handled tool needs. @category utility types @since 0.1.0 */
export type Services<T> = T extends Handled<infer _N, infer _P, infer _S, infer _F, infer R> ? R : never

type Success = Codec | StandardSchemaV1

type Parameters = Success | Schema.Struct.Fields

type SuccessCodec<S> = S extends Codec ? S : S extends StandardSchemaV1 ? ToolSchema.FromStandard<S> : never

type ParametersCodec<P> = P extends Success ? SuccessCodec<P>
  : P extends Schema.Struct.Fields ? Extract<Schema.Struct<P>, Codec>
  : never

/** @category models @since 0.1.0 */
export interface Options<P extends Parameters, S extends Success, F extends Codec> extends Definition.Options {
  /** A struct's fields, or the schema of an object: Effect's or a Standard Schema. No parameters when left out. */
  readonly parameters?: P
  /** What the handler succeeds with; `Tool.Result` for content of your own making. Nothing when left out. */
  readonly success?: S
  /** What the handler may fail with: it reaches the client as a tool error with its encoded value. */
  readonly failure?: F
  readonly annotations?: McpSchema.ToolAnnotations
  readonly timeout?: Duration.Input
  /**
   * How long the middleware `Caching` may answer with a result again, to the same caller and for the same arguments. Not
   * for a tool that changes anything, or asks its client.
   */
  readonly cache?: Duration.Input
  readonly requires?: McpSchema.ClientCapabilities
  /** Whether and how its calls may run as tasks. `forbidden`. */
  readonly task?: McpSchema.TaskSupport | TaskOptions
  /** How many calls of this tool run at once, 1 or more; others wait. No limit when left out. */
  readonly concurrency?: number
  /** Refuses argument keys the parameters do not name. As the server has it when left out. */
  readonly strict?: boolean
}

/**
 * A success of the author's own making: content blocks, structured content, `isError`. Use it as `success` when text or
 * JSON is not enough.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Result = McpSchema.CallToolResult

/**
 * Makes a contract, or with `handler` a handled tool at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  // NOTE: the compiler explains only why the last overload does not fit, and that had better be about the handler.
  <
    const Name extends string,
    const P extends Parameters = {},
    S extends Success = typeof Schema.Void,
    F extends Codec = typeof Schema.Never
  >(
    name: Name,
    options?: Options<P, S, F> & { readonly handler?: never }
  ): Tool<Name, ParametersCodec<P>, SuccessCodec<S>, F>
  <
    const Name extends string,
    R,
    const P extends Parameters = {},
    S extends Success = typeof Schema.Void,
    F extends Codec = typeof Schema.Never
  >(
    name: Name,
    options: Options<P, S, F> & {
      readonly handler: (
        parameters: ParametersCodec<P>["Type"]
      ) => Effect.Effect<SuccessCodec<S>["Type"], F["Type"] | Definition.HandlerError, R>
    }
  ): Handled<Name, ParametersCodec<P>, SuccessCodec<S>, F, R>
} = (name: string, options: Options<any, any, any> & { readonly handler?: AnyHandled["handler"] } = {}): any => {
  const { parameters = {}, success = Schema.Void } = options
  const tool: Any = {
    [TypeId]: TypeId,
    name,
    ...Definition.common(options),
    parameters: Schema.isSchema(parameters)
      ? parameters
      : ToolSchema.isStandard(parameters)
      ? ToolSchema.fromStandard(parameters)
      : Schema.Struct(parameters),
    success: Schema.isSchema(success) ? success : ToolSchema.fromStandard(success),
    failure: options.failure ?? Schema.Never,
    annotations: options.annotations,
    concurrency: options.concurrency,
    strict: options.strict,
    timeout: options.timeout,
    cache: options.cache,
    requires: options.requires,
    task: taskOf(options),
    relayed: undefined,
    wire: once(() => makeWire(tool))
  }
  return options.handler === undefined ? tool : handle(tool, options.handler)
}

const taskOf = (
  { annotations, task = "forbidden" }: Options<any, any, any>
): Required<TaskOptions> | undefined => {
  if (task === "forbidden") return undefined
  const options = typeof task === "string" ? { support: task } : task
  return { start: "call", recovery: annotations?.idempotentHint === true ? "repeat" : "fail", ...options }
}

/**
 * Gives a contract its code. The handler gets decoded parameters; its failures are the declared one, an `McpError` that
 * refuses the request, or an `AskError`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handle = <Name extends string, P extends Codec, S extends Codec, F extends Codec, R>(
  tool: Tool<Name, P, S, F>,
  handler: (parameters: P["Type"]) => Effect.Effect<S["Type"], F["Type"] | Definition.HandlerError, R>
): Handled<Name, P, S, F, R> => ({ ...tool, handler })

/** @category models @since 0.1.0 */
export interface RelayOptions
  extends
    Pick<Definition.Options, "visible" | "scopes">,
    Pick<Options<any, any, any>, "timeout" | "cache" | "requires" | "task" | "concurrency" | "strict">
{}

/**
 * A tool whose listing and answers are made elsewhere, by another server or another tool: it is listed as given, and
 * neither its arguments nor its results are checked, encoded or trimmed here. `listed` may depend on whether unknown
 * argument keys are refused.
 *
 * @category constructors
 * @since 0.1.0
 */
export const relay = <R>(
  listed: McpSchema.Tool | ((options: { readonly strict: boolean }) => McpSchema.Tool),
  relayed: Relayed<R>,
  options: RelayOptions = {}
): Handled<string, typeof McpSchema.JsonObject, typeof Result, typeof Schema.Never, R> => {
  const list = typeof listed === "function" ? listed : () => listed
  const loose = list({ strict: false })
  const tool = make(loose.name, {
    ...Definition.ofListed(loose),
    ...options,
    parameters: McpSchema.JsonObject,
    success: Result,
    ...(loose.annotations === undefined ? undefined : { annotations: loose.annotations }),
    handler: (input) => relayed(input as JsonObject)
  })
  return {
    ...tool,
    relayed,
    wire: once(() => ({
      ...tool.wire(),
      description: loose,
      strictDescription: once(() => list({ strict: true }))
    }))
  }
}

/** @category models @since 0.1.0 */
export interface Amendments
  extends Definition.Options, Pick<Options<any, any, any>, "annotations" | "timeout" | "cache">
{
  readonly name?: string
}

/**
 * The same tool, saying something else of itself; what a change leaves out stays as it was. What is wrong with a new
 * name is reported when the tool is registered.
 *
 * @category combinators
 * @since 0.1.0
 */
export const amend = <P extends Codec, S extends Codec, F extends Codec, R>(
  tool: Handled<string, P, S, F, R>,
  changes: Amendments
): Handled<string, P, S, F, R> => {
  const amended = { ...tool, ...changes }
  const relist = (listed: McpSchema.Tool): McpSchema.Tool => ({
    ...Definition.relist(listed, amended),
    name: amended.name,
    ...(amended.annotations === undefined ? undefined : { annotations: amended.annotations })
  })
  return {
    ...amended,
    wire: once(() => ({
      ...tool.wire(),
      description: relist(tool.wire().description),
      strictDescription: once(() => relist(tool.wire().strictDescription()))
    }))
  }
}

/** @category guards @since 0.1.0 */
export const isTool = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)

/** @category guards @since 0.1.0 */
export const isHandled = (value: unknown): value is AnyHandled => isTool(value) && "handler" in value

/**
 * Runs a handled tool as a server would, without one: decodes `input`, runs the handler, and checks that its success
 * can be encoded. `input` is the parameters' encoded side as its type says; `respond` takes raw JSON.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <Name extends string, P extends Codec, S extends Codec, F extends Codec, R>(
  tool: Handled<Name, P, S, F, R>,
  input: P["Encoded"]
): Effect.Effect<S["Type"], F["Type"] | Definition.HandlerError | DefinitionError.DefinitionError, R> =>
  Effect.suspend(() =>
    settle(
      SchemaParser.decodeUnknownEffect(tool.parameters)(input),
      (decoded) =>
        Exit.isFailure(decoded) ? fault(tool.name, decoded.cause, invalidInput) : Effect.flatMap(
          tool.handler(decoded.value),
          (success) =>
            settle(
              tool.wire().encodeSuccess(success),
              (encoded) =>
                Exit.isFailure(encoded) ? fault(tool.name, encoded.cause, invalidOutput) : Effect.succeed(success)
            )
        )
    )
  )

/**
 * Calls a tool of the server that is answering this request, by its contract: through its middleware, within what is
 * left of this request's budget, and at most 10 calls deep. Parameters or a result that do not fit the contract are a
 * bug of this server, so a defect.
 *
 * @category running
 * @since 0.1.0
 */
export const call = <Name extends string, P extends Codec, S extends Codec, F extends Codec>(
  tool: Tool<Name, P, S, F>,
  parameters: P["Type"]
): Effect.Effect<S["Type"], F["Type"] | Definition.HandlerError, RequestContext.RequestContext> =>
  Effect.flatMap(
    Effect.all([RequestContext.RequestContext, Effect.orDie(encodeParameters(tool, parameters))]),
    ([request, input]) =>
      Effect.flatMap(request.callTool({ name: tool.name, arguments: input }), (result) =>
        Effect.catchIf(
          decodeResult(tool, result),
          (error): error is DefinitionError.DefinitionError => error instanceof DefinitionError.DefinitionError,
          (error) => {
            const asked = askErrorOf(result)
            return asked === undefined ? Effect.die(error) : Effect.fail(asked)
          }
        ))
  )

/** @category encoding @since 0.1.0 */
export const encodeParameters = <P extends Codec>(
  tool: Tool<string, P, any, any>,
  parameters: P["Type"]
): Effect.Effect<JsonObject, DefinitionError.DefinitionError> =>
  Effect.suspend(() =>
    settle(tool.wire().encodeParameters(parameters), (encoded) =>
      Exit.isFailure(encoded)
        ? fault(tool.name, encoded.cause, invalidInput)
        : Effect.succeed(encoded.value as JsonObject))
  )

/** What the handler would get of raw JSON; `strict` as in `respond`. @category decoding @since 0.1.0 */
export const decodeParameters = <P extends Codec>(
  tool: Tool<string, P, any, any>,
  input: unknown,
  options?: { readonly strict?: boolean }
): Effect.Effect<P["Type"], DefinitionError.DefinitionError> =>
  Effect.suspend(() => {
    const { decodeParameters, decodeStrictly } = tool.wire()
    return settle(
      (options?.strict ?? tool.strict ? decodeStrictly : decodeParameters)(input),
      (decoded) => Exit.isSuccess(decoded) ? Exit.succeed(decoded.value) : fault(tool.name, decoded.cause, invalidInput)
    )
  })

/**
 * Answers a `tools/call` whose arguments are raw JSON. Arguments that do not fit, declared failures, and questions that
 * came to nothing are results with `isError`; only an `McpError` fails. `strict` refuses argument keys that the
 * parameters do not name; left out, the tool's own word counts.
 *
 * @category running
 * @since 0.1.0
 */
export const respond = <R>(
  tool: Handled<string, any, any, any, R>,
  input: unknown,
  options?: { readonly strict?: boolean }
): Effect.Effect<McpSchema.CallToolResult, McpError.McpError, R> =>
  Effect.suspend(() => {
    if (tool.relayed !== undefined) return relayTo(tool.relayed, input, options)
    const wire = tool.wire()
    const decoded = options?.strict ?? tool.strict ? wire.decodeStrictly(input) : wire.decodeParameters(input)
    return isDone(decoded)
      ? answer(tool, wire, decoded)
      : Effect.flatMap(Effect.exit(decoded), (decoded) => answer(tool, wire, decoded))
  })

const relayTo = <R>(
  relayed: Relayed<R>,
  input: unknown,
  options: { readonly strict?: boolean } | undefined
): Effect.Effect<McpSchema.CallToolResult, McpError.McpError, R> =>
  Effect.catch(
    relayed(input as JsonObject, options),
    (error): Effect.Effect<McpSchema.CallToolResult, McpError.McpError> =>
      error instanceof AskError.AskError
        ? Effect.succeed(writeFailure(error, encodeAskError(error)))
        : Effect.fail(error)
  )

const answer = <R>(
  tool: Handled<string, any, any, any, R>,
  wire: Wire,
  decoded: Exit.Exit<unknown, SchemaIssue.Issue>
): Effect.Effect<McpSchema.CallToolResult, McpError.McpError, R> =>
  Exit.isSuccess(decoded)
    ? Effect.matchCauseEffect(tool.handler(decoded.value), wire.answer)
    : isIssue(decoded.cause)
    ? Effect.succeed(refuseInput(tool.name, decoded.cause))
    : Effect.failCause(decoded.cause as Cause.Cause<never>)

/**
 * Reads a result back into what the handler ended with.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeResult = <Name extends string, P extends Codec, S extends Codec, F extends Codec>(
  tool: Tool<Name, P, S, F>,
  result: McpSchema.CallToolResult
): Effect.Effect<S["Type"], F["Type"] | DefinitionError.DefinitionError> => {
  const wire = tool.wire()
  if (result.isError === true) {
    const outcome = WireOutcome.decode(result._meta)
    const failed = () =>
      DefinitionError.make(new DefinitionError.ExecutionFailed({ name: tool.name, message: textOf(result) }))
    if (outcome?._tag === "Err") {
      return settle(wire.decodeFailure(outcome.error), (failure) => {
        if (Exit.isSuccess(failure)) return Exit.fail(failure.value)
        if (askErrorOf(result) !== undefined) return Exit.fail(failed())
        return wire.kind === "result"
          ? decodeSuccess(tool, wire, result)
          : fault(tool.name, failure.cause, invalidOutput)
      })
    }
    if (outcome?._tag === "InvalidInput") {
      const issues = decodeIssues(outcome.issues)
      if (Exit.isSuccess(issues)) {
        return Exit.fail(
          DefinitionError.make(new DefinitionError.InvalidInput({ name: tool.name, issues: issues.value }))
        )
      }
    }
    // An author's own result may say `isError` itself.
    if (wire.kind !== "result") return Exit.fail(failed())
  }
  return decodeSuccess(tool, wire, result)
}

const decodeSuccess = (
  tool: Any,
  wire: Wire,
  result: McpSchema.CallToolResult
): Effect.Effect<any, DefinitionError.DefinitionError> => {
  if (wire.kind === "void") return Exit.succeed(undefined)
  const encoded = readSuccess(wire.kind, result)
  if (Exit.isFailure(encoded)) return Exit.fail(unreadable(tool.name))
  return settle(
    wire.decodeSuccess(encoded.value),
    (success) => Exit.isSuccess(success) ? Exit.succeed(success.value) : fault(tool.name, success.cause, invalidOutput)
  )
}

/**
 * The tool as clients see it in `tools/list`, `strict` as in `respond`. Throws a `DefinitionError` when the tool cannot
 * be listed.
 *
 * @category encoding
 * @since 0.1.0
 */
export const describe = (tool: Any, options?: { readonly strict?: boolean }): McpSchema.Tool => {
  const wire = tool.wire()
  return options?.strict ?? tool.strict ? wire.strictDescription() : wire.description
}

// ----------------------------------------------------------------------------
// wire
// ----------------------------------------------------------------------------

/**
 * How a success crosses: as the author's own result, as nothing, as text, or as structured content with its JSON as
 * text beside it.
 */
type Kind = "result" | "void" | "text" | "json"

/** What a contract compiles to, on first use: an entry point may still turn the schema compiler on until then. */
interface Wire {
  readonly kind: Kind
  readonly description: McpSchema.Tool
  readonly strictDescription: () => McpSchema.Tool
  readonly decodeParameters: Parser
  readonly decodeStrictly: Parser
  readonly encodeParameters: Parser
  readonly encodeSuccess: Parser
  readonly decodeSuccess: Parser
  readonly decodeFailure: Parser
  readonly answer: {
    readonly onSuccess: (success: unknown) => Effect.Effect<McpSchema.CallToolResult>
    readonly onFailure: (cause: Cause.Cause<unknown>) => Effect.Effect<McpSchema.CallToolResult, McpError.McpError>
  }
}

const makeWire = (tool: Any): Wire => {
  const inputSchema = listed(tool, "parameters", () => jsonSchema.toolInput(tool.parameters))
  const kind = kindOf(tool.success)
  const outputSchema = kind === "json"
    ? listed(tool, "success", () => jsonSchema.toolOutput(tool.success))
    : undefined
  const textual = kind === "json" && outputSchema!.type === "string"
  const parameters: Codec = jsonCodec.codec(tool.parameters as Codec)
  const success: Codec = jsonCodec.codec(tool.success as Codec)
  const failure: Codec = jsonCodec.codec(tool.failure as Codec)
  const encodeSuccess: Parser = SchemaParser.encodeUnknownEffect(success)
  const encodeFailure: Parser = SchemaParser.encodeUnknownEffect(failure)
  const write = textual ? writeText : writers[kind]
  const description: McpSchema.Tool = {
    name: tool.name,
    inputSchema,
    ...(outputSchema === undefined || textual ? undefined : { outputSchema }),
    ...(tool.annotations === undefined ? undefined : { annotations: tool.annotations }),
    ...(tool.task === undefined ? undefined : { execution: { taskSupport: tool.task.support } }),
    ...Definition.describe(tool)
  }
  const writeSuccess = (encoded: Exit.Exit<unknown, SchemaIssue.Issue>) =>
    Exit.isSuccess(encoded) ? Exit.succeed(write(encoded.value)) : dieOf(tool.name, encoded.cause)
  return {
    kind: textual ? "text" : kind,
    description,
    strictDescription: once(() => ({
      ...description,
      inputSchema: jsonSchema.toolInput(tool.parameters, { strict: true })
    })),
    decodeParameters: SchemaParser.decodeUnknownEffect(parameters),
    decodeStrictly: SchemaParser.decodeUnknownEffect(parameters, { onExcessProperty: "error", errors: "all" }),
    encodeParameters: SchemaParser.encodeUnknownEffect(parameters),
    encodeSuccess,
    decodeSuccess: SchemaParser.decodeUnknownEffect(success),
    decodeFailure: SchemaParser.decodeUnknownEffect(failure),
    answer: {
      onSuccess: (value) => settle(encodeSuccess(value), writeSuccess),
      onFailure: (cause) => {
        const outcome = Outcome.fromExit(Exit.failCause(cause))
        if (outcome._tag !== "Err") return Effect.failCause(cause as Cause.Cause<never>)
        const { error } = outcome
        return settle(encodeFailure(error), (encoded) => {
          if (Exit.isSuccess(encoded)) return Exit.succeed(writeFailure(error, encoded.value as Json))
          if (error instanceof McpError.McpError) return Exit.fail(error)
          if (error instanceof AskError.AskError) return Exit.succeed(writeFailure(error, encodeAskError(error)))
          return dieOf(tool.name, encoded.cause)
        })
      }
    }
  }
}

const listed = <A>(tool: Any, side: "parameters" | "success", make: () => A): A => {
  try {
    return make()
  } catch (error) {
    throw unlistable(tool, `${side}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const unlistable = ({ name }: Any, message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name, message }))

const kindOf = (success: Codec): "result" | "void" | "json" =>
  success === Result ? "result" : success.ast._tag === "Void" || success.ast._tag === "Undefined" ? "void" : "json"

const writeText = (encoded: unknown): McpSchema.CallToolResult => ({
  content: [{ type: "text", text: encoded as string }]
})

const writers = {
  result: (encoded: unknown) => encoded as McpSchema.CallToolResult,
  void: (): McpSchema.CallToolResult => ({ content: [] }),
  json: (encoded: unknown): McpSchema.CallToolResult => ({
    content: [{ type: "text", text: JSON.stringify(encoded) }],
    structuredContent: encoded
  })
}

const readSuccess = (kind: Exclude<Kind, "void">, result: McpSchema.CallToolResult): Exit.Exit<unknown, unknown> => {
  switch (kind) {
    case "result":
      return Exit.succeed(withoutServerInfo(result))
    case "text":
      return Exit.succeed(textOf(result))
    case "json":
      if (result.structuredContent !== undefined) return Exit.succeed(result.structuredContent)
      try {
        return Exit.succeed(JSON.parse(textOf(result)))
      } catch (cause) {
        return Exit.fail(cause)
      }
  }
}

/** The author's result as it was: who answered is the protocol's word. */
const withoutServerInfo = (result: McpSchema.CallToolResult): McpSchema.CallToolResult => {
  if (result._meta === undefined || !(Meta.serverInfo in result._meta)) return result
  const { [Meta.serverInfo]: _, ...meta } = result._meta
  const { _meta, ...rest } = result
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
}

const textOf = (result: McpSchema.CallToolResult): string =>
  result.content.flatMap((block) => block.type === "text" ? [block.text] : []).join("\n")

const writeFailure = (error: unknown, encoded: Json): McpSchema.CallToolResult => ({
  content: [{ type: "text", text: explain(error, encoded) }],
  isError: true,
  _meta: WireOutcome.encode({ _tag: "Err", error: encoded })
})

const explain = (error: unknown, encoded: Json): string =>
  Predicate.hasProperty(error, "message") && typeof error.message === "string" && error.message !== ""
    ? error.message
    : typeof encoded === "string"
    ? encoded
    : JSON.stringify(encoded)

const encodeAskError = Schema.encodeSync(AskError.AskError) as (error: AskError.AskError) => Json

const decodeAskError = SchemaParser.decodeUnknownExit(AskError.AskError)

const askErrorOf = (result: McpSchema.CallToolResult): AskError.AskError | undefined => {
  const outcome = WireOutcome.decode(result._meta)
  if (result.isError !== true || outcome?._tag !== "Err") return undefined
  const error = decodeAskError(outcome.error)
  return Exit.isSuccess(error) ? error.value : undefined
}

const dieOf = (name: string, cause: Cause.Cause<SchemaIssue.Issue>): Exit.Exit<never> =>
  isIssue(cause) ? Exit.die(invalidOutput(name, cause)) : Exit.failCause(cause as Cause.Cause<never>)

const refuseInput = (name: string, cause: Cause.Cause<SchemaIssue.Issue>): McpSchema.CallToolResult => {
  const issues = issuesOf(cause)
  return {
    content: [{ type: "text", text: refusal(name, issues).message }],
    isError: true,
    _meta: WireOutcome.encode({ _tag: "InvalidInput", issues: issues as unknown as Json })
  }
}

const unreadable = (name: string) =>
  DefinitionError.make(
    new DefinitionError.InvalidOutput({ name, issues: [{ path: [], message: "Expected structured content or JSON" }] })
  )

const decodeIssues = SchemaParser.decodeUnknownExit(Schema.Array(DefinitionError.Issue))
