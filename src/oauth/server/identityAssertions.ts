/**
 * Letters from a company's identity provider to an authorization server (ID-JAG): this user may come in with this client.
 * They are written here, and read.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Jwt from "../Jwt.ts"
import * as Scope from "../Scope.ts"
import * as accessTokens from "./accessTokens.ts"
import { resource } from "./checks/resource.ts"
import { scopes } from "./checks/scope.ts"
import * as Client from "./Client.ts"
import type { Failure, Issuer, TokenRequest, TokenResponse } from "./issuer.ts"
import * as Refusal from "./Refusal.ts"
import * as tokens from "./tokens.ts"
import * as trusted from "./trusted.ts"

export const type = "oauth-id-jag+jwt"

export const tokenType = "urn:ietf:params:oauth:token-type:id-jag"

/** What a server that reads them says of itself. */
export const profile = "urn:ietf:params:oauth:grant-profile:id-jag"

/** Milliseconds that one is good for. */
export const lasts = 300_000

/** Seconds that one may be good for that others have written; so long it is remembered. */
const mostSeconds = 3600

export interface Provider extends trusted.Options {
  readonly subjectOf?: (claims: Jwt.Claims) => Effect.Effect<string | undefined>
}

export interface Letter {
  readonly subject: string
  /** The issuer it goes to. */
  readonly audience: string
  readonly resource: string | undefined
  /** What the client is there. */
  readonly clientId: string
  readonly scopes: ReadonlyArray<string>
  /** How and when the user logged in. */
  readonly login: { readonly auth_time?: unknown; readonly amr?: unknown }
  readonly jkt: string | undefined
}

export const write = (issuer: Issuer, letter: Letter): Effect.Effect<string> =>
  Effect.gen(function*() {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const { audience, clientId, jkt, login, resource, scopes, subject } = letter
    return yield* issuer.keys.sign({ typ: type }, {
      iss: issuer.url,
      sub: subject,
      aud: audience,
      client_id: clientId,
      jti: yield* issuer.secrets.makeId,
      iat: now,
      exp: now + lasts / 1000,
      ...(resource === undefined ? undefined : { resource }),
      ...(scopes.length === 0 ? undefined : { scope: Scope.format(scopes) }),
      ...login,
      ...(jkt === undefined ? undefined : { cnf: { jkt } })
    })
  })

/** For this client, this server and one of its resources, for a short while, and for the first time. */
export const redeem = (
  request: TokenRequest,
  provider: trusted.Trusted<Provider>,
  assertion: string
): Effect.Effect<TokenResponse, Failure> =>
  Effect.gen(function*() {
    const { client, issuer, jkt, parameters } = request
    if (!Client.isConfidential(client)) {
      return yield* Refusal.make("unauthorized_client", "Only a client that shows who it is may bring such a letter.")
    }
    const claims = yield* trusted.verify(issuer, provider, assertion, [type])
    const now = (yield* Clock.currentTimeMillis) / 1000
    if (claims.client_id !== client.id) return yield* bad("is for another client")
    if (claims.exp > now + mostSeconds) return yield* bad("is good for too long")
    if (claims.iat === undefined) return yield* bad("does not say of when it is")
    if (typeof claims.jti !== "string" || claims.jti === "") return yield* bad("has no id")
    if (!isBoundTo(claims.cnf, jkt)) return yield* bad("is bound to a key that the request does not prove")
    const target = yield* resource(
      issuer,
      new Map([["resource", yield* resourceOf(claims, parameters.get("resource"))]])
    )
    const granted = yield* scopesOf(claims, request, target)
    const subject = yield* subjectOf(provider.options, claims)
    const isFirst = yield* issuer.store.putOnce(
      { kind: "letter", id: yield* issuer.secrets.hash(JSON.stringify([claims.iss, claims.jti])) },
      // Until nobody would take it any more, for clocks differ.
      { data: "", expiresAt: claims.exp * 1000 + 60_000 }
    )
    if (!isFirst) return yield* bad("was used before")
    return yield* tokens.respond(request, {
      // Without a refresh token: the provider is asked again, and says whether it still is so.
      grantId: undefined,
      refreshToken: undefined,
      grant: {
        clientId: client.id,
        subject,
        resource: target.uri,
        scopes: granted,
        authenticatedAt: (typeof claims.auth_time === "number" ? claims.auth_time : claims.iat) * 1000
      },
      scopes: granted
    })
  })

const bad = (what: string) => Refusal.make("invalid_grant", `The assertion ${what}.`)

const isBoundTo = (cnf: unknown, jkt: string | undefined): boolean =>
  cnf === undefined || (jkt !== undefined && (cnf as { readonly jkt?: unknown } | null)?.jkt === jkt)

/** The one that the letter names; who asks can name no other. */
const resourceOf = ({ resource }: Jwt.Claims, asked: string | undefined): Effect.Effect<string, Refusal.Refusal> =>
  typeof resource !== "string"
    ? bad("names no resource")
    : asked === undefined || asked === resource
    ? Effect.succeed(resource)
    : Effect.fail(Refusal.make("invalid_target", "The assertion is for another resource."))

/** Of those that the letter gives, if it says so, what is asked for, and there is, and this client may have. */
const scopesOf = (
  { scope }: Jwt.Claims,
  { client, issuer, parameters }: TokenRequest,
  target: Parameters<typeof scopes>[2]
): Effect.Effect<ReadonlyArray<string>, Refusal.Refusal> =>
  Effect.flatMap(scopes(issuer, client, target, parameters), (granted) => {
    const given = typeof scope === "string" ? Scope.parse(scope) : undefined
    const both = granted.filter((one) => target.scopes.has(one) && (given === undefined || given.includes(one)))
    return both.length === 0 && parameters.has("scope")
      ? Effect.fail(Refusal.make("invalid_scope", "The assertion gives none of the scopes asked for."))
      : Effect.succeed(both)
  })

/** Its own users have names of their own, so those of others have the name of their issuer in front. */
const subjectOf = ({ subjectOf }: Provider, claims: Jwt.Claims): Effect.Effect<string, Refusal.Refusal> =>
  Effect.gen(function*() {
    const { iss, sub } = claims
    if (typeof sub !== "string" || sub === "") return yield* bad("is about nobody")
    if (subjectOf === undefined) return `${iss}|${sub}`
    const subject = yield* subjectOf(claims)
    if (subject === undefined) return yield* bad("is about a user whom nobody knows here")
    if (subject.startsWith(accessTokens.clientPrefix)) {
      return yield* Effect.die(new Error(`The subject of a user begins with ${accessTokens.clientPrefix}`))
    }
    return subject
  })
