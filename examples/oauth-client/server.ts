/**
 * Notes that only their owner reads, and who gives out tokens for them: an authorization server that asks nobody
 * anything, so that there is a login to try out. A real one is somebody else's.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import { createHash, randomUUID } from "node:crypto"
import { createServer } from "node:http"

const readNotes = Tool.make("read_notes", {
  description: "Reads your notes",
  success: Schema.String,
  handler: () => Effect.succeed("Milk, and the letter to Ada")
})

const Notes = McpServer.layer({ name: "notes", version: "1.0.0", tools: [readNotes] })

/** Seconds that a token is good for. */
const lasts = 600

/** What each login and refresh leaves behind. */
export interface Seen {
  readonly grants: Array<string>
}

const { empty, jsonUnsafe: json, redirect } = HttpServerResponse

/** The server at this address, with the authorization server beside it. */
export const Protected = (origin: string, seen: Seen) => {
  const codes = new Map<string, string>()
  const good = new Set<string>()

  const routes = Layer.mergeAll(
    HttpRouterMount.layer({ path: "/mcp" }).pipe(Layer.provide(Notes)),
    HttpRouter.add(
      "GET",
      "/.well-known/oauth-protected-resource/mcp",
      json({ resource: `${origin}/mcp`, authorization_servers: [origin], scopes_supported: ["notes:read"] })
    ),
    HttpRouter.add(
      "GET",
      "/.well-known/oauth-authorization-server",
      json({
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
        code_challenge_methods_supported: ["S256"],
        token_endpoint_auth_methods_supported: ["none"],
        authorization_response_iss_parameter_supported: true
      })
    ),
    HttpRouter.add("POST", "/register", json({ client_id: randomUUID() }, { status: 201 })),
    HttpRouter.add("GET", "/authorize", (request) => {
      const asked = new URL(request.url, origin).searchParams
      const code = randomUUID()
      codes.set(code, asked.get("code_challenge")!)
      const back = new URL(asked.get("redirect_uri")!)
      back.search = String(new URLSearchParams({ code, state: asked.get("state")!, iss: origin }))
      return Effect.succeed(redirect(back.href))
    }),
    HttpRouter.add("POST", "/token", (request) =>
      Effect.map(Effect.orDie(request.text), (body) => {
        const { code = "", code_verifier = "", grant_type = "", refresh_token = "" } = Object.fromEntries(
          new URLSearchParams(body)
        )
        const isGood = grant_type === "refresh_token"
          ? good.delete(refresh_token)
          : codes.get(code) === createHash("sha256").update(code_verifier).digest("base64url") && codes.delete(code)
        if (!isGood) return json({ error: "invalid_grant" }, { status: 400 })
        const [access, refresh] = [randomUUID(), randomUUID()]
        good.add(access).add(refresh)
        seen.grants.push(grant_type)
        return json({ access_token: access, token_type: "Bearer", expires_in: lasts, refresh_token: refresh })
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
export const serve = (port: number, seen: Seen) =>
  Protected(`http://127.0.0.1:${port}`, seen).pipe(
    Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }))
  )
