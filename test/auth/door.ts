/** A protected server behind its HTTP endpoint, and requests to it. */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Prompt, Resource, ResourceTemplate, Tool } from "fastmcp-effect"
import type * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as JwtVerifier from "fastmcp-effect/auth/JwtVerifier"
import * as Challenge from "fastmcp-effect/context/Challenge"
import * as Identity from "fastmcp-effect/context/Identity"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import type * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as issuers from "./issuer.ts"

export const whoami = Tool.make("whoami", {
  success: Schema.Struct({ subject: Schema.String, scopes: Schema.Array(Schema.String) }),
  handler: () => Effect.map(Identity.Required, ({ scopes, subject }) => ({ subject, scopes }))
})

/** A definition of each kind that all may use, and one that needs a scope. */
export const definitions = {
  tools: [
    whoami,
    Tool.make("write", { scopes: ["notes:write"], success: Schema.String, handler: () => Effect.succeed("written") }),
    Tool.make("purge", {
      scopes: ["notes:write", "notes:purge"],
      success: Schema.String,
      handler: () => Effect.succeed("purged")
    }),
    Tool.make("share", {
      scopes: ["notes:write"],
      parameters: { with: Schema.String },
      success: Schema.String,
      handler: (parameters) => Effect.as(Challenge.require(`share:${parameters.with}`), "shared")
    }),
    Tool.make("outer", {
      scopes: ["notes:outer"],
      success: Schema.String,
      handler: () => Tool.call(purge, {})
    })
  ],
  resources: [
    Resource.make("note://public", { name: "public", handler: Effect.succeed("for all") }),
    Resource.make("note://secret", {
      name: "secret",
      scopes: ["notes:secret"],
      handler: Effect.succeed("for few")
    }),
    ResourceTemplate.make("vault://{id}", {
      name: "vault",
      scopes: ["notes:secret"],
      handler: ({ id }) => Effect.succeed(id)
    })
  ],
  prompts: [
    Prompt.make("plain", { handler: () => Effect.succeed("plain") }),
    Prompt.make("audit", { scopes: ["notes:audit"], handler: () => Effect.succeed("audit") })
  ]
}

const purge = Tool.make("purge", { success: Schema.String })

export const server = McpServer.layer({ name: "notes", version: "1.0.0", ...definitions })

export interface Door {
  readonly issuer: issuers.Issuer
  readonly handler: FetchMount.FetchHandler
}

export const bearer = (
  options: Partial<BearerAuth.Options> = {},
  verifier: Partial<JwtVerifier.Options> = {}
): Layer.Layer<AuthProvider.Known, never, HttpClient.HttpClient> =>
  BearerAuth.layer({
    resource: issuers.resource,
    authorizationServers: [issuers.url],
    ...options
  }).pipe(Layer.provide(JwtVerifier.layer({ issuer: issuers.url, jwksUri: `${issuers.url}/jwks`, ...verifier })))

/** The server behind this provider, in the scope of the test. */
export const open = (
  auth: Layer.Layer<AuthProvider.Known, never, HttpClient.HttpClient> = bearer(),
  options: StreamableHttpServer.Options = {},
  served: typeof server = server
) =>
  Effect.gen(function*() {
    const issuer = yield* issuers.make
    const context = yield* Layer.build(served.pipe(Layer.provide(auth), Layer.provide(issuer.client)))
    const handler = yield* Effect.provideContext(FetchMount.make(options), context)
    return { issuer, handler }
  })

export interface Sent {
  readonly token?: string | undefined
  readonly headers?: Record<string, string>
  readonly url?: string
}

/** A request of 2026-07-28. */
export const stateless = (method: string, params: Record<string, unknown> = {}, sent: Sent = {}): Request => {
  const mirrored = params.name ?? params.uri
  return new Request(sent.url ?? "http://localhost/mcp", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(typeof mirrored === "string" ? { "mcp-name": mirrored } : undefined),
      ...(sent.token === undefined ? undefined : { authorization: `Bearer ${sent.token}` }),
      ...sent.headers
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {}
        }
      }
    })
  })
}

export interface Answer {
  readonly status: number
  readonly challenge: string | null
  readonly headers: Headers
  readonly body: any
  readonly text: string
}

export const send = (handler: FetchMount.FetchHandler, request: Request): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await handler(request)
    const text = await response.text()
    return {
      status: response.status,
      challenge: response.headers.get("www-authenticate"),
      headers: response.headers,
      text,
      body: /^\s*\{/u.test(text) ? JSON.parse(text) : undefined
    }
  })

export const call = ({ handler }: Door, name: string, sent?: Sent, args: object = {}) =>
  send(handler, stateless("tools/call", { name, arguments: args }, sent))

/** A message of 2025-11-25. */
export const stateful = (
  message: object | undefined,
  { headers, token }: Sent & { readonly session?: string } = {},
  method = "POST"
): Request =>
  new Request("http://localhost/mcp", {
    method,
    headers: {
      ...(message === undefined ? undefined : { "content-type": "application/json" }),
      "accept": "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
      ...(token === undefined ? undefined : { authorization: `Bearer ${token}` }),
      ...headers
    },
    ...(message === undefined ? undefined : { body: JSON.stringify({ jsonrpc: "2.0", ...message }) })
  })

export const initialize = {
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: { elicitation: {} }, clientInfo: { name: "t", version: "1" } }
}

/** Opens a session, and gives its id. */
export const begin = ({ handler }: Pick<Door, "handler">, token: string) =>
  Effect.gen(function*() {
    const { headers } = yield* send(handler, stateful(initialize, { token }))
    const session = headers.get("mcp-session-id")!
    const inSession = { "mcp-session-id": session }
    yield* send(handler, stateful({ method: "notifications/initialized" }, { token, headers: inSession }))
    return inSession
  })
