/**
 * An authorization server in front of an identity provider that knows no clients but those somebody has registered by
 * hand. Clients come to this server as they come to any other, and get its own tokens; to the provider there is one
 * client, this program. The user says which client may come in before they are sent there, each time.
 */
import type * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import type * as OAuthError from "../OAuthError.ts"
import type * as SafeFetch from "../SafeFetch.ts"
import * as AuthorizationServer from "../server/AuthorizationServer.ts"
import * as Consent from "../server/Consent.ts"
import type * as OAuthStore from "../server/OAuthStore.ts"
import type * as Pages from "../server/Pages.ts"
import type * as SigningKeys from "../server/SigningKeys.ts"
import * as Upstream from "./Upstream.ts"
import * as UpstreamLogin from "./UpstreamLogin.ts"
import * as UpstreamTokens from "./UpstreamTokens.ts"

/** @category models @since 0.1.0 */
export interface Options extends AuthorizationServer.Options {
  readonly upstream: Upstream.Options
}

/** @category layers @since 0.1.0 */
export const layer = (
  { upstream, ...options }: Options
): Layer.Layer<
  AuthorizationServer.AuthorizationServer | UpstreamTokens.UpstreamTokens,
  AuthorizationServer.InvalidOption | OAuthError.OAuthError,
  | OAuthStore.OAuthStore
  | SigningKeys.SigningKeys
  | Pages.Pages
  | SafeFetch.SafeFetch
  | SecureRandom.SecureRandom
  | Digest.Digest
> =>
  UpstreamTokens.layer.pipe(
    Layer.provideMerge(AuthorizationServer.layer(options)),
    Layer.provide(UpstreamLogin.layer),
    Layer.provide(Consent.layer({ remember: 0 })),
    Layer.provide(Upstream.layer(upstream))
  )
