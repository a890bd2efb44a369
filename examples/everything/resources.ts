/** A resource of each kind: text, bytes, one that changes, and a family of them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import { png } from "./media.ts"

/** How often `test://watched-resource` has changed. */
export class Watched extends Context.Service<Watched, Ref.Ref<number>>()("examples/everything/Watched") {
  static readonly layer = Layer.effect(Watched, Ref.make(0))
}

const staticText = Resource.text("test://static-text", "This is the content of the static text resource.", {
  description: "A text that never changes",
  cache: { ttlMs: 3_600_000, cacheScope: "public" }
})

const staticBinary = Resource.bytes("test://static-binary", Buffer.from(png, "base64"), {
  description: "A picture that never changes",
  mimeType: "image/png",
  cache: { ttlMs: 3_600_000, cacheScope: "public" }
})

export const watched = Resource.make("test://watched-resource", {
  description: "A text that changes with each call of test_update_watched_resource",
  mimeType: "text/plain",
  handler: Watched.use((watched) => Effect.map(Ref.get(watched), (count) => `Changed ${count} times`))
})

const template = ResourceTemplate.make("test://template/{id}/data", {
  name: "template-data",
  description: "JSON with the id that its address has",
  mimeType: "application/json",
  success: Schema.Struct({ id: Schema.String, templateTest: Schema.Boolean, data: Schema.String }),
  complete: { id: ["1", "2", "123"] },
  handler: ({ id }) => Effect.succeed({ id, templateTest: true, data: `Data for ID: ${id}` })
})

export const all = [staticText, staticBinary, watched, template] as const
