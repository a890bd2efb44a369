/** Programs that the platform they run on vouches for, so that they need no secret. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as accessTokens from "./accessTokens.ts"
import { resource } from "./checks/resource.ts"
import { scopes } from "./checks/scope.ts"
import type { Failure, TokenRequest, TokenResponse } from "./issuer.ts"
import * as Refusal from "./Refusal.ts"
import * as tokens from "./tokens.ts"
import * as trusted from "./trusted.ts"

export type Platform = trusted.Options

/** What platforms call their tokens, if anything; what is meant for other ends says so. */
const types = ["", "JWT"]

/** Of this platform, about the one program that is this client. It may come again, for platforms give it out once. */
export const redeem = (
  request: TokenRequest,
  platform: trusted.Trusted<Platform>,
  assertion: string
): Effect.Effect<TokenResponse, Failure> =>
  Effect.gen(function*() {
    const { client, issuer, parameters } = request
    const { workload } = client
    if (workload === undefined || workload.issuer !== platform.options.issuer) {
      return yield* Refusal.make("invalid_grant", "Nobody has said that this platform vouches for the client.")
    }
    const { sub } = yield* trusted.verify(issuer, platform, assertion, types)
    if (sub !== workload.subject) return yield* Refusal.make("invalid_grant", "The assertion is about another program.")
    const target = yield* resource(issuer, parameters)
    const granted = (yield* scopes(issuer, client, target, parameters)).filter((scope) => target.scopes.has(scope))
    return yield* tokens.respond(request, {
      grantId: undefined,
      refreshToken: undefined,
      grant: {
        clientId: client.id,
        subject: accessTokens.clientPrefix + client.id,
        resource: target.uri,
        scopes: granted,
        authenticatedAt: yield* Clock.currentTimeMillis
      },
      scopes: granted
    })
  })
