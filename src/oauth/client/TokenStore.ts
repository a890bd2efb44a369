/**
 * Where a client keeps its tokens and what it is registered as, each under a key. What is kept is a secret: in memory it
 * is `Redacted`, and a store that writes it elsewhere keeps it from others, or is `encrypted`.
 *
 * On Node `NodeTokenStore` keeps it in files, which several processes may share.
 */
import * as Context from "effect/Context"
import * as Aead from "effect/crypto/Aead"
import * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Concealing from "../../core/Concealing.ts"
import * as OAuthError from "../OAuthError.ts"

/** @category services @since 0.1.0 */
export class TokenStore extends Context.Service<TokenStore, {
  readonly get: (key: string) => Effect.Effect<Redacted.Redacted<string> | undefined, OAuthError.OAuthError>
  /** Is there once the effect has ended, and replaces what was there in one step. */
  readonly set: (key: string, value: Redacted.Redacted<string>) => Effect.Effect<void, OAuthError.OAuthError>
  readonly remove: (key: string) => Effect.Effect<void, OAuthError.OAuthError>
  /**
   * Waits until nobody else has the lock of this key, and has it until the scope ends. Nobody is every fiber that uses
   * this store, and every process that keeps its tokens in the same place where the store can see to that.
   */
  readonly lock: (key: string) => Effect.Effect<void, OAuthError.OAuthError, Scope.Scope>
}>()("fastmcp-effect/oauth/client/TokenStore") {}

/**
 * For as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<TokenStore> = Layer.sync(TokenStore, () => {
  const kept = new Map<string, Redacted.Redacted<string>>()
  return {
    get: (key) => Effect.sync(() => kept.get(key)),
    set: (key, value) => Effect.sync(() => void kept.set(key, value)),
    remove: (key) => Effect.sync(() => void kept.delete(key)),
    lock: locks()
  }
})

/**
 * In any `KeyValueStore` of Effect's, under keys that begin with `oauth/`. Its lock holds in this process alone: where
 * several share what they keep, two may use one refresh token, and a server that gives each out once takes that for
 * theft.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyValueStore: Layer.Layer<TokenStore, never, KeyValueStore.KeyValueStore> = Layer.effect(
  TokenStore,
  Effect.map(KeyValueStore.KeyValueStore, (whole) => {
    const store = KeyValueStore.prefix(whole, "oauth/")
    // What a database says may quote the row that it does not take.
    const failed = ({ cause }: KeyValueStore.KeyValueStoreError) => {
      const code = Concealing.codeOf(cause)
      return OAuthError.make(
        new OAuthError.StoreFailed({
          message: `The store of tokens does not answer${code === undefined ? "" : ` (${code})`}`
        })
      )
    }
    return {
      get: (key) =>
        Effect.mapBoth(store.get(key), {
          onFailure: failed,
          onSuccess: (value) => value === undefined ? undefined : Redacted.make(value)
        }),
      set: (key, value) => Effect.mapError(store.set(key, Redacted.value(value)), failed),
      remove: (key) => Effect.mapError(store.remove(key), failed),
      lock: locks()
    }
  })
)

/** A lock for each key, of this process, which is forgotten once nobody has or wants it. @category locks @since 0.1.0 */
export const locks = (): TokenStore["Service"]["lock"] => {
  const entries = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  return (key) =>
    Effect.gen(function*() {
      const entry = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const entry = entries.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
          entries.set(key, entry)
          entry.users++
          return entry
        }),
        (entry) =>
          Effect.sync(() => {
            if (--entry.users === 0) entries.delete(key)
          })
      )
      yield* Effect.acquireRelease(
        Effect.interruptible(entry.semaphore.take(1)),
        () => entry.semaphore.release(1)
      )
    })
}

// ----------------------------------------------------------------------------
// encryption
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface EncryptionOptions {
  /** A secret of at least 32 bytes. Where it comes from decides what the encryption is worth: a keychain, not a file beside. */
  readonly key: Redacted.Redacted<string | Uint8Array>
  /** Secrets that open and do not seal, so that what was sealed with them stays readable. */
  readonly previousKeys?: ReadonlyArray<Redacted.Redacted<string | Uint8Array>>
}

