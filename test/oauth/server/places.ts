/** Where the tests of a store of an authorization server put things, and all that is there as text. */
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import * as SqlClient from "effect/sql/SqlClient"
import type { Database, Keys } from "../../session/places.ts"

export { type Database, type Keys, keys, memory, onDatabases, onRedis, onSql } from "../../session/places.ts"

/** Every row of every table, one a line. */
export const dumpSql = ({ client, prefix }: Database): Effect.Effect<string> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const tables = yield* sql.onDialectOrElse({
      pg: () => sql<{ name: string }>`SELECT tablename AS name FROM pg_tables ORDER BY 1`,
      orElse: () => sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1`
    })
    const lines = yield* Effect.forEach(tables.filter(({ name }) => name.startsWith(prefix)), ({ name }) =>
      Effect.map(sql`SELECT * FROM ${sql(name)}`, (rows) => rows.map((row) => `${name} ${textOf(row)}`)))
    return lines.flat().join("\n")
  }).pipe(Effect.provide(client()), Effect.orDie)

/** Every key with what it holds, one a line. */
export const dumpRedis = ({ client, prefix }: Keys): Effect.Effect<string> =>
  Effect.gen(function*() {
    const { send } = yield* Redis.Redis
    const names = (yield* send<Array<string>>("KEYS", `${prefix}*`)).toSorted()
    const lines = yield* Effect.forEach(names, (name) =>
      Effect.gen(function*() {
        const read = readers[yield* send<string>("TYPE", name)] ?? assertNever(name)
        return `${name} ${textOf(yield* send(read[0], name, ...read.slice(1)))}`
      }))
    return lines.join("\n")
  }).pipe(Effect.provide(client()), Effect.orDie)

const readers: Record<string, readonly [command: string, ...args: ReadonlyArray<string>]> = {
  string: ["GET"],
  hash: ["HGETALL"],
  list: ["LRANGE", "0", "-1"],
  set: ["SMEMBERS"],
  zset: ["ZRANGE", "0", "-1", "WITHSCORES"],
  stream: ["XRANGE", "-", "+"]
}

const assertNever = (name: string): never => {
  throw new Error(`A key of a kind that cannot be read: ${name}`)
}

/** A secret in bytes is one, too. */
const textOf = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, each) =>
      typeof each === "bigint"
        ? String(each)
        : each instanceof Uint8Array
        ? new TextDecoder("latin1").decode(each)
        : each
  )
