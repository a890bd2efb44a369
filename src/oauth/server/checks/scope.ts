import * as Effect from "effect/Effect"
import * as Scope from "../../Scope.ts"
import type * as Client from "../Client.ts"
import type { Issuer, Resource } from "../issuer.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/**
 * What of the scopes asked for there is, and this client may have; the answer says which they are (RFC 6749, 3.3). All of
 * the resource where none is asked for.
 */
export const scopes = (
  { extensions }: Issuer,
  client: Client.Client,
  resource: Resource,
  parameters: Parameters
): Effect.Effect<ReadonlyArray<string>, Refusal.Refusal> => {
  const given = parameters.get("scope")
  if (given !== undefined && !Scope.parse(given).every(Scope.isScope)) {
    return Effect.fail(Refusal.make("invalid_scope", "scope has characters in it that no scope has."))
  }
  const asked = given === undefined ? [...resource.scopes.keys()] : Scope.parse(given)
  const granted = asked.filter((scope) =>
    (resource.scopes.has(scope) || scope === offlineAccess || extensions.some(({ scopes }) => scopes.has(scope)))
    && (client.scopes === undefined || client.scopes.includes(scope))
  )
  return granted.length === 0 && asked.length > 0
    ? Effect.fail(
      Refusal.make("invalid_scope", "None of the scopes asked for is to be had for this client and resource.")
    )
    : Effect.succeed(granted)
}

/** Asks for a refresh token, which every client gets that may use one. */
export const offlineAccess = "offline_access"
