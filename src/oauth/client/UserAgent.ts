/**
 * How a client asks its user: it sends a browser to the authorization server and waits for it to come back. On Node
 * `LoopbackRedirect` opens the user's browser.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as OAuthError from "../OAuthError.ts"

/** @category models @since 0.1.0 */
export interface Visit {
  /** Judged already: of `https:`, or of this machine where that is allowed. */
  readonly url: string
  /** What belongs to another visit comes back with another one, and is none of this. */
  readonly state: string
}

/** @category models @since 0.1.0 */
export interface Listening {
  /** Where the browser will come back to. */
  readonly redirectUri: string
  /** Sends the browser out, and waits for what it brings back. */
  readonly visit: (visit: Visit) => Effect.Effect<URLSearchParams, OAuthError.OAuthError>
}

/** @category services @since 0.1.0 */
export class UserAgent extends Context.Service<UserAgent, {
  /** Where it can come back to until the scope ends: at one of these addresses, if that can be had. */
  readonly listen: (
    preferred: ReadonlyArray<string>
  ) => Effect.Effect<Listening, OAuthError.OAuthError, Scope.Scope>
}>()("fastmcp-effect/oauth/client/UserAgent") {}

/** @category models @since 0.1.0 */
export interface HeadlessOptions {
  /** Nothing listens there. */
  readonly redirectUri: string
}

/**
 * Nobody: goes where each answer leads until that is back, which is enough for an authorization server that asks
 * nothing, as in a test.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHeadless = (
  { redirectUri }: HeadlessOptions
): Layer.Layer<UserAgent, never, HttpClient.HttpClient> =>
  Layer.effect(
    UserAgent,
    Effect.map(HttpClient.HttpClient, (client) => {
      const follow = (url: URL, steps: number): Effect.Effect<URLSearchParams, OAuthError.OAuthError> =>
        Effect.gen(function*() {
          const noAnswer = (message: string) => OAuthError.make(new OAuthError.NoAnswer({ message }))
          const response = yield* Effect.mapError(client.get(url), ({ reason }) =>
            noAnswer(`${url.origin} could not be reached (${reason._tag})`))
          const { location } = response.headers
          if (location === undefined || steps === 0) {
            return yield* noAnswer(`${url.origin} wants to see a person (HTTP ${response.status})`)
          }
          const next = new URL(location, url)
          return isAt(next, redirectUri) ? next.searchParams : yield* follow(next, steps - 1)
        })
      return {
        listen: () =>
          Effect.succeed({
            redirectUri,
            visit: ({ url }) =>
              quietly(follow(new URL(url), 10))
          })
      }
    })
  )

/** A span has the whole URL, with the state in it, and sometimes the code. */
const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
  )

const isAt = ({ origin, pathname }: URL, uri: string): boolean => {
  const wanted = new URL(uri)
  return origin === wanted.origin && pathname === wanted.pathname
}
