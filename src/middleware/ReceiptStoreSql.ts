/**
 * Receipts in a table of SQLite or Postgres, for every process that has the database. Times are those of the processes,
 * whose clocks should agree to within a small part of the lease. Results are kept as they are, as JSON.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Database from "../storage/Database.ts"
import * as receipts from "./internal/receipts.ts"
import * as ReceiptStore from "./ReceiptStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `receipts`, begins with. `fastmcp_`. */
  readonly prefix?: string
  /** How often receipts whose time is over are deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
  /** Of one result, as JSON in UTF-8. 1 MiB. */
  readonly maxItemBytes?: number
}

interface Row {
  readonly fingerprint: string
  readonly state: receipts.Record["state"]
  readonly run: string
  readonly until: number | string
  readonly receipt: string | null
  readonly next: string | null
  readonly expires: number | string
}

/**
 * Creates its table if it is missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<ReceiptStore.ReceiptStore, ReceiptStore.ReceiptsUnavailable, SqlClient.SqlClient> =>
  Layer.effect(
    ReceiptStore.ReceiptStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", prefix = "fastmcp_" } = options
      const { available, ensure, skipLocked, sql, sweep, transaction } = yield* Database.make(
        "receipts",
        (_, cause) => new ReceiptStore.ReceiptsUnavailable({ cause })
      )
      const name = `${prefix}receipts`
      const table = sql(name)
      const until = sql("until")
      const next = sql("next")

      yield* available(ensure([{
        name,
        columns: sql`
          id TEXT PRIMARY KEY,
          fingerprint TEXT NOT NULL,
          state TEXT NOT NULL,
          run TEXT NOT NULL,
          ${until} BIGINT NOT NULL,
          receipt TEXT,
          ${next} TEXT,
          expires BIGINT NOT NULL`,
        isBusy: true
      }]))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            sql`
              DELETE FROM ${table} WHERE expires <= ${now} AND id IN (
                SELECT id FROM ${table} WHERE expires <= ${now} LIMIT ${most} ${skipLocked}
              ) RETURNING id`,
            (rows) => rows.length
          )))

      const members = sql`fingerprint, state, run, ${until}, receipt, ${next}, expires`

      // Whoever comes next waits at the row until this one has decided.
      const locked = (id: string) =>
        Effect.map(
          sql<Row>`UPDATE ${table} SET expires = expires WHERE id = ${id} RETURNING ${members}`,
          ([row]): receipts.Record | undefined => row === undefined ? undefined : ofRow(row)
        )

      /** The same, of a row that is there from now on: what has not begun has expired. */
      const lockedOrNew = (id: string) =>
        Effect.map(
          sql<Row>`
            INSERT INTO ${table} AS old (id, fingerprint, state, run, ${until}, expires)
            VALUES (${id}, '', 'unknown', '', 0, 0) ON CONFLICT (id) DO UPDATE SET expires = old.expires
            RETURNING ${members}`,
          ([row]) => ofRow(row!)
        )

      const write = (id: string, record: receipts.Record): Effect.Effect<boolean, SqlError.SqlError> =>
        Effect.as(
          sql`
            UPDATE ${table} SET
              fingerprint = ${record.fingerprint}, state = ${record.state}, run = ${record.run},
              ${until} = ${record.until}, receipt = ${record.text ?? null}, ${next} = ${record.next ?? null},
              expires = ${record.expires}
            WHERE id = ${id}`,
          true
        )

      const change = (
        id: string,
        decide: (record: receipts.Record | undefined, now: number) => receipts.Record | undefined
      ) =>
        Effect.gen(function*() {
          const found = yield* locked(id)
          const record = decide(found, yield* Clock.currentTimeMillis)
          return record === undefined ? false : yield* write(id, record)
        }).pipe(transaction, available)

      return yield* ReceiptStore.make({
        // A record that does not expire.
        id: (candidate) =>
          Effect.gen(function*() {
            yield* sql`
              INSERT INTO ${table} (id, fingerprint, state, run, ${until}, expires)
              VALUES ('store', ${candidate}, 'done', '', 0, ${Number.MAX_SAFE_INTEGER})
              ON CONFLICT (id) DO NOTHING`
            const [row] = yield* sql<Row>`SELECT fingerprint FROM ${table} WHERE id = 'store'`
            return row!.fingerprint
          }).pipe(available),
        begin: (id, call, run) =>
          Effect.gen(function*() {
            const found = yield* lockedOrNew(id)
            const [begun, record] = receipts.begin(found, call, run, yield* Clock.currentTimeMillis)
            if (record !== undefined) yield* write(id, record)
            return begun
          }).pipe(transaction, available),
        renew: (id, run, leaseMillis) => change(id, (record, now) => receipts.renew(record, run, leaseMillis, now)),
        end: (id, run, ended, ttlMillis) =>
          change(id, (record, now) => receipts.end(record, run, ended, ttlMillis, now))
      }, options.maxItemBytes)
    })
  )

const ofRow = ({ expires, fingerprint, next, receipt, run, state, until }: Row): receipts.Record => ({
  fingerprint,
  state,
  run,
  until: Number(until),
  text: receipt ?? undefined,
  next: next ?? undefined,
  expires: Number(expires)
})
