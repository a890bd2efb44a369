/** The official client gets in to a server of ours, with tokens of `oidc-provider`: all three over HTTP. */
import { assert, describe, it } from "@effect/vitest"
import {
  Client,
  ClientCredentialsProvider,
  type OAuthClientProvider,
  SdkHttpError,
  type StoredOAuthClientInformation,
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
import * as oidcProvider from "../interop/oidcProvider.ts"
import * as officialUser from "../support/officialUser.ts"
import * as door from "./door.ts"

const redirectUri = "http://127.0.0.1:4711/callback"

/** Clients that were registered by hand: of a user, and of nobody. */
const desktop = { client_id: "desktop", client_secret: "a secret of the desktop's" }
const machine = { client_id: "machine", client_secret: "a secret of the machine's" }

const freePort = Effect.promise(() =>
  new Promise<number>((resolve) => {
    const server = Http.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
)

const serve = Effect.gen(function*() {
  const port = yield* freePort
  const url = `http://127.0.0.1:${port}/mcp`
  const authorizationServer = yield* Effect.acquireRelease(
    Effect.promise(() =>
      oidcProvider.start({
        resource: () => url,
        scopes: ["notes:read", "notes:write", "notes:purge"],
        lasts: 300,
        clients: [
          { ...desktop, redirect_uris: [redirectUri] },
          { ...machine, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }
        ]
      })
    ),
    ({ close }) => Effect.sync(close)
  )
  const { issuer } = authorizationServer
  yield* Layer.build(
    NodeHttp.layer({ port }).pipe(
      Layer.provide(door.server),
      Layer.provide(BearerAuth.layer({ resource: url, authorizationServers: [issuer], scopes: ["notes:read"] })),
      Layer.provide(JwtVerifier.layer({ issuer })),
      Layer.provide(FetchHttpClient.layer)
    )
  )
  return { url, authorizationServer }
})

/** Somebody at a browser. The client registers itself when it is not registered. */
const makeUser = (registered?: StoredOAuthClientInformation): officialUser.User => {
  const cookies = new Map<string, string>()
  return officialUser.make({
    redirectUri,
    registered,
    visit: (url) => oidcProvider.visit(url, redirectUri, cookies)
  })
}

const clientOf = (revision: "2025-11-25" | "2026-07-28") =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Client({ name: "official", version: "1.0.0" }, {
        versionNegotiation: { mode: revision === "2025-11-25" ? "legacy" : { pin: revision } }
      })
    ),
    (client) => Effect.promise(() => client.close())
  )

/** And how the server refused what it sent, in order. */
const transportTo = (url: string, authProvider?: OAuthClientProvider) => {
  const refusals: Array<string> = []
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    ...(authProvider === undefined ? undefined : { authProvider }),
    fetch: async (asked, init) => {
      const response = await fetch(asked, init)
      if (String(asked) === url && !response.ok) {
        const [, error] = /error="(\w+)"/u.exec(response.headers.get("www-authenticate") ?? "") ?? []
        refusals.push(error === undefined ? String(response.status) : `${response.status} ${error}`)
      }
      return response
    }
  })
  return { refusals, transport }
}

const failureOf = (promise: Promise<unknown>) =>
  Effect.promise(() => promise.then(() => undefined, (error: unknown) => error))

const whoami = (client: Client) =>
  Effect.promise(async () => {
    const { structuredContent } = await client.callTool({ name: "whoami", arguments: {} })
    return structuredContent
  })

const purge = (client: Client) => client.callTool({ name: "purge", arguments: {} })

/** The application is told to send the user to log in, and connects again when that is done. */
const logIn = (client: Client, url: string, { callback, provider }: officialUser.User) =>
  Effect.gen(function*() {
    const first = transportTo(url, provider)
    assert.instanceOf(yield* failureOf(client.connect(first.transport)), UnauthorizedError)
    assert.deepStrictEqual(first.refusals, ["401"])
    yield* Effect.promise(() => first.transport.finishAuth(callback()))
    const second = transportTo(url, provider)
    yield* Effect.promise(() => client.connect(second.transport))
    assert.deepStrictEqual(yield* whoami(client), { subject: "anna", scopes: ["notes:read"] })
    assert.deepStrictEqual(second.refusals, [])
    return second
  })

