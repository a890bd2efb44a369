/** A server of its own, which asks where it should look, and says how far it is. It speaks 2025-11-25 to the gateway. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Progress, Tool } from "fastmcp-effect"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"

const forecast = Tool.make("forecast", {
  description: "How warm it will be in a place the user names",
  success: Schema.Struct({ place: Schema.String, celsius: Schema.Finite }),
  handler: Effect.fnUntraced(function*() {
    yield* Progress.report(1, { total: 2, message: "Asking" })
    const { place } = yield* Elicitation.ask("place", { place: Schema.String }, { message: "Where are you?" })
    yield* Progress.report(2, { total: 2, message: "Looking" })
    return { place, celsius: place === "Oslo" ? 4 : 20 }
  })
})

McpServer.layer({
  name: "weather",
  version: "1.0.0",
  tools: [forecast],
  resources: [Resource.text("weather:///places", "Oslo, Lisbon")]
}).pipe(NodeStdio.run)
