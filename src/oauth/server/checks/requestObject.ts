import * as Effect from "effect/Effect"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** A13: that nothing of the request is elsewhere, where this server would have to fetch it. */
export const requestObject = (parameters: Parameters): Effect.Effect<void, Refusal.Refusal> =>
  parameters.has("request")
    ? Effect.fail(Refusal.make("request_not_supported", "Requests are not taken as JWTs."))
    : parameters.has("request_uri")
    ? Effect.fail(Refusal.make("request_uri_not_supported", "Requests are only taken from where they were pushed to."))
    : parameters.has("registration")
    ? Effect.fail(Refusal.make("registration_not_supported", "Clients do not register in a request."))
    : Effect.void
