/** One run, from the handler's start to how it ended. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"
import * as References from "effect/References"
import type * as Tracer from "effect/Tracer"
import * as Deadlines from "../core/Deadlines.ts"
import type * as Answering from "./answering.ts"
import * as Crew from "./crew.ts"
import type * as DocketError from "./DocketError.ts"
import * as DocketMetrics from "./DocketMetrics.ts"
import * as DocketRecords from "./DocketRecords.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as Execution from "./Execution.ts"
import * as keeping from "./keeping.ts"
import * as retrying from "./retrying.ts"
import * as Slots from "./slots.ts"
import type * as Watching from "./watching.ts"

/** A handler that has started, and what may end it before it ends. */
class Running implements Crew.Run {
  readonly holder: Execution.Holder
  execution: Execution.Execution
  watch!: Watching.Watch
  /** Writes of this worker that are under way. */
  writing = 0
  /** Whether there is news, and of which generation, that one of them may be. */
  news: { readonly generation: number | undefined } | undefined
  isLooking = false
  ending: Crew.Ending | undefined
  onEnd: ((why: Crew.Ending) => void) | undefined

  constructor(execution: Execution.Execution) {
    this.execution = execution
    this.holder = { worker: execution.worker!, run: execution.run! }
  }

  readonly end = (why: Crew.Ending): void => {
    if (this.ending !== undefined) return
    this.ending = why
    this.onEnd?.(why)
  }

  note(execution: Execution.Execution): void {
    if (execution.generation < this.execution.generation) return
    this.execution = execution
    this.watch.seen = execution.generation
    if (execution.cancelRequested !== undefined) this.end("Cancelled")
  }
}

type Result = Exit.Exit<unknown, unknown> | Crew.Ending

