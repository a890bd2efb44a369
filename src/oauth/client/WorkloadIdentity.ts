/**
 * Workload identity federation: a program that the platform it runs on vouches for. The platform's token is the
 * assertion (RFC 7523), so there is no secret to keep.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as OAuthError from "../OAuthError.ts"
import * as authentication from "./authentication.ts"
import type * as Credentials from "./Credentials.ts"
import * as endpoints from "./endpoints.ts"
import * as grant from "./grant.ts"

/** @category models @since 0.1.0 */
export interface Options extends Credentials.Credentials {
  /** The platform's token for this authorization server; asked for each time, for they do not last. */
  readonly assertion: (issuer: string) => Effect.Effect<Redacted.Redacted<string>, OAuthError.OAuthError>
}

/** @category constructors @since 0.1.0 */
export const make = (options: Options): grant.Grant => {
  const obtain = (target: grant.Target) =>
    Effect.gen(function*() {
      const { server, services } = target
      const client = yield* authentication.prepare(services, server, yield* grant.choose(target, [options]))
      const assertion = Redacted.value(yield* options.assertion(server.issuer))
      return yield* endpoints.otherGrant(grant.requestOf(target, client, { assertion }), jwtBearer)
    })
  return {
    asksUser: false,
    issuers: options.issuer === undefined ? [] : [options.issuer],
    obtain,
    // A new assertion says more than an old token.
    refresh: obtain
  }
}

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
