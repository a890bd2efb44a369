/** Suggestions while somebody types: for a prompt's arguments and for a template's variables. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer } from "fastmcp-effect"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"

const cities: { readonly [country: string]: ReadonlyArray<string> } = {
  France: ["Lille", "Lyon", "Paris"],
  Japan: ["Kyoto", "Osaka", "Tokyo"]
}

const trip = Prompt.make("trip", {
  description: "Plans a trip",
  arguments: { country: Schema.String, city: Schema.String },
  complete: {
    // A list is filtered by what has been typed.
    country: Object.keys(cities),
    // A function does its own filtering, and knows what was filled in before.
    city: (typed, { arguments: { country = "" } }) =>
      Effect.succeed((cities[country] ?? []).filter((city) => city.startsWith(typed)))
  },
  handler: ({ city, country }) => Effect.succeed(`Plan a weekend in ${city}, ${country}.`)
})

class Orders extends Context.Service<Orders, ReadonlyArray<string>>()("examples/completion/Orders") {
  static readonly layer = Layer.succeed(Orders, Array.from({ length: 250 }, (_, index) => `A${1000 + index}`))
}

const order = ResourceTemplate.make("shop://orders/{number}", {
  name: "order",
  description: "One order",
  complete: {
    number: (typed: string) => Orders.use((orders) => Effect.succeed(orders.filter((order) => order.startsWith(typed))))
  },
  handler: ({ number }) => Effect.succeed(`Order ${number}`)
})

export const Shop = McpServer.layer({
  name: "shop",
  version: "1.0.0",
  prompts: [trip],
  resources: [order]
}).pipe(Layer.provide(Orders.layer))
