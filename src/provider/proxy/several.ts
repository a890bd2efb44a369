/** Definitions of several servers beside each other. */
import * as Effect from "effect/Effect"
import * as Prompt from "../../definition/Prompt.ts"
import * as Provider from "../../definition/Provider.ts"
import * as Tool from "../../definition/Tool.ts"

/** With the server's prefix before the names of tools and prompts. A URI says by itself whose it is. */
export const prefixed = (catalogue: Provider.Catalogue, prefix: string): Provider.Catalogue =>
  catalogue.map((definition): Provider.AnyDefinition =>
    Tool.isHandled(definition)
      ? Tool.amend(definition, { name: fit(prefix + definition.name) })
      : Prompt.isHandled(definition)
      ? Prompt.amend(definition, { name: prefix + definition.name })
      : definition
  )

/** The characters of a tool's name are few, those of a server's in a file are not. */
const fit = (name: string): string => name.replaceAll(/[^A-Za-z\d_.-]+/gu, "-").slice(0, 128)

/** What more than one of them has is the first one's; the others are named in the log. */
export const distinct = (catalogue: Provider.Catalogue): Effect.Effect<Provider.Catalogue> => {
  const taken = new Set<string>()
  const faults: Array<string> = []
  const kept = catalogue.filter((definition) => {
    const what = `${Provider.kindOf(definition)} ${JSON.stringify(Provider.nameOf(definition))}`
    if (!taken.has(what)) return taken.add(what)
    faults.push(`${what} of ${definition.source.join(" > ")}`)
    return false
  })
  return faults.length === 0
    ? Effect.succeed(catalogue)
    : Effect.as(Effect.logWarning("Left out, for another server has it already", faults), kept)
}
