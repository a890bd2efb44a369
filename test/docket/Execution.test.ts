import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Execution from "../../src/docket/Execution.ts"

type Record = Execution.Execution
type Transition = Execution.Transition

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** What somebody wants, before it is known who holds the execution at that time. */
const Wish = Schema.Literals([
  "Claim",
  "Claim",
  "Claim",
  "Claim",
  "Advance",
  "Save",
  "Wait",
  "Wait",
  "Amend",
  "Succeed",
  "Fail",
  "FailForNow",
  "FailForNow",
  "Release",
  "Release",
  "Stop",
  "Lapse",
  "Lapse",
  "Postpone",
  "Hold",
  "Restore",
  "Cancel",
  "Refuse",
  "Replace",
  "Retry"
])

const Step = Schema.Struct({
  wish: Wish,
  /** How much later than the step before. */
  after: Schema.Literals([0, 0, 0, 1, 5, 20, 100]),
  /** Of whom claims, and who says so: mostly the holder, else one of before, or a stranger. */
  worker: Schema.Literals(["a", "b"]),
  by: Schema.Literals(["holder", "holder", "holder", "earlier", "stranger"]),
  which: between(0, 20),
  millis: between(0, 60),
  maxLapses: between(0, 2)
})
type Step = typeof Step.Type

const key = Schema.Literals(["k1", "k2"])

const Fresh = Schema.Struct({
  payload: Schema.String,
  task: Schema.Literals(["mail", "report"]),
  priority: between(-2, 2),
  createdAt: between(0, 1000),
  /** After `createdAt`; not after it is "at once". */
  due: between(-20, 60),
  slot: Schema.optionalKey(Schema.Struct({ key, limit: between(1, 3) })),
  rate: Schema.optionalKey(Schema.Struct({ key, limit: between(1, 3), windowMillis: between(1, 1000) })),
  schedule: Schema.optionalKey(key),
  owner: Schema.optionalKey(key),
  keepUntil: Schema.optionalKey(between(0, 9000)),
  traceparent: Schema.optionalKey(key)
})

const fresh = ({ due, ...rest }: typeof Fresh.Type, id = "x"): Record => ({
  ...rest,
  id,
  status: "Scheduled",
  generation: 1,
  dueAt: rest.createdAt + due,
  attempt: 0,
  lapses: 0
})

interface Event {
  readonly before: Record
  readonly transition: Transition
  readonly now: number
  readonly outcome: Result.Result<Record, Execution.Refusal>
}

interface Change extends Event {
  readonly after: Record
}

const failure: Execution.Failure = { kind: "Error", message: "no" }
const keepMillis = 5000

const frozen = (record: Record): Record => {
  for (const value of Object.values(record)) Object.freeze(value)
  return Object.freeze(record)
}

const holderOf = ({ run = 0, worker = "nobody" }: Record): Execution.Holder => ({ worker, run })

/** From an execution that was just added, through whatever happens to it. */
const historyOf = (first: Record, other: Record, steps: ReadonlyArray<Step>): ReadonlyArray<Event> => {
  const events: Array<Event> = []
  const earlier: Array<Execution.Holder> = []
  let record = frozen(first)
  let now = record.createdAt
  for (const { after, by, maxLapses, millis, which, wish, worker } of steps) {
    now += after
    const holder = by === "holder"
      ? holderOf(record)
      : by === "stranger"
      ? { worker: "c", run: record.run ?? 0 }
      : earlier[which % earlier.length] ?? { worker: "c", run: 1 }
    const transition = transitionOf(wish, { now, holder, worker, millis, maxLapses, other })
    const outcome = Execution.apply(record, transition)
    events.push({ before: record, transition, now, outcome })
    if (Result.isFailure(outcome)) continue
    if (record.status === "Running" && outcome.success.status !== "Running") earlier.push(holderOf(record))
    record = frozen(outcome.success)
  }
  return events
}