export const make = Effect.fnUntraced(function*<R>(
  crew: Crew.Crew<R>,
  context: Context.Context<R>
) {
  const { clock, pace, records, running } = crew
  const { sealing, watching } = records
  const deadlines = yield* Deadlines.make
  const fork = yield* FiberSet.makeRuntime()
  const metrics = DocketMetrics.makeRecorder(context)
  const annotations = Context.get(context, References.CurrentLogAnnotations)

  /** Ends when the record says how it ended, or belongs to somebody else; `onHandled` is for when only that is left. */
  const perform = (
    claimed: Answering.Claimed<R>,
    place: Slots.Place,
    onHandled: Effect.Effect<void>
  ): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { execution } = claimed
      const { generation, id, task } = execution
      const run = new Running(execution)
      run.watch = watching.watch(id, generation, (generation) => {
        run.news = { generation }
        if (run.writing === 0) look(run)
      })
      running.add(run)
      const startedAt = clock.currentTimeMillisUnsafe()
      metrics.running(running.size)
      metrics.started(task, Math.max(0, startedAt - dueSince(execution)))
      return Effect.map(
        Effect.ensuring(carriedOut(claimed, run, place, onHandled), Effect.sync(() => forget(run))),
        (end) => {
          metrics.running(running.size)
          metrics.ended(task, end, clock.currentTimeMillisUnsafe() - startedAt)
        }
      )
    })

  const forget = (run: Running): void => {
    running.delete(run)
    watching.unwatch(run.execution.id, run.watch)
  }

  const carriedOut = (
    { handled, isLeaseOver, payload }: Answering.Claimed<R>,
    run: Running,
    place: Slots.Place,
    onHandled: Effect.Effect<void>
  ) =>
    Effect.flatMapEager(
      Effect.flatMapEager(placed(run, place), (ending): Effect.Effect<Result> => {
        if (ending !== undefined) return Effect.succeed(ending)
        // What it may have no more it does not begin, and gives back if nobody else has it.
        return isLeaseOver() ? Effect.succeed("Stopped") : supervised(handled, run, payload)
      }),
      (result) => {
        // How it ends is written over what others have done meanwhile, or not at all.
        watching.unwatch(run.execution.id, run.watch)
        return Effect.andThen(
          onHandled,
          Effect.flatMap(Crew.insist(settle(handled.task, run, result)), (end) => {
            running.delete(run)
            return run.execution.slot === undefined
              ? Effect.succeed(end)
              : Effect.as(Crew.insist(Crew.releaseSlot(crew, run.execution, run.holder.worker)), end)
          })
        )
      }
    )

  /** Undefined when it has a slot, and else why it is to have none. */
  const placed = (run: Running, place: Slots.Place): Effect.Effect<Crew.Ending | undefined> =>
    place.isIn ? Effect.undefined : Effect.callback((resume) => {
      let forgo = () => {}
      const tooLong = deadlines.add(clock.currentTimeMillisUnsafe() + Slots.patience, () => {
        pace.wasInVain()
        run.end("Stopped")
      })
      const settled = (ending?: Crew.Ending) => {
        deadlines.remove(tooLong)
        forgo()
        run.onEnd = undefined
        resume(Effect.succeed(ending))
      }
      run.onEnd = settled
      if (run.ending === undefined) forgo = place.enter(settled)
      else settled(run.ending)
      return Effect.sync(() => {
        deadlines.remove(tooLong)
        forgo()
      })
    })

  const settle = (task: DocketTask.Any, run: Running, result: Result) =>
    Effect.suspend(() =>
      Effect.flatMapEager(
        transitionOf(task, run, result, clock.currentTimeMillisUnsafe()),
        (transition) => transition === undefined ? Effect.succeed("NotHolder" as const) : write(run, transition)
      )
    )

  /** What the handler came to, or why it was ended; begun when it is asked for. */
  const supervised = (handled: DocketTask.Handled<R>, run: Running, payload: unknown): Effect.Effect<Result> => {
    const { name, options: { timeout } } = handled.task
    const startedAt = clock.currentTimeMillisUnsafe()
    const fiber = start(handled, run, payload)
    fiber.addObserver(() => pace.handled(clock.currentTimeMillisUnsafe() - startedAt))
    const exit = fiber.pollUnsafe()
    return exit !== undefined ? Effect.succeed<Result>(exit) : Effect.flatMap(
      ended(name, run, fiber, timeout),
      (result): Effect.Effect<Result> =>
        Exit.isExit(result) ? Effect.succeed(result) : Effect.as(abandon(name, fiber), result)
    )
  }

  /** By its own master, for one that will not be interrupted would keep its parent, and the worker, from ending. */
  const start = (handled: DocketTask.Handled<R>, run: Running, payload: unknown): Fiber.Fiber<unknown, unknown> => {
    const { attempt, createdAt, id, task, traceparent } = run.execution
    const handler = Effect.suspend(() =>
      handled.handler(payload, {
        id,
        key: `${id}@${createdAt}`,
        attempt,
        advance: (progress) => Effect.ignore(put(run, { _tag: "Advance", holder: run.holder, progress })),
        ...keeping.ofRun(records, run, {
          put: (transition) => Effect.map(put(run, transition), (written) => written !== "NotHolder"),
          end: run.end
        })
      })
    ).pipe(Effect.withSpan(`docket ${task}`, {
      kind: "consumer",
      root: true,
      links: linksOf(traceparent),
      attributes: { "docket.task": task, "docket.execution.id": id, "docket.attempt": attempt }
    }, { captureStackTrace: false }))
    const annotated = Context.add(context, References.CurrentLogAnnotations, {
      ...annotations,
      "docket.task": task,
      "docket.execution.id": id
    })
    return Effect.runForkWith(annotated)(handler)
  }

  const ended = (
    task: string,
    run: Running,
    fiber: Fiber.Fiber<unknown, unknown>,
    timeout: Duration.Duration
  ): Effect.Effect<Result> =>
    Effect.callback<Result>((resume) => {
      const deadline = Duration.isFinite(timeout)
        ? deadlines.add(clock.currentTimeMillisUnsafe() + Duration.toMillis(timeout), () => run.end("Timeout"))
        : undefined
      const end = (result: Result) => {
        if (deadline !== undefined) deadlines.remove(deadline)
        resume(Effect.succeed(result))
      }
      fiber.addObserver(end)
      run.onEnd = end
      if (run.ending !== undefined) end(run.ending)
      return Effect.suspend(() => {
        if (deadline !== undefined) deadlines.remove(deadline)
        return abandon(task, fiber)
      })
    })

  /** Interrupts it, and waits for its end for a while. */
  const abandon = (task: string, fiber: Fiber.Fiber<unknown, unknown>) =>
    Effect.timeoutOrElse(Fiber.interrupt(fiber), {
      duration: grace,
      orElse: () => Effect.logError(`The handler of ${JSON.stringify(task)} does not end, and is left to itself.`)
    })

  /** Others may cancel it, or take it away. */
  const look = (run: Running): void => {
    if (run.isLooking) return
    run.isLooking = true
    fork(Effect.ensuring(seen(run), Effect.sync(() => run.isLooking = false)))
  }

  const seen = Effect.fnUntraced(function*(run: Running) {
    while (run.news !== undefined && run.ending === undefined && running.has(run)) {
      run.news = undefined
      const found = yield* Crew.insist(records.store.find(run.execution.id))
      if (found === undefined || !Execution.isHolder(found.execution, run.holder)) return run.end("Lost")
      run.note(found.execution)
    }
  })

  /** While the handler goes on. */
  const put = (run: Running, transition: Execution.Transition) =>
    Effect.suspend(() => {
      run.writing++
      return Effect.ensuring(
        write(run, transition),
        Effect.sync(() => {
          run.writing--
          // What was told meanwhile may have been this.
          if (run.writing === 0 && run.news !== undefined && run.news.generation !== run.watch.seen) look(run)
        })
      )
    })

  const write = (run: Running, transition: Execution.Transition) =>
    Effect.map(records.change(run.execution.id, transition, run.execution), (changed) => {
      if (changed._tag !== "Changed") return "NotHolder" as const
      run.note(changed.execution)
      return transition._tag
    })

  const transitionOf = (
    task: DocketTask.Any,
    run: Running,
    result: Result,
    now: number
  ): Effect.Effect<Execution.Transition | undefined, DocketError.DocketError> => {
    const { holder } = run
    if (result === "Lost") return Effect.undefined
    if (result === "Stopped") {
      return Effect.succeed({ _tag: "Release", holder, now, keepMillis: DocketRecords.keepMillis(task, false) })
    }
    if (result === "Cancelled") {
      return Effect.succeed({ _tag: "Stop", holder, now, keepMillis: DocketRecords.keepMillis(task, false) })
    }
    if (!Exit.isExit(result) && typeof result === "object") {
      const { data, until } = result
      const keepMillis = DocketRecords.keepMillis(task, false)
      return Effect.succeed({ _tag: "Wait", holder, data, until, now, keepMillis })
    }
    if (result === "Timeout") return troubled(task, run, { _tag: "Timeout" }, now)
    if (Exit.isSuccess(result)) return succeeded(task, run, result.value, now)
    const { cause } = result
    const failed = cause.reasons.find(Cause.isFailReason)
    // It interrupted itself: nobody else does without an ending.
    return failed !== undefined && !Cause.hasDies(cause)
      ? troubled(task, run, { _tag: "Error", error: failed.error }, now)
      : Effect.andThen(
        Effect.logError(`The handler of ${JSON.stringify(task.name)} has died.`, cause),
        troubled(task, run, { _tag: "Defect", defect: Cause.squash(cause) }, now)
      )
  }

  const succeeded = (task: DocketTask.Any, { execution, holder }: Running, value: unknown, now: number) =>
    Effect.mapEager(
      Effect.result(sealing.write(task.success, value, "result", execution)),
      (written): Execution.Transition =>
        written._tag === "Success"
          ? { _tag: "Succeed", holder, result: written.success, now, keepMillis: DocketRecords.keepMillis(task, false) }
          : failure(task, holder, problemOf("result", written.failure), now)
    )

  const troubled = Effect.fnUntraced(function*(
    task: DocketTask.Any,
    { execution, holder }: Running,
    trouble: DocketTask.Trouble<unknown>,
    now: number
  ) {
    const delay = yield* retrying.delayAfter(task.options.retry, execution.attempt, trouble)
    // By the clock of the store, as whether it is due is judged by it.
    const storeNow = delay === undefined ? now : (yield* records.store.find(execution.id))?.now ?? now
    const retryAt = delay === undefined ? undefined : storeNow + Math.ceil(Duration.toMillis(delay))
    if (trouble._tag !== "Error") return { ...failure(task, holder, failureOf(task, trouble), now), retryAt }
    const written = yield* Effect.result(
      sealing.write(task.error, trouble.error, "error", execution)
    )
    return written._tag === "Success"
      ? {
        ...failure(task, holder, { kind: "Error", message: "The handler failed with the error of its task." }, now),
        error: written.success,
        retryAt
      }
      : failure(task, holder, problemOf("error", written.failure), now)
  })

  const failureOf = (
    task: DocketTask.Any,
    trouble: Exclude<DocketTask.Trouble<unknown>, { readonly _tag: "Error" }>
  ): Execution.Failure => {
    if (trouble._tag === "Timeout") {
      return { kind: "Timeout", message: `It ran for longer than ${Duration.format(task.options.timeout)}.` }
    }
    const { defect } = trouble
    // Its words may have a part of the payload in them, which is nothing to be kept in the open where that is sealed.
    const words = defect instanceof Error
      ? sealing.isSealed ? defect.name : `${defect.name}: ${defect.message}`
      : typeof defect
    return { kind: "Defect", message: `The handler died: ${words.slice(0, maxWords)}` }
  }

  return { perform }
})

