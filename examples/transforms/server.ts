/** One catalogue, served for the team that runs it and, in other clothes, for everybody. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Prompt, Resource, ResourceTemplate, Tool } from "fastmcp-effect"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Provider from "fastmcp-effect/definition/Provider"
import {
  AsTools,
  MapResult,
  Namespace,
  Rename,
  ReshapeArguments,
  VersionChoice,
  Visibility
} from "fastmcp-effect/transform"

const forecast = (version: string, sky: string) =>
  Tool.make("forecast", {
    version,
    description: "The weather to come, by station",
    tags: ["public"],
    parameters: {
      station: Schema.String.annotate({ description: "The number of a station" }),
      days: Schema.optionalKey(Schema.Int),
      units: Schema.Literals(["metric", "imperial"])
    },
    success: Schema.Struct({ station: Schema.String, days: Schema.Int, units: Schema.String, sky: Schema.String }),
    handler: ({ days = 1, station, units }) => Effect.succeed({ station, days, units, sky })
  })

const bulletin = Tool.make("bulletin", {
  description: "What is read out on the radio",
  tags: ["public"],
  success: Tool.Result,
  // Its neighbours go by their own names here, whatever clients call them.
  handler: () =>
    Effect.map(
      RequestContext.RequestContext.use(({ readResource }) => readResource({ uri: "weather://stations/0371" })),
      ({ contents: [station] }): typeof Tool.Result.Type => ({
        content: [
          { type: "text", text: station !== undefined && "text" in station ? station.text : "" },
          { type: "resource_link", uri: "weather://stations/0371", name: "Blindern" }
        ]
      })
    )
})

const recalibrate = Tool.make("recalibrate", {
  description: "Sets the instruments to zero",
  tags: ["staff"],
  success: Schema.String,
  handler: () => Effect.succeed("Done.")
})

const manual = Resource.text("weather://manual", "Look up.", { tags: ["public"] })

const stations = ResourceTemplate.make("weather://stations/{number}", {
  name: "station",
  tags: ["public"],
  complete: { number: ["0371", "0427"] },
  handler: ({ number }) => Effect.succeed(`Station ${number}`)
})

const ask = Prompt.make("ask", {
  tags: ["public"],
  arguments: { place: Schema.String },
  handler: ({ place }) => Effect.succeed(`How will it be in ${place}?`)
})

const office = Provider.fromDefinitions(
  forecast("1.4.0", "clouds"),
  forecast("2.0.0-rc.1", "sun"),
  bulletin,
  recalibrate,
  manual,
  stations,
  ask
)

/** The units that a caller is used to. */
const units = Effect.map(Identity.CurrentIdentity, ({ claims }) => claims.locale === "en-US" ? "imperial" : "metric")

const everybody = office.pipe(
  VersionChoice.make({ ranges: { forecast: "1.x" }, others: "by name" }),
  Visibility.include({ tags: ["public"] }),
  ReshapeArguments.make({
    forecast: {
      station: { name: "place", description: "The place, by its station" },
      days: { default: 3 },
      units: { hidden: true, value: units }
    }
  }),
  MapResult.make({
    forecast: MapResult.structured(
      Schema.Struct({ summary: Schema.String }),
      ({ structuredContent }) => {
        const { days, sky, units } = structuredContent as { days: number; sky: string; units: string }
        return Effect.succeed({ summary: `${sky} for ${days} days, ${units}` })
      }
    )
  }),
  Rename.make({
    tools: { forecast: { description: "The weather to come, by place" } },
    prompts: { ask: "ask_weather" }
  }),
  AsTools.make({ only: "resources" }),
  Namespace.make("weather")
)

/** The same once more, for those with the scope. */
const staff = office.pipe(
  VersionChoice.make(),
  Visibility.to({ scopes: ["staff"] }),
  Namespace.make("staff")
)

export const Weather = McpServer.register(everybody, staff).pipe(
  Layer.provideMerge(McpServer.layer({ name: "transforms", version: "1.0.0" }))
)
