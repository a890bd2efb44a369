/** Where a client gives tokens back (RFC 7009). */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as accessTokens from "../accessTokens.ts"
import { clientAuthentication } from "../checks/clientAuthentication.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as parameters from "../parameters.ts"
import { refreshTokens } from "../records.ts"
import * as Refusal from "../Refusal.ts"

const handle: Handler = Effect.fnUntraced(function*(issuer, request) {
  const form = yield* parameters.ofForm(request)
  const client = yield* clientAuthentication(issuer, request, form)
  const token = form.get("token")
  if (token === undefined) return yield* Refusal.make("invalid_request", "token is missing.")
  const found = refreshTokens.read(yield* issuer.store.get(refreshTokens.key(yield* issuer.secrets.hash(token))))
  if (found._tag === "Live") {
    // R6: whose it is comes first. Of another client's token nothing is said, and nothing is done to it.
    if (found.value.clientId === client.id) {
      yield* issuer.store.endGrant(found.entry.grant!)
      yield* issuer.tell({
        _tag: "Revoked",
        grantId: found.entry.grant,
        tokenId: undefined,
        clientId: client.id
      })
    }
    return http.empty
  }
  const claims = yield* accessTokens.checker(issuer)(Redacted.make(token))
  if (claims?.client_id === client.id) {
    yield* accessTokens.revoke(issuer, claims)
    yield* issuer.tell({
      _tag: "Revoked",
      grantId: undefined,
      tokenId: String(claims.jti),
      clientId: client.id
    })
  }
  return http.empty
})

export const revoke: Endpoint = { path: "/revoke", methods: { POST: handle }, audience: "program" }
