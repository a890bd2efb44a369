/** The payroll, a server of another company's, and its authorization server, which takes the word of the provider. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Identity, McpServer, Tool } from "fastmcp-effect"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as JwtVerifier from "fastmcp-effect/auth/JwtVerifier"
import * as RedactedUrls from "fastmcp-effect/oauth/RedactedUrls"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import { createServer } from "node:http"
import { services } from "./services.ts"

const salaries = Tool.make("salaries", {
  description: "What everybody earns",
  scopes: ["payroll:read"],
  success: Schema.Struct({ reader: Schema.String, total: Schema.Int }),
  handler: () => Effect.map(Identity.Required, ({ subject }) => ({ reader: subject, total: 250_000 }))
})

/** What the agent is here. */
export const agent = { clientId: "agent-of-acme", clientSecret: "a secret of the agent's at the payroll" }

/** Listens for as long as the layer lives. */
export const Payroll = (port: number, provider: string) => {
  const issuer = `http://127.0.0.1:${port}`
  const resource = `${issuer}/mcp`

  const Mcp = HttpRouterMount.layer({ path: "/mcp" }).pipe(
    Layer.provide(McpServer.layer({ name: "payroll", version: "1.0.0", tools: [salaries] })),
    Layer.provide(BearerAuth.layer({ resource, authorizationServers: [issuer], scopes: ["payroll:read"] })),
    Layer.provide(JwtVerifier.layer({ issuer })),
    Layer.provide(FetchHttpClient.layer)
  )

  const Issuer = AuthorizationServer.routes.pipe(
    Layer.provide(AuthorizationServer.layer({
      issuer,
      resources: [{ uri: resource, scopes: ["payroll:read", "payroll:write"] }],
      trustedIdentityProviders: [{ issuer: provider }],
      clients: [{
        id: agent.clientId,
        secret: Redacted.make(agent.clientSecret),
        grantTypes: ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
      }]
    })),
    Layer.provide(services)
  )

  return HttpRouter.serve(Layer.merge(Mcp, Issuer), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(RedactedUrls.layer),
    Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }))
  )
}
