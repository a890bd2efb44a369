/** An OpenID provider in memory, on the test's clock, and who talks to it; see the world of the authorization server. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import type * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import type * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { createLocalJWKSet, type JWTPayload, jwtVerify } from "jose"
import * as world from "../server/world.ts"

export const goodbyeUri = "https://app.example/goodbye"

export const app: Client.Options = { ...world.app, postLogoutRedirectUris: [goodbyeUri] }

export const options: OidcProvider.Options = {
  issuer: world.issuer,
  resources: [{ uri: world.resource, scopes: ["notes:read", "notes:write"] }],
  clients: [
    app,
    { ...world.backend, postLogoutRedirectUris: ["https://other.example/"] },
    { ...app, id: "rsa", idTokenAlgorithm: "RS256" },
    { ...app, id: "ed", idTokenAlgorithm: "EdDSA" },
    { ...app, id: "little", scopes: ["openid", "profile"] }
  ],
  scopes: { work: ["department"] }
}

export const anna = {
  name: "Anna Example",
  email: "anna@example.com",
  email_verified: false,
  phone_number: "+41 44 000 00 00",
  address: { country: "CH" },
  department: "Letters",
  favourite: "green",
  sub: "somebody else",
  aud: "somebody else"
}

/** Made once, for making keys takes its time. */
const ring = Effect.runPromise(
  Effect.forEach(["ES256", "RS256", "EdDSA"] as const, (algorithm) => SigningKeys.generate(algorithm, 0))
)

export const keys = Layer.unwrap(
  Effect.map(Effect.promise(() => ring), (ring) => SigningKeys.layer(Redacted.make(ring)))
)

export interface Surroundings extends world.Surroundings {
  readonly keys?: Layer.Layer<SigningKeys.SigningKeys, SigningKeys.SigningKeysError>
}

export const withProvider = <A, E>(
  test: Effect.Effect<A, E, AuthorizationServer.AuthorizationServer | OAuthStore.OAuthStore>,
  own: Partial<OidcProvider.Options> = {},
  surroundings: Surroundings = {}
) =>
  Effect.provide(
    test,
    OidcProvider.layer({ ...options, ...own }).pipe(
      Layer.provide(UserClaims.layer({ anna })),
      Layer.provide(surroundings.keys ?? keys),
      Layer.provideMerge(world.services(surroundings))
    ),
    { local: true }
  )

/** Logs in with the next of these subjects each time, and takes the last from then on. */
export const logins = (...subjects: ReadonlyArray<string>): Layer.Layer<UserLogin.UserLogin> => {
  let times = 0
  return Layer.succeed(UserLogin.UserLogin, {
    step: () =>
      Effect.clockWith((clock) =>
        Effect.map(clock.currentTimeMillis, (now) => ({
          _tag: "LoggedIn" as const,
          user: {
            subject: subjects[Math.min(times++, subjects.length - 1)]!,
            authenticatedAt: now,
            methods: ["pwd"]
          }
        }))
      ),
    asksConsentFirst: false,
    isRemembered: true
  })
}

/** What a client gets for a login; `own` goes into the request. */
export const tokens = (caller: world.Caller, own: Readonly<Record<string, string | undefined>> = {}) =>
  Effect.gen(function*() {
    const code = yield* world.code(caller, { scope: "openid", ...own })
    const { json } = yield* caller.send("/token", world.exchange(code, { client_id: own["client_id"] ?? "app" }))
    return json
  })

/** What somebody else's library makes of it, with what this server publishes. */
export const verify = (caller: world.Caller, token: string, audience = "app") =>
  Effect.gen(function*() {
    const { json } = yield* caller.send("/jwks")
    const now = yield* Effect.clockWith(({ currentTimeMillis }) => currentTimeMillis)
    return yield* Effect.promise(() =>
      jwtVerify<JWTPayload & { readonly [claim: string]: any }>(token, createLocalJWKSet(json), {
        issuer: world.issuer,
        audience,
        typ: "JWT",
        currentDate: new Date(now)
      })
    )
  })

export const userInfo = (caller: world.Caller, token: string) =>
  caller.send("/userinfo", { headers: { authorization: `Bearer ${token}` } })
