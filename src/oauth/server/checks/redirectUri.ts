import * as Effect from "effect/Effect"
import * as RedirectUri from "../../RedirectUri.ts"
import type * as Client from "../Client.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** A1, A2: that the browser is sent nowhere but to the client. */
export const redirectUri = (
  { redirectUris }: Client.Client,
  parameters: Parameters
): Effect.Effect<string, Refusal.Refusal> => {
  const given = parameters.get("redirect_uri")
  if (given === undefined) return Effect.fail(Refusal.make("invalid_request", "redirect_uri is missing."))
  return redirectUris.some((registered) => RedirectUri.matches(registered, given))
    ? Effect.succeed(given)
    : Effect.fail(Refusal.make("invalid_request", "redirect_uri is none of those of this client."))
}
