/**
 * Results in tables of SQLite or Postgres, shared by every process that has the database: what one of them forgets, all
 * of them have forgotten when it is done. While the database does not answer there is nothing in the cache. Times are
 * those of the processes, whose clocks should agree to within a small part of what results are good for.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Database from "../storage/Database.ts"
import * as CacheStore from "./CacheStore.ts"
import * as limits from "./internal/limits.ts"
import * as sharedCache from "./internal/sharedCache.ts"

/** @category models @since 0.1.0 */
export interface Options extends CacheStore.Options {
  /**
   * What the names of the tables begin with: `cache`, `cache_tags` and `cache_state`. Of one server: those that differ
   * would answer with each other's results. `fastmcp_`.
   */
  readonly prefix?: string
  /** How often results that are over are deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/** Milliseconds in which a use is not written down again: a hit would be a write each time. */
const usedMillis = 1000

/** Rows that are looked at in one step. */
const portion = 100

/**
 * Creates its tables if they are missing. Of all results the least recently used has to make room, by the second; hits,
 * misses and evictions are counted for this process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<CacheStore.CacheStore, CacheStore.CacheUnavailable, SqlClient.SqlClient> =>
  Layer.effect(
    CacheStore.CacheStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", prefix = "fastmcp_" } = options
      const most = limits.of(options)
      const { available, ensure, sql, sweep, transaction } = yield* Database.make(
        "cache",
        (_, cause) => new CacheStore.CacheUnavailable({ cause })
      )
      const names = { cache: `${prefix}cache`, tags: `${prefix}cache_tags`, state: `${prefix}cache_state` }
      const [cache, tagged, state] = [sql(names.cache), sql(names.tags), sql(names.state)]

      yield* available(ensure([
        {
          name: names.cache,
          columns: sql`
            id TEXT PRIMARY KEY, name TEXT NOT NULL, result TEXT NOT NULL, size BIGINT NOT NULL,
            kept_at BIGINT NOT NULL, ends BIGINT NOT NULL, used_at BIGINT NOT NULL`,
          indexes: ["ends", "used_at"]
        },
        { name: names.tags, columns: sql`tag TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tag, id)`, indexes: ["id"] },
        {
          name: names.state,
          columns: sql`id INTEGER PRIMARY KEY, epoch BIGINT NOT NULL, entries BIGINT NOT NULL, bytes BIGINT NOT NULL`,
          isBusy: true
        }
      ]))

      /** Whoever changes what is there has this row first, and the others wait. */
      const held = Effect.map(
        sql<{ epoch: number | string; entries: number | string; bytes: number | string }>`
          INSERT INTO ${state} AS old (id, epoch, entries, bytes) VALUES (1, 0, 0, 0)
          ON CONFLICT (id) DO UPDATE SET epoch = old.epoch
          RETURNING epoch, entries, bytes`,
        ([row]) => ({ epoch: Number(row!.epoch), entries: Number(row!.entries), bytes: Number(row!.bytes) })
      )

      type Sizes = Effect.Effect<ReadonlyArray<{ readonly size: number | string }>, SqlError.SqlError>

      const gone = (removed: Sizes) =>
        Effect.map(removed, (rows) => ({
          entries: rows.length,
          bytes: rows.reduce((sum, { size }) => sum + Number(size), 0)
        }))

      const remove = (ids: ReadonlyArray<string>) =>
        Effect.andThen(
          sql`DELETE FROM ${tagged} WHERE ${sql.in("id", ids)}`.unprepared,
          gone(sql<{ size: number }>`DELETE FROM ${cache} WHERE ${sql.in("id", ids)} RETURNING size`.unprepared)
        )

      const count = (by: { readonly entries: number; readonly bytes: number }) =>
        sql`UPDATE ${state} SET entries = entries + ${by.entries}, bytes = bytes + ${by.bytes} WHERE id = 1`

