/** A shop in two versions: the second has changed a price, a type and an error. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as Journal from "fastmcp-effect/middleware/Journal"

const price = Tool.make("price", {
  parameters: { item: Schema.String },
  success: Schema.Struct({ item: Schema.String, cents: Schema.Int })
})

const order = Tool.make("order", {
  parameters: { item: Schema.String, card: Schema.RedactedFromValue(Schema.String) },
  success: Schema.Struct({ paidWith: Schema.String }),
  failure: Schema.Union([Schema.TaggedStruct("SoldOut", {}), Schema.TaggedStruct("Gone", {})])
})

const shop = (isNew: boolean) =>
  McpServer.layer({
    name: "shop",
    version: isNew ? "2.0.0" : "1.0.0",
    middleware: [Journal.make()],
    tools: [
      Tool.handle(price, ({ item }) => Effect.succeed({ item, cents: (isNew ? 110 : 100) * item.length })),
      Tool.handle(order, ({ card, item }) =>
        item === "cake"
          ? Effect.fail({ _tag: isNew ? "Gone" as const : "SoldOut" as const })
          : Effect.succeed({ paidWith: `card ${Redacted.value(card)}` }))
    ]
  })

export const Old = shop(false)
export const New = shop(true)
