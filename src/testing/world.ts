/**
 * One thread in which several nodes run, whose time goes on only when none has anything to do. Which of the fibers that
 * are ready goes on is drawn. Nothing of it waits for the event loop, so a machine's load has no say in it.
 */
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scheduler from "effect/Scheduler"
import type * as Tracer from "effect/Tracer"
import * as Outcome from "../core/Outcome.ts"
import * as LabError from "./LabError.ts"
import type * as LabJournal from "./LabJournal.ts"
import * as scheduling from "./scheduling.ts"
import * as Seeded from "./seeded.ts"
import * as Timers from "./timers.ts"

/** One life of a node: who starts anew is another one. */
export interface Owner {
  readonly name: string
  readonly scheduler: scheduling.LabScheduler
  state: "Up" | "Frozen" | "Down"
  /** How long each step takes, in milliseconds. */
  step: number
}

export interface Options {
  readonly seed: number
  /** Whether what is ready goes on in an order drawn from the seed, or in that in which it became ready. */
  readonly order: "seeded" | "first"
  readonly maxStepsAtOnce: number
  readonly journal: LabJournal.Writer
  /** Whether fibers' starts and ends, and jumps, are written. */
  readonly writesFibers: boolean
  /** Called after each step. */
  readonly onStep: (() => void) | undefined
}

export interface World {
  readonly seed: number
  /** Milliseconds since the run began. */
  readonly now: () => number
  /** Counts the tasks that have run. */
  readonly steps: () => number
  /** Which fiber made the last step; undefined when it has ended. */
  readonly lastFiber: () => Fiber.Fiber<unknown, unknown> | undefined
  readonly owner: (name: string) => Owner
  /** On whose scheduler something runs; undefined for one that is none of this world. */
  readonly ownerOf: (scheduler: Scheduler.Scheduler) => Owner | undefined
  /** Something reaches this node: now, when it thaws, or never. */
  readonly post: (owner: Owner, task: () => void) => void
  /** Later; the answer takes it back. */
  readonly at: (time: number, action: () => void) => () => void
  readonly freeze: (owner: Owner) => void
  readonly thaw: (owner: Owner) => void
  readonly crash: (owner: Owner) => void
  /** Runs all that is ready, until `isOver`, or something is wrong. */
  readonly drain: (isOver: () => boolean) => void
  /** Whether somebody waits for the moment when nothing is ready; they are called. */
  readonly settle: () => boolean
  /** Goes on to the next timer, and sets it off; false where there is none. */
  readonly jump: () => boolean
  readonly nextTimer: () => number | undefined
  readonly write: (entry: LabJournal.Entry) => void
  readonly note: (node: string, what: string) => void
  readonly fail: (reason: LabError.Reason) => void
  readonly failure: () => LabError.LabError | undefined
  /** Fibers that have begun and not ended, on nodes that are not down. */
  readonly living: () => ReadonlyArray<string>
  /** Who was woken from outside, and by nothing the lab knows of. */
  readonly strangers: () => ReadonlyArray<string>
  /** Whether what comes from outside just now was asked for. */
  expectsOutside: boolean
}

interface Task {
  readonly owner: Owner
  readonly run: () => void
  readonly priority: number
}

interface Seen {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly owner: Owner
  readonly number: number
  /** What it was when it began; it may end without a context. */
  readonly name: string
}

/** What a fiber says it waits for, outermost first. */
export const Waiting = Context.Reference<ReadonlyArray<string>>("fastmcp-effect/testing/world/Waiting", {
  defaultValue: () => []
})

