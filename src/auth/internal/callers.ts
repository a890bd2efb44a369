/** From a credential to a caller who may be let in: verified once in a while, and with the scopes that all need. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Identity from "../../context/Identity.ts"
import * as AuthError from "../AuthError.ts"
import * as Caller from "../Caller.ts"
import type * as TokenCache from "../TokenCache.ts"
import type * as TokenVerifier from "../TokenVerifier.ts"

export interface Options {
  readonly verifier: TokenVerifier.TokenVerifier["Service"]
  readonly resource: string | undefined
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly cache?: TokenCache.TokenCache["Service"] | undefined
}

export type Identify = (token: Redacted.Redacted) => Effect.Effect<Caller.Caller, AuthError.AuthError>

export const make = ({ cache, resource, scopes = [], verifier }: Options): Identify => {
  const verify: Identify = (token) =>
    Effect.map(
      Effect.suspend(() => verifier.verify(token, { resource })),
      ({ expiresAt, identity }) => Caller.make(identity, expiresAt)
    )
  const known: Identify = cache === undefined
    ? verify
    : (token) => cache.find(token, resource ?? "", verify(token))
  if (scopes.length === 0) return known
  const lacking = AuthError.make(new AuthError.InsufficientScope({ scopes }))
  return (token) =>
    Effect.filterOrFail(known(token), ({ identity }) => Identity.hasScopes(identity, scopes), () => lacking)
}
