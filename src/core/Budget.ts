/**
 * How much a piece of work may use: a deadline, a number of checkpoints, a cost, and its priority.
 *
 * A `Budget` is a plain value; {@link meet} combines two into the tighter. A {@link Running} budget holds the counters
 * of one request and is read from {@link CurrentBudget}; what uses it up is cancelled by interruption, with a reason
 * `Outcome` can read. {@link checkpoint} and {@link spend} enforce by themselves; a deadline that must fall while the
 * work sleeps needs somebody to watch the clock: {@link enforce}, {@link nested} and {@link timeout} do it for one
 * effect, `Deadlines` for a whole server.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Outcome from "./Outcome.ts"

/**
 * Limits as a value.
 *
 * **Details**
 *
 * `deadline` is epoch milliseconds on the Effect `Clock` and is past once the clock shows it. `pollQuota` checkpoints
 * and `costQuota` units may be used; one more cancels. `Infinity` means unlimited.
 *
 * @category models
 * @since 0.1.0
 */
export interface Budget {
  readonly deadline: number
  readonly pollQuota: number
  readonly costQuota: number
  readonly priority: number
}

/**
 * No limits and the lowest priority; the identity of {@link meet}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unlimited: Budget = { deadline: Infinity, pollQuota: Infinity, costQuota: Infinity, priority: 0 }

// NaN must not read as "unlimited", which is what comparing with it would make of it.
const limit = (n: number | undefined, fallback: number): number => n === undefined ? fallback : n > 0 ? n : 0

/**
 * Fills in what is left out with "unlimited" (priority 0); a negative number or `NaN` counts as 0.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (limits: {
  readonly deadline?: number | undefined
  readonly pollQuota?: number | undefined
  readonly costQuota?: number | undefined
  readonly priority?: number | undefined
}): Budget => ({
  deadline: limit(limits.deadline, Infinity),
  pollQuota: limit(limits.pollQuota, Infinity),
  costQuota: limit(limits.costQuota, Infinity),
  priority: limit(limits.priority, 0)
})

/**
 * What {@link within} and {@link nested} take: `timeout` counts from now, `deadline` is absolute, and the earlier of
 * the two holds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits {
  readonly timeout?: Duration.Input | undefined
  readonly deadline?: number | undefined
  readonly pollQuota?: number | undefined
  readonly costQuota?: number | undefined
  readonly priority?: number | undefined
}

const fromLimits = (limits: Limits, now: number): Budget => {
  const budget = make(limits)
  if (limits.timeout === undefined) return budget
  const timeout = Duration.toMillis(Duration.fromInputUnsafe(limits.timeout))
  return { ...budget, deadline: Math.min(budget.deadline, now + limit(timeout, 0)) }
}

/**
 * A budget whose timeout starts now.
 *
 * @category constructors
 * @since 0.1.0
 */
export const within = (limits: Limits): Effect.Effect<Budget> =>
  Effect.map(Clock.currentTimeMillis, (now) => fromLimits(limits, now))

/**
 * The tighter of two budgets in every limit, with the higher priority.
 *
 * @category combining
 * @since 0.1.0
 */
export const meet: {
  (that: Budget): (self: Budget) => Budget
  (self: Budget, that: Budget): Budget
} = dual(2, (self: Budget, that: Budget): Budget => ({
  deadline: Math.min(self.deadline, that.deadline),
  pollQuota: Math.min(self.pollQuota, that.pollQuota),
  costQuota: Math.min(self.costQuota, that.costQuota),
  priority: Math.max(self.priority, that.priority)
}))

// ----------------------------------------------------------------------------
// running
// ----------------------------------------------------------------------------

/**
 * A budget in use, owned by one request and shared by its fibers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Running {
  readonly budget: Budget
  /** The request's own deadline, never later than the budget's. */
  readonly deadline: number
  /** Checkpoints taken; not counted where they are unlimited. */
  readonly polls: number
  /** Cost spent; not counted where it is unlimited. */
  readonly cost: number
  /** Whether its clock stands still; see {@link hold}. */
  readonly isHeld: boolean
}

