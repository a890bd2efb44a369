/** Three hundred tools, of which a client lists three. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as ToolIndexBm25 from "fastmcp-effect/transform/ToolIndexBm25"
import * as ToolIndexRegex from "fastmcp-effect/transform/ToolIndexRegex"
import * as ToolSearch from "fastmcp-effect/transform/ToolSearch"

const things = [
  "invoice",
  "order",
  "customer",
  "shipment",
  "refund",
  "ticket",
  "employee",
  "contract",
  "supplier",
  "warehouse",
  "campaign",
  "lead",
  "meeting",
  "budget",
  "expense",
  "payslip",
  "device",
  "licence",
  "incident",
  "release",
  "project",
  "milestone",
  "document",
  "survey",
  "subscription",
  "coupon",
  "parcel",
  "vehicle",
  "room",
  "asset"
]

const deeds = {
  create: "Makes a new",
  get: "Looks up a",
  update: "Changes a",
  delete: "Deletes a",
  archive: "Puts away a",
  assign: "Gives somebody a",
  export: "Writes to a file each",
  count: "Counts every",
  approve: "Agrees to a",
  notify: "Tells people about a"
}

const tools = things.flatMap((thing) =>
  Object.entries(deeds).map(([deed, words]) =>
    Tool.make(`${deed}_${thing}`, {
      description: `${words} ${thing}.`,
      parameters: { id: Schema.String.annotate({ description: `Which ${thing}` }) },
      success: Schema.String,
      // What may not be called by everybody is not found by everybody either.
      ...(deed === "delete" ? { scopes: ["admin"] } : undefined),
      handler: ({ id }) => Effect.succeed(`${deed} ${thing} ${id}`)
    })
  )
)

const whoAmI = Tool.make("who_am_i", { success: Schema.String, handler: () => Effect.succeed("A visitor") })

const office = Provider.fromDefinitions(...tools, whoAmI)

/** By words, and by patterns under names of its own. */
export const Office = McpServer.register(
  office.pipe(ToolSearch.make(ToolIndexBm25.make(), { pinned: ["who_am_i"] })),
  office.pipe(ToolSearch.make(ToolIndexRegex.make(), { limit: 20 }), Namespace.make("regex"))
).pipe(Layer.provideMerge(McpServer.layer({ name: "tool-search", version: "1.0.0" })))
