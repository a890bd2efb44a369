/** How the ID tokens of a client are signed. */
import * as Effect from "effect/Effect"
import type * as Client from "../server/Client.ts"
import type { Issuer } from "../server/issuer.ts"

/** As the client wants it, be it to be had or not. One that has not been set up by hand and says nothing wants RS256. */
export const algorithmOf = (
  client: Pick<Client.Client, "idTokenAlgorithm" | "origin">,
  algorithms: ReadonlyArray<string>
): string | undefined =>
  client.idTokenAlgorithm
    ?? (client.origin !== "configured" && algorithms.includes("RS256") ? "RS256" : algorithms[0])

/** Undefined when there is a key for it, which signs now. */
export const problemOf = (
  { keys }: Pick<Issuer, "keys">,
  client: Pick<Client.Client, "idTokenAlgorithm" | "origin">
): Effect.Effect<string | undefined> =>
  Effect.map(keys.algorithms, (algorithms) => {
    const algorithm = algorithmOf(client, algorithms)
    return algorithm !== undefined && algorithms.includes(algorithm)
      ? undefined
      : `ID tokens are not signed with ${algorithm ?? "anything"} here, but with: ${algorithms.join(", ")}`
  })
