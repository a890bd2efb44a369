/**
 * A server that issues its own tokens: notes behind an authorization server, both in one program on one port. PORT (8000)
 * and ISSUER (http://127.0.0.1:PORT) come from the environment.
 *
 * So that it can be tried out by programs alone, everybody is one user who consents to everything, clients may register
 * themselves, and all is forgotten when it ends. What a real one has instead is said beside each line.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Identity, McpServer, Tool } from "fastmcp-effect"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as LocalVerifier from "fastmcp-effect/auth/LocalVerifier"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"

const port = Number(process.env.PORT ?? 8000)
const issuer = process.env.ISSUER ?? `http://127.0.0.1:${port}`
const resource = `${new URL(issuer).origin}/mcp`

const readNotes = Tool.make("read_notes", {
  description: "Reads your notes",
  success: Schema.String,
  handler: () => Effect.map(Identity.Required, ({ subject }) => `Milk, and the letter to Ada (for ${subject})`)
})

const purgeNotes = Tool.make("purge_notes", {
  description: "Throws your notes away",
  success: Schema.String,
  scopes: ["notes:purge"],
  handler: () => Effect.succeed("All gone")
})

const Auth = AuthorizationServer.layer({
  issuer,
  resources: [{
    uri: resource,
    name: "Notes",
    scopes: { "notes:read": "Read your notes", "notes:purge": "Throw your notes away" }
  }],
  clients: [{
    id: "example",
    name: "An example",
    redirectUris: ["http://127.0.0.1/callback"]
  }],
  // Off unless asked for: anybody may come. Clients whose id is the address of their own description need none.
  registration: true
}).pipe(
  // PasswordLogin.layer(), or OAuthProxy.layer in the place of all this for an identity provider you have.
  Layer.provide(UserLogin.layerAutomatic("ada")),
  // Consent.layer(), which asks.
  Layer.provide(Consent.layerAutomatic),
  Layer.provide(Pages.layer({ name: "Notes" })),
  // OAuthStoreSql.layer() or OAuthStoreRedis.layer(), which survive a restart.
  Layer.provide(OAuthStore.layerMemory()),
  // NodeSigningKeys.layerFile("keys.json"), made by `npm run keys`.
  Layer.provide(SigningKeys.layerGenerated()),
  // Without `allowLoopback`, which is for clients on this machine.
  Layer.provide(NodeOAuth.layer({ allowLoopback: true }))
)

const Notes = McpServer.layer({ name: "notes", version: "1.0.0", tools: [readNotes, purgeNotes] }).pipe(
  Layer.provide(BearerAuth.layer({
    resource,
    authorizationServers: [issuer],
    scopes: ["notes:read"],
    scopesSupported: ["notes:read", "notes:purge"]
  })),
  Layer.provide(LocalVerifier.layer()),
  Layer.provide(Auth)
)

Notes.pipe(NodeHttp.serve({ port, authorizationServer: Auth }))
