/** From a credential to a caller who may be let in: verified once in a while, and with the scopes that all need. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Identity from "../../context/Identity.ts"
import type * as Admission from "../../transport/Admission.ts"
import * as AuthError from "../AuthError.ts"
import * as Caller from "../Caller.ts"
import type * as TokenCache from "../TokenCache.ts"
import type * as TokenVerifier from "../TokenVerifier.ts"

export interface Options {
  readonly verifier: TokenVerifier.TokenVerifier["Service"]
  readonly resource: string | undefined
  readonly scopes?: ReadonlyArray<string> | undefined
  /** Whether tokens may be bound to a key; who asks looks at `jkt` of the caller. */
  readonly mayBeBound?: boolean
  readonly cache?: TokenCache.TokenCache["Service"] | undefined
}

export type Identify = (
  token: string,
  sha256: Admission.Sha256 | undefined
) => Effect.Effect<Caller.Caller, AuthError.AuthError>

export const make = ({ cache, mayBeBound = false, resource, scopes = [], verifier }: Options): Identify => {
  const verify = (token: Redacted.Redacted) =>
    Effect.map(
      Effect.suspend(() => verifier.verify(token, { resource, mayBeBound })),
      ({ expiresAt, identity, jkt }) => Caller.make(identity, expiresAt, jkt)
    )
  // What was let in with a proof is not known to who asks for none.
  const purpose = `${mayBeBound ? "DPoP " : ""}${resource ?? ""}`
  const find: Identify = cache === undefined
    ? (token) => verify(Redacted.make(token, { label: "token" }))
    : (token, sha256) => cache.find({ token, purpose, verify, sha256 })
  if (scopes.length === 0) return find
  const lacking = Exit.fail(AuthError.make(new AuthError.InsufficientScope({ scopes })))
  const check = (caller: Caller.Caller) => Identity.hasScopes(caller.identity, scopes) ? Exit.succeed(caller) : lacking
  return (token, sha256) => {
    const found = find(token, sha256)
    // What is known already waits for nothing.
    return Exit.isExit(found) && Exit.isSuccess(found)
      ? check(found.value as Caller.Caller)
      : Effect.flatMap(found, check)
  }
}
