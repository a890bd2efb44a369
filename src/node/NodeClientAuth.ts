/**
 * `ClientAuth` with all that it needs on Node: the user's browser, tokens in the user's own files, and a `SafeFetch`
 * that judges addresses.
 */
import * as Layer from "effect/Layer"
import * as ClientAuth from "../client/ClientAuth.ts"
import type * as AuthorizationCode from "../oauth/client/AuthorizationCode.ts"
import type * as Credentials from "../oauth/client/Credentials.ts"
import type * as EnterpriseManaged from "../oauth/client/EnterpriseManaged.ts"
import * as TokenStore from "../oauth/client/TokenStore.ts"
import type * as WorkloadIdentity from "../oauth/client/WorkloadIdentity.ts"
import type * as OAuthError from "../oauth/OAuthError.ts"
import type * as Authorization from "../transport/Authorization.ts"
import * as LoopbackRedirect from "./LoopbackRedirect.ts"
import * as NodeSafeFetch from "./NodeSafeFetch.ts"
import * as NodeTokenStore from "./NodeTokenStore.ts"

/** @category models @since 0.1.0 */
export interface Options extends ClientAuth.Options {
  /** What may be fetched of what a server names; `{ allowLoopback: true }` to develop against a server of this machine. */
  readonly fetch?: NodeSafeFetch.Options
  /** Instead of `NodeTokenStore` where a person logs in, and of memory where a program does. */
  readonly store?: Layer.Layer<TokenStore.TokenStore, OAuthError.OAuthError>
}

/** @category models @since 0.1.0 */
export interface BrowserOptions extends Options, AuthorizationCode.Options {
  readonly redirect?: LoopbackRedirect.Options
}

type Result = Layer.Layer<Authorization.Authorization, OAuthError.OAuthError>

/**
 * A person logs in, once for as long as the tokens in the user's files are good.
 *
 * @category layers
 * @since 0.1.0
 */
export const browser = (options: BrowserOptions = {}): Result =>
  ClientAuth.browser(options).pipe(
    Layer.provide(LoopbackRedirect.layer(options.redirect)),
    complete(options, NodeTokenStore.layer())
  )

/**
 * The program has a secret or a key of its own.
 *
 * @category layers
 * @since 0.1.0
 */
export const clientCredentials = (options: Options & Credentials.Credentials): Result =>
  complete(options, TokenStore.layerMemory)(ClientAuth.clientCredentials(options))

/**
 * The company has said who gets in.
 *
 * @category layers
 * @since 0.1.0
 */
export const enterpriseManaged = (options: Options & EnterpriseManaged.Options): Result =>
  complete(options, TokenStore.layerMemory)(ClientAuth.enterpriseManaged(options))

/**
 * The platform vouches for the program.
 *
 * @category layers
 * @since 0.1.0
 */
export const workloadIdentity = (options: Options & WorkloadIdentity.Options): Result =>
  complete(options, TokenStore.layerMemory)(ClientAuth.workloadIdentity(options))

const complete =
  ({ fetch, store }: Options, usual: Layer.Layer<TokenStore.TokenStore>) =>
  (auth: Layer.Layer<Authorization.Authorization, never, ClientAuth.Needs>): Result =>
    Layer.provide(auth, Layer.merge(NodeSafeFetch.layer(fetch), store ?? usual))
