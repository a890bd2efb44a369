/**
 * Workers that crash, freeze and disagree about the time do the work of one docket. Each execution ends once, of two who
 * run the same one has a say, who cancels gets the end, retries are counted, and what is struck does not start.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Docket from "fastmcp-effect/docket/Docket"
import type * as DocketError from "fastmcp-effect/docket/DocketError"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as Execution from "fastmcp-effect/docket/Execution"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import { assert } from "vitest"
import type { Model } from "../model.ts"
import * as SharedDocket from "./sharedDocket.ts"

const leaseMillis = 2000
const retries = 2
/** Between attempts. */
const pause = 300

const Plan = Schema.Struct({ millis: Schema.Int, failures: Schema.Int })

const options = {
  payload: Plan,
  success: Schema.Int,
  error: Schema.String,
  retry: Schedule.spaced(pause).pipe(Schedule.upTo({ times: retries }))
} as const

const tasks = { plain: DocketTask.make("plain", options), struck: DocketTask.make("struck", options) }

/** What may not be, as the node of the store sees it. */
interface Audit {
  readonly violations: Array<string>
  /** When a start was written, by the clock on the wall. */
  readonly claims: Map<string, number>
  /** When all workers know of the strike, by the clock of the store; and when it is over. */
  struckAt: number
  restoredAt: number
}

const nameOf = ({ attempt, id }: { readonly id: string; readonly attempt: number }) => `${id} ${attempt}`

/** The store, and what each change of it has to be. */
const audited = (audit: Audit, now: () => number) =>
  Layer.effect(
    DocketStore.DocketStore,
    Effect.gen(function*() {
      const store = yield* DocketStore.DocketStore
      const { claims, violations } = audit
      const ended = new Map<string, string>()
      const look = (before: Execution.Execution, after: Execution.Execution, time: number) => {
        const { id, status } = after
        const what = `${id}: ${before.status} ${before.attempt} -> ${status} ${after.attempt}`
        if (after.generation !== before.generation + 1) violations.push(`${what}, and a generation is left out`)
        if (Execution.isFinished(before)) violations.push(`${what}, and it had ended`)
        if (before.cancelRequested !== undefined && (status === "Scheduled" || status === "Failed")) {
          violations.push(`${what}, and it was cancelled`)
        }
        const isLapse = after.lapses > before.lapses
        if (isLapse && before.leaseUntil! > time) violations.push(`${what}, and its lease was not over`)
        if (before.status === "Running" && status === "Scheduled" && !isLapse && after.dueAt > time + pause) {
          violations.push(`${what}, and waits for longer than its pause`)
        }
        if (before.status === "Running" && status === "Running" && after.leaseUntil! < before.leaseUntil!) {
          violations.push(`${what}, and its lease got shorter`)
        }
        if (before.status === "Scheduled" && status === "Running") {
          claims.set(nameOf(after), now())
          const { startedAt, task } = after
          if (!Execution.isDue(before, time)) violations.push(`${what} before its time`)
          if (before.isHeld === true) violations.push(`${what}, and it is held`)
          // By the rules as they were in between.
          if (task === "struck" && startedAt! > audit.struckAt && time < audit.restoredAt) {
            violations.push(`${what}, and its task is struck`)
          }
        }
        if (status === "Failed" && after.failure!.kind === "Error" && after.attempt <= retries) {
          violations.push(`${what}, and it may be tried again`)
        }
        if (after.attempt - after.lapses > retries + 1) violations.push(`${what}, and it has been tried often enough`)
        // What a run of an attempt has made is written as that of no other.
        if (status === "Succeeded" && after.result !== String(after.attempt)) {
          violations.push(`${what} by what attempt ${after.result} has made`)
        }
        if (Execution.isFinished(after)) {
          if (ended.has(id)) violations.push(`${what}, and it had ended as ${ended.get(id)}`)
          ended.set(id, status)
        }
      }
      return {
        ...store,
        claim: (request) =>
          Effect.gen(function*() {
            const before = yield* store.find(request.id)
            const answer = yield* store.claim!(request)
            if (answer?.isClaimed !== true) return answer
            const { execution, now: time } = answer
            claims.set(nameOf(execution), now())
            if (execution.generation === before!.execution.generation + 1) look(before!.execution, execution, time)
            return answer
          }),
        change: (execution, condition) =>
          Effect.gen(function*() {
            const before = yield* store.find(execution.id)
            const isChanged = yield* store.change(execution, condition)
            const after = yield* store.find(execution.id)
            // Somebody else may have been in between, whose change was looked at as well.
            if (isChanged && after?.execution.generation === execution.generation && before !== undefined) {
              look(before.execution, after.execution, after.now)
            }
            return isChanged
          })
      }
    })
  ).pipe(Layer.provide(DocketStore.layerMemory()))

const Job = Schema.Struct({
  task: Schema.Literals(["plain", "plain", "struck"]),
  millis: Schema.Literals([0, 500, 3000]),
  failures: Schema.Literals([0, 0, 1, 2, 5]),
  /** Not at all, where it is 0. */
  cancelAfter: Schema.Literals([0, 0, 300, 1500]),
  wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))
})

