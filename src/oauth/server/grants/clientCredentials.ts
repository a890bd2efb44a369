/** A token for a client itself (RFC 6749, 4.4). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as accessTokens from "../accessTokens.ts"
import { resource } from "../checks/resource.ts"
import { offlineAccess, scopes } from "../checks/scope.ts"
import type { GrantType, TokenRequest } from "../issuer.ts"
import * as tokens from "../tokens.ts"

export const clientCredentials: GrantType = {
  name: "client_credentials",
  // T8: whoever asks is who gets in.
  isPublic: false,
  run: Effect.fnUntraced(function*(request: TokenRequest) {
    const { client, issuer, parameters } = request
    const target = yield* resource(issuer, parameters)
    const granted = (yield* scopes(issuer, client, target, parameters)).filter((scope) =>
      scope !== offlineAccess && target.scopes.has(scope)
    )
    return yield* tokens.respond(request, {
      grantId: undefined,
      grant: {
        clientId: client.id,
        subject: accessTokens.clientPrefix + client.id,
        resource: target.uri,
        scopes: granted,
        authenticatedAt: yield* Clock.currentTimeMillis
      },
      scopes: granted,
      refreshToken: undefined
    })
  })
}
