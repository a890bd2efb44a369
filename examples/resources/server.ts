/** A library to read from: pages that never change, a shelf as JSON, and a template with an address for each book. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer } from "fastmcp-effect"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"

export class Book extends Schema.Class<Book>("Book")({
  id: Schema.Int,
  title: Schema.String,
  published: Schema.DateFromString
}) {}

class Shelf extends Context.Service<Shelf, ReadonlyMap<number, Book>>()("examples/resources/Shelf") {
  static readonly layer = Layer.succeed(
    Shelf,
    new Map([
      [1, new Book({ id: 1, title: "Notes", published: new Date("1843-09-01") })],
      [2, new Book({ id: 2, title: "Flatland", published: new Date("1884-11-01") })]
    ])
  )
}

const hours = Resource.text("library://hours", "Every day from nine to five", {
  description: "When the library is open",
  cache: { ttlMs: 3_600_000, cacheScope: "public" }
})

const stamp = Resource.bytes("library://stamp", Uint8Array.of(0x47, 0x49, 0x46), {
  description: "What is printed into each book",
  mimeType: "image/gif"
})

const shelf = Resource.make("library://shelf", {
  description: "All there is",
  success: Schema.Array(Book),
  annotations: { audience: ["assistant"], priority: 0.8 },
  handler: Shelf.use((shelf) => Effect.succeed([...shelf.values()]))
})

const book = ResourceTemplate.make("library://books/{id}", {
  name: "book",
  description: "One book",
  parameters: { id: Schema.FiniteFromString },
  success: Book,
  list: Shelf.use((shelf) =>
    Effect.succeed(Array.from(shelf.values(), ({ id, title }) => ({ uri: `library://books/${id}`, title })))
  ),
  // `undefined` is an address nobody lives at.
  handler: ({ id }) => Shelf.use((shelf) => Effect.succeed(shelf.get(id)))
})

export const Library = McpServer.layer({
  name: "library",
  version: "1.0.0",
  resources: [hours, stamp, shelf, book]
}).pipe(Layer.provide(Shelf.layer))
