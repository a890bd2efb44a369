/** Entries of each kind, for tests of catalogues. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as CatalogueEntry from "fastmcp-effect/provider/CatalogueEntry"
import * as CatalogueHandler from "fastmcp-effect/provider/CatalogueHandler"

/** Says its settings and its input. */
export const say = CatalogueHandler.tool({
  settings: Schema.Struct({ prefix: Schema.optionalKey(Schema.String) }),
  handler: ({ prefix = "" }, { text = "" }) => Effect.succeed(`${prefix}${String(text)}`)
})

export const tool = (name: string, changes: Partial<CatalogueEntry.Tool> = {}): CatalogueEntry.Tool => ({
  kind: "tool",
  name,
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  handler: "say",
  ...changes
})

export const resource = (uri: string, changes: Partial<CatalogueEntry.Resource> = {}): CatalogueEntry.Resource => ({
  kind: "resource",
  uri,
  ...changes.handler === undefined && changes.blob === undefined ? { text: "some text" } : {},
  ...changes
})

export const template = (
  uriTemplate: string,
  changes: Partial<CatalogueEntry.Template> = {}
): CatalogueEntry.Template => ({
  kind: "template",
  uriTemplate,
  name: "a template",
  ...changes.handler === undefined ? { text: "This is {{id}}" } : {},
  ...changes
})

export const prompt = (name: string, changes: Partial<CatalogueEntry.Prompt> = {}): CatalogueEntry.Prompt => ({
  kind: "prompt",
  name,
  arguments: [{ name: "city", required: true }],
  ...changes.handler === undefined ? { messages: [{ role: "user", content: "Tell me of {{city}}" }] } : {},
  ...changes
})
