/**
 * Letters between processes that have a database of SQLite or Postgres in common. Each process asks for new ones at an
 * interval, and at once after it has posted itself.
 *
 * No letter is passed over, because letters become visible in the order of their numbers: on Postgres a poster holds a
 * lock from before its letter is numbered until it has committed, and SQLite has one writer at a time. Posting within a
 * long transaction of one's own therefore keeps other posters waiting.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../storage/Database.ts"
import * as Millis from "../storage/Millis.ts"
import * as Listening from "./internal/listening.ts"
import { unavailable } from "./internal/unavailable.ts"
import type * as SessionError from "./SessionError.ts"
import * as SessionMailbox from "./SessionMailbox.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `letters`, begins with. `fastmcp_`. */
  readonly prefix?: string
  /** How often a process that listens asks for new letters. 100 milliseconds. */
  readonly pollInterval?: Duration.Input
  /**
   * How long a letter is kept for whoever cannot reach the database just now, by the clock of the process that deletes;
   * never less than a minute. 5 minutes.
   */
  readonly retention?: Duration.Input
  /** How often old letters are deleted; `Duration.infinity` for never. 1 minute. */
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
): Layer.Layer<SessionMailbox.SessionMailbox, SessionError.SessionError, SqlClient.SqlClient> =>
  Layer.effect(
    SessionMailbox.SessionMailbox,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", pollInterval = "100 millis", prefix = "fastmcp_" } = options
      const retention = Math.max(Millis.of(options.retention ?? "5 minutes"), Millis.of("1 minute"))
      const { available, ensure, lock, serial, skipLocked, sql, sweep, transaction } = yield* Database.make(
        "session mailbox",
        unavailable
      )
      const name = `${prefix}letters`
      const letters = sql(name)
      const posted = Latch.makeUnsafe()

      yield* available(ensure([{
        name,
        columns: sql`
          id ${serial},
          session TEXT NOT NULL,
          text TEXT NOT NULL,
          posted_at BIGINT NOT NULL`
      }]))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            sql`
              DELETE FROM ${letters} WHERE id IN (
                SELECT id FROM ${letters} WHERE posted_at <= ${now - retention} ORDER BY id LIMIT ${most} ${skipLocked}
              ) RETURNING id`,
            (rows) => rows.length
          )))

      const newest = available(Effect.map(
        sql<{ newest: number | bigint | null }>`SELECT max(id) AS newest FROM ${letters}`,
        ([row]) => Number(row!.newest)
      ))

      const next = (after: number) =>
        Effect.gen(function*() {
          // Before the query, so that what is posted after it is noticed.
          posted.closeUnsafe()
          const rows = yield* sql<{ id: number | bigint; session: string; text: string }>`
            SELECT id, session, text FROM ${letters} WHERE id > ${after} ORDER BY id LIMIT 500`
          if (rows.length === 0) yield* Effect.race(posted.await, Effect.sleep(pollInterval))
          return rows.map(({ id, session, text }) => ({ position: Number(id), letter: { session, text } }))
        }).pipe(available)

      const listen = yield* Listening.make<number>({
        name: "session mailbox",
        newest,
        connect: Effect.succeed({ newest, next }),
        isAfter: (position, other) => position > other
      })

      return {
        post: ({ session, text }) =>
          Effect.gen(function*() {
            yield* lock(name)
            const now = yield* Clock.currentTimeMillis
            yield* sql`INSERT INTO ${letters} (session, text, posted_at) VALUES (${session}, ${text}, ${now})`
            yield* sql.afterCommit(Effect.sync(() => posted.openUnsafe()))
          }).pipe(transaction, available),
        listen
      }
    })
  )
