/** What a system in a lab is run with, and what comes of it. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Outcome from "../core/Outcome.ts"
import type * as Faults from "./Faults.ts"
import * as LabError from "./LabError.ts"
import * as LabJournal from "./LabJournal.ts"
import * as Machine from "./machine.ts"
import type * as nodes from "./nodes.ts"
import * as nodeServices from "./nodeServices.ts"
import * as Plan from "./plan.ts"
import * as Seeded from "./seeded.ts"
import * as Token from "./token.ts"
import * as World from "./world.ts"

/** How a system is run. @category models @since 0.1.0 */
export interface Options {
  /** Any integer; it makes all that is left to chance. 1. */
  readonly seed?: number
  /** What goes wrong. Nothing. */
  readonly faults?: ReadonlyArray<Faults.Fault>
  /** A run again: the seed, and what alone may take part of the order, the faults and the steps, from a report. */
  readonly token?: string
  readonly clock?: {
    /** What time it is when the run begins, in Unix milliseconds. The beginning of 2026. */
    readonly start?: number
  }
  /**
   * `seeded`: what is ready goes on in an order drawn from the seed, and gives way where it need not. `first`: what has
   * become ready first goes on first. `seeded`.
   */
  readonly schedule?: "seeded" | "first"
  /** How long a message or a call of a store takes; drawn between the two. Up to 5 milliseconds. */
  readonly latency?: { readonly min?: Duration.Input; readonly max?: Duration.Input }
  /** How long the run may last by its own clock. 1 day. */
  readonly maxTime?: Duration.Input
  /** How much it may do: tasks of the scheduler. 50 million. */
  readonly maxSteps?: number
  /** How much it may do while no time passes. 100,000. */
  readonly maxStepsAtOnce?: number
  readonly journal?: {
    /** How many entries are kept, the newest; all are in the digest. 100,000. */
    readonly capacity?: number
    /** Whether starts and ends of fibers, and jumps of the clock, are written. True. */
    readonly fibers?: boolean
  }
  /**
   * What becomes of a run in which something from outside the lab wakes a fiber. `fail`: it comes to nothing, and says
   * which. `wait`: before time goes on, what is ready outside may come in; such a run cannot be repeated. `fail`.
   */
  readonly outside?: "fail" | "wait"
  /** Whether requests and handlers have spans, by which fibers are named. True. */
  readonly spans?: boolean
  /** Whether a fiber that outlives the system is an error. True. */
  readonly leaks?: boolean
}

/** What came of a run. @category models @since 0.1.0 */
export interface Report<out A, out E> {
  readonly exit: Exit.Exit<A, E | LabError.LabError>
  readonly seed: number
  /** With it the same run is made again: `Lab.replay`, or `token` among the options. */
  readonly token: string
  /** What took part: the order of the seed, faults and steps, by their keys. */
  readonly taken: ReadonlyArray<string>
  readonly journal: LabJournal.Journal
  /** How long it took by its own clock, in milliseconds. */
  readonly time: number
  /** Tasks of the scheduler. */
  readonly steps: number
}

/** What the parts of a lab share in one run. */
export class Lab extends Context.Service<Lab, {
  readonly world: World.World
  readonly plan: Plan.Plan
  /** What a node has of its own. */
  readonly services: (owner: World.Owner, clock: nodeServices.ClockOptions) => Context.Context<never>
  readonly latency: { readonly min: number; readonly max: number }
  readonly nodes: Map<string, nodes.Node<any>>
  readonly stop: Stop | undefined
  /** How often who has connected to what. */
  readonly connections: Map<string, number>
  /** Pairs of names between which nothing passes just now. */
  readonly partitions: Set<{ readonly one: string; readonly other: string }>
}>()("fastmcp-effect/testing/system/Lab") {}

/** What a system in a lab need not be given. @category models @since 0.1.0 */
export type Services = Lab | Scope.Scope | SecureRandom.SecureRandom

/** What the order of the seed is known by in a replay. */
export const orderKey = "order"

/** Where a sweep stops its work in this run. */
export interface Stop {
  readonly by: "cancel" | "polls"
  readonly at: "own" | "all"
  readonly point: number
  /** Whether it came to that. */
  isReached: boolean
  work: { readonly fiber: Fiber.Fiber<unknown, unknown>; steps: number } | undefined
}

export interface Hooks {
  readonly stop?: Stop
}

/** After a step of the world: whether the work is to be stopped now. */
const stopWork = (stop: Stop, world: World.World): void => {
  const { work } = stop
  if (work === undefined || stop.isReached || work.fiber.pollUnsafe() !== undefined) return
  if (stop.at === "own" && world.lastFiber() !== work.fiber) return
  work.steps++
  if (work.steps < stop.point) return
  stop.isReached = true
  Outcome.interruptUnsafe(work.fiber, "User")
}

