/** A server whose answers are good for a while. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Identity } from "fastmcp-effect/context"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Caching from "fastmcp-effect/middleware/Caching"

/** `ran` is told of each run of a handler. */
export const make = (ran: (what: string) => void) => {
  const rate = Tool.make("rate", {
    parameters: { currency: Schema.String },
    success: Schema.String,
    tags: ["rates"],
    // A tool is cached where it says so itself.
    cache: "10 minutes",
    handler: ({ currency }) =>
      Effect.map(Identity.CurrentIdentity, ({ subject }) => {
        ran(`rate for ${subject}`)
        return `${currency} for ${subject}: 1.08`
      })
  })

  const terms = Resource.make("bank://terms", {
    handler: Effect.sync(() => {
      ran("terms")
      return "Money back on Mondays."
    })
  })

  return McpServer.layer({
    name: "bank",
    version: "1.0.0",
    tools: [rate],
    resources: [terms],
    middleware: [Caching.make({ ttl: { "resources/read": "1 minute", "tools/list": "5 minutes" } })]
  })
}
