/**
 * Proofs that whoever sends a request has the key its token is bound to (RFC 9449), as servers read them. What a proof
 * says is checked here. Whether it comes for the first time, and with a nonce that is good, is for the server to say.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { JWK } from "jose"
import * as Jwks from "./Jwks.ts"
import * as Jwt from "./Jwt.ts"

/** Says what is wrong with it, and nothing that is in it. @category errors @since 0.1.0 */
export class DpopError extends Schema.TaggedError<DpopError>("fastmcp-effect/oauth/Dpop/DpopError")("DpopError", {
  text: Schema.String
}) {
  override get message(): string {
    return this.text
  }
  get isRetryable(): boolean {
    return false
  }
}

/** What proofs are signed with: by keys that are public, and nothing else. @category constants @since 0.1.0 */
export const algorithms: ReadonlyArray<string> = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"]

/** The request that a proof came with. @category models @since 0.1.0 */
export interface Wanted {
  readonly method: string
  /** Its address as its sender knows it. What comes after `?` or `#` does not count. */
  readonly url: string
  /** SHA-256 of the access token beside it, as base64url; undefined where there is none. */
  readonly ath?: string | undefined
}

/** @category models @since 0.1.0 */
export interface Proof {
  /** The thumbprint of its key (RFC 7638). */
  readonly jkt: string
  /** The same as that of no other proof, so that a second one is the same once more. */
  readonly id: string
  readonly nonce: string | undefined
  /** When it is good for nothing any more, in Unix milliseconds: so long its id has to be remembered. */
  readonly expiresAt: number
}

/** The header as it was sent: who sends two of them sends a comma. @category decoding @since 0.1.0 */
export const verify = (header: string, { ath, method, url }: Wanted): Effect.Effect<Proof, DpopError> =>
  Effect.gen(function*() {
    if (header.length > mostText || !/^[\w-]+\.[\w-]+\.[\w-]+$/u.test(header)) {
      return yield* wrong("there has to be exactly one, and that a signed JWT")
    }
    const jose = yield* Effect.promise(Jwt.loadJose)
    const now = yield* Clock.currentTimeMillis
    const { alg, jwk, typ } = yield* Effect.try({
      try: () => jose.decodeProtectedHeader(header),
      catch: () => of("it is not a signed JWT")
    })
    if (typ !== "dpop+jwt") return yield* wrong("its typ is not dpop+jwt")
    if (alg === undefined || !algorithms.includes(alg)) {
      return yield* wrong(`its alg is none of: ${algorithms.join(", ")}`)
    }
    if (!isPublic(jwk, alg)) return yield* wrong("its jwk is not a public key for its alg")
    const claims = yield* Effect.tryPromise({
      try: () => jose.jwtVerify(header, jwk, { algorithms: [alg], currentDate: new Date(now) }),
      catch: () => of("its signature is not one of its key, or it is over")
    })
    const { ath: token, htm, htu, iat, jti, nonce } = claims.payload
    if (htm !== method) return yield* wrong("htm is another method")
    if (typeof htu !== "string" || !isSame(htu, url)) return yield* wrong("htu is another address")
    if (typeof iat !== "number" || Math.abs(now - iat * 1000) > window) {
      return yield* wrong("iat is too long ago, or still to come")
    }
    if (typeof jti !== "string" || jti === "") return yield* wrong("jti is missing")
    if (ath !== undefined && token !== ath) return yield* wrong("ath is not of this access token")
    if (nonce !== undefined && typeof nonce !== "string") return yield* wrong("nonce is not a text")
    const jkt = yield* Effect.promise(() => jose.calculateJwkThumbprint(jwk))
    return { jkt, id: `${jkt} ${jti}`, nonce, expiresAt: iat * 1000 + window + 1000 }
  })

/** How long a proof is good, and how far the clocks may be apart. */
const window = 60_000

/** Characters of a proof: as many as a key of RSA with 4096 bits needs. */
const mostText = 4096

const of = (text: string): DpopError => new DpopError({ text: `The DPoP proof cannot be used: ${text}` })

const wrong = (text: string): Effect.Effect<never, DpopError> => Effect.fail(of(text))

const secrets = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]

const isPublic = (jwk: JWK | undefined, alg: string): jwk is JWK => {
  const kind = Jwks.algorithms[alg]!
  return typeof jwk === "object" && jwk !== null && jwk.kty === kind.kty
    && (kind.crv === undefined || jwk.crv === kind.crv)
    && !secrets.some((member) => member in jwk)
}

/** As URLs, and not as texts: a host has no case, and a port may go without saying. */
const isSame = (given: string, url: string): boolean => URL.canParse(given) && bare(given) === bare(url)

const bare = (text: string): string => {
  const url = new URL(text)
  url.search = ""
  url.hash = ""
  return url.href
}
