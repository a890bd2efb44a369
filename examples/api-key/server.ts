/** A lost-property office: everybody with a key may look, and only the staff may hand things out. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Identity, McpServer, Tool } from "fastmcp-effect"
import * as ApiKeyAuth from "fastmcp-effect/auth/ApiKeyAuth"
import * as StaticVerifier from "fastmcp-effect/auth/StaticVerifier"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"

const shelf = new Set(["umbrella", "left glove"])

const look = Tool.make("look", {
  description: "Lists what was found",
  success: Schema.Array(Schema.String),
  handler: () => Effect.sync(() => [...shelf])
})

const handOut = Tool.make("hand_out", {
  description: "Hands out something that was found",
  scopes: ["property:hand-out"],
  parameters: { thing: Schema.String },
  success: Schema.String,
  handler: ({ thing }) =>
    Effect.map(
      Identity.Required,
      ({ subject }) => shelf.delete(thing) ? `${subject} hands out: ${thing}` : `There is no ${thing}`
    )
})

/** A real office keeps its keys in a configuration, or in a database with a verifier of its own. */
const keys = StaticVerifier.layer([
  { token: Redacted.make("key-of-ann"), subject: "ann", scopes: ["property:hand-out"] },
  { token: Redacted.make("key-of-a-visitor"), subject: "visitor" }
])

export const Office = McpServer.layer({ name: "lost-property", version: "1.0.0", tools: [look, handOut] }).pipe(
  Layer.provide(ApiKeyAuth.layer({ environment: "OFFICE_KEY" })),
  Layer.provide(keys)
)

if (process.argv[2] === "http") Office.pipe(NodeHttp.serve({ port: Number(process.env.PORT ?? 8000) }))
if (process.argv[2] === "stdio") Office.pipe(NodeStdio.run)