// NOTE: one is made for every request. Counting up from 0 keeps the counters small integers, which V8 stores in place.
class RunningImpl implements Running {
  readonly budget: Budget
  // Of its own, where `timer` is itself.
  ownDeadline: number
  // Whose time it keeps: its own, or, without any, that of the part of the request it is in, and moves with it.
  readonly timer: RunningImpl
  readonly onDeadline: Outcome.CancelReason
  // What is used here is used there too, and its limits hold here too.
  readonly parent: RunningImpl | undefined
  readonly masked: boolean
  polls = 0
  cost = 0
  // The fibers this budget has interrupted: their finalizers may go on to use it and must not be interrupted again.
  interrupted: WeakSet<object> | undefined = undefined
  // Who holds its clock, and who wants to know when nobody does any more.
  holders = 0
  heldSince = 0
  released: Set<() => void> | undefined = undefined

  constructor(
    budget: Budget,
    deadline: number,
    onDeadline: Outcome.CancelReason,
    parent: RunningImpl | undefined,
    masked: boolean
  ) {
    this.budget = budget
    // NOTE: a finite time is its own even where it is later than the parent's: the parent's may be held, or come to be.
    this.timer = parent !== undefined && deadline === Infinity && !masked ? parent.timer : this
    this.ownDeadline = deadline
    this.onDeadline = onDeadline
    this.parent = parent
    this.masked = masked
  }

  get deadline(): number {
    const { ownDeadline } = this.timer
    return this.masked || this.parent === undefined ? ownDeadline : Math.min(ownDeadline, this.parent.deadline)
  }

  get isHeld(): boolean {
    return this.timer.holders > 0
  }

  /** While its clock is held it stands where it stood. */
  timeLeft(now: number): number {
    const { heldSince, holders, ownDeadline } = this.timer
    return ownDeadline - (holders > 0 ? heldSince : now)
  }

  hold(now: number): void {
    if (this.holders++ === 0) this.heldSince = now
  }

  release(now: number): void {
    if (--this.holders > 0) return
    this.ownDeadline += now - this.heldSince
    const { released } = this
    this.released = undefined
    if (released !== undefined) { for (const resume of released) resume() }
  }
}

/**
 * Puts a budget to use for one request, given that request's own deadline if it has one.
 *
 * @category running
 * @since 0.1.0
 */
export const start = (budget: Budget, deadline = Infinity): Running =>
  new RunningImpl(budget, deadline < budget.deadline ? deadline : budget.deadline, "Deadline", undefined, false)

/**
 * The budget of the request this fiber works for; unlimited unless somebody set one.
 *
 * @category running
 * @since 0.1.0
 */
export const CurrentBudget: Context.Reference<Running> = Context.Reference<Running>(
  "fastmcp-effect/core/Budget/CurrentBudget",
  { defaultValue: () => start(unlimited) }
)

const current = (fiber: Fiber.Fiber<unknown, unknown>): RunningImpl => fiber.getRef(CurrentBudget) as RunningImpl

const clockOf = (fiber: Fiber.Fiber<unknown, unknown>): Clock.Clock => fiber.getRef(Clock.Clock)

// The level with the least time left; where several have the same, the outermost, because it ends them all.
const nearest = (running: RunningImpl, now: number, counts: (level: RunningImpl) => boolean): RunningImpl => {
  let found = running
  let least = Infinity
  for (let level: RunningImpl | undefined = running; level !== undefined && !level.masked; level = level.parent) {
    if (!counts(level)) continue
    const timeLeft = level.timeLeft(now)
    if (timeLeft > least) continue
    found = level
    least = timeLeft
  }
  return found
}

const always = () => true

const isTicking = (level: RunningImpl) => !level.isHeld

// Reading the clock costs more than the rest, so it is read only when there is a deadline.
const exhausted = (
  running: RunningImpl,
  fiber: Fiber.Fiber<unknown, unknown>
): Outcome.CancelReason | undefined => {
  let now: number | undefined
  for (let level: RunningImpl | undefined = running; level !== undefined; level = level.parent) {
    if (level.masked) return undefined
    if (level.polls > level.budget.pollQuota) return "PollQuota"
    if (level.cost > level.budget.costQuota) return "CostBudget"
    if (
      level.timer.ownDeadline !== Infinity
      && level.timeLeft(now ??= clockOf(fiber).currentTimeMillisUnsafe()) <= 0
    ) {
      return nearest(level, now, always).onDeadline
    }
  }
  return undefined
}

