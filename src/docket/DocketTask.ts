/**
 * What background work there is: a name, what it takes and gives as schemas, and how it is to be run. A definition is a
 * plain value for those who add work and those who do it; `handle` joins it to the code.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as DocketError from "./DocketError.ts"
import type * as Execution from "./Execution.ts"

/** A schema that is stored without asking for services. @category models @since 0.1.0 */
export type Codec = Schema.Codec<any, any>

/** Why a run has not succeeded, for the schedule that says whether and when there is another. @category models @since 0.1.0 */
export type Trouble<E> =
  | { readonly _tag: "Error"; readonly error: E }
  | { readonly _tag: "Defect"; readonly defect: unknown }
  | { readonly _tag: "Timeout" }

/** By what a limit counts, out of the payload. @category models @since 0.1.0 */
export type Key<P> = (payload: P) => string

/** @category models @since 0.1.0 */
export interface Options<P, E> {
  /**
   * When to run it again after it failed, died or ran out of time; never when left out. The schedule is gone through from
   * its start for each attempt, always with the present trouble as its input: what it says may depend on the number of
   * the attempt and on this trouble, and not on the ones before.
   */
  readonly retry?: Schedule.Schedule<unknown, Trouble<E>> | undefined
  /** How long one run may take; it is then interrupted. `Duration.infinity` for as long as it likes. 5 minutes. */
  readonly timeout?: Duration.Input | undefined
  /** Higher first, among what is due. 0. */
  readonly priority?: number | undefined
  /** So many with the same key run at a time, over all workers; the others wait without counting an attempt. */
  readonly concurrency?: { readonly key: Key<P>; readonly limit: number } | undefined
  /** So many with the same key start in any window of this length, over all workers; the others wait. */
  readonly rateLimit?:
    | { readonly key: Key<P>; readonly limit: number; readonly window: Duration.Input }
    | undefined
  /** After one is added, others with the same key are dropped for this long. Not together with `debounce`. */
  readonly cooldown?: { readonly key: Key<P>; readonly window: Duration.Input } | undefined
  /**
   * It starts when nothing with the same key was added for this long, and then with the last payload; at the latest
   * `maxWait` after the first.
   */
  readonly debounce?:
    | { readonly key: Key<P>; readonly wait: Duration.Input; readonly maxWait?: Duration.Input | undefined }
    | undefined
  /** How long an execution is kept after it has succeeded or was cancelled; until then its key is taken. 1 day. */
  readonly keep?: Duration.Input | undefined
  /** And after it has failed. 30 days. */
  readonly keepFailed?: Duration.Input | undefined
}

/** @category models @since 0.1.0 */
export interface DocketTask<
  out Name extends string,
  in out Payload extends Codec,
  in out Success extends Codec,
  in out Error extends Codec
> {
  /** Stored with each execution: a worker that has no task of this name leaves it to others. */
  readonly name: Name
  readonly payload: Payload
  readonly success: Success
  readonly error: Error
  readonly options: Resolved<Payload["Type"], Error["Type"]>
}

/** Options with their defaults. @category models @since 0.1.0 */
export interface Resolved<P, E> extends Options<P, E> {
  readonly timeout: Duration.Duration
  readonly priority: number
  readonly keep: Duration.Duration
  readonly keepFailed: Duration.Duration
}

/** @category models @since 0.1.0 */
export interface Any extends DocketTask<string, any, any, any> {}

