/** An authorization server as it is, with a login by password, on this machine. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { authorizePath, keys } from "../world.ts"
import { login } from "./site.ts"

export const start = Effect.gen(function*() {
  const node = Http.createServer()
  const server = yield* NodeHttpServer.make(() => node, {
    port: 0,
    host: "127.0.0.1",
    gracefulShutdownTimeout: "100 millis"
  })
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`
  const resource = "https://mcp.acme.example/mcp"
  const handler = yield* HttpRouter.toHttpEffect(
    AuthorizationServer.routes.pipe(
      Layer.provide(AuthorizationServer.layer({
        issuer: url,
        resources: [{ uri: resource, name: "Notizen", scopes: { "notes:read": "Deine Notizen lesen" } }],
        clients: [{ id: "app", name: "Notizbuch", redirectUris: ["http://127.0.0.1/callback"] }]
      })),
      Layer.provide([Consent.layer(), keys, NodeOAuth.layer()]),
      Layer.provide(login)
    )
  )
  yield* HttpServer.serveEffect(handler).pipe(Effect.provideService(HttpServer.HttpServer, server))
  return {
    url,
    /** Where the client at this address sends a browser. */
    begin: (client: string) =>
      `${url}${authorizePath({ redirect_uri: `${client}/callback`, resource, scope: "notes:read" })}`
  }
})
