import * as Effect from "effect/Effect"
import type * as Client from "../Client.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** A5: that a code is asked for, and that it comes in the query of the redirect URI. */
export const responseType = (
  { grantTypes }: Client.Client,
  parameters: Parameters
): Effect.Effect<void, Refusal.Refusal> => {
  const type = parameters.get("response_type")
  if (type === undefined) return Effect.fail(Refusal.make("invalid_request", "response_type is missing."))
  if (type !== "code") {
    return Effect.fail(Refusal.make("unsupported_response_type", "The only response_type is code."))
  }
  if ((parameters.get("response_mode") ?? "query") !== "query") {
    return Effect.fail(Refusal.make("invalid_request", "The only response_mode is query."))
  }
  return grantTypes.includes("authorization_code")
    ? Effect.void
    : Effect.fail(Refusal.make("unauthorized_client", "This client may not ask for codes."))
}
