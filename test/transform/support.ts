/** A provider of everything, in code and relayed, and how the tests of transforms serve it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

export const info = { name: "transforms", version: "1.0.0" }

export const serve = <const Sources extends ReadonlyArray<McpServer.Source>>(...sources: Sources) =>
  McpServer.register(...sources).pipe(Layer.provideMerge(McpServer.layer(info)))

/** A client of what the sources have. */
export const connect = <const Sources extends ReadonlyArray<McpServer.Source>>(
  sources: Sources,
  options: McpTest.Options = { revision: "2025-11-25" }
) => McpTest.client(serve(...sources) as Layer.Layer<any, Layer.Error<ReturnType<typeof serve<Sources>>>>, options)

export const textOf = (result: McpSchema.CallToolResult): string =>
  result.content.map((block) => block.type === "text" ? block.text : block.type).join("\n")

const link = (uri: string): McpSchema.ContentBlock => ({ type: "resource_link", uri, name: uri })

const embedded: McpSchema.ContentBlock = { type: "resource", resource: { uri: "acme://clock", text: "12:00" } }

/** What a weather service has. `report` uses what stands beside it. */
export const local: Provider.Catalogue = [
  Tool.make("forecast", {
    description: "The weather to come",
    tags: ["read"],
    parameters: {
      city: Schema.String.annotate({ description: "Where", "x-mcp-header": "City" }),
      days: Schema.optionalKey(Schema.Int),
      units: Schema.Literals(["metric", "imperial"])
    },
    success: Schema.Struct({ city: Schema.String, days: Schema.Int, units: Schema.String }),
    handler: ({ city, days = 1, units }) => Effect.succeed({ city, days, units })
  }),
  Tool.make("links", {
    tags: ["read", "Links"],
    success: Tool.Result,
    handler: () =>
      Effect.succeed({
        content: [
          link("acme://clock"),
          link("acme://cities/Oslo"),
          link("acme://clock#minutes"),
          link("https://example.com/elsewhere"),
          embedded
        ]
      })
  }),
  Tool.make("report", {
    tags: ["write"],
    success: Schema.Array(Schema.String),
    handler: Effect.fnUntraced(function*() {
      const request = yield* RequestContext.RequestContext
      const called = yield* request.callTool({ name: "forecast", arguments: { city: "Oslo", units: "metric" } })
      const read = yield* request.readResource({ uri: "acme://clock" })
      const city = yield* request.readResource({ uri: "acme://cities/Oslo" })
      const got = yield* request.getPrompt({ name: "ask", arguments: { city: "Oslo" } })
      const [message] = got.messages
      return [
        textOf(called),
        ...[...read.contents, ...city.contents].map((contents) => "text" in contents ? contents.text : ""),
        message?.content.type === "text" ? message.content.text : "",
        String(request.sees("tool", "forecast")),
        String(request.sees("tool", "nothing"))
      ]
    })
  }),
  Resource.make("acme://clock", {
    name: "clock",
    tags: ["read"],
    updates: Stream.tick("1 minute"),
    handler: Effect.succeed("12:00")
  }),
  ResourceTemplate.make("acme://cities/{city}", {
    name: "city",
    complete: { city: ["Oslo", "Lisbon"] },
    list: Effect.succeed([{ uri: "acme://cities/Oslo" }]),
    handler: ({ city }) =>
      city === "Atlantis"
        ? Effect.succeed(undefined)
        : Effect.succeed({ contents: [{ text: city }, { uri: "acme://clock", text: "12:00" }] })
  }),
  Prompt.make("ask", {
    arguments: { city: Schema.String },
    complete: { city: ["Oslo", "Lisbon"] },
    handler: ({ city }) => Effect.succeed([Prompt.user(`How is it in ${city}?`), Prompt.user(link("acme://clock"))])
  })
]

/** The same as a proxy would have it: nothing but JSON on this side. */
export const relayed: Provider.Catalogue = local.map((definition): Provider.AnyDefinition => {
  if (Tool.isHandled(definition)) {
    return Tool.relay(
      ({ strict }) => JSON.parse(JSON.stringify(Tool.describe(definition, { strict }))),
      (input, options) => Tool.respond(definition, input, options)
    )
  }
  if (Resource.isHandled(definition)) {
    return Resource.relay(
      { listed: Resource.describe(definition), read: (uri) => Resource.respond(definition, uri) },
      { updates: definition.updates }
    )
  }
  if (ResourceTemplate.isHandled(definition)) {
    return ResourceTemplate.relay({
      listed: ResourceTemplate.describe(definition),
      read: (uri) =>
        ResourceTemplate.respond(definition, uri, ResourceTemplate.match(definition, uri) as ResourceTemplate.Values),
      complete: (argument, context) => ResourceTemplate.complete(definition, argument, context)
    }, { list: definition.list })
  }
  const prompt = definition as Prompt.AnyHandled
  return Prompt.relay({
    listed: Prompt.describe(prompt),
    get: (given) => Prompt.respond(prompt, given),
    complete: (argument, context) => Prompt.complete(prompt, argument, context)
  })
})

/** The one and the other, which need nothing but their request. */
export const inCode = Provider.make<never>(Stream.succeed(local as ReadonlyArray<never>))
export const far = Provider.make<never>(Stream.succeed(relayed as ReadonlyArray<never>))

export const kinds = [["definitions in code", inCode], ["relayed definitions", far]] as const
