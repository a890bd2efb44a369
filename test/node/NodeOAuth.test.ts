import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as McpServer from "fastmcp-effect/server/McpServer"

const server = AuthorizationServer.layer({
  issuer: "http://127.0.0.1:1",
  resources: [{ uri: "https://mcp.example/mcp", scopes: ["use"] }],
  clients: [{ id: "robot", secret: Redacted.make("s".repeat(32)), grantTypes: ["client_credentials"] }]
}).pipe(
  Layer.provide([
    UserLogin.layerAutomatic("ann"),
    Consent.layerAutomatic,
    Pages.layer(),
    OAuthStore.layerMemory(),
    SigningKeys.layerGenerated(),
    NodeOAuth.layer()
  ])
)

const mcp = McpServer.layer({ name: "test", version: "1.0.0" })

it.live("is beside an MCP server, at its own paths, without a router", () =>
  Effect.gen(function*() {
    const { url } = yield* NodeHttp.Address
    const ask = (path: string, init?: RequestInit) =>
      Effect.promise(async () => {
        const response = await fetch(new URL(path, url), { redirect: "manual", ...init })
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const token = (body: string, type = "application/x-www-form-urlencoded") =>
      ask("/token", {
        method: "POST",
        body,
        headers: { "content-type": type, authorization: `Basic ${btoa(`robot:${"s".repeat(32)}`)}` }
      })

    const given = yield* token("grant_type=client_credentials")
    assert.strictEqual(given.status, 200)
    assert.strictEqual(given.headers.get("content-type"), "application/json")
    assert.strictEqual(given.headers.get("content-length"), String(given.text.length))
    assert.strictEqual(JSON.parse(given.text).token_type, "Bearer")
    const long = yield* token("x".repeat(65 << 10))
    assert.deepStrictEqual([long.status, JSON.parse(long.text).error], [400, "invalid_request"])
    assert.strictEqual((yield* token("{}", "application/json")).status, 400)
    assert.strictEqual((yield* ask("/token")).status, 405)
    assert.strictEqual((yield* ask("/token", { method: "OPTIONS" })).status, 204)
    const metadata = yield* ask("/.well-known/oauth-authorization-server?any=thing")
    assert.strictEqual(JSON.parse(metadata.text).issuer, "http://127.0.0.1:1")
    const head = yield* ask("/.well-known/oauth-authorization-server", { method: "HEAD" })
    assert.deepStrictEqual([head.status, head.text], [200, ""])
    assert.strictEqual((yield* ask("/interaction/none")).status, 400)
    assert.strictEqual((yield* ask("/elsewhere")).status, 404)
    assert.strictEqual((yield* ask("/health")).status, 200)
  }).pipe(Effect.provide(Layer.provide(NodeHttp.layer({ port: 0, authorizationServer: server }), mcp))))
