/** A diary behind an authorization server: it takes tokens that were issued for it, and nothing else. */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Identity, McpServer, Tool } from "fastmcp-effect"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as JwtVerifier from "fastmcp-effect/auth/JwtVerifier"

const diaries = new Map<string, Array<string>>()

/** Of the caller: nobody gets at the pages of somebody else, whatever the arguments. */
const mine = Effect.map(Identity.Required, (identity) => {
  const owner = Identity.principal(identity)!
  const pages = diaries.get(owner) ?? []
  diaries.set(owner, pages)
  return pages
})

const read = Tool.make("read", {
  description: "Reads your diary",
  success: Schema.Array(Schema.String),
  handler: () => mine
})

const write = Tool.make("write", {
  description: "Writes into your diary",
  scopes: ["diary:write"],
  parameters: { page: Schema.String },
  handler: ({ page }) => Effect.map(mine, (pages) => void pages.push(page))
})

/** The issuer publishes its keys, and clients find the issuer through this server. */
export const diary = (resource: string, issuer: string) =>
  McpServer.layer({ name: "diary", version: "1.0.0", tools: [read, write] }).pipe(
    Layer.provide(BearerAuth.layer({
      resource,
      authorizationServers: [issuer],
      scopes: ["diary:read"],
      scopesSupported: ["diary:read", "diary:write"]
    })),
    Layer.provide(JwtVerifier.layer({ issuer })),
    Layer.provide(FetchHttpClient.layer)
  )
