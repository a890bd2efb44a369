/**
 * What an authorization server keeps, in two tables of SQLite or Postgres, for every process that has the database.
 * Times are those of the processes, whose clocks should agree to within seconds. Whoever calls the store within a
 * transaction of the same client writes in that transaction.
 *
 * Nothing is locked for the sake of a grant: whoever reads an entry looks for its grant in the same statement, so one
 * that was written while its grant ended is never seen, and leaves when its own time is over.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Database from "../../storage/Database.ts"
import * as Millis from "../../storage/Millis.ts"
import * as SqlTemplate from "../../storage/SqlTemplate.ts"
import * as OAuthStore from "./OAuthStore.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import * as StoreText from "./storeText.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the names of the tables, `oauth_entries` and `oauth_counts`, begin with. `fastmcp_`. */
  readonly prefix?: string
  /** How often what is over is deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

interface GrantRow {
  readonly grant_data: string | null
  readonly grant_expires_at: number | bigint | null
}

interface Row {
  readonly data: string
  readonly grant_id: string | null
  readonly expires_at: number | bigint
}

interface Taken {
  readonly kind: string
  readonly id: string
  readonly now: number
}

interface Kept {
  readonly kind: unknown
  readonly id: unknown
  readonly data: unknown
  readonly grant: unknown
  readonly expiresAt: unknown
}

/** With what is kept, by its number and that of its column. */
type Given = Taken & { readonly [name: string]: unknown }

