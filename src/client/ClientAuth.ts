/**
 * Makes a client's HTTP transport get in where a server wants a token: from a bare 401 to a token, to the same request
 * again. The layers provide `transport/Authorization`; `NodeClientAuth` has them with all that they need on Node.
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as AuthorizationCode from "../oauth/client/AuthorizationCode.ts"
import * as ClientCredentials from "../oauth/client/ClientCredentials.ts"
import type * as Credentials from "../oauth/client/Credentials.ts"
import * as EnterpriseManaged from "../oauth/client/EnterpriseManaged.ts"
import * as OAuthClient from "../oauth/client/OAuthClient.ts"
import type * as TokenStore from "../oauth/client/TokenStore.ts"
import type * as UserAgent from "../oauth/client/UserAgent.ts"
import * as WorkloadIdentity from "../oauth/client/WorkloadIdentity.ts"
import type * as OAuthError from "../oauth/OAuthError.ts"
import type * as SafeFetch from "../oauth/SafeFetch.ts"
import * as WwwAuthenticate from "../oauth/WwwAuthenticate.ts"
import * as Authorization from "../transport/Authorization.ts"
import * as TransportError from "../transport/TransportError.ts"

/** @category models @since 0.1.0 */
export interface Options extends Omit<OAuthClient.Options<never>, "address" | "grant"> {}

/** What every way needs. @category models @since 0.1.0 */
export type Needs = TokenStore.TokenStore | SafeFetch.SafeFetch

/**
 * A person logs in.
 *
 * @category layers
 * @since 0.1.0
 */
export const browser = (
  options: Options & AuthorizationCode.Options = {}
): Layer.Layer<Authorization.Authorization, never, Needs | UserAgent.UserAgent> =>
  layer({ ...options, grant: AuthorizationCode.make(options) })

/**
 * The program has a secret or a key of its own.
 *
 * @category layers
 * @since 0.1.0
 */
export const clientCredentials = (
  options: Options & Credentials.Credentials
): Layer.Layer<Authorization.Authorization, never, Needs> =>
  layer({ ...options, grant: ClientCredentials.make(options) })

/**
 * The company has said who gets in.
 *
 * @category layers
 * @since 0.1.0
 */
export const enterpriseManaged = (
  options: Options & EnterpriseManaged.Options
): Layer.Layer<Authorization.Authorization, never, Needs> =>
  layer({ ...options, grant: EnterpriseManaged.make(options) })

/**
 * The platform vouches for the program.
 *
 * @category layers
 * @since 0.1.0
 */
export const workloadIdentity = (
  options: Options & WorkloadIdentity.Options
): Layer.Layer<Authorization.Authorization, never, Needs> =>
  layer({ ...options, grant: WorkloadIdentity.make(options) })

/**
 * Any grant. Each server gets a client of its own, and the tokens of none are sent to another.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R>(
  options: Omit<OAuthClient.Options<R>, "address">
): Layer.Layer<Authorization.Authorization, never, Needs | R> =>
  Layer.effect(
    Authorization.Authorization,
    Effect.gen(function*() {
      const context = yield* Effect.context<Needs | R | SecureRandom.SecureRandom | Scope.Scope>()
      const gates = new Map<string, Authorization.Gate>()
      return {
        gate: (address) =>
          Effect.suspend(() => {
            const known = gates.get(address.href)
            return known !== undefined ? Effect.succeed(known) : OAuthClient.make({ ...options, address }).pipe(
              Effect.provideContext(context),
              Effect.map((client) => {
                const gate = gates.get(address.href) ?? makeGate(client)
                gates.set(address.href, gate)
                return gate
              })
            )
          })
      }
    })
  ).pipe(Layer.provide(Layer.fresh(SecureRandom.layerWebCrypto)))

const makeGate = (client: OAuthClient.OAuthClient): Authorization.Gate => {
  const sent = new WeakMap<
    Authorization.Headers,
    { readonly held: OAuthClient.Held; readonly nonce: string | undefined }
  >()
  let nonce: string | undefined
  return {
    headers: ({ method, url }) =>
      Effect.gen(function*() {
        const held = yield* Effect.mapError(client.current, (error) => unauthorized(401, undefined, error))
        if (held === undefined) return {}
        const { proof, token } = held
        const access = Redacted.value(token.access)
        const headers: Authorization.Headers = {
          authorization: Redacted.make(`${token.type} ${access}`),
          ...(proof === undefined
            ? undefined
            : { dpop: Redacted.make(yield* proof({ method, url, token: access, nonce })) })
        }
        sent.set(headers, { held, nonce })
        return headers
      }),
    isAskingUser: client.isAskingUser,
    answered: (headers) => {
      nonce = headers["dpop-nonce"] ?? nonce
    },
    refused: (refusal) =>
      Effect.suspend(() => {
        const { attempt, headers, isWaitedFor, status } = refusal
        const challenge = headers["www-authenticate"]
        const challenges = WwwAuthenticate.parse(challenge ?? "")
        const says = (error: string) => challenges.some(({ parameters }) => parameters.error === error)
        const before = sent.get(refusal.sent)
        // That its nonce has changed is no word about the token.
        if (before?.held.proof !== undefined && before.nonce !== nonce && says("use_dpop_nonce")) {
          return Effect.succeed(true)
        }
        if (status === 403 && !says("insufficient_scope")) return Effect.succeed(false)
        return client.refused({ status, challenges, sent: before?.held, attempt, isWaitedFor }).pipe(
          Effect.as(true),
          Effect.mapError((error) => unauthorized(status, challenge, error))
        )
      })
  }
}

const unauthorized = (
  status: 401 | 403,
  challenge: string | undefined,
  error: OAuthError.OAuthError
): TransportError.TransportError =>
  TransportError.make(
    new TransportError.Unauthorized({
      status,
      ...(challenge === undefined ? undefined : { challenge }),
      problem: error.message,
      cause: error
    })
  )