export const make = (options: Options): World => {
  const { journal, maxStepsAtOnce, onStep, order, seed, writesFibers } = options
  const random = Seeded.make(seed, "order")
  const preemption = Seeded.make(seed, "preemption")
  const timers = Timers.make()
  const ready: Array<Task> = []
  /** Of those that are ready, how many are not of the usual priority. */
  let unusual = 0
  const missed = new Map<Owner, Array<Task>>()
  const busyUntil = new Map<Owner, number>()
  const seen = new Map<Fiber.Fiber<unknown, unknown>, Seen>()
  const strangers: Array<string> = []
  const owners = new Map<Scheduler.Scheduler, Owner>()
  const ran = new Set<string>()
  let idle: Array<() => void> = []
  let fibers = 0
  let time = 0
  let steps = 0
  let stepsAtOnce = 0
  let current: Owner | undefined
  let last: Fiber.Fiber<unknown, unknown> | undefined
  let failure: LabError.LabError | undefined

  const fail = (reason: LabError.Reason) => {
    failure ??= LabError.make(reason)
  }

  const see = (fiber: Fiber.Fiber<unknown, unknown>, owner: Owner): Seen => {
    const known = seen.get(fiber)
    if (known !== undefined) return known
    const number = ++fibers
    const name = nameOf(fiber)
    const one: Seen = { fiber, owner, number, name }
    seen.set(fiber, one)
    if (writesFibers) journal.write({ _tag: "Started", at: time, node: owner.name, fiber: number, name })
    fiber.addObserver((exit) => {
      seen.delete(fiber)
      if (last === fiber) last = undefined
      if (writesFibers) {
        journal.write({ _tag: "Ended", at: time, node: owner.name, fiber: number, name, how: how(exit) })
      }
    })
    return one
  }

  const push = (task: Task) => {
    if (task.priority !== 0) unusual++
    ready.push(task)
  }

  const post = (owner: Owner, run: () => void, priority = 0) => {
    const task: Task = { owner, run, priority }
    if (owner.state === "Up") return owner.step === 0 && !busyUntil.has(owner) ? push(task) : afterOthers(task)
    if (owner.state === "Frozen") missed.get(owner)!.push(task)
  }

  /** One thing after the other, each of which takes its time. */
  const afterOthers = (task: Task) => {
    const { owner } = task
    const at = Math.max(time, busyUntil.get(owner) ?? 0) + owner.step
    busyUntil.set(owner, at)
    timers.add(at, () => {
      if (busyUntil.get(owner) === at) busyUntil.delete(owner)
      push(task)
    })
  }

  const take = (): Task => {
    let index = 0
    if (unusual > 0) {
      const first = ready.reduce((least, { priority }) => Math.min(least, priority), Infinity)
      const candidates = ready.flatMap(({ priority }, index) => priority === first ? [index] : [])
      index = candidates[order === "first" ? 0 : random.below(candidates.length)]!
    } else if (order === "seeded" && ready.length > 1) {
      index = random.below(ready.length)
    }
    const task = ready[index]!
    if (task.priority !== 0) unusual--
    if (order === "first") ready.splice(index, 1)
    else {
      const end = ready.pop()!
      if (index < ready.length) ready[index] = end
    }
    return task
  }

  const run = ({ owner, priority, run }: Task) => {
    if (owner.state !== "Up") return post(owner, run, priority)
    current = owner
    steps++
    stepsAtOnce++
    try {
      run()
    } finally {
      current = undefined
    }
    if (stepsAtOnce > maxStepsAtOnce - lastLooks && last !== undefined) ran.add(describe(see(last, owner)))
    if (stepsAtOnce > maxStepsAtOnce) {
      fail(new LabError.Livelock({ steps: stepsAtOnce, fibers: [...ran].slice(0, most) }))
    }
    if (onStep !== undefined) {
      current = clockwork
      onStep()
      current = undefined
    }
  }

  const makeOwner = (name: string): Owner => {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task, priority) => post(owner, task, priority),
      flush: () => {}
    }
    const shouldYield = (fiber: Fiber.Fiber<unknown, unknown>): boolean => {
      if (current !== owner) {
        // Woken by another node, or from outside: it goes on when its own is up, and in its turn.
        if (current === undefined && !self.expectsOutside && owner.state !== "Down") {
          strangers.push(describe(see(fiber, owner)))
        }
        return true
      }
      if (fiber !== last) {
        last = fiber
        see(fiber, owner)
      }
      return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield ||
        (order === "seeded" && preemption.next() < scheduling.giveWay)
    }
    const owner: Owner = {
      name,
      state: "Up",
      step: 0,
      scheduler: scheduling.fromRun(seed, () => ready.length, (resume) => void idle.push(() => post(owner, resume)), {
        executionMode: "async",
        shouldYield,
        makeDispatcher: () => dispatcher
      })
    }
    owners.set(owner.scheduler, owner)
    return owner
  }

  /** On which nothing runs: what a timer wakes goes on in its turn. */
  const clockwork = makeOwner("time")

  const forget = (owner: Owner) => {
    for (const [fiber, one] of seen) if (one.owner === owner) seen.delete(fiber)
  }

  const self: World = {
    seed,
    now: () => time,
    steps: () => steps,
    lastFiber: () => last,
    owner: makeOwner,
    ownerOf: (scheduler) => owners.get(scheduler),
    post: (owner, task) => post(owner, task),
    at: (at, action) => timers.add(Math.max(time, at), action),
    freeze: (owner) => {
      if (owner.state !== "Up") return
      owner.state = "Frozen"
      missed.set(owner, [])
    },
    thaw: (owner) => {
      if (owner.state !== "Frozen") return
      owner.state = "Up"
      const tasks = missed.get(owner)!
      missed.delete(owner)
      for (const { priority, run } of tasks) post(owner, run, priority)
    },
    crash: (owner) => {
      owner.state = "Down"
      missed.delete(owner)
      forget(owner)
    },
    drain: (isOver) => {
      while (ready.length > 0 && failure === undefined && !isOver()) run(take())
    },
    settle: () => {
      if (idle.length === 0) return false
      const waiting = idle
      idle = []
      for (const resume of waiting) resume()
      return true
    },
    jump: () => {
      const next = timers.next()
      if (next === undefined) return false
      if (next > time) {
        if (writesFibers) journal.write({ _tag: "Jumped", at: next, node: "time", by: next - time })
        stepsAtOnce = 0
        time = next
      }
      // All of this moment, so that what they make ready is drawn from together.
      current = clockwork
      try {
        while (timers.next() === time) timers.take()!()
      } finally {
        current = undefined
      }
      return true
    },
    nextTimer: timers.next,
    write: journal.write,
    note: (node, what) => journal.write({ _tag: "Noted", at: time, node, what }),
    fail,
    failure: () => failure,
    living: () => [...seen.values()].map(describe).slice(0, most),
    strangers: () => strangers.slice(0, most),
    expectsOutside: false
  }
  return self
}

const lastLooks = 200

const most = 20

const how = (exit: Exit.Exit<unknown, unknown>) => Outcome.fromExit(exit)._tag

/** Its spans, outermost first; without any, the function it is in. */
const nameOf = (fiber: Fiber.Fiber<unknown, unknown>): string => {
  const names: Array<string> = []
  let span: Tracer.AnySpan | undefined = fiber.cache.span
  while (span?._tag === "Span") {
    names.unshift(span.name)
    span = Option.getOrUndefined(span.parent)
  }
  return names.length > 0 ? names.join(" > ") : fiber.cache.stackFrame?.name ?? ""
}

const describe = ({ fiber, name, number, owner }: Seen): string => {
  const now = nameOf(fiber) || name
  const waits = fiber.pollUnsafe() === undefined ? fiber.getRef(Waiting) : []
  return `${owner.name}, fiber ${number}${now === "" ? "" : ` (${now})`}${
    waits.length === 0 ? "" : `, waits for ${waits.join(", ")}`
  }`
}
