/**
 * A node that serves what the database in DATABASE has. Its code knows two ways to answer, and no tool: rows bring names,
 * schemas and settings.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer } from "fastmcp-effect"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import { Catalogue, CatalogueHandler, CatalogueStoreSql } from "fastmcp-effect/provider"

/** Converts by a factor: `settings` are the row's, `value` has been checked against its schema. */
const convert = CatalogueHandler.tool({
  settings: Schema.Struct({ factor: Schema.Finite, unit: Schema.String }),
  handler: ({ factor, unit }, { value }) => Effect.succeed({ value: Number(value) * factor, unit })
})

/** Fails as a tool does, and says what the model is to read. */
class Unknown extends Schema.TaggedError<Unknown>()("Unknown", { word: Schema.String }) {
  override get message() {
    return `Nobody has said what ${JSON.stringify(this.word)} means.`
  }
}

const lookUp = CatalogueHandler.tool({
  settings: Schema.Struct({ words: Schema.Record(Schema.String, Schema.String) }),
  failure: Unknown,
  handler: ({ words }, { word }) => {
    const key = String(word)
    return Object.hasOwn(words, key) ? Effect.succeed(words[key]) : new Unknown({ word: key })
  }
})

McpServer.register(Catalogue.make({ handlers: { convert, lookUp }, pollInterval: "200 millis" })).pipe(
  Layer.provideMerge(McpServer.layer({ name: "reference", version: "1.0.0" })),
  Layer.provide(CatalogueStoreSql.layer()),
  Layer.provide(SqliteClient.layer({ filename: process.env.DATABASE! })),
  Layer.orDie,
  NodeStdio.run
)
