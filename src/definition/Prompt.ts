/**
 * A prompt: a name, its arguments as schemas of strings and, once handled, the messages it makes of them. What a handler
 * succeeds with is a text, one or more messages, or a `Result` of its own making. A handled prompt runs without any
 * server (`run`).
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Completion from "./Completion.ts"
import * as Definition from "./Definition.ts"
import * as DefinitionError from "./DefinitionError.ts"
import { invalidInput, invalidOutput, issuesOf, refusal } from "./internal/issues.ts"
import { once } from "./internal/once.ts"
import { fault, isIssue, type Parser, settle } from "./internal/parsing.ts"

const TypeId = "~fastmcp-effect/definition/Prompt"

/** A schema that crosses the wire without asking for services. @category models @since 0.1.0 */
export type Codec = Schema.Codec<any, any>

/** Messages of the author's own making, with a description. @category schemas @since 0.1.0 */
export const Result = McpSchema.GetPromptResult

/** @category schemas @since 0.1.0 */
export type Result = typeof Result.Type

/** A text is one message of the user's. @category models @since 0.1.0 */
export type Served = string | McpSchema.PromptMessage | ReadonlyArray<McpSchema.PromptMessage> | Result

/** `R` is what its completers need. @category models @since 0.1.0 */
export interface Prompt<out Name extends string, in out Arguments extends Codec, out R> extends Definition.Common {
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly arguments: Arguments
  readonly complete: Completion.Completers<R>
  /** What is listed, answered and completed in its place, see `relay`. @internal */
  readonly relayed: Relayed<any> | undefined
  /** @internal */
  readonly wire: () => Wire
}

/** A prompt that another server lists and answers. @category models @since 0.1.0 */
export interface Relayed<R> {
  readonly listed: McpSchema.Prompt
  readonly get: (
    arguments_: { readonly [name: string]: string } | undefined
  ) => Effect.Effect<McpSchema.GetPromptResult, Definition.HandlerError, R>
  /** No completions when left out. */
  readonly complete?: Completion.Relayed<R> | undefined
}

/** @category models @since 0.1.0 */
export interface Any extends Prompt<string, any, any> {}

/** A prompt with its code; `R` is what all of its code needs. @category models @since 0.1.0 */
export interface Handled<out Name extends string, in out Arguments extends Codec, out R>
  extends Prompt<Name, Arguments, R>
{
  readonly handler: (arguments_: Arguments["Type"]) => Effect.Effect<Served, Definition.HandlerError, R>
}

/** @category models @since 0.1.0 */
export interface AnyHandled extends Handled<string, any, any> {}

/** What the code of a handled prompt needs. @category utility types @since 0.1.0 */
export type Services<T> = T extends Handled<infer _N, infer _A, infer R> ? R : never

/** Fields whose encoded side is a string: what a client fills in is text. @category utility types @since 0.1.0 */
export interface Fields {
  readonly [name: string]: Codec & { readonly Encoded: string | undefined }
}

type ArgumentsCodec<A> = A extends Schema.Struct.Fields ? Extract<Schema.Struct<A>, Codec> : never

/** Refuses keys that name no argument. */
type Only<Keys, O> = { readonly [K in keyof O]: K extends Keys ? unknown : never }

/** @category models @since 0.1.0 */
export interface Options<A, C> extends Definition.Options {
  /**
   * Schemas of strings: `Schema.FiniteFromString` and the like, `Schema.optionalKey` for what may be left out. Their
   * titles and descriptions are the arguments'.
   */
  readonly arguments?: A | undefined
  /** Candidates for arguments: all of them, or a function of what has been typed. */
  readonly complete?: (C & Only<keyof A, C>) | undefined
}

type Completers<A> = { readonly [K in keyof A]?: Completion.Any | undefined }

