/** What is to be done about a ring: the record says it. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Result from "effect/Result"
import * as Crew from "./crew.ts"
import { releaseSlot, takeSlot } from "./crew.ts"
import type * as DocketError from "./DocketError.ts"
import * as DocketRecords from "./DocketRecords.ts"
import type * as DocketStore from "./DocketStore.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as Execution from "./Execution.ts"
import type * as Sealing from "./sealing.ts"
import * as strikes from "./strikes.ts"

/** What a ring came to: work that was claimed, or nothing. */
export interface Claimed<R> {
  readonly handled: DocketTask.Handled<R>
  readonly execution: Execution.Execution
  readonly payload: unknown
  /** By the clocks of this process: it may have been frozen since it asked for the lease, and another may have it by now. */
  readonly isLeaseOver: () => boolean
}

export const make = <R>(crew: Crew.Crew<R>, struck: strikes.Strikes) => {
  const { clock, handlers, records, settings } = crew
  const { engine, sealing, store } = records
  const names = [...handlers.keys()]
  const unknown = new Set<string>()

  const consider = (turn: Crew.Turn): Effect.Effect<Claimed<R> | undefined, DocketError.DocketError> =>
    Effect.flatMap(look(turn), (decision) => decision === "Again" ? consider(turn) : Effect.succeed(decision))

  /** Claims it at once, unless it has to be seen before: for what is more urgent, or for what the turn had a share of. */
  const look = (turn: Crew.Turn) =>
    Effect.suspend(() => {
      turn.passed = Crew.stopwatch(clock)
      const { claim } = store
      return claim === undefined || !engine.ordersByPriority || turn.slotted !== undefined
        ? find(turn)
        : findAndClaim(turn, claim)
    })

  const findAndClaim = (turn: Crew.Turn, claim: NonNullable<DocketStore.DocketStore["Service"]["claim"]>) =>
    Effect.flatMap(
      claim({ id: turn.id, worker: turn.name, leaseMillis: settings.leaseMillis, tasks: names, unless: strikes.kind }),
      (found) => {
        if (found === undefined) return Effect.undefined
        const { execution, isClaimed, now } = found
        if (!isClaimed) return decide(turn, execution, now)
        records.publish("Claim", execution)
        return openAndBegin(turn, handlers.get(execution.task)!, execution, now)
      }
    )

  const find = (turn: Crew.Turn) =>
    Effect.flatMap(store.find(turn.id, engine.ordersByPriority ? undefined : names), (found) => {
      if (found === undefined) return Effect.undefined
      const { execution, now, urgent } = found
      if (urgent === undefined || execution.status !== "Scheduled" || !Execution.isDue(execution, now)) {
        return decide(turn, execution, now)
      }
      // Rung for first, so that whatever happens to this worker nobody is forgotten.
      return Effect.flatMap(records.ring(execution, { why: `${urgent.id}#${urgent.generation}`, at: 0 }), () => {
        turn.id = urgent.id
        return decide(turn, urgent, now)
      })
    })

  /** `Again` when it was not so any more. */
  const decide = (
    turn: Crew.Turn,
    execution: Execution.Execution,
    now: number
  ): Effect.Effect<Claimed<R> | "Again" | undefined, DocketError.DocketError> => {
    const handled = handlers.get(execution.task)
    if (execution.status === "Running") {
      // The answer to its start did not come.
      return execution.worker === turn.name && handled !== undefined
        ? openAndBegin(turn, handled, execution, now)
        : Effect.as(yieldToHolder(execution, now), undefined)
    }
    if (execution.status !== "Scheduled" || execution.isHeld === true) return Effect.undefined
    if (!Execution.isDue(execution, now)) {
      return Effect.as(records.ring(execution, { why: `early${now}`, at: execution.dueAt }), undefined)
    }
    return handled === undefined ? Effect.as(leave(execution, now), undefined) : claim(turn, handled, execution, now)
  }

  const yieldToHolder = (execution: Execution.Execution, now: number): Effect.Effect<void, DocketError.DocketError> =>
    execution.leaseUntil! > now
      ? records.ring(execution, { why: `lease${execution.leaseUntil}`, at: execution.leaseUntil! })
      : lapse(crew, execution, now)

  /** To a worker that knows the task; that there may be none is said once. */
  const leave = Effect.fnUntraced(function*(execution: Execution.Execution, now: number) {
    records.publish("Unknown", execution)
    if (!unknown.has(execution.task)) {
      unknown.add(execution.task)
      yield* Effect.logWarning(
        `This worker has no task ${JSON.stringify(execution.task)}, and leaves its executions to workers that have.`
      )
    }
    const tick = Math.floor(now / settings.sweepMillis) + 1
    yield* records.ring(execution, { why: `unknown${tick}`, at: tick * settings.sweepMillis })
  })

  const claim = (
    turn: Crew.Turn,
    handled: DocketTask.Handled<R>,
    execution: Execution.Execution,
    now: number
  ): Effect.Effect<Claimed<R> | "Again" | undefined, DocketError.DocketError> =>
    Effect.flatMapEager(struck.isStruck(execution), (isStruck) => {
      if (isStruck) return become(execution, { _tag: "Hold" })
      return Effect.flatMapEager(opened(handled, execution), (payload) =>
        // What is not to run takes no share of a limit.
        Effect.flatMapEager(payload._tag === "Failure" ? Effect.undefined : acquire(turn, execution), (busy) =>
          busy === undefined
            ? Effect.flatMapEager(
              records.changeOnly(execution, {
                _tag: "Claim",
                worker: turn.name,
                now,
                leaseMillis: settings.leaseMillis
              }),
              (claimed): Effect.Effect<Claimed<R> | "Again" | undefined, DocketError.DocketError> =>
                claimed === undefined ? Effect.succeed("Again") : begin(turn, handled, claimed, payload, now)
            )
            : postpone(execution, busy.freeAt, now)))
    })

  const opened = ({ task }: DocketTask.Handled<R>, execution: Execution.Execution) =>
    Effect.result(Effect.catchDefect(
      Effect.suspend(() => sealing.read(task.payload, execution.payload, "payload", execution)),
      (defect) =>
        Effect.andThen(
          Effect.logError(`The schema of the payload of ${JSON.stringify(task.name)} has died.`, defect),
          Effect.fail<Sealing.Problem>({ _tag: "Invalid", issue: "Its schema has died of it." })
        )
    ))

  const openAndBegin = (
    turn: Crew.Turn,
    handled: DocketTask.Handled<R>,
    execution: Execution.Execution,
    now: number
  ) => Effect.flatMap(opened(handled, execution), (payload) => begin(turn, handled, execution, payload, now))

  /** What is claimed, if its payload can be used. */
  const begin = (
    { name, passed }: Crew.Turn,
    handled: DocketTask.Handled<R>,
    execution: Execution.Execution,
    payload: Result.Result<unknown, Sealing.Problem>,
    now: number
  ): Effect.Effect<Claimed<R> | undefined, DocketError.DocketError> => {
    if (payload._tag === "Success") {
      return Effect.succeed({
        handled,
        execution,
        payload: payload.success,
        isLeaseOver: () => passed() >= execution.leaseUntil! - now
      })
    }
    const issue = payload.failure._tag === "Invalid" ? payload.failure.issue : "It is too large."
    const refusal = records.change(execution.id, {
      _tag: "Refuse",
      holder: { worker: name, run: execution.run! },
      failure: { kind: "Undecodable", message: `The payload cannot be used. ${issue}` },
      now,
      keepMillis: DocketRecords.keepMillis(handled.task, true)
    }, execution)
    return Effect.as(refusal, undefined)
  }

  /** Nothing of what was found is true of what it becomes meanwhile. */
  const become = (execution: Execution.Execution, transition: Execution.Transition) =>
    Effect.map(
      records.changeOnly(execution, transition),
      (changed) => changed === undefined ? "Again" as const : undefined
    )

  const postpone = (execution: Execution.Execution, freeAt: number, now: number) =>
    Effect.flatMap(Random.next, (share) => {
      const patience = Math.min(freeAt - now, busyPatience * (0.5 + share))
      return become(execution, { _tag: "Postpone", until: now + Math.max(1, Math.ceil(patience)) })
    })

  /** Undefined when it may start now. */
  const acquire = (turn: Crew.Turn, execution: Execution.Execution) =>
    turn.slotted === undefined && Execution.isUnlimited(execution)
      ? Effect.undefined
      : acquireLimited(turn, execution)

  const acquireLimited = Effect.fnUntraced(function*(turn: Crew.Turn, execution: Execution.Execution) {
    const { attempt, generation, id, rate, slot } = execution
    yield* giveBack(turn)
    if (slot !== undefined) turn.slotted = execution
    const busy = yield* takeSlot(crew, execution, turn.name)
    if (busy !== undefined || rate === undefined) return busy
    return yield* store.acquire({
      key: `rate ${rate.key}`,
      limit: rate.limit,
      holder: `${id}/${attempt}/${generation}`,
      lifeMillis: rate.windowMillis
    })
  })

  const giveBack = (turn: Crew.Turn) =>
    Effect.suspend(() => {
      const { name, slotted } = turn
      if (slotted === undefined) return Effect.void
      return Effect.tap(releaseSlot(crew, slotted, name), () => Effect.sync(() => void (turn.slotted = undefined)))
    })

  /** Insists: what it came to, with nothing left behind when that is nothing. */
  const answer = (id: string, name: string): Effect.Effect<Claimed<R> | undefined> =>
    Effect.suspend(() => {
      const turn: Crew.Turn = { name, id, slotted: undefined, passed: () => 0 }
      return Effect.flatMap(Crew.insist(consider(turn)), (claimed) =>
        claimed === undefined && turn.slotted !== undefined
          ? Effect.as(Crew.insist(giveBack(turn)), undefined)
          : Effect.succeed(claimed))
    })

  return { answer }
}

/** One whose lease is over: another worker may have it. */
export const lapse = <R>(
  { handlers, records, settings }: Crew.Crew<R>,
  execution: Execution.Execution,
  now: number
) =>
  Effect.asVoid(records.change(execution.id, {
    _tag: "Lapse",
    now,
    maxLapses: settings.maxLapses,
    keepMillis: DocketRecords.keepMillis(handlers.get(execution.task)?.task, true)
  }, execution))

/** Before a slot is asked for again, in milliseconds; half of it more or less, so that not all ask at once. */
const busyPatience = 250
