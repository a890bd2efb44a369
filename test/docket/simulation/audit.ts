/**
 * Stands before the store all processes share, sees each change, and knows what may be: that is the model. What may not be
 * is noted once, and ends the run.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { DocketStore } from "../../../src/docket/DocketStore.ts"
import * as Execution from "../../../src/docket/Execution.ts"
import type { Network } from "./network.ts"
import { epoch, type Process, type World } from "./world.ts"

type Store = DocketStore["Service"]
type Record = Execution.Execution

/** What the definition of a task allows. */
export interface Rules {
  /** How long it waits at least after each attempt that is not the last. */
  readonly backoff: ReadonlyArray<number>
  readonly timeoutMillis: number
  /** Whether workers cannot use what it is to do; where it is left out, they can. */
  readonly isSpoiled?: (payload: string) => boolean
}

export interface Options {
  readonly rules: { readonly [task: string]: Rules }
  readonly maxLapses: number
  /** Whether what starts must be the most urgent there is: with one worker that does one at a time, and no limits. */
  readonly isOrdered: boolean
}

/** Of a limit. */
interface Share {
  readonly process: Process
  readonly since: number
  readonly until: number
}

/** One start of an execution. */
export interface Run {
  readonly id: string
  readonly process: Process
  readonly claimed: Record
  readonly claimedAt: number
  leaseUntil: number
  /** When the store took it from its worker, or its worker gave it back. */
  endedAt: number | undefined
  handler: Handler | undefined
}

export interface Handler {
  readonly run: Run
  readonly token: string
  readonly startedAt: number
  readonly upAtStart: number
  endedAt: number | undefined
  outcome: Outcome | undefined
}

export type Outcome = "Success" | "Error" | "Defect" | "Interrupted"

export interface Audit {
  /** As this process sees it. */
  readonly of: (process: Process) => Store
  /** The handler of a task begins. What it answers must hold its token. */
  readonly begin: (process: Process, id: string, version: number) => Handler
  readonly end: (handler: Handler, outcome: Outcome) => void
  /** Nothing of this task may start, or may again. */
  readonly strikes: (task: string, isStruck: boolean) => void
  /** This schedule is kept, and has its ticks at multiples of this; or is not any more. */
  readonly expects: (schedule: string, interval: number | undefined) => void
  /** There must be a run of it now, that waits or has begun, and no more than so many wait. */
  readonly goesOn: (schedule: string, most: number) => void
  /** It was told to stop, and may give back what it has. */
  readonly stops: (process: Process) => void
  readonly violation: () => string | undefined
  readonly violate: (what: string) => void
  readonly records: () => ReadonlyArray<Record>
  readonly runs: () => ReadonlyArray<Run>
  readonly handlers: () => ReadonlyArray<Handler>
  /** How often what happened. */
  readonly happens: (what: string) => void
  readonly seen: () => { readonly [what: string]: number }
}

/** The longest pause before what had no answer is tried again, and a little more, in milliseconds. */
const patience = 6000