/** Of 2026-01-01. */
const defaultStart = 1_767_225_600_000

/**
 * Runs a system to its end and tells what came of it. What the system needs beside the lab and a scope, it needs here.
 */
export const report = <A, E, R>(
  system: Effect.Effect<A, E, R>,
  options: Options = {},
  { stop }: Hooks = {}
): Effect.Effect<Report<A, E>, never, Exclude<R, Services>> =>
  Effect.contextWith((outer: Context.Context<Exclude<R, Services>>) =>
    Effect.suspend(() => {
      const text = options.token ?? String(Math.trunc(options.seed ?? 1))
      const token = Token.decode(text)
      const { only, seed } = token ?? { only: none, seed: 0 }
      const plan = Plan.make(seed, options.faults ?? [], only)
      const isSeeded = options.schedule !== "first" && plan.takes(orderKey)
      const writer = LabJournal.make(options.journal?.capacity ?? 100_000)
      const world: World.World = World.make({
        seed,
        order: isSeeded ? "seeded" : "first",
        maxStepsAtOnce: options.maxStepsAtOnce ?? 100_000,
        journal: writer,
        writesFibers: options.journal?.fibers ?? true,
        onStep: stop === undefined ? undefined : () => stopWork(stop, world)
      })
      const machine = Machine.make(Context.get(outer, WebCrypto.WebCrypto), Seeded.make(seed, "crypto"))
      const lives = new Map<string, number>()
      const services = (owner: World.Owner, clock: nodeServices.ClockOptions) => {
        // Who starts anew does not give out the same ids again.
        const life = (lives.get(owner.name) ?? 0) + 1
        lives.set(owner.name, life)
        return nodeServices.make({
          world,
          owner,
          live: Context.get(outer, Clock.Clock),
          seeded: Seeded.make(seed, `node ${owner.name}, life ${life}`),
          start: options.clock?.start ?? defaultStart,
          clock,
          machine,
          spans: options.spans ?? true
        })
      }
      const main = world.owner(mainName)
      const lab = Lab.of({
        world,
        plan,
        services,
        latency: {
          min: Duration.toMillis(Duration.fromInputUnsafe(options.latency?.min ?? 0)),
          max: Duration.toMillis(Duration.fromInputUnsafe(options.latency?.max ?? "5 millis"))
        },
        nodes: new Map(),
        stop,
        connections: new Map(),
        partitions: new Set()
      })
      makePartitions(lab)

      let exit: Exit.Exit<A, E> | undefined
      let fiber: Fiber.Fiber<A, E> | undefined
      const context = Context.merge(
        Context.add(nodeServices.inherit(outer), Lab, lab),
        services(main, onTime)
      ) as Context.Context<Exclude<R, Scope.Scope>>
      world.post(main, () => {
        fiber = Effect.runForkWith(context)(Effect.scoped(system))
        fiber.addObserver((end) => {
          exit = end
        })
      })

      const unanswered = () => LabJournal.unanswered(writer.journal().entries).slice(0, most)
      const run = token === undefined
        ? Effect.sync(() => world.fail(new LabError.InvalidToken({ token: text })))
        : drive(world, machine, unanswered, options, () => exit !== undefined)
      return Effect.map(Effect.onInterrupt(run, () => Effect.sync(() => world.crash(main))), (): Report<A, E> => {
        const taken = plan.taken()
        return {
          exit: verdict(lab, exit, options),
          seed,
          token: Token.encode({ seed, only: only === undefined ? undefined : taken }),
          taken,
          journal: writer.journal(),
          time: world.now(),
          steps: world.steps()
        }
      })
    })
  )

const none: ReadonlySet<string> = new Set()

/** Where the system's own fiber runs. */
export const mainName = "test"

const onTime = { skewMillis: 0, drift: 0 }

/**
 * Lets the world go on until it is over. Its work is done at once, in one go; only for what comes from outside it lets
 * the machine do something in between.
 */
