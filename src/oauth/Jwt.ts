/**
 * Signed tokens (RFC 7519) and what is checked of one before a word of it is believed. The cryptography is that of
 * `jose`, an optional peer which is loaded with the first token.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { JWK } from "jose"
import * as Promised from "../core/Promised.ts"
import * as Jwks from "./Jwks.ts"

/** It is no signed token. @category reasons @since 0.1.0 */
export class Malformed extends Schema.TaggedClass<Malformed>()("Malformed", {}) {}

/** Its kind is another than is asked for: an ID token, say, in the place of an access token. @category reasons @since 0.1.0 */
export class WrongType extends Schema.TaggedClass<WrongType>()("WrongType", {}) {}

/** The algorithm is none of those that are taken, `none` and those with a shared secret among them. @category reasons @since 0.1.0 */
export class WrongAlgorithm extends Schema.TaggedClass<WrongAlgorithm>()("WrongAlgorithm", {}) {}

/** Nobody the issuer vouches for has signed it. @category reasons @since 0.1.0 */
export class BadSignature extends Schema.TaggedClass<BadSignature>()("BadSignature", {}) {}

/** @category reasons @since 0.1.0 */
export class Expired extends Schema.TaggedClass<Expired>()("Expired", {}) {}

/** @category reasons @since 0.1.0 */
export class NotYetValid extends Schema.TaggedClass<NotYetValid>()("NotYetValid", {}) {}

/** @category reasons @since 0.1.0 */
export class WrongIssuer extends Schema.TaggedClass<WrongIssuer>()("WrongIssuer", {}) {}

/** It is meant for somebody else. @category reasons @since 0.1.0 */
export class WrongAudience extends Schema.TaggedClass<WrongAudience>()("WrongAudience", {}) {}

/** A claim is missing, or not what it has to be. @category reasons @since 0.1.0 */
export class InvalidClaim extends Schema.TaggedClass<InvalidClaim>()("InvalidClaim", { claim: Schema.String }) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  Malformed,
  WrongType,
  WrongAlgorithm,
  BadSignature,
  Expired,
  NotYetValid,
  WrongIssuer,
  WrongAudience,
  InvalidClaim
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Carries nothing of the token. @category errors @since 0.1.0 */
export class JwtError extends Schema.TaggedError<JwtError>("fastmcp-effect/oauth/Jwt/JwtError")("JwtError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
  get isRetryable(): boolean {
    return false
  }
}

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Malformed":
      return "The token is not a signed JWT"
    case "WrongType":
      return "The token is of another type"
    case "WrongAlgorithm":
      return "The token is signed with an algorithm that is not taken"
    case "BadSignature":
      return "The signature of the token is not one of its issuer"
    case "Expired":
      return "The token has expired"
    case "NotYetValid":
      return "The token is not valid yet"
    case "WrongIssuer":
      return "The token is of another issuer"
    case "WrongAudience":
      return "The token is meant for another resource"
    case "InvalidClaim":
      return `The token has no usable ${reason.claim}`
  }
}

/** @category models @since 0.1.0 */
export interface Options {
  readonly keys: Jwks.Keys
  /** Byte for byte the `iss` of a token. */
  readonly issuer: string
  /** Out of `Jwks.algorithms`; all of them when left out. */
  readonly algorithms?: ReadonlyArray<string>
  /** Values of `typ`, without `application/`; any when left out. */
  readonly types?: ReadonlyArray<string> | undefined
  /** How far the clocks may be apart: a minute at most. 30 seconds. */
  readonly leeway?: Duration.Input
}

/** @category models @since 0.1.0 */
export interface Claims {
  readonly iss: string
  readonly aud: string | ReadonlyArray<string>
  /** In seconds, as all times here. */
  readonly exp: number
  readonly iat?: number
  readonly [claim: string]: unknown
}

/** @category models @since 0.1.0 */
export interface Verifier {
  /** The claims of a token that is meant for one of these audiences. */
  readonly verify: (
    token: Redacted.Redacted,
    audience: string | ReadonlyArray<string>
  ) => Effect.Effect<Claims, JwtError | Jwks.JwksError>
}

