/**
 * What is known of the users. A client gets of it what it has asked for and the user has allowed: standard claims by their
 * scopes, and claims of your own by the scope that `OidcProvider.Options.scopes` puts them in, or else by `profile`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as OAuthStoreError from "../server/OAuthStoreError.ts"

/** OpenID Connect Core, 5.1.1. @category models @since 0.1.0 */
export interface Address {
  /** All of it, for an envelope. */
  readonly formatted?: string
  readonly street_address?: string
  readonly locality?: string
  readonly region?: string
  readonly postal_code?: string
  readonly country?: string
}

/** OpenID Connect Core, 5.1. `sub` is not among them: it is the subject that the user has logged in as. @category models @since 0.1.0 */
export interface Claims {
  readonly name?: string
  readonly given_name?: string
  readonly family_name?: string
  readonly middle_name?: string
  readonly nickname?: string
  readonly preferred_username?: string
  readonly profile?: string
  readonly picture?: string
  readonly website?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly gender?: string
  /** `1990-04-12`, or the year alone. */
  readonly birthdate?: string
  readonly zoneinfo?: string
  readonly locale?: string
  readonly phone_number?: string
  readonly phone_number_verified?: boolean
  readonly address?: Address
  /** Seconds since 1970. */
  readonly updated_at?: number
  /** Your own. Those that say something of a token (`sub`, `aud`, `exp`, ...) are left out. */
  readonly [claim: string]: unknown
}

/** @category services @since 0.1.0 */
export class UserClaims extends Context.Service<UserClaims, {
  /** Nothing of a subject that is not known. */
  readonly of: (subject: string) => Effect.Effect<Claims, OAuthStoreError.OAuthStoreError>
}>()("fastmcp-effect/oauth/oidc/UserClaims") {}

/** By subject. @category models @since 0.1.0 */
export type Source =
  | { readonly [subject: string]: Claims }
  | ((subject: string) => Effect.Effect<Claims, OAuthStoreError.OAuthStoreError>)

/** @category layers @since 0.1.0 */
export const layer = (source: Source): Layer.Layer<UserClaims> =>
  Layer.succeed(UserClaims, {
    of: typeof source === "function"
      ? source
      : (subject) => Effect.succeed(Object.hasOwn(source, subject) ? source[subject]! : {})
  })
