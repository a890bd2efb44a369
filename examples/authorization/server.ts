/** A library: everybody reads, members borrow, and the staff of a branch lends what its branch has. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { McpServer, Resource, Tool } from "fastmcp-effect"
import * as ApiKeyAuth from "fastmcp-effect/auth/ApiKeyAuth"
import * as StaticVerifier from "fastmcp-effect/auth/StaticVerifier"
import * as Authorization from "fastmcp-effect/middleware/Authorization"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"

const done = (name: string, tags: ReadonlyArray<string>) =>
  Tool.make(name, {
    tags,
    parameters: { book: Schema.String },
    success: Schema.String,
    handler: ({ book }) => Effect.succeed(`${name}: ${book}`)
  })

const lend = Tool.make("lend", {
  tags: ["desk"],
  parameters: { book: Schema.String, branch: Schema.String },
  success: Schema.String,
  handler: ({ book, branch }) => Effect.succeed(`${branch} lends ${book}`)
})

/** Of what is asked for; a list asks without arguments. */
const branchOf = (params: unknown) =>
  (params as { readonly arguments?: { readonly branch?: string } }).arguments?.branch

const rules = Authorization.make([
  { tags: ["open"] },
  { tags: ["members"], scopes: ["library:borrow"] },
  {
    tags: ["desk"],
    scopes: ["library:desk"],
    allow: ({ isListing, params }, { claims }) =>
      isListing || branchOf(params) === claims["branch"] || `You work at ${String(claims["branch"])}.`
  }
], { byDefault: "deny" })

/** A real library has its keys in a configuration, or in a database with a verifier of its own. */
const keys = StaticVerifier.layer([
  { token: Redacted.make("key-of-a-guest"), subject: "guest" },
  { token: Redacted.make("key-of-mia"), subject: "mia", scopes: ["library:borrow"] },
  {
    token: Redacted.make("key-of-sam"),
    subject: "sam",
    scopes: ["library:borrow", "library:desk"],
    claims: { branch: "north" }
  }
])

export const Library = McpServer.layer({
  name: "library",
  version: "1.0.0",
  // Nobody has made a rule for `burn` yet, so nobody may.
  tools: [done("find", ["open"]), done("borrow", ["members"]), lend, done("burn", [])],
  resources: [Resource.text("library:///hours", "9 to 5", { tags: ["open"] }), Resource.text("library:///cellar", "?")],
  middleware: [rules]
}).pipe(
  Layer.provide(ApiKeyAuth.layer()),
  Layer.provide(keys)
)

if (process.argv[2] === "http") Library.pipe(NodeHttp.serve({ port: Number(process.env.PORT ?? 8000) }))
