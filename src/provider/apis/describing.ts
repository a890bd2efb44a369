/** What a part of an API says of itself, for the tool it becomes. */
import * as Context from "effect/Context"
import * as OpenApi from "effect/http-api/OpenApi"
import type * as Definition from "../../definition/Definition.ts"
import * as Tool from "../../definition/Tool.ts"

export interface Options<At> {
  /** Whether there is a tool of it; what is annotated with `OpenApi.Exclude` has none. Yes. */
  readonly include?: (at: At) => boolean
  /** What its tool is called. */
  readonly name?: (at: At) => string
  /** What its tool says of itself instead: hints, scopes, who sees it, and more. */
  readonly amend?: (at: At) => Tool.Amendments | undefined
}

/** Of the annotations of `OpenApi` those that a tool has, too. */
export const describe = (
  annotations: Context.Context<never>,
  fallback?: string
): Pick<Definition.Options, "title" | "description"> => {
  const summary = Context.getOrUndefined(annotations, OpenApi.Summary)
  const title = Context.getOrUndefined(annotations, OpenApi.Title) ?? summary
  const text = Context.getOrUndefined(annotations, OpenApi.Description) ?? summary ?? fallback
  const isDeprecated = Context.getOrUndefined(annotations, OpenApi.Deprecated) === true
  return {
    title: title === text ? undefined : title,
    description: isDeprecated ? ["Deprecated.", text].join(" ").trim() : text
  }
}

/** A name for a tool: what may not be in one becomes `_`. */
export const nameOf = (...parts: ReadonlyArray<string>): string => parts.join("_").replace(/[^A-Za-z\d_.-]+/gu, "_")

export const isIncluded = <At>(
  annotations: Context.Context<never>,
  at: At,
  { include = () => true }: Options<At>
): boolean => !Context.get(annotations, OpenApi.Exclude) && include(at)

export const amended = <At, R>(
  tool: Tool.Handled<string, Tool.Codec, Tool.Codec, Tool.Codec, R>,
  at: At,
  { amend }: Options<At>
): Tool.Handled<string, Tool.Codec, Tool.Codec, Tool.Codec, R> => {
  const changes = amend?.(at)
  return changes === undefined ? tool : Tool.amend(tool, changes)
}
