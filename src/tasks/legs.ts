/**
 * Runs tasks. A task is one execution of the docket; each of its runs calls the tool's handler from its start, with what
 * is recorded so far, until the handler ends or asks what nobody has answered yet.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as AskError from "../context/AskError.ts"
import * as Budget from "../core/Budget.ts"
import * as CoreOutcome from "../core/Outcome.ts"
import type * as DocketError from "../docket/DocketError.ts"
import * as DocketTask from "../docket/DocketTask.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Extension from "../server/Extension.ts"
import * as InTask from "./inTask.ts"
import * as taskRecord from "./taskRecord.ts"

/** The work of a server's tasks: its name keeps servers apart that share a docket. */
export const taskOf = (name: string) =>
  DocketTask.make(`mcp ${name}`, {
    payload: taskRecord.Call,
    success: taskRecord.Outcome,
    // A handler may take as long as its task is kept; it is this file that ends it then.
    timeout: "Infinity"
  })

export type Task = ReturnType<typeof taskOf>

/** `ended` runs when a task has come to an end of its own, before that is written. */
export const handle = (
  task: Task,
  host: Extension.Host,
  ended: (call: taskRecord.Call) => Effect.Effect<void>
): DocketTask.Handled<never> =>
  DocketTask.handle(task, (call, run) =>
    Effect.onExit(
      Effect.orDie(leg(host, call, run)),
      // What is interrupted waits, is given back, or was cancelled by somebody who has seen to it.
      (exit) => Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause) ? Effect.void : ended(call)
    ))

const leg = Effect.fnUntraced(function*(host: Extension.Host, call: taskRecord.Call, run: DocketTask.Run) {
  const data = yield* taskRecord.readData(yield* run.data)
  const revision = Revisions.select(call.revision)
  if (data === undefined || revision === undefined) {
    return failed("What was kept of this task cannot be read any more.")
  }
  const now = yield* Clock.currentTimeMillis
  const expiry = taskRecord.expiryOf(data)
  if (now >= expiry) return failed("The task has expired.")
  // It is woken now and then where it may wait for ever.
  if (Object.keys(data.open).length > 0) return yield* run.wait(data, InTask.until(data, now))
  const lost = lossOf(call, data)
  if (lost !== undefined) return failed(lost)

  const state = InTask.make(data)
  if (call.recovery === "fail" && !hasNews(data)) yield* insist(state.save(run)(InTask.beyond))
  const handler = host.call({
    params: { name: call.tool, ...call.arguments !== undefined && { arguments: call.arguments } },
    revision,
    client: { info: call.client.info, capabilities: call.client.capabilities },
    meta: call.meta,
    identity: taskRecord.identityOf(call.identity),
    taskId: call.taskId,
    ...call.budget !== undefined && { budget: { ...Budget.unlimited, ...call.budget } },
    record: record(call, run, state),
    reportProgress: yield* progress(run)
  })
  const fiber = yield* Effect.forkChild(handler, { startImmediately: true })
  const exit = yield* Effect.onInterrupt(
    expiry === Infinity
      ? Fiber.await(fiber)
      : Effect.timeoutOrElse(Fiber.await(fiber), {
        duration: expiry - now,
        orElse: () => Effect.as(Fiber.interrupt(fiber), Exit.succeed(undefined))
      }),
    () => Fiber.interrupt(fiber)
  )
  return yield* settle(exit, revision)
})

const failed = (message: string): taskRecord.Outcome => ({ error: { code: -32603, message } })

/** Until it uses such an answer, the handler does what it has done before, and is made to bear. */
const hasNews = ({ answers }: taskRecord.Data): boolean =>
  Object.values(answers).some(({ isFresh }) => isFresh === true)

/** Why a run must not follow the one before it, which has not ended as it should have. */
const lossOf = ({ recovery, tool }: taskRecord.Call, { begun, isBeyond }: taskRecord.Data): string | undefined => {
  if (recovery === "fail" && isBeyond === true) {
    return `The worker that ran ${tool} disappeared or was stopped, and how far it got is not known. `
      + "It is not run again, for that might do something twice."
  }
  if (recovery !== "repeat" && begun.length > 0) {
    return `The worker that ran ${tool} disappeared or was stopped in the step ${JSON.stringify(begun[0])}, and `
      + "whether that has happened is not known. It is not run again, for that might do it twice."
  }
  return undefined
}

/** What the handler's end is: as `reply` says it of a call, but for a defect, which is the docket's to tell. */
const settle = (
  exit: Exit.Exit<object | undefined, McpError.McpError>,
  { era }: Revision.Revision
): Effect.Effect<taskRecord.Outcome> => {
  const refused = (error: McpError.McpError): taskRecord.Outcome => {
    const { data, ...object } = McpError.toObject(error, era)
    return { error: { ...object, ...data !== undefined && { data: taskRecord.toJson({ data }).data! } } }
  }
  const outcome = CoreOutcome.fromExit(exit)
  switch (outcome._tag) {
    case "Ok":
      return outcome.value === undefined
        ? Effect.succeed(failed("The task has expired."))
        : Effect.sync(() => ({ result: taskRecord.toJson(outcome.value!) }))
    case "Err":
      return Effect.succeed(refused(outcome.error))
    case "Cancelled":
      return Effect.succeed(refused(McpError.make(
        outcome.reason === "Deadline" || outcome.reason === "Timeout"
          ? new McpError.DeadlineExceeded()
          : new McpError.Cancelled({ reason: outcome.reason })
      )))
    case "Panicked":
      return Effect.die(outcome.defect)
  }
}

/** As the handler sees it; each change is written when its effect succeeds. */
const record = (call: taskRecord.Call, run: DocketTask.Run, state: InTask.State): Extension.Record => {
  const save = state.save(run)
  const written = (change: InTask.Change) => Effect.catch(insist(save(change)), ofDocket)
  return {
    answers: state.current().answers,
    steps: state.current().steps,
    isFresh: (key) => state.current().answers[key]?.isFresh === true,
    beyond: call.recovery === "fail" ? Effect.suspend(() => written(InTask.beyond)) : Effect.void,
    begin: (key) => call.recovery === "repeat" ? Effect.void : written(InTask.begin(key)),
    keep: (key, result) => written(InTask.keep(key, result)),
    failed: (key) => Effect.sync(() => state.note(InTask.end(key))),
    wait: (questions) =>
      Effect.catch(
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const waiting = InTask.wait(questions, now)(state.current())
          return run.wait(waiting, InTask.until(waiting, now))
        }),
        ofDocket
      )
  }
}

/** A store that does not answer now is asked again for as long as the run lasts: a step of a task is not lost by it. */
const insist = <A>(effect: Effect.Effect<A, DocketError.DocketError>): Effect.Effect<A, DocketError.DocketError> =>
  Effect.retry(effect, { while: ({ reason }) => reason._tag === "Unavailable", schedule: pauses })

const pauses = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

const ofDocket = (error: DocketError.DocketError): Effect.Effect<never, AskError.AskError> =>
  error.reason._tag === "DataTooLarge"
    ? Effect.fail(
      AskError.make(new AskError.LimitReached({ limit: "state size", maximum: error.reason.maximum }))
    )
    : Effect.die(error)

/** What the handler says of its progress is written once a second at most, and the last of it may be missed. */
const progress = Effect.fnUntraced(function*(run: DocketTask.Run) {
  const turn = yield* Semaphore.make(1)
  let next = 0
  const report: Extension.DetachedCall["reportProgress"] = (current, options = {}) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (now < next) return Effect.void
      next = now + 1000
      return turn.withPermits(1)(run.advance({ current, ...options }))
    })
  return report
})
