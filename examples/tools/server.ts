/** Tools of every make: structured results, content, other libraries' schemas, a toolkit, and one of effect/ai. */
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import * as AiTool from "effect/ai/Tool"
import * as AiToolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Content, McpServer, Tool } from "fastmcp-effect"
import { fromAiToolkit } from "fastmcp-effect/definition/AiToolkit"
import * as Media from "fastmcp-effect/definition/Media"
import * as Toolkit from "fastmcp-effect/definition/Toolkit"
import * as v from "valibot"
import { z } from "zod"

// Structured results and declared failures: contracts that belong together, and their code in one place.

export class Invoice extends Schema.Class<Invoice>("Invoice")({
  number: Schema.Int,
  due: Schema.DateFromString,
  total: Schema.Finite
}) {}

export class NoSuchInvoice extends Schema.TaggedError<NoSuchInvoice>()("NoSuchInvoice", { number: Schema.Int }) {
  override get message() {
    return `There is no invoice ${this.number}`
  }
}

export const find = Tool.make("find_invoice", {
  description: "Finds an invoice by its number",
  parameters: { number: Schema.Int.annotate({ description: "As printed in its corner" }) },
  success: Invoice,
  failure: NoSuchInvoice,
  annotations: { readOnlyHint: true }
})

export const count = Tool.make("count_invoices", {
  description: "Counts the invoices",
  success: Schema.Int,
  annotations: { readOnlyHint: true }
})

const invoices = [new Invoice({ number: 7, due: new Date("2026-12-01"), total: 99.5 })]

const Accounting = Toolkit.handle(Toolkit.make(find, count), {
  find_invoice: ({ number }) => {
    const invoice = invoices.find((invoice) => invoice.number === number)
    return invoice === undefined ? new NoSuchInvoice({ number }) : Effect.succeed(invoice)
  },
  count_invoices: () => Effect.succeed(invoices.length)
})

// Content of your own making: any blocks, in any order.

const scan = Tool.make("scan_invoice", {
  description: "The invoice as it was scanned",
  success: Tool.Result,
  handler: Effect.fnUntraced(function*() {
    const image = yield* Effect.orDie(Media.imageFromDataUrl("data:image/gif;base64,R0lGODlhAQABAAAAACw="))
    return Content.result(
      Content.text("Page 1 of 1", { annotations: { audience: ["user"] } }),
      image,
      Content.resourceLink({ uri: "invoices://7", name: "invoice 7" })
    )
  })
})

// Schemas of other libraries, where a team has them already.

export const area = Tool.make("area", {
  description: "The area of a rectangle (parameters by Zod)",
  parameters: z.object({ width: z.number().positive(), height: z.number().positive(), unit: z.string().default("m") }),
  success: Schema.String,
  handler: ({ height, unit, width }) => Effect.succeed(`${width * height} ${unit}²`)
})

export const shout = Tool.make("shout", {
  description: "Says it louder (parameters by Valibot)",
  parameters: toStandardJsonSchema(v.object({ text: v.pipe(v.string(), v.minLength(1)) })),
  strict: true,
  success: Schema.String,
  handler: ({ text }) => Effect.succeed(`${text.toUpperCase()}!`)
})

// A toolkit of effect/ai as it is: the tools, and the layer of their handlers.

const Dice = AiToolkit.make(
  AiTool.make("roll", {
    description: "Rolls a die that always shows its highest number",
    parameters: Schema.Struct({ sides: Schema.Int }),
    success: Schema.Int
  })
)

const DiceHandlers = Dice.toLayer({ roll: ({ sides }) => Effect.succeed(sides) })

export const Office = McpServer.layer({
  name: "office",
  version: "1.0.0",
  tools: [...Accounting, scan, area, shout, ...fromAiToolkit(Dice)]
}).pipe(Layer.provide(DiceHandlers))
