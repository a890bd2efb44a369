/**
 * The entries of a catalogue in one table of SQLite or Postgres, for every node that has the database. Whoever calls the
 * store within a transaction of the same client writes in that transaction, and no node sees a part of it.
 *
 * Each change takes the next number of the table, and changes become visible in the order of their numbers: on Postgres a
 * writer holds a lock from before its number until it has committed, and SQLite has one writer at a time. So a node that
 * has seen a number has missed none below. What is removed stays as a row without text until `retention` has passed.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Database from "../storage/Database.ts"
import * as Millis from "../storage/Millis.ts"
import * as Persistently from "../storage/Persistently.ts"
import * as StoredText from "../storage/StoredText.ts"
import * as writing from "./catalogue/writing.ts"
import type * as CatalogueEntry from "./CatalogueEntry.ts"
import * as CatalogueError from "./CatalogueError.ts"
import * as CatalogueStore from "./CatalogueStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `catalogue`, begins with. `fastmcp_`. */
  readonly prefix?: string
  /**
   * `listen` of a `PgClient`: nodes then hear of a change when it is committed, and not with their next look. It keeps a
   * connection for as long as the layer lives, and works through no pooler that gives connections out by transaction.
   */
  readonly listen?: (channel: string) => Effect.Effect<Queue.Dequeue<unknown, unknown>, unknown, Scope.Scope>
  /** How long the trace of a removed entry is kept, which spares nodes that were away for less reading all again. 1 day. */
  readonly retention?: Duration.Input
  /** How often old traces are deleted; `Duration.infinity` for never. 1 hour. */
  readonly cleanupInterval?: Duration.Input
}

const store = "catalogue store"

/** Rows in one statement. */
const portion = 500

interface Stored {
  readonly kind: CatalogueEntry.Kind
  readonly name: string
  readonly revision: number | bigint | string
  readonly position: number | bigint | string
  readonly data: string | null
}

