/** Our own engine: what stands behind `AuthorizationServer.layer`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { authorize } from "./endpoints/authorize.ts"
import { callback, interaction } from "./endpoints/interaction.ts"
import { introspect } from "./endpoints/introspect.ts"
import { pushedRequest } from "./endpoints/pushedRequest.ts"
import { revoke } from "./endpoints/revoke.ts"
import { token } from "./endpoints/token.ts"
import type { Engine } from "./issuer.ts"
import { codes } from "./records.ts"
import * as redirect from "./redirect.ts"

export const engine: Engine = {
  endpoints: [authorize, interaction, callback, token, revoke, introspect, pushedRequest],
  /** A14: the code stands for all of this and nothing else. */
  giveCode: (issuer, { challenge, clientId, jkt, redirectUri, state }, grantId) =>
    Effect.gen(function*() {
      const { lifetimes, secrets } = issuer
      const code = yield* secrets.make
      const entry = codes.entry(
        { clientId, redirectUri, challenge, ...(jkt === undefined ? undefined : { jkt }) },
        (yield* Clock.currentTimeMillis) + lifetimes.code,
        grantId
      )
      return {
        kept: [[codes.key(yield* secrets.hash(code)), entry]],
        answer: Effect.succeed(redirect.toClient(issuer, redirectUri, { code, state }))
      }
    })
}
