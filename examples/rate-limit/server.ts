/** A server with three limits: for each caller, for all of them together on an expensive tool, and by a cost. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"

export const search = Tool.make("search", {
  parameters: { text: Schema.String },
  success: Schema.String,
  handler: ({ text }) => Effect.succeed(`Nothing about ${text}.`)
})

export const render = Tool.make("render", {
  parameters: { pages: Schema.Int },
  success: Schema.String,
  handler: ({ pages }) => Effect.succeed(`${pages} pages`)
})

export const Search = McpServer.layer({
  name: "search",
  version: "1.0.0",
  tools: [search, render],
  middleware: [
    // Never more than 4 in any second, for each caller.
    RateLimit.make({ limit: 4, window: "1 second", algorithm: "sliding-window" }),
    // A bucket of 10 pages for all together, which fills at 5 pages a second.
    RateLimit.make({
      limit: 5,
      window: "1 second",
      algorithm: "token-bucket",
      burst: 10,
      per: ({ tool }) => tool?.name === render.name ? render.name : undefined,
      cost: ({ params }) => (params as { readonly arguments: { readonly pages: number } }).arguments.pages
    })
  ]
})