const drive = (
  world: World.World,
  machine: Machine.Machine,
  unanswered: () => ReadonlyArray<string>,
  options: Options,
  isOver: () => boolean
): Effect.Effect<void> => {
  const maxTime = Duration.toMillis(Duration.fromInputUnsafe(options.maxTime ?? "1 day"))
  const maxSteps = options.maxSteps ?? 50_000_000
  const waits = options.outside === "wait"
  world.expectsOutside = waits
  let jumps = 0
  let turns = 0
  let hasStopped = false

  const tooLong = (limit: string) =>
    world.fail(new LabError.TooLong({ limit, fibers: world.living(), requests: unanswered() }))

  /** The machine's turn: what it has promised, it brings now. */
  const turn = (then: Effect.Effect<void>, expects: boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      world.expectsOutside = waits || expects
      return Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() => {
          world.expectsOutside = waits
          return then
        })
      )
    })

  /** All answers, before anybody goes on: which of them came first is the machine's affair. */
  const answered: Effect.Effect<void> = Effect.suspend(() => turn(machine.pending() > 0 ? answered : go, true))

  const go: Effect.Effect<void> = Effect.suspend(() => {
    while (true) {
      world.drain(isOver)
      if (isOver() || world.failure() !== undefined) break
      if (world.steps() > maxSteps) {
        tooLong(`${maxSteps} steps`)
        break
      }
      if (world.strangers().length > 0 && !waits) break
      if (world.settle()) continue
      if (machine.pending() > 0) return answered
      // Often enough to notice, early and again, and seldom enough not to matter.
      const isLooking = waits || jumps < 3 || jumps % 1000 === 0
      if (isLooking && turns < (waits ? 2 : 1)) {
        turns++
        return turn(go, false)
      }
      if (world.nextTimer() === undefined) {
        if (turns < patience) {
          turns++
          return turn(go, false)
        }
        world.fail(new LabError.Deadlock({ fibers: world.living(), requests: unanswered() }))
        break
      }
      if (world.nextTimer()! > maxTime) {
        tooLong(Duration.format(Duration.millis(maxTime)))
        break
      }
      turns = 0
      jumps++
      world.jump()
    }
    if (hasStopped) return Effect.void
    hasStopped = true
    // What the end has made ready still runs; and what comes late from outside is noticed.
    return turn(
      Effect.sync(() => world.drain(() => false)),
      false
    )
  })
  return go
}

/** Requests that are named. */
const most = 20

/** Turns of the machine before nobody is expected any more. */
const patience = 2000

const verdict = <A, E>(
  { nodes, world }: Lab["Service"],
  exit: Exit.Exit<A, E> | undefined,
  { faults = [], leaks = true, outside = "fail" }: Options
): Exit.Exit<A, E | LabError.LabError> => {
  const strangers = world.strangers()
  if (strangers.length > 0 && outside === "fail") return failed(new LabError.Outside({ fibers: strangers }))
  const failure = world.failure()
  if (failure !== undefined && exit === undefined) return Exit.fail(failure)
  if (exit === undefined) return failed(new LabError.Deadlock({ fibers: world.living(), requests: [] }))
  if (Exit.isFailure(exit)) return exit
  const strange = misnamed(faults, new Set([...nodes.keys(), mainName]))
  if (strange !== undefined) return failed(new LabError.Misnamed({ message: strange }))
  const living = world.living()
  return leaks && living.length > 0 ? failed(new LabError.Leaked({ fibers: living })) : exit
}

const failed = (reason: LabError.Reason) => Exit.fail(LabError.make(reason))

const misnamed = (
  faults: ReadonlyArray<Faults.Fault>,
  known: ReadonlySet<string>
): string | undefined => {
  const names = faults.flatMap((fault) =>
    fault._tag === "MessageFault" ? fault.link.split(">") : [fault.node, fault.other]
  )
  const unknown = names.find((name) => name !== "*" && !known.has(name))
  return unknown === undefined
    ? undefined
    : `A fault is about ${unknown}, and no node has that name. There are ${[...known].join(", ")}`
}

const makePartitions = ({ partitions, plan, world }: Lab["Service"]) => {
  for (const { at, key, kind, millis, node, other } of plan.onNodes) {
    if (kind !== "Partition") continue
    world.at(at, () => {
      if (!plan.takes(key)) return
      const partition = { one: node, other }
      partitions.add(partition)
      world.write({ _tag: "Fault", at: world.now(), node, key, what: `nothing passes between ${node} and ${other}` })
      if (millis === Infinity) return
      world.at(at + millis, () => {
        partitions.delete(partition)
        world.note(node, `reaches ${other} again`)
      })
    })
  }
}

/** Whether nothing passes between the two. */
export const isParted = ({ partitions }: Lab["Service"], from: string, to: string): boolean => {
  for (const { one, other } of partitions) {
    if ((is(one, from) && is(other, to)) || (is(one, to) && is(other, from))) return true
  }
  return false
}

const is = (pattern: string, name: string) => pattern === "*" || pattern === name

/** On which node the fiber is that asks. */
export const here: Effect.Effect<World.Owner, never, Lab> = Effect.flatMap(
  Lab,
  ({ world }) =>
    Effect.withFiber((fiber) => {
      const owner = world.ownerOf(fiber.cache.scheduler)
      return owner === undefined
        ? Effect.die(new Error("This fiber has left its lab: it runs on a scheduler that is none of the lab's."))
        : Effect.succeed(owner)
    })
)
