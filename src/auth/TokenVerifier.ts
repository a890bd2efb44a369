/**
 * From a token to its caller. What takes the token off the request is a provider (`BearerAuth`, `ApiKeyAuth`); what
 * tells a good one is this service, of which there are several kinds: `JwtVerifier`, `IntrospectionVerifier`,
 * `StaticVerifier`, or one of your own.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Identity from "../context/Identity.ts"
import * as Jwt from "../oauth/Jwt.ts"
import * as AuthError from "./AuthError.ts"

/** A token that has passed. @category models @since 0.1.0 */
export interface Verified {
  readonly identity: Identity.Authenticated
  /** When it ends, in Unix milliseconds; Infinity where it does not. */
  readonly expiresAt: number
  /** The thumbprint of the key it is bound to, which the caller has to prove to have (RFC 9449); of a bearer token, none. */
  readonly jkt?: string
}

/** @category models @since 0.1.0 */
export interface Wanted {
  /** Whom the token has to be meant for; undefined for credentials that are not made for one resource among others. */
  readonly resource: string | undefined
  /** Whether it may be bound to a key, for who asks looks at `jkt`. Refused otherwise. */
  readonly mayBeBound?: boolean
}

/** @category models @since 0.1.0 */
export type Verify = (token: Redacted.Redacted, wanted: Wanted) => Effect.Effect<Verified, AuthError.AuthError>

/** @category services @since 0.1.0 */
export class TokenVerifier extends Context.Service<TokenVerifier, {
  readonly verify: Verify
}>()("fastmcp-effect/auth/TokenVerifier") {}

/** @category layers @since 0.1.0 */
export const layer = (verify: Verify): Layer.Layer<TokenVerifier> => Layer.succeed(TokenVerifier, { verify })

/**
 * Each token by the verifier of the issuer it names, any other by `otherwise` or not at all. The issuer is read before
 * anything is proven, so what a verifier says of it has to agree.
 *
 * @category constructors
 * @since 0.1.0
 */
export const byIssuer = (
  verifiers: { readonly [issuer: string]: TokenVerifier["Service"] },
  otherwise?: TokenVerifier["Service"]
): TokenVerifier["Service"] => {
  const known = new Map(Object.entries(verifiers))
  return {
    verify: (token, wanted) => {
      const issuer = Jwt.unverifiedIssuer(token)
      const verifier = issuer === undefined ? undefined : known.get(issuer)
      if (verifier === undefined) {
        return otherwise === undefined ? Effect.fail(unknown) : otherwise.verify(token, wanted)
      }
      return Effect.filterOrFail(
        verifier.verify(token, wanted),
        ({ identity }) => identity.issuer === issuer,
        () => unknown
      )
    }
  }
}

const unknown = AuthError.make(new AuthError.Unknown())
