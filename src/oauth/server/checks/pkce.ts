import * as Effect from "effect/Effect"
import type { Issuer } from "../issuer.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"
import { equal } from "../secrets.ts"

/** A3: that the code will be worth nothing without a secret that only the client has. */
export const challenge = (parameters: Parameters): Effect.Effect<string, Refusal.Refusal> => {
  const challenge = parameters.get("code_challenge")
  if (challenge === undefined) return Effect.fail(Refusal.make("invalid_request", "code_challenge is missing."))
  if (parameters.get("code_challenge_method") !== "S256") {
    return Effect.fail(Refusal.make("invalid_request", "The only code_challenge_method is S256."))
  }
  return /^[A-Za-z0-9_-]{43}$/u.test(challenge)
    ? Effect.succeed(challenge)
    : Effect.fail(Refusal.make("invalid_request", "code_challenge is no SHA-256 in base64url."))
}

/** T2: that whoever brings a code has the secret. */
export const verifier = (
  { secrets }: Issuer,
  parameters: Parameters,
  challenge: string
): Effect.Effect<void, Refusal.Refusal> => {
  const verifier = parameters.get("code_verifier")
  if (verifier === undefined) return Effect.fail(Refusal.make("invalid_request", "code_verifier is missing."))
  if (!/^[A-Za-z0-9._~-]{43,128}$/u.test(verifier)) {
    return Effect.fail(Refusal.make("invalid_request", "code_verifier has to have 43 to 128 unreserved characters."))
  }
  return Effect.flatMap(secrets.hash(verifier), (hash) =>
    equal(hash, challenge)
      ? Effect.void
      : Effect.fail(Refusal.make("invalid_grant", "The code is not good, or not for this request.")))
}
