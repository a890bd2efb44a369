/** `oidc-provider` as an engine: the certified server that ours is measured by. */
import * as jose from "jose"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
// @ts-expect-error: the package has no types
import { errors, interactionPolicy, Provider } from "oidc-provider"
import type { Client, Engine, Setup } from "./engine.ts"
import * as person from "./person.ts"

const ofOpenId = ["openid", "offline_access"]

/** `native` is the type of client whose loopback redirects may vary their port. */
const registered = (client: Client) => {
  const grants = client.grant_types ?? ["authorization_code", "refresh_token"]
  return {
    redirect_uris: [],
    ...client,
    application_type: "native",
    grant_types: grants,
    response_types: grants.includes("authorization_code") ? ["code"] : []
  }
}

const page = (body: string) =>
  `<!DOCTYPE html><html><head><title>oidc-provider</title></head><body><form method="post">${body}</form></body></html>`

const login = page(
  `<input name="username"><input type="password" name="password"><button type="submit">Sign in</button>`
)

const consent = page(
  `<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>`
)

const keys = Promise.all(["RS256", "ES256"].map(async (alg) => {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true })
  return { ...await jose.exportJWK(privateKey), alg, use: "sig" }
}))

/** Whoever said yes is not asked again, whatever kind of client it is. */
const policy = () => {
  const prompts = interactionPolicy.base()
  prompts.get("consent").checks.remove("native_client_prompt")
  return prompts
}

const configuration = async (
  { clients, dpopNonce = false, dynamicRegistration = false, lasts = 300, openid = false, resources }: Setup
) => ({
  clients: clients.map(registered),
  jwks: { keys: await keys },
  cookies: { keys: ["only for a test"] },
  scopes: [...openid ? ofOpenId : [], ...resources.flatMap(({ scopes }) => scopes)],
  responseTypes: ["code"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => dpopNonce },
    introspection: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    registration: { enabled: dynamicRegistration },
    resourceIndicators: {
      enabled: true,
      // A token for nothing but OpenID is for its userinfo endpoint.
      defaultResource: ({ oidc }: any, _: unknown, oneOf: ReadonlyArray<string> | undefined) => {
        const scopes = String(oidc.params.scope ?? "").split(" ")
        return oneOf ?? (scopes.every((scope) => ofOpenId.includes(scope)) ? undefined : resources[0]?.uri)
      },
      useGrantedResource: () => true,
      getResourceServerInfo: (_: unknown, indicator: string) => {
        const found = resources.find(({ uri }) => uri === indicator)
        if (found === undefined) throw new errors.InvalidTarget()
        return {
          scope: found.scopes.join(" "),
          audience: indicator,
          accessTokenTTL: lasts,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } }
        }
      }
    },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: openid },
    userinfo: { enabled: openid }
  },
  clientDefaults: {
    application_type: "native",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"]
  },
  clientBasedCORS: () => true,
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
  pkce: { required: () => true },
  issueRefreshToken: (_: unknown, client: any) => client.grantTypeAllowed("refresh_token"),
  expiresWithSession: () => false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: lasts,
    ClientCredentials: lasts,
    DeviceCode: 600,
    Grant: 600,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 600,
    Session: 600
  },
  findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { policy: policy(), url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` }
})

/** What the person who filled in our page wants to be told to the provider; undefined is the page again. */
const answered = async (provider: any, details: any, fields: URLSearchParams): Promise<object | undefined> => {
  const { grantId, params, prompt, session } = details
  if (prompt.name === "login") {
    const right = fields.get("username") === "anna" && fields.get("password") === "correct horse"
    return right ? { login: { accountId: "anna" } } : undefined
  }
  if (fields.get("decision") !== "allow") return { error: "access_denied", error_description: "anna said no" }
  const grant = grantId === undefined
    ? new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    : await provider.Grant.find(grantId)
  const scope = params.scope ?? ""
  grant.addOIDCScope(scope)
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, scope)
  return { consent: { grantId: await grant.save() } }
}

const interact = async (provider: any, request: http.IncomingMessage, response: http.ServerResponse) => {
  const details = await provider.interactionDetails(request, response)
  const result = request.method === "POST"
    ? await answered(provider, details, new URLSearchParams(await text(request)))
    : undefined
  if (result !== undefined) {
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
  }
  response.setHeader("content-type", "text/html; charset=utf-8")
  response.end(details.prompt.name === "login" ? login : consent)
}

export const engine: Engine = {
  name: "oidc-provider",
  introspects: "refresh tokens",
  start: async (setup) => {
    const server = http.createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const provider = new Provider(issuer, await configuration(setup))
    // Or it prints what made it fail.
    provider.silent = true
    const handle = provider.callback()
    server.on("request", (request, response) => {
      if (!request.url?.startsWith("/interaction/")) return handle(request, response)
      interact(provider, request, response).catch((error: unknown) => {
        response.statusCode = 400
        response.end(String(error))
      })
    })
    return {
      issuer,
      person: () => person.make(issuer),
      close: async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    }
  }
}
