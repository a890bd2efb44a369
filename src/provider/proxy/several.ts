/** Definitions of several servers beside each other. */
import * as Effect from "effect/Effect"
import * as Provider from "../../definition/Provider.ts"

/** What can be a part of names and URIs: files let servers be called anything. */
export const namespaceOf = (server: string): string =>
  server.replaceAll(/[^A-Za-z\d_.-]+/gu, "-").replace(/^[^A-Za-z\d]+/u, "") || "server"

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
