/** Tokens that are given out for a grant. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as accessTokens from "./accessTokens.ts"
import type { Failure, TokenRequest, TokenResponse } from "./issuer.ts"
import type * as OAuthStore from "./OAuthStore.ts"
import { type Grant, refreshTokens } from "./records.ts"

export interface Given {
  /** Undefined where nothing lasts but the token: of a client itself, or of a user for whom somebody else has vouched. */
  readonly grantId: string | undefined
  readonly grant: Grant
  /** Of the access token; no more than those of the grant. */
  readonly scopes: ReadonlyArray<string>
  readonly refreshToken: string | undefined
}

/** The answer with an access token, and whatever else stands on this server adds to it. */
export const respond = Effect.fnUntraced(function*(
  { client, issuer, jkt, parameters }: TokenRequest,
  { grant, grantId, refreshToken, scopes }: Given
): Effect.fn.Return<TokenResponse, Failure> {
  const { authenticatedAt, resource, subject } = grant
  const accessToken = yield* accessTokens.make(issuer, {
    grantId,
    clientId: client.id,
    subject,
    resource,
    scopes,
    authenticatedAt: subject.startsWith(accessTokens.clientPrefix) ? undefined : authenticatedAt,
    jkt
  })
  const grantType = parameters.get("grant_type")!
  const more: Array<TokenResponse> = []
  for (const { issue } of issuer.extensions) {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    more.push(yield* issue({ issuer, grantType, client, grantId, grant, scopes, accessToken, now }))
  }
  yield* issuer.tell({ _tag: "Issued", grantType, grantId, clientId: client.id, subject, scopes })
  return Object.assign(
    {
      access_token: accessToken,
      token_type: jkt === undefined ? "Bearer" : "DPoP",
      expires_in: Math.floor(issuer.lifetimes.accessToken / 1000),
      scope: scopes.join(" ")
    },
    refreshToken === undefined ? undefined : { refresh_token: refreshToken },
    ...more
  ) as TokenResponse
})

/** A new refresh token, and what to keep of it; nothing for a client that may not use one. */
export const makeRefreshToken = Effect.fnUntraced(function*(
  { client, issuer, jkt }: TokenRequest,
  grantId: string,
  scopes: ReadonlyArray<string>,
  endsAt: number
): Effect.fn.Return<{
  readonly token: string | undefined
  readonly kept: ReadonlyArray<readonly [OAuthStore.Key, OAuthStore.Entry]>
}> {
  if (!client.grantTypes.includes("refresh_token")) return { token: undefined, kept: [] }
  const token = yield* issuer.secrets.make
  const now = yield* Clock.currentTimeMillis
  const entry = refreshTokens.entry(
    {
      clientId: client.id,
      scopes,
      endsAt,
      // Who has a secret shows it with the token (RFC 9449, 5).
      ...(jkt === undefined || client.authentication !== "none" ? undefined : { jkt })
    },
    Math.min(now + issuer.lifetimes.refreshIdle, endsAt),
    grantId
  )
  return { token, kept: [[refreshTokens.key(yield* issuer.secrets.hash(token)), entry]] }
})
