/**
 * Text that only who has a secret can read, and that nobody can change or use for anything but what it was made for.
 *
 * It is base64url of version, key id, nonce and ciphertext. The cipher is XChaCha20-Poly1305, whose nonces are long
 * enough to be random however much one key seals; keys are derived from the secrets with HKDF.
 */
import * as Aead from "effect/crypto/Aead"
import * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** @category models @since 0.1.0 */
export interface Seal {
  /** `binding` says what it belongs to; the same must be given to open it. */
  readonly seal: (plain: Uint8Array, binding: string) => Effect.Effect<string>
  /** Undefined for whatever none of these secrets has sealed for this binding. */
  readonly open: (sealed: string, binding: string) => Effect.Effect<Uint8Array | undefined>
}

/** Of a secret. @category constants @since 0.1.0 */
export const minKeyBytes = 32

/** @category constructors @since 0.1.0 */
export const bytesOf = (secret: Redacted.Redacted<string | Uint8Array>): Uint8Array => {
  const value = Redacted.value(secret)
  return typeof value === "string" ? encoder.encode(value) : value
}

/** What the sealed text of so many bytes has of characters. @category accessors @since 0.1.0 */
export const lengthOf = (bytes: number): number => Math.ceil((smallest + bytes) * 4 / 3)

/**
 * The first secret seals; all open. Of the same secret, each purpose has a key of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  purpose: string,
  secrets: readonly [Uint8Array, ...ReadonlyArray<Uint8Array>]
) {
  const aead = yield* Aead.Aead
  const { randomBytes } = yield* SecureRandom.SecureRandom
  const current = yield* derive(purpose, secrets[0])
  const keys = [current, ...yield* Effect.forEach(secrets.slice(1), (secret) => derive(purpose, secret))]

  const seal: Seal["seal"] = Effect.fnUntraced(function*(plain, binding) {
    const nonce = yield* randomBytes(algorithm.nonceLength)
    const aad = additionalData(current.header, binding)
    const sealed = yield* Effect.orDie(aead.encrypt(current.key, plain, { nonce, aad }))
    return Base64Url.encode(concat([current.header, nonce, sealed]))
  })

  const open: Seal["open"] = Effect.fnUntraced(function*(text, binding) {
    const bytes = decode(text)
    const found = bytes && keys.find(({ header }) => header.every((byte, index) => bytes[index] === byte))
    if (bytes === undefined || found === undefined) return undefined
    const nonce = bytes.slice(headerLength, headerLength + algorithm.nonceLength)
    const sealed = bytes.slice(headerLength + algorithm.nonceLength)
    const aad = additionalData(found.header, binding)
    return yield* aead.decrypt(found.key, sealed, { nonce, aad }).pipe(
      Effect.catch((error) => error.reason._tag === "DecryptionFailed" ? Effect.succeed(undefined) : Effect.die(error))
    )
  })

  return { seal, open } satisfies Seal
})

/**
 * What `make` needs beside randomness, from the Web's cryptography. Fresh, for a layer that was built before under
 * another `WebCrypto` would be handed out again.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWebCrypto: Layer.Layer<Aead.Aead | Kdf.Kdf | SecureRandom.SecureRandom> = Layer.fresh(
  Layer.merge(Aead.layerWebCrypto, Kdf.layerWebCrypto).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
)

const algorithm = Aead.xchacha20Poly1305

const version = 1

const keyIdLength = 8

const headerLength = 1 + keyIdLength

const tagLength = 16

const smallest = headerLength + algorithm.nonceLength + tagLength

interface Key {
  /** What text of this key begins with: version and key id. */
  readonly header: Uint8Array
  readonly key: Aead.Key
}

const derive = Effect.fnUntraced(function*(purpose: string, secret: Uint8Array) {
  const kdf = yield* Kdf.Kdf
  const part = (name: string, length: number) =>
    kdf.derive(Kdf.hkdfSha256, secret, {
      salt: new Uint8Array(0),
      info: encoder.encode(`fastmcp-effect ${purpose} ${version} ${name}`),
      length
    })
  const key = yield* Aead.key(algorithm, yield* part("key", algorithm.keyLength))
  const id = yield* part("key id", keyIdLength)
  return { header: concat([Uint8Array.of(version), id]), key } satisfies Key
}, Effect.orDie)

// As a JSON string, for UTF-8 would make one character of all lone surrogates.
const additionalData = (header: Uint8Array, binding: string): Uint8Array =>
  concat([header, encoder.encode(JSON.stringify(binding))])

/** The bytes of a text, unless other text stands for the same bytes: padding, line breaks, bits that are not used. */
const decode = (text: string): Uint8Array | undefined => {
  const bytes = Result.getOrUndefined(Base64Url.decode(text))
  return bytes !== undefined && bytes.length >= smallest && Base64Url.encode(bytes) === text ? bytes : undefined
}

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

const encoder = new TextEncoder()
