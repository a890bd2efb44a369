/**
 * What a docket keeps, in three tables of SQLite or Postgres, for every process that has the database. Whoever calls the
 * store within a transaction of the same client writes in that transaction. The time of the store is that of the server
 * on Postgres; on SQLite that of the process, which is the machine's.
 *
 * A row that this version of the program cannot read is left to those that can: it is not listed and not overdue, with a
 * warning, and to `find` it or to `add` another one fails. It can be removed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Database from "../storage/Database.ts"
import * as Gathered from "../storage/Gathered.ts"
import * as StoredText from "../storage/StoredText.ts"
import * as dialects from "./dialects.ts"
import * as DocketError from "./DocketError.ts"
import * as DocketStore from "./DocketStore.ts"
import * as Execution from "./Execution.ts"
import * as sqlStatements from "./sqlStatements.ts"
import { type Count, type First, isWaiting, type Time, type Values, valuesOf } from "./sqlStatements.ts"
import * as StoreText from "./storeText.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the names of the tables, `docket_executions`, `docket_slots` and `docket_notes`, begin with. `fastmcp_`. */
  readonly prefix?: string
  /** How often what has expired is deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/**
 * Creates its tables if they are missing; where it cannot, it fails at once, and whatever starts the process may do so again.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<DocketStore.DocketStore, DocketError.DocketError, SqlClient.SqlClient> =>
  Layer.effect(
    DocketStore.DocketStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", prefix = "fastmcp_" } = options
      const database = yield* Database.make("store of the docket", StoreText.unavailable)
      const { available, ensure, lock, serial, skipLocked, sql, sweep, transaction } = database
      /** What the caller has in a transaction is for that one alone. */
      const gathered = <Item, A>(options: Gathered.Options<Item, A, DocketError.DocketError>) =>
        Effect.map(Gathered.make({ flights: 1, ...options }), (run) => (item: Item) =>
          Effect.withFiber<A, DocketError.DocketError>(({ context }) =>
            Context.getOrUndefined(context, sql.transactionService) === undefined ? run(item) : options.one(item)
          ))
      const read = StoreText.make()
      const executions = sql(`${prefix}docket_executions`)
      const slots = sql(`${prefix}docket_slots`)
      const notes = sql(`${prefix}docket_notes`)

      // One time for each row, that at which somebody has to look at it, so that each change moves one entry of an index.
      yield* Effect.mapError(
        available(ensure([
          {
            name: `${prefix}docket_executions`,
            columns: sql`
            sequence ${serial},
            id TEXT NOT NULL UNIQUE,
            task TEXT NOT NULL,
            schedule TEXT,
            owner TEXT,
            priority BIGINT NOT NULL,
            status TEXT NOT NULL,
            generation BIGINT NOT NULL,
            next_at BIGINT,
            state TEXT NOT NULL,
            result TEXT,
            error TEXT,
            payload TEXT NOT NULL`,
            indexes: [
              { name: "next", columns: ["status", "next_at", "task"] },
              {
                name: "urgent",
                columns: ["task", "priority", "next_at"],
                where: `${isWaiting} AND next_at IS NOT NULL`
              },
              { name: "task", columns: ["task", "sequence"] },
              { name: "schedule", columns: ["schedule", "sequence"], where: "schedule IS NOT NULL" },
              { name: "owner", columns: ["owner", "sequence"], where: "owner IS NOT NULL" }
            ]
          },
          {
            name: `${prefix}docket_slots`,
            columns: sql`
            slot TEXT NOT NULL,
            holder TEXT NOT NULL,
            until BIGINT NOT NULL,
            PRIMARY KEY (slot, holder)`,
            indexes: ["until"]
          },
          {
            name: `${prefix}docket_notes`,
            columns: sql`
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            data TEXT NOT NULL,
            PRIMARY KEY (kind, id)`
          }
        ])),
        DocketError.atStart
      )

      const dialect = dialects.make(sql)
      const { each, eachHold, now: nowOf } = dialect
      const statements = sqlStatements.make(sql, executions, dialect)
      const { isLive, select, selectAll, selectUrgent } = statements

      /** With the time of the process, which counts where the database has none. */
      const timed = <A, E>(use: (time: number) => Effect.Effect<A, E | SqlError.SqlError>) =>
        available(Effect.clockWith((clock) =>
          use(clock.currentTimeMillisUnsafe())
        ))

      yield* sweep(cleanupInterval, (most) =>
        Effect.flatMap(Clock.currentTimeMillis, (time) => {
          const isOver = sql.literal(`status IN (${ends})`)
          const now = nowOf(time)
          return Effect.map(
            Effect.all([
              sql`
                DELETE FROM ${executions} WHERE ${isOver} AND next_at <= ${now} AND sequence IN (
                  SELECT sequence FROM ${executions} WHERE ${isOver} AND next_at <= ${now} LIMIT ${most} ${skipLocked}
                ) RETURNING id`,
              sql`
                DELETE FROM ${slots} WHERE until <= ${now} AND (slot, holder) IN (
                  SELECT slot, holder FROM ${slots} WHERE until <= ${now} LIMIT ${most} ${skipLocked}
                ) RETURNING holder`
            ]),
            (removed) => Math.max(...removed.map(({ length }) => length))
          )
        }))

      const conditionsOf = (
        { isHeld, owner, schedule, status, task }: DocketStore.Query
      ): ReadonlyArray<Statement.Fragment> => [
        ...status === undefined ? [] : [sql`status = ${status}`],
        ...task === undefined ? [] : [sql`task = ${StoredText.of(task)}`],
        ...schedule === undefined ? [] : [sql`schedule = ${StoredText.of(schedule)}`],
        ...owner === undefined ? [] : [sql`owner = ${StoredText.of(owner)}`],
        ...isHeld === undefined ? [] : [isHeld ? sql`next_at IS NULL` : sql`next_at IS NOT NULL`]
      ]

      /** Whether they were changed. */
      const changeGoingOn = yield* gathered({
        one: (values: Values) => timed((now) => statements.update(values, now)),
        many: (all: ReadonlyArray<Values>) =>
          timed((now) => Effect.map(statements.updateEach(all, now), (changed) => changed.map(Exit.succeed))),
        key: ({ id }) => id,
        isAlone: ({ error, result, state }) =>
          state.length + (result?.length ?? 0) + (error?.length ?? 0) > StoreText.short,
        most
      })

      /** What the caller's own statements fail with stays what it is. */
      const allOrNothing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.catchTag(
          available(transaction(Effect.mapError(effect, (error) => new Own(error)))),
          "Own",
          ({ error }) => Effect.fail(error)
        )

      const find = (id: string) => timed((now) => select({ id, now }))

      const urgentOf = ({ id, tasks }: Sought) =>
        timed((now) => selectUrgent({ id, now, tasks, unreadable: JSON.stringify([...read.unreadable]) }))

      const findAll = (ids: ReadonlyArray<string>, tasks: string) =>
        timed((now) => selectAll({ ids: JSON.stringify(ids), now, tasks }))

      const rowsOf = (sought: Sought, found: ReadonlyArray<StoreText.Stored & Time & First>) => {
        const row = found.find(({ id }) => id === sought.id)
        return row === undefined || Number(row.is_first) === 1
          ? Effect.succeed(row === undefined ? [] : [row])
          : urgentOf(sought)
      }

      const findOne = (
        sought: Sought
      ): Effect.Effect<ReadonlyArray<StoreText.Stored & Time>, DocketError.DocketError> =>
        Effect.flatMap(findAll([sought.id], sought.tasks), (found) => rowsOf(sought, found))

      const findWithUrgent = yield* gathered({
        one: findOne,
        many: Effect.fnUntraced(function*(all: ReadonlyArray<Sought>) {
          const found = new Map<string, ReadonlyArray<StoreText.Stored & Time & First>>()
          for (const [tasks, some] of Map.groupBy(all, ({ tasks }) => tasks)) {
            found.set(tasks, yield* findAll(some.map(({ id }) => id), tasks))
          }
          return yield* Effect.forEach(all, (sought) => Effect.exit(rowsOf(sought, found.get(sought.tasks)!)))
        }),
        most
      })

      const forgetExpired = (id: string) =>
        timed((now) => sql`DELETE FROM ${executions} WHERE id = ${id} AND NOT ${isLive(now)}`)

      const add = (values: Values): Effect.Effect<Execution.Execution | undefined, DocketError.DocketError> =>
        Effect.flatMap(
          timed((now) => statements.insert(values, now)),
          (isNew) => isNew ? Effect.undefined : addedBefore(values)
        )

      const addedBefore = Effect.fnUntraced(function*(values: Values) {
        const [row] = yield* find(values.id)
        if (row !== undefined) return yield* read.one(row)
        // It has expired, or just gone.
        yield* forgetExpired(values.id)
        return yield* add(values)
      })

      /** One that cannot be read is its adder's affair; whatever else fails is everybody's. */
      const existing = (values: Values) =>
        Effect.matchEffect(addedBefore(values), {
          onFailure: (error) =>
            error.reason._tag === "Unreadable" ? Effect.succeed(Exit.fail(error)) : Effect.fail(error),
          onSuccess: (there) => Effect.succeed(Exit.succeed(there))
        })

      const addAll = Effect.fnUntraced(function*(
        executions: ReadonlyArray<Execution.Execution>,
        then: DocketStore.Ringing["many"]
      ) {
        const all = executions.map((execution) => valuesOf(execution))
        const inserted = yield* timed((now) => statements.insertEach(all, now))
        const exits = yield* Effect.forEach(
          all,
          (values, index) => inserted[index] === true ? Effect.succeed(isNew) : existing(values)
        )
        yield* then(executions.filter((_, index) => {
          const exit = exits[index]!
          return Exit.isSuccess(exit) && exit.value === undefined
        }))
        return exits
      })

      const overdue = (
        options: { readonly graceMillis: number; readonly limit: number }
      ): Effect.Effect<{ executions: ReadonlyArray<Execution.Execution>; now: number }, DocketError.DocketError> =>
        Effect.gen(function*() {
          const { graceMillis, limit } = options
          const known = read.unreadable.size
          const most = limit + known
          const rows = yield* timed((time) => {
            const late = (turn: number, status: Execution.Status, grace: number) =>
              sql`
                SELECT * FROM (
                  SELECT sequence, ${sql.literal(String(turn))} AS turn FROM ${executions}
                  WHERE status = ${sql.literal(`'${status}'`)} AND next_at <= ${nowOf(time)} - CAST(${grace} AS BIGINT)
                  ORDER BY next_at LIMIT ${most}
                ) ${sql.literal(`turn_${turn}`)}`
            return sql<Partial<StoreText.Stored> & Time>`
              SELECT c.now, ${statements.row} FROM (SELECT ${nowOf(time)} AS now) c LEFT JOIN (
                ${late(0, "Running", 0)} UNION ALL ${late(1, "Scheduled", graceMillis)}
              ) late ON 1 = 1 LEFT JOIN ${executions} e ON e.sequence = late.sequence
              ORDER BY late.turn, e.next_at LIMIT ${Math.max(most, 1)}`
          })
          const found = rows.filter(isRow)
          const readable = yield* read.all(found)
          // Those met for the first time were in the way of others.
          if (found.length === most && readable.length < limit && read.unreadable.size > known) {
            return yield* overdue(options)
          }
          return { executions: readable.slice(0, limit), now: Number(rows[0]!.now) }
        })

      /** Until when all slots are taken by others, if they are. */
      const fullUntil = ({ holder, key, limit }: DocketStore.SlotRequest) =>
        Effect.map(
          timed((time) =>
            sql<{ until: Count }>`
              SELECT until FROM ${slots} WHERE slot = ${key} AND until > ${nowOf(time)} AND NOT EXISTS (
                SELECT 1 FROM ${slots} WHERE slot = ${key} AND holder = ${holder} AND until > ${nowOf(time)}
              ) ORDER BY until DESC LIMIT 1 OFFSET ${limit - 1}`
          ),
          ([row]) => row && Number(row.until)
        )

      /** One statement, which SQLite runs alone; on Postgres whoever counts must see what the one before has taken. */
      const take = ({ holder, key, lifeMillis, limit }: DocketStore.SlotRequest) => {
        const write = timed((time) => {
          const now = nowOf(time)
          return sql`
            INSERT INTO ${slots} (slot, holder, until)
            SELECT CAST(${key} AS TEXT), CAST(${holder} AS TEXT), ${now} + CAST(${lifeMillis} AS BIGINT)
            WHERE (
              SELECT count(*) FROM ${slots} WHERE slot = ${key} AND holder <> ${holder} AND until > ${now}
            ) < ${limit} OR EXISTS (
              SELECT 1 FROM ${slots} WHERE slot = ${key} AND holder = ${holder} AND until > ${now}
            )
            ON CONFLICT (slot, holder) DO UPDATE SET until = excluded.until RETURNING holder`
        })
        return Effect.map(
          sql.onDialectOrElse({
            pg: () => available(transaction(Effect.andThen(lock(`${prefix}docket_slots ${key}`), write))),
            orElse: () => write
          }),
          (rows) => rows.length > 0
        )
      }

      const acquire = (request: DocketStore.SlotRequest): Effect.Effect<
        DocketStore.SlotAnswer,
        DocketError.DocketError
      > =>
        Effect.gen(function*() {
          // Without a lock, for most of those that ask again and again are refused.
          const freeAt = yield* fullUntil(request)
          if (freeAt !== undefined) return { freeAt }
          if (yield* take(request)) return undefined
          return yield* acquire(request)
        })

      return {
        add: (execution) => add(valuesOf(execution)),
        find: (id, tasks) => {
          const key = StoredText.of(id)
          return Effect.flatMap(
            tasks === undefined
              ? find(key)
              : findWithUrgent({ id: key, tasks: JSON.stringify(tasks.map(StoredText.of)) }),
            (rows) => {
              const row = rows.find(({ id }) => id === key)
              if (row === undefined) return Effect.undefined
              const execution = read.one(row)
              const now = Number(row.now)
              if (rows.length === 1) {
                return Effect.mapEager(execution, (execution) => ({ execution, now, urgent: undefined }))
              }
              const others = read.all(rows.filter((other) => other !== row))
              return Effect.zipWith(execution, others, (execution, [urgent]) => ({ execution, now, urgent }))
            }
          )
        },
        change: (execution, condition) => {
          const values = valuesOf(execution, condition?.isLeaseOver)
          if (StoreText.isAnew(execution)) {
            return timed((now) => statements.updateAnew(values, now))
          }
          return changeGoingOn(values)
        },
        // Put so that SQLite looks for the ids, and not at all that run.
        renew: (holds, leaseMillis) =>
          holds.length === 0 ? Effect.succeed([]) : timed((time) =>
            Effect.map(
              sql<{ id: string }>`
                UPDATE ${executions} SET next_at = ${nowOf(time)} + CAST(${leaseMillis} AS BIGINT)
                WHERE (id, generation) IN (${eachHold(jsonOf(holds))}) AND NOT (status <> 'Running')
                RETURNING id`,
              (rows) => rows.map(({ id }) => StoredText.to(id))
            )
          ),
        generations: (ids) =>
          ids.length === 0 ? Effect.succeed([]) : timed((time) =>
            Effect.map(
              sql<{ id: string; generation: Count }>`
                SELECT id, generation FROM ${executions}
                WHERE id IN (${each(JSON.stringify(ids.map(StoredText.of)))}) AND ${isLive(time)}`,
              (rows) => rows.map(({ generation, id }) => ({ id: StoredText.to(id), generation: Number(generation) }))
            )
          ),
        overdue,
        list: (query) =>
          Effect.gen(function*() {
            const before = StoreText.positionOf(query.cursor)
            if (query.limit < 1 || before === undefined) return { executions: [], cursor: undefined }
            const rows = yield* timed((time) =>
              sql<StoreText.Stored & { readonly sequence: Count }>`
                SELECT sequence, ${statements.row} FROM ${executions} WHERE sequence IN (
                  SELECT sequence FROM ${executions}
                  WHERE sequence < CAST(${before} AS BIGINT) AND ${sql.and(conditionsOf(query))} AND ${isLive(time)}
                  ORDER BY sequence DESC LIMIT ${query.limit + 1}
                ) ORDER BY sequence DESC`
            )
            const page = rows.slice(0, query.limit)
            return {
              executions: yield* read.all(page),
              cursor: rows.length > page.length ? String(page.at(-1)!.sequence) : undefined
            }
          }),
        counts: timed((time) =>
          Effect.map(
            sql<{ task: string; status: string; count: Count }>`
              SELECT task, status, count(*) AS count FROM ${executions} WHERE ${isLive(time)} GROUP BY status, task`,
            (rows) =>
              rows.flatMap(({ count, status, task }) =>
                isStatus(status) ? [{ task: StoredText.to(task), status, count: Number(count) }] : []
              )
          )
        ),
        remove: (id) =>
          timed((time) =>
            Effect.map(
              sql<{ live: Count }>`
                DELETE FROM ${executions} WHERE id = ${StoredText.of(id)}
                RETURNING CASE WHEN ${isLive(time)} THEN 1 ELSE 0 END AS live`,
              ([row]) => row !== undefined && Number(row.live) === 1
            )
          ),
        acquire: (request) =>
          acquire({ ...request, key: StoredText.of(request.key), holder: StoredText.of(request.holder) }),
        release: ({ holder, key }) =>
          available(Effect.asVoid(
            sql`DELETE FROM ${slots} WHERE slot = ${StoredText.of(key)} AND holder = ${StoredText.of(holder)}`
          )),
        note: ({ data, id, kind }) =>
          available(Effect.asVoid(sql`
            INSERT INTO ${notes} (kind, id, data)
            VALUES (${StoredText.of(kind)}, ${StoredText.of(id)}, ${StoredText.of(data)})
            ON CONFLICT (kind, id) DO UPDATE SET data = excluded.data`)),
        withdraw: ({ id, kind }) =>
          available(Effect.map(
            sql`DELETE FROM ${notes} WHERE kind = ${StoredText.of(kind)} AND id = ${StoredText.of(id)} RETURNING id`,
            (rows) => rows.length > 0
          )),
        notes: (kind) =>
          available(Effect.map(
            sql<{ id: string; data: string }>`
              SELECT id, data FROM ${notes} WHERE kind = ${StoredText.of(kind)} ORDER BY id`,
            (rows) => rows.map(({ data, id }) => ({ kind, id: StoredText.to(id), data: StoredText.to(data) }))
          )),
        adder: ({ many, one }) =>
          gathered<Execution.Execution, Execution.Execution | undefined>({
            one: (execution) =>
              allOrNothing(Effect.tap(
                add(valuesOf(execution)),
                (there) => there === undefined ? one(execution) : Effect.void
              )),
            many: (executions) => allOrNothing(addAll(executions, many)),
            key: ({ id }) => id,
            isAlone: ({ payload }) => payload.length > StoreText.short,
            most
          }),
        transaction: allOrNothing
      }
    })
  )

class Own<E> {
  readonly _tag = "Own"
  readonly error: E
  constructor(error: E) {
    this.error = error
  }
}

const ends = "'Succeeded', 'Failed', 'Cancelled'"

/** An execution, and the tasks among which to look for a more urgent one, as JSON. */
interface Sought {
  readonly id: string
  readonly tasks: string
}

const isNew = Exit.succeed(undefined)

/** Together. */
const most = 64

const isRow = (row: Partial<StoreText.Stored> & Time): row is StoreText.Stored & Time => typeof row.id === "string"

const isStatus = Schema.is(Execution.Status)

const jsonOf = (holds: ReadonlyArray<DocketStore.Hold>): string =>
  JSON.stringify(holds.map(({ generation, id }) => [StoredText.of(id), generation]))
