/**
 * The public keys of an issuer (RFC 7517), as its tokens are checked with them: fetched when they are first needed, kept
 * for a while, and fetched again when a token names a key that is new, but not more often than an issuer can bear.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as boundedJson from "./boundedJson.ts"

/** A public key; private and symmetric ones are passed over. @category models @since 0.1.0 */
export interface Jwk {
  readonly kty: string
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
  readonly key_ops?: ReadonlyArray<string>
  readonly crv?: string
  readonly [member: string]: unknown
}

/** What a token says of the key it was signed with. @category models @since 0.1.0 */
export interface Header {
  readonly alg: string
  readonly kid?: string | undefined
}

/** The keys could not be had, so that nothing can be said of a token. @category errors @since 0.1.0 */
export class JwksError extends Schema.TaggedError<JwksError>("fastmcp-effect/oauth/Jwks/JwksError")("JwksError", {
  text: Schema.String,
  /** Milliseconds until it is worth trying again. */
  retryAfter: Schema.Finite
}) {
  override get message(): string {
    return `The keys of the issuer cannot be had: ${this.text}`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** @category models @since 0.1.0 */
export interface Keys {
  /** Those that may have signed a token with this header; none where the issuer has no such key. */
  readonly find: (header: Header) => Effect.Effect<ReadonlyArray<Jwk>, JwksError>
}

/**
 * Signature algorithms with a public key, and the keys they take.
 *
 * @category constants
 * @since 0.1.0
 */
export const algorithms: { readonly [alg: string]: { readonly kty: string; readonly crv?: string } } = {
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" }
}

/** Keys that do not change. @category constructors @since 0.1.0 */
export const fixed = (keys: ReadonlyArray<Jwk>): Keys => {
  const usable = keys.filter(isUsable)
  return { find: (header) => Effect.succeed(select(usable, header)) }
}

/** @category models @since 0.1.0 */
export interface Options {
  /** How long keys are used before they are fetched again. 10 minutes. */
  readonly maxAge?: Duration.Input
  /** How long they are used while their issuer cannot be reached. 1 hour. */
  readonly maxStale?: Duration.Input
  /** The least time from one fetch to the next, whatever keys are asked for. 30 seconds. */
  readonly cooldown?: Duration.Input
  /** The same after a fetch that failed. 5 seconds. */
  readonly retryInterval?: Duration.Input
  /** How long a fetch may take. 5 seconds. */
  readonly timeout?: Duration.Input
}

/**
 * The keys at a URL.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remote = (url: string, options?: Options): Effect.Effect<Keys, never, HttpClient.HttpClient> =>
  make((limits) => fetchKeys(url, limits), options)

/**
 * The keys at the URL that an issuer's own metadata gives (RFC 8414, or OpenID Connect Discovery).
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofIssuer = (issuer: string, options?: Options): Effect.Effect<Keys, never, HttpClient.HttpClient> =>
  make((limits) => Effect.flatMap(discover(issuer, limits), (url) => fetchKeys(url, limits)), options)

type Fetch = (
  limits: boundedJson.Limits
) => Effect.Effect<ReadonlyArray<Jwk>, string, HttpClient.HttpClient>

const make = (fetch: Fetch, options: Options = {}): Effect.Effect<Keys, never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const maxAge = millis(options.maxAge ?? "10 minutes")
    const maxStale = Math.max(millis(options.maxStale ?? "1 hour"), maxAge)
    const cooldown = millis(options.cooldown ?? "30 seconds")
    const retryInterval = millis(options.retryInterval ?? "5 seconds")
    const clock = yield* Clock.Clock
    const client = yield* HttpClient.HttpClient
    const one = Semaphore.makeUnsafe(1)
    let keys: ReadonlyArray<Jwk> = []
    let fetchedAt = -Infinity
    let triedAt = -Infinity
    let failure: string | undefined

    const age = () => clock.currentTimeMillisUnsafe() - fetchedAt
    /** Until another fetch is allowed. */
    const pause = () => triedAt + (failure === undefined ? cooldown : retryInterval) - clock.currentTimeMillisUnsafe()

    /** One at a time; who waited for another's has it. */
    const refresh = one.withPermits(1)(Effect.suspend(() => {
      if (pause() > 0) return Effect.void
      triedAt = clock.currentTimeMillisUnsafe()
      failure = "the fetch was interrupted"
      return fetch({ timeout: options.timeout ?? "5 seconds", maxBytes: 1 << 19 }).pipe(
        Effect.match({
          onFailure: (text) => {
            failure = text
          },
          onSuccess: (fetched) => {
            failure = undefined
            keys = fetched
            fetchedAt = clock.currentTimeMillisUnsafe()
          }
        }),
        Effect.provideService(HttpClient.HttpClient, client)
      )
    }))

    return {
      find: (header) =>
        Effect.suspend(() => {
          const known = age() < maxAge ? select(keys, header) : []
          if (known.length > 0) return Effect.succeed(known)
          return Effect.andThen(
            refresh,
            Effect.suspend(() => {
              const found = age() < maxStale ? select(keys, header) : []
              return found.length > 0 || failure === undefined
                ? Effect.succeed(found)
                : Effect.fail(new JwksError({ text: failure, retryAfter: Math.max(pause(), 1000) }))
            })
          )
        })
    }
  })