export const make = (world: World, network: Network, store: Store, { isOrdered, maxLapses, rules }: Options): Audit => {
  let violation: string | undefined
  const records = new Map<string, Record>()
  const runs: Array<Run> = []
  const current = new Map<string, Run>()
  const handlers: Array<Handler> = []
  const starts = new Map<string, ReadonlyArray<number>>()
  const granted = new Map<string, Map<Process, number>>()
  const holders = new Map<string, Map<string, Share>>()
  const struck = new Map<string, number>()
  const begun = new Set<string>()
  const intervals = new Map<string, number>()
  const happened: { [what: string]: number } = {}
  const happens = (what: string) => {
    happened[what] = (happened[what] ?? 0) + 1
  }
  const addedAt = new Map<string, number>()
  const stopping = new Set<Process>()

  const violate = (what: string) => {
    if (violation !== undefined) return
    violation = what
    world.trace("AUDIT", what)
  }

  const added = (process: Process, record: Record) => {
    records.set(record.id, record)
    addedAt.set(record.id, world.now())
    world.trace(process.name, `adds ${record.id} (${record.task}, ${seconds(record.dueAt)})`)
    atTick(process, record)
  }

  const changed = (process: Process, before: Record, after: Record) => {
    const transition = explain(before, after, world.now())
    if (transition === undefined) {
      violate(
        `${process.name} wrote over ${JSON.stringify(before)} ${JSON.stringify(after)}, which nothing makes of it`
      )
      return
    }
    mayBe(before, after, transition)
    records.set(after.id, after)
    happens(transition._tag)
    // Due or urgent otherwise than before.
    if (after.status === "Scheduled") addedAt.set(after.id, world.now())
    world.trace(process.name, `${transition._tag} ${after.id}: ${describe(after)}`)
    if ("holder" in transition && current.get(after.id)?.process !== process) {
      violate(`${process.name} said how ${after.id} went, which ${current.get(after.id)?.process.name} runs`)
    }
    if (transition._tag === "Claim") claimed(process, before, after)
    else said(process, before, after, transition)
    if (before.status === "Running" && after.status !== "Running") {
      const run = current.get(after.id)
      if (run !== undefined) run.endedAt = world.now()
      current.delete(after.id)
      if ("holder" in transition) givesBack(process, before)
      else mustEnd(run)
    }
    if (transition._tag === "Cancel") mustEnd(current.get(after.id))
  }

  /** Of `apply`, what matters most, once more. */
  const mayBe = (before: Record, after: Record, { _tag }: Execution.Transition) => {
    const isAnew = _tag === "Replace" || _tag === "Retry"
    const isAsked = before.cancelRequested !== undefined && !isAnew
    if (after.generation !== before.generation + 1) {
      violate(`${after.id} went from ${before.generation} to ${after.generation}`)
    }
    if (Execution.isFinished(before) && !isAnew) violate(`${after.id} had ended, and there was a ${_tag}`)
    if (isAsked && (_tag === "Claim" || after.status === "Scheduled" || after.status === "Failed")) {
      violate(`${after.id} was asked to end, and there was a ${_tag} to ${after.status}`)
    }
  }

  const claimed = (process: Process, before: Record, after: Record) => {
    if (!isDue(before, world.now())) violate(`${process.name} started ${after.id} before its time`)
    if (before.isHeld === true) violate(`${process.name} started ${after.id}, which is held`)
    if (process.state() !== "Up") world.trace(process.name, `(is ${process.state()})`)
    if (
      world.now() - (struck.get(after.task) ?? Infinity) > 3000 &&
      world.now() - process.upSince() > 3000 && after.startedAt! > world.now() - 1000
    ) {
      violate(`${process.name} started ${after.id}, which is struck`)
    }
    if (after.startedAt! > world.now()) violate(`${process.name} started ${after.id} in the future`)
    if (isOrdered) mostUrgent(after)
    const run: Run = {
      id: after.id,
      process,
      claimed: after,
      claimedAt: world.now(),
      leaseUntil: after.leaseUntil!,
      endedAt: undefined,
      handler: undefined
    }
    runs.push(run)
    begun.add(after.id)
    current.set(after.id, run)
    withinSlot(after)
    withinRate(process, after)
  }

  /** Of what was due when the worker looked, and is still as it was then. */
  const mostUrgent = (started: Record) => {
    const first = [...records.values()].find((other) =>
      other.status === "Scheduled" && other.priority > started.priority &&
      (addedAt.get(other.id) ?? Infinity) < started.startedAt! && isDue(other, started.startedAt!)
    )
    if (first !== undefined) violate(`${started.id} is started before ${first.id}`)
  }

  /** Of those with a lease, no more have a key than may. */
  const withinSlot = ({ id, slot }: Record) => {
    if (slot === undefined) return
    const holders = [...records.values()].filter((other) =>
      other.slot?.key === slot.key && other.status === "Running" && other.leaseUntil! > world.now()
    )
    if (holders.length > slot.limit) {
      violate(`${holders.map(({ id }) => id).join(", ")} run at a time with the key ${slot.key} of ${id}`)
    }
  }

  /** A start is counted when its worker was told that it may, a moment before the store has it. */
  const withinRate = (process: Process, { id, rate }: Record) => {
    if (rate === undefined) return
    const at = granted.get(id)?.get(process)
    granted.get(id)?.delete(process)
    if (at === undefined) return violate(`${process.name} starts ${id} without a part in the rate of ${rate.key}`)
    const times = [...starts.get(rate.key) ?? [], at]
    starts.set(rate.key, times)
    for (const from of times) {
      const within = times.filter((time) => time >= from && time < from + rate.windowMillis)
      if (within.length > rate.limit) violate(`${within.length} starts of the key ${rate.key} in a window with ${id}`)
    }
  }

  /** Its part of a limit is free when it has said how it went, not only when its lease would have ended. */
  const givesBack = (process: Process, { id, slot }: Record) => {
    if (slot === undefined) return
    const up = process.upMillis()
    const end = world.now()
    world.at(end + patience, () => {
      if (current.get(id)?.process === process) return
      const held = [...holders.get(slot.key) ?? []].filter(([holder, share]) =>
        holder.startsWith(`${id}@`) && share.process === process && share.since <= end && share.until > world.now()
      )
      const isWell = process.state() === "Up" && process.upMillis() - up >= patience && !network.wasLossy(patience)
      if (held.length > 0 && isWell && !stopping.has(process)) {
        violate(`${process.name} has not given back the part of ${id} in the key ${slot.key}`)
      }
    })
  }

  /** Its handler has nothing to do any more, and is told so soon after its worker can know. */
  const mustEnd = (run: Run | undefined) => {
    if (run === undefined) return
    const up = run.process.upMillis()
    world.at(world.now() + 10_000, () => {
      const { process } = run
      if (process.state() !== "Up" || process.upMillis() - up < 10_000 || network.wasLossy(10_000)) return
      if (run.handler !== undefined && run.handler.endedAt === undefined) {
        violate(`${run.handler.token} goes on, and has nothing to do any more`)
      }
    })
  }

  /** What a worker says must be what its handler did. */
  const said = (process: Process, before: Record, after: Record, transition: Execution.Transition) => {
    const run = current.get(after.id)
    const handler = run?.handler
    // A worker counts its lease from before it asked for it.
    const isLate = handler === undefined && run !== undefined && run.leaseUntil <= world.now() + 3000
    const must = (is: boolean, what: string) => {
      if (!is) violate(`${process.name} says ${transition._tag} of ${after.id}, and ${what}`)
    }
    const { backoff, isSpoiled, timeoutMillis } = rules[after.task]!
    switch (transition._tag) {
      case "Succeed":
        must(handler?.outcome === "Success", "its handler has not succeeded")
        must(transition.result.includes(handler?.token ?? ""), `its result is ${transition.result} of another run`)
        break
      case "Fail": {
        if (transition.failure.kind === "Timeout" || handler?.outcome === "Interrupted") {
          const took = world.now() - (handler?.startedAt ?? 0)
          must(took >= timeoutMillis, `its handler has run for ${took} ms`)
        } else {
          must(["Error", "Defect"].includes(handler?.outcome ?? ""), "its handler has not failed")
        }
        if (before.cancelRequested !== undefined) break
        must(
          (after.status === "Scheduled") === (before.attempt <= backoff.length),
          `it was attempt ${before.attempt} of ${backoff.length + 1}`
        )
        if (after.status !== "Scheduled") break
        const earliest = (handler?.endedAt ?? Infinity) + backoff[before.attempt - 1]!
        must(after.dueAt >= earliest, `it may be tried again at ${seconds(earliest)}`)
        break
      }
      case "Refuse":
        must(handler === undefined, "its handler has begun")
        must(isSpoiled?.(after.payload) === true, "its payload can be used")
        break
      case "Stop":
        must(handler === undefined || handler.endedAt !== undefined, "its handler goes on")
        break
      case "Release":
        must(handler === undefined || handler.outcome === "Interrupted", "its handler was not interrupted")
        must(stopping.has(process) || after.slot !== undefined || isLate, "nobody has stopped it")
        break
      case "Lapse": {
        const holder = current.get(after.id)?.process
        const isWell = holder?.state() === "Up" && holder.upSince() < world.now() - 15_000 && !stopping.has(holder)
        must(before.leaseUntil! <= world.now(), `its lease goes to ${seconds(before.leaseUntil!)}`)
        must(!isWell || network.wasLossy(15_000), `${holder?.name} is well`)
        must(after.status !== "Failed" || after.lapses > maxLapses, `it may lapse ${maxLapses} times`)
        must(after.status !== "Scheduled" || after.lapses <= maxLapses, `it has lapsed ${after.lapses} times`)
        break
      }
    }
  }

  const atTick = (process: Process, { dueAt, id, schedule }: Record) => {
    const interval = schedule === undefined ? undefined : intervals.get(schedule)
    if (interval === undefined) return
    if ((dueAt - epoch) % interval !== 0) violate(`${id} is not at a tick`)
    // A change of the schedule cancels the next, and that leads to the one after.
    if (process.name !== "client" && dueAt > world.now() + interval) violate(`${id} is not at the next tick`)
  }

  /** What really is there, and what it will be, seen by somebody who does both at once. */
  const audited = (process: Process): Store => ({
    ...store,
    add: (execution) =>
      Effect.tap(store.add(execution), (there) => {
        if (there === undefined) added(process, execution)
        return Effect.void
      }),
    change: (execution, condition) =>
      Effect.gen(function*() {
        const before = records.get(execution.id)
        const isChanged = yield* store.change(execution, condition)
        if (isChanged && before === undefined) violate(`${process.name} changed ${execution.id}, which is not there`)
        // What is not kept at all is gone at once.
        if (isChanged && before !== undefined) {
          changed(process, before, (yield* store.find(execution.id))?.execution ?? execution)
        }
        return isChanged
      }),
    claim: (request) =>
      Effect.map(store.claim!(request), (answer) => {
        if (answer?.isClaimed !== true) return answer
        const before = records.get(request.id)
        if (before === undefined) violate(`${process.name} claimed ${request.id}, which is not there`)
        else if (!Execution.isUnlimited(before)) violate(`${process.name} claimed ${before.id}, which has a limit`)
        else changed(process, before, answer.execution)
        return answer
      }),
    renew: (holds, leaseMillis) =>
      Effect.gen(function*() {
        const renewed = yield* store.renew(holds, leaseMillis)
        for (const id of renewed) {
          const record = records.get(id)!
          records.set(id, { ...record, leaseUntil: world.now() + leaseMillis })
          const run = current.get(id)
          if (run?.process !== process) violate(`${process.name} renewed the lease of ${id}, not its own`)
          else run.leaseUntil = world.now() + leaseMillis
          withinSlot(records.get(id)!)
        }
        if (renewed.length > 0) world.trace(process.name, `renews ${renewed.join(" ")}`)
        return renewed
      }),
    acquire: (request) =>
      Effect.tap(store.acquire(request), (answer) => {
        const { holder, key, lifeMillis } = request
        if (answer === undefined && key.startsWith("rate ")) {
          const id = holder.slice(0, holder.indexOf("/"))
          granted.set(id, (granted.get(id) ?? new Map<Process, number>()).set(process, world.now()))
        } else if (answer === undefined) {
          const name = key.replace(/^slot /u, "")
          const shares = holders.get(name) ?? new Map<string, Share>()
          const { since = world.now() } = shares.get(holder) ?? {}
          holders.set(name, shares.set(holder, { process, since, until: world.now() + lifeMillis }))
        }
        return Effect.void
      }),
    release: (slot) =>
      Effect.tap(store.release(slot), () => {
        holders.get(slot.key.replace(/^slot /u, ""))?.delete(slot.holder)
        return Effect.void
      }),
    remove: (id) =>
      Effect.tap(store.remove(id), (wasThere) => {
        if (wasThere) {
          records.delete(id)
          world.trace(process.name, `removes ${id}`)
        }
        return Effect.void
      })
  })

  return {
    of: (process) => {
      const inner = audited(process)
      const call = <A>(effect: Effect.Effect<A, Effect.Error<Store["counts"]>>) => network.call(process, effect)
      return {
        add: (execution) => call(inner.add(execution)),
        find: (id, tasks) => call(inner.find(id, tasks)),
        claim: (request) => call(inner.claim!(request)),
        change: (execution, condition) => call(inner.change(execution, condition)),
        renew: (holds, leaseMillis) => call(inner.renew(holds, leaseMillis)),
        generations: (ids) => call(inner.generations(ids)),
        overdue: (options) => call(inner.overdue(options)),
        list: (query) => call(inner.list(query)),
        counts: call(inner.counts),
        remove: (id) => call(inner.remove(id)),
        acquire: (request) => call(inner.acquire(request)),
        release: (slot) => call(inner.release(slot)),
        note: (note) => call(inner.note(note)),
        withdraw: (note) => call(inner.withdraw(note)),
        notes: (kind) => call(inner.notes(kind)),
        transaction: (effect) => effect
      }
    },
    begin: (process, id, version) => {
      // What was replaced meanwhile may have been started again before.
      const run = runs.findLast((run) =>
        run.id === id && run.process === process && run.handler === undefined && versionOf(run.claimed) === version
      )
      if (run === undefined) {
        violate(`${process.name} runs version ${version} of ${id}, which it has not started in the store`)
      } else if (run.leaseUntil <= world.now()) {
        violate(`${process.name} begins ${id} ${world.now() - run.leaseUntil} ms after its lease`)
      }
      const handler: Handler = {
        run: run ?? runs[0]!,
        token: `${id}#${handlers.length}`,
        startedAt: world.now(),
        upAtStart: process.upMillis(),
        endedAt: undefined,
        outcome: undefined
      }
      if (run !== undefined) run.handler = handler
      handlers.push(handler)
      world.trace(process.name, `runs ${handler.token}`)
      return handler
    },
    end: (handler, outcome) => {
      handler.endedAt = world.now()
      handler.outcome = outcome
      const { claimed, process } = handler.run
      const { timeoutMillis } = rules[claimed.task]!
      const took = process.upMillis() - handler.upAtStart
      world.trace(process.name, `ends ${handler.token}: ${outcome}`)
      if (took > timeoutMillis + 1000) {
        violate(`${handler.token} ran for ${took} ms, and may for ${timeoutMillis}`)
      }
    },
    strikes: (task, isStruck) => {
      if (isStruck) struck.set(task, world.now())
      else struck.delete(task)
    },
    expects: (schedule, interval) => {
      if (interval === undefined) intervals.delete(schedule)
      else intervals.set(schedule, interval)
    },
    goesOn: (schedule, most) => {
      if (!intervals.has(schedule)) return
      const runs = [...records.values()].filter((record) =>
        record.schedule === schedule && !Execution.isFinished(record)
      )
      if (runs.length === 0) violate(`no run of the schedule ${schedule} waits`)
      // One that has begun before may have to begin again.
      const waiting = runs.filter(({ id, status }) => status === "Scheduled" && !begun.has(id))
      if (waiting.length > most) {
        violate(`${waiting.map(({ id }) => id).join(" and ")} wait for the schedule ${schedule}`)
      }
    },
    stops: (process) => void stopping.add(process),
    violation: () => violation,
    violate,
    records: () => [...records.values()],
    runs: () => runs,
    handlers: () => handlers,
    happens,
    seen: () => happened
  }
}

