/** `oidc-provider` as an authorization server of this machine that lets one user in, and a browser for that user. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
// @ts-expect-error: the package has no types
import { Provider } from "oidc-provider"

export interface AuthorizationServer {
  readonly issuer: string
  /** The grants that were given out, in order. */
  readonly grants: ReadonlyArray<string>
  readonly close: () => void
}

export interface Options {
  /** The protected server, and the scopes it knows. */
  readonly resource: () => string
  readonly scopes: ReadonlyArray<string>
  /** Clients that were registered by hand. */
  readonly clients?: ReadonlyArray<object>
  /** Seconds. */
  readonly lasts: number
}

export const start = async ({ clients = [], lasts, resource, scopes }: Options): Promise<AuthorizationServer> => {
  const grants: Array<string> = []
  const server = http.createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients,
    cookies: { keys: ["only for a test"] },
    scopes: ["openid", "offline_access", ...scopes],
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_: unknown, indicator: string) => {
          if (indicator !== resource()) throw new Error(`nobody is ${indicator}`)
          return { scope: scopes.join(" "), audience: indicator, accessTokenTTL: lasts, accessTokenFormat: "jwt" }
        }
      }
    },
    clientDefaults: { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      Interaction: 600,
      Session: 600,
      Grant: 600,
      AccessToken: lasts,
      RefreshToken: 600,
      ClientCredentials: lasts
    },
    findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` }
  })
  provider.on("grant.success", ({ oidc }: any) => grants.push(oidc.params.grant_type))
  const handle = provider.callback()
  server.on("request", async (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (!request.url?.startsWith("/interaction/")) return handle(request, response)
    // The user says yes to everything.
    const { params, prompt, session } = await provider.interactionDetails(request, response)
    if (prompt.name === "login") {
      return provider.interactionFinished(request, response, { login: { accountId: "anna" } })
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    grant.addOIDCScope(params.scope ?? "")
    grant.addResourceScope(params.resource, params.scope ?? "")
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  })
  return {
    issuer,
    grants,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}

/** Goes where it is sent, with its cookies, until that is the client's address; answers what the client is told there. */
export const visit = async (
  start: string | URL,
  redirectUri: string,
  cookies: Map<string, string>
): Promise<URLSearchParams> => {
  let url = new URL(start)
  for (let step = 0; step < 20; step++) {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/u.exec(cookie)!
      cookies.set(name!, value!)
    }
    const location = response.headers.get("location")
    if (location === null) throw new Error(`${url} is a page (${response.status}): ${await response.text()}`)
    url = new URL(location, url)
    if (url.href.startsWith(redirectUri)) return url.searchParams
  }
  throw new Error("it does not end")
}

export const browser = (redirectUri: string): Layer.Layer<UserAgent.UserAgent> =>
  Layer.sync(UserAgent.UserAgent, () => {
    const cookies = new Map<string, string>()
    return {
      listen: () =>
        Effect.succeed({
          redirectUri,
          visit: ({ url }) =>
            Effect.tryPromise({
              try: () => visit(url, redirectUri, cookies),
              catch: (error) => OAuthError.make(new OAuthError.NoAnswer({ message: String(error) }))
            })
        })
    }
  })
