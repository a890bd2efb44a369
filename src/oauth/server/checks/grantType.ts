import * as Effect from "effect/Effect"
import * as Client from "../Client.ts"
import type { GrantType, Issuer } from "../issuer.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** That there is such a grant type, and that the client may use it. */
export const grantType = (
  { grantTypes }: Issuer,
  client: Client.Client,
  parameters: Parameters
): Effect.Effect<GrantType, Refusal.Refusal> => {
  const name = parameters.get("grant_type")
  if (name === undefined) return Effect.fail(Refusal.make("invalid_request", "grant_type is missing."))
  const found = grantTypes.get(name)
  if (found === undefined) {
    return Effect.fail(
      Refusal.make("unsupported_grant_type", `grant_type has to be of: ${[...grantTypes.keys()].join(", ")}.`)
    )
  }
  return client.grantTypes.includes(name) && (found.isPublic || Client.isConfidential(client))
    ? Effect.succeed(found)
    : Effect.fail(Refusal.make("unauthorized_client", "This client may not use that grant type."))
}
