/** Two servers that were there before, in one: each keeps its own middleware, services and limits. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Middleware, Resource, Tool } from "fastmcp-effect"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Mount from "fastmcp-effect/provider/Mount"

/** What its own middleware has seen, under the names it knows. */
export class Journal extends Context.Service<Journal, Array<string>>()("examples/mount/Journal") {}

const journal = Middleware.make((request, next) =>
  Effect.flatMap(Journal, (journal) => {
    if (request.tool !== undefined) journal.push(request.tool.name)
    return next
  })
)

const Weather = McpServer.layer({
  name: "weather",
  version: "1.0.0",
  tools: [
    Tool.make("forecast", {
      parameters: { city: Schema.String },
      success: Schema.String,
      handler: ({ city }) => Effect.succeed(`${city}: rain`)
    }),
    // It finds what is beside it in its own server, whatever else there is around.
    Tool.make("umbrella", {
      parameters: { city: Schema.String },
      success: Schema.Boolean,
      handler: ({ city }) => Effect.map(Tool.call(forecast, { city }), (text) => text.endsWith("rain"))
    })
  ],
  resources: [Resource.text("weather:///stations", "north, south")],
  middleware: [journal],
  requestTimeout: "5 seconds"
})

const forecast = Tool.make("forecast", { parameters: { city: Schema.String }, success: Schema.String })

const Travel = McpServer.layer({
  name: "travel",
  version: "1.0.0",
  tools: [
    Tool.make("book", {
      success: Schema.String,
      handler: () =>
        Effect.map(
          Ask.one("where", Elicitation.form({ city: Schema.String }, { message: "Where to?" })),
          ({ city }) => `Booked for ${city}`
        )
    })
  ]
})

export const Acme = McpServer.register(Mount.make(Weather), Mount.make(Travel)).pipe(
  Layer.provideMerge(McpServer.layer({ name: "acme", version: "1.0.0" }))
)
