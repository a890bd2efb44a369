/** Executions as the rows of a database and the hashes of Redis have them. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as StoredText from "../storage/StoredText.ts"
import * as DocketError from "./DocketError.ts"
import * as Execution from "./Execution.ts"

/** Characters; longer texts are not written with those of others. */
export const short = 16_384

/** What a store looks for, and beside it the rest. */
export interface Row {
  readonly id: string
  readonly task: string
  readonly priority: number
  readonly status: Execution.Status
  readonly generation: number
  /**
   * When somebody has to do something about it: it is due, its lease is over, it is to be forgotten; none for one that
   * is held.
   */
  readonly nextAt: number | null
  readonly schedule: string | null
  /** It is looked for by it, and read out of the state. */
  readonly owner: string | null
  /** JSON. */
  readonly state: string
  readonly payload: string
  readonly result: string | null
  readonly error: string | null
}

/** Of a column as it comes back. */
type Count = number | bigint | string

/** Nothing of it is sure, for others may have written it. */
export interface Stored extends Omit<Row, "priority" | "status" | "generation" | "nextAt" | "owner"> {
  readonly priority: Count
  readonly status: string
  readonly generation: Count
  readonly nextAt: Count | null
}

export const rowOf = (execution: Execution.Execution): Row => {
  const { error, expiresAt, generation, id, leaseUntil, payload, priority, result, schedule, status, task, ...state } =
    execution
  return {
    id: StoredText.of(id),
    task: StoredText.of(task),
    priority,
    status,
    generation,
    nextAt: expiresAt ?? leaseUntil ?? (execution.isHeld === true ? null : execution.dueAt),
    schedule: schedule === undefined ? null : StoredText.of(schedule),
    owner: execution.owner === undefined ? null : StoredText.of(execution.owner),
    state: JSON.stringify(state),
    payload,
    result: result ?? null,
    error: error ?? null
  }
}

/** It is to start at once, also where the clock of the store is behind. */
export const isAtOnce = ({ createdAt, dueAt, status }: Execution.Execution): boolean =>
  status === "Scheduled" && dueAt <= createdAt

/** It begins anew, with another payload perhaps: no other change touches what it is to do. */
export const isAnew = ({ attempt, status }: Execution.Execution): boolean => status === "Scheduled" && attempt === 0

/** Rows that one store keeps in mind, for no longer than it has met others. */
const maxUnreadable = 1000

export interface Reader {
  /** Fails on a row this version cannot read. */
  readonly one: (row: Stored) => Effect.Effect<Execution.Execution, DocketError.DocketError>
  /** Leaves out rows this version cannot read; of each the first time is logged. */
  readonly all: (rows: ReadonlyArray<Stored>) => Effect.Effect<ReadonlyArray<Execution.Execution>>
  /** The ids, as they are stored, of the rows that were left out and may be again. */
  readonly unreadable: ReadonlySet<string>
}

/** Made when it is first used, so that a schema compiler switched on until then has its say. */
export const make = (): Reader => {
  const decode = Schema.decodeUnknownResult(Execution.Execution)
  const unreadable = new Set<string>()

  const parse = (row: Stored): Result.Result<Execution.Execution, string> => {
    try {
      return Result.mapError(decode(partsOf(row)), (error) => error.message)
    } catch (error) {
      return Result.fail(String(error))
    }
  }

  const read = (row: Stored): Result.Result<Execution.Execution, string> => {
    const result = parse(row)
    if (Result.isSuccess(result) && unreadable.size > 0) unreadable.delete(row.id)
    return result
  }

  const leaveOut = (id: string, issue: string) =>
    Effect.suspend(() => {
      if (unreadable.has(id)) return Effect.void
      unreadable.add(id)
      if (unreadable.size > maxUnreadable) unreadable.delete(unreadable.values().next().value!)
      return Effect.logWarning(
        `The execution ${JSON.stringify(StoredText.to(id))} is not in a form this version reads, and is left out.`,
        issue
      )
    })

  return {
    unreadable,
    one: (row) => {
      const result = read(row)
      return Result.isSuccess(result)
        ? Effect.succeed(result.success)
        : Effect.fail(
          DocketError.make(new DocketError.Unreadable({ id: StoredText.to(row.id), issue: result.failure }))
        )
    },
    all: (rows) =>
      Effect.suspend(() => {
        const executions: Array<Execution.Execution> = []
        const broken: Array<readonly [id: string, issue: string]> = []
        for (const row of rows) {
          const result = read(row)
          if (Result.isSuccess(result)) executions.push(result.success)
          else broken.push([row.id, result.failure])
        }
        return broken.length === 0
          ? Effect.succeed(executions)
          : Effect.as(Effect.forEach(broken, ([id, issue]) => leaveOut(id, issue), { discard: true }), executions)
      })
  }
}

const partsOf = (row: Stored): object => ({
  ...JSON.parse(row.state),
  id: StoredText.to(row.id),
  task: StoredText.to(row.task),
  payload: row.payload,
  priority: Number(row.priority),
  status: row.status,
  generation: Number(row.generation),
  ...row.status === "Running"
    ? { leaseUntil: timeOf(row.nextAt) }
    : row.status !== "Scheduled" && { expiresAt: timeOf(row.nextAt) },
  ...row.schedule !== null && { schedule: StoredText.to(row.schedule) },
  ...row.result !== null && { result: row.result },
  ...row.error !== null && { error: row.error }
})

/** Number(null) would be a time. */
const timeOf = (at: Count | null): unknown => at === null ? null : Number(at)

/** Of a cursor; undefined for one that no page has given. */
export const positionOf = (cursor: string | undefined): number | undefined =>
  cursor === undefined ? Number.MAX_SAFE_INTEGER : /^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined

export const unavailable = (part: string, cause: unknown): DocketError.DocketError =>
  DocketError.make(new DocketError.Unavailable({ part, cause }))
