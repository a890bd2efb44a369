/** A tool that uses the tools, resources and prompts beside it, within its own request. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, RequestContext, Tool } from "fastmcp-effect"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"

class NoSuchPlace extends Schema.TaggedError<NoSuchPlace>()("NoSuchPlace", { place: Schema.String }) {}

/** The contract, which callers need; the code may be anywhere. */
export const temperature = Tool.make("temperature", {
  description: "How warm it is somewhere",
  parameters: { place: Schema.String },
  success: Schema.Struct({ celsius: Schema.Finite }),
  failure: NoSuchPlace
})

const Temperature = Tool.handle(
  temperature,
  ({ place }) => place === "Oslo" ? Effect.succeed({ celsius: 4 }) : new NoSuchPlace({ place })
)

const house = Resource.text("style://house", "Short sentences.", { description: "How we write" })

const report = Prompt.make("report", {
  description: "How a report begins",
  arguments: { place: Schema.String },
  handler: ({ place }) => Effect.succeed(`The weather in ${place}:`)
})

export const write = Tool.make("write", {
  description: "Writes a weather report",
  parameters: { place: Schema.String },
  success: Schema.String,
  handler: Effect.fnUntraced(function*({ place }) {
    const request = yield* RequestContext.RequestContext
    const { messages } = yield* request.getPrompt({ name: report.name, arguments: { place } })
    const { contents: [style] } = yield* request.readResource({ uri: house.uri })
    // By contract: a declared failure arrives as itself, and here it is an answer.
    const reading = yield* Tool.call(temperature, { place }).pipe(
      Effect.map(({ celsius }) => `${celsius} degrees.`),
      Effect.catchTag("NoSuchPlace", () => Effect.succeed("Nobody knows."))
    )
    const [first] = messages
    return [
      first?.content.type === "text" ? first.content.text : "",
      reading,
      style !== undefined && "text" in style ? `(${style.text})` : ""
    ].join(" ")
  })
})

export const Weather = McpServer.layer({
  name: "weather",
  version: "1.0.0",
  tools: [Temperature, write],
  resources: [house],
  prompts: [report]
})
