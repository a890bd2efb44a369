/**
 * Where definitions come from: a stream of catalogues, the first of which is what there is now. Code is one source
 * (`fromDefinitions`); a remote server, a directory or a table are others (`provider/`), and a transform makes one
 * provider of another (`transform/`). A server serves what its providers have (`McpServer.register`).
 */
import * as Arr from "effect/Array"
import type * as Effect from "effect/Effect"
import * as Pipeable from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Definition from "./Definition.ts"
import type * as Prompt from "./Prompt.ts"
import * as Resource from "./Resource.ts"
import * as ResourceTemplate from "./ResourceTemplate.ts"
import * as Tool from "./Tool.ts"

const TypeId = "~fastmcp-effect/definition/Provider"

/** All that can be served. @category models @since 0.1.0 */
export type AnyDefinition =
  | Tool.AnyHandled
  | Resource.AnyHandled
  | ResourceTemplate.AnyHandled
  | Prompt.AnyHandled

/** What can be told apart by its name, with code or without. */
type Contract = Tool.Any | Resource.Any | ResourceTemplate.Any | Prompt.Any

/** In the order of its lists. @category models @since 0.1.0 */
export type Catalogue = ReadonlyArray<AnyDefinition>

/**
 * `E` is what it fails with, `R` what it and the handlers of its definitions need.
 *
 * @category models
 * @since 0.1.0
 */
export interface Provider<out E, out R> extends Pipeable.Pipeable {
  readonly [TypeId]: { readonly services: (_: never) => R }
  /**
   * What there is and, after each change, what there is then. Running it opens the source and holds it open; whoever
   * serves it needs the first catalogue before it is ready. Where it ends, the last one stays.
   */
  readonly catalogues: Stream.Stream<Catalogue, E, any>
}

/** @category models @since 0.1.0 */
export interface Any extends Provider<any, any> {}

/**
 * Makes one provider of another, in `pipe`. `E` is what it may fail with beside, `R` what it needs beside.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transform<out E = never, out R = never> {
  <E0, R0>(self: Provider<E0, R0>): Provider<E0 | E, R0 | R>
}

/** @category utility types @since 0.1.0 */
export type Error<P> = P extends Provider<infer E, infer _R> ? E : never

/** @category utility types @since 0.1.0 */
export type Services<P> = P extends Provider<infer _E, infer R> ? R : never

/** What the code of a definition needs. @category utility types @since 0.1.0 */
export type ServicesOf<D> =
  | Tool.Services<D>
  | Resource.Services<D>
  | ResourceTemplate.Services<D>
  | Prompt.Services<D>

/** @category guards @since 0.1.0 */
export const isProvider = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)

const variance = { services: (_: never): never => _ }

/** @category constructors @since 0.1.0 */
export const make = <D extends AnyDefinition, E = never, R = never>(
  catalogues: Stream.Stream<ReadonlyArray<D>, E, R>
): Provider<E, R | ServicesOf<D>> =>
  Object.assign(Object.create(Pipeable.Prototype), { [TypeId]: variance, catalogues })

/** What never changes. @category constructors @since 0.1.0 */
export const fromDefinitions = <const Definitions extends ReadonlyArray<AnyDefinition>>(
  ...definitions: Definitions
): Provider<never, ServicesOf<Definitions[number]>> => make(Stream.succeed(definitions))

/**
 * All of them as one, in their order: it has its first catalogue when each of them has.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = <const Providers extends Arr.NonEmptyReadonlyArray<Any>>(
  ...providers: Providers
): Provider<Error<Providers[number]>, Services<Providers[number]>> =>
  make(Stream.map(Stream.zipLatestAll(...providers.map(({ catalogues }) => catalogues)), Arr.flatten))

/**
 * Another catalogue in the place of each. A definition keeps its code; `R` is what `f` adds that needs something.
 *
 * @category combinators
 * @since 0.1.0
 */
export const map = <E, R, D extends AnyDefinition>(
  self: Provider<E, R>,
  f: (catalogue: Catalogue) => ReadonlyArray<D>
): Provider<E, R> => make(Stream.map(self.catalogues, f))

/**
 * The same, where it may fail or needs something.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mapEffect = <E, R, E2, R2>(
  self: Provider<E, R>,
  f: (catalogue: Catalogue) => Effect.Effect<Catalogue, E2, R2>
): Provider<E | E2, R | R2> => make(Stream.mapEffect(self.catalogues, f))

/**
 * Says of each definition that it came this way, so that two that claim one name can be told apart in the error.
 *
 * @category combinators
 * @since 0.1.0
 */
export const from = <E, R>(self: Provider<E, R>, step: string): Provider<E, R> =>
  map(self, (catalogue) => catalogue.map((definition) => Definition.from(definition, step)))

/**
 * What a definition is found by: the name of a tool or a prompt, the URI of a resource, the text of a template.
 *
 * @category getters
 * @since 0.1.0
 */
export const nameOf = (definition: Contract): string =>
  Resource.isResource(definition)
    ? definition.uri
    : ResourceTemplate.isResourceTemplate(definition)
    ? definition.uriTemplate
    : definition.name

/** @category getters @since 0.1.0 */
export const kindOf = (definition: Contract): "tool" | "resource" | "resource template" | "prompt" =>
  Tool.isTool(definition)
    ? "tool"
    : Resource.isResource(definition)
    ? "resource"
    : ResourceTemplate.isResourceTemplate(definition)
    ? "resource template"
    : "prompt"
