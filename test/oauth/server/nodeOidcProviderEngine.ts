/** Our layer on `oidc-provider`, behind a socket: with our login, our consent, our pages and our store. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as NodeOidcProvider from "fastmcp-effect/node/NodeOidcProvider"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as OAuthClient from "fastmcp-effect/oauth/server/Client"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type { Client, Engine } from "./engine.ts"
import * as person from "./person.ts"
import { keys } from "./world.ts"

type Server = AuthorizationServer.AuthorizationServer["Service"]

export interface Place {
  readonly options: Omit<AuthorizationServer.Options, "issuer">
  /** Of the issuer. */
  readonly path?: string
  readonly store?: Layer.Layer<OAuthStore.OAuthStore, unknown>
  readonly login?: Layer.Layer<UserLogin.UserLogin, never, Pages.Pages>
  readonly consent?: Layer.Layer<Consent.Consent>
}

export interface Running {
  readonly issuer: string
  readonly server: Server
  readonly store: OAuthStore.OAuthStore["Service"]
  readonly close: () => Promise<void>
}

export const start = async (
  { consent = Consent.layerAutomatic, login = UserLogin.layerAutomatic("anna"), options, path = "", store }: Place
): Promise<Running> => {
  const http = Http.createServer()
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}${path}`
  const scope = Scope.makeUnsafe()
  const layer = NodeOidcProvider.layer({ ...options, issuer }).pipe(
    Layer.provideMerge(Layer.mergeAll(login, consent, keys, NodeOAuth.layer({ allowLoopback: true }))),
    Layer.provideMerge(Layer.merge(Pages.layer(), Layer.orDie(store ?? OAuthStore.layerMemory())))
  )
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const handler = await Effect.gen(function*() {
    const effect = yield* HttpRouter.toHttpEffect(AuthorizationServer.routes)
    return yield* NodeHttpServer.makeHandler(effect, { scope })
  }).pipe(Scope.provide(scope), Effect.provideContext(context), Effect.runPromise)
  http.on("request", handler)
  return {
    issuer,
    server: Context.get(context, AuthorizationServer.AuthorizationServer),
    store: Context.get(context, OAuthStore.OAuthStore),
    close: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}

const clientOf = (client: Client): OAuthClient.Options => ({
  id: client.client_id,
  ...client.redirect_uris === undefined ? {} : { redirectUris: client.redirect_uris },
  ...client.grant_types === undefined ? {} : { grantTypes: client.grant_types as ReadonlyArray<OAuthClient.GrantType> },
  ...client.client_secret === undefined ? {} : { secret: Redacted.make(client.client_secret) },
  ...client.token_endpoint_auth_method === undefined
    ? {}
    : { authentication: client.token_endpoint_auth_method as OAuthClient.AuthenticationMethod },
  ...client.jwks === undefined ? {} : { keys: client.jwks.keys as NonNullable<OAuthClient.Options["keys"]> }
})

/** Anna and her password. */
const login = Layer.effect(
  UserLogin.UserLogin,
  Effect.map(Pages.Pages, (pages) => ({
    asksConsentFirst: false,
    isRemembered: true,
    step: ({ client, csrf, form, url }: UserLogin.Attempt) =>
      Effect.map(
        Clock.currentTimeMillis,
        (now): UserLogin.Step =>
          form?.get("username") === "anna" && form.get("password") === "correct horse"
            ? { _tag: "LoggedIn", user: { subject: "anna", authenticatedAt: now } }
            : {
              _tag: "Show",
              response: HttpServerResponse.text(
                pages.login({ action: url, csrf, client: client.id, username: "", problem: undefined }),
                { contentType: "text/html" }
              )
            }
      )
  }))
)

const asking: Layer.Layer<Consent.Consent> = Layer.succeed(Consent.Consent, {
  isGiven: () => Effect.succeed(false),
  remember: () => Effect.void
})

export const engine: Engine = {
  name: "oidc-provider",
  introspects: "every token",
  lacks: ["device", "openid"],
  start: async ({ clients, dynamicRegistration = false, lasts = 300, resources }) => {
    const { close, issuer } = await start({
      options: {
        resources: resources as AuthorizationServer.Options["resources"],
        clients: clients.map(clientOf),
        registration: dynamicRegistration,
        lifetimes: { accessToken: lasts * 1000 }
      },
      login,
      consent: asking
    })
    return { issuer, person: () => person.make(issuer), close }
  }
}
