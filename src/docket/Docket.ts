/**
 * A durable queue of background work: add it, schedule it, see how it goes, cancel it, look at what has failed.
 *
 * Work is done at least once: when a worker disappears, what it was doing is done again when its lease is over. How it
 * ended is written once, whatever was delivered twice. Without any worker, work waits.
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Stream from "effect/Stream"
import * as adding from "./adding.ts"
import * as DocketEngine from "./DocketEngine.ts"
import * as EnginePersistedQueue from "./DocketEnginePersistedQueue.ts"
import type * as DocketError from "./DocketError.ts"
import type * as DocketEvent from "./DocketEvent.ts"
import * as DocketRecords from "./DocketRecords.ts"
import * as DocketStore from "./DocketStore.ts"
import * as DocketStoreSql from "./DocketStoreSql.ts"
import type * as DocketTask from "./DocketTask.ts"
import type * as Execution from "./Execution.ts"
import * as ids from "./ids.ts"
import * as keeping from "./keeping.ts"
import * as operating from "./operating.ts"
import * as planning from "./planning.ts"
import * as schedules from "./schedules.ts"
import * as Sealing from "./sealing.ts"
import type * as strikes from "./strikes.ts"
import * as Worker from "./Worker.ts"
import type * as workers from "./workers.ts"

/** @category models @since 0.1.0 */
export interface AddOptions {
  /**
   * Names the work, for its task: while an execution of this key is kept, and that is for a while after its end, another
   * one is not added. Random when left out. Not for a task with a cooldown or a debounce, whose keys they make.
   */
  readonly key?: string | undefined
  /** Not before; at once when left out. */
  readonly at?: Date | undefined
  /** Not before so long from now; instead of `at`. Neither is for a task with a debounce, which has its own time. */
  readonly delay?: Duration.Input | undefined
  /** Instead of that of the task. */
  readonly priority?: number | undefined
  /** On whose behalf; `list` finds it by that. */
  readonly owner?: string | undefined
  /** What its first run finds kept (`DocketTask.Run`). */
  readonly data?: Schema.Json | undefined
  /** When it may be forgotten once it has ended, instead of what the task says. */
  readonly keepUntil?: Date | undefined
}

/**
 * - `Added`
 * - `Exists`: an execution of this key is kept already, maybe one that has ended
 * - `Cooling`: dropped by the cooldown of its task
 * - `Debounced`: the one that waits has this payload now, and waits anew
 *
 * @category models
 * @since 0.1.0
 */
export type AddOutcome = "Added" | "Exists" | "Cooling" | "Debounced"

/** @category models @since 0.1.0 */
export interface Added {
  /** Of the execution that does it, or has done it. */
  readonly id: string
  readonly outcome: AddOutcome
  /** As it was then: one that `Exists` may have failed, and be for `retry`. */
  readonly status: Execution.Status
}

/** @category models @since 0.1.0 */
export interface Amendment {
  readonly data: Schema.Json
  readonly isReady: boolean
}

/** An interval, whose ticks are its multiples since 1970, or a cron expression. @category models @since 0.1.0 */
export type When =
  | { readonly every: Duration.Input }
  /** Five fields, or six with seconds first; in UTC without a time zone (IANA name or offset). */
  | { readonly cron: string; readonly timeZone?: string | undefined }

/** @category models @since 0.1.0 */
export interface ScheduleInfo {
  readonly key: string
  readonly task: string
  readonly when: schedules.When
  readonly priority: number
  /** Epoch milliseconds of the run that waits; undefined while the one before it runs. */
  readonly nextAt: number | undefined
}

/** @category models @since 0.1.0 */
export type Strike = strikes.Strike

/** @category models @since 0.1.0 */
export type WorkerInfo = workers.Worker

/** @category models @since 0.1.0 */
export type ListOptions = Partial<DocketStore.Query>

/** @category models @since 0.1.0 */
export interface Snapshot {
  readonly at: number
  readonly counts: ReadonlyArray<DocketStore.Count>
  /** What waits at the doorbell; several rings may be for one execution. */
  readonly rings: DocketEngine.Stats
  /** Seen in the last two minutes. */
  readonly workers: ReadonlyArray<WorkerInfo>
  readonly schedules: ReadonlyArray<ScheduleInfo>
  readonly strikes: ReadonlyArray<Strike>
}

type Payload<T extends DocketTask.Any> = T["payload"]["Type"]