// In an uninterruptible region the interruption waits for its end, so the caller must be able to go on.
const stopIfExhausted = (running: RunningImpl, fiber: Fiber.Fiber<unknown, unknown>): void => {
  const reason = exhausted(running, fiber)
  if (reason === undefined || running.interrupted?.has(fiber)) return
  running.interrupted ??= new WeakSet()
  running.interrupted.add(fiber)
  Outcome.interruptUnsafe(fiber, reason)
}

/**
 * Counts one poll, then either cancels the fiber, because a quota or the deadline is used up, or lets other fibers run.
 *
 * **When to use**
 *
 * In loops that compute for long: a fiber that never yields keeps the clock, cancellation and everybody else waiting.
 *
 * @category running
 * @since 0.1.0
 */
export const checkpoint: Effect.Effect<void> = Effect.withFiber((fiber) => {
  const running = current(fiber)
  for (let level: RunningImpl | undefined = running; level !== undefined; level = level.parent) {
    if (level.budget.pollQuota !== Infinity) level.polls++
  }
  stopIfExhausted(running, fiber)
  return Effect.yieldNow
})

/**
 * Counts a cost, and cancels the fiber if that was more than is left.
 *
 * **Gotchas**
 *
 * A negative or non-finite amount is a defect: it would hand cost back or make the counter meaningless.
 *
 * @category running
 * @since 0.1.0
 */
export const spend = (amount: number): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    if (!(amount >= 0 && amount < Infinity)) {
      return Effect.die(new RangeError(`A cost must be a finite number that is not negative, got ${amount}`))
    }
    const running = current(fiber)
    for (let level: RunningImpl | undefined = running; level !== undefined; level = level.parent) {
      if (level.budget.costQuota !== Infinity) level.cost += amount
    }
    stopIfExhausted(running, fiber)
    return Effect.void
  })

/**
 * What the current budget still allows; nothing in it is negative, and `Infinity` stands for unlimited.
 *
 * @category running
 * @since 0.1.0
 */
export const remaining: Effect.Effect<{
  readonly timeLeft: Duration.Duration
  readonly polls: number
  readonly cost: number
}> = Effect.withFiber((fiber) => {
  const { cost, polls, timeLeft } = remainingOf(fiber)
  return Effect.succeed({
    timeLeft: timeLeft === Infinity ? Duration.infinity : Duration.millis(timeLeft),
    polls,
    cost
  })
})

/**
 * The same for code that has its fiber at hand, with the time in milliseconds.
 *
 * @category running
 * @since 0.1.0
 */
export const remainingOf = (fiber: Fiber.Fiber<unknown, unknown>): {
  readonly timeLeft: number
  readonly polls: number
  readonly cost: number
} => {
  let millis = Infinity
  let polls = Infinity
  let cost = Infinity
  for (let level: RunningImpl | undefined = current(fiber); level !== undefined; level = level.parent) {
    if (level.timer.ownDeadline !== Infinity) {
      millis = Math.min(millis, level.timeLeft(clockOf(fiber).currentTimeMillisUnsafe()))
    }
    polls = Math.min(polls, level.budget.pollQuota - level.polls)
    cost = Math.min(cost, level.budget.costQuota - level.cost)
  }
  return { timeLeft: Math.max(0, millis), polls: Math.max(0, polls), cost: Math.max(0, cost) }
}

/**
 * Stops the clock of the current budget, and of those it is part of, while the effect runs: what was left of the time
 * before is left after it. For waiting on a person, whose time is not this program's; give the wait a limit of its own.
 *
 * @category running
 * @since 0.1.0
 */
export const hold = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const running = current(fiber)
    const clock = clockOf(fiber)
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        for (const timer of timersOf(running)) timer.hold(now)
      }),
      () => effect,
      () =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          for (const timer of timersOf(running)) timer.release(now)
        })
    )
  })

const timersOf = (running: RunningImpl): ReadonlySet<RunningImpl> => {
  const timers = new Set<RunningImpl>()
  for (let level: RunningImpl | undefined = running; level !== undefined; level = level.parent) timers.add(level.timer)
  return timers
}

