/**
 * Resources of one form: a URI template with typed parameters, what it says of itself and, once handled, how a URI that
 * matches is read. What a handler succeeds with is as for `Resource`, and nothing (`undefined` or `null`) where the URI
 * names nothing. A handled template runs without any server (`run`).
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type * as Stream from "effect/Stream"
import * as UriTemplate from "../core/UriTemplate.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Completion from "./Completion.ts"
import * as Definition from "./Definition.ts"
import * as DefinitionError from "./DefinitionError.ts"
import { invalidInput } from "./internal/issues.ts"
import { once } from "./internal/once.ts"
import { fault, isIssue, type Parser, settle } from "./internal/parsing.ts"
import * as reading from "./internal/reading.ts"
import * as Resource from "./Resource.ts"

const TypeId = "~fastmcp-effect/definition/ResourceTemplate"

/** What a URI holds for each variable that is there. @category models @since 0.1.0 */
export interface Values {
  readonly [name: string]: UriTemplate.Value
}

/** `R` is what its completers and its list need. @category models @since 0.1.0 */
export interface ResourceTemplate<
  out Template extends string,
  in out Parameters extends Resource.Codec,
  in out Success extends Resource.Codec,
  out R
> extends Definition.Common {
  readonly [TypeId]: typeof TypeId
  readonly uriTemplate: Template
  readonly name: string
  readonly mimeType: string | undefined
  readonly annotations: Annotations | undefined
  readonly cache: McpSchema.CacheHints | undefined
  readonly parameters: Parameters
  readonly success: Success
  readonly complete: Completion.Completers<R>
  readonly list: Effect.Effect<ReadonlyArray<Listed>, McpError.McpError, R> | undefined
  /** Whether `..`, slashes and NUL reach the handler. */
  readonly unsafe: boolean
  /** Emits when what is read of this URI may have changed; runs while somebody watches it. */
  readonly updates: Updates<any> | undefined
  /** What is listed, read and completed in its place, see `relay`. @internal */
  readonly relayed: Relayed<any> | undefined
  /** @internal */
  readonly wire: () => Wire
}

/** @category models @since 0.1.0 */
export type Updates<R> = (uri: string) => Stream.Stream<unknown, never, R>

/** A template that another server lists and reads. @category models @since 0.1.0 */
export interface Relayed<R> {
  readonly listed: McpSchema.ResourceTemplate
  readonly read: (uri: string) => Effect.Effect<McpSchema.ReadResourceResult, Definition.HandlerError, R>
  /** No completions when left out. */
  readonly complete?: Completion.Relayed<R> | undefined
}

/** @category models @since 0.1.0 */
export interface Any extends ResourceTemplate<string, any, any, any> {}

/** A template whose resources can be read; `R` is what all of its code needs. @category models @since 0.1.0 */
export interface Handled<
  out Template extends string,
  in out Parameters extends Resource.Codec,
  in out Success extends Resource.Codec,
  out R
> extends ResourceTemplate<Template, Parameters, Success, R> {
  readonly handler: (
    parameters: Parameters["Type"]
  ) => Effect.Effect<Success["Type"] | undefined | null, Definition.HandlerError, R>
}

/** @category models @since 0.1.0 */
export interface AnyHandled extends Handled<string, any, any, any> {}

/** What the code of a handled template needs. @category utility types @since 0.1.0 */
export type Services<T> = T extends Handled<infer _T, infer _P, infer _S, infer R> ? R : never

/** A resource that a template lists; its name is the URI's last segment when left out. @category models @since 0.1.0 */
export type Listed = Pick<McpSchema.Resource, "uri"> & Partial<McpSchema.Resource>

type Annotations = typeof McpSchema.Annotations.Type

/**
 * A schema for each variable of the template, and for nothing else. It decodes what a URI holds: a string, a list of
 * strings for `{name*}`, and for `{?name*}` a list or a map.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Fields<Template extends string> = {
  readonly [K in UriTemplate.Names<Template>]: Resource.Codec & {
    readonly Encoded: K extends keyof UriTemplate.Found<Template> ? UriTemplate.Found<Template>[K] | undefined
      : UriTemplate.Value | undefined
  }
}

/** The parameters of a template that declares none: what a URI holds, as it is. @category utility types @since 0.1.0 */
export type Defaults<Template extends string> = {
  readonly [K in UriTemplate.Names<Template>]: K extends UriTemplate.RequiredNames<Template> ? DefaultOf<Template, K>
    : Schema.optionalKey<DefaultOf<Template, K>>
}

type DefaultOf<Template extends string, K> = K extends keyof UriTemplate.Found<Template>
  ? [UriTemplate.Found<Template>[K]] extends [string] ? Schema.String
  : [UriTemplate.Found<Template>[K]] extends [ReadonlyArray<string>] ? Schema.$Array<Schema.String>
  : Schema.Union<readonly [Schema.$Array<Schema.String>, Schema.$Record<Schema.String, Schema.String>]>
  : never

