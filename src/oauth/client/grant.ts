/**
 * One way to come by a token. What each is given is the same, and what they share of a client's identity.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import type * as Token from "../Token.ts"
import type { Credentials } from "./Credentials.ts"
import type * as dpop from "./dpop.ts"
import type * as endpoints from "./endpoints.ts"
import type * as TokenStore from "./TokenStore.ts"

/** For what and from whom. */
export interface Target {
  readonly services: endpoints.Services
  readonly store: TokenStore.TokenStore["Service"]
  readonly server: Metadata.AuthorizationServer
  /** Whether the authorization server has described itself. */
  readonly isDescribed: boolean
  readonly resource: string | undefined
  /** Undefined to leave it to the server. */
  readonly scopes: ReadonlyArray<string> | undefined
  readonly dpop: dpop.Dpop | undefined
}

export interface Grant<out R = never> {
  /** Whether a person is asked, so that it does not begin behind somebody's back. */
  readonly asksUser: boolean
  /** The issuers it has credentials for. */
  readonly issuers: ReadonlyArray<string>
  readonly obtain: (target: Target) => Effect.Effect<Token.Token, OAuthError.OAuthError, R | Scope.Scope>
  readonly refresh: (
    target: Target,
    refresh: Redacted.Redacted<string>
  ) => Effect.Effect<Token.Token, OAuthError.OAuthError>
}

/** What goes into a token request besides the grant itself. */
export const requestOf = (
  { dpop, resource, server, services, scopes }: Target,
  client: endpoints.Client,
  parameters: endpoints.Parameters = {}
): endpoints.TokenRequest => ({
  services,
  server,
  client,
  dpop,
  parameters: { resource, scope: scopes?.join(" "), ...parameters }
})

/** A refreshed token has the scopes that it had. */
export const refreshOf = (target: Target, client: endpoints.Client): endpoints.TokenRequest =>
  requestOf({ ...target, scopes: undefined }, client)

/**
 * Of credentials by hand, those for this authorization server. Where a server now names another one than it did, that is
 * told, for it may be after the secret.
 */
export const choose = (
  { server, store }: Target,
  all: ReadonlyArray<Credentials>
): Effect.Effect<Credentials, OAuthError.OAuthError> =>
  Effect.gen(function*() {
    const own = all.find(({ issuer }) => issuer === server.issuer)
    if (own !== undefined) return own
    const free = all.find(({ issuer }) => issuer === undefined)
    const mismatch = (expected: string) =>
      OAuthError.make(
        new OAuthError.IssuerMismatch({ expected, found: server.issuer, where: "credentials" })
      )
    if (free === undefined) return yield* mismatch(all.map(({ issuer }) => issuer).join(", "))
    const key = `issuer/${free.clientId}`
    const bound = yield* store.get(key)
    if (bound === undefined) yield* store.set(key, Redacted.make(server.issuer))
    else if (Redacted.value(bound) !== server.issuer) return yield* mismatch(Redacted.value(bound))
    return free
  })
