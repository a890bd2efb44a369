/**
 * What became of a piece of work: `Ok`, `Err`, `Cancelled` with a reason, or `Panicked`.
 *
 * An `Exit` says how a fiber ended; its `Cause` may hold several reasons at once. An outcome is the one answer a
 * caller acts on, and four outcomes are ordered by severity so that several can be joined into the worst.
 * Convert with {@link fromExit} outside the fiber (or in `Effect.onExit`): code after an `Effect.exit` inside an
 * interrupted fiber does not run. Why a fiber was cancelled travels as an annotation on the interrupt, see
 * {@link interrupt}.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Result from "effect/Result"

/**
 * Why somebody stopped the work.
 *
 * @category models
 * @since 0.1.0
 */
export type CancelReason =
  | "User"
  | "Timeout"
  | "Deadline"
  | "PollQuota"
  | "CostBudget"
  | "FailFast"
  | "RaceLost"
  | "ParentCancelled"
  | "ResourceUnavailable"
  | "Shutdown"

/**
 * The work finished with a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ok<out A> {
  readonly _tag: "Ok"
  readonly value: A
}

/**
 * The work failed in a way its type foresaw.
 *
 * @category models
 * @since 0.1.0
 */
export interface Err<out E> {
  readonly _tag: "Err"
  readonly error: E
}

/**
 * Somebody stopped the work from outside, or it used up its budget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cancelled {
  readonly _tag: "Cancelled"
  readonly reason: CancelReason
}

/**
 * The work hit a bug; the defect is for the log and never for a peer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Panicked {
  readonly _tag: "Panicked"
  readonly defect: unknown
}

/**
 * One of four plain objects, comparable with `deepStrictEqual`.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome<A, E = never> = Ok<A> | Err<E> | Cancelled | Panicked

/**
 * The widest outcome.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Outcome<unknown, unknown>

/**
 * Wraps a value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ok = <A>(value: A): Ok<A> => ({ _tag: "Ok", value })

/**
 * Wraps an expected error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const err = <E>(error: E): Err<E> => ({ _tag: "Err", error })

/**
 * Says that the work was stopped, and why.
 *
 * @category constructors
 * @since 0.1.0
 */
export const cancelled = (reason: CancelReason): Cancelled => ({ _tag: "Cancelled", reason })

/**
 * Wraps whatever was thrown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const panicked = (defect: unknown): Panicked => ({ _tag: "Panicked", defect })

/**
 * Narrows to a success.
 *
 * @category guards
 * @since 0.1.0
 */
export const isOk = <A, E>(self: Outcome<A, E>): self is Ok<A> => self._tag === "Ok"

/**
 * Narrows to an expected failure; a cancellation or a panic is not one.
 *
 * @category guards
 * @since 0.1.0
 */
export const isErr = <A, E>(self: Outcome<A, E>): self is Err<E> => self._tag === "Err"

/**
 * Narrows to work that was stopped.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCancelled = <A, E>(self: Outcome<A, E>): self is Cancelled => self._tag === "Cancelled"

/**
 * Narrows to work that hit a bug.
 *
 * @category guards
 * @since 0.1.0
 */
export const isPanicked = <A, E>(self: Outcome<A, E>): self is Panicked => self._tag === "Panicked"

// ----------------------------------------------------------------------------
// severity
// ----------------------------------------------------------------------------

const severities = { Ok: 0, Err: 1, Cancelled: 2, Panicked: 3 } as const

const reasonSeverities = {
  User: 0,
  Timeout: 1,
  Deadline: 1,
  PollQuota: 2,
  CostBudget: 2,
  FailFast: 3,
  RaceLost: 3,
  ParentCancelled: 4,
  ResourceUnavailable: 4,
  Shutdown: 5
} as const satisfies Record<CancelReason, number>

/**
 * Every reason, from the mildest to the most severe.
 *
 * @category severity
 * @since 0.1.0
 */
export const cancelReasons = Object.keys(reasonSeverities) as ReadonlyArray<CancelReason>

/**
 * Recognises a reason that arrives as text, for example out of a store.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCancelReason = (u: unknown): u is CancelReason =>
  typeof u === "string" && Object.hasOwn(reasonSeverities, u)

/**
 * Orders outcomes: `Ok` 0, `Err` 1, `Cancelled` 2, `Panicked` 3.
 *
 * @category severity
 * @since 0.1.0
 */
export const severity = (self: Any): 0 | 1 | 2 | 3 => severities[self._tag]

/**
 * Orders reasons from `User` 0 to `Shutdown` 5; several share a rank.
 *
 * @category severity
 * @since 0.1.0
 */
export const reasonSeverity = (reason: CancelReason): 0 | 1 | 2 | 3 | 4 | 5 => reasonSeverities[reason]

/**
 * Keeps the more severe of two reasons, the first when they rank the same.
 *
 * @category severity
 * @since 0.1.0
 */
export const strengthen = (self: CancelReason, that: CancelReason): CancelReason =>
  reasonSeverities[that] > reasonSeverities[self] ? that : self

