/**
 * A tool: its contract (name, parameters, success and declared failure, as Effect Schemas) and, once handled, its code.
 * A contract is a plain value that a client can share; a handled tool runs without any server (`run`), and a server
 * calls it with raw JSON (`respond`).
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as RequestContext from "../context/RequestContext.ts"
import * as Outcome from "../core/Outcome.ts"
import type { Json, JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import * as DefinitionError from "./DefinitionError.ts"
import * as jsonSchema from "./internal/jsonSchema.ts"

const TypeId = "~fastmcp-effect/definition/Tool"

/** A schema that crosses the wire without asking for services. @category models @since 0.1.0 */
export type Codec = Schema.Codec<any, any>

/** @category models @since 0.1.0 */
export interface Tool<
  out Name extends string,
  in out Parameters extends Codec,
  in out Success extends Codec,
  in out Failure extends Codec
> {
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly title: string | undefined
  readonly description: string | undefined
  readonly parameters: Parameters
  readonly success: Success
  readonly failure: Failure
  readonly annotations: McpSchema.ToolAnnotations | undefined
  readonly meta: { readonly [key: string]: unknown } | undefined
  /** How long one call may take; the tighter of this and the server's own limit counts. */
  readonly timeout: Duration.Input | undefined
  /** What the client must be able to do, or the call is refused before the handler runs. */
  readonly requires: McpSchema.ClientCapabilities | undefined
  /** @internal */
  readonly wire: () => Wire
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
  ) => Effect.Effect<Success["Type"], Failure["Type"] | McpError.McpError, R>
}

/** @category models @since 0.1.0 */
export interface AnyHandled extends Handled<string, any, any, any, any> {}

/** What the code of a handled tool needs. @category utility types @since 0.1.0 */
export type Services<T> = T extends Handled<infer _N, infer _P, infer _S, infer _F, infer R> ? R : never

type Parameters = Codec | Schema.Struct.Fields

type ParametersCodec<P> = P extends Codec ? P
  : P extends Schema.Struct.Fields ? Extract<Schema.Struct<P>, Codec>
  : never

/** @category models @since 0.1.0 */
export interface Options<P extends Parameters, S extends Codec, F extends Codec> {
  readonly title?: string
  /** What the tool does, told to the model. */
  readonly description?: string
  /** A struct's fields or any object schema; no parameters when left out. */
  readonly parameters?: P
  /** What the handler succeeds with; `Tool.Result` for content of your own making. Nothing when left out. */
  readonly success?: S
  /** What the handler may fail with: it reaches the client as a tool error with its encoded value. */
  readonly failure?: F
  readonly annotations?: McpSchema.ToolAnnotations
  readonly meta?: { readonly [key: string]: unknown }
  readonly timeout?: Duration.Input
  readonly requires?: McpSchema.ClientCapabilities
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
    S extends Codec = typeof Schema.Void,
    F extends Codec = typeof Schema.Never
  >(name: Name, options?: Options<P, S, F> & { readonly handler?: never }): Tool<Name, ParametersCodec<P>, S, F>
  <
    const Name extends string,
    R,
    const P extends Parameters = {},
    S extends Codec = typeof Schema.Void,
    F extends Codec = typeof Schema.Never
  >(
    name: Name,
    options: Options<P, S, F> & {
      readonly handler: (
        parameters: ParametersCodec<P>["Type"]
      ) => Effect.Effect<S["Type"], F["Type"] | McpError.McpError, R>
    }
  ): Handled<Name, ParametersCodec<P>, S, F, R>
} = (name: string, options: Options<any, any, any> & { readonly handler?: AnyHandled["handler"] } = {}): any => {
  const { parameters = {} } = options
  const tool: Any = {
    [TypeId]: TypeId,
    name,
    title: options.title,
    description: options.description,
    parameters: Schema.isSchema(parameters) ? parameters : Schema.Struct(parameters),
    success: options.success ?? Schema.Void,
    failure: options.failure ?? Schema.Never,
    annotations: options.annotations,
    meta: options.meta,
    timeout: options.timeout,
    requires: options.requires,
    wire: once(() => makeWire(tool))
  }
  return options.handler === undefined ? tool : handle(tool, options.handler)
}

