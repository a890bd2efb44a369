/** Our own authorization server as an engine: on a port of this machine, with everything in memory. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as OwnClient from "fastmcp-effect/oauth/server/Client"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createProbe } from "node:net"
import { vi } from "vitest"
import { anna } from "../oidc/openid/claims.ts"
import type { Client, Engine, Running, Setup } from "./engine.ts"
import * as person from "./person.ts"

const ofClient = (client: Client): OwnClient.Options => {
  const { client_secret: secret, jwks } = client
  return {
    id: client.client_id,
    ...(client.client_name === undefined ? undefined : { name: client.client_name }),
    redirectUris: client.redirect_uris ?? [],
    postLogoutRedirectUris: client.post_logout_redirect_uris ?? [],
    grantTypes: (client.grant_types ?? ["authorization_code", "refresh_token"]) as ReadonlyArray<OwnClient.GrantType>,
    authentication: (client.token_endpoint_auth_method
      ?? (secret === undefined ? "none" : "client_secret_basic")) as OwnClient.AuthenticationMethod,
    ...(secret === undefined ? undefined : { secret: Redacted.make(secret) }),
    ...(jwks === undefined ? undefined : { keys: jwks.keys as NonNullable<OwnClient.Options["keys"]> }),
    ...(client.scope === undefined ? undefined : { scopes: client.scope.split(" ") }),
    ...(client.id_token_signed_response_alg === undefined
      ? undefined
      : { idTokenAlgorithm: client.id_token_signed_response_alg })
  }
}

/** `anna` with her password, on the page that comes with the server. */
const login = Layer.effect(
  UserLogin.UserLogin,
  Effect.map(Pages.Pages, (pages): UserLogin.UserLogin["Service"] => ({
    step: ({ client, csrf, form, hint, url }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const username = form?.get("username")
        if (username === "anna" && form?.get("password") === "correct horse") {
          return { _tag: "LoggedIn", user: { subject: "anna", authenticatedAt: now, methods: ["pwd"] } }
        }
        const html = pages.login({
          action: url,
          csrf,
          client: client.name ?? client.id,
          username: username ?? hint ?? "",
          problem: username === undefined ? undefined : "That is not right."
        })
        return { _tag: "Show", response: HttpServerResponse.text(html, { contentType: "text/html; charset=utf-8" }) }
      }),
    asksConsentFirst: false,
    isRemembered: true
  }))
)

const ring = Effect.runPromise(
  Effect.forEach(["RS256", "ES256"] as const, (algorithm) => SigningKeys.generate(algorithm, 0))
)

const provider = (issuer: string, setup: Setup) => {
  const { clients, dpopNonce = false, dynamicRegistration: registration = false, lasts = 300, openid = false } = setup
  const [first, ...others] = setup.resources
  const options: Omit<AuthorizationServer.Options, "resources"> = {
    issuer,
    // Whoever serves a resource may ask about its tokens, and for these tests everybody does.
    clients: clients.map((client) => ({ ...ofClient(client), introspects: setup.resources.map(({ uri }) => uri) })),
    registration: registration ? { mostAnHour: 10_000 } : false,
    lifetimes: { accessToken: lasts * 1000 },
    dpopNonces: dpopNonce,
    // Each request from somewhere else, so that those who are wrong on purpose are not made to wait.
    clientAddress: () => randomUUID()
  }
  return openid
    ? Layer.provide(
      OidcProvider.layer({ ...options, resources: setup.resources }),
      UserClaims.layer({ anna })
    )
    : AuthorizationServer.layer({ ...options, resources: [first ?? { uri: issuer }, ...others] })
}

const listen = (port: number) =>
  Effect.gen(function*() {
    const handle = yield* NodeOAuth.listener
    const server = createServer((request, response) => {
      if (!handle(request, response)) response.writeHead(404).end()
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
  })

const serve = (port: number, issuer: string, setup: Setup, keys: SigningKeys.Ring) =>
  Layer.effectDiscard(listen(port)).pipe(
    Layer.provide(provider(issuer, setup)),
    Layer.provide(Layer.merge(login, Consent.layer())),
    Layer.provide(
      Layer.mergeAll(
        Pages.layer(),
        OAuthStore.layerMemory(),
        SigningKeys.layer(Redacted.make(keys)),
        NodeOAuth.layer({ allowLoopback: true })
      )
    )
  )

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createProbe().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })

export const engine: Engine = {
  name: "fastmcp-effect",
  introspects: "every token",

  start: async (setup): Promise<Running> => {
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}`
    const scope = Scope.makeUnsafe()
    await Effect.runPromise(Layer.buildWithScope(serve(port, issuer, setup, await ring), scope))
    return {
      issuer,
      person: () => person.make(issuer),
      advance: (seconds) => {
        vi.setSystemTime(Date.now() + seconds * 1000)
      },
      close: async () => {
        vi.useRealTimers()
        await Effect.runPromise(Scope.close(scope, Exit.void))
      }
    }
  }
}
