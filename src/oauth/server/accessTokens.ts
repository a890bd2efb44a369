/** Access tokens (RFC 9068): signed, for one resource, and for a short while. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Jwks from "../Jwks.ts"
import * as Jwt from "../Jwt.ts"
import type { Failure, Issuer } from "./issuer.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import { grants, revocations } from "./records.ts"

export interface Contents {
  /** Undefined where nothing lasts but the token. */
  readonly grantId: string | undefined
  readonly clientId: string
  readonly subject: string
  readonly resource: string
  readonly scopes: ReadonlyArray<string>
  /** When the user logged in, in Unix milliseconds. */
  readonly authenticatedAt: number | undefined
  readonly jkt: string | undefined
}

/** Its id says which grant it belongs to, so that it ends with that. */
export const idOf = (grantId: string | undefined, own: string) => grantId === undefined ? own : `${grantId}.${own}`

export const grantOf = (tokenId: string): string | undefined => {
  const dot = tokenId.indexOf(".")
  return dot === -1 ? undefined : tokenId.slice(0, dot)
}

export const make = Effect.fnUntraced(function*(issuer: Issuer, contents: Contents): Effect.fn.Return<string> {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const { authenticatedAt, clientId, grantId, jkt, resource, scopes, subject } = contents
  return yield* issuer.keys.sign({ typ: "at+jwt" }, {
    iss: issuer.url,
    sub: subject,
    aud: resource,
    client_id: clientId,
    scope: scopes.join(" "),
    jti: idOf(grantId, yield* issuer.secrets.makeId),
    iat: now,
    exp: now + Math.floor(issuer.lifetimes.accessToken / 1000),
    ...(authenticatedAt === undefined ? undefined : { auth_time: Math.floor(authenticatedAt / 1000) }),
    ...(jkt === undefined ? undefined : { cnf: { jkt } })
  })
})

/** Whose client a token is of, when it is of no user. No user's subject begins like this. */
export const clientPrefix = "client:"

/** The claims of a token that is good now; undefined of any other. */
export type Check = (
  token: Redacted.Redacted
) => Effect.Effect<Jwt.Claims | undefined, OAuthStoreError.OAuthStoreError>

/** Signed by this server, in time, and neither revoked itself nor of a grant that has ended. */
export const checker = (issuer: Pick<Issuer, "url" | "keys" | "store" | "resources">): Check => {
  const verifier = Jwt.verifier({
    keys: { find: (header) => Effect.flatMap(issuer.keys.published, (keys) => Jwks.fixed(keys).find(header)) },
    issuer: issuer.url,
    types: ["at+jwt"],
    leeway: 0
  })
  const audiences = [...issuer.resources.keys()]
  return (token) =>
    Effect.gen(function*() {
      const claims = yield* Effect.catch(verifier.verify(token, audiences), () => Effect.succeed(undefined))
      if (claims === undefined || typeof claims.jti !== "string") return undefined
      return (yield* isLive(issuer, claims.jti)) ? claims : undefined
    })
}

/** Whether nobody has revoked it. */
export const isLive = Effect.fnUntraced(function*(
  { store }: Pick<Issuer, "store">,
  tokenId: string
): Effect.fn.Return<boolean, OAuthStoreError.OAuthStoreError> {
  const grantId = grantOf(tokenId)
  if (grantId !== undefined && (yield* store.get(grants.key(grantId)))._tag !== "Live") return false
  return (yield* store.get(revocations.key(tokenId)))._tag === "Absent"
})

/** What is kept with the grant of a token. */
export const keptOf = Effect.fnUntraced(function*(
  { store }: Pick<Issuer, "store">,
  tokenId: string
): Effect.fn.Return<string | undefined, OAuthStoreError.OAuthStoreError> {
  const grantId = grantOf(tokenId)
  if (grantId === undefined) return undefined
  const found = grants.read(yield* store.get(grants.key(grantId)))
  return found._tag === "Live" ? found.value.kept : undefined
})

/** Keeps something else with the grant of a token, if what is kept still is `before`; false otherwise. */
export const keep = Effect.fnUntraced(function*(
  { store }: Pick<Issuer, "store">,
  tokenId: string,
  before: string,
  after: string
): Effect.fn.Return<boolean, OAuthStoreError.OAuthStoreError> {
  const grantId = grantOf(tokenId)
  if (grantId === undefined) return false
  const key = grants.key(grantId)
  const found = grants.read(yield* store.get(key))
  if (found._tag !== "Live" || found.value.kept !== before) return false
  const { data, expiresAt } = found.entry
  return yield* store.replace(key, data, grants.entry({ ...found.value, kept: after }, expiresAt))
})

export const revoke = (issuer: Issuer, { exp, jti }: Jwt.Claims): Effect.Effect<void, Failure> =>
  Effect.asVoid(issuer.store.putOnce(revocations.key(String(jti)), revocations.entry({}, exp * 1000 + 60_000)))
