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
import * as SqlTemplate from "../storage/SqlTemplate.ts"
import * as StoredText from "../storage/StoredText.ts"
import * as dialects from "./dialects.ts"
import * as DocketError from "./DocketError.ts"
import * as DocketStore from "./DocketStore.ts"
import * as Execution from "./Execution.ts"
import * as StoreText from "./storeText.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the names of the tables, `docket_executions`, `docket_slots` and `docket_notes`, begin with. `fastmcp_`. */
  readonly prefix?: string
  /** How often what has expired is deleted; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

type Count = number | bigint

interface Row {
  readonly id: string
  readonly task: string
  readonly priority: Count
  readonly status: string
  readonly generation: Count
  readonly next_at: Count | null
  readonly schedule: string | null
  readonly state: string
  readonly payload: string
  readonly result: string | null
  readonly error: string | null
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

      const { each, eachHold, eachNew, eachRow, now: nowOf } = dialects.make(sql)

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

      const waiting = sql.literal(isWaiting)
      const columns = sql.literal(
        "id, task, priority, status, generation, next_at, schedule, state, payload, result, error"
      )

      const conditionsOf = (
        { isHeld, owner, schedule, status, task }: DocketStore.Query
      ): ReadonlyArray<Statement.Fragment> => [
        ...status === undefined ? [] : [sql`status = ${status}`],
        ...task === undefined ? [] : [sql`task = ${StoredText.of(task)}`],
        ...schedule === undefined ? [] : [sql`schedule = ${StoredText.of(schedule)}`],
        ...owner === undefined ? [] : [sql`owner = ${StoredText.of(owner)}`],
        ...isHeld === undefined ? [] : [isHeld ? sql`next_at IS NULL` : sql`next_at IS NOT NULL`]
      ]

      const isLive = (time: unknown) => sql`(status IN ('Scheduled', 'Running') OR next_at > ${nowOf(time)})`

      /** What is to start at once is due, though the clock it was added by is ahead. */
      const nextAt = (slot: (name: "nextAt" | "isAtOnce" | "now") => unknown) =>
        sql`
          CASE WHEN CAST(${slot("isAtOnce")} AS INTEGER) = 1 AND CAST(${slot("nextAt")} AS BIGINT) > ${
          nowOf(slot("now"))
        }
          THEN ${nowOf(slot("now"))} ELSE CAST(${slot("nextAt")} AS BIGINT) END`

      const insert = SqlTemplate.make<TimedValues>(sql, (slot) =>
        sql`
          INSERT INTO ${executions} (${columns}, owner)
          VALUES (
            ${slot("id")}, ${slot("task")}, ${slot("priority")}, ${slot("status")}, ${slot("generation")},
            ${nextAt(slot)}, ${slot("schedule")}, ${slot("state")}, ${slot("payload")}, ${slot("result")}, ${
          slot("error")
        }, ${slot("owner")})
          ON CONFLICT (id) DO NOTHING RETURNING sequence`)

      const insertEach = SqlTemplate.make<{ now: number; rows: string }, { readonly id: string }>(sql, (slot) => {
        const now = nowOf(slot("now"))
        return sql`
          INSERT INTO ${executions} (${columns}, owner)
          SELECT id, task, priority, status, generation,
            CASE WHEN is_at_once = 1 AND next_at > ${now} THEN ${now} ELSE next_at END,
            schedule, state, payload, result, error, owner
          FROM (${eachNew(slot("rows"))}) v WHERE 1 = 1
          ON CONFLICT (id) DO NOTHING RETURNING id`
      })

      /** Whether it is in now, and was not. */
      const insertOne = (values: Values) =>
        timed((now) => Effect.map(insert({ ...values, now }), (rows) => rows.length > 0))

      /** Of these those that are in now, and were not. */
      const insertAll = (all: ReadonlyArray<Values>) =>
        timed((now) =>
          Effect.map(
            insertEach({ now, rows: JSON.stringify(all.map(newOf)) }),
            (rows) => new Set(rows.map(({ id }) => id))
          )
        )

      const makeUpdate = (more: (slot: (name: keyof TimedValues & string) => unknown) => Statement.Fragment) =>
        SqlTemplate.make<TimedValues>(sql, (slot) =>
          sql`
            UPDATE ${executions} SET
              status = ${slot("status")}, generation = ${slot("generation")},
              next_at = CASE WHEN status = 'Running' AND CAST(${slot("status")} AS TEXT) = 'Running' THEN next_at
                ELSE ${nextAt(slot)} END,
              state = ${slot("state")}, result = ${slot("result")}, error = ${slot("error")} ${more(slot)}
            WHERE id = ${slot("id")} AND generation = CAST(${slot("generation")} AS BIGINT) - 1 AND ${
            isLive(slot("now"))
          }
              AND NOT (
                CAST(${slot("isLeaseOver")} AS INTEGER) = 1 AND status = 'Running' AND next_at > ${nowOf(slot("now"))}
              )
            RETURNING sequence`)

      const update = makeUpdate(() => sql.literal(""))

      const updateAll = makeUpdate((slot) =>
        sql`
          , task = ${slot("task")}, priority = ${slot("priority")}, schedule = ${slot("schedule")},
          owner = ${slot("owner")}, payload = ${slot("payload")}`
      )

      const updateEach = SqlTemplate.make<{ now: number; rows: string }, { readonly id: string }>(sql, (slot) => {
        const now = nowOf(slot("now"))
        return sql`
          UPDATE ${executions} AS e SET
            status = v.status, generation = v.generation,
            next_at = CASE WHEN e.status = 'Running' AND v.status = 'Running' THEN e.next_at
              WHEN v.is_at_once = 1 AND v.next_at > ${now} THEN ${now} ELSE v.next_at END,
            state = v.state, result = v.result, error = v.error
          FROM (${eachRow(slot("rows"))}) v
          WHERE e.id = v.key AND e.generation = v.generation - 1
            AND (e.status IN ('Scheduled', 'Running') OR e.next_at > ${now})
            AND NOT (v.is_lease_over = 1 AND e.status = 'Running' AND e.next_at > ${now})
          RETURNING id`
      })

      const changeOne = (values: Values) =>
        timed((now) => Effect.map(update({ ...values, now }), (rows) => rows.length > 0))

      /** Whether they were changed. */
      const changeGoingOn = yield* gathered({
        one: changeOne,
        many: (all: ReadonlyArray<Values>) =>
          timed((now) =>
            Effect.map(updateEach({ now, rows: JSON.stringify(all.map(changesOf)) }), (rows) => {
              const changed = new Set(rows.map(({ id }) => id))
              return all.map(({ id }) => Exit.succeed(changed.has(id)))
            })
          ),
        key: ({ id }) => id,
        isAlone: ({ error, result, state }) =>
          state.length + (result?.length ?? 0) + (error?.length ?? 0) > StoreText.short,
        most
      })

      const select = SqlTemplate.make<{ id: string; now: number }, Row & Time>(sql, (slot) =>
        sql`
          SELECT ${columns}, ${nowOf(slot("now"))} AS now FROM ${executions}
          WHERE id = ${slot("id")} AND ${isLive(slot("now"))}`)

      /**
       * For each task, from one priority to the next as far as one where something is due: what is not due yet, however
       * much, is not looked at.
       */
      const selectUrgent = SqlTemplate.make<{ id: string; now: number; tasks: string; unreadable: string }, Row & Time>(
        sql,
        (slot) => {
          const now = nowOf(slot("now"))
          const isReady = sql`
            w.task = l.task AND w.priority = l.priority AND w.${waiting} AND w.next_at <= ${now}
            AND w.id NOT IN (${each(slot("unreadable"))})`
          const below = (task: string, condition: Statement.Fragment) =>
            sql`
              SELECT max(w.priority) FROM ${executions} w
              WHERE w.task = ${sql.literal(task)} AND w.${waiting} AND w.next_at IS NOT NULL ${condition}
                AND w.priority > (SELECT priority FROM found)`
          return sql`
            WITH RECURSIVE found AS (
              SELECT sequence, priority FROM ${executions} WHERE id = ${slot("id")} AND ${isLive(slot("now"))}
            ),
            levels (task, priority) AS (
              SELECT value, (${below("value", sql.literal(""))}) FROM (${each(slot("tasks"))}) known
              UNION ALL
              SELECT l.task, (${below("l.task", sql.literal("AND w.priority < l.priority"))}) FROM levels l
              WHERE l.priority IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${executions} w WHERE ${isReady})
            ),
            candidates AS (
              SELECT l.priority, (SELECT min(w.next_at) FROM ${executions} w WHERE ${isReady}) AS next_at,
                (SELECT w.sequence FROM ${executions} w WHERE ${isReady} ORDER BY w.next_at LIMIT 1) AS sequence
              FROM levels l WHERE l.priority IS NOT NULL
            ),
            urgent AS (
              SELECT sequence FROM candidates WHERE sequence IS NOT NULL ORDER BY priority DESC, next_at LIMIT 1
            )
            SELECT ${columns}, ${now} AS now FROM ${executions}
            WHERE sequence IN (SELECT sequence FROM found UNION ALL SELECT sequence FROM urgent)`
        }
      )

      /** With whether nothing at all has a higher priority, due or not: that is nearly always so, and seen at a glance. */
      const selectAll = SqlTemplate.make<{ ids: string; now: number; tasks: string }, Row & Time & First>(sql, (slot) =>
        sql`
          SELECT ${columns}, ${nowOf(slot("now"))} AS now, CASE WHEN EXISTS (
            SELECT 1 FROM (${each(slot("tasks"))}) known CROSS JOIN ${executions} w
            WHERE w.task = known.value AND w.${waiting} AND w.next_at IS NOT NULL AND w.priority > e.priority
          ) THEN 0 ELSE 1 END AS is_first
          FROM ${executions} e WHERE id IN (${each(slot("ids"))}) AND ${isLive(slot("now"))}`)

      /** What the caller's own statements fail with stays what it is. */
      const allOrNothing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.catchTag(
          available(transaction(Effect.mapError(effect, (error) =>
            new Own(error)))),
          "Own",
          ({ error }) =>
            Effect.fail(error)
        )

      const find = (id: string) =>
        timed((now) => select({ id, now }))

      const urgentOf = ({ id, tasks }: Sought) =>
        timed((now) => selectUrgent({ id, now, tasks, unreadable: JSON.stringify([...read.unreadable]) }))

      const findAll = (ids: ReadonlyArray<string>, tasks: string) =>
        timed((now) => selectAll({ ids: JSON.stringify(ids), now, tasks }))

      const rowsOf = (sought: Sought, found: ReadonlyArray<Row & Time & First>) => {
        const row = found.find(({ id }) => id === sought.id)
        return row === undefined || Number(row.is_first) === 1
          ? Effect.succeed(row === undefined ? [] : [row])
          : urgentOf(sought)
      }

      const findOne = (sought: Sought): Effect.Effect<ReadonlyArray<Row & Time>, DocketError.DocketError> =>
        Effect.flatMap(findAll([sought.id], sought.tasks), (found) => rowsOf(sought, found))

      const findWithUrgent = yield* gathered({
        one: findOne,
        many: Effect.fnUntraced(function*(all: ReadonlyArray<Sought>) {
          const found = new Map<string, ReadonlyArray<Row & Time & First>>()
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
        Effect.flatMap(insertOne(values), (isNew) => isNew ? Effect.undefined : addedBefore(values))

      const addedBefore = Effect.fnUntraced(function*(values: Values) {
        const [row] = yield* find(values.id)
        if (row !== undefined) return yield* read.one(storedOf(row))
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
        const inserted = yield* insertAll(all)
        const exits = yield* Effect.forEach(all, (values) =>
          inserted.has(values.id) ? Effect.succeed(isNew) : existing(values))
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
            return sql<Partial<Row> & Time>`
              SELECT c.now, e.* FROM (SELECT ${nowOf(time)} AS now) c LEFT JOIN (
                ${late(0, "Running", 0)} UNION ALL ${late(1, "Scheduled", graceMillis)}
              ) late ON 1 = 1 LEFT JOIN ${executions} e ON e.sequence = late.sequence
              ORDER BY late.turn, e.next_at LIMIT ${Math.max(most, 1)}`
          })
          const found = rows.filter(isRow)
          const readable = yield* read.all(found.map(storedOf))
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
          ([row]) =>
            row && Number(row.until)
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
            pg: () =>
              available(transaction(Effect.andThen(lock(`${prefix}docket_slots ${key}`), write))),
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
              const execution = read.one(storedOf(row))
              const now = Number(row.now)
              if (rows.length === 1) {
                return Effect.mapEager(execution, (execution) => ({ execution, now, urgent: undefined }))
              }
              const others = read.all(rows.filter((other) => other !== row).map(storedOf))
              return Effect.zipWith(execution, others, (execution, [urgent]) => ({ execution, now, urgent }))
            }
          )
        },
        change: (execution, condition) => {
          const values = valuesOf(execution, condition?.isLeaseOver)
          if (StoreText.isAnew(execution)) {
            return timed((now) => Effect.map(updateAll({ ...values, now }), (rows) => rows.length > 0))
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
              sql<Row & { readonly sequence: Count }>`
                SELECT sequence, ${columns} FROM ${executions} WHERE sequence IN (
                  SELECT sequence FROM ${executions}
                  WHERE sequence < CAST(${before} AS BIGINT) AND ${sql.and(conditionsOf(query))} AND ${isLive(time)}
                  ORDER BY sequence DESC LIMIT ${query.limit + 1}
                ) ORDER BY sequence DESC`
            )
            const page = rows.slice(0, query.limit)
            return {
              executions: yield* read.all(page.map(storedOf)),
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

/** Conditions that a partial index has must be in the statement word for word, and not as values. */
const isWaiting = "status = 'Scheduled'"

const ends = "'Succeeded', 'Failed', 'Cancelled'"

/** An execution, and the tasks among which to look for a more urgent one, as JSON. */
interface Sought {
  readonly id: string
  readonly tasks: string
}

interface First {
  readonly is_first: Count
}

const isNew = Exit.succeed(undefined)

/** In one statement. */
const most = 64

interface Time {
  readonly now: Count
}

interface Values extends StoreText.Row {
  readonly [name: string]: unknown
  readonly isAtOnce: number
  readonly isLeaseOver: number
}

interface TimedValues extends Values {
  /** Of the process. */
  readonly now: number
}

const valuesOf = (execution: Execution.Execution, isLeaseOver = false): Values => ({
  ...StoreText.rowOf(execution),
  isAtOnce: Number(StoreText.isAtOnce(execution)),
  isLeaseOver: Number(isLeaseOver)
})

/** In the order of the columns, and then whether it is to start at once. */
const newOf = (
  { error, generation, id, isAtOnce, nextAt, owner, payload, priority, result, schedule, state, status, task }: Values
): ReadonlyArray<unknown> => [
  id,
  task,
  priority,
  status,
  generation,
  nextAt,
  schedule,
  state,
  payload,
  result,
  error,
  owner,
  isAtOnce
]

/** In the order in which `eachRow` has them. */
const changesOf = (
  { error, generation, id, isAtOnce, isLeaseOver, nextAt, result, state, status }: Values
): ReadonlyArray<unknown> => [id, status, generation, nextAt, state, result, error, isAtOnce, isLeaseOver]

const storedOf = ({ next_at, ...row }: Row): StoreText.Stored => ({ ...row, nextAt: next_at })

const isRow = (row: Partial<Row> & Time): row is Row & Time => typeof row.id === "string"

const isStatus = Schema.is(Execution.Status)

const jsonOf = (holds: ReadonlyArray<DocketStore.Hold>): string =>
  JSON.stringify(holds.map(({ generation, id }) => [StoredText.of(id), generation]))
