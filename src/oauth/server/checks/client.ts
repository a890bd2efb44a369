import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as Client from "../Client.ts"
import type { Failure, Issuer } from "../issuer.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** A1: that there is such a client, and that it may ask users for anything. */
export const client = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  parameters: Parameters
): Effect.Effect<Client.Client, Failure> => {
  const id = parameters.get("client_id")
  if (id === undefined) return Effect.fail(Refusal.make("invalid_request", "client_id is missing."))
  return Effect.flatMap(issuer.client(id, issuer.addressOf(request)), (client) =>
    client === undefined
      ? Effect.fail(Refusal.make("invalid_client", "There is no such client."))
      : Effect.succeed(client))
}
