/**
 * The doorbell of a docket: it rings, on one of the workers, when the time of an execution has come. It knows ids and
 * nothing else. The record of an execution says what is to be done about a ring, so an engine may ring twice, late, or for
 * what has long been done; one that loses a ring is made up for by the workers, who look now and then for what is overdue.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as DocketError from "./DocketError.ts"

/** @category models @since 0.1.0 */
export interface Ring {
  /** Of the execution. */
  readonly id: string
  /** Different for each ring that is meant: one that is asked for twice may ring once. */
  readonly ring: string
  /** Epoch milliseconds; at once when this is past. */
  readonly at: number
  /** Higher first, where the engine has an order. */
  readonly priority: number
}

/** @category models @since 0.1.0 */
export interface Stats {
  /** Rings that are due, and nobody has answered. */
  readonly waiting: number
  /** Rings whose time has not come. */
  readonly delayed: number
  /** Rings somebody is answering. */
  readonly active: number
}

/** @category services @since 0.1.0 */
export class DocketEngine extends Context.Service<DocketEngine, {
  /**
   * Durable when it returns, if the engine is. Within a transaction of a store on the same database it belongs to the
   * transaction.
   */
  readonly ring: (ring: Ring) => Effect.Effect<void, DocketError.DocketError>
  /** The same for several, where that costs less than one after the other. */
  readonly ringAll?: (rings: ReadonlyArray<Ring>) => Effect.Effect<void, DocketError.DocketError>
  /**
   * Answers so many rings at a time, until interrupted: whatever rings goes to one `answer`, here or in another process
   * that consumes. A ring whose answer succeeds is over. One whose answer is interrupted, or whose process disappears,
   * rings again; in the second case when the lease is over. Does not fail: what is down is asked again.
   *
   * `release` says that an answer has only to be written down: an engine that can answers another ring in its place.
   * `ahead` says how many more it may have answered just now, because they wait for no longer than they take to come.
   */
  readonly consume: (
    answer: (id: string, release: Effect.Effect<void>) => Effect.Effect<void>,
    options: { readonly concurrency: number; readonly ahead?: () => number }
  ) => Effect.Effect<never>
  /** A ring nobody needs any more; it may ring all the same. */
  readonly cancel: (ring: Pick<Ring, "id" | "ring">) => Effect.Effect<void, DocketError.DocketError>
  readonly stats: Effect.Effect<Stats, DocketError.DocketError>
  /** How long after the disappearance of a process its rings come again. */
  readonly lease: Duration.Duration
  /** Whether rings that wait come by priority; where they do not, the workers ask the store who is the most urgent. */
  readonly ordersByPriority: boolean
}>()("fastmcp-effect/docket/DocketEngine") {}
