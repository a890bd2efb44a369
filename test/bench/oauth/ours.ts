/**
 * `fastmcp-effect` as an authorization server, on SQLite.
 * Usage: ours PORT FILE
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { createServer } from "node:http"
import { challenge, client, lasts, redirectUri, resource, scope, subject } from "./data.ts"

const [, , port, file] = process.argv
const issuer = `http://127.0.0.1:${port}`

const server = AuthorizationServer.layer({
  issuer,
  resources: [{ uri: resource, scopes: [scope] }],
  clients: [{
    id: client.id,
    secret: Redacted.make(client.secret),
    redirectUris: [redirectUri],
    grantTypes: ["authorization_code", "refresh_token", "client_credentials"]
  }],
  lifetimes: { accessToken: lasts * 1000 }
}).pipe(
  Layer.provide(Layer.mergeAll(
    UserLogin.layerAutomatic(subject),
    Consent.layerAutomatic,
    Pages.layer(),
    SigningKeys.layerGenerated("ES256"),
    NodeOAuth.layer(),
    Layer.provide(OAuthStoreSql.layer(), SqliteClient.layer({ filename: file!, synchronous: "normal" }))
  ))
)

const request = `${issuer}/authorize?${new URLSearchParams({
  response_type: "code",
  client_id: client.id,
  redirect_uri: redirectUri,
  code_challenge: challenge,
  code_challenge_method: "S256"
})}`

const codes = HttpRouter.add(
  "GET",
  "/codes",
  Effect.gen(function*() {
    const { handle } = yield* AuthorizationServer.AuthorizationServer
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const one = Effect.map(
      Effect.suspend(() => handle(HttpServerRequest.fromWeb(new Request(request)))),
      ({ headers }) => new URL(headers.location!).searchParams.get("code")
    )
    const count = Number(url.split("count=")[1])
    return HttpServerResponse.text(JSON.stringify(yield* Effect.all(Array.from({ length: count }, () => one))))
  })
)

HttpRouter.serve(Layer.merge(AuthorizationServer.routes, codes), { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(server),
  Layer.provide(NodeHttpServer.layer(createServer, { port: Number(port), host: "127.0.0.1" })),
  Layer.launch,
  NodeRuntime.runMain
)