/**
 * Creates its table if it is missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<CatalogueStore.CatalogueStore, CatalogueError.CatalogueError, SqlClient.SqlClient> =>
  Layer.effect(
    CatalogueStore.CatalogueStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 hour", listen, prefix = "fastmcp_" } = options
      const retention = Millis.of(options.retention ?? "1 day")
      const { available, ensure, lock, skipLocked, sql, sweep, transaction } = yield* Database.make(
        store,
        (store, cause) => CatalogueError.make(new CatalogueError.Unavailable({ store, cause }))
      )
      const name = `${prefix}catalogue`
      const catalogue = sql(name)
      const written = yield* PubSub.sliding<void>(1)
      const tell = PubSub.publish(written, undefined)

      yield* available(ensure([{
        name,
        columns: sql`
          kind TEXT NOT NULL,
          name TEXT NOT NULL,
          revision BIGINT NOT NULL UNIQUE,
          position BIGINT NOT NULL,
          data TEXT,
          written_at BIGINT NOT NULL,
          PRIMARY KEY (kind, name)`,
        indexes: ["position"]
      }]))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.map(
            // The newest number is never forgotten, or it would be given out twice.
            sql`
              DELETE FROM ${catalogue} WHERE data IS NULL AND revision IN (
                SELECT revision FROM ${catalogue}
                WHERE data IS NULL AND written_at <= ${now - retention}
                AND revision < (SELECT max(revision) FROM ${catalogue})
                LIMIT ${most} ${skipLocked}
              ) RETURNING name`,
            (rows) => rows.length
          )))

      if (listen !== undefined) {
        yield* Effect.forkScoped(Persistently.run(`listening of the ${store}`, (works) =>
          Effect.scoped(Effect.gen(function*() {
            const heard = yield* listen(name)
            works()
            // What was told before it listened, nobody will tell it.
            yield* tell
            return yield* Effect.forever(Effect.andThen(Queue.takeAll(heard), tell))
          }))))
      }

      const notify = sql.onDialectOrElse({
        pg: () =>
          Effect.asVoid(sql`SELECT pg_notify(${name}, '')`),
        orElse: (): Effect.Effect<void, SqlError.SqlError> => Effect.void
      })

      const rowOf = ({ data, kind, name, position, revision }: Stored): CatalogueStore.Row => ({
        kind,
        name: StoredText.to(name),
        revision: Number(revision),
        position: Number(position),
        text: data ?? undefined
      })

      const find = (kind: CatalogueEntry.Kind, names: ReadonlyArray<string>) =>
        Effect.map(
          sql<Stored>`SELECT * FROM ${catalogue} WHERE kind = ${kind} AND name IN ${sql.in(names)}`,
          Arr.map(rowOf)
        )

      /** Each as it was, in the order of the changes. */
      const before = (changes: ReadonlyArray<writing.Change>) =>
        Effect.gen(function*() {
          const rows = new Map<string, CatalogueStore.Row>()
          for (const ofKind of Object.values(Arr.groupBy(changes, ({ key }) => key.kind))) {
            for (const some of Arr.chunksOf(ofKind, portion)) {
              const names = some.map(({ key }) => StoredText.of(key.name))
              for (const row of yield* find(some[0].key.kind, names)) rows.set(`${row.kind} ${row.name}`, row)
            }
          }
          return changes.map(({ key }) => rows.get(`${key.kind} ${key.name}`))
        })

      const apply = (changes: ReadonlyArray<writing.Change>) =>
        Effect.gen(function*() {
          yield* lock(name)
          const rows = yield* before(changes)
          const conflict = writing.conflictOf(changes, rows)
          if (conflict !== undefined) return yield* conflict
          const now = yield* Clock.currentTimeMillis
          let revision = yield* newest
          const others: Array<Record<string, unknown>> = []
          const changed = changes.map(({ key, text }, index) => {
            const row = rows[index]
            if (row?.text === text) return { version: writing.versionOf(row), isOther: false }
            revision++
            others.push({
              kind: key.kind,
              name: StoredText.of(key.name),
              revision,
              // What comes back after it was removed comes at the end.
              position: row?.text === undefined ? revision : row.position,
              data: text ?? null,
              written_at: now
            })
            return { version: text === undefined ? 0 : revision, isOther: true }
          })
          for (const some of Arr.chunksOf(others, portion)) {
            yield* sql`
              INSERT INTO ${catalogue} ${sql.insert(some)}
              ON CONFLICT (kind, name) DO UPDATE SET
                revision = excluded.revision, position = excluded.position,
                data = excluded.data, written_at = excluded.written_at`
          }
          if (others.length > 0) {
            yield* notify
            yield* sql.afterCommit(Effect.asVoid(tell))
          }
          return changed
        }).pipe(transaction, available)

      const newest = Effect.map(
        sql<{ newest: number | bigint | string | null }>`SELECT max(revision) AS newest FROM ${catalogue}`,
        ([row]) => Number(row!.newest ?? 0)
      )

      const page = (kind: CatalogueEntry.Kind | undefined, after: number) =>
        Effect.map(
          sql<Stored>`
            SELECT * FROM ${catalogue}
            WHERE data IS NOT NULL AND position > ${after} ${
            kind === undefined ? sql.literal("") : sql`AND kind = ${kind}`
          }
            ORDER BY position LIMIT ${portion}`,
          Arr.map(rowOf)
        )

      const { read, ...writer } = writing.make(apply)

      return {
        ...writer,
        get: ({ kind, name }) =>
          available(Effect.map(
            find(kind, [StoredText.of(name)]),
            ([row]) => row?.text === undefined ? undefined : read(row)
          )),
        list: ({ kind } = {}) =>
          Stream.paginate(0, (after) =>
            available(Effect.map(page(kind, after), (rows) =>
              [
                rows.map(read),
                rows.length < portion ? Option.none() : Option.some(rows.at(-1)!.position)
              ] as const))),
        revision: available(newest),
        state: available(Effect.map(
          sql<{ newest: number | bigint | string | null; size: number | bigint | string }>`
            SELECT max(revision) AS newest, count(data) AS size FROM ${catalogue}`,
          ([row]) => ({ revision: Number(row!.newest ?? 0), size: Number(row!.size) })
        )),
        since: (revision, most) =>
          available(Effect.map(
            sql<Stored>`SELECT * FROM ${catalogue} WHERE revision > ${revision} ORDER BY revision LIMIT ${most}`,
            Arr.map(rowOf)
          )),
        written: Stream.fromPubSub(written)
      }
    })
  )
