/**
 * An identity provider as data: where it is, what it is asked for, and where it says who somebody is. `Providers` has
 * those that many use.
 */

/** Who somebody is stands in a signed ID token (OpenID Connect). @category models @since 0.1.0 */
export interface IdToken {
  readonly _tag: "IdToken"
}

/** Who somebody is has to be asked of an API, with their access token. @category models @since 0.1.0 */
export interface Api {
  readonly _tag: "Api"
  readonly url: string
  readonly headers?: { readonly [name: string]: string }
}

/** @category models @since 0.1.0 */
export interface Provider {
  /**
   * What subjects begin with, so that users of two providers are never taken for one another: `github` makes
   * `github:1234`. Letters, digits and dashes; who changes it makes strangers of all users.
   */
  readonly name: string
  /** Byte for byte. `{tenantid}` in it stands for the tenant that a token names (Microsoft Entra). */
  readonly issuer: string
  /** Without them it is asked when the first user comes. */
  readonly endpoints?: { readonly authorization: string; readonly token: string }
  /** Where it describes itself, if not where its issuer says. */
  readonly metadataUrl?: string
  readonly scopes: ReadonlyArray<string>
  readonly user: IdToken | Api
  /** What tells one user from all others, now and later: several are joined. No mail address is that. */
  readonly subject: readonly [string, ...ReadonlyArray<string>]
  /** What to call them on a page: the first of these that there is. */
  readonly names: ReadonlyArray<string>
  /** Where it does not say itself what it takes, or wrongly. */
  readonly authentication?: "client_secret_basic" | "client_secret_post"
  /** Whether it takes PKCE; what its metadata says, and yes where that is silent. */
  readonly pkce?: boolean
  /** Of the request that a browser is sent with. Ours of the same name win. */
  readonly parameters?: { readonly [name: string]: string }
  /** In their place where a user is to log in again. `prompt=login` with an ID token. */
  readonly parametersAgain?: { readonly [name: string]: string }
  /** For an issuer with `{tenantid}`: the tenants whose users may come in. All. */
  readonly tenants?: ReadonlyArray<string>
}

/** What a provider says of a user: the claims of its ID token, or what its API answers. @category models @since 0.1.0 */
export interface Profile {
  readonly [member: string]: unknown
}

/** @category models @since 0.1.0 */
export interface Known {
  /** With the name of the provider before it. */
  readonly subject: string
  readonly name: string | undefined
}

/** Undefined where the profile does not say who it is. @category accessors @since 0.1.0 */
export const userOf = (provider: Provider, profile: Profile): Known | undefined => {
  const parts = provider.subject.map((member) => text(profile[member]))
  if (parts.includes(undefined)) return undefined
  // A single one stays as it is; of several, none may reach into the next.
  const subject = parts.length === 1 ? parts[0] : parts.map((part) => encodeURIComponent(part!)).join("/")
  return {
    subject: `${provider.name}:${subject}`,
    name: provider.names.map((member) => profile[member]).find((name): name is string =>
      typeof name === "string" && name !== ""
    )
  }
}

/** A number that is not exact is that of several users. */
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= 255
    ? value
    : Number.isSafeInteger(value)
    ? String(value)
    : undefined

const tenantPlace = "{tenantid}"

/** Whether this issuer is the provider's, of any tenant that may come in. @category guards @since 0.1.0 */
export const isIssuer = ({ issuer, tenants }: Provider, other: string): boolean => {
  const at = issuer.indexOf(tenantPlace)
  if (at === -1) return other === issuer
  const tenant = other.slice(at, at + tenantLength)
  return other === issuer.replace(tenantPlace, tenant)
    && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u.test(tenant)
    && (tenants === undefined || tenants.includes(tenant))
}

const tenantLength = 36
