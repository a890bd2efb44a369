/**
 * One run of a docket with its workers, their crashes, freezes and clocks, a network that loses calls and an engine that
 * does all an engine may: thirty things to do and a minute of trouble, then calm until all is done. The seed makes all of
 * it.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Docket from "../../../src/docket/Docket.ts"
import * as DocketEngine from "../../../src/docket/DocketEngine.ts"
import type * as DocketError from "../../../src/docket/DocketError.ts"
import * as DocketStore from "../../../src/docket/DocketStore.ts"
import * as Execution from "../../../src/docket/Execution.ts"
import * as Audit from "./audit.ts"
import * as Engine from "./engine.ts"
import * as Network from "./network.ts"
import * as Random from "./random.ts"
import { endless, handlers, type Name, type Plan, rules, tasks } from "./tasks.ts"
import * as World from "./world.ts"

export interface Report {
  /** Undefined when all was as it may be. */
  readonly violation: string | undefined
  readonly trace: ReadonlyArray<string>
  /** What it has seen, to see that it sees enough. */
  readonly seen: { readonly [what: string]: number }
}

const seconds = 1000
const calmAt = World.epoch + 60 * seconds
const latest = calmAt + 1200 * seconds

const leaseMillis = 10 * seconds
const maxLapses = 2

/**
 * - `Trouble`: all of it
 * - `Idle`: one worker, which does one thing at a time, and nothing goes wrong
 */
export type Kind = "Trouble" | "Idle"

