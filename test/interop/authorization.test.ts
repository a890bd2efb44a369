/**
 * Our client gets in to a server that the official SDK protects, with tokens of `oidc-provider`: all three over HTTP, and
 * nothing agreed beforehand but their addresses.
 */
import { assert, describe, it } from "@effect/vitest"
import { toNodeHandler } from "@modelcontextprotocol/node"
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  oauthMetadataResponse,
  requireBearerAuth
} from "@modelcontextprotocol/server"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as ClientAuth from "fastmcp-effect/client/ClientAuth"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import type * as Authorization from "fastmcp-effect/transport/Authorization"
import * as jose from "jose"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll } from "vitest"
import { z } from "zod"
import { aheadClock } from "../support/aheadClock.ts"
import * as oidcProvider from "./oidcProvider.ts"

const redirectUri = "http://127.0.0.1:4711/callback"

/** Seconds that a token lasts. */
const lasts = 3600

/** How much later it is for the client than for the servers, so that it renews a token that they still take. */
let ahead = 0

let authorizationServer: oidcProvider.AuthorizationServer
let url: string
const server = http.createServer()

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  authorizationServer = await oidcProvider.start({
    resource: () => url,
    scopes: ["notes:read", "notes:write"],
    lasts,
    clients: [{
      client_id: "nightly",
      client_secret: "a secret of the nightly job's",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: []
    }]
  })
  const { issuer } = authorizationServer
  const oauthMetadata: any = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
  const keys = jose.createRemoteJWKSet(new URL(oauthMetadata.jwks_uri))
  const verifier = {
    verifyAccessToken: async (token: string) => {
      const { payload } = await jose.jwtVerify(token, keys, { issuer, audience: url }).catch((error: Error) => {
        throw new OAuthError(OAuthErrorCode.InvalidToken, error.message)
      })
      return {
        token,
        clientId: String(payload.client_id),
        scopes: String(payload.scope ?? "").split(" "),
        expiresAt: payload.exp!,
        resource: new URL(url),
        extra: { sub: payload.sub }
      }
    }
  }
  const gateFor = (requiredScopes: Array<string>) =>
    requireBearerAuth({
      verifier,
      requiredScopes,
      expectedResource: new URL(url),
      resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(new URL(url))
    })
  const mcp = createMcpHandler(() => {
    const mcp = new McpServer({ name: "protected", version: "1.0.0" })
    mcp.registerTool("whoami", { inputSchema: z.object({}) }, (_, { http }) => ({
      content: [{ type: "text", text: `${http?.authInfo?.extra?.sub}: ${http?.authInfo?.scopes.toSorted().join(" ")}` }]
    }))
    return mcp
  })
  server.on(
    "request",
    toNodeHandler({
      fetch: async (request: Request) => {
        const metadata = oauthMetadataResponse(request, {
          oauthMetadata,
          resourceServerUrl: new URL(url),
          scopesSupported: ["notes:read"]
        })
        if (metadata !== undefined) return metadata
        const { method }: any = await request.clone().json().catch(() => ({}))
        const authInfo = await gateFor(method === "tools/call" ? ["notes:read", "notes:write"] : ["notes:read"])(
          request
        )
        return authInfo instanceof Response ? authInfo : mcp.fetch(request, { authInfo })
      }
    } as any) as http.RequestListener
  )
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
  authorizationServer.close()
})

const services = () =>
  Layer.mergeAll(
    NodeSafeFetch.layer({ allowLoopback: true }),
    Layer.fresh(TokenStore.layerMemory),
    oidcProvider.browser(redirectUri)
  )

const whoami = (
  auth: Layer.Layer<Authorization.Authorization>,
  revision: "2025-11-25" | "2026-07-28"
) =>
  Effect.gen(function*() {
    const client = yield* McpClient.McpClient
    assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), ["whoami"])
    const said: Array<unknown> = []
    for (let i = 0; i < 3; i++) {
      ahead += (lasts - 20) * 1000
      const { content } = yield* client.callTool("whoami", {})
      said.push(content[0]?.type === "text" ? content[0].text : content)
    }
    return said
  }).pipe(Effect.provide(
    McpClient.layer({ info: { name: "interop", version: "1.0.0" }, revision }).pipe(
      Layer.provide(NodeStreamableHttpClient.layer({ url })),
      Layer.provide(auth),
      Layer.provide(Layer.effect(Clock.Clock, aheadClock(() => ahead)))
    ),
    { local: true }
  ))

const since = <A>(effect: Effect.Effect<A>) => {
  const before = authorizationServer.grants.length
  return Effect.map(effect, (value) => ({ value, grants: authorizationServer.grants.slice(before) }))
}

describe("a server that the official SDK protects, with tokens of oidc-provider", () => {
  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    it.live(`lets a user in from a bare 401, asks for more scopes once, and takes renewed tokens, in ${revision}`, () =>
      Effect.gen(function*() {
        const auth = Layer.provide(ClientAuth.browser({ metadata: { client_name: "interop" } }), services())
        const { grants, value } = yield* since(Effect.orDie(whoami(auth, revision)))
        assert.deepStrictEqual(value, Array.from({ length: 3 }, () => "anna: notes:read notes:write"))
        assert.strictEqual(grants.filter((grant) => grant === "authorization_code").length, 2)
        assert.isAbove(grants.filter((grant) => grant === "refresh_token").length, 2)
      }))
  }

  it.live("lets a program in with its secret", () =>
    Effect.gen(function*() {
      const auth = ClientAuth.clientCredentials({
        clientId: "nightly",
        clientSecret: Redacted.make("a secret of the nightly job's"),
        issuer: authorizationServer.issuer
      }).pipe(Layer.provide(services()))
      const { grants, value } = yield* since(Effect.orDie(whoami(auth, "2026-07-28")))
      assert.deepStrictEqual(value[0], "nightly: notes:read notes:write")
      assert.deepStrictEqual([...new Set(grants)], ["client_credentials"])
    }))
})