      const put = Effect.fnUntraced(function*(entry: sharedCache.Kept, epoch: number) {
        const before = yield* held
        if (before.epoch !== epoch) return 0
        let { bytes, entries } = before
        let evicted = 0
        const drop = Effect.fnUntraced(function*(ids: ReadonlyArray<string>) {
          const removed = yield* remove(ids)
          entries -= removed.entries
          bytes -= removed.bytes
          return removed.entries
        })
        yield* drop([entry.id])
        while (entries > 0 && (entries >= most.maxEntries || bytes + entry.size > most.maxBytes)) {
          const oldest = yield* sql<{ id: string; size: number | string }>`
            SELECT id, size FROM ${cache} ORDER BY used_at, id LIMIT ${portion}`
          if (oldest.length === 0) break
          const ids: Array<string> = []
          let [restEntries, restBytes] = [entries, bytes]
          for (const { id, size } of oldest) {
            if (restEntries < most.maxEntries && restBytes + entry.size <= most.maxBytes) break
            ids.push(id)
            restEntries--
            restBytes -= Number(size)
          }
          evicted += yield* drop(ids)
        }
        const now = yield* Clock.currentTimeMillis
        yield* sql`INSERT INTO ${cache} ${
          sql.insert({
            id: entry.id,
            name: entry.key,
            result: entry.text,
            size: entry.size,
            kept_at: now,
            ends: Math.ceil(now + Math.min(entry.ttlMillis, longest)),
            used_at: now
          })
        }`
        const tags = entry.tags.map((tag) => ({ tag, id: entry.id }))
        if (Arr.isArrayNonEmpty(tags)) {
          yield* sql`INSERT INTO ${tagged} ${sql.insert(tags)}`.unprepared
        }
        yield* count({ entries: entries + 1 - before.entries, bytes: bytes + entry.size - before.bytes })
        return evicted
      })

      const invalidate = Effect.fnUntraced(function*(tags: ReadonlyArray<string>) {
        yield* held
        yield* sql`UPDATE ${state} SET epoch = epoch + 1 WHERE id = 1`
        if (tags.length === 0) {
          yield* sql`DELETE FROM ${cache}`
          yield* sql`DELETE FROM ${tagged}`
          yield* sql`UPDATE ${state} SET entries = 0, bytes = 0 WHERE id = 1`
          return
        }
        const ids = sql`SELECT id FROM ${tagged} WHERE ${sql.in("tag", tags)}`
        const removed = yield* gone(
          sql<{ size: number }>`DELETE FROM ${cache} WHERE id IN (${ids}) RETURNING size`.unprepared
        )
        if (removed.entries === 0) return
        yield* sql`DELETE FROM ${tagged} WHERE id IN (${ids})`.unprepared
        yield* count({ entries: -removed.entries, bytes: -removed.bytes })
      })

      yield* sweep(cleanupInterval, (limit) =>
        transaction(Effect.gen(function*() {
          yield* held
          const now = yield* Clock.currentTimeMillis
          const over = yield* sql<{ id: string }>`SELECT id FROM ${cache} WHERE ends <= ${now} LIMIT ${limit}`
          if (over.length === 0) return 0
          const removed = yield* remove(over.map(({ id }) => id))
          yield* count({ entries: -removed.entries, bytes: -removed.bytes })
          return removed.entries
        })))

      return yield* sharedCache.make("in the database", most, {
        get: (id, key) =>
          available(Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            // One statement, so that what is found belongs to the epoch.
            const [row] = yield* sql<{
              epoch: number | string
              result: string | null
              kept_at: number | string
              used_at: number | string
            }>`
              SELECT epoch, result, kept_at, used_at FROM ${state} AS state
              LEFT JOIN ${cache} AS cache ON cache.id = ${id} AND name = ${key} AND ends > ${now} WHERE state.id = 1`
            const epoch = Number(row?.epoch ?? 0)
            if (row === undefined || row.result === null) return { text: undefined, age: 0, epoch }
            if (now - Number(row.used_at) >= usedMillis) {
              yield* sql`UPDATE ${cache} SET used_at = ${now} WHERE id = ${id} AND used_at < ${now}`
            }
            return { text: row.result, age: Math.max(0, now - Number(row.kept_at)), epoch }
          })),
        put: (entry, epoch) => available(transaction(put(entry, epoch))),
        invalidate: (tags) => available(transaction(invalidate(tags))),
        statistics: available(Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            sql<{ entries: number | string; bytes: number | string | null }>`
              SELECT count(*) AS entries, sum(size) AS bytes FROM ${cache} WHERE ends > ${now}`,
            ([row]) => ({ entries: Number(row!.entries), bytes: Number(row!.bytes ?? 0) })
          )))
      })
    })
  )

/** Milliseconds: what the database can count to. */
const longest = 315_360_000_000
