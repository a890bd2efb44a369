/** Which claims there are, and which of them a client gets. */
import type * as UserClaims from "./UserClaims.ts"

/** OpenID Connect Core, 5.4. */
const standard: { readonly [scope: string]: ReadonlyArray<string> } = {
  profile: [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at"
  ],
  email: ["email", "email_verified"],
  phone: ["phone_number", "phone_number_verified"],
  address: ["address"]
}

/** What they say is of a token and not of a user, so that only this server says it. */
const ofTokens = new Set(
  "iss sub aud exp nbf iat jti auth_time nonce acr amr azp at_hash c_hash sid cnf client_id scope".split(" ")
)

export interface Catalog {
  /** The claims of each scope. */
  readonly scopes: ReadonlyMap<string, ReadonlyArray<string>>
  /** Where a claim belongs. */
  readonly scopeOf: (claim: string) => string
}

export const catalog = (own: { readonly [scope: string]: ReadonlyArray<string> }): Catalog => {
  const scopes = new Map([...Object.entries(standard), ...Object.entries(own)])
  const byClaim = new Map([...scopes].flatMap(([scope, claims]) => claims.map((claim) => [claim, scope] as const)))
  return {
    scopes,
    // What comes after `#` is a language (5.2).
    scopeOf: (claim) => byClaim.get(claim.split("#", 1)[0]!) ?? "profile"
  }
}

/** Whether it is of a user, so that it can be asked for. */
export const isOfUser = (claim: string): boolean => !ofTokens.has(claim)

/** Of all that is known what these scopes stand for, and what is named. */
export const select = (
  { scopeOf }: Catalog,
  claims: UserClaims.Claims,
  scopes: ReadonlyArray<string>,
  named: ReadonlyArray<string>
): { readonly [claim: string]: unknown } =>
  Object.fromEntries(
    Object.entries(claims).filter(([claim, value]) =>
      value !== undefined && value !== null && isOfUser(claim)
      && (named.includes(claim) || scopes.includes(scopeOf(claim)))
    )
  )