/**
 * Makes a prompt, or with `handler` a handled one at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  // NOTE: the compiler explains only why the last overload does not fit, and that had better be about the handler.
  <const Name extends string, const A extends Fields = {}, const C extends Completers<A> = {}>(
    name: Name,
    options?: Options<A, C> & { readonly handler?: never }
  ): Prompt<Name, ArgumentsCodec<A>, Completion.Services<C[keyof C]>>
  <const Name extends string, R, const A extends Fields = {}, const C extends Completers<A> = {}>(
    name: Name,
    options: Options<A, C> & {
      readonly handler: (
        arguments_: ArgumentsCodec<A>["Type"]
      ) => Effect.Effect<Served, Definition.HandlerError, R>
    }
  ): Handled<Name, ArgumentsCodec<A>, R | Completion.Services<C[keyof C]>>
} = (
  name: string,
  options: Options<any, any> & {
    readonly handler?: (arguments_: never) => Effect.Effect<Served, Definition.HandlerError, any>
  } = {}
): any => {
  const prompt: Any = {
    [TypeId]: TypeId,
    ...Definition.common(options),
    name,
    arguments: Schema.Struct(options.arguments ?? {}),
    complete: options.complete ?? {},
    relayed: undefined,
    wire: once(() => makeWire(prompt))
  }
  return options.handler === undefined ? prompt : handle(prompt, options.handler as AnyHandled["handler"])
}

/** Gives a prompt its code, which gets decoded arguments. @category constructors @since 0.1.0 */
export const handle = <Name extends string, A extends Codec, R, R2>(
  prompt: Prompt<Name, A, R>,
  handler: (arguments_: A["Type"]) => Effect.Effect<Served, Definition.HandlerError, R2>
): Handled<Name, A, R | R2> => ({ ...prompt, handler })

/**
 * A prompt that is listed, answered and completed elsewhere, by another server or another prompt: as given, and
 * unchecked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const relay = <R>(
  relayed: Relayed<R>,
  options: Pick<Definition.Options, "visible" | "scopes"> = {}
): Handled<string, Codec, R> => {
  const { listed } = relayed
  const prompt: Handled<string, Codec, R> = {
    ...make(listed.name, {
      ...Definition.ofListed(listed),
      ...options,
      arguments: Object.fromEntries(
        (listed.arguments ?? []).map(({ name, required }) => [
          name,
          required === true ? Schema.String : Schema.optionalKey(Schema.String)
        ])
      )
    }),
    handler: relayed.get,
    relayed,
    wire: once(() => ({
      ...makeWire(prompt),
      description: { ...Definition.relist(listed, prompt), name: prompt.name }
    }))
  }
  return prompt
}

/** @category models @since 0.1.0 */
export interface Amendments extends Definition.Options {
  readonly name?: string
}

/** The same prompt, saying something else of itself. @category combinators @since 0.1.0 */
export const amend = <A extends Codec, R>(
  prompt: Handled<string, A, R>,
  changes: Amendments
): Handled<string, A, R> => {
  const amended = { ...prompt, ...changes }
  return {
    ...amended,
    wire: once(() => {
      const wire = prompt.wire()
      return { ...wire, description: { ...Definition.relist(wire.description, amended), name: amended.name } }
    })
  }
}

/** A message of the user's. @category messages @since 0.1.0 */
export const user = (content: string | McpSchema.ContentBlock): McpSchema.PromptMessage => ({
  role: "user",
  content: typeof content === "string" ? { type: "text", text: content } : content
})

/** A message of the model's, for it to go on from. @category messages @since 0.1.0 */
export const assistant = (content: string | McpSchema.ContentBlock): McpSchema.PromptMessage => ({
  ...user(content),
  role: "assistant"
})

/** @category guards @since 0.1.0 */
export const isPrompt = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)

/** @category guards @since 0.1.0 */
export const isHandled = (value: unknown): value is AnyHandled => isPrompt(value) && "handler" in value

/**
 * Runs a handled prompt as a server would, without one. `arguments_` is the arguments' encoded side, the strings a
 * client sends.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <Name extends string, A extends Codec, R>(
  prompt: Handled<Name, A, R>,
  arguments_: A["Encoded"]
): Effect.Effect<Result, Definition.HandlerError | DefinitionError.DefinitionError, R> =>
  Effect.suspend(() =>
    settle(prompt.wire().decode(arguments_), (decoded) =>
      Exit.isFailure(decoded)
        ? fault(prompt.name, decoded.cause, invalidInput)
        : Effect.flatMap(prompt.handler(decoded.value), (served) => resultOf(prompt, served)))
  )

/**
 * Answers a `prompts/get`. Arguments that are missing, unknown or do not fit refuse it, each by name.
 *
 * @category running
 * @since 0.1.0
 */