type ParametersCodec<P> = P extends Schema.Struct.Fields ? Extract<Schema.Struct<P>, Resource.Codec> : never

/** Refuses keys that name no variable. */
type Only<Keys, O> = { readonly [K in keyof O]: K extends Keys ? unknown : never }

/** @category models @since 0.1.0 */
export interface Options<
  Template extends string,
  P,
  S extends Resource.Codec,
  C,
  R
> extends Definition.Options {
  readonly name: string
  /**
   * A schema for each variable: `Schema.FiniteFromString` and the like, `Schema.optionalKey` for what may be absent.
   * When left out, the handler gets what the URI holds.
   */
  readonly parameters?: (P & Only<UriTemplate.Names<Template>, P>) | undefined
  readonly mimeType?: string | undefined
  readonly annotations?: Annotations | undefined
  /** How long what is read stays fresh, and for whom; the server's own hints when left out. */
  readonly cache?: McpSchema.CacheHints | undefined
  /** As for `Resource`: of the value a handler succeeds with. When left out, it succeeds with what is served. */
  readonly success?: S | undefined
  /**
   * Candidates for variables: all of them, or a function of what has been typed. A function annotates its parameter,
   * `(typed: string) => ...`: the compiler does not always tell it from here.
   */
  readonly complete?: (C & Only<UriTemplate.Names<Template>, C>) | undefined
  /** Resources that exist, for `resources/list`. */
  readonly list?: Effect.Effect<ReadonlyArray<Listed>, McpError.McpError, R> | undefined
  /**
   * Passes on values with `..` as a path segment, with a NUL, or with a slash where one segment is meant. Such a URI is
   * refused otherwise: a value may end up in a file's path.
   */
  readonly unsafe?: boolean | undefined
  /** As for `Resource`: for each URI that is watched. */
  readonly updates?: Updates<R> | undefined
}

type Completers<Template extends string> = { readonly [K in UriTemplate.Names<Template>]?: Completion.Any | undefined }

/**
 * Makes a template, or with `handler` a handled one at once. What is wrong with its text, such as values that cannot be
 * told apart, is reported when it is first used or registered; see `UriTemplate`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  // NOTE: the compiler explains only why the last overload does not fit, and that had better be about the handler.
  <
    const Template extends string,
    const P extends Fields<Template> = Extract<Defaults<Template>, Fields<Template>>,
    S extends Resource.Codec = typeof Resource.Served,
    const C extends Completers<Template> = {},
    RL = never
  >(
    uriTemplate: Template,
    options: Options<Template, P, S, C, RL> & { readonly handler?: never }
  ): ResourceTemplate<Template, ParametersCodec<P>, S, NoInfer<RL> | Completion.Services<C[keyof C]>>
  <
    const Template extends string,
    R,
    const P extends Fields<Template> = Extract<Defaults<Template>, Fields<Template>>,
    S extends Resource.Codec = typeof Resource.Served,
    const C extends Completers<Template> = {},
    RL = never
  >(
    uriTemplate: Template,
    options: Options<Template, P, S, C, RL> & {
      readonly handler: (
        parameters: ParametersCodec<P>["Type"]
      ) => Effect.Effect<S["Type"] | undefined | null, Definition.HandlerError, R>
    }
  ): Handled<Template, ParametersCodec<P>, S, R | NoInfer<RL> | Completion.Services<C[keyof C]>>
} = (
  uriTemplate: string,
  options: Options<string, any, any, any, any> & {
    readonly handler?: (parameters: never) => Effect.Effect<any, Definition.HandlerError, any>
  }
): any => {
  const parsed = UriTemplate.parse(uriTemplate)
  const template: Any = {
    [TypeId]: TypeId,
    ...Definition.common(options),
    uriTemplate,
    name: options.name,
    mimeType: options.mimeType,
    annotations: options.annotations,
    cache: options.cache,
    parameters: Schema.Struct(options.parameters ?? (Result.isSuccess(parsed) ? defaults(parsed.success) : {})),
    success: options.success ?? Resource.Served,
    complete: options.complete ?? {},
    list: options.list,
    unsafe: options.unsafe === true,
    updates: options.updates,
    relayed: undefined,
    wire: once(() => makeWire(template))
  }
  return options.handler === undefined ? template : handle(template, options.handler as AnyHandled["handler"])
}

const isAlwaysThere = ({ operator }: UriTemplate.Expression) => operator === "" || operator === "+"

const expressionsOf = ({ parts }: UriTemplate.UriTemplate) => parts.filter((part) => part._tag === "Expression")

const defaults = (template: UriTemplate.UriTemplate): Schema.Struct.Fields => {
  const list = Schema.Array(Schema.String)
  return Object.fromEntries(
    expressionsOf(template).flatMap((expression) =>
      expression.variables.map(({ explode, name }) => {
        const schema = !explode
          ? Schema.String
          : UriTemplate.isNamed(expression.operator) && expression.variables.length === 1
          ? Schema.Union([list, Schema.Record(Schema.String, Schema.String)])
          : list
        return [name, isAlwaysThere(expression) ? schema : Schema.optionalKey(schema)]
      })
    )
  )
}

/**
 * Says how a URI of the template is read. `undefined` and `null` stand for a resource that does not exist.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handle = <Template extends string, P extends Resource.Codec, S extends Resource.Codec, R, R2>(
  template: ResourceTemplate<Template, P, S, R>,
  handler: (parameters: P["Type"]) => Effect.Effect<S["Type"] | undefined | null, Definition.HandlerError, R2>
): Handled<Template, P, S, R | R2> => ({ ...template, handler })

/**
 * A template that is listed, read and completed elsewhere, by another server or another template: as given, and
 * unchecked. Whoever reads it decides about values that would leave their place.
 *
 * @category constructors
 * @since 0.1.0
 */
