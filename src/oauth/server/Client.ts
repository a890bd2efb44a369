/** A client as an authorization server knows it, however it has come to. */
import type * as Redacted from "effect/Redacted"
import type * as Jwks from "../Jwks.ts"

/** @category models @since 0.1.0 */
export type AuthenticationMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt"

/** @category models @since 0.1.0 */
export type GrantType =
  | "authorization_code"
  | "refresh_token"
  | "client_credentials"
  | "urn:ietf:params:oauth:grant-type:device_code"
  | "urn:ietf:params:oauth:grant-type:token-exchange"
  | "urn:ietf:params:oauth:grant-type:jwt-bearer"

/** As it is configured. @category models @since 0.1.0 */
export interface Options {
  readonly id: string
  /** For people. */
  readonly name?: string
  /** Compared as text, but for the port of a loopback address. */
  readonly redirectUris?: ReadonlyArray<string>
  /** Where a browser may be sent after a logout. */
  readonly postLogoutRedirectUris?: ReadonlyArray<string>
  /** `authorization_code` and `refresh_token`. */
  readonly grantTypes?: ReadonlyArray<GrantType>
  /** 32 characters at least, of 32 random bytes; a secret a person can remember can be guessed. Without one and without keys it is public. */
  readonly secret?: Redacted.Redacted
  /** For `private_key_jwt`: its public keys, or where they are. */
  readonly keys?: ReadonlyArray<Jwks.Jwk>
  readonly jwksUri?: string
  /** `client_secret_basic` with a secret, `private_key_jwt` with keys, `none` without either. */
  readonly authentication?: AuthenticationMethod
  /** What it may ask for, at most; everything when left out. */
  readonly scopes?: ReadonlyArray<string>
  /**
   * The company's own: nobody is asked for consent, unless the login wants them to be asked first. No program on users'
   * machines should be, for others there can ask in its name. Off.
   */
  readonly isFirstParty?: boolean
  /** Whether its tokens have to be bound to a key (RFC 9449). Off. */
  readonly requiresDpop?: boolean
  /**
   * The program that it is on a platform of `trustedPlatforms`: a token of that issuer about this subject is as good as
   * a secret. None.
   */
  readonly workload?: Workload
  /** Resources it serves, and whose tokens it may therefore ask about (RFC 7662). None. */
  readonly introspects?: ReadonlyArray<string>
  /** How its id tokens are signed. What the server's first key is for. */
  readonly idTokenAlgorithm?: string
}

/** A program, as the platform it runs on knows it. @category models @since 0.1.0 */
export interface Workload {
  readonly issuer: string
  readonly subject: string
}

/** @category models @since 0.1.0 */
export interface Client {
  readonly id: string
  readonly name: string | undefined
  /** A page about it; only where it has introduced itself. */
  readonly uri: string | undefined
  /** Whoever has configured it has looked at it; any other may be anybody's. */
  readonly origin: "configured" | "registered" | "document"
  readonly redirectUris: ReadonlyArray<string>
  readonly postLogoutRedirectUris: ReadonlyArray<string>
  readonly grantTypes: ReadonlyArray<string>
  readonly authentication: AuthenticationMethod
  /** SHA-256, base64url. */
  readonly secretHash: string | undefined
  readonly keys: ReadonlyArray<Jwks.Jwk> | undefined
  readonly jwksUri: string | undefined
  readonly scopes: ReadonlyArray<string> | undefined
  readonly isFirstParty: boolean
  readonly introspects: ReadonlyArray<string>
  readonly requiresDpop: boolean
  readonly workload: Workload | undefined
  readonly idTokenAlgorithm: string | undefined
}

/** Whether it has something to show that nobody else has. @category guards @since 0.1.0 */
export const isConfidential = (client: Client): boolean => client.authentication !== "none"