/**
 * Calls back once, when nobody holds the clock of this budget any more.
 *
 * @category running
 * @since 0.1.0
 */
export const onRelease = (running: Running, listener: () => void): void => {
  const { timer } = running as RunningImpl
  if (timer.holders === 0) return listener()
  timer.released ??= new Set()
  timer.released.add(listener)
}

const heldOf = (running: RunningImpl): ReadonlyArray<RunningImpl> => {
  const held: Array<RunningImpl> = []
  for (let level: RunningImpl | undefined = running; level !== undefined && !level.masked; level = level.parent) {
    if (level.isHeld) held.push(level)
  }
  return held
}

// Leaves no listener behind: the clock may be held for long after the wait is over.
const whenReleased = (held: ReadonlyArray<RunningImpl>): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const listener = () => resume(Effect.void)
    for (const level of held) onRelease(level, listener)
    return Effect.sync(() => {
      for (const { timer } of held) timer.released?.delete(listener)
    })
  })

// ----------------------------------------------------------------------------
// enforcing
// ----------------------------------------------------------------------------

// The effect gets a fiber of its own, so that what is cancelled is the effect and not its caller.
const supervise = <A, E, R>(effect: Effect.Effect<A, E, R>, running: RunningImpl): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
    const clock = yield* Clock.Clock
    const start = clock.currentTimeMillisUnsafe()
    const first = nearest(running, start, always)
    if (first.timeLeft(start) <= 0) return yield* Outcome.interruptSelf(first.onDeadline)

    const fiber = yield* Effect.forkChild(Effect.provideService(effect, CurrentBudget, running), {
      startImmediately: true
    })
    const watch = Effect.gen(function*() {
      // A clock that is held fires only after its release, while those of other levels go on.
      for (;;) {
        const now = clock.currentTimeMillisUnsafe()
        const held = heldOf(running)
        const next = nearest(running, now, isTicking)
        const timeLeft = next.isHeld ? Infinity : next.timeLeft(now)
        if (timeLeft <= 0) return Outcome.interruptUnsafe(fiber, next.onDeadline)
        yield* held.length === 0
          ? Effect.sleep(timeLeft)
          : timeLeft === Infinity
          ? whenReleased(held)
          : Effect.raceFirst(Effect.sleep(timeLeft), whenReleased(held))
      }
    })
    const watcher = running.deadline !== Infinity && fiber.pollUnsafe() === undefined
      ? yield* Effect.forkChild(watch, { startImmediately: true })
      : undefined
    const exit = yield* Effect.onExit(restore(Fiber.await(fiber)), (exit) => {
      watcher?.interruptUnsafe()
      return exit._tag === "Success"
        ? Effect.void
        : Outcome.interrupt(fiber, Outcome.reasonFromCause(exit.cause) ?? "ParentCancelled")
    })
    return yield* exit
  }))

// What ran below counted here as well, and may have been the last this budget allowed.
const settle: Effect.Effect<void> = Effect.withFiber((fiber) => {
  stopIfExhausted(current(fiber), fiber)
  return Effect.void
})

/**
 * Runs the effect under a fresh budget and cancels it with `"Deadline"` when the budget's time is up.
 *
 * **Details**
 *
 * The effect runs in a child fiber: what is cancelled ends as an interruption the caller can observe with
 * `Outcome.fromExit`, and the caller itself goes on. A deadline already past means the effect does not start.
 *
 * **Gotchas**
 *
 * The caller's own budget does not reach inside; {@link nested} is for parts of a request.
 *
 * @category enforcing
 * @since 0.1.0
 */
export const enforce: {
  (budget: Budget): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, budget: Budget): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(effect: Effect.Effect<A, E, R>, budget: Budget): Effect.Effect<A, E, R> =>
    Effect.suspend(() => supervise(effect, start(budget) as RunningImpl))
)