export const simulate = (seed: number, kind: Kind = "Trouble"): Report => {
  const isIdle = kind === "Idle"
  const random = Random.make(seed)
  const world = World.make(random.fork("order"))
  const network = Network.make(world, random.fork("network"))
  const engine = Engine.make(world, network, random.fork("engine"), {
    leaseMillis: random.pick([5, 15]) * seconds,
    ordersByPriority: random.chance(0.3) && !isIdle
  })
  const observer = world.process("store", { skewMillis: 0, random: random.fork("store") })
  let store: DocketStore.DocketStore["Service"] | undefined
  observer.fork(Effect.gen(function*() {
    store = Context.get(
      yield* Layer.buildWithScope(DocketStore.layerMemory(), yield* Scope.make()),
      DocketStore.DocketStore
    )
  }))
  world.run(World.epoch)
  const audit = Audit.make(world, network, store!, { rules, maxLapses, isOrdered: isIdle })

  const docketOf = (process: World.Process) =>
    Layer.provide(Docket.layer({ pollInterval: "1 second" }), [
      Layer.succeed(DocketStore.DocketStore, audit.of(process)),
      Layer.succeed(DocketEngine.DocketEngine, engine.of(process))
    ])

  // ---------------------------------------------------------------------------------------------------- workers

  const fate = random.fork("fate")
  const later = (from: number, to: number) => World.epoch + fate.between(from * seconds, to * seconds)
  const workers: Array<World.Process> = []
  let booted = 0

  const boot = () => {
    const name = `w${++booted}`
    const skewMillis = isIdle || fate.chance(0.5) ? 0 : fate.between(-60, 60) * seconds
    const process = world.process(name, { skewMillis, random: random.fork(name) })
    const stop = Deferred.makeUnsafe<void>()
    const concurrency = isIdle ? 1 : fate.between(1, 4)
    world.trace(name, `boots, with ${concurrency} at a time and a clock ${skewMillis / 1000} s ahead`)
    const work = Docket.layerWorker(handlers(audit, process), {
      concurrency,
      lease: leaseMillis,
      drain: "4 seconds",
      maxLapses
    })
    process.fork(Effect.raceFirst(Layer.launch(Layer.provide(work, docketOf(process))), Deferred.await(stop)))
    workers.push(process)
    return () => {
      audit.stops(process)
      world.trace(name, "is told to stop")
      process.post(() => Deferred.doneUnsafe(stop, Effect.void))
    }
  }

  const live = (lifeNumber: number) => {
    const stop = boot()
    const process = workers.at(-1)!
    const start = world.now()
    const at = (after: number) => start + after
    const trouble = fate.between(2 * seconds, 40 * seconds)
    if (isIdle || at(trouble) > calmAt || lifeNumber > 4) return
    const again = (after: number) =>
      world.at(at(trouble) + after, () => {
        if (process.state() === "Up" || process.state() === "Dead") live(lifeNumber + 1)
      })
    const kind = fate.pick(["crash", "crash", "freeze", "freeze", "stop", "nothing"])
    world.at(at(trouble), () => {
      switch (kind) {
        case "crash":
          world.trace(process.name, "CRASHES")
          audit.happens("crash")
          process.crash()
          again(fate.between(0, 10 * seconds))
          break
        case "freeze": {
          const millis = fate.between(1, 30) * seconds
          audit.happens("freeze")
          world.trace(process.name, `FREEZES for ${millis / 1000} s`)
          process.freeze()
          world.at(world.now() + millis, () => {
            world.trace(process.name, "thaws")
            process.thaw()
          })
          break
        }
        case "stop":
          stop()
          again(fate.between(0, 10 * seconds))
          break
      }
    })
  }

  const count = isIdle ? 1 : fate.between(1, 4)
  for (let worker = 0; worker < count; worker++) world.at(later(0, 3), () => live(1))

  if (!isIdle) network.have({ lost: fate.pick([0, 0, 0.01, 0.03]) })
  if (!isIdle) {
    engine.have({
      lost: fate.pick([0, 0.02, 0.1]),
      doubled: fate.pick([0, 0.1, 0.4]),
      late: fate.pick([0, 0.1, 0.3]),
      lateMillis: 4 * seconds
    })
  }
  if (!isIdle && fate.chance(0.4)) {
    const millis = fate.between(1, 12) * seconds
    world.at(later(5, 50), () => {
      audit.happens("outage")
      world.trace("store", `is DOWN for ${millis / 1000} s`)
      network.fail(world.now() + millis)
    })
  }
  world.at(calmAt, () => {
    world.trace("world", "is calm from now on")
    network.have({ lost: 0 })
    engine.have(Engine.calm)
  })

  // ---------------------------------------------------------------------------------------------------- client

  const wish = random.fork("client")
  const client = world.process("client", { skewMillis: 0, random: random.fork("ids") })
  let docket: Docket.Docket["Service"] | undefined
  client.fork(Effect.gen(function*() {
    docket = Context.get(yield* Layer.buildWithScope(docketOf(client), yield* Scope.make()), Docket.Docket)
  }))

  const pending = new Set<string>()
  /** Asks until there is an answer, or a refusal for good. */
  const ask = <A>(
    at: number,
    what: string,
    call: (docket: Docket.Docket["Service"]) => Effect.Effect<A, DocketError.DocketError>,
    then: (answer: A) => void = () => {}
  ) => {
    pending.add(what)
    const insist: Effect.Effect<A, DocketError.DocketError> = Effect.suspend(() =>
      Effect.catch(
        call(docket!),
        (error) => error.reason._tag === "Unavailable" ? Effect.andThen(Effect.sleep(300), insist) : Effect.fail(error)
      )
    )
    world.at(at, () =>
      client.fork(Effect.onExit(insist, (exit) =>
        Effect.sync(() => {
          pending.delete(what)
          if (Exit.isSuccess(exit)) then(exit.value)
        }))))
  }

  let versions = 0
  const plan = (name: Name): Plan => {
    const fails = !isIdle && wish.chance(0.3)
    const takesLong = wish.chance(name === "brief" ? 0.4 : 0.15)
    return {
      version: ++versions,
      key: wish.pick(["p", "q"]),
      millis: takesLong
        ? wish.between(4, tasks[name].options.concurrency === undefined ? 35 : 14) * seconds
        : wish.between(0, 2500),
      failures: fails ? wish.pick([1, 1, 2, 100]) : 0,
      dies: wish.chance(0.3),
      steps: wish.chance(0.3) ? wish.between(1, 4) : 0,
      stubbornMillis: wish.chance(0.1) ? wish.between(500, 3000) : 0
    }
  }
  const names: readonly [Name, ...Array<Name>] = isIdle
    ? ["plain"]
    : ["plain", "brief", "alone", "few", "paced", "both", "spoilt"]
  const size = wish.between(24, 34)
  for (let index = 0; index < size; index++) {
    const at = later(0, 40)
    const name = wish.pick(names)
    const key = `${index}`
    const id = `${name}:${key}`
    const options = {
      key,
      ...wish.chance(isIdle ? 0.8 : 0.3) && { priority: wish.between(-2, 2) },
      ...wish.chance(0.3) && { delay: wish.between(1, 15) * seconds }
    }
    const isEndless = wish.chance(0.15) && name === "plain"
    const first = { ...plan(name), ...isEndless && { millis: endless, failures: 0 } }
    ask(at, `add ${id}`, (docket) => docket.add(tasks[name], first, options))
    if (wish.chance(0.1)) {
      ask(at + wish.between(0, 3000), `add ${id} again`, (docket) => docket.add(tasks[name], first, options))
    }
    if (wish.chance(0.15)) {
      ask(at + wish.between(500, 20_000), `replace ${id}`, (docket) => docket.replace(tasks[name], key, plan(name)))
    }
    if (wish.chance(0.15) || isEndless) {
      const when = isEndless ? calmAt + wish.between(0, 20 * seconds) : at + wish.between(0, 20_000)
      ask(when, `cancel ${id}`, (docket) => docket.cancel(id, "enough"))
    }
    if (wish.chance(0.1) && !isEndless) {
      ask(at + wish.between(2000, 40_000), `retry ${id}`, (docket) => docket.retry(id))
    }
    if (wish.chance(0.3)) awaitResult(name, id, at + 30 * seconds)
  }

  if (!isIdle && wish.chance(0.4)) {
    const interval = wish.pick([10, 20]) * seconds
    const when = wish.chance(0.5)
      ? { every: interval }
      : { cron: `*/${interval / seconds} * * * * *` }
    audit.expects("clock", interval)
    // Where a run is done twice, or the schedule changes, the next tick but one may be planted as well.
    const most = 2
    const change = (at: number, what: string) => {
      const run = { ...plan("ticking"), millis: wish.between(0, 3000), failures: 0, stubbornMillis: 0 }
      ask(at, what, (docket) => docket.schedule("clock", tasks.ticking, run, when), () => {
        world.at(world.now() + 2000, () => audit.goesOn("clock", most))
      })
    }
    change(later(0, 10), "schedule clock")
    if (wish.chance(0.5)) change(later(15, 40), "schedule clock otherwise")
    for (const after of [5, 20, 25]) world.at(calmAt + after * seconds, () => audit.goesOn("clock", most))
    world.at(calmAt + 30 * seconds, () => audit.expects("clock", undefined))
    ask(calmAt + 30 * seconds, "unschedule clock", (docket) => docket.unschedule("clock"))
  }
  if (!isIdle && wish.chance(0.3)) {
    const task = wish.pick(names)
    ask(later(5, 20), `strike ${task}`, (docket) => docket.strike({ task }), () => audit.strikes(task, true))
    const end = later(35, 55)
    world.at(end, () => audit.strikes(task, false))
    ask(end, `restore ${task}`, (docket) => docket.restore({ task }))
  }

  /** What is waited for must be what is kept. */
  function awaitResult(name: Name, id: string, at: number) {
    ask(
      at,
      `result of ${id}`,
      (docket) =>
        Effect.matchEffect(docket.result(tasks[name], id), {
          onSuccess: (value) => Effect.succeed(`Succeeded ${value}`),
          onFailure: (error) =>
            typeof error === "string"
              ? Effect.succeed(`Failed ${error}`)
              : error.reason._tag === "ExecutionFailed"
              ? Effect.succeed(`Failed ${error.reason.failure.message}`)
              : error.reason._tag === "ExecutionCancelled"
              ? Effect.succeed(`Cancelled ${error.reason.reason}`)
              : Effect.fail(error)
        }),
      (answer) => {
        const record = audit.records().find((record) => record.id === id)
        if (record === undefined || !Execution.isFinished(record)) return
        const { cancelRequested, error, failure, result, status } = record
        const text = (json: string | undefined) => json === undefined ? undefined : JSON.parse(json) as string
        const detail = status === "Succeeded"
          ? text(result)
          : status === "Failed"
          ? text(error) ?? failure?.message
          : cancelRequested
        if (answer !== `${status} ${detail}`) {
          audit.violate(`who waited for ${id} got ${answer}, and it is ${status} ${detail}`)
        }
      }
    )
  }

  // ---------------------------------------------------------------------------------------------------- until the end

  const isDone = () =>
    pending.size === 0 &&
    audit.records().every((record) => Execution.isFinished(record)) &&
    audit.handlers().every(({ endedAt, run }) => endedAt !== undefined || run.process.state() !== "Up")

  world.at(calmAt + seconds, () => {
    if (workers.every((process) => process.state() === "Dead")) boot()
  })
  let isOver = false
  const look = () => {
    if (world.now() > calmAt && isDone()) isOver = true
    else world.at(world.now() + seconds, look)
  }
  world.at(calmAt, look)
  try {
    world.run(latest, () => isOver || audit.violation() !== undefined)
    if (audit.violation() === undefined && !isOver) {
      const left = audit.records().filter((record) => !Execution.isFinished(record)).map(({ id }) => id)
      const running = audit.handlers().filter(({ endedAt, run }) =>
        endedAt === undefined && run.process.state() === "Up"
      )
      audit.violate(
        `not done: ${[...left, ...running.map(({ token }) => token), ...pending].join(", ")}`
      )
    }
  } catch (error) {
    audit.violate(String(error))
  }
  return { violation: audit.violation(), trace: world.lines(), seen: audit.seen() }
}