/**
 * Gives a contract its code. The handler gets decoded parameters; its failures are the declared one, or an `McpError`
 * that refuses the request.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handle = <Name extends string, P extends Codec, S extends Codec, F extends Codec, R>(
  tool: Tool<Name, P, S, F>,
  handler: (parameters: P["Type"]) => Effect.Effect<S["Type"], F["Type"] | McpError.McpError, R>
): Handled<Name, P, S, F, R> => ({ ...tool, handler })

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
): Effect.Effect<S["Type"], F["Type"] | McpError.McpError | DefinitionError.DefinitionError, R> =>
  Effect.suspend(() => {
    const decoded = SchemaParser.decodeUnknownExit(tool.parameters)(input)
    if (Exit.isFailure(decoded)) return Effect.fail(invalidInput(tool.name, decoded.cause))
    return Effect.flatMap(tool.handler(decoded.value), (success) => {
      const encoded = tool.wire().encodeSuccess(success)
      return Exit.isFailure(encoded) ? Effect.fail(invalidOutput(tool.name, encoded.cause)) : Effect.succeed(success)
    })
  })

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
): Effect.Effect<S["Type"], F["Type"] | McpError.McpError, RequestContext.RequestContext> =>
  Effect.flatMap(
    Effect.all([RequestContext.RequestContext, Effect.orDie(encodeParameters(tool, parameters))]),
    ([request, input]) =>
      Effect.flatMap(request.callTool({ name: tool.name, arguments: input }), (result) =>
        Effect.catchIf(
          decodeResult(tool, result),
          (error): error is DefinitionError.DefinitionError => error instanceof DefinitionError.DefinitionError,
          (error) => Effect.die(error)
        ))
  )

/** @category encoding @since 0.1.0 */
export const encodeParameters = <P extends Codec>(
  tool: Tool<string, P, any, any>,
  parameters: P["Type"]
): Effect.Effect<JsonObject, DefinitionError.DefinitionError> =>
  Effect.suspend(() => {
    const encoded = tool.wire().encodeParameters(parameters)
    return Exit.isFailure(encoded)
      ? Effect.fail(invalidInput(tool.name, encoded.cause))
      : Effect.succeed(encoded.value as JsonObject)
  })

/**
 * Answers a `tools/call` whose arguments are raw JSON. Arguments that do not fit, and declared failures, are results
 * with `isError`; only an `McpError` fails.
 *
 * @category running
 * @since 0.1.0
 */
export const respond = <R>(
  tool: Handled<string, any, any, any, R>,
  input: unknown
): Effect.Effect<McpSchema.CallToolResult, McpError.McpError, R> =>
  Effect.suspend(() => {
    const wire = tool.wire()
    const decoded = wire.decodeParameters(input)
    return Exit.isFailure(decoded)
      ? Effect.succeed(refuseInput(tool.name, decoded.cause))
      : Effect.matchCauseEffect(tool.handler(decoded.value), wire.answer)
  })