export const respond = <R>(
  prompt: Handled<string, any, R>,
  arguments_: { readonly [name: string]: string } | undefined
): Effect.Effect<McpSchema.GetPromptResult, McpError.McpError, R> =>
  Effect.suspend(() => {
    if (prompt.relayed !== undefined) return Effect.mapError(prompt.relayed.get(arguments_), Definition.refusal)
    const { decode, names } = prompt.wire()
    const given = arguments_ ?? {}
    const unknown = Object.keys(given).filter((name) => !names.includes(name))
      .map((name) => ({ path: [name], message: "The prompt has no such argument" }))
    return settle(decode(given), (decoded) => {
      if (Exit.isFailure(decoded) && !isIssue(decoded.cause)) {
        return Effect.failCause(decoded.cause as Cause.Cause<never>)
      }
      if (unknown.length > 0 || Exit.isFailure(decoded)) {
        const issues = [...(Exit.isFailure(decoded) ? issuesOf(decoded.cause) : []), ...unknown]
        return Effect.fail(McpError.invalidParams(refusal(prompt.name, issues).message))
      }
      return Effect.matchEffect(prompt.handler(decoded.value), {
        onFailure: (error) => Effect.fail(Definition.refusal(error)),
        onSuccess: (served) => Effect.orDie(resultOf(prompt, served))
      })
    })
  })

/** Answers a `completion/complete` about one of its arguments. @category running @since 0.1.0 */
export const complete = <R>(
  prompt: Prompt<string, any, R>,
  argument: McpSchema.CompleteParams["argument"],
  context?: Completion.Context
): Effect.Effect<McpSchema.CompleteResult, McpError.McpError, R> =>
  Effect.suspend(() =>
    prompt.relayed?.complete !== undefined ? prompt.relayed.complete(argument, context) : Completion.respondFor(
      { names: prompt.wire().names, complete: prompt.complete, label: `The prompt ${JSON.stringify(prompt.name)}` },
      argument,
      context
    )
  )

/**
 * The prompt as clients see it in `prompts/list`. Throws a `DefinitionError` when it cannot be served.
 *
 * @category encoding
 * @since 0.1.0
 */
export const describe = (prompt: Any): McpSchema.Prompt => prompt.wire().description

const resultOf = (prompt: Any, served: Served): Effect.Effect<Result, DefinitionError.DefinitionError> => {
  const result = Predicate.hasProperty(served, "messages")
    ? served
    : {
      ...(prompt.description === undefined ? undefined : { description: prompt.description }),
      messages: typeof served === "string" ? [user(served)] : isList(served) ? served : [served]
    }
  const checked = encodeResult(result)
  return Exit.isFailure(checked)
    ? Effect.fail(invalidOutput(prompt.name, checked.cause))
    : Effect.succeed(checked.value)
}

const isList = (served: Served): served is ReadonlyArray<McpSchema.PromptMessage> => Array.isArray(served)

const encodeResult = SchemaParser.encodeUnknownExit(Result)

// ----------------------------------------------------------------------------
// wire
// ----------------------------------------------------------------------------

interface Wire {
  readonly names: ReadonlyArray<string>
  readonly description: McpSchema.Prompt
  readonly decode: Parser
}

const makeWire = (prompt: Any): Wire => {
  const fields: Schema.Struct.Fields = prompt.arguments.fields
  const names = Object.keys(fields)
  const unknown = Object.keys(prompt.complete).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw DefinitionError.make(
      new DefinitionError.InvalidDefinition({
        name: JSON.stringify(prompt.name),
        message: `complete has ${unknown}, which is none of its arguments`
      })
    )
  }
  return {
    names,
    description: {
      name: prompt.name,
      ...Definition.describe(prompt),
      ...(names.length === 0
        ? undefined
        : { arguments: names.map((name) => describeArgument(name, fields[name]!.ast)) })
    },
    decode: SchemaParser.decodeUnknownEffect(prompt.arguments as Codec, { errors: "all" })
  }
}

const describeArgument = (name: string, ast: SchemaAST.AST): McpSchema.PromptArgument => {
  const { description, title } = annotationsOf(ast)
  return {
    name,
    ...(typeof title === "string" ? { title } : undefined),
    ...(typeof description === "string" ? { description } : undefined),
    required: !SchemaAST.isOptional(SchemaAST.toEncoded(ast))
  }
}

/** What is said of a type, of the one inside `Schema.optional`, and, before both, at the key. */
const annotationsOf = (ast: SchemaAST.AST): Schema.Annotations.Annotations => {
  const inner = SchemaAST.isUnion(ast) ? ast.types.filter((type) => !SchemaAST.isUndefined(type)) : []
  return {
    ...(inner.length === 1 ? SchemaAST.resolve(inner[0]!) : undefined),
    ...SchemaAST.resolve(ast),
    ...ast.context?.annotations
  }
}