/** What a handler is told of the run it makes, and what it can say about it. @category models @since 0.1.0 */
export interface Run {
  readonly id: string
  /**
   * The same in each run of this work, and of no other work that has had its id: for what must be done once, as a key that
   * a payment is made under.
   */
  readonly key: string
  /** 1 for the first. A run whose worker disappears may come again, so the work should bear being done twice. */
  readonly attempt: number
  /**
   * Says how far it is, for whoever observes it. Written to the store each time: for a long row of steps, not for each
   * of a million. Does nothing when the store does not answer.
   */
  readonly advance: (progress: Execution.Progress) => Effect.Effect<void>
  /** What the runs of this work have kept so far. */
  readonly data: Effect.Effect<Schema.Json | undefined, DocketError.DocketError>
  /**
   * Keeps this in its place, for the runs after this one: it is written when the effect succeeds. A run that is not the
   * holder any more does not come back from here.
   */
  readonly save: (data: Schema.Json) => Effect.Effect<void, DocketError.DocketError>
  /**
   * Puts the work down and ends this run: the handler is interrupted, and when its finalizers are through the work waits
   * with this data, holding no worker. It starts again, from the handler's beginning, at that time at the latest, or when
   * `Docket.amend` says so.
   */
  readonly wait: (data: Schema.Json, until: Date) => Effect.Effect<never, DocketError.DocketError>
}

/** @category models @since 0.1.0 */
export interface Handled<out R> {
  readonly task: Any
  readonly handler: (payload: any, run: Run) => Effect.Effect<unknown, unknown, R>
}

/** @category models @since 0.1.0 */
export interface AnyHandled extends Handled<any> {}

/** What the code of these tasks needs. @category utility types @since 0.1.0 */
export type Services<H> = H extends Handled<infer R> ? R : never

/**
 * A task without result or error of its own has neither schema. Dies when an option cannot be: a limit below 1, a
 * window that is no time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const Name extends string,
  P extends Codec = Schema.Void,
  S extends Codec = Schema.Void,
  E extends Codec = Schema.Never
>(
  name: Name,
  { error, payload, success, ...options }:
    & { readonly payload?: P; readonly success?: S; readonly error?: E }
    & Options<P["Type"], E["Type"]> = {}
): DocketTask<Name, P, S, E> => {
  check(name, options)
  return {
    name,
    payload: payload ?? Schema.Void as Codec as P,
    success: success ?? Schema.Void as Codec as S,
    error: error ?? Schema.Never as Codec as E,
    options: {
      ...options,
      timeout: Duration.fromInputUnsafe(options.timeout ?? "5 minutes"),
      priority: options.priority ?? 0,
      keep: Duration.fromInputUnsafe(options.keep ?? "1 day"),
      keepFailed: Duration.fromInputUnsafe(options.keepFailed ?? "30 days")
    }
  }
}

/**
 * With the code that does it. The code fails with the errors of the definition; whatever else goes wrong is a defect, and
 * is retried like an error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handle = <Name extends string, P extends Codec, S extends Codec, E extends Codec, R = never>(
  task: DocketTask<Name, P, S, E>,
  handler: (payload: P["Type"], run: Run) => Effect.Effect<S["Type"], E["Type"], R>
): Handled<R> => ({ task, handler })

const check = (name: string, options: Options<any, any>): void => {
  const { concurrency, cooldown, debounce, priority, rateLimit } = options
  const wrong = name === ""
    ? "it has no name"
    : concurrency !== undefined && !isCount(concurrency.limit)
    ? "the limit of its concurrency is not a whole number from 1"
    : rateLimit !== undefined && !isCount(rateLimit.limit)
    ? "the limit of its rate is not a whole number from 1"
    : [rateLimit?.window, cooldown?.window, debounce?.wait].some((time) => time !== undefined && !isTime(time))
    ? "a window or a wait is not a finite time above 0"
    : cooldown !== undefined && debounce !== undefined
    ? "it has a cooldown and a debounce, and one of them would drop what the other is to run"
    : priority !== undefined && !Number.isSafeInteger(priority)
    ? "its priority is not a whole number"
    : undefined
  if (wrong !== undefined) throw new Error(`The task ${JSON.stringify(name)} cannot be: ${wrong}.`)
}

const isCount = (limit: number): boolean => Number.isSafeInteger(limit) && limit >= 1

const isTime = (input: Duration.Input): boolean => {
  const duration = Duration.fromInputUnsafe(input)
  return Duration.isFinite(duration) && Duration.toMillis(duration) > 0
}
