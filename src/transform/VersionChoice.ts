/**
 * One of the versions of each name. Definitions of one kind that have one name are versions of each other, told apart by
 * their `version`; the newest is shown.
 */
import * as Definition from "../definition/Definition.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import * as expecting from "./internal/expecting.ts"
import * as semver from "./internal/semver.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Versions that come into question, as npm writes ranges: `1.x`, `^1.2`, `>=1 <3`. Everything when left out. What has
   * no version, or one that is not semantic, is in no range and stays where no version of its name has one.
   */
  readonly range?: string
  /** The same for single names, in place of `range`. */
  readonly ranges?: { readonly [name: string]: string }
  /**
   * The tools and prompts that are not shown are `gone`, or there for who asks for them by a name that says the version,
   * `forecast_v1.2.0`, and is in no list (`by name`). `gone`.
   */
  readonly others?: "gone" | "by name"
  /** What comes of a name in `ranges` that no definition has: `error`. */
  readonly missing?: expecting.Missing
}

/**
 * Throws a `DefinitionError` for a range that cannot be read.
 *
 * **Details**
 *
 * A semantic version is newer than one that is not, and those are as new as they are later in the alphabet, which is
 * right for dates. Of two that are the same the later one in the catalogue counts as newer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Provider.Transform<DefinitionError.DefinitionError> => {
  const all = options.range === undefined ? undefined : read(options.range)
  const single = new Map(Object.entries(options.ranges ?? {}).map(([name, range]) => [name, read(range)]))
  const isIn = (name: string, { version }: Definition.Common): boolean => {
    const range = single.get(name) ?? all
    if (range === undefined) return true
    const parsed = version === undefined ? undefined : semver.parse(version)
    return parsed !== undefined && range(parsed)
  }
  return (self) =>
    expecting.map(
      self,
      [...single.keys()].map((name) => [["tool", "prompt", "resource", "resource template"], name] as const),
      options.missing ?? "error",
      (catalogue) => {
        const groups = Map.groupBy(catalogue, (definition) =>
          `${Provider.kindOf(definition)} ${Provider.nameOf(definition)}`)
        const chosen = new Map([...groups].map(([key, group]) => [key, choose(group, isIn)]))
        return catalogue.flatMap((definition) => {
          const key = `${Provider.kindOf(definition)} ${Provider.nameOf(definition)}`
          if (chosen.get(key) === definition) {
            return [definition]
          }
          return options.others === "by name" ? byName(definition) : []
        })
      }
    )
}

const read = (text: string): semver.Range => {
  const range = semver.range(text)
  if (range !== undefined) return range
  throw DefinitionError.make(
    new DefinitionError.InvalidDefinition({
      name: `The range ${JSON.stringify(text)}`,
      message: "a range is written as 1.x, ^1.2, ~1.2.3, >=1 <3, or several of them with || between"
    })
  )
}

const choose = (
  group: ReadonlyArray<Provider.AnyDefinition>,
  isIn: (name: string, definition: Definition.Common) => boolean
): Provider.AnyDefinition | undefined => {
  const isVersioned = group.some(({ version }) => version !== undefined && semver.parse(version) !== undefined)
  return group
    .filter((definition) => !isVersioned || isIn(Provider.nameOf(definition), definition))
    .reduce<Provider.AnyDefinition | undefined>(
      (newest, definition) =>
        newest === undefined || compare(newest.version, definition.version) <= 0 ? definition : newest,
      undefined
    )
}

const compare = (a: string | undefined, b: string | undefined): number => {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  const [left, right] = [semver.parse(a), semver.parse(b)]
  if (left !== undefined && right !== undefined) return semver.compare(left, right)
  if (left !== undefined || right !== undefined) return left === undefined ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** What goes by its URI has no other name. */
const byName = (definition: Provider.AnyDefinition): ReadonlyArray<Provider.AnyDefinition> => {
  const { version } = definition
  if (version === undefined) return []
  const suffix = `_v${version.replace(/^v(?=\d)/u, "")}`
  const unlisted = { unlisted: true }
  if (Tool.isHandled(definition)) {
    const named: Tool.AnyHandled = Tool.amend(definition, { name: definition.name + suffix })
    return [Definition.from({ ...named, ...unlisted }, `version ${version}`)]
  }
  if (Prompt.isHandled(definition)) {
    const named: Prompt.AnyHandled = Prompt.amend(definition, { name: definition.name + suffix })
    return [Definition.from({ ...named, ...unlisted }, `version ${version}`)]
  }
  return []
}
