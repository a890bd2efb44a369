/**
 * What a docket keeps: the records of executions, who has which slot, and the schedules and strikes. It decides nothing:
 * what an execution becomes is for `Execution.apply` to say, and the store writes it over the generation it was made
 * from, or not at all. Records that have expired are as good as gone, and a store removes them by itself.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as DocketError from "./DocketError.ts"
import * as Execution from "./Execution.ts"
import * as StoreText from "./storeText.ts"

/** With the time of the store, by which leases are judged. @category models @since 0.1.0 */
export interface Found {
  readonly execution: Execution.Execution
  readonly now: number
  /**
   * Of those asked for, one that is due and more urgent; the most urgent, and of these the one due the longest. A store
   * for engines that have an order of their own need not look.
   */
  readonly urgent: Execution.Execution | undefined
}

/** A run, as its worker last knew it. @category models @since 0.1.0 */
export interface Hold {
  readonly id: string
  readonly generation: number
}

/** @category models @since 0.1.0 */
export interface Query {
  readonly status?: Execution.Status | undefined
  readonly task?: string | undefined
  /** Those of this schedule. */
  readonly schedule?: string | undefined
  /** Those of this owner. */
  readonly owner?: string | undefined
  /** Those that are, or are not, struck. */
  readonly isHeld?: boolean | undefined
  /** From the page before. After what no page has given there is nothing. */
  readonly cursor?: string | undefined
  /** At most so many; a page may have fewer, and others come after it as long as there is a cursor. */
  readonly limit: number
}

/** In the order in which they were added, newest first. @category models @since 0.1.0 */
export interface Page {
  readonly executions: ReadonlyArray<Execution.Execution>
  readonly cursor: string | undefined
}

/** @category models @since 0.1.0 */
export interface Count {
  readonly task: string
  readonly status: Execution.Status
  readonly count: number
}

/** So many holders of a key at a time. @category models @since 0.1.0 */
export interface SlotRequest {
  readonly key: string
  /** At least 1. What others hold who asked with a higher one stays theirs. */
  readonly limit: number
  readonly holder: string
  /** For how long, if it is not released or asked for again before. */
  readonly lifeMillis: number
}

/** Undefined when the slot is the holder's, also when it was before; else when, at the latest, one is free. @category models @since 0.1.0 */
export type SlotAnswer = { readonly freeAt: number } | undefined

/** A worker that would start an execution. @category models @since 0.1.0 */
export interface ClaimRequest {
  readonly id: string
  /** As in the `Claim` of `Execution.apply`. */
  readonly worker: string
  readonly leaseMillis: number
  /** The names of those it knows. */
  readonly tasks: ReadonlyArray<string>
  /** Nothing is claimed while there is a note of this kind. */
  readonly unless: string
}

/** As it is now, which is its own work where it `isClaimed`; undefined when there is none. @category models @since 0.1.0 */
export type ClaimAnswer =
  | { readonly execution: Execution.Execution; readonly now: number; readonly isClaimed: boolean }
  | undefined

/** What is to be remembered until it is withdrawn: schedules, strikes. @category models @since 0.1.0 */
export interface Note {
  readonly kind: string
  readonly id: string
  readonly data: string
}

/** What is done for executions that have been added. @category models @since 0.1.0 */
export interface Ringing {
  readonly one: (execution: Execution.Execution) => Effect.Effect<void, DocketError.DocketError>
  readonly many: (executions: ReadonlyArray<Execution.Execution>) => Effect.Effect<void, DocketError.DocketError>
}

