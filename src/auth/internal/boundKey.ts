/** The key that a token says it is bound to (RFC 9449, 6). */
import * as Effect from "effect/Effect"
import * as AuthError from "../AuthError.ts"

/**
 * Who stole such a token could not use it with whoever asks for the proof; so it is not to be used without one. What else
 * a token can be bound to nobody here can check.
 */
export const of = (cnf: unknown, mayBeBound = false): Effect.Effect<string | undefined, AuthError.AuthError> => {
  if (cnf === undefined) return Effect.succeed(undefined)
  const { jkt, ...others } = (typeof cnf === "object" && cnf !== null ? cnf : {}) as { readonly jkt?: unknown }
  return mayBeBound && typeof jkt === "string" && jkt !== "" && Object.keys(others).length === 0
    ? Effect.succeed(jkt)
    : Effect.fail(bound)
}

const bound = AuthError.make(
  new AuthError.InvalidToken({ problem: "Bound", text: "The token is bound to a key, and is no bearer token" })
)
