/**
 * The code behind the entries of a catalogue: one handler for all entries that name it, each of which brings settings of
 * its own. Settings are checked when an entry is loaded, input when it comes, and a handler sees neither before.
 */
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Definition from "../definition/Definition.ts"
import type * as Prompt_ from "../definition/Prompt.ts"
import type * as Resource_ from "../definition/Resource.ts"
import type * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as CatalogueEntry from "./CatalogueEntry.ts"

const TypeId = "~fastmcp-effect/provider/CatalogueHandler"

/** A schema that decodes without asking for services. @category models @since 0.1.0 */
export type Codec = Schema.Codec<any, any>

interface Common<in out Settings extends Codec> {
  readonly [TypeId]: typeof TypeId
  readonly settings: Settings
}

/** Of tools; `R` is what its code needs. @category models @since 0.1.0 */
export interface Tool<in out Settings extends Codec, in out Failure extends Codec, out R> extends Common<Settings> {
  readonly kind: "tool"
  readonly failure: Failure
  readonly handler: (
    settings: Settings["Type"],
    input: JsonObject,
    entry: CatalogueEntry.Tool
  ) => Effect.Effect<unknown, Failure["Type"] | Definition.HandlerError, R>
}

/** What is read: a resource, or what a URI has for the variables of a template. @category models @since 0.1.0 */
export interface Wanted {
  readonly uri: string
  /** Empty for a resource. */
  readonly values: ResourceTemplate.Values
}

/** Of resources and templates. @category models @since 0.1.0 */
export interface Resource<in out Settings extends Codec, out R> extends Common<Settings> {
  readonly kind: "resource"
  readonly handler: (
    settings: Settings["Type"],
    wanted: Wanted,
    entry: CatalogueEntry.Resource | CatalogueEntry.Template
  ) => Effect.Effect<Resource_.Served | undefined | null, Definition.HandlerError, R>
}

/** What a client has filled in. @category models @since 0.1.0 */
export interface Arguments {
  readonly [name: string]: string
}

/** Of prompts. @category models @since 0.1.0 */
export interface Prompt<in out Settings extends Codec, out R> extends Common<Settings> {
  readonly kind: "prompt"
  readonly handler: (
    settings: Settings["Type"],
    arguments_: Arguments,
    entry: CatalogueEntry.Prompt
  ) => Effect.Effect<Prompt_.Served, Definition.HandlerError, R>
}

/** @category models @since 0.1.0 */
export type Any = Tool<any, any, any> | Resource<any, any> | Prompt<any, any>

/** By the names entries have for them. @category models @since 0.1.0 */
export interface Handlers {
  readonly [name: string]: Any
}

/** What the code of a handler needs. @category utility types @since 0.1.0 */
export type Services<H> = H extends { readonly handler: (...args: any) => Effect.Effect<any, any, infer R> } ? R : never

const NoSettings = Schema.Struct({})

type Settings<S extends Codec> = { readonly settings?: S }

/**
 * What it succeeds with is structured content where the entry has an `outputSchema`. Otherwise it is a result of your
 * own making if it has `content`, and else is given as text: a string as it is, nothing as nothing, and the rest as JSON.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tool = <R, S extends Codec = typeof NoSettings, F extends Codec = typeof Schema.Never>(
  options: Settings<S> & {
    /** What it may fail with: it reaches the client as a tool error. */
    readonly failure?: F
    readonly handler: Tool<S, F, R>["handler"]
  }
): Tool<S, F, R> => ({
  [TypeId]: TypeId,
  kind: "tool",
  settings: (options.settings ?? NoSettings) as S,
  failure: (options.failure ?? Schema.Never) as F,
  handler: options.handler
})

/**
 * `undefined` and `null` stand for a resource that does not exist.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resource = <R, S extends Codec = typeof NoSettings>(
  options: Settings<S> & { readonly handler: Resource<S, R>["handler"] }
): Resource<S, R> => ({
  [TypeId]: TypeId,
  kind: "resource",
  settings: (options.settings ?? NoSettings) as S,
  handler: options.handler
})

/** It succeeds as any prompt does. @category constructors @since 0.1.0 */
export const prompt = <R, S extends Codec = typeof NoSettings>(
  options: Settings<S> & { readonly handler: Prompt<S, R>["handler"] }
): Prompt<S, R> => ({
  [TypeId]: TypeId,
  kind: "prompt",
  settings: (options.settings ?? NoSettings) as S,
  handler: options.handler
})

/** @category guards @since 0.1.0 */
export const isHandler = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)
