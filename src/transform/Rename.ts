/**
 * Definitions that say something else of themselves: another name, title or description, other tags, hints, icons or
 * metadata. Their code stays the same, and finds what stands beside it by the old names.
 */
import * as Definition from "../definition/Definition.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Provider from "../definition/Provider.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import * as definitions from "./internal/definitions.ts"
import * as expecting from "./internal/expecting.ts"

/**
 * Changes by name, each a new name or more than that; or a function, which is asked about all and has nothing to say of
 * some.
 *
 * @category models
 * @since 0.1.0
 */
export type Changes<D, Amendments> =
  | { readonly [name: string]: string | Amendments }
  | ((definition: D) => string | Amendments | undefined)

/** @category models @since 0.1.0 */
export interface Options {
  readonly tools?: Changes<Tool.AnyHandled, Tool.Amendments>
  readonly prompts?: Changes<Prompt.AnyHandled, Prompt.Amendments>
  /** Resources by their URI and templates by their text, which stay: a name is what people are shown. */
  readonly resources?: Changes<
    Resource.AnyHandled | ResourceTemplate.AnyHandled,
    ResourceTemplate.Amendments
  >
  /** What comes of a name that no definition has: `error`. One that is gone in a later catalogue is logged. */
  readonly missing?: expecting.Missing
}

/**
 * Names may be exchanged: each change is of what came in.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make =
  (options: Options): Provider.Transform<DefinitionError.DefinitionError> => <E, R>(self: Provider.Provider<E, R>) =>
    expecting.map(
      self,
      [
        ...namesOf(options.tools).map((name) => ["tool", name] as const),
        ...namesOf(options.prompts).map((name) => ["prompt", name] as const),
        ...namesOf(options.resources).map((name) => [["resource", "resource template"], name] as const)
      ],
      options.missing ?? "error",
      (catalogue) => rename(catalogue, options)
    )

const namesOf = <D, A>(changes: Changes<D, A> | undefined): ReadonlyArray<string> =>
  changes === undefined || typeof changes === "function" ? [] : Object.keys(changes)

const rename = (catalogue: Provider.Catalogue, options: Options): Provider.Catalogue => {
  const changed = catalogue.map((definition) => amend(definition, options))
  const moved = new Map(
    catalogue.flatMap((definition, index) => {
      const [before, after] = [Provider.nameOf(definition), Provider.nameOf(changed[index]!)]
      return before === after ? [] : [[`${Provider.kindOf(definition)} ${before}`, after] as const]
    })
  )
  const stepped = changed.map((definition, index) =>
    definition === catalogue[index]
      ? definition
      : Definition.from(definition, `rename ${Provider.nameOf(catalogue[index]!)}`)
  )
  return moved.size === 0 ?
    stepped :
    stepped.map((definition) => definitions.withNames(definition, (kind, name) => moved.get(`${kind} ${name}`) ?? name))
}

const amend = (definition: Provider.AnyDefinition, options: Options): Provider.AnyDefinition => {
  if (Tool.isHandled(definition)) {
    const change = changeOf(options.tools, definition, definition.name)
    return change === undefined ? definition : Tool.amend(definition, asAmendments(change))
  }
  if (Prompt.isHandled(definition)) {
    const change = changeOf(options.prompts, definition, definition.name)
    return change === undefined ? definition : Prompt.amend(definition, asAmendments(change))
  }
  if (Resource.isHandled(definition)) {
    const change = changeOf(options.resources, definition, definition.uri)
    return change === undefined ? definition : Resource.amend(definition, asAmendments(change))
  }
  if (ResourceTemplate.isHandled(definition)) {
    const change = changeOf(options.resources, definition, definition.uriTemplate)
    return change === undefined ? definition : ResourceTemplate.amend(definition, asAmendments(change))
  }
  return definition
}

const asAmendments = <A extends object>(change: string | A): A | { readonly name: string } =>
  typeof change === "string" ? { name: change } : change

const changeOf = <D, A>(changes: Changes<D, A> | undefined, definition: D, name: string): string | A | undefined =>
  changes === undefined
    ? undefined
    : typeof changes === "function"
    ? changes(definition)
    : Object.hasOwn(changes, name)
    ? changes[name]
    : undefined