/**
 * Reads a result back into what the handler ended with.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeResult = <Name extends string, P extends Codec, S extends Codec, F extends Codec>(
  tool: Tool<Name, P, S, F>,
  result: McpSchema.CallToolResult
): Exit.Exit<S["Type"], F["Type"] | DefinitionError.DefinitionError> => {
  const wire = tool.wire()
  if (result.isError === true) {
    const outcome = WireOutcome.decode(result._meta)
    if (outcome?._tag === "Err") {
      const failure = wire.decodeFailure(outcome.error)
      if (Exit.isSuccess(failure)) return Exit.fail(failure.value)
      if (wire.kind !== "result") return Exit.fail(invalidOutput(tool.name, failure.cause))
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
    if (wire.kind !== "result") {
      return Exit.fail(
        DefinitionError.make(new DefinitionError.ExecutionFailed({ name: tool.name, message: textOf(result) }))
      )
    }
  }
  if (wire.kind === "void") return Exit.succeed(undefined)
  const encoded = readSuccess(wire.kind, result)
  if (Exit.isFailure(encoded)) return Exit.fail(unreadable(tool.name))
  const success = wire.decodeSuccess(encoded.value)
  return Exit.isSuccess(success) ? success : Exit.fail(invalidOutput(tool.name, success.cause))
}

/**
 * The tool as clients see it in `tools/list`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const describe = (tool: Any): McpSchema.Tool => tool.wire().description

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
  readonly decodeParameters: (input: unknown) => Exit.Exit<any, SchemaIssue.Issue>
  readonly encodeParameters: (parameters: unknown) => Exit.Exit<unknown, SchemaIssue.Issue>
  readonly encodeSuccess: (success: unknown) => Exit.Exit<unknown, SchemaIssue.Issue>
  readonly decodeSuccess: (encoded: unknown) => Exit.Exit<any, SchemaIssue.Issue>
  readonly decodeFailure: (encoded: unknown) => Exit.Exit<any, SchemaIssue.Issue>
  readonly answer: {
    readonly onSuccess: (success: unknown) => Effect.Effect<McpSchema.CallToolResult>
    readonly onFailure: (cause: Cause.Cause<unknown>) => Effect.Effect<McpSchema.CallToolResult, McpError.McpError>
  }
}

const makeWire = (tool: Any): Wire => {
  const inputSchema = jsonSchema.toolInput(tool.parameters)
  const kind = kindOf(tool.success)
  const outputSchema = kind === "json" ? jsonSchema.toolOutput(tool.success) : undefined
  const textual = kind === "json" && outputSchema!.type === "string"
  const parameters: Codec = jsonSchema.codec(tool.parameters as Codec)
  const success: Codec = jsonSchema.codec(tool.success as Codec)
  const failure: Codec = jsonSchema.codec(tool.failure as Codec)
  const encodeSuccess = SchemaParser.encodeUnknownExit(success)
  const encodeFailure = SchemaParser.encodeUnknownExit(failure)
  const write = textual ? writeText : writers[kind]
  return {
    kind: textual ? "text" : kind,
    description: {
      name: tool.name,
      ...(tool.title === undefined ? undefined : { title: tool.title }),
      ...(tool.description === undefined ? undefined : { description: tool.description }),
      inputSchema,
      ...(outputSchema === undefined || textual ? undefined : { outputSchema }),
      ...(tool.annotations === undefined ? undefined : { annotations: tool.annotations }),
      ...(tool.meta === undefined ? undefined : { _meta: tool.meta })
    },
    decodeParameters: SchemaParser.decodeUnknownExit(parameters),
    encodeParameters: SchemaParser.encodeUnknownExit(parameters),
    encodeSuccess,
    decodeSuccess: SchemaParser.decodeUnknownExit(success),
    decodeFailure: SchemaParser.decodeUnknownExit(failure),
    answer: {
      onSuccess: (value) => {
        const encoded = encodeSuccess(value)
        return Exit.isSuccess(encoded)
          ? Exit.succeed(write(encoded.value))
          : Effect.die(invalidOutput(tool.name, encoded.cause))
      },
      onFailure: (cause) => {
        const outcome = Outcome.fromExit(Exit.failCause(cause))
        if (outcome._tag !== "Err") return Effect.failCause(cause as Cause.Cause<never>)
        const encoded = encodeFailure(outcome.error)
        if (Exit.isSuccess(encoded)) return Exit.succeed(writeFailure(outcome.error, encoded.value as Json))
        return outcome.error instanceof McpError.McpError
          ? Effect.fail(outcome.error)
          : Effect.die(invalidOutput(tool.name, encoded.cause))
      }
    }
  }
}

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

const refuseInput = (name: string, cause: Cause.Cause<SchemaIssue.Issue>): McpSchema.CallToolResult => {
  const issues = issuesOf(cause)
  const error = DefinitionError.make(new DefinitionError.InvalidInput({ name, issues }))
  return {
    content: [{ type: "text", text: error.message }],
    isError: true,
    _meta: WireOutcome.encode({ _tag: "InvalidInput", issues: issues as unknown as Json })
  }
}

const invalidInput = (name: string, cause: Cause.Cause<SchemaIssue.Issue>) =>
  DefinitionError.make(new DefinitionError.InvalidInput({ name, issues: issuesOf(cause) }))

const invalidOutput = (name: string, cause: Cause.Cause<SchemaIssue.Issue>) =>
  DefinitionError.make(new DefinitionError.InvalidOutput({ name, issues: issuesOf(cause) }))

const unreadable = (name: string) =>
  DefinitionError.make(
    new DefinitionError.InvalidOutput({ name, issues: [{ path: [], message: "Expected structured content or JSON" }] })
  )

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const decodeIssues = SchemaParser.decodeUnknownExit(Schema.Array(DefinitionError.Issue))

const issuesOf = (cause: Cause.Cause<SchemaIssue.Issue>): ReadonlyArray<DefinitionError.Issue> =>
  cause.reasons.flatMap((reason) => {
    if (!Cause.isFailReason(reason)) return [{ path: [], message: "The value could not be checked" }]
    return formatIssue(reason.error).issues.map(({ message, path }) => ({
      path: (path ?? []).map((segment) => {
        const key = typeof segment === "object" ? segment.key : segment
        return typeof key === "number" ? key : String(key)
      }),
      message
    }))
  })

const once = <A>(make: () => A): () => A => {
  let value: A | undefined
  return () => value ??= make()
}