/**
 * Keeps the more severe outcome, the first when they rank the same; of two cancellations the one with the more severe
 * reason.
 *
 * @category combining
 * @since 0.1.0
 */
export const join: {
  <B, E2>(that: Outcome<B, E2>): <A, E>(self: Outcome<A, E>) => Outcome<A | B, E | E2>
  <A, E, B, E2>(self: Outcome<A, E>, that: Outcome<B, E2>): Outcome<A | B, E | E2>
} = dual(2, <A, E, B, E2>(self: Outcome<A, E>, that: Outcome<B, E2>): Outcome<A | B, E | E2> => {
  if (self._tag === "Cancelled" && that._tag === "Cancelled") {
    return reasonSeverities[that.reason] > reasonSeverities[self.reason] ? that : self
  }
  return severities[that._tag] > severities[self._tag] ? that : self
})

/**
 * The worst of several outcomes, the first among equals.
 *
 * @category combining
 * @since 0.1.0
 */
export const joinAll = <A, E>(outcomes: Arr.NonEmptyReadonlyArray<Outcome<A, E>>): Outcome<A, E> => {
  let worst = outcomes[0]
  for (let i = 1; i < outcomes.length; i++) worst = join(worst, outcomes[i]!)
  return worst
}

// ----------------------------------------------------------------------------
// mapping
// ----------------------------------------------------------------------------

/**
 * Answers each of the four cases.
 *
 * @category pattern matching
 * @since 0.1.0
 */
export const match: {
  <A, E, B, C, D, F>(cases: {
    readonly onOk: (value: A) => B
    readonly onErr: (error: E) => C
    readonly onCancelled: (reason: CancelReason) => D
    readonly onPanicked: (defect: unknown) => F
  }): (self: Outcome<A, E>) => B | C | D | F
  <A, E, B, C, D, F>(self: Outcome<A, E>, cases: {
    readonly onOk: (value: A) => B
    readonly onErr: (error: E) => C
    readonly onCancelled: (reason: CancelReason) => D
    readonly onPanicked: (defect: unknown) => F
  }): B | C | D | F
} = dual(2, <A, E, B, C, D, F>(self: Outcome<A, E>, cases: {
  readonly onOk: (value: A) => B
  readonly onErr: (error: E) => C
  readonly onCancelled: (reason: CancelReason) => D
  readonly onPanicked: (defect: unknown) => F
}): B | C | D | F => {
  switch (self._tag) {
    case "Ok":
      return cases.onOk(self.value)
    case "Err":
      return cases.onErr(self.error)
    case "Cancelled":
      return cases.onCancelled(self.reason)
    case "Panicked":
      return cases.onPanicked(self.defect)
  }
})

/**
 * Transforms the value and leaves the other three alone.
 *
 * @category mapping
 * @since 0.1.0
 */
export const map: {
  <A, B>(f: (value: A) => B): <E>(self: Outcome<A, E>) => Outcome<B, E>
  <A, E, B>(self: Outcome<A, E>, f: (value: A) => B): Outcome<B, E>
} = dual(
  2,
  <A, E, B>(self: Outcome<A, E>, f: (value: A) => B): Outcome<B, E> => self._tag === "Ok" ? ok(f(self.value)) : self
)

/**
 * Transforms the error and leaves the other three alone.
 *
 * @category mapping
 * @since 0.1.0
 */
export const mapErr: {
  <E, E2>(f: (error: E) => E2): <A>(self: Outcome<A, E>) => Outcome<A, E2>
  <A, E, E2>(self: Outcome<A, E>, f: (error: E) => E2): Outcome<A, E2>
} = dual(
  2,
  <A, E, E2>(self: Outcome<A, E>, f: (error: E) => E2): Outcome<A, E2> =>
    self._tag === "Err" ? err(f(self.error)) : self
)

/**
 * Goes on with the value; whatever is not `Ok` ends here.
 *
 * @category sequencing
 * @since 0.1.0
 */
export const flatMap: {
  <A, B, E2>(f: (value: A) => Outcome<B, E2>): <E>(self: Outcome<A, E>) => Outcome<B, E | E2>
  <A, E, B, E2>(self: Outcome<A, E>, f: (value: A) => Outcome<B, E2>): Outcome<B, E | E2>
} = dual(
  2,
  <A, E, B, E2>(self: Outcome<A, E>, f: (value: A) => Outcome<B, E2>): Outcome<B, E | E2> =>
    self._tag === "Ok" ? f(self.value) : self
)

// ----------------------------------------------------------------------------
// interruption
// ----------------------------------------------------------------------------

/**
 * The annotation under which an interrupt carries its reason.
 *
 * @category interruption
 * @since 0.1.0
 */
export class InterruptReason extends Context.Service<InterruptReason, CancelReason>()(
  "fastmcp-effect/core/Outcome/InterruptReason"
) {}

const perReason = <X>(f: (reason: CancelReason) => X): Readonly<Record<CancelReason, X>> =>
  Object.fromEntries(cancelReasons.map((reason) => [reason, f(reason)])) as Record<CancelReason, X>

const annotations = perReason((reason) => Context.make(InterruptReason, reason))