export const relay = <R, RL = never>(
  relayed: Relayed<R>,
  options: Pick<Options<string, any, any, any, RL>, "visible" | "scopes" | "list" | "updates"> = {}
): Handled<string, Resource.Codec, Resource.Codec, R | NoInfer<RL>> => {
  const { listed } = relayed
  return {
    ...make(listed.uriTemplate, {
      ...Definition.ofListed(listed),
      ...options,
      name: listed.name,
      mimeType: listed.mimeType,
      annotations: listed.annotations,
      unsafe: true
    }),
    handler: (values: Values) =>
      Effect.map(
        relayed.read(uriOf(listed.uriTemplate, values)),
        ({ cacheHints: _, ...result }) => result
      ),
    relayed
  }
}

const uriOf = (uriTemplate: string, values: Values): string =>
  UriTemplate.expand(Result.getOrThrow(UriTemplate.parse(uriTemplate)), values)

/** @category models @since 0.1.0 */
export interface Amendments extends Definition.Options {
  readonly name?: string
  readonly mimeType?: string | undefined
  readonly annotations?: Annotations | undefined
  readonly cache?: McpSchema.CacheHints | undefined
}

/** The same template, saying something else of itself. @category combinators @since 0.1.0 */
export const amend = <Template extends string, P extends Resource.Codec, S extends Resource.Codec, R>(
  template: Handled<Template, P, S, R>,
  changes: Amendments
): Handled<Template, P, S, R> => ({ ...template, ...changes, name: changes.name ?? template.name })

/** @category guards @since 0.1.0 */
export const isResourceTemplate = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)

/** @category guards @since 0.1.0 */
export const isHandled = (value: unknown): value is AnyHandled => isResourceTemplate(value) && "handler" in value

/**
 * Runs a handled template as a server would, without one: decodes what a URI holds, runs the handler, and checks that
 * its success can be served. `respond` takes a URI's values as `match` finds them.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <Template extends string, P extends Resource.Codec, S extends Resource.Codec, R>(
  template: Handled<Template, P, S, R>,
  values: P["Encoded"]
): Effect.Effect<S["Type"] | undefined | null, Definition.HandlerError | DefinitionError.DefinitionError, R> =>
  Effect.suspend(() => {
    const wire = template.wire()
    return settle(
      wire.decode(values),
      (decoded) =>
        Exit.isFailure(decoded) ? fault(template.name, decoded.cause, invalidInput) : Effect.tap(
          template.handler(decoded.value),
          (success) => success === undefined || success === null ? Effect.void : wire.encode(success)
        )
    )
  })

/** The URI of these parameters. @category encoding @since 0.1.0 */
export const uri = <Template extends string, P extends Resource.Codec>(
  template: ResourceTemplate<Template, P, any, any>,
  parameters: P["Type"]
): Effect.Effect<string, DefinitionError.DefinitionError> =>
  Effect.suspend(() => {
    const wire = template.wire()
    return settle(wire.encodeParameters(parameters), (encoded) =>
      Exit.isFailure(encoded)
        ? fault(template.name, encoded.cause, invalidInput)
        : Effect.succeed(UriTemplate.expand(wire.template, encoded.value as UriTemplate.Values)))
  })

/**
 * What a URI holds for the variables, undecoded; `"Unsafe"` for values a template has to ask for with `unsafe`.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = (template: Any, uri: string): Values | "Unsafe" | undefined =>
  UriTemplate.match(template.wire().template, uri, { unsafe: template.unsafe })

/** Puts the more specific template first. @category matching @since 0.1.0 */
export const compare = (a: Any, b: Any): number => UriTemplate.compare(a.wire().template, b.wire().template)

