/**
 * Resumable streams in two tables of SQLite or Postgres, for every process that has the database. Who follows a stream
 * is woken at once by what this process appends, and looks for what others do at an interval: one query for all that is
 * followed here. Times are those of the processes.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../storage/Database.ts"
import * as EventStore from "./EventStore.ts"
import * as Following from "./internal/following.ts"
import * as Limits from "./internal/limits.ts"
import { unavailable } from "./internal/unavailable.ts"
import type * as SessionError from "./SessionError.ts"

/** @category models @since 0.1.0 */
export interface Options extends EventStore.Limits {
  /** What the names of the tables, `streams` and `events`, begin with. `fastmcp_`. */
  readonly prefix?: string
  /** How often a process in which streams are followed looks for what others have appended. 200 milliseconds. */
  readonly pollInterval?: Duration.Input
  /** How often streams that have had their time are deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

type Count = number | bigint

interface StreamRow {
  readonly id: Count
  readonly last: Count
  readonly ended: number
}

/**
 * Creates its tables if they are missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<EventStore.EventStore, SessionError.SessionError, SqlClient.SqlClient> =>
  Layer.effect(
    EventStore.EventStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", pollInterval = "200 millis", prefix = "fastmcp_" } = options
      const { idle, maxEvents, maxSize, timeToLive } = Limits.resolve(options)
      const { available, ensure, serial, skipLocked, sql, sweep, transaction } = yield* Database.make(
        "event store",
        unavailable
      )
      const streams = sql(`${prefix}streams`)
      const events = sql(`${prefix}events`)

      // `total` counts the sizes of all events so far, of an event and those before it: what is kept is told by a
      // difference, and a stream that is read or trimmed needs no count of its own.
      yield* available(ensure([
        {
          name: `${prefix}streams`,
          columns: sql`
            id ${serial},
            session TEXT NOT NULL,
            stream TEXT NOT NULL,
            last BIGINT NOT NULL,
            total BIGINT NOT NULL,
            ended SMALLINT NOT NULL,
            expires_at BIGINT NOT NULL,
            UNIQUE (session, stream)`,
          isBusy: true
        },
        {
          name: `${prefix}events`,
          columns: sql`
            stream BIGINT NOT NULL,
            position BIGINT NOT NULL,
            data TEXT NOT NULL,
            size INTEGER NOT NULL,
            total BIGINT NOT NULL,
            PRIMARY KEY (stream, position)`
        }
      ]))

      /** The stream rows go first: whoever appends holds one until it has ended, and finds none afterwards. */
      const forget = (rows: ReadonlyArray<StreamRow>) =>
        Effect.forEach(
          chunksOf(rows, 500),
          (some) => sql`DELETE FROM ${events} WHERE ${sql.in("stream", some.map(({ id }) => id))}`.unprepared,
          { discard: true }
        )

