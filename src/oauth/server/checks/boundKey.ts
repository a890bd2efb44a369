import * as Effect from "effect/Effect"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** T11: the key that the code is to be bound to (RFC 9449, 10): named, or proven by who has pushed the request. */
export const boundKey = (
  parameters: Parameters,
  proven: string | undefined
): Effect.Effect<string | undefined, Refusal.Refusal> => {
  const named = parameters.get("dpop_jkt")
  if (named === undefined) return Effect.succeed(proven)
  if (!/^[A-Za-z0-9_-]{43}$/u.test(named)) {
    return Effect.fail(Refusal.make("invalid_request", "dpop_jkt is no SHA-256 in base64url."))
  }
  return proven === undefined || proven === named
    ? Effect.succeed(named)
    : Effect.fail(Refusal.make("invalid_dpop_proof", "dpop_jkt is another key than that of the DPoP proof."))
}
