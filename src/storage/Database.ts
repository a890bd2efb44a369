/** What the stores in SQL have in common: two dialects, tables that make themselves, transactions, and a broom. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Persistently from "./Persistently.ts"

/** @category models @since 0.1.0 */
export interface Index {
  /** After the name of the table. */
  readonly name: string
  readonly columns: ReadonlyArray<string>
  /** Rows that are in it, all if it is not given; in SQL with literals alone. */
  readonly where?: string
}

/** @category models @since 0.1.0 */
export interface Table {
  readonly name: string
  readonly columns: Statement.Fragment
  /** A name stands for the index of this column alone. */
  readonly indexes?: ReadonlyArray<string | Index>
  /** Rows are written often, and never in a column with an index. */
  readonly isBusy?: boolean
}

/** @category models @since 0.1.0 */
export interface Database<Unavailable> {
  readonly sql: SqlClient.SqlClient
  /** A key that counts up and never gives a number twice. */
  readonly serial: Statement.Fragment
  /**
   * A write transaction. On Postgres each statement in it sees what is committed when it begins, whatever the database
   * has for a default: the stores take a lock first and then look.
   */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError.SqlError, R>
  /** Has other transactions that take the same lock wait until this one has ended. On SQLite they wait anyway. */
  readonly lock: (name: string) => Effect.Effect<void, SqlError.SqlError>
  /** After a subquery that picks rows to delete: leaves out those another process is about to delete. */
  readonly skipLocked: Statement.Fragment
  /** Makes the tables that are missing; when several processes begin at once, one of them does. */
  readonly ensure: (tables: ReadonlyArray<Table>) => Effect.Effect<void, SqlError.SqlError>
  /** What the database does not do becomes the error of the store. */
  readonly available: <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, Exclude<E, SqlError.SqlError> | Unavailable, R>
  /** Deletes in small portions, now and at every interval, what `remove` is to remove; it says how many it did. */
  readonly sweep: (
    interval: Duration.Input,
    remove: (most: number) => Effect.Effect<number, SqlError.SqlError>
  ) => Effect.Effect<void, never, Scope.Scope>
}

/** Rows deleted in one statement. */
const portion = 500

/**
 * Dies on other kinds of database.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Unavailable>(
  /** For people. */
  store: string,
  unavailable: (store: string, cause: SqlError.SqlError) => Unavailable
): Effect.Effect<Database<Unavailable>, never, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const { begin, isPostgres } = sql.onDialectOrElse({
      pg: () => ({ isPostgres: true, begin: "BEGIN ISOLATION LEVEL READ COMMITTED" }),
      sqlite: () => ({ isPostgres: false, begin: "BEGIN IMMEDIATE" }),
      orElse: () => {
        throw new Error(`The ${store} works on SQLite and on Postgres.`)
      }
    })

    const transaction: Database<Unavailable>["transaction"] = (effect) =>
      Effect.provideService(sql.withTransaction(effect), SqlClient.BeginTransaction, begin)

    const lock: Database<Unavailable>["lock"] = (name) =>
      isPostgres ? Effect.asVoid(sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`) : Effect.void

    const isMissing = ({ name }: Table) => {
      // Asked first, for a role that may not create tables is refused even where there is nothing to create.
      const [quoted] = sql`${sql(name)}`.compile()
      return isPostgres
        ? Effect.map(
          sql<{ missing: boolean }>`SELECT to_regclass(${quoted}) IS NULL AS missing`,
          ([row]) => row!.missing
        )
        : Effect.succeed(true)
    }

    const create = (table: Table) =>
      Effect.gen(function*() {
        // Room on each page for the next version of a row, which then needs no entry in an index.
        const storage = sql.literal(isPostgres && table.isBusy === true ? "WITH (fillfactor = 70)" : "")
        yield* sql`CREATE TABLE IF NOT EXISTS ${sql(table.name)} (${table.columns}) ${storage}`
        for (const index of table.indexes ?? []) {
          const { columns, name, where }: Index = typeof index === "string" ? { name: index, columns: [index] } : index
          yield* sql`
            CREATE INDEX IF NOT EXISTS ${sql(`${table.name}_${name}`)}
            ON ${sql(table.name)} (${sql.csv(columns.map((column) => sql`${sql(column)}`))})
            ${sql.literal(where === undefined ? "" : `WHERE ${where}`)}`
        }
      })

    const ensure: Database<Unavailable>["ensure"] = (tables) =>
      Effect.flatMap(Effect.filter(tables, isMissing), (missing) =>
        missing.length === 0
          ? Effect.void
          : transaction(
            Effect.andThen(lock("fastmcp-effect tables"), Effect.forEach(missing, create, { discard: true }))
          ))

    const ofCause = <E>(cause: Cause.Cause<E>): Effect.Effect<never, Exclude<E, SqlError.SqlError> | Unavailable> => {
      // A connection that breaks within a transaction also fails the rollback, and that is a defect to SqlClient.
      const errors = cause.reasons.map((reason) =>
        Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
      )
      const error = errors.find(SqlError.isSqlError)
      return error === undefined
        ? Effect.failCause(cause as Cause.Cause<Exclude<E, SqlError.SqlError>>)
        : Effect.fail(unavailable(store, error))
    }

    const available = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.catchCause(effect, ofCause<E>)

    const sweep: Database<Unavailable>["sweep"] = (interval, remove) => {
      const pause = Duration.fromInputUnsafe(interval)
      if (!Duration.isFinite(pause)) return Effect.void
      const removeAll: Effect.Effect<void, SqlError.SqlError> = Effect.flatMap(
        remove(portion),
        (count) => count < portion ? Effect.void : removeAll
      )
      return Effect.asVoid(Effect.forkScoped(Persistently.run(
        `cleaning of the ${store}`,
        () => Effect.andThen(removeAll, Effect.sleep(pause))
      )))
    }

    return {
      sql,
      serial: sql.literal(
        isPostgres ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY AUTOINCREMENT"
      ),
      transaction,
      lock,
      skipLocked: sql.literal(isPostgres ? "FOR UPDATE SKIP LOCKED" : ""),
      ensure,
      available,
      sweep
    }
  })
