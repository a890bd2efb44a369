import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as Database from "../../src/storage/Database.ts"
import * as Together from "../../src/storage/Together.ts"

class Own extends Context.Service<Own, string>()("test/Own") {}

/** A table, and how many transactions there were. */
const table = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE numbers (number INTEGER NOT NULL UNIQUE)`
  const database = yield* Database.make("numbers", (store) => store)
  let transactions = 0
  const together = yield* Together.make({
    ...database,
    transaction: (effect) => Effect.andThen(Effect.sync(() => transactions++), database.transaction(effect))
  })
  const insert = (number: number): Effect.Effect<void, SqlError.SqlError> =>
    Effect.asVoid(sql`INSERT INTO numbers (number) VALUES (${number})`)
  return {
    sql,
    together,
    insert,
    numbers: Effect.map(
      sql<{ number: number }>`SELECT number FROM numbers ORDER BY number`,
      (rows) => rows.map(({ number }) => number)
    ),
    transactions: () => transactions
  }
})

const live = <A, E>(name: string, test: Effect.Effect<A, E, SqlClient.SqlClient | Scope.Scope>) =>
  it.live(name, () => Effect.provide(Effect.scoped(test), SqliteClient.layer({ filename: ":memory:" })))

describe("transactions of one moment", () => {
  live(
    "are one, in which each has what its caller has",
    Effect.gen(function*() {
      const { insert, numbers, together, transactions } = yield* table
      const answers = yield* Effect.all(
        [1, 2, 3].map((number) =>
          Effect.provideService(together(Effect.andThen(insert(number), Own)), Own, `of ${number}`)
        ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(answers, ["of 1", "of 2", "of 3"])
      assert.deepStrictEqual(yield* numbers, [1, 2, 3])
      assert.strictEqual(transactions(), 1)
    })
  )

  live(
    "do not fall with one that fails: of that nothing stands, and all of the rest",
    Effect.gen(function*() {
      const { insert, numbers, together, transactions } = yield* table
      const exits = yield* Effect.all(
        [
          Effect.andThen(insert(1), insert(2)),
          Effect.andThen(insert(3), Effect.fail("no")),
          Effect.andThen(insert(4), insert(1)),
          insert(5)
        ].map((effect) => Effect.exit(together(effect))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, false, true])
      assert.deepStrictEqual(exits[1], Exit.fail("no"))
      assert.deepStrictEqual(yield* numbers, [1, 2, 5])
      assert.strictEqual(transactions(), 5)
    })
  )

  live(
    "are part of the transaction of their caller, where there is one",
    Effect.gen(function*() {
      const { insert, numbers, sql, together } = yield* table
      const rolledBack = sql.withTransaction(Effect.andThen(together(insert(1)), Effect.fail("no")))
      const [exit] = yield* Effect.all([Effect.exit(rolledBack), together(insert(2))], { concurrency: "unbounded" })
      assert.deepStrictEqual(exit, Exit.fail("no"))
      assert.deepStrictEqual(yield* numbers, [2])
    })
  )
})

describe("what transactions leave to their end", () => {
  interface Entry {
    readonly number: number
    readonly isAlone?: boolean
  }

  /** With how each was done. */
  const later = ({ insert, sql }: Effect.Success<typeof table>) => {
    const done: Array<ReadonlyArray<number>> = []
    const noted = (numbers: ReadonlyArray<number>) => Effect.sync(() => void done.push(numbers))
    const atEnd = Together.atEnd({
      one: ({ number }: Entry) => Effect.andThen(noted([number]), insert(number)),
      many: (entries) => {
        const numbers = entries.map(({ number }) => number)
        return Effect.andThen(
          noted(numbers),
          sql`INSERT INTO numbers (number) SELECT value FROM json_each(${JSON.stringify(numbers)})`
        )
      },
      isAlone: ({ isAlone }) => isAlone === true
    })
    return { atEnd, done }
  }

  live(
    "is done for all of them at once, when they are through and before they stand",
    Effect.gen(function*() {
      const there = yield* table
      const { atEnd, done } = later(there)
      const seen = yield* Effect.all(
        [1, 2, 3].map((number) => there.together(Effect.andThen(atEnd({ number }), there.numbers))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(seen, [[], [], []])
      assert.deepStrictEqual(done, [[1, 2, 3]])
      assert.deepStrictEqual(yield* there.numbers, [1, 2, 3])
      assert.strictEqual(there.transactions(), 1)
    })
  )

  live(
    "takes with it, where it fails, the one it fails for and no other",
    Effect.gen(function*() {
      const there = yield* table
      const { atEnd, done } = later(there)
      yield* there.insert(2)
      const exits = yield* Effect.all(
        [1, 2, 3].map((number) =>
          Effect.exit(there.together(Effect.andThen(there.insert(number * 10), atEnd({ number }))))
        ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
      assert.deepStrictEqual(done, [[1, 2, 3], [1], [2], [3]])
      assert.deepStrictEqual(yield* there.numbers, [1, 2, 3, 10, 30])
    })
  )

  live(
    "is done at once where it is better done by itself, and where nothing is shared",
    Effect.gen(function*() {
      const there = yield* table
      const { atEnd, done } = later(there)
      yield* atEnd({ number: 1 })
      assert.deepStrictEqual(yield* there.numbers, [1])
      yield* Effect.all(
        [{ number: 2, isAlone: true }, { number: 3 }, { number: 4 }].map((entry) => there.together(atEnd(entry))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(done, [[1], [2], [3, 4]])
      assert.deepStrictEqual(yield* there.numbers, [1, 2, 3, 4])
    })
  )
})
