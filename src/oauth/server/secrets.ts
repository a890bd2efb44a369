/** Secrets that an authorization server gives out, and how it knows them again. */
import * as Digest from "effect/crypto/Digest"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"

export interface Secrets {
  /** 256 bits that nobody can guess. */
  readonly make: Effect.Effect<string>
  /** 128 bits: an id that is not guessed and need not be kept secret. */
  readonly makeId: Effect.Effect<string>
  /** SHA-256 of a text, as base64url. */
  readonly hash: (text: string) => Effect.Effect<string>
}

export const make: Effect.Effect<Secrets, never, SecureRandom.SecureRandom | Digest.Digest> = Effect.gen(function*() {
  const { randomBytes } = yield* SecureRandom.SecureRandom
  const { digest } = yield* Digest.Digest
  return {
    make: Effect.map(randomBytes(32), Base64Url.encode),
    makeId: Effect.map(randomBytes(16), Base64Url.encode),
    hash: (text) => Effect.map(digest(Digest.sha256, bytes(text)), Base64Url.encode)
  }
})

/** Takes as long whether they are the same or not. */
export const equal = (a: string, b: string): boolean => Mac.timingSafeEqual(bytes(a), bytes(b))

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
