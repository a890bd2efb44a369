/** `oidc-provider` as an OpenID provider of this machine, with pages to log in and to say yes or no. */
import * as http from "node:http"
import type { AddressInfo } from "node:net"
// @ts-expect-error: the package has no types
import { Provider } from "oidc-provider"
import { vi } from "vitest"
import type { Engine, Running } from "../../server/engine.ts"
import * as person from "../../server/person.ts"
import { anna, claimsOf } from "./claims.ts"

const page = (body: string) => `<!doctype html><title>oidc-provider</title>${body}`

const loginPage = page(
  `<form method="post"><input name="username"><input name="password" type="password"><button>Log in</button></form>`
)

const consentPage = page(
  `<form method="post"><button name="says" value="yes">Allow</button><button name="says" value="no">Deny</button></form>`
)

const bodyOf = async (request: http.IncomingMessage): Promise<URLSearchParams> => {
  let text = ""
  for await (const chunk of request) text += String(chunk)
  return new URLSearchParams(text)
}

export const engine: Engine = {
  name: "oidc-provider",
  introspects: "refresh tokens",
  start: async (setup): Promise<Running> => {
    const server = http.createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const provider = new Provider(issuer, {
      clients: setup.clients.map((client) => ({ response_types: ["code"], ...client })),
      cookies: { keys: ["only for a test"], long: { sameSite: "none" } },
      claims: { ...claimsOf, acr: null, auth_time: null, sid: null },
      conformIdTokenClaims: true,
      enableHttpPostMethods: true,
      features: {
        devInteractions: { enabled: false },
        claimsParameter: { enabled: true },
        registration: { enabled: setup.dynamicRegistration === true },
        rpInitiatedLogout: { enabled: true },
        revocation: { enabled: true }
      },
      pkce: { required: () => true },
      rotateRefreshToken: true,
      ttl: {
        Interaction: 600,
        Session: 600,
        Grant: 600,
        IdToken: 600,
        AccessToken: setup.lasts ?? 300,
        RefreshToken: 600
      },
      findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId, ...anna }) }),
      interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` }
    })
    const handle = provider.callback()
    const interact = async (request: http.IncomingMessage, response: http.ServerResponse) => {
      const { params, prompt, session } = await provider.interactionDetails(request, response)
      if (request.method === "GET") {
        response.setHeader("content-type", "text/html")
        return response.end(prompt.name === "login" ? loginPage : consentPage)
      }
      const body = await bodyOf(request)
      if (prompt.name === "login") {
        if (body.get("username") !== "anna" || body.get("password") !== "correct horse") return response.end(loginPage)
        return provider.interactionFinished(request, response, { login: { accountId: "anna" } })
      }
      if (body.get("says") !== "yes") {
        return provider.interactionFinished(request, response, { error: "access_denied" })
      }
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
      grant.addOIDCScope(params.scope)
      grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? [])
      return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
    }
    server.on("request", (request, response) => {
      if (!request.url?.startsWith("/interaction/")) return handle(request, response)
      interact(request, response).catch((error) => response.writeHead(400).end(String(error)))
    })
    return {
      issuer,
      person: () => person.make(issuer),
      advance: (seconds) => {
        vi.setSystemTime(Date.now() + seconds * 1000)
      },
      close: async () => {
        vi.useRealTimers()
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    }
  }
}
