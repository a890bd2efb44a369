/**
 * Rate limits that are counted in a table of SQLite or Postgres, together by every process that has the database. Times
 * are those of the processes, whose clocks should agree to within a small part of the window.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../storage/Database.ts"
import * as StoredText from "../storage/StoredText.ts"
import * as rules from "./internal/rules.ts"
import * as RateLimitStore from "./RateLimitStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `rates`, begins with. `fastmcp_`. */
  readonly prefix?: string
  /** How often keys that count nothing any more are deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/**
 * Creates its table if it is missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<RateLimitStore.RateLimitStore, RateLimitStore.RateLimitUnavailable, SqlClient.SqlClient> =>
  Layer.effect(
    RateLimitStore.RateLimitStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", prefix = "fastmcp_" } = options
      const { available, ensure, skipLocked, sql, sweep, transaction } = yield* Database.make(
        "rate limits",
        (_, cause) => new RateLimitStore.RateLimitUnavailable({ cause })
      )
      const name = `${prefix}rates`
      const rates = sql(name)

      yield* available(ensure([{
        name,
        columns: sql`id TEXT PRIMARY KEY, ends BIGINT NOT NULL, counts TEXT NOT NULL`,
        isBusy: true
      }]))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            sql`
              DELETE FROM ${rates} WHERE ends <= ${now} AND id IN (
                SELECT id FROM ${rates} WHERE ends <= ${now} LIMIT ${most} ${skipLocked}
              ) RETURNING id`,
            (rows) => rows.length
          )))

      const take = Effect.fnUntraced(function*(key: string, rule: RateLimitStore.Rule, cost: number) {
        const id = StoredText.of(key)
        // Writes nothing new: whoever comes next waits at this row until this one has counted.
        const [row] = yield* sql<{ ends: number | string; counts: string }>`
          INSERT INTO ${rates} AS old (id, ends, counts) VALUES (${id}, 0, '[]')
          ON CONFLICT (id) DO UPDATE SET ends = old.ends
          RETURNING ends, counts`
        const cell = rules.makeCell()
        cell.ends = Number(row!.ends)
        cell.counts.set(JSON.parse(row!.counts))
        const verdict = rules.take(cell, rule, cost, yield* Clock.currentTimeMillis)
        if (verdict.isTaken) {
          yield* sql`
            UPDATE ${rates} SET ends = ${cell.ends}, counts = ${JSON.stringify([...cell.counts])} WHERE id = ${id}`
        }
        return verdict
      })

      return { take: (key, rule, cost) => available(transaction(take(key, rule, cost))) }
    })
  )
