/** What OpenID Connect adds to an authorization request. Without `openid` there is no such thing. */
import * as Effect from "effect/Effect"
import type { Asking, Extension } from "../server/issuer.ts"
import * as Refusal from "../server/Refusal.ts"
import * as algorithm from "./algorithm.ts"
import * as checks from "./checks/claims.ts"
import { idTokenHint } from "./checks/idTokenHint.ts"
import type { Catalog } from "./claims.ts"

export const ask = (catalog: Catalog): Extension["ask"] => (asking: Asking) =>
  Effect.gen(function*() {
    const { client, issuer, scopes } = asking
    if (!scopes.includes("openid")) return {}
    const problem = yield* algorithm.problemOf(issuer, client)
    if (problem !== undefined) return yield* Refusal.make("unauthorized_client", `${problem}.`)
    const { idToken, subject: named, userinfo } = yield* checks.claims(asking, catalog)
    const hinted = yield* idTokenHint(asking)
    if (named !== undefined && hinted !== undefined && named !== hinted) {
      return yield* Refusal.make("invalid_request", "claims and id_token_hint are of two users.")
    }
    const subject = named ?? hinted
    const alsoAsked = new Set([...userinfo, ...idToken].map(catalog.scopeOf).filter((name) => !scopes.includes(name)))
    return {
      ...(userinfo.length + idToken.length === 0 ? undefined : { claims: { userinfo, idToken } }),
      ...(alsoAsked.size === 0 ? undefined : { alsoAsked: [...alsoAsked] }),
      ...(subject === undefined ? undefined : { subject })
    }
  })