const failure = (task: DocketTask.Any, holder: Execution.Holder, why: Execution.Failure, now: number) => ({
  _tag: "Fail" as const,
  holder,
  failure: why,
  now,
  keepMillis: DocketRecords.keepMillis(task, true)
})

const problemOf = (
  part: "result" | "error",
  problem: { readonly _tag: "Invalid"; readonly issue: string } | {
    readonly _tag: "TooLarge"
    readonly bytes: number
    readonly maximum: number
  }
): Execution.Failure =>
  problem._tag === "TooLarge"
    ? { kind: "TooLarge", message: `Its ${part} has ${problem.bytes} bytes, and ${problem.maximum} is the most.` }
    : { kind: "Defect", message: `Its ${part} is not what the task says. ${problem.issue}` }

/** When it could have started. */
const dueSince = ({ createdAt, dueAt }: Execution.Execution): number => Math.max(createdAt, dueAt)

const linksOf = (traceparent: string | undefined): ReadonlyArray<Tracer.SpanLink> =>
  traceparent === undefined ? [] : Option.match(HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent })), {
    onNone: () => [],
    onSome: (span) => [{ span, attributes: {} }]
  })

/** How long a handler that is interrupted has for what it must still do. */
const grace = Duration.seconds(5)

const maxWords = 500