const system = Effect.gen(function*() {
  const lab = yield* Lab.Lab
  const now = () => lab.world.now()
  const audit: Audit = { violations: [], claims: new Map(), struckAt: Infinity, restoredAt: Infinity }
  const { claims, violations } = audit
  const { docket, store } = yield* SharedDocket.make(audited(audit, now))

  const begun = new Map<string, number>()
  const work = ({ failures, millis }: typeof Plan.Type, run: DocketTask.Run) =>
    Effect.gen(function*() {
      const name = nameOf(run)
      begun.set(name, (begun.get(name) ?? 0) + 1)
      if (now() - (claims.get(name) ?? 0) > leaseMillis) violations.push(`${name} begins when its lease is over`)
      if (begun.get(name)! > 1) violations.push(`${name} begins twice`)
      yield* Effect.sleep(millis / 2)
      yield* run.advance({ current: 1 })
      yield* Effect.sleep(millis / 2)
      return run.attempt <= failures ? yield* Effect.fail("not yet") : run.attempt
    })
  const worker = Docket.layerWorker(
    [DocketTask.handle(tasks.plain, work), DocketTask.handle(tasks.struck, work)],
    { concurrency: 2, lease: leaseMillis, sweepInterval: "1 second" }
  )
  yield* Effect.forEach(
    ["w0", "w1"],
    (name, index) => Lab.node(name, Layer.provideMerge(worker, docket), { skew: index * 40_000 - 20_000 })
  )
  const asker = yield* Lab.node("asker", docket, { skew: 3000 })
  const insist = <A>(ask: (docket: Docket.Docket["Service"]) => Effect.Effect<A, DocketError.DocketError>) =>
    Effect.orDie(Effect.retry(asker.run(Effect.flatMap(Docket.Docket, ask)), Schedule.spaced("100 millis")))

  const strike = Effect.gen(function*() {
    yield* Effect.sleep("2 seconds")
    yield* insist((docket) => docket.strike({ task: "struck" }))
    // What was known a second ago, and a look that was under way.
    audit.struckAt = (yield* store.run(Clock.currentTimeMillis)) + 1100
    yield* Effect.sleep("4 seconds")
    audit.restoredAt = yield* store.run(Clock.currentTimeMillis)
    yield* insist((docket) => docket.restore({ task: "struck" }))
  })
  const one = ({ cancelAfter, failures, millis, task, wait }: typeof Job.Type, index: number) =>
    Effect.gen(function*() {
      yield* Effect.sleep(wait)
      const key = `job${index}`
      const { id } = yield* insist((docket) => docket.add(tasks[task], { failures, millis }, { key }))
      let isCancelled = false
      if (cancelAfter > 0) {
        yield* Effect.sleep(cancelAfter)
        isCancelled = yield* insist((docket) => docket.cancel(id))
      }
      const how = yield* asker.run(Effect.flatMap(Docket.Docket, ({ result }) => result(tasks[task], id))).pipe(
        Effect.retry({
          schedule: Schedule.spaced("100 millis"),
          while: (error) =>
            typeof error !== "string" && error._tag === "DocketError" && error.reason._tag === "Unavailable"
        }),
        Effect.match({
          onSuccess: () => "Succeeded",
          onFailure: (error) =>
            typeof error !== "string" && error._tag === "DocketError" && error.reason._tag === "ExecutionCancelled"
              ? "Cancelled"
              : "Failed"
        }),
        // What was held as it was restored is looked after once a minute.
        Effect.timeout("3 minutes")
      )
      if (isCancelled && how === "Failed") violations.push(`${id} was cancelled and has failed`)
      const is = yield* insist((docket) => docket.get(id))
      if (is?.status !== how) violations.push(`${id} is ${is?.status}, and who waited for it was told ${how}`)
      if (how === "Cancelled" && cancelAfter === 0) violations.push(`${id} is cancelled, and nobody asked`)
    })
  yield* Effect.all([
    Effect.forEach(yield* Lab.steps("job", Arbitrary.schema(Job), 6), one, { concurrency: "unbounded" }),
    strike
  ], {
    concurrency: "unbounded"
  })
  assert(violations.length === 0, violations[0])
})

export const docket: Model = {
  name: "docket",
  holds: "a docket ends each execution once, whatever becomes of its workers",
  options: {
    spans: false,
    journal: { fibers: false },
    faults: [
      Faults.fail({ link: "*>store", chance: 0.02, until: "8 seconds" }),
      Faults.loseAnswer({ link: "*>store", chance: 0.02, until: "8 seconds" }),
      Faults.delay({ link: "*>store", chance: 0.05, max: 400, until: "8 seconds" }),
      Faults.freeze("w0", { every: "4 seconds", until: "8 seconds", for: "3 seconds" }),
      Faults.crash("w1", { every: "4 seconds", until: "8 seconds", restartAfter: "1 second" })
    ]
  },
  system
}
