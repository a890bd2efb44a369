/** What happens in the provider, in our words. */
import * as Effect from "effect/Effect"
import { type Issuer, parts } from "../../../oauth/server/AuthorizationServer.ts"
import type { Context, Provider } from "./library.ts"

export const install = (provider: Provider, issuer: Issuer, fork: (effect: Effect.Effect<void>) => void): void => {
  provider.on("grant.success", ({ oidc }) => {
    const { client, entities, params } = oidc!
    const token = entities.AccessToken ?? entities.ClientCredentials
    fork(issuer.tell({
      _tag: "Issued",
      grantType: String(params.grant_type),
      grantId: entities.Grant?.jti,
      clientId: client!.clientId,
      subject: token?.accountId ?? parts.accessTokens.clientPrefix + client!.clientId,
      scopes: (token?.scope ?? "").split(" ").filter((scope) => scope !== "")
    }))
  })
  provider.on(
    "grant.revoked",
    ({ oidc }, grantId) =>
      fork(issuer.tell({ _tag: "Revoked", grantId, tokenId: undefined, clientId: oidc!.client?.clientId }))
  )
  provider.on(
    "server_error",
    (_: Context, cause: never) => fork(Effect.logError("The engine of the authorization server fails.", cause))
  )
}
