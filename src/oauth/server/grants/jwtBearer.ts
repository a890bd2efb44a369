/**
 * The word of another issuer for a token (RFC 7523, 2.1): of a company's identity provider for one of its users, or of a
 * platform for a program that runs on it.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Jwt from "../../Jwt.ts"
import * as identityAssertions from "../identityAssertions.ts"
import type { GrantType, TokenRequest } from "../issuer.ts"
import * as Refusal from "../Refusal.ts"
import type { Trusted } from "../trusted.ts"
import * as workloads from "../workloads.ts"

export const name = "urn:ietf:params:oauth:grant-type:jwt-bearer"

export interface Options {
  readonly providers: ReadonlyMap<string, Trusted<identityAssertions.Provider>>
  readonly platforms: ReadonlyMap<string, Trusted<workloads.Platform>>
}

export const jwtBearer = ({ platforms, providers }: Options): GrantType => ({
  name,
  isPublic: true,
  run: Effect.fnUntraced(function*(request: TokenRequest) {
    const assertion = request.parameters.get("assertion")
    if (assertion === undefined) return yield* Refusal.make("invalid_request", "assertion is missing.")
    const issuer = Jwt.unverifiedIssuer(Redacted.make(assertion))
    const platform = platforms.get(issuer ?? "")
    if (platform !== undefined) return yield* workloads.redeem(request, platform, assertion)
    const provider = providers.get(issuer ?? "")
    if (provider !== undefined) return yield* identityAssertions.redeem(request, provider, assertion)
    return yield* Refusal.make("invalid_grant", "The issuer of the assertion is none of those that count here.")
  })
})
