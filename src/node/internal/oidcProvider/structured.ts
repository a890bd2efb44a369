/** Access tokens at the endpoints for asking about tokens and for giving them back, where the provider knows none. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type Issuer, parts } from "../../../oauth/server/AuthorizationServer.ts"
import type { Run } from "./adapter.ts"
import type { Context, Provider } from "./library.ts"

export const install = (provider: Provider, issuer: Issuer, run: Run): void => {
  const check = parts.accessTokens.checker(issuer)

  const introspect = (token: string, callerId: string) =>
    Effect.gen(function*() {
      const claims = yield* check(Redacted.make(token))
      const caller = yield* issuer.client(callerId)
      const isForCaller = claims !== undefined && caller !== undefined && caller.authentication !== "none"
        && (claims.client_id === caller.id || caller.introspects.includes(String(claims.aud)))
      return isForCaller ? { active: true, token_type: "Bearer", ...claims } : { active: false }
    })

  const revoke = (token: string, clientId: string) =>
    Effect.gen(function*() {
      const claims = yield* check(Redacted.make(token))
      if (claims?.client_id !== clientId) return ""
      yield* parts.accessTokens.revoke(issuer, claims)
      yield* issuer.tell({ _tag: "Revoked", grantId: undefined, tokenId: String(claims.jti), clientId })
      return ""
    })

  provider.use(async (context, next) => {
    await next()
    const asked = askedOf(context)
    if (asked === undefined) return
    context.body = await run<unknown>(
      context.oidc!.route === "revocation"
        ? revoke(asked.token, asked.clientId)
        : introspect(asked.token, asked.clientId)
    )
    context.status = 200
  })
}

/** What the provider would not look at, once it knows whose question it is. */
const askedOf = ({ body, oidc }: Context): { readonly token: string; readonly clientId: string } | undefined => {
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : undefined
  return error === "unsupported_token_type" && typeof oidc?.params.token === "string" && oidc.client !== undefined
    ? { token: oidc.params.token, clientId: oidc.client.clientId }
    : undefined
}
