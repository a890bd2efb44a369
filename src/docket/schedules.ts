/**
 * Work that comes again: a schedule is a note in the store, and its next run an execution whose id says for which tick
 * it is. The next run is recorded before the one before it ends, so a chain breaks nowhere; planting a tick twice is
 * planting it once.
 */
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as DocketError from "./DocketError.ts"
import type * as DocketStore from "./DocketStore.ts"
import * as Execution from "./Execution.ts"

export const kind = "schedule"

export const When = Schema.Union([
  Schema.Struct({ cron: Schema.String, timeZone: Schema.optionalKey(Schema.String) }),
  Schema.Struct({ everyMillis: Schema.Int })
])

export type When = typeof When.Type

/** What each run is made of. */
const Kept = Schema.Struct({
  when: When,
  task: Schema.String,
  payload: Schema.String,
  priority: Schema.Int,
  slot: Schema.optionalKey(Execution.Slot),
  rate: Schema.optionalKey(Execution.Rate)
})

export type Kept = typeof Kept.Type

const json = Schema.fromJsonString(Kept)
const encode = Schema.encodeEffect(json)
const decode = Schema.decodeEffect(json)

export const toNote = (key: string, kept: Kept): Effect.Effect<DocketStore.Note> =>
  Effect.map(Effect.orDie(encode(kept)), (data) => ({ kind, id: key, data }))

export const fromNote = ({ data }: DocketStore.Note): Effect.Effect<Kept | undefined> =>
  Effect.catch(decode(data), () => Effect.undefined)

/**
 * The first tick after a time. Of an interval they are its multiples since 1970, so that all processes know them; of a
 * cron expression those of its time zone, UTC if it has none.
 */
export const nextTick = (key: string, when: When, after: number): Effect.Effect<number, DocketError.DocketError> => {
  if ("everyMillis" in when) {
    return when.everyMillis >= 1
      ? Effect.succeed((Math.floor(after / when.everyMillis) + 1) * when.everyMillis)
      : Effect.fail(invalid(key, "an interval has at least a millisecond"))
  }
  const cron = Cron.parse(when.cron, when.timeZone ?? "UTC")
  if (Result.isFailure(cron)) return Effect.fail(invalid(key, cron.failure.message))
  return Effect.try({
    try: () => Cron.next(cron.success, new Date(after)).getTime(),
    catch: () => invalid(key, "the expression names a date that never comes")
  })
}

const invalid = (key: string, issue: string) => DocketError.make(new DocketError.InvalidSchedule({ key, issue }))

const idOf = (key: string, tick: number): string => `${key}@${new Date(tick).toISOString()}`

/** Which one a run is of. When it is due may be another time by now. */
const tickOf = ({ dueAt, id, schedule = "" }: Execution.Execution): number => {
  const tick = Date.parse(id.slice(schedule.length + 1))
  return Number.isNaN(tick) ? dueAt : tick
}

/** The run of a tick, as it is added. */
export const runAt = (key: string, kept: Kept, tick: number, now: number): Execution.Execution => {
  const { when: _, ...rest } = kept
  return {
    ...rest,
    id: idOf(key, tick),
    status: "Scheduled",
    generation: 1,
    createdAt: Math.min(now, tick - 1),
    dueAt: tick,
    attempt: 0,
    lapses: 0,
    schedule: key
  }
}

/** Overdue for so long nothing is that was ever added. */
const never = 1e15

export interface Schedules {
  /** Plants the next run, unless one waits or runs: its end plants the one after it. */
  readonly plantFirst: (key: string) => Effect.Effect<void, DocketError.DocketError>
  /** Plants the one after this. */
  readonly plantAfter: (run: Execution.Execution) => Effect.Effect<void, DocketError.DocketError>
  /** Of each schedule that has no run before it, plants one. */
  readonly plantMissing: Effect.Effect<void, DocketError.DocketError>
}

export const make = (
  store: DocketStore.DocketStore["Service"],
  add: (execution: Execution.Execution) => Effect.Effect<unknown, DocketError.DocketError>
): Schedules => {
  const plant = Effect.fnUntraced(function*(note: DocketStore.Note, after: number) {
    const kept = yield* fromNote(note)
    if (kept === undefined) {
      return yield* Effect.logError(`The schedule ${JSON.stringify(note.id)} cannot be read, and plans no run.`)
    }
    // By the clock of the store, or workers would not agree on which tick is the next.
    const { now } = yield* store.overdue({ graceMillis: never, limit: 1 })
    const tick = yield* Effect.result(nextTick(note.id, kept.when, Math.max(after, now)))
    // Refused before it was kept, but by another version maybe.
    if (tick._tag === "Failure") return yield* Effect.logError(tick.failure.message)
    yield* add(runAt(note.id, kept, tick.success, now))
  })

  const hasRun = Effect.fnUntraced(function*(key: string) {
    const pages = yield* Effect.forEach(
      ["Scheduled", "Running"] as const,
      (status) => store.list({ schedule: key, status, limit: 1 })
    )
    return pages.some(({ executions }) => executions.length > 0)
  })

  const plantOf = Effect.fnUntraced(function*(key: string, after: number) {
    const note = (yield* store.notes(kind)).find(({ id }) => id === key)
    if (note !== undefined) yield* plant(note, after)
  })

  return {
    plantFirst: (key) => Effect.flatMap(hasRun(key), (hasRun) => hasRun ? Effect.void : plantOf(key, 0)),
    plantAfter: (run) => run.schedule === undefined ? Effect.void : plantOf(run.schedule, tickOf(run)),
    plantMissing: Effect.gen(function*() {
      for (const note of yield* store.notes(kind)) if (!(yield* hasRun(note.id))) yield* plant(note, 0)
    })
  }
}