const all = { scopes: ["notes:read", "notes:write", "notes:purge"] }

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  describe(`the official client in ${revision}, with tokens of oidc-provider`, () => {
    it.live("lets a user in from a bare 401, and steps up to all the scopes a tool needs", () =>
      Effect.gen(function*() {
        const { authorizationServer, url } = yield* serve
        const client = yield* clientOf(revision)
        const user = makeUser({ ...desktop, issuer: authorizationServer.issuer })
        const { refusals, transport } = yield* logIn(client, url, user)
        assert.strictEqual(client.getNegotiatedProtocolVersion(), revision)
        // It sends the user for more by itself, but the application has to hand in the answer, and to call again.
        assert.instanceOf(yield* failureOf(purge(client)), UnauthorizedError)
        yield* Effect.promise(() => transport.finishAuth(user.callback()))
        const { content } = yield* Effect.promise(() => purge(client))
        assert.deepStrictEqual(content, [{ type: "text", text: "purged" }])
        assert.deepStrictEqual(yield* whoami(client), { subject: "anna", ...all })
        assert.deepStrictEqual(refusals, ["403 insufficient_scope"])
        assert.deepStrictEqual(authorizationServer.grants, ["authorization_code", "authorization_code"])
      }))

    it.live("registers itself from a bare 401, and anew to step up", () =>
      Effect.gen(function*() {
        const { authorizationServer, url } = yield* serve
        const client = yield* clientOf(revision)
        const user = makeUser()
        const { refusals, transport } = yield* logIn(client, url, user)
        // It registered for the scopes of the first challenge, and is held to them.
        assert.instanceOf(yield* failureOf(purge(client)), UnauthorizedError)
        assert.strictEqual(user.callback().get("error"), "invalid_scope")
        user.unregister()
        assert.instanceOf(yield* failureOf(purge(client)), UnauthorizedError)
        yield* Effect.promise(() => transport.finishAuth(user.callback()))
        assert.deepStrictEqual(yield* whoami(client), { subject: "anna", ...all })
        const { content } = yield* Effect.promise(() => purge(client))
        assert.deepStrictEqual(content, [{ type: "text", text: "purged" }])
        assert.deepStrictEqual(refusals, ["403 insufficient_scope", "403 insufficient_scope"])
        assert.deepStrictEqual(authorizationServer.grants, ["authorization_code", "authorization_code"])
      }))

    it.live("lets a machine in from a bare 401, and steps up within the call", () =>
      Effect.gen(function*() {
        const { authorizationServer, url } = yield* serve
        const client = yield* clientOf(revision)
        const { refusals, transport } = transportTo(
          url,
          new ClientCredentialsProvider({
            clientId: machine.client_id,
            clientSecret: machine.client_secret,
            expectedIssuer: authorizationServer.issuer
          })
        )
        yield* Effect.promise(() => client.connect(transport))
        assert.deepStrictEqual(yield* whoami(client), { subject: "machine", scopes: ["notes:read"] })
        const { content } = yield* Effect.promise(() => purge(client))
        assert.deepStrictEqual(content, [{ type: "text", text: "purged" }])
        assert.deepStrictEqual(yield* whoami(client), { subject: "machine", ...all })
        assert.deepStrictEqual(refusals, ["401", "403 insufficient_scope"])
        assert.deepStrictEqual(authorizationServer.grants, ["client_credentials", "client_credentials"])
      }))

    it.live("is told that it has no token when there is no way to get one", () =>
      Effect.gen(function*() {
        const { url } = yield* serve
        const client = yield* clientOf(revision)
        const failure = yield* failureOf(client.connect(transportTo(url).transport))
        assert.isTrue(failure instanceof UnauthorizedError || failure instanceof SdkHttpError, String(failure))
        assert.match(String(failure), /401|[Uu]nauthorized/u)
      }))
  })
}
