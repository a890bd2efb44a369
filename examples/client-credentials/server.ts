/** Reports for programs that have a secret, and who gives out tokens for them. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"

const report = Tool.make("report", {
  description: "The report of the night",
  success: Schema.String,
  handler: () => Effect.succeed("All is well")
})

const Reports = McpServer.layer({ name: "reports", version: "1.0.0", tools: [report] })

/** The programs that are known, and what they may ask for. */
const clients: { readonly [id: string]: { readonly secret: string; readonly scope: string } } = {
  nightly: { secret: "a secret of the nightly job's", scope: "reports:read" }
}

const { empty, jsonUnsafe: json } = HttpServerResponse

/** The server at this address, with the authorization server beside it. */
export const Protected = (origin: string) => {
  const good = new Set<string>()

  const routes = Layer.mergeAll(
    HttpRouterMount.layer({ path: "/mcp" }).pipe(Layer.provide(Reports)),
    HttpRouter.add(
      "GET",
      "/.well-known/oauth-protected-resource/mcp",
      json({ resource: `${origin}/mcp`, authorization_servers: [origin], scopes_supported: ["reports:read"] })
    ),
    HttpRouter.add(
      "GET",
      "/.well-known/oauth-authorization-server",
      json({
        issuer: origin,
        token_endpoint: `${origin}/token`,
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic"]
      })
    ),
    HttpRouter.add("POST", "/token", (request) =>
      Effect.map(Effect.orDie(request.text), (body) => {
        const asked = new URLSearchParams(body)
        const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? ""
        const [id = "", secret = ""] = atob(basic).split(":").map((part) =>
          [...new URLSearchParams(`x=${part}`).values()][0]
        )
        const client = clients[id]
        if (client?.secret !== secret) return json({ error: "invalid_client" }, { status: 401 })
        if (asked.get("resource") !== `${origin}/mcp`) return json({ error: "invalid_target" }, { status: 400 })
        if (asked.get("scope") !== client.scope) return json({ error: "invalid_scope" }, { status: 400 })
        const access = randomUUID()
        good.add(access)
        return json({ access_token: access, token_type: "Bearer", expires_in: 600, scope: client.scope })
      }))
  )

  const guard = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, url }) => {
      const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1]
      return !url.startsWith("/mcp") || (token !== undefined && good.has(token))
        ? app
        : Effect.succeed(empty({ status: 401, headers: { "www-authenticate": "Bearer" } }))
    })

  return HttpRouter.serve(routes, { middleware: guard, disableLogger: true, disableListenLog: true })
}

/** Listens for as long as the layer lives. */
export const serve = (port: number) =>
  Protected(`http://127.0.0.1:${port}`).pipe(
    Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }))
  )
