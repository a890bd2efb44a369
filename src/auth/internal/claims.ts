/** The caller of an access token, once the token itself has been checked. */
import * as Effect from "effect/Effect"
import * as Identity from "../../context/Identity.ts"
import type * as Jwt from "../../oauth/Jwt.ts"
import * as Scope from "../../oauth/Scope.ts"
import type { JsonObject } from "../../protocol/JsonRpc.ts"
import * as AuthError from "../AuthError.ts"
import type * as TokenVerifier from "../TokenVerifier.ts"
import * as boundKey from "./boundKey.ts"

export const verified = (
  claims: Jwt.Claims,
  mayBeBound: boolean | undefined
): Effect.Effect<TokenVerifier.Verified, AuthError.AuthError> => {
  const { sub } = claims
  if (typeof sub !== "string" || sub === "") return Effect.fail(invalid("InvalidClaim", "The token has no usable sub"))
  return Effect.map(boundKey.of(claims.cnf, mayBeBound), (jkt) => ({
    identity: Identity.make({
      subject: sub,
      issuer: claims.iss,
      clientId: text(claims.client_id) ?? text(claims.azp),
      scopes: scopesOf(claims.scope ?? claims.scp),
      claims: claims as unknown as JsonObject
    }),
    expiresAt: claims.exp * 1000,
    ...(jkt === undefined ? undefined : { jkt })
  }))
}

const text = (claim: unknown): string | undefined => typeof claim === "string" ? claim : undefined

/** As RFC 9068 has them, or as a list, which other issuers give. */
const scopesOf = (claim: unknown): ReadonlyArray<string> =>
  typeof claim === "string"
    ? Scope.parse(claim)
    : Array.isArray(claim)
    ? claim.filter((scope) => typeof scope === "string")
    : []

const invalid = (problem: AuthError.InvalidToken["problem"], text: string) =>
  AuthError.make(new AuthError.InvalidToken({ problem, text }))
