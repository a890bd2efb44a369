/**
 * Tools found by a regular expression, in any case, in the order of the catalogue, those first whose name it fits. The
 * engine is RE2's, which takes time linear in the text whatever the pattern; an optional peer: `npm install re2js`. What
 * it cannot do in that time (lookaround, back references) is refused.
 */
import * as Effect from "effect/Effect"
import * as Promised from "../core/Promised.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as ToolIndex from "./ToolIndex.ts"

/** @category constructors @since 0.1.0 */
export const make = (): ToolIndex.ToolIndex => ({
  query:
    "A regular expression (RE2) for the tool's name, description, tags or arguments, such as `^get_.*(user|account)`",
  index: (documents) =>
    Effect.map(load, ({ RE2JS }) => {
      const texts = documents.map(({ description, name, parameters, tags, title }) => ({
        name,
        text: [name, title, description, tags, parameters].join("\n").slice(0, maxText)
      }))
      return Effect.fnUntraced(function*(query, { isFound, limit }) {
        const pattern = yield* Effect.try({
          try: () => {
            if (query.length > maxPattern) throw new Error(`it has more than ${maxPattern} characters`)
            const compiled = RE2JS.compile(query, RE2JS.CASE_INSENSITIVE | RE2JS.MULTILINE)
            if (compiled.programSize() > maxProgram) throw new Error("it repeats too much")
            return compiled
          },
          catch: (error) =>
            new ToolIndex.InvalidQuery({
              text: `This is no regular expression to search with: ${
                error instanceof Error ? error.message : String(error)
              }`
            })
        })
        const named: Array<string> = []
        const others: Array<string> = []
        for (const [position, { name, text }] of texts.entries()) {
          // Who else is served does not wait for the whole of it, and a deadline can end it.
          if (position % 50 === 49) yield* Effect.yieldNow
          if (!isFound(name) || !pattern.test(text)) continue
          ;(pattern.test(name) ? named : others).push(name)
          if (named.length >= limit) break
        }
        return [...named, ...others].slice(0, limit)
      })
    })
})

const maxPattern = 200

/** Steps of a pattern, each of which takes its time for each character of a text. */
const maxProgram = 200

/** What follows of a text is not looked at. */
const maxText = 1000

const load = Promised.attempt({
  try: async () => {
    // Inside `try`, so that a bundler that finds no library leaves the import to fail where it is run.
    try {
      return await import("re2js")
    } catch (cause) {
      throw new Error("RE2JS could not be loaded", { cause })
    }
  },
  catch: () =>
    DefinitionError.make(
      new DefinitionError.InvalidDefinition({
        name: "A tool search",
        message: "patterns are matched with RE2JS 2, which is not installed; run: npm install re2js"
      })
    )
})
