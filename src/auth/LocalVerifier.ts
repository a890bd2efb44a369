/**
 * Access tokens of an authorization server in the same process. Unlike a verifier that only sees a signature, it takes no
 * token that was revoked, nor one of a grant that has ended. What ends in this process is dropped from the `TokenCache`
 * it brings; what ends in another is noticed when that forgets the token.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AuthorizationServer from "../oauth/server/AuthorizationServer.ts"
import * as AuthError from "./AuthError.ts"
import * as claims from "./internal/claims.ts"
import * as TokenCache from "./TokenCache.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

/** @category constructors @since 0.1.0 */
export const make: Effect.Effect<
  TokenVerifier.TokenVerifier["Service"],
  never,
  AuthorizationServer.AuthorizationServer
> = Effect.map(AuthorizationServer.AuthorizationServer, ({ check }) => ({
  verify: (token, { mayBeBound, resource }) =>
    check(token).pipe(
      Effect.mapError(({ message: text }) => AuthError.make(new AuthError.Unavailable({ text, retryAfter: 1000 }))),
      Effect.flatMap((found) =>
        found === undefined
          ? Effect.fail(unknown)
          : found.aud === resource
          ? claims.verified(found, mayBeBound)
          : Effect.fail(foreign)
      )
    )
}))

/** @category layers @since 0.1.0 */
export const layer = (
  options?: TokenCache.Options
): Layer.Layer<TokenVerifier.TokenVerifier | TokenCache.TokenCache, never, AuthorizationServer.AuthorizationServer> =>
  Layer.mergeAll(Layer.effect(TokenVerifier.TokenVerifier, make), forgetting).pipe(
    Layer.provideMerge(TokenCache.layer(options))
  )

/** Drops what ends. */
const forgetting = Layer.effectDiscard(Effect.gen(function*() {
  const { events } = yield* AuthorizationServer.AuthorizationServer
  const { dropWhere } = yield* TokenCache.TokenCache
  yield* Effect.forkScoped(Stream.runForEach(events, (event) => {
    if (event._tag !== "Revoked" && event._tag !== "Replayed") return Effect.void
    const { grantId } = event
    return dropWhere(({ claims: { jti } }) =>
      grantId === undefined ? jti === event.tokenId : String(jti).startsWith(`${grantId}.`)
    )
  }))
}))

const unknown = AuthError.make(new AuthError.Unknown())

const foreign = AuthError.make(
  new AuthError.InvalidToken({ problem: "WrongAudience", text: "The token is meant for another resource" })
)
