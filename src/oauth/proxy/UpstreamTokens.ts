/**
 * The tokens of users at the identity provider, for whoever acts for them there. A client has no use for them and never
 * sees one: what it holds is a token of this server, and whoever is called with that asks here.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Jwt from "../Jwt.ts"
import * as OAuthError from "../OAuthError.ts"
import { grantOf } from "../server/accessTokens.ts"
import * as AuthorizationServer from "../server/AuthorizationServer.ts"
import type * as OAuthStoreError from "../server/OAuthStoreError.ts"
import type * as Token from "../Token.ts"
import * as Upstream from "./Upstream.ts"

/** The claims of a token of this server, which somebody has verified: `claims` of an `Identity`. @category models @since 0.1.0 */
export interface Claims {
  readonly [claim: string]: unknown
}

type Result<A> = Effect.Effect<A, OAuthError.OAuthError>

/** @category services @since 0.1.0 */
export class UpstreamTokens extends Context.Service<UpstreamTokens, {
  /**
   * An access token of the user, renewed if its time is over. `LoginRequired` where there is none, and for claims of
   * another issuer. Where the provider gives no more of them, the grant has ended here too: the client finds out with its
   * next request, and its user logs in again.
   */
  readonly get: (claims: Claims) => Result<Redacted.Redacted>
}>()("fastmcp-effect/oauth/proxy/UpstreamTokens") {}

/**
 * Built anew wherever it stands, as `UpstreamLogin.layer` is.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  UpstreamTokens,
  never,
  Upstream.Upstream | AuthorizationServer.AuthorizationServer
> = Layer.fresh(Layer.effect(
  UpstreamTokens,
  Effect.gen(function*() {
    const upstream = yield* Upstream.Upstream
    const server = yield* AuthorizationServer.AuthorizationServer
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const renewals = new Map<string, Deferred.Deferred<Token.Token, OAuthError.OAuthError>>()
    const login = OAuthError.make(new OAuthError.LoginRequired({ server: upstream.provider.issuer }))

    const read = (claims: Jwt.Claims): Result<{ readonly kept: string; readonly token: Token.Token }> =>
      Effect.gen(function*() {
        const kept = yield* Effect.mapError(server.keptOf(claims), storeFailed)
        const token = kept === undefined ? undefined : yield* upstream.tokenOf(kept, String(claims.sub))
        return kept === undefined || token === undefined ? yield* login : { kept, token }
      })

    /** Or the client would come back for ever, and never with a user who can help. */
    const ended = (claims: Jwt.Claims): Result<never> =>
      Effect.andThen(Effect.mapError(server.endGrant(grantOf(String(claims.jti))!), storeFailed), login)

    const isOver = (at: number | undefined) => at !== undefined && at <= clock.currentTimeMillisUnsafe()

    const renew = (claims: Jwt.Claims, before: string): Result<Token.Token> =>
      Effect.gen(function*() {
        const { kept, token } = yield* read(claims)
        // Somebody has been faster.
        if (kept !== before) return token
        if (token.refresh === undefined) return yield* ended(claims)
        const next = yield* Effect.catch(
          upstream.renew(token.refresh, String(claims.sub)),
          (error) => Effect.map(ofAnother(claims, before, error), (token) => ({ token, kept: undefined }))
        )
        if (next.kept === undefined) return next.token
        const isKept = yield* Effect.mapError(server.keep(claims, before, next.kept), storeFailed)
        // Another process has been faster, or the grant has ended.
        return isKept ? next.token : (yield* read(claims)).token
      })

    /**
     * A refresh token that is good once may have been used by another process, which has yet to write what it was given:
     * the provider answers both at about the same time.
     */
    const ofAnother = (
      claims: Jwt.Claims,
      before: string,
      error: OAuthError.OAuthError,
      [pause, ...later]: ReadonlyArray<number> = pauses
    ): Result<Token.Token> =>
      Effect.flatMap(read(claims), ({ kept, token }) => {
        if (kept !== before) return Effect.succeed(token)
        if (error.reason._tag !== "Refused" || error.reason.code !== "invalid_grant") return Effect.fail(error)
        return pause === undefined
          ? ended(claims)
          : Effect.andThen(Effect.sleep(pause), ofAnother(claims, before, error, later))
      })

    /** One renewal at a time for what is kept, which goes on when those who wait for it do not. */
    const renewed = (claims: Jwt.Claims, kept: string): Result<Token.Token> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const running = renewals.get(kept)
          if (running !== undefined) return restore(Deferred.await(running))
          const done = Deferred.makeUnsafe<Token.Token, OAuthError.OAuthError>()
          renewals.set(kept, done)
          return renew(claims, kept).pipe(
            Effect.onExit((exit) => {
              renewals.delete(kept)
              return Deferred.done(done, exit)
            }),
            // A refresh token that was used there and not written here would be lost.
            Effect.forkIn(scope, { uninterruptible: true }),
            Effect.andThen(restore(Deferred.await(done)))
          )
        })
      )

    return UpstreamTokens.of({
      get: (given) =>
        Effect.gen(function*() {
          const claims = given as Jwt.Claims
          // Another issuer may give its tokens any id, and any subject.
          if (claims.iss !== server.issuer) return yield* login
          const { kept, token } = yield* read(claims)
          if (!isOver(token.renewAt)) return token.access
          if (token.refresh === undefined && !isOver(token.expiresAt)) return token.access
          const next = yield* Effect.catch(renewed(claims, kept), (error) =>
            // It is renewed a little before its time, and that may be tried again.
            error.isRetryable && !isOver(token.expiresAt) ? Effect.succeed(token) : Effect.fail(error))
          return next.access
        })
    })
  })
))

/** Between the looks for what another process was given, in milliseconds. */
const pauses = [50, 100, 250, 500, 1000]

const storeFailed = (error: OAuthStoreError.OAuthStoreError): OAuthError.OAuthError =>
  OAuthError.make(new OAuthError.StoreFailed({ message: error.message, cause: error }))
