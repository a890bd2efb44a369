/**
 * Lets in who brings a key in a header of its own. A key says who calls for as long as nobody takes it away, to every
 * server it is shown to; where there is an authorization server, `BearerAuth` is the better choice.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AuthError from "./AuthError.ts"
import * as AuthProvider from "./AuthProvider.ts"
import * as bearer from "./internal/bearer.ts"
import * as callers from "./internal/callers.ts"
import * as TokenCache from "./TokenCache.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** The header. `x-api-key`. */
  readonly header?: string
  /** What every caller needs, whatever it asks for. None. */
  readonly scopes?: ReadonlyArray<string>
  /** The environment variable that holds the key where the server is started over stdio. */
  readonly environment?: string
}

/**
 * What tells a good key is the `TokenVerifier` in context: `StaticVerifier`, or one that asks your database.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<AuthProvider.AuthProvider, never, TokenVerifier.TokenVerifier> =>
  Effect.gen(function*() {
    const { environment, scopes = [] } = options
    const name = (options.header ?? "x-api-key").toLowerCase()
    const cache = yield* Effect.serviceOption(TokenCache.TokenCache)
    const identify = callers.make({
      verifier: yield* TokenVerifier.TokenVerifier,
      resource: undefined,
      scopes,
      cache: Option.isSome(cache) ? cache.value : yield* TokenCache.make()
    })
    return {
      authenticate: ({ header, sha256, transport }) => {
        if (transport === "stdio") {
          return Effect.flatMap(bearer.fromEnvironment(environment), (key) => identify(Redacted.value(key), sha256))
        }
        const key = header(name)
        if (key === undefined || key === "") return missing
        return key.length > maxLength ? unknown : identify(key, sha256)
      },
      // No standard names this scheme; it says to a person what to send.
      challenge: () => `ApiKey header="${name}"`,
      lacks: (granted) => scopes.filter((scope) => !granted.includes(scope))
    }
  })

/** @category layers @since 0.1.0 */
export const layer = (
  options?: Options
): Layer.Layer<AuthProvider.Known, never, TokenVerifier.TokenVerifier> => AuthProvider.layer(make(options))

const maxLength = 1024

const missing = Effect.fail(AuthError.make(new AuthError.Missing()))

const unknown = Effect.fail(AuthError.make(new AuthError.Unknown()))
