/**
 * `fastmcp-effect` as an authorization server, on SQLite.
 * Usage: ours PORT FILE
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
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
import { challenge, client, codes, lasts, redirectUri, resource, scope, subject } from "./data.ts"

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

const makeCode = Effect.gen(function*() {
  const { handle } = yield* AuthorizationServer.AuthorizationServer
  const { headers } = yield* handle(HttpServerRequest.fromWeb(new Request(request)))
  return new URL(headers.location!).searchParams.get("code")
})

const listen = Effect.gen(function*() {
  const handle = yield* NodeOAuth.listener
  const run = Effect.runForkWith(yield* Effect.context<AuthorizationServer.AuthorizationServer>())
  createServer((request, response) => {
    if (handle(request, response)) return
    const count = Number(codes.exec(request.url!)?.[1])
    run(Effect.map(Effect.all(Array.from({ length: count }, () => makeCode)), (made) => {
      const out = JSON.stringify(made)
      response.writeHead(200, { "content-type": "application/json", "content-length": out.length }).end(out)
    }))
  }).listen(Number(port), "127.0.0.1")
})

Layer.effectDiscard(listen).pipe(Layer.provide(server), Layer.launch, NodeRuntime.runMain)
