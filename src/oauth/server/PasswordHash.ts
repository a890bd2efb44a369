/**
 * Passwords as what may be kept of them: Argon2id (RFC 9106) in the PHC string format, so that hashes of other programs
 * are read, and each says how it was made. A hash takes much memory for a short time, so few are made at once.
 */
import * as Context from "effect/Context"
import type * as CryptoError from "effect/crypto/CryptoError"
import * as Kdf from "effect/crypto/Kdf"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"

/** This program has no Argon2id. @category errors @since 0.1.0 */
export class Unsupported
  extends Schema.TaggedError<Unsupported>("fastmcp-effect/oauth/server/PasswordHash/Unsupported")(
    "Unsupported",
    { text: Schema.String, cause: Schema.optionalKey(Schema.Defect()) }
  )
{
  override get message(): string {
    return this.text
  }
}

/** As many wait already as may. @category errors @since 0.1.0 */
export class Busy extends Schema.TaggedError<Busy>("fastmcp-effect/oauth/server/PasswordHash/Busy")("Busy", {
  waiting: Schema.Int
}) {
  override get message(): string {
    return `${this.waiting} passwords wait to be checked, which is as many as may.`
  }
}

/** @category services @since 0.1.0 */
export class PasswordHash extends Context.Service<PasswordHash, {
  readonly hash: (password: Redacted.Redacted) => Effect.Effect<string, Busy>
  /** Takes as long where there is no hash, or none that it can read, and is false then. */
  readonly verify: (password: Redacted.Redacted, hash: string | undefined) => Effect.Effect<boolean, Busy>
  /** Whether it was made with less than what hashes are made with now. */
  readonly needsRehash: (hash: string) => boolean
}>()("fastmcp-effect/oauth/server/PasswordHash") {}

/** @category models @since 0.1.0 */
export interface Options {
  /** KiB. 19,456. */
  readonly memory?: number
  /** 2. */
  readonly passes?: number
  /** 1. */
  readonly parallelism?: number
  /** Hashes made at one time, each with its memory. 2. */
  readonly concurrency?: number
  /** Those that wait for it; one more fails. 200. */
  readonly maxWaiting?: number
}

/**
 * Fails where the `Kdf` has no Argon2id; that of Web Crypto has none.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<PasswordHash, Unsupported, Kdf.Kdf | SecureRandom.SecureRandom> =>
  Layer.effect(
    PasswordHash,
    Effect.gen(function*() {
      const { concurrency = 2, maxWaiting = 200, memory = 19_456, parallelism = 1, passes = 2 } = options
      const { derive } = yield* Kdf.Kdf
      const { randomBytes } = yield* SecureRandom.SecureRandom
      const semaphore = yield* Semaphore.make(concurrency)
      const wanted: Costs = { memory, passes, parallelism }
      let waiting = 0

      const bounded = <A>(effect: Effect.Effect<A, CryptoError.CryptoError>): Effect.Effect<A, Busy> =>
        Effect.suspend(() => {
          if (waiting >= concurrency + maxWaiting) return Effect.fail(new Busy({ waiting: maxWaiting }))
          waiting++
          // Whoever goes away does not stop it, so it keeps its place until it is done.
          return Effect.ensuring(
            semaphore.withPermit(Effect.uninterruptible(Effect.orDie(effect))),
            Effect.sync(() => waiting--)
          )
        })

      const tagOf = (password: Redacted.Redacted, costs: Costs, salt: Uint8Array, length: number) =>
        derive(Kdf.argon2id(costs), new TextEncoder().encode(Redacted.value(password).normalize("NFC")), {
          salt,
          length
        })

      yield* Effect.catch(tagOf(Redacted.make(""), wanted, new Uint8Array(saltLength), tagLength), (error) =>
        error.reason._tag === "Unsupported"
          ? Effect.fail(new Unsupported({ text: "There is no Argon2id here to hash passwords with.", cause: error }))
          : Effect.die(error))

      return {
        hash: (password) =>
          bounded(Effect.gen(function*() {
            const salt = yield* randomBytes(saltLength)
            return format({ costs: wanted, salt, tag: yield* tagOf(password, wanted, salt, tagLength) })
          })),
        verify: (password, hash) =>
          bounded(Effect.gen(function*() {
            const known = hash === undefined ? undefined : parse(hash)
            const { costs, salt, tag } = known ??
              { costs: wanted, salt: new Uint8Array(saltLength), tag: new Uint8Array(tagLength) }
            const given = yield* tagOf(password, costs, salt, tag.length)
            return Mac.timingSafeEqual(given, tag) && known !== undefined
          })),
        needsRehash: (hash) => {
          const known = parse(hash)
          return known === undefined || known.costs.memory < memory || known.costs.passes < passes ||
            known.tag.length < tagLength
        }
      }
    })
  )

interface Costs {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

interface Parsed {
  readonly costs: Costs
  readonly salt: Uint8Array
  readonly tag: Uint8Array
}

/** Bytes. */
const saltLength = 16
const tagLength = 32

/** KiB that a hash from elsewhere may take. */
const largest = 1_048_576

const format = ({ costs: { memory, parallelism, passes }, salt, tag }: Parsed): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encode(salt)}$${encode(tag)}`

const encode = (bytes: Uint8Array): string => Base64.encode(bytes).replace(/=+$/u, "")

const phc =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,171})$/u

const parse = (hash: string): Parsed | undefined => {
  const found = phc.exec(hash)
  if (found === null) return undefined
  const [memory, passes, parallelism] = found.slice(1, 4).map(Number) as [number, number, number]
  const salt = decode(found[4]!)
  const tag = decode(found[5]!)
  return salt === undefined || tag === undefined || salt.length < 8 || memory < 8 * parallelism || memory > largest
    ? undefined
    : { costs: { memory, passes, parallelism }, salt, tag }
}

const decode = (text: string): Uint8Array | undefined =>
  Result.getOrUndefined(Base64.decode(text.padEnd(Math.ceil(text.length / 4) * 4, "=")))
