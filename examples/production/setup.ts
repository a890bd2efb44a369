/**
 * What is there before the server first starts, and what an operator changes later: keys to sign with, a user, and the
 * rows of the catalogue. Takes its settings from where `server.ts` does, and the user's password from PASSWORD.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodePasswordHash from "fastmcp-effect/node/NodePasswordHash"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import * as UserStoreSql from "fastmcp-effect/oauth/server/UserStoreSql"
import { CatalogueStore, CatalogueStoreSql } from "fastmcp-effect/provider"

const Database = Layer.unwrap(Effect.gen(function*() {
  return SqliteClient.layer({ filename: yield* Config.withDefault(Config.String("DATABASE"), "acme.db") })
}))

await Effect.gen(function*() {
  yield* NodeSigningKeys.make(yield* Config.withDefault(Config.String("KEYS"), "keys.json"), { algorithm: "RS256" })

  const { hash } = yield* PasswordHash.PasswordHash
  const { add } = yield* UserStore.UserEditor
  yield* add({
    subject: "u-1",
    username: "ada",
    name: "Ada Example",
    passwordHash: yield* hash(yield* Config.Redacted("PASSWORD"))
  })

  const { put } = yield* CatalogueStore.CatalogueStore
  yield* put({
    kind: "tool",
    name: "price_of_tea",
    description: "What some bags of tea cost",
    inputSchema: { type: "object", properties: { count: { type: "integer", minimum: 1 } }, required: ["count"] },
    outputSchema: { type: "object", properties: { cents: { type: "integer" } }, required: ["cents"] },
    handler: "price",
    settings: { cents: 250 }
  })
}).pipe(
  Effect.provide([UserStoreSql.layer(), CatalogueStoreSql.layer(), NodePasswordHash.layer()]),
  Effect.provide(Database),
  Effect.scoped,
  Effect.runPromise
)
