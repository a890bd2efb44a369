import * as Effect from "effect/Effect"
import type { Issuer, Resource } from "../issuer.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** A8: that the token is for somebody this server knows, and for one alone (RFC 8707). */
export const resource = ({ resources }: Issuer, parameters: Parameters): Effect.Effect<Resource, Refusal.Refusal> => {
  const given = parameters.get("resource")
  const found = given === undefined ? resources.values().next().value : resources.get(given)
  return found === undefined
    ? Effect.fail(Refusal.make("invalid_target", "This server has no tokens for that resource."))
    : Effect.succeed(found)
}
