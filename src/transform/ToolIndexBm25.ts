/**
 * Tools found by words, the best match first (BM25), with the beginnings of words and small slips. The index is
 * MiniSearch's, an optional peer: `npm install minisearch`.
 */
import * as Effect from "effect/Effect"
import * as Promised from "../core/Promised.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import type * as ToolIndex from "./ToolIndex.ts"

/** @category constructors @since 0.1.0 */
export const make = (): ToolIndex.ToolIndex => ({
  query: "Words that say what the tool should do",
  index: (documents) =>
    Effect.map(load, (MiniSearch) => {
      const index = new MiniSearch<ToolIndex.Document>({
        idField: "name",
        fields: ["name", "title", "description", "tags", "parameters"],
        tokenize: words
      })
      index.addAll(documents)
      return (query, { isFound, limit }) =>
        Effect.sync(() =>
          index.search(query.slice(0, maxQuery), {
            boost: { name: 3, title: 2, tags: 2 },
            prefix: (term) => term.length > 2,
            fuzzy: (term) => term.length > 4 ? 0.2 : false,
            filter: ({ id }) => isFound(id)
          }).slice(0, limit).map(({ id }) => id as string)
        )
    })
})

/** More of a query is not looked at. */
const maxQuery = 400

const words = (text: string): Array<string> =>
  text.replace(/(\p{Ll}|\p{N})(?=\p{Lu})/gu, "$1 ").split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "")

const load = Promised.attempt({
  try: async () => {
    // Inside `try`, so that a bundler that finds no library leaves the import to fail where it is run.
    try {
      return (await import("minisearch")).default
    } catch (cause) {
      throw new Error("MiniSearch could not be loaded", { cause })
    }
  },
  catch: () =>
    DefinitionError.make(
      new DefinitionError.InvalidDefinition({
        name: "A tool search",
        message: "tools are found with MiniSearch 7, which is not installed; run: npm install minisearch"
      })
    )
})
