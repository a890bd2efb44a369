/**
 * The certified `oidc-provider` as the engine of an authorization server, for whoever wants its many years and many eyes
 * in the place of ours: the same tag, the same options, and the same services beside it, so that nothing else changes.
 * It takes requests of `node:http` alone.
 *
 * What is different: `prompt=none` is always refused with `login_required`, `max_age` with `invalid_request`, and nobody
 * who guesses the secret of a client has to wait.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as AuthorizationServer from "../oauth/server/AuthorizationServer.ts"
import * as ExchangePolicy from "../oauth/server/ExchangePolicy.ts"
import * as engine from "./internal/oidcProvider/engine.ts"
import { load } from "./internal/oidcProvider/library.ts"

/** The package is not there. @category errors @since 0.1.0 */
export class MissingLibrary extends Schema.TaggedError<MissingLibrary>(
  "fastmcp-effect/node/NodeOidcProvider/MissingLibrary"
)("MissingLibrary", {}) {
  override get message(): string {
    return "NodeOidcProvider runs oidc-provider 9, which is not installed; run: npm install oidc-provider"
  }
}

/** Those of our own engine, but for what only that one does. @category models @since 0.1.0 */
export type Options = Omit<
  AuthorizationServer.Options,
  "deviceFlow" | "trustedIdentityProviders" | "trustedPlatforms"
>

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<
  AuthorizationServer.AuthorizationServer,
  AuthorizationServer.InvalidOption | MissingLibrary,
  AuthorizationServer.Services
> =>
  Layer.effect(
    AuthorizationServer.AuthorizationServer,
    Effect.flatMap(
      Effect.tryPromise({ try: load, catch: () => new MissingLibrary() }),
      (library) => AuthorizationServer.make({ ...options, deviceFlow: false }, [], engine.make(library))
    ).pipe(
      // Tokens are not exchanged here, whatever stands beside it.
      Effect.updateContext((context: Context.Context<AuthorizationServer.Services>) =>
        Context.omit(ExchangePolicy.ExchangePolicy)(context)
      )
    )
  )
