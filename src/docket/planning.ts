/** Schedules and strikes, as whoever runs a docket sets them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Millis from "../storage/Millis.ts"
import * as adding from "./adding.ts"
import type * as Docket from "./Docket.ts"
import * as DocketError from "./DocketError.ts"
import type * as DocketRecords from "./DocketRecords.ts"
import type * as DocketStore from "./DocketStore.ts"
import type * as Execution from "./Execution.ts"
import * as schedules from "./schedules.ts"
import * as strikes from "./strikes.ts"
import * as workers from "./workers.ts"

export const make = (
  records: DocketRecords.DocketRecords["Service"],
  planted: schedules.Schedules
): Pick<
  Docket.Docket["Service"],
  "schedule" | "unschedule" | "schedules" | "strike" | "restore" | "strikes" | "snapshot"
> => {
  const { engine, sealing, store } = records

  /** All of a query, page after page. */
  const forAll = Effect.fnUntraced(function*(
    query: Omit<DocketStore.Query, "limit" | "cursor">,
    use: (execution: Execution.Execution) => Effect.Effect<unknown, DocketError.DocketError>
  ) {
    let cursor: string | undefined
    do {
      const page: DocketStore.Page = yield* store.list({ ...query, cursor, limit: 100 })
      yield* Effect.forEach(page.executions, use, { discard: true })
      cursor = page.cursor
    } while (cursor !== undefined)
  })

  const cancelWaiting = Effect.fnUntraced(function*(key: string, reason: string) {
    const now = yield* Clock.currentTimeMillis
    const transition = { _tag: "Cancel", reason, now, keepMillis: 0 } as const
    // Not kept, for the schedule may come back to the same tick.
    yield* forAll({ schedule: key, status: "Scheduled" }, (execution) =>
      Effect.flatMap(
        records.changeOnly(execution, transition),
        (cancelled) => cancelled === undefined ? Effect.void : store.remove(execution.id)
      ))
  })

  const all = Effect.gen(function*() {
    const found = yield* Effect.forEach(
      yield* store.notes(schedules.kind),
      (note) => Effect.map(schedules.fromNote(note), (kept) => ({ key: note.id, kept }))
    )
    return yield* Effect.forEach(
      found.flatMap(({ kept, key }) => kept === undefined ? [] : [{ key, kept }]),
      ({ kept, key }) =>
        Effect.map(store.list({ schedule: key, status: "Scheduled", limit: 1 }), ({ executions }) => ({
          key,
          task: kept.task,
          when: kept.when,
          priority: kept.priority,
          nextAt: executions[0]?.dueAt
        }))
    )
  })

  /** What is sealed is another text each time. */
  const saysTheSame = Effect.fnUntraced(function*(
    key: string,
    { payload: before, ...known }: schedules.Kept | { readonly payload: undefined },
    { payload: after, ...wanted }: schedules.Kept
  ) {
    if (before === undefined || !Equal.equals(known, wanted)) return false
    const open = (payload: string) =>
      Effect.option(sealing.readJson(
        payload,
        "payload",
        { id: key, schedule: key, task: wanted.task }
      ))
    const payload = yield* open(before)
    return Option.isSome(payload) && Equal.equals(payload, yield* open(after))
  })

  const allStrikes = Effect.flatMap(store.notes(strikes.kind), strikes.fromNotes)

  return {
    schedule: Effect.fnUntraced(function*(key, task, payload, when) {
      const kept: schedules.Kept = {
        when: "every" in when
          ? { everyMillis: Millis.of(when.every) }
          : { cron: when.cron, ...when.timeZone !== undefined && { timeZone: when.timeZone } },
        task: task.name,
        payload: yield* adding.sealedPayload(
          records,
          task,
          payload,
          { id: key, schedule: key, task: task.name }
        ),
        priority: task.options.priority,
        ...adding.limitsOf(task, payload)
      }
      yield* schedules.nextTick(key, kept.when, yield* Clock.currentTimeMillis)
      const before = (yield* store.notes(schedules.kind)).find(({ id }) => id === key)
      const isSame = before !== undefined &&
        (yield* saysTheSame(key, (yield* schedules.fromNote(before)) ?? { payload: undefined }, kept))
      // Also when it is the same: sealed with the key of now, the one before can be done without.
      yield* store.note(yield* schedules.toNote(key, kept))
      if (!isSame && before !== undefined) yield* cancelWaiting(key, "Its schedule has changed.")
      yield* planted.plantFirst(key)
    }),
    unschedule: Effect.fnUntraced(function*(key) {
      const wasThere = yield* store.withdraw({ kind: schedules.kind, id: key })
      yield* cancelWaiting(key, "Its schedule was removed.")
      return wasThere
    }),
    schedules: all,
    strike: (strike) =>
      strike.where !== undefined && !strikes.isPointer(strike.where.at)
        ? Effect.fail(DocketError.make(
          new DocketError.InvalidOption({
            option: "where.at",
            issue: `${JSON.stringify(strike.where.at)} is no JSON Pointer, as "/customer/id".`
          })
        ))
        : Effect.flatMap(strikes.toNote(strike), store.note),
    restore: Effect.fnUntraced(function*(strike) {
      const wasThere = yield* store.withdraw(yield* strikes.toNote(strike))
      yield* forAll({ isHeld: true }, ({ id }) => records.change(id, { _tag: "Restore" }))
      return wasThere
    }),
    strikes: allStrikes,
    snapshot: Effect.gen(function*() {
      return {
        at: yield* Clock.currentTimeMillis,
        counts: yield* store.counts,
        rings: yield* engine.stats,
        workers: yield* workers.present(store),
        schedules: yield* all,
        strikes: yield* allStrikes
      }
    })
  }
}