/** @category services @since 0.1.0 */
export class Docket extends Context.Service<Docket, {
  /** A task without a payload is added without one. */
  readonly add: <T extends DocketTask.Any>(
    task: T,
    ...given: undefined extends Payload<T> ? [payload?: Payload<T>, options?: AddOptions]
      : [payload: Payload<T>, options?: AddOptions]
  ) => Effect.Effect<Added, DocketError.DocketError>
  /**
   * Puts other work in the place of that of this key, also if it runs (its handler is then interrupted, and its result
   * not taken) or has ended; adds it if there is none.
   */
  readonly replace: <T extends DocketTask.Any>(
    task: T,
    key: string,
    payload: Payload<T>,
    options?: Omit<AddOptions, "key">
  ) => Effect.Effect<{ readonly id: string }, DocketError.DocketError>
  /**
   * What waits is cancelled at once; what runs, on whichever worker, is interrupted within moments, and is cancelled
   * unless it succeeds before. False when it had ended.
   */
  readonly cancel: (id: string, reason?: string) => Effect.Effect<boolean, DocketError.DocketError>
  /** Undefined when there is none, or it has been forgotten. */
  readonly get: (id: string) => Effect.Effect<Execution.Execution | undefined, DocketError.DocketError>
  /** What it is to do. */
  readonly payload: <T extends DocketTask.Any>(
    task: T,
    id: string
  ) => Effect.Effect<Payload<T>, DocketError.DocketError>
  /** What its runs have kept (`DocketTask.Run`), with what others have added. */
  readonly data: (execution: Execution.Execution) => Effect.Effect<Schema.Json | undefined, DocketError.DocketError>
  /**
   * Changes what is kept of work that waits, as it is then; with `isReady` it starts at once. `change` is a function of
   * what is there, and is asked again when somebody else was faster; undefined leaves it. What runs, or has ended, stays
   * as it is. Gives the execution as it is afterwards, undefined when there is none.
   */
  readonly amend: (
    id: string,
    change: (data: Schema.Json | undefined) => Amendment | undefined
  ) => Effect.Effect<Execution.Execution | undefined, DocketError.DocketError>
  /**
   * Waits for its end, for as long as that takes and without a worker for ever: its success, the error of its task, or
   * why there is neither.
   */
  readonly result: <T extends DocketTask.Any>(
    task: T,
    id: string
  ) => Effect.Effect<T["success"]["Type"], T["error"]["Type"] | DocketError.DocketError>
  /** The same of one that has ended, as it is at hand. */
  readonly outcome: <T extends DocketTask.Any>(
    task: T,
    execution: Execution.Execution
  ) => Effect.Effect<T["success"]["Type"], T["error"]["Type"] | DocketError.DocketError>
  /** As it is and as it becomes, until its end; not each of changes that follow each other fast. */
  readonly observe: (id: string) => Stream.Stream<Execution.Execution, DocketError.DocketError>
  /**
   * What was done by this process, from now on. Whoever falls far behind misses the oldest. What is added in a transaction
   * of the caller is told before that has ended.
   */
  readonly events: Stream.Stream<DocketEvent.DocketEvent>
  /** Newest first, 100 to a page. */
  readonly list: (options?: ListOptions) => Effect.Effect<DocketStore.Page, DocketError.DocketError>
  /** Has one that failed, or was cancelled, begin anew. False when it has not ended so. */
  readonly retry: (id: string) => Effect.Effect<boolean, DocketError.DocketError>
  /**
   * Adds work again and again. The same key again changes the schedule; runs that have begun go on. A run that is late
   * by several ticks is made once.
   */
  readonly schedule: <T extends DocketTask.Any>(
    key: string,
    task: T,
    payload: Payload<T>,
    when: When
  ) => Effect.Effect<void, DocketError.DocketError>
  /** Runs that wait are cancelled. False when there was none. */
  readonly unschedule: (key: string) => Effect.Effect<boolean, DocketError.DocketError>
  readonly schedules: Effect.Effect<ReadonlyArray<ScheduleInfo>, DocketError.DocketError>
  /** From now on, within a second on other workers, nothing that it names starts; what runs goes on. */
  readonly strike: (strike: Strike) => Effect.Effect<void, DocketError.DocketError>
  /** What it held starts, unless another strike holds it. False when there was none. */
  readonly restore: (strike: Strike) => Effect.Effect<boolean, DocketError.DocketError>
  readonly strikes: Effect.Effect<ReadonlyArray<Strike>, DocketError.DocketError>
  readonly snapshot: Effect.Effect<Snapshot, DocketError.DocketError>
}>()("fastmcp-effect/docket/Docket") {}

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Seals payloads, results and errors (XChaCha20-Poly1305) before they are kept; the first key seals, all open. At least
   * 32 random bytes each. With a key, what is not sealed with one of them is not used: a payload fails as `Undecodable`.
   */
  readonly encryption?:
    | readonly [Redacted.Redacted<string | Uint8Array>, ...ReadonlyArray<Redacted.Redacted<string | Uint8Array>>]
    | undefined
  /** Of JSON of one payload, result or error. A larger payload is refused, a larger result fails its execution. 1 MiB. */
  readonly maxBytes?: number | undefined
  /** How long it may take until a change of another process is seen: a cancel, an end that is waited for. 250 milliseconds. */
  readonly pollInterval?: Duration.Input | undefined
}