const fetchKeys = (
  url: string,
  limits: boundedJson.Limits
): Effect.Effect<ReadonlyArray<Jwk>, string, HttpClient.HttpClient> =>
  Effect.flatMap(get(url, limits), ({ status, value }) => {
    const keys = value?.keys
    return status === 200 && Array.isArray(keys)
      ? Effect.succeed(keys.filter(isUsable))
      : Effect.fail(`${url} has no key set (HTTP ${status})`)
  })

const discover = (
  issuer: string,
  limits: boundedJson.Limits
): Effect.Effect<string, string, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    for (const url of locations(issuer)) {
      const { status, value } = yield* get(url, limits)
      if (status >= 500) return yield* Effect.fail(`${url} answered with HTTP ${status}`)
      if (status !== 200 || value === undefined) continue
      if (value.issuer !== issuer) return yield* Effect.fail(`${url} is the document of another issuer`)
      if (typeof value.jwks_uri !== "string") return yield* Effect.fail(`${url} names no key set`)
      return value.jwks_uri
    }
    return yield* Effect.fail(`${issuer} publishes no metadata`)
  })

const get = (url: string, limits: boundedJson.Limits) =>
  boundedJson.isTrustworthy(url)
    ? boundedJson.fetch(HttpClientRequest.acceptJson(HttpClientRequest.get(url)), limits)
    : Effect.fail(`${url} is not https, so that anybody in between could put keys of his own there`)

/** In the order to look: before the path of the issuer, and for OpenID Connect also behind it. */
const locations = (issuer: string): ReadonlyArray<string> => {
  const parsed = URL.parse(issuer)
  if (parsed === null) return []
  const path = parsed.pathname.replace(/\/$/u, "")
  const before = ["oauth-authorization-server", "openid-configuration"].map((name) =>
    `${parsed.origin}/.well-known/${name}${path}`
  )
  return path === "" ? before : [...before, `${parsed.origin}${path}/.well-known/openid-configuration`]
}

/** As many keys as one token is tried with; a token that names its key is tried with that alone. */
const maxTried = 4

const select = (keys: ReadonlyArray<Jwk>, { alg, kid }: Header): ReadonlyArray<Jwk> => {
  const kind = algorithms[alg]
  if (kind === undefined) return []
  return keys.filter((key) =>
    key.kty === kind.kty
    && (kind.crv === undefined || key.crv === kind.crv)
    && (key.alg === undefined || key.alg === alg)
    && (kid === undefined || key.kid === kid)
  ).slice(0, maxTried)
}

const isUsable = (key: unknown): key is Jwk => {
  if (typeof key !== "object" || key === null) return false
  const { d, key_ops: operations, kty, use } = key as Partial<Jwk> & { readonly d?: unknown }
  return (kty === "EC" || kty === "RSA" || kty === "OKP")
    && d === undefined
    && (use === undefined || use === "sig")
    && (operations === undefined || (Array.isArray(operations) && operations.includes("verify")))
}

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))
