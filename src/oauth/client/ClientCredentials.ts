/**
 * The client credentials grant: a program that acts for itself, with a secret or a key it has been given.
 */
import * as Effect from "effect/Effect"
import * as authentication from "./authentication.ts"
import type * as Credentials from "./Credentials.ts"
import * as endpoints from "./endpoints.ts"
import * as grant from "./grant.ts"

/** @category constructors @since 0.1.0 */
export const make = (credentials: Credentials.Credentials): grant.Grant => {
  const request = (target: grant.Target) =>
    Effect.flatMap(
      grant.choose(target, [credentials]),
      (chosen) => authentication.prepare(target.services, target.server, chosen)
    )
  return {
    asksUser: false,
    issuers: credentials.issuer === undefined ? [] : [credentials.issuer],
    obtain: (target) =>
      Effect.flatMap(
        request(target),
        (client) => endpoints.otherGrant(grant.requestOf(target, client), "client_credentials")
      ),
    refresh: (target, refresh) =>
      Effect.flatMap(request(target), (client) => endpoints.refreshGrant(grant.refreshOf(target, client), refresh))
  }
}
