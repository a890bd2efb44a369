/** What is to be done about a ring: the record says it. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Crew from "./crew.ts"
import { releaseSlot, takeSlot } from "./crew.ts"
import type * as DocketError from "./DocketError.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as Execution from "./Execution.ts"
import * as Records from "./Records.ts"
import type * as strikes from "./strikes.ts"

/** What a ring came to: work that was claimed, or nothing. */
export interface Claimed<R> {
  readonly handled: DocketTask.Handled<R>
  readonly execution: Execution.Execution
  readonly payload: unknown
}

export const make = <R>(crew: Crew.Crew<R>, struck: strikes.Strikes) => {
  const { handlers, name, records, settings } = crew
  const { engine, sealing, store } = records
  const names = [...handlers.keys()]
  const unknown = new Set<string>()

  const consider = Effect.fnUntraced(function*(id: string) {
    const found = yield* store.find(id, engine.ordersByPriority ? undefined : names)
    if (found === undefined) return undefined
    const { execution, now, urgent } = found
    if (urgent !== undefined && execution.status === "Scheduled" && Execution.isDue(execution, now)) {
      // Rung for first, so that whatever happens to this worker nobody is forgotten.
      yield* records.ring(execution, { why: `${urgent.id}#${urgent.generation}`, at: 0 })
      return yield* decide(urgent, now)
    }
    return yield* decide(execution, now)
  })

  const decide = (
    execution: Execution.Execution,
    now: number
  ): Effect.Effect<Claimed<R> | undefined, DocketError.DocketError> => {
    if (execution.status === "Running") return Effect.as(yieldToHolder(execution, now), undefined)
    if (execution.status !== "Scheduled" || execution.isHeld === true) return Effect.undefined
    if (!Execution.isDue(execution, now)) {
      return Effect.as(records.ring(execution, { why: `early${now}`, at: execution.dueAt }), undefined)
    }
    const handled = handlers.get(execution.task)
    return handled === undefined ? Effect.as(leave(execution, now), undefined) : claim(handled, execution, now)
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

  const claim = Effect.fnUntraced(function*(
    handled: DocketTask.Handled<R>,
    execution: Execution.Execution,
    now: number
  ) {
    const change = (transition: Execution.Transition) => records.change(execution.id, transition, execution)
    if (yield* struck.isStruck(execution)) return void (yield* change({ _tag: "Hold" }))
    const payload = yield* Effect.result(
      sealing.read(handled.task.payload, execution.payload, "payload", Records.ownerOf(execution))
    )
    if (payload._tag === "Failure") {
      const issue = payload.failure._tag === "Invalid" ? payload.failure.issue : "It is too large."
      return void (yield* change({
        _tag: "Refuse",
        failure: { kind: "Undecodable", message: `The payload cannot be used. ${issue}` },
        now,
        keepMillis: Records.keepMillis(handled.task, true)
      }))
    }
    const busy = yield* acquire(execution)
    if (busy !== undefined) {
      const share = yield* Random.next
      const patience = Math.min(busy.freeAt - now, busyPatience * (0.5 + share))
      return void (yield* change({ _tag: "Postpone", until: now + Math.max(1, Math.ceil(patience)) }))
    }
    const claimed = yield* change({ _tag: "Claim", worker: name, now, leaseMillis: settings.leaseMillis })
    if (claimed._tag === "Changed") return { handled, execution: claimed.execution, payload: payload.success }
    yield* releaseSlot(crew, execution, execution.generation + 1)
    return undefined
  })

  /** Undefined when it may start now. */
  const acquire = Effect.fnUntraced(function*(execution: Execution.Execution) {
    const { attempt, generation, id, rate } = execution
    const slot = yield* takeSlot(crew, execution, generation + 1)
    if (slot !== undefined || rate === undefined) return slot
    const start = yield* store.acquire({
      key: `rate ${rate.key}`,
      limit: rate.limit,
      holder: `${id}/${attempt}/${generation}`,
      lifeMillis: rate.windowMillis
    })
    if (start !== undefined) yield* releaseSlot(crew, execution, execution.generation + 1)
    return start
  })

  return { consider }
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
    keepMillis: Records.keepMillis(handlers.get(execution.task)?.task, true)
  }, execution))

/** Before a slot is asked for again, in milliseconds; half of it more or less, so that not all ask at once. */
const busyPatience = 250