const below = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  limits: Limits,
  onDeadline: Outcome.CancelReason
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const parent = current(fiber)
    const own = fromLimits(limits, clockOf(fiber).currentTimeMillisUnsafe())
    const budget = { ...own, priority: Math.max(own.priority, parent.budget.priority) }
    const reason = budget.deadline === Infinity ? parent.onDeadline : onDeadline
    const running = new RunningImpl(budget, budget.deadline, reason, parent, false)
    return Effect.onExit(supervise(effect, running), () => settle)
  })

/**
 * Runs part of a request under limits of its own and what is left of the request's budget, whichever is tighter; what
 * it uses counts for both.
 *
 * **Details**
 *
 * When its own limits are used up only the effect is cancelled. When the request's are, so is the caller.
 *
 * @category enforcing
 * @since 0.1.0
 */
export const nested: {
  (limits: Limits): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, limits: Limits): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(effect: Effect.Effect<A, E, R>, limits: Limits): Effect.Effect<A, E, R> => below(effect, limits, "Deadline")
)

/**
 * Cancels the effect with `"Timeout"` when it takes too long; unlike `Effect.timeout` it adds no error.
 *
 * @category enforcing
 * @since 0.1.0
 */
export const timeout: {
  (duration: Duration.Input): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, duration: Duration.Input): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(effect: Effect.Effect<A, E, R>, duration: Duration.Input): Effect.Effect<A, E, R> =>
    below(effect, { timeout: duration }, "Timeout")
)

/**
 * Runs a critical section: no cancellation cuts it, neither from outside nor by the budget. What it uses still counts,
 * and a cancellation that became due takes effect at its end.
 *
 * @category enforcing
 * @since 0.1.0
 */
export const masked = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const parent = current(fiber)
    const running = new RunningImpl(
      { ...unlimited, priority: parent.budget.priority },
      Infinity,
      "Deadline",
      parent,
      true
    )
    return Effect.onExit(
      Effect.uninterruptible(Effect.provideService(effect, CurrentBudget, running)),
      () => settle
    )
  })

// ----------------------------------------------------------------------------
// finalizers
// ----------------------------------------------------------------------------

const finalizerTimes: Readonly<Record<Outcome.CancelReason, Duration.Duration>> = {
  User: Duration.seconds(5),
  Timeout: Duration.seconds(3),
  Deadline: Duration.seconds(3),
  PollQuota: Duration.seconds(2),
  CostBudget: Duration.seconds(2),
  FailFast: Duration.millis(1500),
  RaceLost: Duration.millis(1500),
  ParentCancelled: Duration.millis(1500),
  ResourceUnavailable: Duration.millis(1500),
  Shutdown: Duration.seconds(1)
}

/**
 * How long finalizers may take after a cancellation, unless {@link FinalizerTime} says otherwise.
 *
 * @category finalizers
 * @since 0.1.0
 */
export const finalizerTime = (reason: Outcome.CancelReason): Duration.Duration => finalizerTimes[reason]

/**
 * The times {@link interruptWithin} uses.
 *
 * @category finalizers
 * @since 0.1.0
 */
export const FinalizerTime: Context.Reference<(reason: Outcome.CancelReason) => Duration.Duration> = Context.Reference(
  "fastmcp-effect/core/Budget/FinalizerTime",
  { defaultValue: () => finalizerTime }
)

/**
 * Stops a fiber and waits for its finalizers, but no longer than their reason allows.
 *
 * **Details**
 *
 * `cut` says that they were still running when the time was up: the fiber is left to end by itself, and the outcome is
 * the cancellation that was asked for.
 *
 * @category finalizers
 * @since 0.1.0
 */
export const interruptWithin = <A, E>(
  fiber: Fiber.Fiber<A, E>,
  reason: Outcome.CancelReason
): Effect.Effect<{ readonly outcome: Outcome.Outcome<A, E>; readonly cut: boolean }> =>
  Effect.withFiber((caller) => {
    Outcome.interruptUnsafe(fiber, reason)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return Effect.succeed({ outcome: Outcome.fromExit(exit), cut: false })
    return Effect.timeoutOrElse(
      Effect.map(Outcome.await(fiber), (outcome) => ({ outcome, cut: false })),
      {
        duration: caller.getRef(FinalizerTime)(reason),
        orElse: () => Effect.succeed({ outcome: Outcome.cancelled(reason), cut: true })
      }
    )
  })
