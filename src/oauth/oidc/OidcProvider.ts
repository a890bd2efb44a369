/**
 * An OpenID provider: the authorization server with ID tokens, user info, discovery and logout on top, for applications
 * whose users log in here. It is an `AuthorizationServer`, and everything that takes one takes this.
 *
 * Clients of OpenID Connect expect RS256 where nothing is arranged: have a key for it, first in the ring or beside others.
 */
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AuthorizationServer from "../server/AuthorizationServer.ts"
import type { Extension } from "../server/issuer.ts"
import * as Refusal from "../server/Refusal.ts"
import * as SigningKeys from "../server/SigningKeys.ts"
import * as algorithm from "./algorithm.ts"
import { ask } from "./ask.ts"
import * as claims from "./claims.ts"
import * as discovery from "./discovery.ts"
import * as idToken from "./idToken.ts"
import { logout } from "./logout.ts"
import * as UserClaims from "./UserClaims.ts"
import { path as userInfoPath, userInfo } from "./userInfo.ts"

/** @category models @since 0.1.0 */
export interface Options extends Omit<AuthorizationServer.Options, "resources"> {
  /** As of an authorization server. Without any, access tokens are for the user info alone. */
  readonly resources?: ReadonlyArray<AuthorizationServer.Resource>
  /** Scopes of your own, and the claims of `UserClaims` that each stands for. */
  readonly scopes?: { readonly [scope: string]: ReadonlyArray<string> }
  /** Of an ID token, which is looked at once. 5 minutes. */
  readonly idTokenLifetime?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<
  AuthorizationServer.AuthorizationServer,
  AuthorizationServer.InvalidOption,
  AuthorizationServer.Services | UserClaims.UserClaims
> =>
  Layer.effect(
    AuthorizationServer.AuthorizationServer,
    Effect.gen(function*() {
      const { idTokenLifetime = "5 minutes", issuer, resources = [], scopes = {} } = options
      const keys = yield* SigningKeys.SigningKeys
      for (const [index, { idTokenAlgorithm }] of (options.clients ?? []).entries()) {
        const text = yield* algorithm.problemOf({ keys }, { origin: "configured", idTokenAlgorithm })
        if (text !== undefined) {
          return yield* new AuthorizationServer.InvalidOption({ option: `clients[${index}].idTokenAlgorithm`, text })
        }
      }
      const users = yield* UserClaims.UserClaims
      const catalog = claims.catalog(scopes)
      const extension: Extension = {
        scopes: new Map([
          ...Object.entries(descriptions),
          ...Object.entries(scopes).map(([name, of]) => [name, `Know of you: ${of.join(", ")}`] as const)
        ]),
        endpoints: [userInfo(catalog, users), ...logout],
        metadataPaths: discovery.paths,
        metadata: discovery.metadata(catalog),
        admit: (issuer, client) =>
          Effect.flatMap(algorithm.problemOf(issuer, client), (problem) =>
            problem === undefined
              ? Effect.void
              : Effect.fail(Refusal.make("invalid_client_metadata", `${problem}.`))),
        ask: ask(catalog),
        issue: idToken.issue({
          digest: yield* Digest.Digest,
          catalog,
          users,
          lasts: Duration.toMillis(Duration.fromInputUnsafe(idTokenLifetime))
        })
      }
      const [first = { uri: issuer.replace(/\/$/u, "") + userInfoPath, name: "Your profile" }, ...others] = resources
      return yield* AuthorizationServer.make({ ...options, resources: [first, ...others] }, [extension])
    })
  )

const descriptions = {
  openid: "Know who you are",
  profile: "See your name and what else is in your profile",
  email: "See your mail address",
  phone: "See your telephone number",
  address: "See your postal address"
}