/** `jose` missing is a defect that says so. @category constructors @since 0.1.0 */
export const verifier = (options: Options): Verifier => {
  const allowed = (options.algorithms ?? Object.keys(Jwks.algorithms)).filter((alg) =>
    Object.hasOwn(Jwks.algorithms, alg)
  )
  const leeway = Math.min(Duration.toSeconds(Duration.fromInputUnsafe(options.leeway ?? "30 seconds")), 60)
  const types = options.types?.map(typeOf)
  let jose: Jose | undefined
  const load = Effect.map(Promised.make(loadJose), (loaded) => jose = loaded)

  const verify = (
    jose: Jose,
    token: Redacted.Redacted,
    audience: string | ReadonlyArray<string>
  ): Effect.Effect<Claims, JwtError | Jwks.JwksError> => {
    const text = Redacted.value(token)
    const header = headerOf(jose, text)
    if (header === undefined) return fail(new Malformed())
    if (types !== undefined && !types.includes(typeOf(header.typ))) return fail(new WrongType())
    if (!allowed.includes(header.alg)) return fail(new WrongAlgorithm())
    return Effect.flatMap(options.keys.find(header), (keys) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const settings = {
          algorithms: [header.alg],
          issuer: options.issuer,
          audience: typeof audience === "string" ? audience : [...audience],
          clockTolerance: leeway,
          currentDate: new Date(now),
          requiredClaims: ["exp"]
        }
        const attempt = (index: number): Effect.Effect<Claims, JwtError> => {
          const key = keys[index]
          if (key === undefined) return fail(new BadSignature())
          return Effect.catchIf(
            Promised.attempt({
              try: () => jose.jwtVerify<Claims>(text, key as JWK, settings).then(({ payload }) => payload),
              catch: (error) => new JwtError({ reason: reasonOf(error) })
            }),
            ({ reason }) => reason._tag === "BadSignature",
            () => attempt(index + 1)
          )
        }
        return Effect.flatMap(attempt(0), (claims) => {
          // `jose` has made sure that it is a number, and looks no further where no age is asked for.
          const { iat } = claims
          return iat !== undefined && iat > now / 1000 + leeway ? fail(new NotYetValid()) : Effect.succeed(claims)
        })
      }))
  }

  return {
    verify: (token, audience) =>
      jose === undefined
        ? Effect.flatMap(load, (jose) => verify(jose, token, audience))
        : verify(jose, token, audience)
  }
}

/**
 * The `iss` a token gives itself, to choose who shall verify it. Nothing else may be made of it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const unverifiedIssuer = (token: Redacted.Redacted): string | undefined => {
  try {
    const payload = Redacted.value(token).split(".")[1] ?? ""
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const issuer = (claims as { readonly iss?: unknown } | null)?.iss
    return typeof issuer === "string" ? issuer : undefined
  } catch {
    return undefined
  }
}

const fail = (reason: Reason): Effect.Effect<never, JwtError> => Effect.fail(new JwtError({ reason }))

const typeOf = (typ: unknown): string => typeof typ === "string" ? typ.toLowerCase().replace(/^application\//u, "") : ""

const headerOf = (jose: Jose, token: string): (Jwks.Header & { readonly typ?: unknown }) | undefined => {
  try {
    const { alg, kid, typ } = jose.decodeProtectedHeader(token)
    return typeof alg === "string" && (kid === undefined || typeof kid === "string") ? { alg, kid, typ } : undefined
  } catch {
    return undefined
  }
}

/** What `jose` has found, without the payload its errors carry. */
const reasonOf = (error: unknown): Reason => {
  const { claim, code, reason } = error as { readonly code?: string; readonly claim?: string; readonly reason?: string }
  switch (code) {
    case "ERR_JWT_EXPIRED":
      return new Expired()
    case "ERR_JWT_CLAIM_VALIDATION_FAILED":
      if (claim === "iss") return new WrongIssuer()
      if (claim === "aud") return new WrongAudience()
      if (claim === "nbf" && reason === "check_failed") return new NotYetValid()
      return new InvalidClaim({ claim: claim ?? "claims" })
    case "ERR_JWS_INVALID":
    case "ERR_JWT_INVALID":
    case "ERR_JOSE_NOT_SUPPORTED":
      return new Malformed()
    default:
      // A key it refuses, one that is too short for instance, has signed nothing.
      return new BadSignature()
  }
}

type Jose = Pick<typeof import("jose"), "jwtVerify" | "decodeProtectedHeader" | "calculateJwkThumbprint">

/** @internal */
export const loadJose = async (): Promise<Jose> => {
  // Inside `try`, so that a bundler that finds no `jose` leaves the import to fail where it is run.
  try {
    return await import("jose")
  } catch (cause) {
    throw new Error("Tokens are checked with jose 6, which is not installed; run: npm install jose", { cause })
  }
}
