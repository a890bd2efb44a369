/** The tools of the large loads, for `server.ts`. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import { records, tools } from "./data.ts"

export const list = () =>
  tools.map(({ description, name }) =>
    Tool.make(name, {
      description,
      parameters: { account: Schema.String, limit: Schema.Finite },
      success: Schema.String,
      handler: ({ account }) => Effect.succeed(account)
    })
  )

export const report = () => [
  Tool.make("report", {
    description: "Reads one page of records",
    parameters: { page: Schema.Finite },
    success: Schema.Struct({
      page: Schema.Finite,
      records: Schema.Array(Schema.Struct({
        sku: Schema.String,
        title: Schema.String,
        price: Schema.Finite,
        stock: Schema.Finite,
        available: Schema.Boolean,
        tags: Schema.Array(Schema.String)
      }))
    }),
    handler: ({ page }) => Effect.succeed({ page, records })
  })
]
