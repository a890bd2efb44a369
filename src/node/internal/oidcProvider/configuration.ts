/** What the provider is told, so that it does what our own engine does and nothing besides. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { createHmac } from "node:crypto"
import * as Dpop from "../../../oauth/Dpop.ts"
import { type Issuer, parts } from "../../../oauth/server/AuthorizationServer.ts"
import type * as Client from "../../../oauth/server/Client.ts"
import type * as SigningKeys from "../../../oauth/server/SigningKeys.ts"
import type { Adapter } from "./adapter.ts"
import type * as library from "./library.ts"

export interface Made {
  readonly library: library.Library
  readonly issuer: Issuer
  readonly ring: SigningKeys.Ring
  readonly adapter: (model: string) => Adapter
  readonly clientOf: (id: string) => Promise<Client.Client | undefined>
  readonly fetch: (url: string | URL) => Promise<Response>
}

const seconds = (millis: number): number => Math.max(1, Math.floor(millis / 1000))

/** Which every client gets that may refresh tokens: the one scope that any grant has. */
export const offlineAccess = "offline_access"

/** One of each key: the same in all processes that have the keys, and of no use to find them out. */
const secretsOf = (ring: SigningKeys.Ring, purpose: string): ReadonlyArray<Buffer> =>
  ring.map(({ jwk }) => createHmac("sha256", String(jwk.d)).update(purpose).digest())

/** The path of the issuer, and of what is below it. */
export const pathOf = ({ at }: Issuer, path: string): string => new URL(at(path)).pathname

export const make = (made: Made): object => {
  const { adapter, fetch, issuer, library, ring } = made
  const { errors } = library
  const { lifetimes } = issuer
  const { algorithm } = ring[0]!
  const cookie = { httpOnly: true, sameSite: "lax", secure: issuer.url.startsWith("https:"), signed: true }
  const lasts = seconds(lifetimes.accessToken)
  return {
    adapter,
    fetch,
    jwks: {
      keys: ring.map(({ algorithm, jwk: { kid: _, key_ops: _ops, ...jwk } }) => ({
        ...jwk,
        alg: algorithm,
        use: "sig"
      }))
    },
    cookies: {
      keys: secretsOf(ring, "cookies").map((secret) => secret.toString("base64url")),
      long: cookie,
      short: cookie
    },
    routes: Object.fromEntries(
      Object.entries(routes).map(([name, path]) => [name, pathOf(issuer, path)])
    ),
    scopes: [offlineAccess],
    responseTypes: ["code"],
    clientAuthMethods: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
    clientBasedCORS: () => true,
    clientDefaults: { id_token_signed_response_alg: algorithm },
    enabledJWA: {
      clientAuthSigningAlgValues: parts.assertions.algorithms,
      dPoPSigningAlgValues: Dpop.algorithms
    },
    pkce: { required: () => true },
    assertJwtClientAuthClaimsAndHeader: async (_: library.Context, { aud }: { readonly aud: unknown }) => {
      // A list of audiences could have another server in it, which could then pass the letter on.
      if (aud !== issuer.url) throw new errors.InvalidClientAuth("aud has to be the issuer")
    },
    features: {
      claimsParameter: { enabled: false },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: {
        enabled: true,
        requireNonce: () => issuer.nonces !== undefined,
        ...issuer.nonces && { nonceSecret: secretsOf(ring, "nonces")[0] }
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_: library.Context, client: library.Client, token: library.Token) =>
          client.clientAuthMethod !== "none" && client.clientId === token.clientId
      },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_: library.Context, __: library.Client, oneOf?: ReadonlyArray<string>) =>
          oneOf ?? issuer.resources.keys().next().value,
        useGrantedResource: () => true,
        getResourceServerInfo: async (context: library.Context, uri: string, { clientId }: library.Client) => {
          const scopes = await scopesFor(made, context, uri, clientId)
          return {
            scope: scopes.join(" "),
            audience: uri,
            accessTokenTTL: lasts,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: algorithm } }
          }
        }
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_: library.Context, client: library.Client, token: library.Token) =>
          client.clientId === token.clientId
      },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false }
    },
    formats: { customizers: { jwt: accessToken } },
    findAccount: (_: library.Context, subject: string) => ({ accountId: subject, claims: () => ({ sub: subject }) }),
    loadExistingGrant: ({ oidc }: library.Context) =>
      oidc?.result?.consent === undefined ? undefined : oidc.provider.Grant.find(oidc.result.consent.grantId),
    issueRefreshToken: (_: library.Context, client: library.Client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    revokeGrantPolicy: () => true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: lasts,
      AuthorizationCode: seconds(lifetimes.code),
      ClientCredentials: lasts,
      Grant: seconds(lifetimes.grant),
      IdToken: lasts,
      Interaction: seconds(lifetimes.interaction),
      RefreshToken: ({ oidc }: library.Context) =>
        Math.max(
          1,
          Math.min(seconds(lifetimes.refreshIdle), oidc!.entities.Grant!.exp - Math.floor(Date.now() / 1000))
        ),
      Session: seconds(lifetimes.interaction)
    },
    interactions: {
      policy: policy(library),
      url: (_: library.Context, { uid }: { readonly uid: string }) => pathOf(issuer, `/interaction/${uid}`)
    },
    renderError: async (
      context: library.Context,
      out: { readonly error: string; readonly error_description?: string }
    ) => {
      const text = out.error_description ?? out.error
      const page = HttpServerResponse.toWeb(
        issuer.page.show(issuer.pages.message({ title: "That did not work", text }))
      )
      for (const [name, value] of page.headers) context.set(name, value)
      context.body = await page.text()
    }
  }
}

