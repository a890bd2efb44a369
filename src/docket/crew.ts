/** What the parts of a worker share. */
import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as DocketError from "./DocketError.ts"
import type * as DocketRecords from "./DocketRecords.ts"
import type * as DocketTask from "./DocketTask.ts"
import type * as Execution from "./Execution.ts"
import type * as Slots from "./slots.ts"
import type * as Watching from "./watching.ts"

export interface Settings {
  readonly concurrency: number
  readonly leaseMillis: number
  readonly drain: Duration.Duration
  readonly maxLapses: number
  readonly sweepMillis: number
}

/** Why a run ends before its handler does. */
export type Ending =
  | "Timeout"
  | "Cancelled"
  | "Lost"
  | "Stopped"
  /** The handler has put it down. */
  | { readonly _tag: "Waits"; readonly data: string; readonly until: number }

/** What a ring has led to, and may come to be a run. */
export interface Turn {
  /**
   * The worker's, and which of its turns it is: by it what it starts and its share of a limit are its own, also where two
   * look at the same.
   */
  readonly name: string
  /** What to look at: what rang, or what is more urgent. */
  id: string
  /** Of this it has a share, or may have. */
  slotted: Execution.Execution | undefined
  /** Milliseconds since before the last look. */
  passed: () => number
}

/** By whichever clock says more: one may be put back, and the other may stand still while the machine sleeps. */
export const stopwatch = (clock: Clock.Clock): () => number => {
  const [wall, monotonic] = [clock.currentTimeMillisUnsafe(), clock.monotonicTimeNanosUnsafe()]
  return () =>
    Math.max(
      clock.currentTimeMillisUnsafe() - wall,
      Number(clock.monotonicTimeNanosUnsafe() - monotonic) / 1_000_000
    )
}

export interface Run {
  readonly holder: Execution.Holder
  readonly watch: Watching.Watch
  /** Ends it before its handler has ended; the first reason counts. */
  readonly end: (why: Ending) => void
  /** As this worker last wrote it. */
  execution: Execution.Execution
}

export interface Crew<R> {
  /** No other worker has it. */
  readonly name: string
  readonly startedAt: number
  readonly clock: Clock.Clock
  readonly settings: Settings
  readonly records: DocketRecords.DocketRecords["Service"]
  readonly handlers: ReadonlyMap<string, DocketTask.Handled<R>>
  readonly running: Set<Run>
  readonly pace: Slots.Pace
}

/**
 * What the store or the engine does not do now is done again until they do, more and more rarely, for as long as the
 * worker lives. The first failure is logged.
 */
export const insist = <A, R>(effect: Effect.Effect<A, DocketError.DocketError, R>): Effect.Effect<A, never, R> => {
  const again = (pause: number): Effect.Effect<A, never, R> =>
    Effect.catch(
      effect,
      (error) =>
        (pause === firstPause ? Effect.logWarning("A worker waits for its store and engine.", error) : Effect.void)
          .pipe(
            Effect.andThen(Effect.interruptible(Effect.sleep(pause))),
            Effect.andThen(Effect.suspend(() => again(Math.min(2 * pause, longestPause))))
          )
    )
  return again(firstPause)
}

const firstPause = 100

const longestPause = 5000

/**
 * So many with the slot's key run at a time. A share ends a while after the lease, so that no run that has its lease is
 * without its share.
 */
export const takeSlot = <R>({ records, settings }: Crew<R>, { id, slot }: Execution.Execution, turn: string) =>
  slot === undefined ? Effect.undefined : records.store.acquire({
    key: `slot ${slot.key}`,
    limit: slot.limit,
    holder: `${id}@${turn}`,
    lifeMillis: Math.ceil(settings.leaseMillis * 4 / 3)
  })

export const releaseSlot = <R>({ records }: Crew<R>, { id, slot }: Execution.Execution, turn: string) =>
  slot === undefined ? Effect.void : records.store.release({ key: `slot ${slot.key}`, holder: `${id}@${turn}` })
