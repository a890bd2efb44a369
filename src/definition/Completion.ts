/**
 * Suggestions for the values of a prompt's arguments and of a template's variables, while somebody types them.
 */
import * as Effect from "effect/Effect"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"

/** What else is known when a value is completed. @category models @since 0.1.0 */
export interface Context {
  /** What has been filled in so far; empty with clients before 2025-06-18. */
  readonly arguments: { readonly [name: string]: string }
}

/**
 * Candidates for what has been typed, best first; or all there are, of which those that begin with it (in any case)
 * come first, then those that contain it.
 *
 * @category models
 * @since 0.1.0
 */
export type Completer<R = never> =
  | ReadonlyArray<string>
  | ((value: string, context: Context) => Effect.Effect<ReadonlyArray<string>, never, R>)

/** @category models @since 0.1.0 */
export type Any = Completer<any>

/** Completers by the name of what they complete. @category models @since 0.1.0 */
export interface Completers<out R = never> {
  readonly [name: string]: Completer<R> | undefined
}

/** What completes the arguments of a definition that is listed elsewhere. @category models @since 0.1.0 */
export type Relayed<R> = (
  argument: McpSchema.CompleteParams["argument"],
  context: Context | undefined
) => Effect.Effect<McpSchema.CompleteResult, McpError.McpError, R>

/** What a completer needs. @category utility types @since 0.1.0 */
export type Services<C> = C extends (...args: any) => Effect.Effect<any, any, infer R> ? R : never

/** How many values a client gets at most. @category running @since 0.1.0 */
export const maxValues = 100

/** The candidates, all of them. @category running @since 0.1.0 */
export const run = <R = never>(
  completer: Completer<R>,
  value: string,
  context: Context = { arguments: {} }
): Effect.Effect<ReadonlyArray<string>, never, R> =>
  isList(completer)
    ? Effect.succeed(filter(completer, value))
    : Effect.suspend(() => completer(value, context))

/** The first of the candidates, and how many there are if these are not all. @category running @since 0.1.0 */
export const respond = <R = never>(
  completer: Completer<R>,
  value: string,
  context?: Context
): Effect.Effect<McpSchema.CompleteResult, never, R> => Effect.map(run(completer, value, context), resultOf)

/**
 * Completes the argument a client asks about: with nothing where it has no completer; a name that is not among the
 * `names` is refused.
 *
 * @category running
 * @since 0.1.0
 */
export const respondFor = <R = never>(
  target: { readonly names: ReadonlyArray<string>; readonly complete: Completers<R>; readonly label: string },
  argument: McpSchema.CompleteParams["argument"],
  context?: Context
): Effect.Effect<McpSchema.CompleteResult, McpError.McpError, R> => {
  const { complete, label, names } = target
  const { name, value } = argument
  if (!names.includes(name)) {
    const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`
    return Effect.fail(McpError.invalidParams(`${label} has no argument ${JSON.stringify(name)}; ${known}`))
  }
  const completer = Object.hasOwn(complete, name) ? complete[name] : undefined
  return completer === undefined ? Effect.succeed(resultOf([])) : respond(completer, value, context)
}

const resultOf = (all: ReadonlyArray<string>): McpSchema.CompleteResult => ({
  completion: all.length > maxValues
    ? { values: all.slice(0, maxValues), total: all.length, hasMore: true }
    : { values: all }
})

const isList = (completer: Any): completer is ReadonlyArray<string> => Array.isArray(completer)

const filter = (candidates: ReadonlyArray<string>, value: string): ReadonlyArray<string> => {
  const typed = value.toLowerCase()
  const beginning: Array<string> = []
  const containing: Array<string> = []
  for (const candidate of candidates) {
    const index = candidate.toLowerCase().indexOf(typed)
    if (index >= 0) (index === 0 ? beginning : containing).push(candidate)
  }
  return [...beginning, ...containing]
}
