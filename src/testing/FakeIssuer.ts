/**
 * An authorization server as resource servers know it, in memory and on the clock of the test: its metadata, its keys,
 * what it says of tokens, and tokens. It asks nobody who they are; for a server that does, see `oauth/server`.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { JWTPayload } from "jose"
import * as IntrospectionVerifier from "../auth/IntrospectionVerifier.ts"
import * as JwtVerifier from "../auth/JwtVerifier.ts"
import type * as TokenVerifier from "../auth/TokenVerifier.ts"
import * as Promised from "../core/Promised.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as fakeKeys from "./fakeKeys.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** `https://issuer.example` when left out. */
  readonly url?: string
  /** The server that its tokens are for, as that names itself. */
  readonly resource: string
}

/** Whom a token is for. @category models @since 0.1.0 */
export interface Grant {
  readonly subject: string
  readonly scopes?: ReadonlyArray<string>
  /** `app` when left out. */
  readonly clientId?: string
  /** From now on. 5 minutes. */
  readonly lifetime?: Duration.Input
  /** Claims beside or in the place of those that follow; null leaves one out. */
  readonly claims?: JsonObject
}

/** @category models @since 0.1.0 */
export interface FakeIssuer {
  readonly url: string
  /** A JWT (RFC 9068), signed with the newest key. */
  readonly token: (grant: Grant) => Effect.Effect<string>
  /** A token that says nothing itself: whoever gets it has to ask. */
  readonly opaqueToken: (grant: Grant) => Effect.Effect<string>
  /** From now on no answer calls this token active. A JWT is good for whoever does not ask. */
  readonly revoke: (token: string) => Effect.Effect<void>
  /** Signs with a new key from now on; the old one is published no more. */
  readonly rotate: Effect.Effect<void>
  /** Whether it answers. */
  readonly setDown: (isDown: boolean) => Effect.Effect<void>
  /** The paths it was asked for, oldest first. */
  readonly asked: Effect.Effect<ReadonlyArray<string>>
  /** Reaches it, and nothing else. */
  readonly client: Layer.Layer<HttpClient.HttpClient>
  /** For `BearerAuth`: takes its JWTs. */
  readonly verifier: Layer.Layer<TokenVerifier.TokenVerifier>
  /** For `BearerAuth`: asks it of every token. */
  readonly introspection: Layer.Layer<TokenVerifier.TokenVerifier>
}

/**
 * Its keys are made of their number, so that the same test signs the same tokens. They are known to everybody: nothing
 * real may trust them. Needs `jose`, beside this package.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<FakeIssuer> =>
  Effect.gen(function*() {
    const { resource, url = "https://issuer.example" } = options
    const { SignJWT } = yield* fakeKeys.jose
    const issued = new Map<string, Claims>()
    const asked: Array<string> = []
    let isDown = false
    let count = 0
    let key = yield* fakeKeys.make(1)

    const claimsOf = ({ claims = {}, clientId = "app", lifetime = "5 minutes", scopes = [], subject }: Grant) =>
      Effect.map(Clock.currentTimeMillis, (millis): Claims => {
        const now = Math.floor(millis / 1000)
        const all: JsonObject = {
          iss: url,
          aud: resource,
          sub: subject,
          client_id: clientId,
          scope: scopes.join(" "),
          jti: String(++count),
          iat: now,
          exp: now + Duration.toSeconds(Duration.fromInputUnsafe(lifetime)),
          ...claims
        }
        return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
      })

    const answer = (path: string, body: string, now: number): Response => {
      switch (path) {
        case "/.well-known/oauth-authorization-server":
          return Response.json({
            issuer: url,
            jwks_uri: `${url}/jwks`,
            introspection_endpoint: `${url}/introspect`,
            response_types_supported: ["code"]
          })
        case "/jwks":
          return Response.json({ keys: [key.jwk] })
        case "/introspect": {
          const claims = issued.get(new URLSearchParams(body).get("token") ?? "")
          const isActive = claims !== undefined && !(typeof claims.exp === "number" && claims.exp * 1000 <= now)
          return Response.json(isActive ? { active: true, ...claims } : { active: false })
        }
        default:
          return new Response("", { status: 404 })
      }
    }

    const client = Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request, address) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          if (address.origin !== new URL(url).origin || isDown) {
            return Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({ request, description: `${address.origin} is down` })
              })
            )
          }
          asked.push(address.pathname)
          const { body } = request
          const text = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
          return Effect.succeed(HttpClientResponse.fromWeb(request, answer(address.pathname, text, now)))
        })
      )
    )

    return {
      url,
      token: (grant) =>
        Effect.gen(function*() {
          const claims = yield* claimsOf(grant)
          const token = yield* Promised.make(() =>
            new SignJWT(claims as JWTPayload)
              .setProtectedHeader({ alg: "EdDSA", kid: key.kid, typ: "at+jwt" })
              .sign(key.privateKey)
          )
          issued.set(token, claims)
          return token
        }),
      opaqueToken: (grant) =>
        Effect.map(claimsOf(grant), (claims) => {
          const token = `opaque-${String(claims.jti)}`
          issued.set(token, claims)
          return token
        }),
      revoke: (token) => Effect.sync(() => void issued.delete(token)),
      rotate: Effect.suspend(() => Effect.map(fakeKeys.make(key.number + 1), (next) => void (key = next))),
      setDown: (down) => Effect.sync(() => void (isDown = down)),
      asked: Effect.sync(() => [...asked]),
      client,
      verifier: Layer.provide(JwtVerifier.layer({ issuer: url }), client),
      introspection: Layer.provide(
        IntrospectionVerifier.layer({
          issuer: url,
          url: `${url}/introspect`,
          clientId: "resource",
          clientSecret: Redacted.make("the secret of the resource")
        }),
        client
      )
    }
  })

type Claims = JsonObject
