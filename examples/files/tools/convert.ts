/** A tool by itself: whatever a module exports is found. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpError, Tool } from "fastmcp-effect"
import { euro } from "./lib/rates.ts"

export default Tool.make("convert", {
  description: "Says what an amount is in euro",
  parameters: { amount: Schema.Finite, currency: Schema.String },
  success: Schema.Finite,
  handler: ({ amount, currency }) => {
    const rate = euro[currency]
    return rate === undefined
      ? Effect.fail(McpError.invalidParams(`There is no rate for ${currency}`))
      : Effect.succeed(amount * rate)
  }
})
