/**
 * The private keys of an authorization server. A key ring is data, with times at which each key is published, signs, and
 * is withdrawn, so that a key is known to everybody before the first token is signed with it, and until the last one has
 * expired. `KeyRotation` says how one goes on, and `NodeSigningKeys` keeps it in a file.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CryptoKey } from "jose"
import { calculateJwkThumbprint } from "jose/jwk/thumbprint"
import { CompactSign } from "jose/jws/compact/sign"
import { exportJWK } from "jose/key/export"
import { generateKeyPair } from "jose/key/generate/keypair"
import { importJWK } from "jose/key/import"
import type * as Jwks from "../Jwks.ts"

/** @category models @since 0.1.0 */
export type Algorithm = "ES256" | "RS256" | "EdDSA"

/** One key of a ring. Times are Unix milliseconds. @category schemas @since 0.1.0 */
export const RingKey = Schema.Struct({
  algorithm: Schema.Literals(["ES256", "RS256", "EdDSA"]),
  /** A private key (RFC 7517). */
  jwk: Schema.Record(Schema.String, Schema.Unknown),
  /** When it signs; it is published from the beginning. */
  signsFrom: Schema.Finite,
  /** When it is withdrawn; never, when left out. */
  publishedUntil: Schema.optionalKey(Schema.Finite)
})

/** @category models @since 0.1.0 */
export type RingKey = typeof RingKey.Type

/** @category schemas @since 0.1.0 */
export const Ring = Schema.Array(RingKey)

/** @category models @since 0.1.0 */
export type Ring = typeof Ring.Type

/** A key cannot be used, or none signs. @category errors @since 0.1.0 */
export class SigningKeysError extends Schema.TaggedError<SigningKeysError>(
  "fastmcp-effect/oauth/server/SigningKeys/SigningKeysError"
)("SigningKeysError", { text: Schema.String }) {
  override get message(): string {
    return this.text
  }
}

/** @category services @since 0.1.0 */
export class SigningKeys extends Context.Service<SigningKeys, {
  /** A signed token (RFC 7519) by the newest key that signs: of this algorithm, or of the first there is. */
  readonly sign: (
    header: { readonly typ: string; readonly alg?: string | undefined },
    claims: { readonly [claim: string]: unknown }
  ) => Effect.Effect<string>
  /** Public keys, published now. */
  readonly published: Effect.Effect<ReadonlyArray<Jwks.Jwk>>
  /** Those that sign now, of the most wanted first. */
  readonly algorithms: Effect.Effect<ReadonlyArray<string>>
  /** The keys themselves, for an engine that signs by itself: published now, and of each algorithm the one that signs first. */
  readonly ring: Effect.Effect<Redacted.Redacted<Ring>>
}>()("fastmcp-effect/oauth/server/SigningKeys") {}

interface Prepared {
  readonly source: RingKey
  readonly algorithm: Algorithm
  readonly key: CryptoKey
  readonly kid: string
  readonly publicJwk: Jwks.Jwk
  readonly signsFrom: number
  readonly publishedUntil: number
}

/** @category layers @since 0.1.0 */
export const layer = (ring: Redacted.Redacted<Ring>): Layer.Layer<SigningKeys, SigningKeysError> =>
  Layer.effect(SigningKeys, make(ring))

/**
 * Keys made when the layer is, and lost with it: every token is void after a restart, and processes do not take each
 * other's. Says so in the log.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerGenerated = (
  ...algorithms: ReadonlyArray<Algorithm>
): Layer.Layer<SigningKeys, SigningKeysError> =>
  Layer.effect(
    SigningKeys,
    Effect.gen(function*() {
      yield* Effect.logWarning("Tokens are signed with keys that are lost when this process ends.")
      const wanted = algorithms.length === 0 ? ["ES256" as const] : algorithms
      return yield* make(Redacted.make(yield* Effect.forEach(wanted, (algorithm) => generate(algorithm, 0))))
    })
  )

/** A new key, which signs from then on. @category constructors @since 0.1.0 */
export const generate = (algorithm: Algorithm, signsFrom: number): Effect.Effect<RingKey> =>
  Effect.promise(async () => {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
    return { algorithm, jwk: { ...await exportJWK(privateKey) }, signsFrom }
  })

/** For rings that change while a server runs; `layer` is for all others. @category constructors @since 0.1.0 */
export const make = (ring: Redacted.Redacted<Ring>): Effect.Effect<SigningKeys["Service"], SigningKeysError> =>
  Effect.gen(function*() {
    const keys = yield* Effect.forEach(Redacted.value(ring), prepare)
    const order = [...new Set(keys.map(({ algorithm }) => algorithm))]

    /** The newest of an algorithm that signs. */
    const newest = (algorithm: string, now: number): Prepared | undefined => {
      let found: Prepared | undefined
      for (const key of keys) {
        const signs = key.algorithm === algorithm && key.signsFrom <= now && now < key.publishedUntil
        if (signs && (found === undefined || key.signsFrom >= found.signsFrom)) found = key
      }
      return found
    }

    const first = (now: number): Prepared | undefined => {
      for (const algorithm of order) {
        const found = newest(algorithm, now)
        if (found !== undefined) return found
      }
      return undefined
    }

    /** The newest that signs, of each algorithm. */
    const signing = (now: number) => order.flatMap((algorithm) => newest(algorithm, now) ?? [])

    if (signing(yield* Clock.currentTimeMillis).length === 0) {
      return yield* new SigningKeysError({ text: "No key of the ring signs now" })
    }
    return {
      sign: ({ alg, typ }, claims) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const key = alg === undefined ? first(now) : newest(alg, now)
          return key === undefined
            ? Effect.die(new Error(`No key signs with ${alg ?? "anything"} now.`))
            // Not `SignJWT`, which clones the claims before it writes them.
            : Effect.promise(() =>
              new CompactSign(encoder.encode(JSON.stringify(claims)))
                .setProtectedHeader({ alg: key.algorithm, typ, kid: key.kid })
                .sign(key.key)
            )
        }),
      published: Effect.map(
        Clock.currentTimeMillis,
        (now) => keys.filter(({ publishedUntil }) => now < publishedUntil).map(({ publicJwk }) => publicJwk)
      ),
      algorithms: Effect.map(Clock.currentTimeMillis, (now) => signing(now).map(({ algorithm }) => algorithm)),
      ring: Effect.map(Clock.currentTimeMillis, (now) => {
        const first = signing(now)
        const others = keys.filter((key) => now < key.publishedUntil && !first.includes(key))
        return Redacted.make([...first, ...others].map(({ source }) => source))
      })
    }
  })

const encoder = new TextEncoder()

const prepare = (source: RingKey) => {
  const { algorithm, jwk, publishedUntil = Infinity, signsFrom } = source
  return Effect.tryPromise({
    try: async (): Promise<Prepared> => {
      const key = await importJWK(jwk, algorithm) as CryptoKey
      if (key.type !== "private") throw new Error("It is not private.")
      const { crv, e, kty, n, x, y } = jwk
      const bare = Object.fromEntries(
        Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)
      )
      const kid = await calculateJwkThumbprint(bare)
      return {
        source,
        algorithm,
        key,
        kid,
        publicJwk: { ...bare, kty: String(kty), kid, alg: algorithm, use: "sig" },
        signsFrom,
        publishedUntil
      }
    },
    catch: () =>
      new SigningKeysError({ text: `A key of the ring cannot be used: it has to be a private JWK for ${algorithm}` })
  })
}
