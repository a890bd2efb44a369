/** The official client against a server of ours: from a bare 401 to a tool call, by way of an authorization server. */
import { assert, describe, it } from "@effect/vitest"
import {
  Client,
  ClientCredentialsProvider,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError
} from "@modelcontextprotocol/client"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as JwtVerifier from "fastmcp-effect/auth/JwtVerifier"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

interface Login {
  readonly url: string
  /** The bodies of what was asked at the token endpoint. */
  readonly asked: Array<URLSearchParams>
}

/** An authorization server for machines, on a socket. */
const login = Effect.acquireRelease(
  Effect.promise(async () => {
    const signer = await issuers.makeSigner("login")
    const asked: Array<URLSearchParams> = []
    const server = Http.createServer(async (request, response) => {
      const tell = (body: object, status = 200) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
      if (request.url === "/.well-known/oauth-authorization-server") {
        return tell({
          issuer: url,
          jwks_uri: `${url}/jwks`,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          response_types_supported: ["code"],
          grant_types_supported: ["client_credentials"],
          code_challenge_methods_supported: ["S256"],
          token_endpoint_auth_methods_supported: ["client_secret_basic"]
        })
      }
      if (request.url === "/jwks") return tell({ keys: [signer.jwk] })
      if (request.url !== "/token") return tell({}, 404)
      let body = ""
      for await (const chunk of request) body += chunk
      const form = new URLSearchParams(body)
      asked.push(form)
      const now = Math.floor(Date.now() / 1000)
      tell({
        token_type: "Bearer",
        expires_in: 300,
        access_token: await issuers.sign(signer, {
          iss: url,
          aud: form.get("resource") ?? undefined,
          sub: "machine",
          scope: form.get("scope") ?? "",
          iat: now,
          exp: now + 300
        })
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { url, asked, server }
  }),
  ({ server }) =>
    Effect.promise(() =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    )
)

const freePort = Effect.promise(() =>
  new Promise<number>((resolve) => {
    const server = Http.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
)

const serve = (issuer: Login) =>
  Effect.gen(function*() {
    const port = yield* freePort
    const url = `http://127.0.0.1:${port}/mcp`
    yield* Layer.build(
      NodeHttp.layer({ port }).pipe(
        Layer.provide(door.server),
        Layer.provide(BearerAuth.layer({ resource: url, authorizationServers: [issuer.url], scopes: ["notes:read"] })),
        Layer.provide(JwtVerifier.layer({ issuer: issuer.url })),
        Layer.provide(FetchHttpClient.layer)
      )
    )
    return url
  })

/** With the credentials it has at this issuer, if it has any. */
const connect = (url: string, issuer: Login | undefined) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Client({ name: "official", version: "1.0.0" })
      const transport = new StreamableHTTPClientTransport(
        new URL(url),
        issuer === undefined ? {} : {
          authProvider: new ClientCredentialsProvider({
            clientId: "machine",
            clientSecret: "secret",
            expectedIssuer: issuer.url
          })
        }
      )
      const failure = await client.connect(transport).then(() => undefined, (error: unknown) => error)
      return { client, failure }
    }),
    ({ client }) => Effect.promise(() => client.close())
  )

describe("the official client", () => {
  it.live("gets in from a bare 401, and asks for what the challenge says", () =>
    Effect.gen(function*() {
      const issuer = yield* login
      const url = yield* serve(issuer)
      const { client, failure } = yield* connect(url, issuer)
      assert.isUndefined(failure)
      const result = yield* Effect.promise(() => client.callTool({ name: "whoami", arguments: {} }))
      assert.deepStrictEqual(result.structuredContent, { subject: "machine", scopes: ["notes:read"] })
      assert.deepStrictEqual(issuer.asked.map((form) => [form.get("resource"), form.get("scope")]), [
        [url, "notes:read"]
      ])
    }))

  it.live("steps up to all the scopes an operation needs, in one go", () =>
    Effect.gen(function*() {
      const issuer = yield* login
      const { client, failure } = yield* connect(yield* serve(issuer), issuer)
      assert.isUndefined(failure)
      const result = yield* Effect.promise(() => client.callTool({ name: "purge", arguments: {} }))
      assert.deepStrictEqual(result.content, [{ type: "text", text: "purged" }])
      assert.deepStrictEqual(issuer.asked.map((form) => form.get("scope")!.split(" ").sort()), [
        ["notes:read"],
        ["notes:purge", "notes:read", "notes:write"]
      ])
    }))

  it.live("without a way to get a token is told that it has none", () =>
    Effect.gen(function*() {
      const { failure } = yield* connect(yield* serve(yield* login), undefined)
      assert.isTrue(failure instanceof UnauthorizedError || failure instanceof SdkHttpError, String(failure))
      assert.match(String(failure), /401|[Uu]nauthorized/u)
    }))
})