/**
 * Seals what another store keeps (XChaCha20-Poly1305, bound to its key). What does not open counts as not there: it was
 * sealed with another secret, or somebody has changed it.
 *
 * @category layers
 * @since 0.1.0
 */
export const encrypted =
  (options: EncryptionOptions) =>
  <E, R>(store: Layer.Layer<TokenStore, E, R>): Layer.Layer<TokenStore, E | OAuthError.OAuthError, R> =>
    Layer.effect(TokenStore, seal(options)).pipe(
      Layer.provide(store),
      Layer.provide(webCrypto)
    )

// Fresh, for a layer that was built before under another `WebCrypto` would be handed out again.
const webCrypto = Layer.fresh(
  Layer.merge(Aead.layerWebCrypto, Kdf.layerWebCrypto).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
)

const algorithm = Aead.xchacha20Poly1305

const minKeyBytes = 32

const seal = ({ key, previousKeys = [] }: EncryptionOptions) =>
  Effect.gen(function*() {
    const inner = yield* TokenStore
    const aead = yield* Aead.Aead
    const { randomBytes } = yield* SecureRandom.SecureRandom
    const current = yield* derive("key", key)
    const all = [current, ...yield* Effect.forEach(previousKeys, (key, i) => derive(`previousKeys[${i}]`, key))]

    const open = (key: string, sealed: string) =>
      Effect.gen(function*() {
        const bytes = Result.getOrUndefined(Base64Url.decode(sealed))
        if (bytes === undefined || bytes.length <= algorithm.nonceLength) return undefined
        const nonce = bytes.slice(0, algorithm.nonceLength)
        for (const secret of all) {
          const plain = yield* Effect.option(
            aead.decrypt(secret, bytes.slice(algorithm.nonceLength), { nonce, aad: encoder.encode(key) })
          )
          if (plain._tag === "Some") return Redacted.make(new TextDecoder().decode(plain.value))
        }
        return undefined
      })

    return TokenStore.of({
      get: (key) =>
        Effect.flatMap(
          inner.get(key),
          (sealed) => sealed === undefined ? Effect.succeed(undefined) : open(key, Redacted.value(sealed))
        ),
      set: (key, value) =>
        Effect.gen(function*() {
          const nonce = yield* randomBytes(algorithm.nonceLength)
          const plain = encoder.encode(Redacted.value(value))
          const sealed = yield* Effect.orDie(aead.encrypt(current, plain, { nonce, aad: encoder.encode(key) }))
          const bytes = new Uint8Array(nonce.length + sealed.length)
          bytes.set(nonce)
          bytes.set(sealed, nonce.length)
          yield* inner.set(key, Redacted.make(Base64Url.encode(bytes)))
        }),
      remove: inner.remove,
      lock: inner.lock
    })
  })

const derive = (option: string, secret: Redacted.Redacted<string | Uint8Array>) =>
  Effect.gen(function*() {
    const value = Redacted.value(secret)
    const bytes = typeof value === "string" ? encoder.encode(value) : value
    if (bytes.length < minKeyBytes) {
      return yield* OAuthError.make(
        new OAuthError.InvalidOption({
          option,
          message:
            `The ${option} of the token store has ${bytes.length} bytes and needs at least ${minKeyBytes}; "openssl rand -base64 ${minKeyBytes}" makes one`
        })
      )
    }
    const { derive } = yield* Kdf.Kdf
    const material = derive(Kdf.hkdfSha256, bytes, {
      salt: new Uint8Array(0),
      info: encoder.encode("fastmcp-effect token store 1"),
      length: algorithm.keyLength
    })
    return yield* Effect.orDie(Effect.flatMap(material, (key) => Aead.key(algorithm, key)))
  })

const encoder = new TextEncoder()
