/**
 * Runs several effects at once and says when that is over: all of them, the first to finish, the first to succeed, or
 * a quorum.
 *
 * They differ from `Effect.all` and `Effect.race` in three ways: every outcome is kept, also a defect's or a
 * cancellation's; what is no longer needed is cancelled with a reason (`"RaceLost"`, `"FailFast"`, `"Timeout"`) that
 * its finalizers can read; and all of it has ended, finalizers included, before the combinator returns. When the
 * combinator is interrupted, so is everything it runs, with the same reason.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Outcome from "./Outcome.ts"

/**
 * An outcome that is not `Ok`.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure<E> = Outcome.Err<E> | Outcome.Cancelled | Outcome.Panicked

/**
 * Who made a quorum, in the order they finished; what had not finished by then is in neither list.
 *
 * @category models
 * @since 0.1.0
 */
export interface Quorum<out A, out E> {
  readonly successes: ReadonlyArray<A>
  readonly failures: ReadonlyArray<Failure<E>>
}

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

/**
 * There was nothing to run, so nothing can win.
 *
 * @category errors
 * @since 0.1.0
 */
export interface Empty {
  readonly _tag: "Empty"
}

/**
 * More successes were asked for than there are effects; none was started.
 *
 * @category errors
 * @since 0.1.0
 */
export interface QuorumTooLarge {
  readonly _tag: "QuorumTooLarge"
  readonly needed: number
  readonly available: number
}

/**
 * So many failed that the quorum could no longer be met.
 *
 * @category errors
 * @since 0.1.0
 */
export interface QuorumNotMet<out A, out E> extends Quorum<A, E> {
  readonly _tag: "QuorumNotMet"
}

/**
 * Nobody succeeded; the outcomes are in the order of the effects.
 *
 * @category errors
 * @since 0.1.0
 */
export interface AllFailed<out E> {
  readonly _tag: "AllFailed"
  readonly outcomes: ReadonlyArray<Failure<E>>
}

/**
 * It was not over in time.
 *
 * @category errors
 * @since 0.1.0
 */
export interface Timeout {
  readonly _tag: "Timeout"
}

/**
 * Every way a fan-out can fail.
 *
 * @category errors
 * @since 0.1.0
 */
export type FanoutReason = Empty | QuorumTooLarge | QuorumNotMet<unknown, unknown> | AllFailed<unknown> | Timeout

/**
 * Says why there is no result; each combinator names the reasons it can have.
 *
 * @category errors
 * @since 0.1.0
 */
export class FanoutError<out Reason extends FanoutReason = FanoutReason> extends Data.TaggedError("FanoutError")<{
  readonly reason: FanoutReason
}> {
  declare readonly reason: Reason

  constructor(reason: Reason) {
    super({ reason })
  }

  override get message(): string {
    const reason: FanoutReason = this.reason
    switch (reason._tag) {
      case "Empty":
        return "There was nothing to run"
      case "QuorumTooLarge":
        return `A quorum of ${reason.needed} cannot come from ${reason.available} effects`
      case "QuorumNotMet":
        return `${reason.failures.length} failures left the quorum out of reach`
      case "AllFailed":
        return `None of ${reason.outcomes.length} effects succeeded`
      case "Timeout":
        return "Not finished in time"
    }
  }
}

const fail = <Reason extends FanoutReason>(reason: Reason): Effect.Effect<never, FanoutError<Reason>> =>
  Effect.fail(new FanoutError(reason))

// ----------------------------------------------------------------------------
// running
// ----------------------------------------------------------------------------

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

// Answers with one exit per started effect once all of them have ended. `decide` sees each exit as it happens and
// cancels the rest by naming a reason.
const run = <A, E, R>(
  effects: ReadonlyArray<Effect.Effect<A, E, R>>,
  decide: (exit: Exit.Exit<A, E>, index: number) => Outcome.CancelReason | undefined,
  timeout: Duration.Input | undefined
): Effect.Effect<{ readonly exits: ReadonlyArray<Exit.Exit<A, E>>; readonly timedOut: boolean }, never, R> =>
  Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
    const fibers: Array<Fiber.Fiber<A, E>> = []
    let ended = 0
    let stop: Outcome.CancelReason | undefined
    let wake: (() => void) | undefined
    const isOver = () => stop !== undefined || ended === effects.length

    for (let i = 0; i < effects.length && !isOver(); i++) {
      const fiber = yield* Effect.forkChild(effects[i]!, { startImmediately: true })
      fibers.push(fiber)
      fiber.addObserver((exit) => {
        ended++
        if (stop === undefined) stop = decide(exit, i)
        if (isOver()) wake?.()
      })
    }

    const over = Effect.callback<void>((resume) => {
      if (isOver()) return resume(Effect.void)
      wake = () => resume(Effect.void)
    })
    const wait = timeout === undefined ? over : Effect.timeoutOrElse(over, {
      duration: timeout,
      orElse: () =>
        Effect.sync(() => {
          stop ??= "Timeout"
        })
    })
    yield* Effect.onExit(restore(wait), (exit) => {
      if (exit._tag === "Failure") stop = Outcome.reasonFromCause(exit.cause) ?? "ParentCancelled"
      if (stop !== undefined) {
        for (const fiber of fibers) Outcome.interruptUnsafe(fiber, stop)
      }
      return Effect.asVoid(Fiber.awaitAll(fibers))
    })
    return { exits: fibers.map((fiber) => fiber.pollUnsafe()!), timedOut: stop === "Timeout" }
  }))

