/** Questions to the client's user: a form with every kind of field and choice, and a page to visit. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Ask, Elicitation } from "fastmcp-effect/context"

const order = Elicitation.form({
  name: Schema.NonEmptyString.annotate({ title: "Name", description: "Whom we call when it is ready" }),
  email: Schema.String.annotate({ format: "email" }),
  day: Schema.DateFromString.annotate({ format: "date" }),
  pieces: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })).annotate({ default: 1 }),
  candles: Schema.Boolean.annotate({ default: false }),
  // One of some texts: as they are, with titles, and with titles as clients before 2025-11-25 read them.
  size: Schema.Literals(["small", "large"]),
  dough: Elicitation.choice({ rye: "Rye", wheat: "Wheat" }).annotate({ default: "wheat" }),
  glaze: Elicitation.choice({ choc: "Chocolate", lemon: "Lemon" }, { legacyTitles: true }),
  // Any of some texts, with and without titles.
  nuts: Schema.Array(Schema.Literals(["almond", "walnut"])),
  fruit: Elicitation.choices({ fig: "Figs", plum: "Plums" }).check(Schema.isMaxLength(1))
}, { message: "What cake would you like?" })

export const orderCake = Tool.make("order_cake", {
  description: "Orders a cake, as its user wants it",
  success: Schema.String,
  handler: () =>
    Ask.one("order", order).pipe(
      Effect.map(({ day, dough, name, pieces, size }) =>
        `${pieces} ${size} ${dough} cake for ${name}, on ${day.toISOString().slice(0, 10)}`
      ),
      // A no is an answer here. Left alone it would be the tool's error.
      Effect.catchReasons("AskError", {
        Declined: () => Effect.succeed("No cake today"),
        Dismissed: () => Effect.succeed("Perhaps later")
      })
    )
})

export const pay = Tool.make("pay", {
  description: "Sends its user to the till",
  parameters: { order: Schema.Int },
  success: Schema.String,
  handler: Effect.fnUntraced(function*({ order }) {
    // What is typed there never passes through the client.
    const page = `https://till.example/pay?order=${order}`
    yield* Ask.one("till", Elicitation.url(page, { message: "Pay for your cake", id: `order-${order}` }))
    return "On the way to the till"
  })
})

export const Bakery = McpServer.layer({ name: "bakery", version: "1.0.0", tools: [orderCake, pay] })
