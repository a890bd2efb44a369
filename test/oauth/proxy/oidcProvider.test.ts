/** The whole way with a certified provider upstream, over sockets: clients nobody has heard of get in by way of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Identity, McpServer, Tool } from "fastmcp-effect"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as LocalVerifier from "fastmcp-effect/auth/LocalVerifier"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeClientAuth from "fastmcp-effect/node/NodeClientAuth"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import * as OAuthProxy from "fastmcp-effect/oauth/proxy/OAuthProxy"
import * as Providers from "fastmcp-effect/oauth/proxy/Providers"
import * as UpstreamTokens from "fastmcp-effect/oauth/proxy/UpstreamTokens"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import { createServer } from "node:net"
import { engine } from "../server/oidcProviderEngine.ts"
import * as person from "../server/person.ts"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

/** Seconds that the tokens of the provider last, and those of the proxy. */
const lasts = 2

const provider = (callback: string) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      engine.start({
        openid: true,
        lasts,
        resources: [],
        clients: [{
          client_id: "proxy",
          client_secret: "the secret of the proxy, at the provider",
          redirect_uris: [callback]
        }]
      })
    ),
    ({ close }) => Effect.promise(close)
  )

/** Where the document of a client is; no name resolves here. */
const clientDocument = "https://client.example/client.json"

const fetching = Layer.effect(
  SafeFetch.SafeFetch,
  Effect.map(SafeFetch.SafeFetch, (safe): SafeFetch.SafeFetch["Service"] => ({
    ...safe,
    fetch: (request) =>
      request.url !== clientDocument ? safe.fetch(request) : Effect.succeed({
        status: 200,
        headers: Headers.empty,
        text: JSON.stringify({
          client_id: clientDocument,
          client_name: "A client with a document",
          redirect_uris: ["http://127.0.0.1/callback"],
          grant_types: ["authorization_code", "refresh_token"],
          token_endpoint_auth_method: "none"
        })
      })
  }))
)

/** Shows what the token of the provider is good for there. */
const whoami = (issuer: string) =>
  Tool.make("whoami", {
    success: Schema.Struct({ here: Schema.String, there: Schema.String, token: Schema.String }),
    handler: () =>
      Effect.gen(function*() {
        const { claims, subject } = yield* Identity.Required
        const token = Redacted.value(yield* Effect.orDie(UpstreamTokens.UpstreamTokens.use(({ get }) => get(claims))))
        const answer = yield* Effect.promise(() =>
          fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } })
            .then((response) => response.json() as Promise<{ readonly sub: string }>)
        )
        return { here: subject, there: answer.sub, token }
      })
  })

const start = Effect.gen(function*() {
  const port = yield* freePort
  const issuer = `http://127.0.0.1:${port}`
  const upstream = yield* provider(`${issuer}/callback`)
  const Auth = OAuthProxy.layer({
    issuer,
    resources: [{ uri: `${issuer}/mcp`, scopes: ["notes:read"] }],
    registration: true,
    lifetimes: { accessToken: `${lasts} seconds` },
    upstream: {
      provider: Providers.oidc({
        name: "company",
        issuer: upstream.issuer,
        scopes: ["openid", "offline_access"],
        parameters: { prompt: "consent" }
      }),
      clientId: "proxy",
      clientSecret: Redacted.make("the secret of the proxy, at the provider"),
      key: world.key
    }
  }).pipe(
    Layer.provide([OAuthStore.layerMemory(), server.keys, Pages.layer(), fetching]),
    Layer.provide(NodeOAuth.layer({ allowLoopback: true }))
  )
  const Server = McpServer.layer({ name: "notes", version: "1.0.0", tools: [whoami(upstream.issuer)] }).pipe(
    Layer.provide(
      BearerAuth.layer({ resource: `${issuer}/mcp`, authorizationServers: [issuer], scopes: ["notes:read"] })
    ),
    Layer.provide(LocalVerifier.layer())
  )
  const context = yield* Layer.build(
    NodeHttp.layer({ port, routes: Layer.provide(AuthorizationServer.routes, Auth) }).pipe(
      Layer.provide(Server),
      Layer.provideMerge(Auth)
    )
  )
  return { issuer, upstream, context }
})

const clientOf = (url: string, options: NodeClientAuth.BrowserOptions, open: (url: string) => Effect.Effect<void>) =>
  McpClient.layer({ info: { name: "reader", version: "1.0.0" } }).pipe(
    Layer.provide(NodeStreamableHttpClient.layer({ url })),
    Layer.provide(NodeClientAuth.browser({
      ...options,
      store: TokenStore.layerMemory,
      fetch: { allowLoopback: true },
      redirect: { open, tell: () => Effect.void }
    }))
  )

const clients: Readonly<Record<string, NodeClientAuth.BrowserOptions>> = {
  "that registers itself": { metadata: { client_name: "A client nobody has heard of" } },
  "that is known by its document": { clientMetadataUrl: clientDocument }
}

describe("a client", () => {
  for (const [kind, options] of Object.entries(clients)) {
    it.live(`${kind} is let in by a user of the provider, and stays so`, () =>
      Effect.gen(function*() {
        const { context, issuer, upstream } = yield* start
        const pages: Array<string> = []
        /** One browser, of which each site knows its own half. */
        const [here, there] = [person.make(issuer), upstream.person()]
        const open = (url: string) =>
          Effect.promise(async () => {
            const hop = await here.visit(url)
            const back = await there.visit(hop.href)
            const end = await here.visit(back.href)
            pages.push(...[url, hop, back, end].map((page) => new URL(page).origin))
            await fetch(end).then((response) => response.text())
          })
        const events: Array<string> = []
        yield* Effect.forkScoped(Effect.provide(
          AuthorizationServer.AuthorizationServer.use(({ events: all }) =>
            Stream.runForEach(all, (event) =>
              Effect.sync(() => events.push(event._tag === "Issued" ? event.grantType : event._tag)))
          ),
          context
        ))
        const story = Effect.gen(function*() {
          const client = yield* McpClient.McpClient
          const call = Effect.map(client.callTool("whoami"), ({ structuredContent }) =>
            structuredContent as any)
          const first = yield* call
          assert.deepInclude(first, { here: "company:anna", there: "anna" })
          yield* Effect.sleep(lasts * 1000 + 500)
          const second = yield* call
          assert.deepInclude(second, { here: "company:anna", there: "anna" })
          assert.notStrictEqual(second.token, first.token)
        })
        yield* Effect.provide(story, clientOf(`${issuer}/mcp`, options, open), { local: true })
        // There and back once: the second time both tokens were renewed without the user.
        assert.deepStrictEqual(pages.slice(0, 3), [issuer, upstream.issuer, issuer])
        assert.strictEqual(pages.length, 4)
        assert.deepStrictEqual(
          events.filter((event) => event !== "Registered"),
          ["Consented", "LoggedIn", "authorization_code", "refresh_token"]
        )
      }).pipe(Effect.scoped), 40_000)
  }
})