export const routes = {
  authorization: "/authorize",
  introspection: "/introspect",
  pushed_authorization_request: "/par",
  revocation: "/revoke",
  token: "/token"
}

/**
 * What a client may have of a resource. This is asked while a request is checked, so it is also where the request gets
 * the scopes that it does not name, and loses those that are not to be had.
 */
const scopesFor = async (
  { clientOf, issuer, library: { errors } }: Made,
  { oidc }: library.Context,
  uri: string,
  clientId: string
): Promise<ReadonlyArray<string>> => {
  const resource = issuer.resources.get(uri)
  const { params, route } = oidc!
  if (resource === undefined || [params.resource].flat().length > 1) throw new errors.InvalidTarget()
  const most = (await clientOf(clientId))?.scopes
  const available = [...resource.scopes.keys()].filter((scope) => most === undefined || most.includes(scope))
  if (route !== "token" || params.grant_type === "client_credentials") {
    const asked = String(params.scope ?? "").split(" ").filter((scope) => scope !== "")
    const granted = asked.filter((scope) => scope === offlineAccess || available.includes(scope))
    if (granted.length === 0 && asked.length > 0) throw new errors.InvalidScope("none of the scopes is to be had")
    const scopes = asked.length === 0 ? available : granted
    // To the provider, who has no scope has been allowed nothing.
    params.scope = scopes.length === 0 ? offlineAccess : scopes.join(" ")
  }
  return available
}

/** Users are asked by us, each time: whether they have to be is not for the provider to say. */
const policy = ({ interactionPolicy: { Check, Prompt } }: library.Library): ReadonlyArray<unknown> => [
  new Prompt(
    { name: "login", requestable: true },
    new Check(
      "not_asked",
      "the user has to be asked",
      "login_required",
      ({ oidc }) => oidc?.result?.consent === undefined
    )
  ),
  new Prompt({ name: "consent", requestable: true }),
  new Prompt({ name: "select_account", requestable: true })
]

/** As ours are: so that they are known again, and end with their grant. */
const accessToken = (
  { oidc }: library.Context,
  { accountId, clientId, grantId }: library.Token,
  { payload }: { readonly payload: Record<string, unknown> }
): void => {
  const { AuthorizationCode, RefreshToken } = oidc!.entities
  const authTime = (AuthorizationCode ?? RefreshToken)?.authTime
  payload.jti = parts.accessTokens.idOf(grantId, String(payload.jti))
  payload.scope ??= ""
  if (accountId === undefined) payload.sub = parts.accessTokens.clientPrefix + clientId
  if (authTime !== undefined) payload.auth_time = authTime
}