const transitionOf = (
  wish: typeof Wish.Type,
  { holder, maxLapses, millis, now, other, worker }: {
    readonly now: number
    readonly holder: Execution.Holder
    readonly worker: string
    readonly millis: number
    readonly maxLapses: number
    readonly other: Record
  }
): Transition => {
  switch (wish) {
    case "Claim":
      return { _tag: "Claim", worker, now, leaseMillis: millis }
    case "Advance":
      return { _tag: "Advance", holder, progress: { current: millis } }
    case "Save":
      return { _tag: "Save", holder, data: `${now}` }
    case "Wait":
      return { _tag: "Wait", holder, data: `${now}`, until: now + millis - 20, now, keepMillis }
    case "Amend":
      return { _tag: "Amend", data: `${now}`, isReady: millis > 30 }
    case "Succeed":
      return { _tag: "Succeed", holder, result: `${millis}`, now, keepMillis }
    case "Fail":
      return { _tag: "Fail", holder, failure, error: millis > 30 ? `${millis}` : undefined, now, keepMillis }
    case "FailForNow":
      return { _tag: "Fail", holder, failure, retryAt: now + millis - 20, now, keepMillis }
    case "Release":
      return { _tag: "Release", holder, now, keepMillis }
    case "Stop":
      return { _tag: "Stop", holder, now, keepMillis }
    case "Lapse":
      return { _tag: "Lapse", now, maxLapses, keepMillis }
    case "Postpone":
      return { _tag: "Postpone", until: now + millis - 20 }
    case "Hold":
      return { _tag: "Hold" }
    case "Restore":
      return { _tag: "Restore" }
    case "Cancel":
      return { _tag: "Cancel", reason: "enough", now, keepMillis }
    case "Refuse":
      return { _tag: "Refuse", holder, failure: { kind: "Undecodable", message: "what?" }, now, keepMillis }
    case "Replace":
      return { _tag: "Replace", by: other }
    case "Retry":
      return { _tag: "Retry", now }
  }
}

const history = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.schema(Fresh),
    Arbitrary.schema(Fresh),
    Arbitrary.array(Arbitrary.schema(Step), { maxLength: 60 })
  ]),
  ([first, other, steps]) => historyOf(fresh(first), fresh(other, "y"), steps)
)

/** For all events of many histories. */
const always = (name: string, check: (event: Event, earlier: ReadonlyArray<Event>) => void) =>
  it.effect.prop(
    name,
    [history],
    ([events]) => Effect.sync(() => events.forEach((event, index) => check(event, events.slice(0, index)))),
    { arbitrary: { runs: 300, size: 60, seed: name }, timeout: 60_000 }
  )

/** For all that changed something. */
const afterwards = (name: string, check: (change: Change, earlier: ReadonlyArray<Change>) => void) =>
  always(name, (event, earlier) => changes([event]).forEach((change) => check(change, changes(earlier))))

const changes = (events: ReadonlyArray<Event>): ReadonlyArray<Change> =>
  events.flatMap((event) => Result.isSuccess(event.outcome) ? [{ ...event, after: event.outcome.success }] : [])

const refusalOf = ({ outcome }: Event): Execution.Refusal | undefined =>
  Result.isFailure(outcome) ? outcome.failure : undefined

/** The events since it was added, or began anew. */
const thisLife = (events: ReadonlyArray<Change>): ReadonlyArray<Change> =>
  events.slice(events.findLastIndex(({ transition }) => begins(transition)) + 1)

const begins = ({ _tag }: Transition): boolean => _tag === "Replace" || _tag === "Retry"

const state: ReadonlySet<string> = new Set<keyof Record>([
  "id",
  "status",
  "generation",
  "dueAt",
  "attempt",
  "lapses",
  "isHeld",
  "worker",
  "run",
  "leaseUntil",
  "cancelRequested",
  "cancelRequestedAt",
  "data",
  "startedAt",
  "finishedAt",
  "expiresAt",
  "progress",
  "failure",
  "result",
  "error"
])

const about = (record: Record) => Object.fromEntries(Object.entries(record).filter(([name]) => !state.has(name)))