      yield* sweep(cleanupInterval, (most) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          const rows = yield* sql<StreamRow>`
            DELETE FROM ${streams} WHERE expires_at <= ${now} AND id IN (
              SELECT id FROM ${streams} WHERE expires_at <= ${now} LIMIT ${most} ${skipLocked}
            ) RETURNING id`
          yield* forget(rows)
          return rows.length
        }).pipe(transaction))

      const following = yield* Following.make({
        name: "event store",
        interval: pollInterval,
        view: ({ session, stream }, after) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            // One statement, so that the stream and its events are of the same moment.
            const rows = yield* sql<StreamRow & { readonly position: Count | null; readonly data: string }>`
              SELECT s.id, s.last, s.ended, e.position, e.data
              FROM ${streams} s LEFT JOIN ${events} e ON e.stream = s.id AND e.position > ${after}
              WHERE s.session = ${session} AND s.stream = ${stream} AND s.expires_at > ${now}
              ORDER BY e.position`
            const [row] = rows
            return row && {
              ...stateOf(row),
              events: row.position === null
                ? []
                : rows.map(({ data, position }) => ({ position: Number(position), data }))
            }
          }).pipe(available),
        glance: (followed) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            const rows = yield* sql<StreamRow>`
              SELECT id, last, ended FROM ${streams}
              WHERE ${sql.in("id", followed.map(({ incarnation }) => Number(incarnation)))} AND expires_at > ${now}`
              .unprepared
            return rows.map(stateOf)
          }).pipe(available)
      })

      const find = ({ session, stream }: EventStore.StreamKey) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          const [row] = yield* sql<StreamRow>`
            SELECT id, last, ended FROM ${streams}
            WHERE session = ${session} AND stream = ${stream} AND expires_at > ${now}`
          return row === undefined ? yield* Following.unknown({ session, stream }) : stateOf(row)
        }).pipe(available)

      const wake = (key: EventStore.StreamKey) =>
        sql.afterCommit(Effect.sync(() => following.wake(Following.nameOf(key))))

      const insert = ({ session, stream }: EventStore.StreamKey, now: number) =>
        sql`
          INSERT INTO ${streams} (session, stream, last, total, ended, expires_at)
          VALUES (${session}, ${stream}, 0, 0, 0, ${now + idle})
          ON CONFLICT (session, stream) DO UPDATE SET expires_at = excluded.expires_at
          WHERE ${streams}.ended = 0 AND ${streams}.expires_at > ${now} RETURNING id`

      return {
        isShared: true,
        create: (key) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            if ((yield* insert(key, now)).length > 0) return
            yield* transaction(Effect.gen(function*() {
              const expired = yield* sql<StreamRow>`
                DELETE FROM ${streams}
                WHERE session = ${key.session} AND stream = ${key.stream} AND expires_at <= ${now} RETURNING id`
              if (expired.length === 0) return
              yield* forget(expired)
              yield* insert(key, now)
            }))
          }).pipe(available),
        append: (key, ...data) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            const added = data.reduce((sum, { length }) => sum + length, 0)
            // Whoever else appends to the stream waits here.
            const [row] = yield* sql<{ id: Count; last: Count; total: Count }>`
              UPDATE ${streams}
              SET last = last + ${data.length}, total = total + ${added}, expires_at = ${now + idle}
              WHERE session = ${key.session} AND stream = ${key.stream} AND ended = 0 AND expires_at > ${now}
              RETURNING id, last, total`
            if (row === undefined) return yield* Following.unknown(key)
            const { id, last, total } = { id: row.id, last: Number(row.last), total: Number(row.total) }
            let sum = total - added
            const rows = data.map((each, index) => ({
              stream: id,
              position: last - data.length + index + 1,
              data: each,
              size: each.length,
              total: sum += each.length
            })).filter((each) => each.position > last - maxEvents && each.total - each.size >= total - maxSize)
            if (Arr.isArrayNonEmpty(rows)) yield* sql`INSERT INTO ${events} ${sql.insert(rows)}`.unprepared
            if (last > maxEvents || total > maxSize) {
              yield* sql`
                DELETE FROM ${events} WHERE stream = ${id}
                AND (position <= ${last - maxEvents} OR total - size < ${total - maxSize})`
            }
            yield* wake(key)
            return last
          }).pipe(transaction, available),
        last: (key) => Effect.map(find(key), ({ last }) => last),
        hasEnded: (key) => Effect.map(find(key), ({ hasEnded }) => hasEnded),
        read: following.read,
        follow: following.follow,
        end: (key) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            yield* sql`
              UPDATE ${streams} SET ended = 1, expires_at = ${now + timeToLive}
              WHERE session = ${key.session} AND stream = ${key.stream} AND ended = 0 AND expires_at > ${now}`
            yield* wake(key)
          }).pipe(available),
        drop: (session) =>
          Effect.gen(function*() {
            const rows = yield* sql<StreamRow & { readonly stream: string }>`
              DELETE FROM ${streams} WHERE session = ${session} RETURNING id, stream`
            yield* forget(rows)
            yield* Effect.forEach(rows, ({ stream }) => wake({ session, stream }), { discard: true })
          }).pipe(transaction, available)
      }
    })
  )

const stateOf = ({ ended, id, last }: StreamRow): Following.State => ({
  incarnation: String(id),
  last: Number(last),
  hasEnded: Number(ended) === 1
})

const chunksOf = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))
