/**
 * Identity providers that many use. Whatever is given beside what each needs takes the place of what is here: further
 * `scopes`, or another `name` where there are two of a kind.
 */
import type * as Provider from "./Provider.ts"

/** @category models @since 0.1.0 */
export type Own = Partial<Provider.Provider>

/**
 * Any provider with OpenID Connect, by its issuer.
 *
 * @category providers
 * @since 0.1.0
 */
export const oidc = (options: Own & { readonly name: string; readonly issuer: string }): Provider.Provider => ({
  scopes: ["openid", "profile", "email"],
  user: { _tag: "IdToken" },
  subject: ["sub"],
  names: ["name", "preferred_username", "email"],
  ...options
})

/**
 * GitHub, which gives no ID token. The tokens of an OAuth app do not expire, and those of a GitHub app do if it is set
 * so; a GitHub app takes no scopes.
 *
 * @category providers
 * @since 0.1.0
 */
export const github = (own: Own = {}): Provider.Provider => ({
  name: "github",
  issuer: "https://github.com/login/oauth",
  endpoints: {
    authorization: "https://github.com/login/oauth/authorize",
    token: "https://github.com/login/oauth/access_token"
  },
  scopes: ["read:user"],
  user: {
    _tag: "Api",
    url: "https://api.github.com/user",
    // Nobody without a user agent is answered.
    headers: {
      accept: "application/vnd.github+json",
      "user-agent": "fastmcp-effect",
      "x-github-api-version": "2022-11-28"
    }
  },
  // A login can be changed, and then be somebody else's.
  subject: ["id"],
  names: ["name", "login"],
  authentication: "client_secret_post",
  parametersAgain: { prompt: "select_account" },
  ...own
})

/**
 * Google, where everybody has an account: `admits` of the upstream can look at `hd`, the domain of a company.
 *
 * @category providers
 * @since 0.1.0
 */
export const google = (own: Own = {}): Provider.Provider =>
  oidc({
    name: "google",
    issuer: "https://accounts.google.com",
    // Only whoever has just said yes gets a refresh token.
    parameters: { access_type: "offline", prompt: "consent" },
    // It knows no `login`.
    parametersAgain: { access_type: "offline", prompt: "consent select_account" },
    ...own
  })

/** @category models @since 0.1.0 */
export interface EntraOptions extends Own {
  /**
   * The id of a directory, and not its domain. Or users of all: `organizations`, `consumers`, `common` (both); then
   * `tenants` says which of them may come in.
   */
  readonly tenant: string
}

/**
 * Microsoft Entra ID. Its access tokens are for Microsoft Graph, or for whom the scopes name.
 *
 * @category providers
 * @since 0.1.0
 */
export const entra = ({ tenant, ...own }: EntraOptions): Provider.Provider => {
  const base = "https://login.microsoftonline.com"
  // Its document names the directory that stands for all personal accounts.
  const id = tenant === "consumers" ? "9188040d-6c67-4c5b-b112-36a304b66dad" : tenant
  const isShared = tenant === "common" || tenant === "organizations"
  return oidc({
    name: "entra",
    issuer: `${base}/${isShared ? "{tenantid}" : id}/v2.0`,
    metadataUrl: `${base}/${tenant}/v2.0/.well-known/openid-configuration`,
    scopes: ["openid", "profile", "email", "offline_access"],
    // Its `sub` is another for each application, and `oid` may be there in two directories.
    subject: ["tid", "oid"],
    ...own
  })
}

/**
 * Auth0. An access token for an API of yours takes `parameters: { audience }`.
 *
 * @category providers
 * @since 0.1.0
 */
export const auth0 = ({ domain, ...own }: Own & { readonly domain: string }): Provider.Provider =>
  // The slash is part of its issuer.
  oidc({
    name: "auth0",
    issuer: `https://${domain}/`,
    scopes: ["openid", "profile", "email", "offline_access"],
    ...own
  })

/**
 * WorkOS, by the domain of its AuthKit: `acme.authkit.app`.
 *
 * @category providers
 * @since 0.1.0
 */
export const workos = ({ domain, ...own }: Own & { readonly domain: string }): Provider.Provider =>
  oidc({
    name: "workos",
    issuer: `https://${domain}`,
    scopes: ["openid", "profile", "email", "offline_access"],
    ...own
  })

/** @category models @since 0.1.0 */
export interface OktaOptions extends Own {
  readonly domain: string
  /** The id of a custom authorization server, or null for that of the organization itself. `default`. */
  readonly server?: string | null
}

/** @category providers @since 0.1.0 */
export const okta = ({ domain, server = "default", ...own }: OktaOptions): Provider.Provider =>
  oidc({
    name: "okta",
    issuer: server === null ? `https://${domain}` : `https://${domain}/oauth2/${server}`,
    scopes: ["openid", "profile", "email", "offline_access"],
    ...own
  })

/**
 * Keycloak, by where it is and a realm. `offline_access` is left out, for it would outlive the user's session there.
 *
 * @category providers
 * @since 0.1.0
 */
export const keycloak = (
  { realm, url, ...own }: Own & { readonly url: string; readonly realm: string }
): Provider.Provider =>
  oidc({
    name: "keycloak",
    issuer: `${url.replace(/\/$/u, "")}/realms/${encodeURIComponent(realm)}`,
    ...own
  })

/**
 * A user pool of Amazon Cognito. Its login pages are on a domain of their own, which its metadata names.
 *
 * @category providers
 * @since 0.1.0
 */
export const cognito = (
  { region, userPoolId, ...own }: Own & { readonly region: string; readonly userPoolId: string }
): Provider.Provider =>
  oidc({
    name: "cognito",
    issuer: `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`,
    names: ["name", "cognito:username", "email"],
    ...own
  })

/**
 * Discord, by its API: an ID token would have to be asked for, and says no more.
 *
 * @category providers
 * @since 0.1.0
 */
export const discord = (own: Own = {}): Provider.Provider => ({
  name: "discord",
  issuer: "https://discord.com",
  endpoints: {
    authorization: "https://discord.com/oauth2/authorize",
    token: "https://discord.com/api/oauth2/token"
  },
  scopes: ["identify"],
  user: {
    _tag: "Api",
    url: "https://discord.com/api/v10/users/@me",
    headers: { accept: "application/json", "user-agent": "fastmcp-effect" }
  },
  subject: ["id"],
  names: ["global_name", "username"],
  parametersAgain: { prompt: "consent" },
  ...own
})

/**
 * Scalekit, by the address of an environment: `https://acme.scalekit.com`.
 *
 * @category providers
 * @since 0.1.0
 */
export const scalekit = ({ environment, ...own }: Own & { readonly environment: string }): Provider.Provider =>
  oidc({
    name: "scalekit",
    issuer: environment.replace(/\/$/u, ""),
    scopes: ["openid", "profile", "email", "offline_access"],
    ...own
  })

/** @category models @since 0.1.0 */
export interface DescopeOptions extends Own {
  readonly projectId: string
  /** Where it is, if in another region or on a domain of your own. `https://api.descope.com`. */
  readonly url?: string
}

/** @category providers @since 0.1.0 */
export const descope = (
  { projectId, url = "https://api.descope.com", ...own }: DescopeOptions
): Provider.Provider =>
  oidc({
    name: "descope",
    issuer: `${url.replace(/\/$/u, "")}/${projectId}`,
    scopes: ["openid", "profile", "email", "offline_access"],
    ...own
  })
