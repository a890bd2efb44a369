/** Where a resource server asks about a token (RFC 7662). */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as accessTokens from "../accessTokens.ts"
import { clientAuthentication } from "../checks/clientAuthentication.ts"
import * as Client from "../Client.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as parameters from "../parameters.ts"
import { refreshTokens } from "../records.ts"
import * as Refusal from "../Refusal.ts"

/** R7: all that is said of a token that is not the caller's business, or is no good. */
const inactive = { active: false }

const handle: Handler = Effect.fnUntraced(function*(issuer, request) {
  const form = yield* parameters.ofForm(request)
  const caller = yield* clientAuthentication(issuer, request, form)
  if (!Client.isConfidential(caller)) {
    return yield* Refusal.make("invalid_client", "Only a client that shows who it is may ask.")
  }
  const token = form.get("token")
  if (token === undefined) return yield* Refusal.make("invalid_request", "token is missing.")
  const claims = yield* accessTokens.checker(issuer)(Redacted.make(token))
  if (claims !== undefined) {
    const isForCaller = claims.client_id === caller.id || caller.introspects.includes(String(claims.aud))
    const type = claims.cnf === undefined ? "Bearer" : "DPoP"
    return http.json(isForCaller ? { active: true, token_type: type, ...claims } : inactive)
  }
  const found = refreshTokens.read(yield* issuer.store.get(refreshTokens.key(yield* issuer.secrets.hash(token))))
  if (found._tag !== "Live" || found.value.clientId !== caller.id) return http.json(inactive)
  const { jkt, scopes } = found.value
  return http.json({
    active: true,
    client_id: caller.id,
    scope: scopes.join(" "),
    exp: Math.floor(found.entry.expiresAt / 1000),
    ...(jkt === undefined ? undefined : { cnf: { jkt } })
  })
})

export const introspect: Endpoint = { path: "/introspect", methods: { POST: handle }, audience: "program" }
