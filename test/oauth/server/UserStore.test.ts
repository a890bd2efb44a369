import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import * as UserStoreSql from "fastmcp-effect/oauth/server/UserStoreSql"
import { memory, onDatabases, onSql } from "../../session/places.ts"
import { suite } from "./contract/UserStore.ts"

suite("in memory", memory(() => UserStore.layerMemory()))

onDatabases((name, database) => suite(`on ${name}`, onSql(database, (prefix) => UserStoreSql.layer({ prefix }))))

describe("UserStore in memory", () => {
  const ben = { subject: "1", username: "ben", passwordHash: "" }

  it.effect("has the users it is given", () =>
    Effect.gen(function*() {
      const { find } = yield* UserStore.UserStore
      assert.deepStrictEqual(yield* find("BEN"), ben)
    }).pipe(Effect.provide(UserStore.layerMemory([ben]))))

  it.effect("takes no two of a name", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(UserStore.layerMemory([ben, { ...ben, subject: "2", username: "Ben" }])))
      )
      assert.strictEqual(exit._tag, "Failure")
    }))
})
