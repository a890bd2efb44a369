/**
 * Stands for an identity provider that registers no clients by itself, as GitHub and most companies' do not: one client
 * is known to it, which is the proxy. It has an API that says who a token is of. PORT, and PROXY for where the proxy is,
 * come from the environment.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as RedactedUrls from "fastmcp-effect/oauth/RedactedUrls"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { createServer } from "node:http"

const port = Number(process.env.PORT ?? 9000)
const issuer = `http://127.0.0.1:${port}`

const Provider = AuthorizationServer.layer({
  issuer,
  resources: [{ uri: `${issuer}/user`, scopes: ["user:read"] }],
  clients: [{
    id: "notes",
    secret: Redacted.make("a secret between the proxy and the provider"),
    redirectUris: [`${process.env.PROXY ?? "http://127.0.0.1:8000"}/callback`]
  }],
  metadataDocuments: false,
  lifetimes: { accessToken: "3 seconds" }
}).pipe(
  // It knows who is at the browser, and has heard of its client before: nobody is asked anything.
  Layer.provide(UserLogin.layerAutomatic("ada")),
  Layer.provide(Consent.layerAutomatic),
  Layer.provide([Pages.layer(), OAuthStore.layerMemory(), SigningKeys.layerGenerated(), NodeOAuth.layer()])
)

/** As `https://api.github.com/user` is. */
const user = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const { check } = yield* AuthorizationServer.AuthorizationServer
    yield* router.add(
      "GET",
      "/user",
      Effect.gen(function*() {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const [, token = ""] = /^Bearer (.+)$/u.exec(headers.authorization ?? "") ?? []
        const claims = yield* Effect.orDie(check(Redacted.make(token)))
        return claims === undefined
          ? HttpServerResponse.empty({ status: 401 })
          : HttpServerResponse.jsonUnsafe({ id: 1234, login: claims.sub })
      })
    )
  })
)

HttpRouter.serve(Layer.merge(AuthorizationServer.routes, user), { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(Provider),
  Layer.provide(RedactedUrls.layer),
  Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true })),
  Layer.launch,
  NodeRuntime.runMain
)