/**
 * On a store and an engine. Dies when a key is too short.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Docket | DocketRecords.DocketRecords, never, DocketStore.DocketStore | DocketEngine.DocketEngine> =>
  Layer.effectContext(make(options))

/**
 * In the memory of this process, and gone with it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (
  options: Options & DocketStore.MemoryOptions = {}
): Layer.Layer<Docket | DocketRecords.DocketRecords> =>
  Layer.provide(layer(options), [DocketStore.layerMemory(options), EnginePersistedQueue.layerMemory])

/** @category models @since 0.1.0 */
export interface SqlOptions extends Options, EnginePersistedQueue.Options, DocketStoreSql.Options {
  /**
   * How often a process that has room looks for work that others have added, and for what others did to its own. Each
   * look is a statement. 250 milliseconds.
   */
  readonly pollInterval?: Duration.Input | undefined
}

/**
 * In a database of SQLite or Postgres: records and rings are written together or not at all, also in a transaction of
 * the caller, and work that was added in one that is rolled back was never added. Makes its tables if they are missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSql = (
  options: SqlOptions = {}
): Layer.Layer<Docket | DocketRecords.DocketRecords, DocketError.DocketError, SqlClient.SqlClient> =>
  Layer.provide(layer(options), [DocketStoreSql.layer(options), EnginePersistedQueue.layerSql(options)])

/**
 * Does the work of these tasks, for as long as the layer lives. Closing it stops the answering at once, lets runs end for
 * `drain`, and gives the rest back. Dies when two handlers have tasks of one name.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWorker = <const Handlers extends ReadonlyArray<DocketTask.AnyHandled>>(
  handlers: Handlers,
  options?: Worker.Options
): Layer.Layer<never, never, DocketRecords.DocketRecords | DocketTask.Services<Handlers[number]>> =>
  Layer.effectDiscard(Worker.make<DocketTask.Services<Handlers[number]>>(handlers, options))

/**
 * Works until nothing of these tasks is left to do: none runs, and none waits but runs of schedules and what is struck. For
 * tests, and for jobs that end. Under `TestClock`, fork it and adjust the clock.
 *
 * @category running
 * @since 0.1.0
 */
export const runUntilFinished = <const Handlers extends ReadonlyArray<DocketTask.AnyHandled>>(
  handlers: Handlers,
  options?: Worker.Options
): Effect.Effect<void, DocketError.DocketError, DocketRecords.DocketRecords | DocketTask.Services<Handlers[number]>> =>
  Effect.scoped(Effect.andThen(
    Worker.make<DocketTask.Services<Handlers[number]>>(handlers, options),
    finished(handlers.map(({ task }) => task.name))
  ))

const finished = Effect.fnUntraced(function*(names: ReadonlyArray<string>) {
  const { events, pollInterval, store } = yield* DocketRecords.DocketRecords
  const subscription = yield* PubSub.subscribe(events)
  const isLeft = Effect.gen(function*() {
    for (const task of names) {
      const running = yield* store.list({ task, status: "Running", limit: 1 })
      if (running.executions.length > 0) return true
      let cursor: string | undefined
      do {
        const page: DocketStore.Page = yield* store.list({
          task,
          status: "Scheduled",
          isHeld: false,
          limit: 100,
          cursor
        })
        if (page.executions.some(({ schedule }) => schedule === undefined)) return true
        cursor = page.cursor
      } while (cursor !== undefined)
    }
    return false
  })
  while (yield* isLeft) {
    yield* Effect.raceFirst(Effect.asVoid(PubSub.take(subscription)), Effect.sleep(pollInterval))
  }
})

const make = Effect.fnUntraced(function*(options: Options) {
  const store = yield* DocketStore.DocketStore
  const engine = yield* DocketEngine.DocketEngine
  const { randomBytes } = yield* random
  const { encryption: keys, maxBytes = 1024 * 1024 } = options
  const records: DocketRecords.DocketRecords["Service"] = yield* DocketRecords.make({
    store,
    engine,
    sealing: yield* Sealing.make({ keys, maxBytes }),
    pollInterval: Duration.fromInputUnsafe(options.pollInterval ?? "250 millis"),
    newId: ids.make(randomBytes),
    beforeEnd: (run) => Effect.suspend(() => planted.plantAfter(run))
  })
  const planted = schedules.make(store, records.add)
  const docket: Docket["Service"] = {
    ...adding.make(records),
    ...keeping.make(records),
    ...operating.make(records),
    ...planning.make(records, planted)
  }
  return Context.make(Docket, docket).pipe(Context.add(DocketRecords.DocketRecords, records))
})

/** The program's, or Web Crypto's. */
const random: Effect.Effect<SecureRandom.SecureRandom["Service"], never, Scope.Scope> = Effect.gen(function*() {
  const given = Context.getOrUndefined(yield* Effect.context<never>(), SecureRandom.SecureRandom)
  return given ?? Context.get(yield* Layer.build(SecureRandom.layerWebCrypto), SecureRandom.SecureRandom)
})
