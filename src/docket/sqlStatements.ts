/**
 * The statements about executions that run for each of them, with their texts made once. What is done to many at the
 * same moment is one statement, which has them as JSON; where a client runs one over and over that takes half as long.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as SqlTemplate from "../storage/SqlTemplate.ts"
import type * as dialects from "./dialects.ts"
import type * as Execution from "./Execution.ts"
import * as StoreText from "./storeText.ts"

export type Count = number | bigint

export interface Time {
  readonly now: Count
}

export interface First {
  readonly is_first: Count
}

export interface Values extends StoreText.Row {
  readonly isAtOnce: number
  readonly isLeaseOver: number
}

export const valuesOf = (execution: Execution.Execution, isLeaseOver = false): Values => ({
  ...StoreText.rowOf(execution),
  isAtOnce: Number(StoreText.isAtOnce(execution)),
  isLeaseOver: Number(isLeaseOver)
})

/** Conditions that a partial index has must be in the statement word for word, and not as values. */
export const isWaiting = "status = 'Scheduled'"

/** The time that statements are given is that of the process, which counts where the database has none. */
export const make = (
  sql: SqlClient.SqlClient,
  executions: Statement.Identifier,
  { each, eachNew, eachRow, now: nowOf }: dialects.Dialect
) => {
  const waiting = sql.literal(isWaiting)
  const columns = sql.literal(
    "id, task, priority, status, generation, next_at, schedule, state, payload, result, error, owner"
  )
  const row = sql.literal(
    `id, task, priority, status, generation, next_at AS "nextAt", schedule, state, payload, result, error`
  )

  const isLive = (time: unknown) => sql`(status IN ('Scheduled', 'Running') OR next_at > ${nowOf(time)})`

  /** What is to start at once is due, though the clock it was added by is ahead. */
  const nextAt = (slot: Slot) =>
    sql`
      CASE WHEN CAST(${slot("isAtOnce")} AS INTEGER) = 1 AND CAST(${slot("nextAt")} AS BIGINT) > ${nowOf(slot("now"))}
      THEN ${nowOf(slot("now"))} ELSE CAST(${slot("nextAt")} AS BIGINT) END`

  const insert = (slot: Slot) =>
    sql`
      INSERT INTO ${executions} (${columns})
      VALUES (
        ${slot("id")}, ${slot("task")}, ${slot("priority")}, ${slot("status")}, ${slot("generation")},
        ${nextAt(slot)}, ${slot("schedule")}, ${slot("state")}, ${slot("payload")}, ${slot("result")}, ${
      slot("error")
    }, ${slot("owner")})
      ON CONFLICT (id) DO NOTHING`

  const insertOne = SqlTemplate.make<TimedValues>(sql, (slot) => sql`${insert(slot)} RETURNING sequence`)

  const insertMany = SqlTemplate.make<Many, Changed>(sql, (slot) => {
    const now = nowOf(slot("now"))
    return sql`
      INSERT INTO ${executions} (${columns})
      SELECT id, task, priority, status, generation,
        CASE WHEN is_at_once = 1 AND next_at > ${now} THEN ${now} ELSE next_at END,
        schedule, state, payload, result, error, owner
      FROM (${eachNew(slot("rows"))}) v WHERE 1 = 1
      ON CONFLICT (id) DO NOTHING RETURNING id`
  })

  const insertEach = SqlTemplate.makeEach<TimedValues>(sql, insert)

  const update = (slot: Slot, more = sql.literal("")) =>
    sql`
      UPDATE ${executions} SET
        status = ${slot("status")}, generation = ${slot("generation")},
        next_at = CASE WHEN status = 'Running' AND CAST(${slot("status")} AS TEXT) = 'Running' THEN next_at
          ELSE ${nextAt(slot)} END,
        state = ${slot("state")}, result = ${slot("result")}, error = ${slot("error")} ${more}
      WHERE id = ${slot("id")} AND generation = CAST(${slot("generation")} AS BIGINT) - 1 AND ${isLive(slot("now"))}
        AND NOT (
          CAST(${slot("isLeaseOver")} AS INTEGER) = 1 AND status = 'Running' AND next_at > ${nowOf(slot("now"))}
        )`

  const updateOne = SqlTemplate.make<TimedValues>(sql, (slot) => sql`${update(slot)} RETURNING sequence`)

  const updateAnew = SqlTemplate.make<TimedValues>(sql, (slot) => {
    const anew = sql`
      , task = ${slot("task")}, priority = ${slot("priority")}, schedule = ${slot("schedule")},
      owner = ${slot("owner")}, payload = ${slot("payload")}`
    return sql`${update(slot, anew)} RETURNING sequence`
  })

  const updateMany = SqlTemplate.make<Many, Changed>(sql, (slot) => {
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

  const updateEach = SqlTemplate.makeEach<TimedValues>(sql, update)

  const select = SqlTemplate.make<{ id: string; now: number }, StoreText.Stored & Time>(sql, (slot) =>
    sql`
      SELECT ${row}, ${nowOf(slot("now"))} AS now FROM ${executions}
      WHERE id = ${slot("id")} AND ${isLive(slot("now"))}`)

  /**
   * For each task, from one priority to the next as far as one where something is due: what is not due yet, however
   * much, is not looked at.
   */
  const selectUrgent = SqlTemplate.make<
    { id: string; now: number; tasks: string; unreadable: string },
    StoreText.Stored & Time
  >(
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
        SELECT ${row}, ${now} AS now FROM ${executions}
        WHERE sequence IN (SELECT sequence FROM found UNION ALL SELECT sequence FROM urgent)`
    }
  )

  /** With whether nothing at all has a higher priority, due or not: that is nearly always so, and seen at a glance. */
  const selectAll = SqlTemplate.make<{ ids: string; now: number; tasks: string }, StoreText.Stored & Time & First>(
    sql,
    (slot) =>
      sql`
      SELECT ${row}, ${nowOf(slot("now"))} AS now, CASE WHEN EXISTS (
        SELECT 1 FROM (${each(slot("tasks"))}) known CROSS JOIN ${executions} w
        WHERE w.task = known.value AND w.${waiting} AND w.next_at IS NOT NULL AND w.priority > e.priority
      ) THEN 0 ELSE 1 END AS is_first
      FROM ${executions} e WHERE id IN (${each(slot("ids"))}) AND ${isLive(slot("now"))}`
  )

  return {
    /** What is read of an execution. */
    row,
    isLive,
    select,
    selectUrgent,
    selectAll,
    /** Whether it is in now, and was not. */
    insert: (values: Values, now: number) => Effect.map(insertOne({ ...values, now }), isAny),
    /** Of each. */
    insertEach: (all: ReadonlyArray<Values>, now: number) =>
      whether(
        insertEach(timed(all, now), () => countsOf(all, insertMany({ now, rows: JSON.stringify(all.map(newOf)) })))
      ),
    /** Whether it was changed, and so was of the generation before; what it is to do stays. */
    update: (values: Values, now: number) => Effect.map(updateOne({ ...values, now }), isAny),
    /** And what it is to do as well. */
    updateAnew: (values: Values, now: number) => Effect.map(updateAnew({ ...values, now }), isAny),
    /** Of each. */
    updateEach: (all: ReadonlyArray<Values>, now: number) =>
      whether(
        updateEach(timed(all, now), () => countsOf(all, updateMany({ now, rows: JSON.stringify(all.map(changesOf)) })))
      )
  }
}

interface TimedValues extends Values {
  readonly now: number
}

type Slot = (name: keyof TimedValues) => unknown

interface Many {
  readonly now: number
  /** JSON. */
  readonly rows: string
}

interface Changed {
  readonly id: string
}

const isAny = ({ length }: ReadonlyArray<unknown>): boolean => length > 0

const timed = (all: ReadonlyArray<Values>, now: number): ReadonlyArray<TimedValues> =>
  all.map((values) => ({ ...values, now }))

const whether = (counts: Effect.Effect<ReadonlyArray<number>, SqlError.SqlError>) =>
  Effect.map(counts, (counts) => counts.map((count) => count > 0))

const countsOf = (
  all: ReadonlyArray<Values>,
  changed: Effect.Effect<ReadonlyArray<Changed>, SqlError.SqlError>
): Effect.Effect<ReadonlyArray<number>, SqlError.SqlError> =>
  Effect.map(changed, (rows) => {
    const ids = new Set(rows.map(({ id }) => id))
    return all.map(({ id }) => Number(ids.has(id)))
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
