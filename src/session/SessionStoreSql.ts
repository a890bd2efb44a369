/**
 * Sessions in a table of SQLite or Postgres, for every process that has the database. Times are those of the processes,
 * whose clocks should agree to within a small part of the idle time. Whoever calls the store within a transaction of the
 * same client writes in that transaction.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../storage/Database.ts"
import * as Millis from "../storage/Millis.ts"
import * as SessionText from "./internal/sessionText.ts"
import { unavailable } from "./internal/unavailable.ts"
import * as SessionError from "./SessionError.ts"
import * as SessionStore from "./SessionStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `sessions`, begins with. `fastmcp_`. */
  readonly prefix?: string
  /** How often expired sessions are deleted; `Duration.infinity` for never. 1 minute. */
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
): Layer.Layer<SessionStore.SessionStore, SessionError.SessionError, SqlClient.SqlClient> =>
  Layer.effect(
    SessionStore.SessionStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", prefix = "fastmcp_" } = options
      const { available, ensure, lock, skipLocked, sql, sweep, transaction } = yield* Database.make(
        "session store",
        unavailable
      )
      const { decode, encode } = SessionText.make()
      const name = `${prefix}sessions`
      const sessions = sql(name)

      yield* available(ensure([{
        name,
        columns: sql`
          id TEXT PRIMARY KEY,
          principal TEXT,
          version INTEGER NOT NULL,
          data TEXT NOT NULL,
          idle BIGINT NOT NULL,
          expires_at BIGINT NOT NULL`,
        indexes: ["principal"],
        isBusy: true
      }]))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            sql`
              DELETE FROM ${sessions} WHERE expires_at <= ${now} AND id IN (
                SELECT id FROM ${sessions} WHERE expires_at <= ${now} LIMIT ${most} ${skipLocked}
              ) RETURNING id`,
            (rows) => rows.length
          )))

      return {
        isShared: true,
        create: (session, { idle, maxSessions, maxSessionsPerCaller }) =>
          Effect.gen(function*() {
            const { id, principal } = session
            const data = yield* encode(session)
            // Whoever counts must see what the one before has kept.
            yield* lock(name)
            const now = yield* Clock.currentTimeMillis
            const [counted] = yield* sql<{ total: number | bigint; own: number | bigint }>`
              SELECT count(*) AS total, count(CASE WHEN principal = ${principal} THEN 1 END) AS own
              FROM ${sessions} WHERE expires_at > ${now}`
            if (counted!.total >= maxSessions) {
              return yield* SessionError.make(new SessionError.Full({ limit: "server", maximum: maxSessions }))
            }
            if (principal !== null && counted!.own >= maxSessionsPerCaller) {
              return yield* SessionError.make(new SessionError.Full({ limit: "caller", maximum: maxSessionsPerCaller }))
            }
            const life = Millis.of(idle)
            const kept = yield* sql`
              INSERT INTO ${sessions} AS old (id, principal, version, data, idle, expires_at)
              VALUES (${id}, ${principal}, 1, ${data}, ${life}, ${now + life})
              ON CONFLICT (id) DO UPDATE SET
                principal = excluded.principal, version = 1, data = excluded.data,
                idle = excluded.idle, expires_at = excluded.expires_at
              WHERE old.expires_at <= ${now}
              RETURNING id`
            if (kept.length === 0) return yield* Effect.die(new Error("There is a session of this id."))
          }).pipe(transaction, available),
        get: (id) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            const [row] = yield* sql<{ version: number; data: string }>`
              UPDATE ${sessions} SET expires_at = ${now} + idle WHERE id = ${id} AND expires_at > ${now}
              RETURNING version, data`
            if (row === undefined) return undefined
            const session = yield* decode(id, row.data)
            return session && { version: Number(row.version), session }
          }).pipe(available),
        replace: (version, session) =>
          Effect.gen(function*() {
            const data = yield* encode(session)
            const now = yield* Clock.currentTimeMillis
            const written = yield* sql`
              UPDATE ${sessions} SET version = version + 1, data = ${data}
              WHERE id = ${session.id} AND version = ${version} AND expires_at > ${now}
              RETURNING id`
            return written.length > 0
          }).pipe(available),
        remove: (id) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            const [removed] = yield* sql<{ expires_at: number | bigint }>`
              DELETE FROM ${sessions} WHERE id = ${id} RETURNING expires_at`
            return removed !== undefined && removed.expires_at > now
          }).pipe(available),
        size: Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          const [counted] = yield* sql<{ total: number | bigint }>`
            SELECT count(*) AS total FROM ${sessions} WHERE expires_at > ${now}`
          return Number(counted!.total)
        }).pipe(available)
      }
    })
  )