describe("Execution", () => {
  describe("whatever happens to an execution", () => {
    afterwards("each change counts one, and the id stays", ({ after, before }) => {
      assert.strictEqual(after.generation, before.generation + 1)
      assert.strictEqual(after.id, before.id)
    })

    afterwards(
      "what it is about is changed by a Replace only, and then wholly",
      ({ after, before, transition }) =>
        assert.deepStrictEqual(about(after), about(transition._tag === "Replace" ? transition.by : before))
    )

    afterwards("an end is changed by Retry and Replace only, and success by Replace only", ({ before, transition }) => {
      if (!Execution.isFinished(before)) return
      assert.include(before.status === "Succeeded" ? ["Replace"] : ["Replace", "Retry"], transition._tag)
    })

    afterwards("what it has follows from its status", ({ after }) => {
      const runs = after.status === "Running"
      const isFinished = Execution.isFinished(after)
      const has = (name: keyof Record) => name in after
      assert.deepStrictEqual([has("worker"), has("run"), has("leaseUntil")], [runs, runs, runs])
      assert.deepStrictEqual([has("finishedAt"), has("expiresAt")], [isFinished, isFinished])
      assert.strictEqual(has("failure"), after.status === "Failed")
      assert.strictEqual(has("result"), after.status === "Succeeded")
      if (has("error")) assert.strictEqual(after.status, "Failed")
      if (has("isHeld")) assert.strictEqual(after.status, "Scheduled")
      if (runs) assert.isTrue(has("startedAt"))
      if (after.status === "Scheduled") {
        assert.deepStrictEqual([has("startedAt"), has("progress"), has("cancelRequested")], [false, false, false])
      }
      if (after.status === "Cancelled") assert.isTrue(has("cancelRequested"))
      assert.strictEqual(has("cancelRequestedAt"), has("cancelRequested"))
      const values: ReadonlyArray<unknown> = Object.values(after)
      assert.isFalse(values.includes(undefined), "what it has not is not there")
    })

    afterwards("it ends when it says so, and is kept for so long", ({ after, now }) => {
      if (!Execution.isFinished(after)) return
      assert.deepStrictEqual([after.finishedAt, after.expiresAt], [now, after.keepUntil ?? now + keepMillis])
    })

    afterwards(
      "attempts are the starts that were not given back, lapses the leases that ran out",
      ({ after, ...event }, earlier) => {
        const life = thisLife([...earlier, { after, ...event }])
        const count = (tag: Transition["_tag"]) => life.filter(({ transition }) => transition._tag === tag).length
        // One that was asked to end, ends: nothing is given back.
        const given = life.filter(({ after, transition }) =>
          transition._tag === "Refuse" ||
          (transition._tag === "Release" || transition._tag === "Wait") && after.status === "Scheduled"
        )
        assert.strictEqual(after.attempt, count("Claim") - given.length)
        assert.strictEqual(after.lapses, count("Lapse"))
        assert.isAtLeast(after.attempt, after.status === "Running" ? 1 : 0)
      }
    )

    always("only who holds it can say how it went", (event) => {
      const { before, transition } = event
      if (!("holder" in transition)) return
      const { run, worker } = transition.holder
      if (before.status === "Running" && before.worker === worker && before.run === run) {
        assert.notStrictEqual(refusalOf(event), "NotHolder")
      } else {
        assert.strictEqual(refusalOf(event), "NotHolder")
      }
    })

    afterwards("no run is known as one before it was, on whichever worker", ({ after, transition }, earlier) => {
      if (transition._tag !== "Claim") return
      assert.strictEqual(after.run, after.generation)
      assert.isFalse(earlier.some(({ before }) => before.run === after.run))
    })

    afterwards(
      "once it is asked to end, it ends as cancelled or as a success, and is not started again",
      (change, earlier) => {
        const asked = thisLife(earlier).some(({ transition }) => transition._tag === "Cancel")
        if (!asked || begins(change.transition)) return
        assert.notStrictEqual(change.transition._tag, "Claim")
        assert.include(["Running", "Cancelled", "Succeeded"], change.after.status)
        assert.strictEqual(change.after.status === "Succeeded", change.transition._tag === "Succeed")
        assert.strictEqual(change.after.cancelRequested, "enough")
      }
    )

    always("a lease runs out neither before its end nor later", (event) => {
      if (event.transition._tag !== "Lapse") return
      const { before, now, transition } = event
      if (before.status !== "Running") return assert.strictEqual(refusalOf(event), "NotApplicable")
      if (now < before.leaseUntil!) return assert.strictEqual(refusalOf(event), "Leased")
      const [{ after }] = changes([event]) as [Change]
      const lost = before.lapses + 1 > transition.maxLapses
      assert.strictEqual(after.status, "cancelRequested" in before ? "Cancelled" : lost ? "Failed" : "Scheduled")
      if (after.status === "Failed") assert.strictEqual(after.failure?.kind, "Lost")
    })

    always("it is started when it is due, not held and nobody has it", (event) => {
      if (event.transition._tag !== "Claim") return
      const { before, now, transition: { leaseMillis, worker } } = event
      if (Execution.isFinished(before)) return assert.strictEqual(refusalOf(event), "Finished")
      if (before.status === "Running") return assert.strictEqual(refusalOf(event), "Leased")
      if (before.isHeld === true) return assert.strictEqual(refusalOf(event), "Held")
      if (before.dueAt > now && before.dueAt > before.createdAt) return assert.strictEqual(refusalOf(event), "Early")
      const [{ after }] = changes([event]) as [Change]
      assert.deepInclude(after, { status: "Running", worker, leaseUntil: now + leaseMillis, startedAt: now })
    })

    afterwards("what is put off is due at its time, and what is given back at once", ({ after, transition }) => {
      if (after.status !== "Scheduled") return
      const at = transition._tag === "Postpone" || transition._tag === "Wait"
        ? transition.until
        : transition._tag === "Fail"
        ? transition.retryAt!
        : undefined
      if (at !== undefined) {
        const due = Math.max(at, after.createdAt + 1)
        assert.deepStrictEqual([Execution.isDue(after, due - 1), Execution.isDue(after, due)], [false, true])
      } else if (
        ["Release", "Lapse", "Retry"].includes(transition._tag) || transition._tag === "Amend" && transition.isReady
      ) {
        assert.isTrue(Execution.isDue(after, -1e9))
      } else {
        assert.strictEqual(after.dueAt, transition._tag === "Replace" ? transition.by.dueAt : after.dueAt)
      }
    })

    afterwards("what waits changes only its time, and whether it is held", ({ after, before, transition }) => {
      if (!["Postpone", "Hold", "Restore"].includes(transition._tag)) return
      const { isHeld, ...rest } = after
      const { isHeld: wasHeld, ...was } = before
      assert.deepStrictEqual(rest, { ...was, generation: after.generation, dueAt: after.dueAt })
      if (transition._tag !== "Postpone") assert.strictEqual(after.dueAt, before.dueAt)
      assert.strictEqual(
        isHeld,
        transition._tag === "Postpone" ? wasHeld : transition._tag === "Hold" ? true : undefined
      )
    })

    afterwards("what is kept is what was kept last, or comes with a Replace", ({ after, ...event }, earlier) => {
      const kept = [...earlier, { after, ...event }].flatMap(({ after, transition }) =>
        transition._tag === "Replace"
          ? [transition.by.data]
          : "data" in transition && !Execution.isFinished(after)
          ? [transition.data]
          : []
      )
      assert.strictEqual(after.data, kept.at(-1))
    })

    afterwards("keeping and amending change nothing else", ({ after, before, transition }) => {
      if (transition._tag !== "Save" && transition._tag !== "Amend") return
      assert.deepStrictEqual(after, {
        ...before,
        generation: after.generation,
        data: transition.data,
        dueAt: transition._tag === "Amend" && transition.isReady ? before.createdAt : before.dueAt
      })
    })

    afterwards("how it went is what its worker said", ({ after, before, transition }) => {
      switch (transition._tag) {
        case "Advance":
          return assert.deepStrictEqual(after, {
            ...before,
            generation: after.generation,
            progress: transition.progress
          })
        case "Succeed":
          return assert.deepInclude(after, { status: "Succeeded", result: transition.result })
        case "Fail":
          if (after.status !== "Failed") return
          return assert.deepStrictEqual([after.failure, after.error], [transition.failure, transition.error])
        case "Refuse":
          assert.notInclude(Object.keys(after), "startedAt")
          if (after.status === "Cancelled") return
          return assert.deepStrictEqual([after.status, after.failure], ["Failed", transition.failure])
      }
    })

    afterwards("what begins anew has nothing of before", ({ after, before, transition }) => {
      if (!begins(transition)) return
      assert.deepStrictEqual(after, {
        ...after,
        ...about(transition._tag === "Replace" ? transition.by : before),
        status: "Scheduled",
        attempt: 0,
        lapses: 0
      })
      const { attempt, data, dueAt, generation, id, lapses, status, ...rest } = after
      assert.strictEqual(data, transition._tag === "Replace" ? transition.by.data : before.data)
      assert.deepStrictEqual(rest as object, about(after))
    })

    afterwards("it is read as it was written", ({ after }) => {
      const text = JSON.stringify(Schema.encodeSync(Execution.Execution)(after))
      assert.deepStrictEqual(Schema.decodeUnknownSync(Execution.Execution)(JSON.parse(text)), after)
    })
  })

  describe("what becomes of each state", () => {
    const added: Record = fresh({ payload: "{}", task: "mail", priority: 0, createdAt: 0, due: 10 })
    const then = (record: Record, ...transitions: ReadonlyArray<Transition>): Record =>
      transitions.reduce((record, transition) => Result.getOrThrow(Execution.apply(record, transition)), record)

    const now = 100
    const holder = { worker: "a", run: 2 }
    const claim: Transition = { _tag: "Claim", worker: "a", now: 50, leaseMillis: 100 }
    const shortClaim: Transition = { _tag: "Claim", worker: "a", now: 50, leaseMillis: 50 }
    const cancel: Transition = { _tag: "Cancel", reason: "enough", now, keepMillis }
    const fail: Transition = { _tag: "Fail", holder, failure, now, keepMillis }

    const states: { readonly [name: string]: Record } = {
      Due: added,
      Early: { ...added, dueAt: 200 },
      Held: then(added, { _tag: "Hold" }),
      Running: then(added, claim),
      Late: then(added, shortClaim),
      Asked: then(added, claim, cancel),
      AskedLate: then(added, shortClaim, cancel),
      Succeeded: then(added, claim, { _tag: "Succeed", holder, result: "1", now, keepMillis }),
      Failed: then(added, claim, fail),
      Cancelled: then(added, cancel)
    }

    const stranger = { worker: "a", run: 3 }
    const progress = { current: 1 }
    const transitions: { readonly [name: string]: Transition } = {
      Claim: { ...claim, now },
      Advance: { _tag: "Advance", holder, progress },
      "Advance*": { _tag: "Advance", holder: stranger, progress },
      Save: { _tag: "Save", holder, data: "1" },
      "Save*": { _tag: "Save", holder: stranger, data: "1" },
      Wait: { _tag: "Wait", holder, data: "1", until: 300, now, keepMillis },
      "Wait*": { _tag: "Wait", holder: stranger, data: "1", until: 300, now, keepMillis },
      Amend: { _tag: "Amend", data: "1", isReady: false },
      "Amend, ready": { _tag: "Amend", data: "1", isReady: true },
      Succeed: { _tag: "Succeed", holder, result: "1", now, keepMillis },
      "Succeed*": { _tag: "Succeed", holder: stranger, result: "1", now, keepMillis },
      Fail: fail,
      "Fail for now": { ...fail, retryAt: 300 },
      "Fail*": { ...fail, holder: stranger },
      Release: { _tag: "Release", holder, now, keepMillis },
      "Release*": { _tag: "Release", holder: stranger, now, keepMillis },
      Stop: { _tag: "Stop", holder, now, keepMillis },
      "Stop*": { _tag: "Stop", holder: stranger, now, keepMillis },
      Lapse: { _tag: "Lapse", now, maxLapses: 1, keepMillis },
      "Lapse, last": { _tag: "Lapse", now, maxLapses: 0, keepMillis },
      Postpone: { _tag: "Postpone", until: 300 },
      Hold: { _tag: "Hold" },
      Restore: { _tag: "Restore" },
      Cancel: cancel,
      Refuse: { _tag: "Refuse", holder, failure, now, keepMillis },
      "Refuse*": { _tag: "Refuse", holder: stranger, failure, now, keepMillis },
      Replace: { _tag: "Replace", by: { ...added, payload: "[]" } },
      Retry: { _tag: "Retry", now }
    }

    const refusals: { readonly [R in Execution.Refusal]: string } = {
      Early: "early",
      Held: "held",
      Leased: "leased",
      Finished: "finished",
      NotHolder: "stranger",
      NotApplicable: "-"
    }

    const describeOutcome = (outcome: Result.Result<Record, Execution.Refusal>): string =>
      Result.isFailure(outcome)
        ? refusals[outcome.failure]
        : outcome.success.isHeld === true
        ? "Held"
        : outcome.success.status === "Running" && outcome.success.cancelRequested !== undefined
        ? "Asked"
        : outcome.success.status === "Scheduled"
        ? Execution.isDue(outcome.success, now) ? "Due" : "Early"
        : outcome.success.status

    // A state it is in then, or in small letters why nothing changes. With a star: by somebody who does not hold it.
    const table = `
             Due       Early     Held      Running   Late      Asked     AskedLate Succeeded Failed    Cancelled
Claim        Running   early     held      leased    leased    leased    leased    finished  finished  finished
Advance      stranger  stranger  stranger  Running   Running   Asked     Asked     stranger  stranger  stranger
Advance*     stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Save         stranger  stranger  stranger  Running   Running   Asked     Asked     stranger  stranger  stranger
Save*        stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Wait         stranger  stranger  stranger  Early     Early     Cancelled Cancelled stranger  stranger  stranger
Wait*        stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Amend        Due       Early     Held      leased    leased    leased    leased    finished  finished  finished
Amend, ready Due       Due       Held      leased    leased    leased    leased    finished  finished  finished
Succeed      stranger  stranger  stranger  Succeeded Succeeded Succeeded Succeeded stranger  stranger  stranger
Succeed*     stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Fail         stranger  stranger  stranger  Failed    Failed    Cancelled Cancelled stranger  stranger  stranger
Fail for now stranger  stranger  stranger  Early     Early     Cancelled Cancelled stranger  stranger  stranger
Fail*        stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Release      stranger  stranger  stranger  Due       Due       Cancelled Cancelled stranger  stranger  stranger
Release*     stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Stop         stranger  stranger  stranger  -         -         Cancelled Cancelled stranger  stranger  stranger
Stop*        stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Lapse        -         -         -         leased    Due       leased    Cancelled -         -         -
Lapse, last  -         -         -         leased    Failed    leased    Cancelled -         -         -
Postpone     Early     Early     Held      leased    leased    leased    leased    finished  finished  finished
Hold         Held      Held      Held      leased    leased    leased    leased    finished  finished  finished
Restore      -         -         Due       -         -         -         -         -         -         -
Cancel       Cancelled Cancelled Cancelled Asked     Asked     -         -         finished  finished  finished
Refuse       stranger  stranger  stranger  Failed    Failed    Cancelled Cancelled stranger  stranger  stranger
Refuse*      stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger  stranger
Replace      Due       Due       Due       Due       Due       Due       Due       Due       Due       Due
Retry        -         -         -         -         -         -         -         -         Due       Due`.slice(1)

    it("is in the table, for every transition", () => {
      const names = Object.keys(states)
      const rows = Object.entries(transitions).map(([name, transition]) => [
        name,
        ...names.map((state) => describeOutcome(Execution.apply(states[state]!, transition)))
      ])
      const lines = [["", ...names], ...rows].map(([name, ...cells]) =>
        [name!.padEnd(13), ...cells.map((cell) => cell.padEnd(10))].join("").trimEnd()
      )
      assert.deepStrictEqual(lines, table.split("\n"))
    })
  })
})
