/**
 * Transforms that are told of definitions by name, and find out that there is none.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as DefinitionError from "../../definition/DefinitionError.ts"
import * as Provider from "../../definition/Provider.ts"

/** What comes of a name that no definition has. */
export type Missing = "error" | "ignore"

export type Expected = readonly [kind: RequestContext.Kind | ReadonlyArray<RequestContext.Kind>, name: string]

/**
 * Another catalogue in the place of each. A name that is missing in the first fails the provider; one that goes missing
 * later is told in the log, since what is left can still be served.
 */
export const map = <E, R>(
  self: Provider.Provider<E, R>,
  expected: ReadonlyArray<Expected>,
  missing: Missing,
  f: (catalogue: Provider.Catalogue) => Provider.Catalogue
): Provider.Provider<E | DefinitionError.DefinitionError, R> => {
  if (missing === "ignore" || expected.length === 0) return Provider.map(self, f)
  return Provider.make(Stream.mapAccumEffect(
    self.catalogues,
    () => true,
    Effect.fnUntraced(function*(isFirst, catalogue: Provider.Catalogue) {
      for (const error of missingIn(catalogue, expected)) {
        if (isFirst) return yield* error
        yield* Effect.logWarning(`${error.message} any more, which a transform is for`)
      }
      return [false, [f(catalogue)]] as const
    })
  ))
}

const missingIn = (
  catalogue: Provider.Catalogue,
  expected: ReadonlyArray<Expected>
): ReadonlyArray<DefinitionError.DefinitionError> => {
  const there = new Set(
    catalogue.map((definition) => `${Provider.kindOf(definition)} ${Provider.nameOf(definition)}`)
  )
  return expected.flatMap(([kind, name]) => {
    const kinds = typeof kind === "string" ? [kind] : kind
    return kinds.some((kind) => there.has(`${kind} ${name}`))
      ? []
      : [DefinitionError.make(new DefinitionError.NotFound({ kind: kinds[0]!, name }))]
  })
}