const never = (): undefined => undefined

/**
 * Runs all of them to their end and answers every outcome, in the order of the effects; a failure stops nobody.
 *
 * @category combinators
 * @since 0.1.0
 */
export const joinAll = <const Effects extends ReadonlyArray<AnyEffect>>(
  effects: Effects
): Effect.Effect<Outcomes<Effects>, never, Effect.Services<Effects[number]>> => joinAllWithin(effects, undefined)

/**
 * {@link joinAll} with a limit: what has not finished by then is cancelled, and its outcome says so.
 *
 * @category combinators
 * @since 0.1.0
 */
export const joinAllTimeout = <const Effects extends ReadonlyArray<AnyEffect>>(
  effects: Effects,
  timeout: Duration.Input
): Effect.Effect<Outcomes<Effects>, never, Effect.Services<Effects[number]>> => joinAllWithin(effects, timeout)

/**
 * The outcomes of a list of effects, each in its place.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcomes<Effects extends ReadonlyArray<AnyEffect>> = {
  -readonly [K in keyof Effects]: Outcome.Outcome<Effect.Success<Effects[K]>, Effect.Error<Effects[K]>>
}

const joinAllWithin = <const Effects extends ReadonlyArray<AnyEffect>>(
  effects: Effects,
  timeout: Duration.Input | undefined
) =>
  Effect.map(
    run(effects, never, timeout),
    ({ exits }) => exits.map(Outcome.fromExit) as Outcomes<Effects>
  ) as Effect.Effect<Outcomes<Effects>, never, Effect.Services<Effects[number]>>

// An array of differently typed effects is one of effects of the union of their types.
const unify = <Eff extends AnyEffect>(effects: ReadonlyArray<Eff>) =>
  effects as ReadonlyArray<AnyEffect> as ReadonlyArray<
    Effect.Effect<Effect.Success<Eff>, Effect.Error<Eff>, Effect.Services<Eff>>
  >

const raceWithin = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>, timeout: Duration.Input | undefined) =>
  Effect.suspend(() => {
    if (effects.length === 0) return fail<Empty | Timeout>({ _tag: "Empty" })
    let winner: Exit.Exit<A, E> | undefined
    const decide = (exit: Exit.Exit<A, E>) => {
      winner = exit
      return "RaceLost" as const
    }
    return Effect.flatMap(
      run(effects, decide, timeout),
      (): Effect.Effect<A, E | FanoutError<Empty | Timeout>> => winner ?? fail({ _tag: "Timeout" })
    )
  })

/**
 * Ends as the first to finish ends, whichever way that is; the others are cancelled with `"RaceLost"`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const race = <Eff extends AnyEffect>(
  effects: ReadonlyArray<Eff>
): Effect.Effect<Effect.Success<Eff>, Effect.Error<Eff> | FanoutError<Empty>, Effect.Services<Eff>> =>
  raceWithin(unify(effects), undefined) as Effect.Effect<
    Effect.Success<Eff>,
    Effect.Error<Eff> | FanoutError<Empty>,
    Effect.Services<Eff>
  >

/**
 * {@link race} with a limit: if nobody has finished by then, everybody is cancelled with `"Timeout"`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const raceTimeout = <Eff extends AnyEffect>(
  effects: ReadonlyArray<Eff>,
  timeout: Duration.Input
): Effect.Effect<Effect.Success<Eff>, Effect.Error<Eff> | FanoutError<Empty | Timeout>, Effect.Services<Eff>> =>
  raceWithin(unify(effects), timeout)

const firstOkWithin = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>, timeout: Duration.Input | undefined) =>
  Effect.suspend(() => {
    if (effects.length === 0) return fail<Empty | AllFailed<E> | Timeout>({ _tag: "Empty" })
    let winner: Exit.Success<A, E> | undefined
    const decide = (exit: Exit.Exit<A, E>) => {
      if (exit._tag === "Failure") return undefined
      winner = exit
      return "RaceLost" as const
    }
    return Effect.flatMap(
      run(effects, decide, timeout),
      ({ exits, timedOut }): Effect.Effect<A, FanoutError<Empty | AllFailed<E> | Timeout>> => {
        if (winner !== undefined) return Effect.succeed(winner.value)
        return timedOut ? fail({ _tag: "Timeout" }) : fail({ _tag: "AllFailed", outcomes: exits.flatMap(failureOf) })
      }
    )
  })

const failureOf = <A, E>(exit: Exit.Exit<A, E>): Array<Failure<E>> =>
  exit._tag === "Failure" ? [Outcome.fromCause(exit.cause) as Failure<E>] : []

/**
 * The first success; the others are then cancelled with `"RaceLost"`. A failure, a cancellation or a defect only counts
 * once everybody has failed, and then all are in the error.
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstOk = <Eff extends AnyEffect>(
  effects: ReadonlyArray<Eff>
): Effect.Effect<
  Effect.Success<Eff>,
  FanoutError<Empty | AllFailed<Effect.Error<Eff>>>,
  Effect.Services<Eff>
> =>
  firstOkWithin(unify(effects), undefined) as Effect.Effect<
    Effect.Success<Eff>,
    FanoutError<Empty | AllFailed<Effect.Error<Eff>>>,
    Effect.Services<Eff>
  >

/**
 * {@link firstOk} with a limit: if nobody has succeeded by then, who still runs is cancelled with `"Timeout"`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstOkTimeout = <Eff extends AnyEffect>(
  effects: ReadonlyArray<Eff>,
  timeout: Duration.Input
): Effect.Effect<
  Effect.Success<Eff>,
  FanoutError<Empty | AllFailed<Effect.Error<Eff>> | Timeout>,
  Effect.Services<Eff>
> => firstOkWithin(unify(effects), timeout)

const quorumWithin = <A, E, R>(
  effects: ReadonlyArray<Effect.Effect<A, E, R>>,
  needed: number,
  timeout: Duration.Input | undefined
) =>
  Effect.suspend(() => {
    const available = effects.length
    const successes: Array<A> = []
    const failures: Array<Failure<E>> = []
    const result: Quorum<A, E> = { successes, failures }
    if (needed <= 0) return Effect.succeed(result)
    if (!(needed <= available)) {
      return fail<QuorumTooLarge | QuorumNotMet<A, E> | Timeout>({ _tag: "QuorumTooLarge", needed, available })
    }
    const decide = (exit: Exit.Exit<A, E>) => {
      if (exit._tag === "Success") {
        successes.push(exit.value)
        return successes.length >= needed ? "RaceLost" as const : undefined
      }
      failures.push(...failureOf(exit))
      return available - failures.length < needed ? "FailFast" as const : undefined
    }
    return Effect.flatMap(
      run(effects, decide, timeout),
      ({ timedOut }): Effect.Effect<
        Quorum<A, E>,
        FanoutError<QuorumTooLarge | QuorumNotMet<A, E> | Timeout>
      > => {
        if (successes.length >= needed) return Effect.succeed(result)
        return timedOut ? fail({ _tag: "Timeout" }) : fail({ _tag: "QuorumNotMet", ...result })
      }
    )
  })

/**
 * Waits until `needed` of them have succeeded and cancels the others with `"RaceLost"`, or until that can no longer
 * happen and cancels them with `"FailFast"`. Needing none succeeds at once and starts none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const quorum = <Eff extends AnyEffect>(
  effects: ReadonlyArray<Eff>,
  needed: number
): Effect.Effect<
  Quorum<Effect.Success<Eff>, Effect.Error<Eff>>,
  FanoutError<QuorumTooLarge | QuorumNotMet<Effect.Success<Eff>, Effect.Error<Eff>>>,
  Effect.Services<Eff>
> =>
  quorumWithin(unify(effects), needed, undefined) as Effect.Effect<
    Quorum<Effect.Success<Eff>, Effect.Error<Eff>>,
    FanoutError<QuorumTooLarge | QuorumNotMet<Effect.Success<Eff>, Effect.Error<Eff>>>,
    Effect.Services<Eff>
  >

/**
 * {@link quorum} with a limit: if it is still open by then, who still runs is cancelled with `"Timeout"`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const quorumTimeout = <Eff extends AnyEffect>(
  effects: ReadonlyArray<Eff>,
  needed: number,
  timeout: Duration.Input
): Effect.Effect<
  Quorum<Effect.Success<Eff>, Effect.Error<Eff>>,
  FanoutError<QuorumTooLarge | QuorumNotMet<Effect.Success<Eff>, Effect.Error<Eff>> | Timeout>,
  Effect.Services<Eff>
> => quorumWithin(unify(effects), needed, timeout)