const interruptExits = perReason((reason) => Exit.failCause(Cause.annotate(Cause.interrupt(), annotations[reason])))

/**
 * Asks a fiber to stop and returns at once, before its finalizers have run.
 *
 * @category interruption
 * @since 0.1.0
 */
export const interruptUnsafe = <A, E>(fiber: Fiber.Fiber<A, E>, reason: CancelReason): void =>
  fiber.interruptUnsafe(undefined, annotations[reason])

/**
 * Stops a fiber and waits for its finalizers; `Budget.interruptWithin` bounds the wait.
 *
 * @category interruption
 * @since 0.1.0
 */
export const interrupt = <A, E>(fiber: Fiber.Fiber<A, E>, reason: CancelReason): Effect.Effect<void> =>
  Effect.suspend(() => {
    interruptUnsafe(fiber, reason)
    return Effect.asVoid(Fiber.await(fiber))
  })

/**
 * Ends the calling fiber as cancelled. Like `Effect.interrupt` it is a cause, so it also ends an uninterruptible
 * region, and `Effect.catchCause` can still see it.
 *
 * @category interruption
 * @since 0.1.0
 */
export const interruptSelf = (reason: CancelReason): Effect.Effect<never> => interruptExits[reason]

/**
 * The most severe reason a cause's interrupts carry, or `undefined` when none carries one.
 *
 * @category interruption
 * @since 0.1.0
 */
export const reasonFromCause = <E>(cause: Cause.Cause<E>): CancelReason | undefined => {
  let strongest: CancelReason | undefined
  for (const part of cause.reasons) {
    if (part._tag !== "Interrupt") continue
    const reason = part.annotations.get(InterruptReason.key) as CancelReason | undefined
    if (reason !== undefined) strongest = strongest === undefined ? reason : strengthen(strongest, reason)
  }
  return strongest
}

// ----------------------------------------------------------------------------
// conversions
// ----------------------------------------------------------------------------

/**
 * Reads an outcome off the way a fiber ended.
 *
 * **Details**
 *
 * In this order: any defect is `Panicked`; an interrupt that carries a reason is `Cancelled`, even beside a failure
 * (a finalizer that failed on the way out); a typed failure is `Err`, the first if there are several; interrupts
 * without a reason are `Cancelled("ParentCancelled")`, since what interrupts without saying why is Effect's own
 * supervision: a parent that ended, a scope that closed. A cause with nothing in it is itself the defect.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromExit = <A, E>(exit: Exit.Exit<A, E>): Outcome<A, E> =>
  exit._tag === "Success" ? { _tag: "Ok", value: exit.value } : fromCause(exit.cause)

/**
 * The outcome of work that ended with this cause, by the rules of {@link fromExit}.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromCause = <E>(cause: Cause.Cause<E>): Outcome<never, E> => {
  let failure: Cause.Fail<E> | undefined
  for (const part of cause.reasons) {
    if (part._tag === "Die") return panicked(part.defect)
    if (part._tag === "Fail") failure ??= part
  }
  const reason = reasonFromCause(cause)
  if (reason !== undefined) return cancelled(reason)
  if (failure !== undefined) return err(failure.error)
  return cause.reasons.length > 0 ? cancelled("ParentCancelled") : panicked(cause)
}

/**
 * An exit that {@link fromExit} turns back into the same outcome.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toExit = <A, E>(self: Outcome<A, E>): Exit.Exit<A, E> => {
  switch (self._tag) {
    case "Ok":
      return Exit.succeed(self.value)
    case "Err":
      return Exit.fail(self.error)
    case "Cancelled":
      return interruptExits[self.reason]
    case "Panicked":
      return Exit.die(self.defect)
  }
}

/**
 * A success is `Ok`, a failure `Err`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromResult = <A, E>(result: Result.Result<A, E>): Outcome<A, E> =>
  Result.isSuccess(result) ? ok(result.success) : err(result.failure)

/**
 * Puts the three bad outcomes on the failure side, unchanged.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toResult = <A, E>(self: Outcome<A, E>): Result.Result<A, Err<E> | Cancelled | Panicked> =>
  self._tag === "Ok" ? Result.succeed(self.value) : Result.fail(self)

/**
 * Runs the effect in a child fiber and answers how it ended, so that a cancellation or a defect inside is a value here.
 *
 * **Details**
 *
 * When the caller is interrupted, so is the child, with the caller's reason, and its finalizers have run before the
 * caller ends.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromEffect = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Outcome<A, E>, never, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkChild(effect, { startImmediately: true }),
      (fiber) =>
        Effect.onExit(restore(await_(fiber)), (exit) =>
          exit._tag === "Success"
            ? Effect.void
            : interrupt(fiber, reasonFromCause(exit.cause) ?? "ParentCancelled"))
    )
  )

const await_ = <A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<Outcome<A, E>> =>
  Effect.map(Fiber.await(fiber), fromExit)

export {
  /**
   * Waits for a fiber and answers how it ended; unlike {@link fromEffect} it leaves the fiber alone when the waiting is
   * interrupted.
   *
   * @category conversions
   * @since 0.1.0
   */
  await_ as await
}
