/** Where the tests of a store put things: empty at first, and gone with the scope. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as SqlTemplate from "fastmcp-effect/storage/SqlTemplate"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "vitest"
import { needing, postgres, redis } from "../support/services.ts"

export interface Database {
  readonly prefix: string
  /** Of another process each time it is called. */
  readonly client: () => Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>
}

export const sqlite: Effect.Effect<Database, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => ({
    prefix: "t_",
    client: () => SqliteClient.layer({ filename: path.join(folder, "test.db"), synchronous: "normal" })
  })
)

/** With a client that has no ways of its own, as those of others. */
export const plainSqlite: Effect.Effect<Database, never, Scope.Scope> = Effect.map(sqlite, ({ client, prefix }) => ({
  prefix,
  client: () => Layer.provide(Layer.effect(SqlClient.SqlClient, Effect.map(SqlClient.SqlClient, plain)), client())
}))

export const plain = (sql: SqlClient.SqlClient): SqlClient.SqlClient => {
  const client: SqlClient.SqlClient = new Proxy(sql, {
    get: (target, key) =>
      key === SqlTemplate.shortcut ? undefined : key === "withoutTransforms" ? () => client : Reflect.get(target, key)
  })
  return client
}

/** Of which it is told what it has done for many with one statement, and not with one that is run over and over. */
export const watchedSqlite = Effect.map(sqlite, ({ client, prefix }) => {
  const otherwise: Array<string> = []
  const watch = Effect.fnUntraced(function*(sql: SqlClient.SqlClient & Partial<SqlTemplate.Shortcut>) {
    const short = sql[SqlTemplate.shortcut]!
    const watched: SqlTemplate.Shortcut = {
      [SqlTemplate.shortcut]: {
        ...short,
        each: (text, runs, other) => short.each(text, runs, () => Effect.suspend(() => (otherwise.push(text), other())))
      }
    }
    // That of its transactions.
    const connection = yield* Effect.scoped(sql.reserve)
    const { execute } = connection
    Object.assign(connection, {
      execute: (...given: Parameters<typeof execute>) =>
        Effect.suspend(() => {
          if (/INSERT[^]*json_each/.test(given[0])) otherwise.push(given[0])
          return execute(...given)
        })
    })
    return Object.assign(sql, watched)
  })
  const layer = () => Layer.effect(SqlClient.SqlClient, Effect.flatMap(SqlClient.SqlClient, watch))
  return { prefix, client: () => Layer.provide(layer(), client()), otherwise }
})

const suffix = () => randomUUID().slice(0, 8)

export const pgLayer = (options: PgClient.PgPoolConfig = {}): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({ url: Redacted.make(postgres.url), maxConnections: 5, ...options })

// Of this file, for tables take their time to be made: the tests of one file come one after another.
const pgPrefix = `t_${suffix()}_`

const onTables = (change: (sql: SqlClient.SqlClient, table: string) => Effect.Effect<unknown, SqlError.SqlError>) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const found = yield* sql<{ name: string }>`
      SELECT tablename AS name FROM pg_tables WHERE starts_with(tablename, ${pgPrefix})`
    for (const { name } of found) yield* change(sql, name)
  }).pipe(Effect.provide(pgLayer()), Effect.orDie)

export const pg: Effect.Effect<Database, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => ({ prefix: pgPrefix, client: () => pgLayer() })),
  () => onTables((sql, table) => sql`DELETE FROM ${sql(table)}`)
)

/** Of this file, when its tests are over; what is no test does it itself. */
export const dropTables: Effect.Effect<void> = onTables((sql, table) => sql`DROP TABLE ${sql(table)}`)

if (postgres.answers && process.env["VITEST"] !== undefined) afterAll(() => Effect.runPromise(dropTables))

/** The tests of a store on each database there is. */
export const onDatabases = (tests: (name: string, database: Effect.Effect<Database, never, Scope.Scope>) => void) => {
  tests("SQLite", sqlite)
  needing(postgres, () => tests("Postgres", pg))
}

export interface Keys {
  readonly prefix: string
  readonly client: (
    options?: Parameters<typeof NodeRedis.layer>[0]
  ) => Layer.Layer<Redis.Redis | NodeRedis.NodeRedis, Redis.RedisError>
}

const redisClient = (options?: Parameters<typeof NodeRedis.layer>[0]) => NodeRedis.layer({ url: redis.url, ...options })

export const keys: Effect.Effect<Keys, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync((): Keys => ({ prefix: `t:${suffix()}:`, client: redisClient })),
  ({ prefix }) => deleteKeys(`${prefix}*`)
)

export const deleteKeys = (pattern: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { send } = yield* Redis.Redis
    let cursor = "0"
    do {
      const [next, found] = yield* send<[string, Array<string>]>("SCAN", cursor, "MATCH", pattern, "COUNT", "1000")
      if (found.length > 0) yield* send("DEL", ...found)
      cursor = next
    } while (cursor !== "0")
  }).pipe(Effect.provide(redisClient()), Effect.orDie)

/** What a contract suite runs on. */
export interface Backend<Service, Options = void> {
  /** An empty place. Each layer it then makes is another process there. */
  readonly place: Effect.Effect<(options: Options) => Layer.Layer<Service, unknown>, never, Scope.Scope>
  /** Whether processes see each other there. */
  readonly isShared: boolean
  /** Whose time runs out: that of the test's clock, or that of a server. */
  readonly time: "virtual" | "real"
}

export const memory = <Service, Options = void>(
  layer: (options: Options) => Layer.Layer<Service>
): Backend<Service, Options> => ({
  place: Effect.succeed((options) => Layer.fresh(layer(options))),
  isShared: false,
  time: "virtual"
})

export const onSql = <Service, Options = void>(
  database: Effect.Effect<Database, never, Scope.Scope>,
  layer: (prefix: string, options: Options) => Layer.Layer<Service, unknown, SqlClient.SqlClient>
): Backend<Service, Options> => ({
  place: Effect.map(database, ({ client, prefix }) => (options) => Layer.provide(layer(prefix, options), client())),
  isShared: true,
  time: "virtual"
})

export const onRedis = <Service, Options = void>(
  layer: (prefix: string, options: Options) => Layer.Layer<Service, unknown, Redis.Redis>
): Backend<Service, Options> => ({
  place: Effect.map(keys, ({ client, prefix }) => (options) => Layer.provide(layer(prefix, options), client())),
  isShared: true,
  time: "real"
})
