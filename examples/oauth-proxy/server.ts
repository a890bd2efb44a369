/**
 * Notes of users whom an identity provider knows. It registers no clients, so the proxy does, and lets their users log
 * in there. PORT (8000), and UPSTREAM for where the provider is, come from the environment.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Identity, McpServer, Tool } from "fastmcp-effect"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as LocalVerifier from "fastmcp-effect/auth/LocalVerifier"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as OAuthProxy from "fastmcp-effect/oauth/proxy/OAuthProxy"
import type * as Provider from "fastmcp-effect/oauth/proxy/Provider"
import * as UpstreamTokens from "fastmcp-effect/oauth/proxy/UpstreamTokens"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"

const port = Number(process.env.PORT ?? 8000)
const issuer = `http://127.0.0.1:${port}`
const upstream = process.env.UPSTREAM ?? "http://127.0.0.1:9000"

/** `Providers.github()` and others are such values. */
const provider: Provider.Provider = {
  name: "example",
  issuer: upstream,
  scopes: ["user:read"],
  user: { _tag: "Api", url: `${upstream}/user` },
  subject: ["id"],
  names: ["login"]
}

/** Acts for the user at the provider, with the user's token there. */
const whoami = Tool.make("whoami", {
  success: Schema.String,
  handler: () =>
    Effect.gen(function*() {
      const { claims, subject } = yield* Identity.Required
      const token = yield* Effect.orDie(UpstreamTokens.UpstreamTokens.use(({ get }) => get(claims)))
      const login = yield* Effect.promise(() =>
        fetch(`${upstream}/user`, { headers: { authorization: `Bearer ${Redacted.value(token)}` } })
          .then((response) => response.json() as Promise<{ readonly login: string }>)
      )
      return `${subject} here, ${login.login} there`
    })
})

const Auth = OAuthProxy.layer({
  issuer,
  resources: [{ uri: `${issuer}/mcp`, name: "Notes", scopes: { "notes:read": "Read your notes" } }],
  registration: true,
  upstream: {
    provider,
    clientId: "notes",
    clientSecret: Redacted.make("a secret between the proxy and the provider"),
    // From the environment, as the secret is; `openssl rand -base64 32` makes one.
    key: Redacted.make("at least 32 bytes that nobody else knows")
  }
}).pipe(
  Layer.provide(Pages.layer({ name: "Notes" })),
  // What survives a restart is said in examples/oauth-server.
  Layer.provide([OAuthStore.layerMemory(), SigningKeys.layerGenerated()]),
  Layer.provide(NodeOAuth.layer({ allowLoopback: true }))
)

const Notes = McpServer.layer({ name: "notes", version: "1.0.0", tools: [whoami] }).pipe(
  Layer.provide(
    BearerAuth.layer({ resource: `${issuer}/mcp`, authorizationServers: [issuer], scopes: ["notes:read"] })
  ),
  Layer.provide(LocalVerifier.layer()),
  Layer.provide(Auth)
)

Notes.pipe(NodeHttp.serve({ port, authorizationServer: Auth }))