/**
 * Answers a `resources/read` of a URI that matches. Values that do not fit the parameters refuse it.
 *
 * @category running
 * @since 0.1.0
 */
export const respond = <R>(
  template: Handled<string, any, any, R>,
  uri: string,
  values: Values
): Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError, R> =>
  Effect.suspend(() =>
    template.relayed !== undefined ?
      Effect.mapError(template.relayed.read(uri), Definition.refusal) :
      settle(template.wire().decode(values), (decoded) => {
        if (Exit.isSuccess(decoded)) return reading.respond(template, uri, template.handler(decoded.value))
        if (!isIssue(decoded.cause)) return Effect.failCause(decoded.cause as Cause.Cause<never>)
        const { message } = invalidInput(JSON.stringify(uri), decoded.cause)
        return Effect.fail(McpError.invalidParams(message, { uri }))
      })
  )

/** The resources a template lists, as clients see them in `resources/list`. @category running @since 0.1.0 */
export const list = <R>(
  template: ResourceTemplate<string, any, any, R>
): Effect.Effect<ReadonlyArray<McpSchema.Resource>, McpError.McpError, R> => {
  if (template.list === undefined) return Effect.succeed([])
  const mimeType = mimeTypeOf(template)
  return Effect.map(template.list, (resources) =>
    resources.map((resource) => ({
      name: Resource.nameOf(resource.uri),
      ...(mimeType === undefined ? undefined : { mimeType }),
      ...resource
    })))
}

/** Answers a `completion/complete` about one of its variables. @category running @since 0.1.0 */
export const complete = <R>(
  template: ResourceTemplate<string, any, any, R>,
  argument: McpSchema.CompleteParams["argument"],
  context?: Completion.Context
): Effect.Effect<McpSchema.CompleteResult, McpError.McpError, R> =>
  Effect.suspend(() =>
    template.relayed?.complete !== undefined ? template.relayed.complete(argument, context) : Completion.respondFor(
      {
        names: namesOf(template.wire().template),
        complete: template.complete,
        label: `The template ${JSON.stringify(template.uriTemplate)}`
      },
      argument,
      context
    )
  )

/**
 * The template as clients see it in `resources/templates/list`. Throws a `DefinitionError` when it cannot be served.
 *
 * @category encoding
 * @since 0.1.0
 */
export const describe = (template: Any): McpSchema.ResourceTemplate => {
  const mimeType = mimeTypeOf(template)
  return {
    ...(template.relayed === undefined ? undefined : Definition.relist(template.relayed.listed, {})),
    uriTemplate: template.uriTemplate,
    name: template.name,
    ...Definition.describe(template),
    ...(mimeType === undefined ? undefined : { mimeType }),
    ...(template.annotations === undefined ? undefined : { annotations: template.annotations })
  }
}

const mimeTypeOf = (template: Any) => template.mimeType ?? template.wire().mimeType

// ----------------------------------------------------------------------------
// wire
// ----------------------------------------------------------------------------

interface Wire extends reading.Reading {
  readonly template: UriTemplate.Invertible
  readonly decode: Parser
  readonly encodeParameters: Parser
}

const makeWire = (template: Any): Wire => {
  const { complete, name, parameters, success, uriTemplate } = template
  const inverted = Result.flatMap(UriTemplate.parse(uriTemplate), UriTemplate.invert)
  if (Result.isFailure(inverted)) throw invalid(uriTemplate, inverted.failure.message)
  const names = namesOf(inverted.success)
  for (
    const [what, keys] of [["parameters", Object.keys(parameters.fields)], ["complete", Object.keys(complete)]] as const
  ) {
    const unknown = keys.find((key) => !names.includes(key))
    if (unknown !== undefined) throw invalid(uriTemplate, `${what} has ${unknown}, which the template does not`)
  }
  const missing = names.find((key) => !Object.hasOwn(parameters.fields, key))
  if (missing !== undefined) throw invalid(uriTemplate, `parameters has no schema for ${missing}`)
  return {
    ...reading.make(success, { isServed: Resource.isServed(success), name }),
    template: inverted.success,
    decode: SchemaParser.decodeUnknownEffect(parameters as Resource.Codec, { errors: "all" }),
    encodeParameters: SchemaParser.encodeUnknownEffect(parameters as Resource.Codec)
  }
}

const namesOf = (template: UriTemplate.UriTemplate): ReadonlyArray<string> =>
  expressionsOf(template).flatMap(({ variables }) => variables.map(({ name }) => name))

const invalid = (uriTemplate: string, message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: JSON.stringify(uriTemplate), message }))
