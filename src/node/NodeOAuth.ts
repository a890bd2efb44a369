/**
 * What an authorization server needs of Node: cryptography, a `SafeFetch` for what clients name, and a way into a bare
 * `node:http` server, for a router takes as long as a token.
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import type * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, ServerResponse } from "node:http"
import type * as SafeFetch from "../oauth/SafeFetch.ts"
import type * as AuthorizationServer from "../oauth/server/AuthorizationServer.ts"
import * as authorization from "./internal/authorization.ts"
import * as secrets from "./internal/secrets.ts"
import * as NodeSafeFetch from "./NodeSafeFetch.ts"

/** @category layers @since 0.1.0 */
export const layer = (
  fetch?: NodeSafeFetch.Options
): Layer.Layer<SafeFetch.SafeFetch | SecureRandom.SecureRandom | Digest.Digest> =>
  Layer.mergeAll(NodeSafeFetch.layer(fetch), NodeCrypto.layerDigest, NodeCrypto.layerSecureRandom, secrets.layer)

/**
 * Answers what comes to the paths of the authorization server, and says of anything else that it is not: false.
 *
 * @category running
 * @since 0.1.0
 */
export const listener: Effect.Effect<
  (request: IncomingMessage, response: ServerResponse) => boolean,
  never,
  AuthorizationServer.AuthorizationServer | Scope.Scope
> = authorization.make
