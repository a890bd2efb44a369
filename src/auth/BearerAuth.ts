/**
 * Lets in who brings an access token for this server in the `Authorization` header, and tells everybody else where to
 * get one. What tells a good token is the `TokenVerifier` in context.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as DpopNonce from "../oauth/DpopNonce.ts"
import * as ProtectedResourceMetadata from "../oauth/ProtectedResourceMetadata.ts"
import * as AuthProvider from "./AuthProvider.ts"
import * as bearer from "./internal/bearer.ts"
import * as hashing from "./internal/hashing.ts"
import * as ProofMemory from "./ProofMemory.ts"
import * as ProtectedResource from "./ProtectedResource.ts"
import * as TokenCache from "./TokenCache.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

/** @category models @since 0.1.0 */
export interface Options extends ProtectedResource.Options {
  /** What every caller needs, whatever it asks for. None. */
  readonly scopes?: ReadonlyArray<string>
  /**
   * The environment variable that holds the token where the server is started over stdio. Without it nobody is served
   * there.
   */
  readonly environment?: string
}

/**
 * A verified token is remembered by the `TokenCache` in context, or by one of its own; a proof by the `ProofMemory`
 * likewise.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<AuthProvider.AuthProvider, never, TokenVerifier.TokenVerifier> =>
  Effect.gen(function*() {
    const cache = yield* Effect.serviceOption(TokenCache.TokenCache)
    const { dpop = false } = options
    return yield* bearer.make({
      verifier: yield* TokenVerifier.TokenVerifier,
      resource: options.resource,
      environment: options.environment,
      scopes: options.scopes,
      cache: Option.isSome(cache) ? cache.value : yield* TokenCache.make(),
      metadataUrl: ProtectedResourceMetadata.location(options.resource),
      documents: ProtectedResource.documents(options),
      dpop: dpop === false ? undefined : yield* dpopOf(dpop === true ? {} : dpop, options.resource)
    })
  })

const dpopOf = ({ nonces = false, required = false, url }: ProtectedResource.Dpop, resource: string) =>
  Effect.gen(function*() {
    const memory = yield* Effect.serviceOption(ProofMemory.ProofMemory)
    return {
      url: url ?? resource,
      isRequired: required,
      nonces: nonces === false ? undefined : yield* DpopNonce.make(nonces === true ? {} : nonces),
      memory: Option.isSome(memory) ? memory.value : yield* ProofMemory.make(),
      hash: yield* hashing.make
    }
  })

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<AuthProvider.Known, never, TokenVerifier.TokenVerifier> => AuthProvider.layer(make(options))