/** @category services @since 0.1.0 */
export class DocketStore extends Context.Service<DocketStore, {
  /** Keeps it, unless there is one of this id; that is then the answer, and nothing has changed. */
  readonly add: (
    execution: Execution.Execution
  ) => Effect.Effect<Execution.Execution | undefined, DocketError.DocketError>
  readonly find: (
    id: string,
    /** The names of the tasks among which to look for a more urgent one. */
    tasks?: ReadonlyArray<string>
  ) => Effect.Effect<Found | undefined, DocketError.DocketError>
  /**
   * Finds it, and claims it in the same step where that is for nobody else to decide: there is no note of that kind, it is
   * of a task the worker knows and has neither a slot nor a rate, and `Execution.apply` lets it by the time of the store. It
   * is asked for only where rings come by priority: elsewhere a more urgent one has to be looked for first.
   */
  readonly claim?: (request: ClaimRequest) => Effect.Effect<ClaimAnswer, DocketError.DocketError>
  /**
   * Writes it over the generation before its own; false when the record is at another one, or gone. What it is to do may
   * be new only where it begins anew, Scheduled and with no attempt, as `Replace` makes it: of any other change a store
   * leaves `payload`, `task`, `priority` and `schedule` alone. A run that goes on keeps the lease it has by then, which
   * may be a newer one: `renew` does not count as a change.
   */
  readonly change: (
    execution: Execution.Execution,
    condition?: {
      /** Then false as well while the run that is there has its lease, by the clock of the store. */
      readonly isLeaseOver: boolean
    }
  ) => Effect.Effect<boolean, DocketError.DocketError>
  /** Leases the runs anew, from now by the clock of the store; the ids of those that are still at their generation. */
  readonly renew: (
    holds: ReadonlyArray<Hold>,
    leaseMillis: number
  ) => Effect.Effect<ReadonlyArray<string>, DocketError.DocketError>
  /** At which generation they are; those that are gone are left out. */
  readonly generations: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Hold>, DocketError.DocketError>
  /**
   * Runs whose lease is over, and after them what was due so long ago and is not held; of each those it is the longest
   * for first. What waits in a long queue is overdue, too, and must not be in the way of the runs.
   */
  readonly overdue: (options: {
    readonly graceMillis: number
    readonly limit: number
  }) => Effect.Effect<
    { readonly executions: ReadonlyArray<Execution.Execution>; readonly now: number },
    DocketError.DocketError
  >
  readonly list: (query: Query) => Effect.Effect<Page, DocketError.DocketError>
  readonly counts: Effect.Effect<ReadonlyArray<Count>, DocketError.DocketError>
  /** Whether it was there. */
  readonly remove: (id: string) => Effect.Effect<boolean, DocketError.DocketError>
  readonly acquire: (request: SlotRequest) => Effect.Effect<SlotAnswer, DocketError.DocketError>
  readonly release: (slot: Pick<SlotRequest, "key" | "holder">) => Effect.Effect<void, DocketError.DocketError>
  readonly note: (note: Note) => Effect.Effect<void, DocketError.DocketError>
  readonly withdraw: (note: Pick<Note, "kind" | "id">) => Effect.Effect<boolean, DocketError.DocketError>
  readonly notes: (kind: string) => Effect.Effect<ReadonlyArray<Note>, DocketError.DocketError>
  /**
   * Where adding many at the same moment costs less than one by one: does that, with what `ring` does for those that are
   * new, and in one transaction where the store has them. As `add` to each who asks; works in the scope.
   */
  readonly adder?: (ring: Ringing) => Effect.Effect<Add, never, Scope.Scope>
  /** All of it or nothing, where the store can; an engine on the same database takes part. */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DocketError.DocketError, R>
}>()("fastmcp-effect/docket/DocketStore") {}

/** What comes of asking for one to be added, as `add` has it. @category models @since 0.1.0 */
export type Add = (
  execution: Execution.Execution
) => Effect.Effect<Execution.Execution | undefined, DocketError.DocketError>