/**
 * Creates its tables if they are missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<OAuthStore.OAuthStore, OAuthStoreError.OAuthStoreError, SqlClient.SqlClient> =>
  Layer.effect(
    OAuthStore.OAuthStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", prefix = "fastmcp_" } = options
      const { available, ensure, skipLocked, sql, sweep, transaction } = yield* Database.make(
        "store of the authorization server",
        StoreText.unavailable
      )
      const entries = sql(`${prefix}oauth_entries`)
      const counts = sql(`${prefix}oauth_counts`)

      yield* available(ensure([
        {
          name: `${prefix}oauth_entries`,
          columns: sql`
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            data TEXT NOT NULL,
            grant_id TEXT,
            expires_at BIGINT NOT NULL,
            used SMALLINT NOT NULL,
            PRIMARY KEY (kind, id)`,
          indexes: ["grant_id", "expires_at"],
          isBusy: true
        },
        {
          name: `${prefix}oauth_counts`,
          columns: sql`
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            uses BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (kind, id)`,
          indexes: ["expires_at"],
          isBusy: true
        }
      ]))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            Effect.forEach([entries, counts], (table) =>
              sql`
                DELETE FROM ${table} WHERE expires_at <= ${now} AND (kind, id) IN (
                  SELECT kind, id FROM ${table} WHERE expires_at <= ${now} LIMIT ${most} ${skipLocked}
                ) RETURNING id`),
            (removed) => Math.max(...removed.map(({ length }) => length))
          )))

      const [e, old] = [sql.literal("e"), sql.literal("old")]

      const hasGrant = (id: unknown, now: unknown) =>
        sql`EXISTS (
          SELECT 1 FROM ${entries} g WHERE g.kind = ${OAuthStore.grantKind} AND g.id = ${id} AND g.expires_at > ${now})`

      const isThere = (row: Statement.Fragment, now: unknown) =>
        sql`(${row}.expires_at > ${now} AND (${row}.grant_id IS NULL OR ${hasGrant(sql`${row}.grant_id`, now)}))`

      const isSame = (row: Statement.Fragment, kind: unknown, id: unknown) =>
        sql`${row}.kind = ${kind} AND ${row}.id = ${id}`

      const isOf = (row: Statement.Fragment, { id, kind }: OAuthStore.Key) => isSame(row, kind, StoreText.ofId(id))

      const columns = sql.literal("kind, id, data, grant_id, expires_at, used")

      const valuesOf = (value: (index: number) => unknown) =>
        sql`
          CAST(${value(0)} AS TEXT), CAST(${value(1)} AS TEXT), CAST(${value(2)} AS TEXT), CAST(${value(3)} AS TEXT),
          CAST(${value(4)} AS BIGINT), 0`

      const values = (key: OAuthStore.Key, entry: OAuthStore.Entry) => {
        const all = toValues(key, entry)
        return valuesOf((index) => all[index])
      }

      const live = (row: Row): Extract<OAuthStore.Found, { readonly _tag: "Live" }> => ({
        _tag: "Live",
        entry: StoreText.entryOf({ data: row.data, grant: row.grant_id, expiresAt: Number(row.expires_at) })
      })

      const select = SqlTemplate.make<
        { kind: string; id: string; now: number },
        Row & GrantRow & { readonly used: number | bigint }
      >(sql, (slot) =>
        sql`
          SELECT e.data, e.grant_id, e.expires_at, e.used, g.data AS grant_data, g.expires_at AS grant_expires_at
          FROM ${entries} e LEFT JOIN ${entries} g
            ON g.kind = ${OAuthStore.grantKind} AND g.id = e.grant_id AND g.expires_at > ${slot("now")}
          WHERE ${isSame(e, slot("kind"), slot("id"))} AND e.expires_at > ${slot("now")}
            AND (e.grant_id IS NULL OR g.id IS NOT NULL)`)

      const get = ({ id, kind }: OAuthStore.Key, now: number) =>
        Effect.map(
          select({ kind, id: StoreText.ofId(id), now }),
          ([row]): OAuthStore.Found =>
            row === undefined
              ? OAuthStore.absent
              : Number(row.used) === 1
              ? { _tag: "Used", grant: row.grant_id === null ? undefined : StoreText.toId(row.grant_id) }
              : row.grant_data === null
              ? live(row)
              : { ...live(row), grantEntry: entryOfGrant(row.grant_data, row.grant_expires_at!) }
        )

      const update = (slot: (name: "kind" | "id" | "now") => unknown) =>
        sql<Row>`
          UPDATE ${entries} AS e SET used = 1
          WHERE ${isSame(e, slot("kind"), slot("id"))} AND e.used = 0 AND ${isThere(e, slot("now"))}
          RETURNING data, grant_id, expires_at`

      /** It fails where there is an entry of a key in `next`. */
      const take = sql.onDialectOrElse({
        // One statement, so that no transaction is needed.
        pg: () => {
          const make = (count: number) =>
            SqlTemplate.make<Given, Row>(sql, (slot) => {
              const each = Array.from(
                { length: count },
                (_, n) => sql`SELECT ${valuesOf((index) => slot(`${n} ${index}`))} WHERE EXISTS (SELECT 1 FROM taken)`
              )
              return count === 0 ? update(slot) : sql<Row>`
                WITH taken AS (${update(slot)}),
                kept AS (INSERT INTO ${entries} (${columns}) ${sql.join(" UNION ALL ", false)(each)})
                SELECT data, grant_id, expires_at FROM taken`
            })
          /** By how many are kept with it. */
          const takes: Array<ReturnType<typeof make>> = []
          return (taken: Taken, next: Next) => {
            const given: Taken & { [name: string]: unknown } = { ...taken }
            for (const [n, [key, entry]] of next.entries()) {
              for (const [index, value] of toValues(key, entry).entries()) given[`${n} ${index}`] = value
            }
            return (takes[next.length] ??= make(next.length))(given)
          }
        },
        // One statement would read the table it writes, for which SQLite makes a table of its own; and one that writes
        // several rows has it copy each page before, to be able to undo them.
        orElse: () => {
          const run = SqlTemplate.makeFollowed<Taken, Kept, Row>(sql, transaction, update, (slot) =>
            sql`
              INSERT INTO ${entries} (${columns})
              VALUES (${slot("kind")}, ${slot("id")}, ${slot("data")}, ${slot("grant")}, ${slot("expiresAt")}, 0)`)
          return (taken: Taken, next: Next) =>
            run(
              taken,
              next.map(([key, entry]) => {
                const [kind, id, data, grant, expiresAt] = toValues(key, entry)
                return { kind, id, data, grant, expiresAt }
              })
            )
        }
      })

      /** What is over is in the way until somebody deletes it. */
      const forgetOver = (next: Next, now: number) =>
        Effect.forEach(
          next,
          ([key]) => sql`DELETE FROM ${entries} AS e WHERE ${isOf(e, key)} AND NOT ${isThere(e, now)}`,
          { discard: true }
        )

      return {
        isShared: true,
        putOnce: Effect.fnUntraced(function*(key, entry) {
          const now = yield* Clock.currentTimeMillis
          const grant = StoreText.ofGrant(key, entry)
          const kept = yield* sql`
              INSERT INTO ${entries} AS old (${columns})
              SELECT ${values(key, entry)} WHERE ${grant === undefined ? sql`1 = 1` : hasGrant(grant, now)}
              ON CONFLICT (kind, id) DO UPDATE SET
                data = excluded.data, grant_id = excluded.grant_id, expires_at = excluded.expires_at, used = 0
              WHERE NOT ${isThere(old, now)}
              RETURNING id`
          return kept.length > 0
        }, available),
        get: (key) => available(Effect.flatMap(Clock.currentTimeMillis, (now) => get(key, now))),
        takeOnce: Effect.fnUntraced(function*(key, next = []) {
          const now = yield* Clock.currentTimeMillis
          const taken = { kind: key.kind, id: StoreText.ofId(key.id), now }
          const rows = yield* take(taken, next).pipe(
            Effect.catchIf(
              isConflict,
              () => transaction(Effect.andThen(forgetOver(next, now), take(taken, next)))
            ),
            Effect.catchIf(isConflict, () => StoreText.taken)
          )
          if (rows.length > 0) return live(rows[0]!)
          const found = yield* get(key, now)
          // It has been kept since.
          return found._tag === "Live" ? OAuthStore.absent : found
        }, available),
        replace: Effect.fnUntraced(function*(key, data, entry) {
          const now = yield* Clock.currentTimeMillis
          const written = yield* sql`
              UPDATE ${entries} AS e SET
                data = ${entry.data}, grant_id = ${StoreText.ofGrant(key, entry) ?? null},
                expires_at = ${StoreText.ofTime(entry.expiresAt)}
              WHERE ${isOf(e, key)} AND e.used = 0 AND e.data = ${data} AND ${isThere(e, now)}
              RETURNING id`
          return written.length > 0
        }, available),
        remove: Effect.fnUntraced(function*(key) {
          const now = yield* Clock.currentTimeMillis
          const removed = yield* sql`
              DELETE FROM ${entries} AS e WHERE ${isOf(e, key)} AND ${isThere(e, now)} RETURNING id`
          return removed.length > 0
        }, available),
        endGrant: (id) => {
          const grant = StoreText.ofId(id)
          return sql`
            DELETE FROM ${entries}
            WHERE grant_id = ${grant} OR (kind = ${OAuthStore.grantKind} AND id = ${grant})`.pipe(
            Effect.asVoid,
            available
          )
        },
        count: Effect.fnUntraced(function*({ id, kind }, windowMillis) {
          const now = yield* Clock.currentTimeMillis
          const [row] = yield* sql<{ uses: number | bigint }>`
              INSERT INTO ${counts} AS old (kind, id, uses, expires_at)
              VALUES (${kind}, ${StoreText.ofId(id)}, 1, ${now + Millis.of(windowMillis)})
              ON CONFLICT (kind, id) DO UPDATE SET
                uses = CASE WHEN old.expires_at > ${now} THEN old.uses + 1 ELSE 1 END,
                expires_at = CASE WHEN old.expires_at > ${now} THEN old.expires_at ELSE excluded.expires_at END
              RETURNING uses`
          return Number(row!.uses)
        }, available)
      }
    })
  )

const toValues = (key: OAuthStore.Key, entry: OAuthStore.Entry): ReadonlyArray<string | number | null> => [
  key.kind,
  StoreText.ofId(key.id),
  entry.data,
  StoreText.ofGrant(key, entry) ?? null,
  StoreText.ofTime(entry.expiresAt)
]

const entryOfGrant = (data: string, expiresAt: number | bigint): OAuthStore.Entry =>
  StoreText.entryOf({ data, grant: null, expiresAt: Number(expiresAt) })

type Next = ReadonlyArray<readonly [key: OAuthStore.Key, entry: OAuthStore.Entry]>

const isConflict = ({ reason }: SqlError.SqlError): boolean =>
  reason._tag === "UniqueViolation" || reason._tag === "ConstraintError"
