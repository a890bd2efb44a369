/** A tool that calls another: what it does itself and what it asks for are spans of one trace. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"

const rate = Tool.make("rate", {
  description: "The exchange rate of a currency to the euro",
  parameters: { currency: Schema.Literals(["USD", "JPY"]) },
  success: Schema.Finite,
  handler: ({ currency }) =>
    Effect.succeed(currency === "USD" ? 0.9 : 0.006).pipe(
      Effect.withSpan("rates.lookup", { attributes: { currency } })
    )
})

export const convert = Tool.make("convert", {
  description: "Converts an amount to euros",
  parameters: { amount: Schema.Finite, currency: Schema.Literals(["USD", "JPY"]) },
  success: Schema.Finite,
  handler: ({ amount, currency }) =>
    Tool.call(rate, { currency }).pipe(
      Effect.map((euros) => euros * amount),
      Effect.withSpan("convert.compute", { attributes: { amount } })
    )
})

export const Money = McpServer.layer({ name: "money", version: "1.0.0", tools: [rate, convert] })
