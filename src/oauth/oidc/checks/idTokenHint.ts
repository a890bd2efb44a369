import * as Effect from "effect/Effect"
import type { Asking } from "../../server/issuer.ts"
import * as Refusal from "../../server/Refusal.ts"
import * as hints from "../idTokenHint.ts"

/** Who it has to be, from a token that the client has got here. */
export const idTokenHint = (
  { client, issuer, parameters }: Asking
): Effect.Effect<string | undefined, Refusal.Refusal> =>
  Effect.gen(function*() {
    const given = parameters.get("id_token_hint")
    if (given === undefined) return undefined
    const hint = yield* hints.read(issuer, given)
    return hint?.clientId === client.id
      ? hint.subject
      : yield* Refusal.make("invalid_request", "id_token_hint is no ID token that this client has got here.")
  })
