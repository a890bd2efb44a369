/**
 * The record of one piece of background work, and the one function that changes it. What a store keeps is always a value
 * this function made, each with the next generation, and is written only over the generation it was made from: of two
 * who change the same record, one does, and the other looks again.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * Scheduled until a worker starts it, then Running; the other three are ends. An execution that failed is the dead letter:
 * its `failure` says why, and it is kept for an operator to look at and retry.
 *
 * @category models
 * @since 0.1.0
 */
export const Status = Schema.Literals(["Scheduled", "Running", "Succeeded", "Failed", "Cancelled"])

/** @category models @since 0.1.0 */
export type Status = typeof Status.Type

/** How far it has come, in whatever unit the handler counts. @category models @since 0.1.0 */
export const Progress = Schema.Struct({
  current: Schema.Finite,
  total: Schema.optionalKey(Schema.Finite),
  message: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type Progress = typeof Progress.Type

/**
 * Why an execution has failed:
 *
 * - `Error`: the handler failed as its definition says, and may not be retried again
 * - `Defect`: the handler died
 * - `Timeout`: it ran for longer than its definition allows
 * - `Lost`: its workers disappeared while they ran it, too often
 * - `Undecodable`: its payload is not, or no longer, what the definition says, or cannot be unsealed
 * - `TooLarge`: its result or error is larger than the docket keeps
 *
 * @category models
 * @since 0.1.0
 */
export const FailureKind = Schema.Literals(["Error", "Defect", "Timeout", "Lost", "Undecodable", "TooLarge"])

/** @category models @since 0.1.0 */
export type FailureKind = typeof FailureKind.Type

/** `message` is for people, and has nothing of the payload in it. @category models @since 0.1.0 */
export const Failure = Schema.Struct({ kind: FailureKind, message: Schema.String })

/** @category models @since 0.1.0 */
export type Failure = typeof Failure.Type

/** That many at a time with this key, over all workers. @category models @since 0.1.0 */
export const Slot = Schema.Struct({ key: Schema.String, limit: Schema.Int })

/** That many starts with this key in any window, over all workers. @category models @since 0.1.0 */
export const Rate = Schema.Struct({ key: Schema.String, limit: Schema.Int, windowMillis: Schema.Int })

/**
 * Times are epoch milliseconds. `payload`, `result` and `error` are JSON, sealed if the docket has a key; they are apart
 * from the rest so that a store can leave them alone where only the rest changes.
 *
 * @category models
 * @since 0.1.0
 */
export const Execution = Schema.Struct({
  id: Schema.String,
  /** The name of its definition. */
  task: Schema.String,
  payload: Schema.String,
  /** Higher first. */
  priority: Schema.Int,
  status: Status,
  /** Counts the changes, from 1. */
  generation: Schema.Int,
  createdAt: Schema.Int,
  /** Not started before; at or before `createdAt` for what is to start at once, whatever the clocks say. */
  dueAt: Schema.Int,
  /** Starts that were not given back, since it was added, replaced or retried. */
  attempt: Schema.Int,
  /** How often its worker disappeared, in the same time. */
  lapses: Schema.Int,
  /** Struck: it stays Scheduled until it is restored. */
  isHeld: Schema.optionalKey(Schema.Literal(true)),
  /** Who runs it, a worker in one of its turns, and until when nobody else may; only while Running. */
  worker: Schema.optionalKey(Schema.String),
  /** The generation in which it was claimed, which is no other run's. */
  run: Schema.optionalKey(Schema.Int),
  leaseUntil: Schema.optionalKey(Schema.Int),
  /** Asked for while it runs; the reason is for people. */
  cancelRequested: Schema.optionalKey(Schema.String),
  cancelRequestedAt: Schema.optionalKey(Schema.Int),
  startedAt: Schema.optionalKey(Schema.Int),
  /** Only of one that has ended, and when it may be forgotten. */
  finishedAt: Schema.optionalKey(Schema.Int),
  expiresAt: Schema.optionalKey(Schema.Int),
  progress: Schema.optionalKey(Progress),
  failure: Schema.optionalKey(Failure),
  result: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String),
  slot: Schema.optionalKey(Slot),
  rate: Schema.optionalKey(Rate),
  /** The schedule it is a run of. */
  schedule: Schema.optionalKey(Schema.String),
  /** How long it is kept when it is cancelled, by whoever does not know its task. */
  keepMillis: Schema.optionalKey(Schema.Int),
  /** When it may be forgotten once it has ended, whatever its task says. */
  keepUntil: Schema.optionalKey(Schema.Int),
  /** On whose behalf it is done, for those who list it. */
  owner: Schema.optionalKey(Schema.String),
  /** JSON, sealed like `payload`: what its runs keep for those after them, and who answers it adds to. */
  data: Schema.optionalKey(Schema.String),
  /** Of the span that added it (W3C Trace Context). */
  traceparent: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type Execution = typeof Execution.Type

/** Who runs an execution: this worker, in this run of it. @category models @since 0.1.0 */
export interface Holder {
  readonly worker: string
  readonly run: number
}

/** What can happen to an execution. `now` is the time of the store wherever leases depend on it. @category models @since 0.1.0 */
export type Transition =
  /** A worker starts it. */
  | { readonly _tag: "Claim"; readonly worker: string; readonly now: number; readonly leaseMillis: number }
  /** Its worker says how far it is. */
  | { readonly _tag: "Advance"; readonly holder: Holder; readonly progress: Progress }
  /** Its worker keeps something for the runs to come. */
  | { readonly _tag: "Save"; readonly holder: Holder; readonly data: string }
  /**
   * Its worker puts it down, with what it keeps, until then or until it is amended; the attempt is given back. One that
   * was asked to end has then ended.
   */
  | {
    readonly _tag: "Wait"
    readonly holder: Holder
    readonly data: string
    readonly until: number
    readonly now: number
    readonly keepMillis: number
  }
  /** Others add to what is kept of one that waits, and with `isReady` have it start at once. */
  | { readonly _tag: "Amend"; readonly data: string; readonly isReady: boolean }
  | {
    readonly _tag: "Succeed"
    readonly holder: Holder
    readonly result: string
    readonly now: number
    readonly keepMillis: number
  }
  /** With `retryAt` it is scheduled again; without, this is its end. */
  | {
    readonly _tag: "Fail"
    readonly holder: Holder
    readonly failure: Failure
    readonly error?: string | undefined
    readonly retryAt?: number | undefined
    readonly now: number
    readonly keepMillis: number
  }
  /** Its worker stops, or is late to begin: it gives it back and the attempt with it; one that was asked to end has then ended. */
  | { readonly _tag: "Release"; readonly holder: Holder; readonly now: number; readonly keepMillis: number }
  /** Its worker has ended what it was asked to cancel. */
  | { readonly _tag: "Stop"; readonly holder: Holder; readonly now: number; readonly keepMillis: number }
  /** Its lease is over: scheduled again, or, the time after the last that is allowed, failed. */
  | { readonly _tag: "Lapse"; readonly now: number; readonly maxLapses: number; readonly keepMillis: number }
  /** Something it needs is taken: it waits, and this is no attempt. */
  | { readonly _tag: "Postpone"; readonly until: number }
  | { readonly _tag: "Hold" }
  | { readonly _tag: "Restore" }
  /** At once if it waits; if it runs, its worker is asked. */
  | { readonly _tag: "Cancel"; readonly reason: string; readonly now: number; readonly keepMillis: number }
  /** Its payload cannot be used: its worker has not begun it, and that was no attempt. */
  | {
    readonly _tag: "Refuse"
    readonly holder: Holder
    readonly failure: Failure
    readonly now: number
    readonly keepMillis: number
  }
  /** What was to be done is to be done otherwise: a run of the old has no say any more, and one that had ended begins anew. */
  | { readonly _tag: "Replace"; readonly by: Execution }
  /** An operator lets one that has failed or was cancelled begin anew. */
  | { readonly _tag: "Retry"; readonly now: number }

/**
 * Why nothing changes:
 *
 * - `Early`: not due yet
 * - `Held`: struck
 * - `Leased`: somebody runs it
 * - `Finished`: it has come to an end
 * - `NotHolder`: who says so does not run it (any more)
 * - `NotApplicable`: the rest, as a retry of what has not ended
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal = "Early" | "Held" | "Leased" | "Finished" | "NotHolder" | "NotApplicable"

/** Whether it has come to an end. @category accessors @since 0.1.0 */
export const isFinished = ({ status }: Pick<Execution, "status">): boolean =>
  status !== "Scheduled" && status !== "Running"

/** Whether it may start at this time of the store. @category accessors @since 0.1.0 */
export const isDue = ({ createdAt, dueAt }: Pick<Execution, "createdAt" | "dueAt">, now: number): boolean =>
  dueAt <= now || dueAt <= createdAt

/** Whether it starts without its share of a limit. @category accessors @since 0.1.0 */
export const isUnlimited = ({ rate, slot }: Pick<Execution, "rate" | "slot">): boolean =>
  rate === undefined && slot === undefined

/** @category accessors @since 0.1.0 */
export const isHolder = (execution: Execution, { run, worker }: Holder): boolean =>
  execution.status === "Running" && execution.worker === worker && execution.run === run

/**
 * The execution as it is afterwards, with the next generation, or why it stays as it is.
 *
 * @category transitions
 * @since 0.1.0
 */
export const apply = (execution: Execution, transition: Transition): Result.Result<Execution, Refusal> => {
  switch (transition._tag) {
    case "Claim":
      return claim(execution, transition)
    case "Cancel":
      return cancel(execution, transition)
    case "Refuse":
      return held(
        execution,
        transition.holder,
        () => failOrCancel({ ...withoutRun(execution), attempt: execution.attempt - 1 }, transition)
      )
    case "Postpone":
      return waiting(execution, () => next(execution, { dueAt: Math.max(transition.until, execution.createdAt + 1) }))
    case "Hold":
      return waiting(execution, () => next(execution, { isHeld: true }))
    case "Restore":
      return execution.isHeld === true
        ? Result.succeed(next(withoutHold(execution), {}))
        : Result.fail("NotApplicable")
    case "Lapse":
      return lapse(execution, transition)
    case "Replace":
      return Result.succeed(renewed(execution, transition.by))
    case "Retry":
      return execution.status === "Failed" || execution.status === "Cancelled"
        ? Result.succeed(renewed(execution, { ...execution, dueAt: execution.createdAt }))
        : Result.fail("NotApplicable")
    case "Advance":
      return held(execution, transition.holder, () => next(execution, { progress: transition.progress }))
    case "Save":
      return held(execution, transition.holder, () => next(execution, { data: transition.data }))
    case "Wait":
      return held(execution, transition.holder, () =>
        execution.cancelRequested === undefined
          ? next(withoutRun(execution), {
            status: "Scheduled",
            attempt: execution.attempt - 1,
            data: transition.data,
            dueAt: after(execution, transition.until)
          })
          : ended(execution, "Cancelled", transition, {}))
    case "Amend":
      return waiting(execution, () =>
        next(execution, {
          data: transition.data,
          ...transition.isReady && { dueAt: execution.createdAt }
        }))
    case "Succeed":
      return held(
        execution,
        transition.holder,
        () => ended(execution, "Succeeded", transition, { result: transition.result })
      )
    case "Fail":
      return held(
        execution,
        transition.holder,
        () =>
          transition.retryAt === undefined || execution.cancelRequested !== undefined
            ? failOrCancel(execution, transition)
            : next(withoutRun(execution), { status: "Scheduled", dueAt: after(execution, transition.retryAt) })
      )
    case "Release":
      return held(execution, transition.holder, () =>
        execution.cancelRequested === undefined
          ? next(withoutRun(execution), {
            status: "Scheduled",
            attempt: execution.attempt - 1,
            dueAt: execution.createdAt
          })
          : ended(execution, "Cancelled", transition, {}))
    case "Stop":
      return isHolder(execution, transition.holder) && execution.cancelRequested === undefined
        ? Result.fail("NotApplicable")
        : held(execution, transition.holder, () => ended(execution, "Cancelled", transition, {}))
  }
}

/** Without what only one that runs has. Deleting members would make each look at the rest slow. */
const withoutRun = (
  { leaseUntil: _leaseUntil, progress: _progress, run: _run, startedAt: _startedAt, worker: _worker, ...rest }:
    Execution
): Execution => rest

/** Without what only one that was asked to end, or has ended, has. */
const withoutEnd = ({
  cancelRequested: _cancelRequested,
  cancelRequestedAt: _cancelRequestedAt,
  error: _error,
  expiresAt: _expiresAt,
  failure: _failure,
  finishedAt: _finishedAt,
  result: _result,
  ...rest
}: Execution): Execution => rest

const withoutHold = ({ isHeld: _isHeld, ...rest }: Execution): Execution => rest

/** What one that has ended does not have any more; when it started and how far it came stays. */
const withoutHolder = (
  { isHeld: _isHeld, leaseUntil: _leaseUntil, run: _run, worker: _worker, ...rest }: Execution
): Execution => rest

const next = (execution: Execution, changes: Partial<Execution>): Execution => ({
  ...execution,
  ...changes,
  generation: execution.generation + 1
})

/** A time that is not taken for "at once". */
const after = ({ createdAt }: Execution, time: number): number => Math.max(time, createdAt + 1)

const waiting = (execution: Execution, change: () => Execution): Result.Result<Execution, Refusal> =>
  execution.status === "Scheduled"
    ? Result.succeed(change())
    : Result.fail(execution.status === "Running" ? "Leased" : "Finished")

const held = (execution: Execution, holder: Holder, change: () => Execution): Result.Result<Execution, Refusal> =>
  isHolder(execution, holder) ? Result.succeed(change()) : Result.fail("NotHolder")

const claim = (
  execution: Execution,
  { leaseMillis, now, worker }: Extract<Transition, { readonly _tag: "Claim" }>
): Result.Result<Execution, Refusal> => {
  if (execution.status !== "Scheduled") return Result.fail(execution.status === "Running" ? "Leased" : "Finished")
  if (execution.isHeld === true) return Result.fail("Held")
  if (!isDue(execution, now)) return Result.fail("Early")
  return Result.succeed(next(execution, {
    status: "Running",
    worker,
    run: execution.generation + 1,
    attempt: execution.attempt + 1,
    startedAt: now,
    leaseUntil: now + leaseMillis
  }))
}

interface End {
  readonly now: number
  readonly keepMillis: number
}

const ended = (
  execution: Execution,
  status: "Succeeded" | "Failed" | "Cancelled",
  { keepMillis, now }: End,
  changes: Partial<Execution>
): Execution =>
  next(withoutHolder(execution), {
    status,
    finishedAt: now,
    expiresAt: execution.keepUntil ?? now + keepMillis,
    ...changes
  })

const fail = (execution: Execution, failure: Failure, error: string | undefined, end: End): Execution =>
  ended(execution, "Failed", end, error === undefined ? { failure } : { failure, error })

/** Whoever asked for the end of what then failed gets the end. */
const failOrCancel = (
  execution: Execution,
  transition: End & { readonly failure: Failure; readonly error?: string | undefined }
): Execution =>
  execution.cancelRequested === undefined
    ? fail(execution, transition.failure, transition.error, transition)
    : ended(execution, "Cancelled", transition, {})

const lapse = (
  execution: Execution,
  transition: Extract<Transition, { readonly _tag: "Lapse" }>
): Result.Result<Execution, Refusal> => {
  const { maxLapses, now } = transition
  if (execution.status !== "Running") return Result.fail("NotApplicable")
  if (execution.leaseUntil! > now) return Result.fail("Leased")
  const lapses = execution.lapses + 1
  if (execution.cancelRequested !== undefined) {
    return Result.succeed(ended({ ...execution, lapses }, "Cancelled", transition, {}))
  }
  return Result.succeed(
    lapses > maxLapses
      ? fail(
        { ...execution, lapses },
        { kind: "Lost", message: `Its workers disappeared while they ran it, ${lapses} times.` },
        undefined,
        transition
      )
      : next(withoutRun(execution), { status: "Scheduled", lapses, dueAt: execution.createdAt })
  )
}

const cancel = (
  execution: Execution,
  transition: Extract<Transition, { readonly _tag: "Cancel" }>
): Result.Result<Execution, Refusal> => {
  if (isFinished(execution)) return Result.fail("Finished")
  if (execution.status === "Scheduled") {
    return Result.succeed(ended(execution, "Cancelled", transition, cancelledBy(transition)))
  }
  return execution.cancelRequested === undefined
    ? Result.succeed(next(execution, cancelledBy(transition)))
    : Result.fail("NotApplicable")
}

const cancelledBy = ({ now, reason }: Extract<Transition, { readonly _tag: "Cancel" }>) => ({
  cancelRequested: reason,
  cancelRequestedAt: now
})

/** From the beginning, with what another one is to do, and what that has kept. */
const renewed = (execution: Execution, by: Execution): Execution => ({
  ...withoutHold(withoutEnd(withoutRun(by))),
  id: execution.id,
  generation: execution.generation + 1,
  status: "Scheduled",
  attempt: 0,
  lapses: 0
})
