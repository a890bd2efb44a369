/**
 * Tokens that only their issuer can read, which is asked about each (RFC 7662). It costs a request where a JWT costs a
 * signature, and the issuer knows of a token that was revoked.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Identity from "../context/Identity.ts"
import * as Introspection from "../oauth/Introspection.ts"
import * as Scope from "../oauth/Scope.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as AuthError from "./AuthError.ts"
import * as boundKey from "./internal/boundKey.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

/** @category models @since 0.1.0 */
export interface Options extends Introspection.Endpoint {
  /** Who issues the tokens. An answer that names another is refused. */
  readonly issuer: string
  /** Whom tokens are meant for, where that is not the resource itself. */
  readonly audience?: string | ReadonlyArray<string>
  /**
   * Whether an answer has to name an audience, and it has to be this resource. True: without it a token made out to
   * any other server of the issuer is good here, and the other way round.
   */
  readonly requireAudience?: boolean
  /** Most questions at one time; who makes up tokens shall not keep the issuer busy. 64. */
  readonly concurrency?: number
}

/** @category constructors @since 0.1.0 */
export const make = (
  options: Options
): Effect.Effect<TokenVerifier.TokenVerifier["Service"], never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    const clock = yield* Clock.Clock
    const limit = Semaphore.makeUnsafe(options.concurrency ?? 64)
    return {
      verify: (token, { mayBeBound, resource }) =>
        Introspection.introspect(options, token).pipe(
          Effect.provideService(HttpClient.HttpClient, client),
          limit.withPermits(1),
          Effect.mapError(({ message }) =>
            AuthError.make(new AuthError.Unavailable({ text: message, retryAfter: 5000 }))
          ),
          Effect.flatMap((answer) =>
            answer === undefined
              ? Effect.fail(AuthError.make(new AuthError.Unknown()))
              : Effect.flatMap(
                boundKey.of(answer.cnf, mayBeBound),
                (jkt) => check(answer, options, options.audience ?? resource, clock.currentTimeMillisUnsafe(), jkt)
              )
          )
        )
    }
  })

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<TokenVerifier.TokenVerifier, never, HttpClient.HttpClient> =>
  Layer.effect(TokenVerifier.TokenVerifier, make(options))

const check = (
  answer: Introspection.Active,
  { issuer, requireAudience = true }: Options,
  audience: string | ReadonlyArray<string> | undefined,
  now: number,
  jkt: string | undefined
): Effect.Effect<TokenVerifier.Verified, AuthError.AuthError> => {
  const { aud, client_id: clientId, exp, iss, nbf, scope = "", sub = clientId } = answer
  if (iss !== undefined && iss !== issuer) return invalid("WrongIssuer", "The token is of another issuer")
  if (exp !== undefined && exp * 1000 <= now) return invalid("Expired", "The token has expired")
  if (nbf !== undefined && nbf * 1000 > now + leeway) return invalid("NotYetValid", "The token is not valid yet")
  if (aud !== undefined || requireAudience) {
    const intended = typeof audience === "string" ? [audience] : audience ?? []
    const named = typeof aud === "string" ? [aud] : aud ?? []
    if (!named.some((one) => intended.includes(one))) {
      return invalid("WrongAudience", "The token is meant for another resource")
    }
  }
  if (sub === undefined || sub === "") return invalid("InvalidClaim", "The token has no usable sub")
  return Effect.succeed({
    identity: Identity.make({
      subject: sub,
      issuer,
      clientId,
      scopes: Scope.parse(scope),
      claims: answer as unknown as JsonObject
    }),
    expiresAt: exp === undefined ? Infinity : exp * 1000,
    ...(jkt === undefined ? undefined : { jkt })
  })
}

const leeway = 30_000

const invalid = (problem: AuthError.InvalidToken["problem"], text: string) =>
  Effect.fail(AuthError.make(new AuthError.InvalidToken({ problem, text })))