const isDue = ({ createdAt, dueAt }: Record, now: number): boolean => dueAt <= now || dueAt <= createdAt

const versionOf = ({ payload }: Record): unknown => (JSON.parse(payload) as { readonly version?: unknown }).version

/** What happened, if `apply` makes the one of the other. */
const explain = (before: Record, after: Record, now: number): Execution.Transition | undefined =>
  candidates(before, after, now).find((transition) => {
    const outcome = Execution.apply(before, transition)
    return Result.isSuccess(outcome) && isSame(outcome.success, after)
  })

const candidates = (before: Record, after: Record, now: number): ReadonlyArray<Execution.Transition> => {
  const ended = { now: after.finishedAt ?? now, keepMillis: (after.expiresAt ?? now) - (after.finishedAt ?? now) }
  const holder = { worker: before.worker ?? "", run: before.run ?? 0 }
  const { cancelRequested: reason = "", error, failure = { kind: "Error", message: "" } } = after
  const stop = { _tag: "Stop", holder, ...ended } as const
  const fail = { _tag: "Fail", holder, failure, error, ...ended } as const
  const lapse = { _tag: "Lapse", maxLapses: after.status === "Failed" ? 0 : Infinity, ...ended } as const
  switch (after.status) {
    case "Running":
      return before.status === "Scheduled"
        ? [{
          _tag: "Claim",
          worker: after.worker!,
          now: after.startedAt!,
          leaseMillis: after.leaseUntil! - after.startedAt!
        }]
        : [{ _tag: "Advance", holder, progress: after.progress ?? { current: 0 } }, {
          _tag: "Cancel",
          reason,
          ...ended,
          now: after.cancelRequestedAt ?? now
        }]
    case "Scheduled":
      return [
        { _tag: "Postpone", until: after.dueAt },
        { _tag: "Hold" },
        { _tag: "Restore" },
        { ...fail, retryAt: after.dueAt },
        lapse,
        { _tag: "Release", holder, ...ended },
        { _tag: "Retry", now },
        { _tag: "Replace", by: after }
      ]
    case "Succeeded":
      return [{ _tag: "Succeed", holder, result: after.result ?? "", ...ended }]
    case "Failed":
      return [{ _tag: "Refuse", holder, failure, ...ended }, fail, lapse]
    case "Cancelled":
      return [{ _tag: "Cancel", reason, ...ended }, stop, lapse]
  }
}

const isSame = (a: Record, b: Record): boolean => {
  const names = Object.keys(a) as Array<keyof Record>
  return names.length === Object.keys(b).length &&
    names.every((name) => a[name] === b[name] || JSON.stringify(a[name]) === JSON.stringify(b[name]))
}

const describe = ({ attempt, dueAt, failure, generation, leaseUntil, status, worker }: Record): string =>
  [
    `${status} (${generation})`,
    status === "Scheduled" ? `for ${seconds(dueAt)}` : undefined,
    worker === undefined ? undefined : `${worker}, attempt ${attempt}, until ${seconds(leaseUntil!)}`,
    failure === undefined ? undefined : failure.kind
  ].filter((part) => part !== undefined).join(", ")

const seconds = (time: number): string => ((time - epoch) / 1000).toFixed(3)
