/** What a worker looks after beside its runs: leases, and what has been forgotten. */
import * as Effect from "effect/Effect"
import { lapse } from "./answering.ts"
import * as Crew from "./crew.ts"
import type * as schedules from "./schedules.ts"
import type * as strikes from "./strikes.ts"
import * as workers from "./workers.ts"

/** Leases what this worker runs anew; what it does not run any more, it is told. */
export const renew = Effect.fnUntraced(function*<R>(crew: Crew.Crew<R>) {
  const { records, running, settings } = crew
  if (running.size === 0) return
  const runs: Array<Crew.Run> = []
  for (const run of [...running]) {
    const busy = yield* Crew.takeSlot(crew, run.execution, run.holder.worker)
    // Its share was over and somebody else has it: it waits for another one.
    if (busy !== undefined) run.end("Stopped")
    else if (running.has(run)) runs.push(run)
    // It has ended, and given back what it has again now.
    else yield* Crew.releaseSlot(crew, run.execution, run.holder.worker)
  }
  const kept = new Set(
    yield* records.store.renew(
      runs.map(({ execution: { generation, id } }) => ({ id, generation })),
      settings.leaseMillis
    )
  )
  for (const { execution } of runs) if (!kept.has(execution.id)) records.watching.changed(execution.id, -1)
})

/**
 * So that no ring that was lost and no worker that has gone is the end of anything: gives leases that are over to others,
 * starts what is due for long and this worker has room for, and has the rest rung for again.
 */
export const sweep = Effect.fnUntraced(function*<R>(crew: Crew.Crew<R>, start: (id: string) => Effect.Effect<unknown>) {
  const { handlers, records, running, settings } = crew
  const { engine, store } = records
  const { executions, now } = yield* store.overdue({ graceMillis: settings.leaseMillis, limit: portion })
  const [gone, waiting] = [
    executions.filter(({ status }) => status === "Running"),
    executions.filter(({ status, task }) => status === "Scheduled" && handlers.has(task))
  ]
  yield* Effect.forEach(gone, (execution) => lapse(crew, execution, now), { discard: true })
  const room = Math.max(0, settings.concurrency - running.size)
  yield* Effect.forEach(waiting.slice(0, room), ({ id }) => start(id), { discard: true })
  const others = waiting.slice(room)
  if (others.length === 0) return
  // Where rings wait, there is more to do than is done, and most of these are among them.
  const patience = (yield* engine.stats).waiting === 0 ? settings.sweepMillis : longPatience
  yield* Effect.forEach(
    others,
    (execution) => records.ring(execution, { why: `overdue${Math.floor(now / patience)}`, at: 0 }),
    { discard: true }
  )
})

/** Schedules without a next run, what is held for no reason, and workers that have gone. */
export const tend = Effect.fnUntraced(function*<R>(
  crew: Crew.Crew<R>,
  struck: strikes.Strikes,
  planted: schedules.Schedules
) {
  yield* planted.plantMissing
  yield* restore(crew, struck)
  yield* workers.report(crew)
  yield* workers.forget(crew.records.store)
})

/** What is held and not struck any more. */
const restore = Effect.fnUntraced(function*<R>({ records }: Crew.Crew<R>, struck: strikes.Strikes) {
  const { executions } = yield* records.store.list({ isHeld: true, limit: portion })
  for (const execution of executions) {
    if (!(yield* struck.isStruckNow(execution))) yield* records.change(execution.id, { _tag: "Restore" }, execution)
  }
})

/** Between two rings for what may only be waiting. */
const longPatience = 600_000

/** Looked at in one sweep. */
const portion = 100