/**
 * Adds and rings, as the store does that best. Works in the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeAdder = (
  store: DocketStore["Service"],
  ring: Ringing
): Effect.Effect<Add, never, Scope.Scope> =>
  store.adder?.(ring) ?? Effect.succeed((execution) =>
    store.transaction(
      Effect.tap(store.add(execution), (there) => there === undefined ? ring.one(execution) : Effect.void)
    )
  )

/** @category models @since 0.1.0 */
export interface MemoryOptions {
  /** Executions it keeps, those that have ended included; another one is refused. 100,000. */
  readonly maxExecutions?: number
  /** How often what has expired is removed. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/**
 * For one process, and gone with it. Its time is that of the `Clock`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<DocketStore> =>
  Layer.effect(
    DocketStore,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", maxExecutions = 100_000 } = options
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      const records = new Map<string, Kept>()
      const slots = new Map<string, Map<string, number>>()
      const notes = new Map<string, Map<string, Note>>()
      let added = 0

      const live = (id: string): Kept | undefined => {
        const kept = records.get(id)
        return kept !== undefined && isExpired(kept.execution, now()) ? undefined : kept
      }
      const all = (test: (execution: Execution.Execution) => boolean): Array<Kept> => {
        const time = now()
        return [...records.values()].filter(({ execution }) => !isExpired(execution, time) && test(execution))
      }

      const removeExpired = Effect.sync(() => {
        const time = now()
        for (const [id, { execution }] of records) if (isExpired(execution, time)) records.delete(id)
        for (const [key, holders] of slots) {
          for (const [holder, until] of holders) if (until <= time) holders.delete(holder)
          if (holders.size === 0) slots.delete(key)
        }
      })
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(Effect.sleep(Duration.fromInputUnsafe(cleanupInterval)), removeExpired))
      )

      // Executions that wait, by priority, so that who is the most urgent need not be looked for among all.
      const byPriority = new Map<number, Map<string, Execution.Execution>>()
      const forget = ({ id, priority }: Execution.Execution) => {
        const waiting = byPriority.get(priority)
        if (waiting?.delete(id) === true && waiting.size === 0) byPriority.delete(priority)
      }
      const keep = (kept: Kept) => {
        const before = records.get(kept.execution.id)
        if (before !== undefined) forget(before.execution)
        records.set(kept.execution.id, kept)
        const { id, isHeld, priority, status } = kept.execution
        if (status !== "Scheduled" || isHeld === true) return
        const waiting = byPriority.get(priority)
        if (waiting === undefined) byPriority.set(priority, new Map([[id, kept.execution]]))
        else waiting.set(id, kept.execution)
      }

      const moreUrgent = (execution: Execution.Execution, tasks: ReadonlyArray<string>, time: number) => {
        for (const priority of [...byPriority.keys()].sort((a, b) => b - a)) {
          if (priority <= execution.priority) return undefined
          const due = [...byPriority.get(priority)!.values()].filter((other) =>
            Execution.isDue(other, time) && tasks.includes(other.task)
          )
          if (due.length > 0) return due.reduce((first, other) => other.dueAt < first.dueAt ? other : first)
        }
        return undefined
      }

      return {
        add: (execution) =>
          Effect.suspend(() => {
            const there = live(execution.id)
            if (there !== undefined) return Effect.succeed(there.execution)
            if (records.size >= maxExecutions && !records.has(execution.id)) {
              return Effect.fail(DocketError.make(new DocketError.Full({ maximum: maxExecutions })))
            }
            keep({ execution, added: added++ })
            return Effect.undefined
          }),
        find: (id, tasks) =>
          Effect.sync(() => {
            const kept = live(id)
            if (kept === undefined) return undefined
            const time = now()
            return {
              execution: kept.execution,
              now: time,
              urgent: tasks === undefined ? undefined : moreUrgent(kept.execution, tasks, time)
            }
          }),
        claim: ({ id, leaseMillis, tasks, unless, worker }) =>
          Effect.sync(() => {
            const kept = live(id)
            if (kept === undefined) return undefined
            const [{ execution }, time] = [kept, now()]
            const isFree = !notes.has(unless) && Execution.isUnlimited(execution) && tasks.includes(execution.task)
            const claimed = Execution.apply(execution, { _tag: "Claim", worker, leaseMillis, now: time })
            if (!isFree || Result.isFailure(claimed)) return { execution, now: time, isClaimed: false }
            keep({ ...kept, execution: claimed.success })
            return { execution: claimed.success, now: time, isClaimed: true }
          }),
        change: (execution, { isLeaseOver } = { isLeaseOver: false }) =>
          Effect.sync(() => {
            const kept = live(execution.id)
            if (kept?.execution.generation !== execution.generation - 1) return false
            const { leaseUntil, status } = kept.execution
            if (isLeaseOver && leaseUntil !== undefined && leaseUntil > now()) return false
            const goesOn = status === "Running" && execution.status === "Running"
            keep({ execution: goesOn ? { ...execution, leaseUntil: leaseUntil! } : execution, added: kept.added })
            return true
          }),
        renew: (holds, leaseMillis) =>
          Effect.sync(() =>
            holds.filter(({ generation, id }) => {
              const kept = live(id)
              if (kept?.execution.generation !== generation || kept.execution.status !== "Running") return false
              keep({ ...kept, execution: { ...kept.execution, leaseUntil: now() + leaseMillis } })
              return true
            }).map(({ id }) => id)
          ),
        generations: (ids) =>
          Effect.sync(() =>
            ids.flatMap((id) => {
              const kept = live(id)
              return kept === undefined ? [] : [{ id, generation: kept.execution.generation }]
            })
          ),
        overdue: ({ graceMillis, limit }) =>
          Effect.sync(() => {
            const time = now()
            const since = ({ dueAt, leaseUntil = dueAt }: Execution.Execution) => leaseUntil
            const late = (status: Execution.Status, before: number) =>
              all((execution) => execution.status === status && execution.isHeld !== true && since(execution) <= before)
                .map(({ execution }) => execution)
                .sort((a, b) => since(a) - since(b))
            return {
              now: time,
              executions: [...late("Running", time), ...late("Scheduled", time - graceMillis)].slice(0, limit)
            }
          }),
        list: ({ cursor, isHeld, limit, owner, schedule, status, task }) =>
          Effect.sync(() => {
            const before = StoreText.positionOf(cursor)
            if (limit < 1 || before === undefined) return { executions: [], cursor: undefined }
            const found = all((execution) =>
              (status === undefined || execution.status === status) &&
              (task === undefined || execution.task === task) &&
              (schedule === undefined || execution.schedule === schedule) &&
              (owner === undefined || execution.owner === owner) &&
              (isHeld === undefined || (execution.isHeld === true) === isHeld)
            ).filter(({ added }) => added < before).sort((a, b) => b.added - a.added)
            const page = found.slice(0, limit)
            return {
              executions: page.map(({ execution }) => execution),
              cursor: found.length > limit ? String(page.at(-1)!.added) : undefined
            }
          }),
        counts: Effect.sync(() => {
          const groups = Arr.groupBy(
            all(() => true).map(({ execution }) => execution),
            ({ status, task }) => JSON.stringify([task, status])
          )
          return Object.values(groups).map(([{ status, task }, ...others]) => ({
            task,
            status,
            count: 1 + others.length
          }))
        }),
        remove: (id) =>
          Effect.sync(() => {
            const kept = live(id)
            if (kept !== undefined) forget(kept.execution)
            return records.delete(id) && kept !== undefined
          }),
        acquire: ({ holder, key, lifeMillis, limit }) =>
          Effect.sync(() => {
            const time = now()
            const holders = slots.get(key) ?? new Map<string, number>()
            for (const [other, until] of holders) if (until <= time) holders.delete(other)
            if (!holders.has(holder) && holders.size >= limit) {
              return { freeAt: [...holders.values()].sort((a, b) => a - b)[holders.size - limit]! }
            }
            holders.set(holder, time + lifeMillis)
            slots.set(key, holders)
            return undefined
          }),
        release: ({ holder, key }) =>
          Effect.sync(() => {
            const holders = slots.get(key)
            if (holders?.delete(holder) === true && holders.size === 0) slots.delete(key)
          }),
        note: (note) =>
          Effect.sync(() => {
            const alike = notes.get(note.kind)
            if (alike === undefined) notes.set(note.kind, new Map([[note.id, note]]))
            else alike.set(note.id, note)
          }),
        withdraw: ({ id, kind }) =>
          Effect.sync(() => {
            const alike = notes.get(kind)
            const isGone = alike?.delete(id) === true
            if (alike?.size === 0) notes.delete(kind)
            return isGone
          }),
        notes: (kind) => Effect.sync(() => [...notes.get(kind)?.values() ?? []]),
        transaction: (effect) => effect
      }
    })
  )

interface Kept {
  readonly execution: Execution.Execution
  /** Counts up. */
  readonly added: number
}

const isExpired = ({ expiresAt }: Execution.Execution, now: number): boolean =>
  expiresAt !== undefined && expiresAt <= now
