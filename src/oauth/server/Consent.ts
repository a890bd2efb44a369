/**
 * Whether a user lets a client in. The user is asked by a page that names the client and where it is; what is remembered
 * is only what they said of a client that somebody has registered by hand, for any other may be anybody's; and of a
 * program on their own machine only where it has a secret.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import type * as Client from "./Client.ts"
import * as OAuthStore from "./OAuthStore.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"

/** @category models @since 0.1.0 */
export interface Request {
  readonly client: Client.Client
  readonly redirectUri: string
  readonly resource: string
  readonly scopes: ReadonlyArray<string>
  /** Undefined where consent comes before the login. */
  readonly subject: string | undefined
  /** Whether the client wants the user to be asked even if they have said yes before. */
  readonly isWanted: boolean
}

/** @category services @since 0.1.0 */
export class Consent extends Context.Service<Consent, {
  readonly isGiven: (request: Request) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  /** The user has said yes. */
  readonly remember: (request: Request) => Effect.Effect<void, OAuthStoreError.OAuthStoreError>
}>()("fastmcp-effect/oauth/server/Consent") {}

/** @category models @since 0.1.0 */
export interface Options {
  /** How long a yes is remembered; zero for not at all. 90 days. */
  readonly remember?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options = {}
): Layer.Layer<Consent, never, OAuthStore.OAuthStore | Digest.Digest> =>
  Layer.effect(
    Consent,
    Effect.gen(function*() {
      const store = yield* OAuthStore.OAuthStore
      const { digest } = yield* Digest.Digest
      const lasts = Duration.toMillis(Duration.fromInputUnsafe(options.remember ?? "90 days"))

      /** Undefined where nothing is remembered. */
      const keyOf = ({ client, redirectUri, resource, scopes, subject }: Request) =>
        subject === undefined || client.origin !== "configured" || isAnyProgram(client, redirectUri) || lasts === 0
          ? Effect.succeed(undefined)
          : Effect.map(
            digest(
              Digest.sha256,
              new TextEncoder().encode(JSON.stringify([subject, client.id, redirectUri, resource, [...scopes].sort()]))
            ),
            (hash): OAuthStore.Key => ({ kind: "consent", id: Base64Url.encode(hash) })
          )

      return {
        isGiven: (request) =>
          request.isWanted ? Effect.succeed(false) : Effect.flatMap(keyOf(request), (key) =>
            key === undefined
              ? Effect.succeed(false)
              : Effect.map(store.get(key), ({ _tag }) => _tag === "Live")),
        remember: (request) =>
          Effect.gen(function*() {
            const key = yield* keyOf(request)
            if (key === undefined) return
            yield* store.remove(key)
            yield* store.putOnce(key, { data: "yes", expiresAt: (yield* Clock.currentTimeMillis) + lasts })
          })
      }
    })
  )

/** Others on the user's machine can ask in its name, and wait where its codes come to (RFC 8252, 8.6). */
const isAnyProgram = ({ authentication }: Client.Client, redirectUri: string): boolean =>
  authentication === "none" && !/^https:/iu.test(redirectUri)

/**
 * Nobody is asked. For tests and examples, and where all clients are the company's own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAutomatic: Layer.Layer<Consent> = Layer.succeed(Consent, {
  isGiven: () => Effect.succeed(true),
  remember: () => Effect.void
})
