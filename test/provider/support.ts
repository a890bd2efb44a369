/** A server to mount, and servers it is mounted in. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import type * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

export const parentInfo = { name: "parent", version: "1.0.0" }

export const childInfo = { name: "weather", version: "2.0.0" }

export const tool = (name: string, answer = name) =>
  Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(answer) })

/** One of each kind. */
export const definitions = {
  tools: [
    Tool.make("forecast", {
      title: "Forecast",
      description: "What the weather will be",
      tags: ["weather"],
      parameters: { city: Schema.String, days: Schema.optionalKey(Schema.Finite) },
      success: Schema.Struct({ text: Schema.String }),
      annotations: { readOnlyHint: true },
      handler: ({ city, days = 1 }) => Effect.succeed({ text: `${city}: rain for ${days}` })
    })
  ],
  resources: [
    Resource.make("weather:///stations", { title: "Stations", mimeType: "text/plain", handler: Effect.succeed("two") }),
    ResourceTemplate.make("weather:///station/{id}", {
      name: "station",
      description: "A station",
      complete: { id: ["north", "south"] },
      list: Effect.succeed([{ uri: "weather:///station/north" }]),
      handler: ({ id }) => Effect.succeed(id === "nowhere" ? undefined : `station ${id}`)
    })
  ] as const,
  prompts: [
    Prompt.make("report", {
      description: "Asks for a report",
      arguments: { city: Schema.String },
      complete: { city: ["berlin", "lisbon"] },
      handler: ({ city }) => Effect.succeed(`Report on ${city}`)
    })
  ]
}

export const Child = McpServer.layer({ ...childInfo, ...definitions })

/** The server these are registered with. */
export const serving = <const Sources extends ReadonlyArray<McpServer.Source>>(...sources: Sources) =>
  McpServer.register(...sources).pipe(Layer.provideMerge(McpServer.layer(parentInfo)))

/** The same with its tools under other names. */
export const prefixed = <E, R>(prefix: string, provider: Provider.Provider<E, R>) =>
  Provider.map(
    provider,
    (catalogue) =>
      catalogue.map((definition) =>
        Tool.isHandled(definition) ? Tool.amend(definition, { name: prefix + definition.name }) : definition
      )
  )

/** A server that runs until the test ends, and itself as a layer. */
export const running = <E, R>(layer: Layer.Layer<McpServer.McpServer | Receiver.Receiver, E, R>) =>
  Effect.map(Layer.build(layer), (context) => ({
    server: Context.get(context, McpServer.McpServer),
    layer: Layer.succeedContext(context)
  }))

/** The text of whatever came back. */
export const textOf = (result: object): string => /"text":"([^"]*)"/u.exec(JSON.stringify(result))![1]!

export const call = (client: McpTest.Client, name: string, args?: { readonly [key: string]: string }) =>
  Effect.map(client.callTool(name, args), textOf)

export const toolNames = (client: McpTest.Client): Effect.Effect<ReadonlyArray<string>, McpError.McpError> =>
  Effect.map(client.listTools, (tools) => tools.map(({ name }) => name))
