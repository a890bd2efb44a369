/** Secrets that an authorization server gives out, and how it knows them again. */
import * as Context from "effect/Context"
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
  /** So many letters of an alphabet, each as likely as any other. */
  readonly makeCode: (alphabet: string, length: number) => Effect.Effect<string>
  /** SHA-256 of a text, as base64url. */
  readonly hash: (text: string) => Effect.Effect<string>
}

/** What a host makes at once. */
export interface Host {
  /** So many random bytes, as base64url. */
  readonly random: (size: number) => string
  /** SHA-256 of a text in UTF-8, as base64url. */
  readonly hash: (text: string) => string
}

/** Where there is none, the services of Effect do. */
export const Host: Context.Reference<Host | undefined> = Context.Reference<Host | undefined>(
  "fastmcp-effect/oauth/server/secrets/Host",
  { defaultValue: () => undefined }
)

export const make: Effect.Effect<Secrets, never, SecureRandom.SecureRandom | Digest.Digest> = Effect.gen(function*() {
  const { randomBytes } = yield* SecureRandom.SecureRandom
  const { digest } = yield* Digest.Digest
  const host = yield* Host
  const random = (size: number) =>
    host === undefined ? Effect.map(randomBytes(size), Base64Url.encode) : Effect.sync(() => host.random(size))
  return {
    make: random(32),
    makeId: random(16),
    makeCode: (alphabet, length) =>
      Effect.gen(function*() {
        // Of 256 bytes the last few would make some letters likelier.
        const most = 256 - 256 % alphabet.length
        let code = ""
        while (code.length < length) {
          for (const byte of yield* randomBytes(length)) {
            if (byte < most && code.length < length) code += alphabet[byte % alphabet.length]
          }
        }
        return code
      }),
    hash: host === undefined
      ? (text) => Effect.map(digest(Digest.sha256, bytes(text)), Base64Url.encode)
      : (text) => Effect.succeed(host.hash(text))
  }
})

/** Takes as long whether they are the same or not. */
export const equal = (a: string, b: string): boolean => Mac.timingSafeEqual(bytes(a), bytes(b))

const encoder = new TextEncoder()

const bytes = (text: string): Uint8Array => encoder.encode(text)
