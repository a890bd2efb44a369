/**
 * A world in one thread, whose time goes on only when nobody has anything to do: what `TestClock` is for one program,
 * for several processes, each with a clock of its own, that freeze, thaw and crash. Nothing of it waits for the event
 * loop, and which of the fibers that could go on does is drawn, so that one number makes all of a run.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as EffectRandom from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import type * as Random from "./random.ts"

export interface World {
  /** By the clock on the wall: epoch milliseconds. */
  readonly now: () => number
  /** Later, or as soon as possible when this is past. The answer takes it back. */
  readonly at: (time: number, action: () => void) => () => void
  readonly process: (name: string, options: ProcessOptions) => Process
  /** Until nothing is left to do, it is that late, or `isOver`. */
  readonly run: (until: number, isOver?: () => boolean) => void
  /** For people, in the order of events. */
  readonly trace: (who: string, what: string) => void
  readonly lines: () => ReadonlyArray<string>
}

export interface ProcessOptions {
  /** How much its clock is ahead of the one on the wall. */
  readonly skewMillis: number
  readonly random: Random.Random
}

export interface Process {
  readonly name: string
  readonly state: () => "Up" | "Frozen" | "Dead"
  /** Runs in it, with its clock. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => void
  /** Something from outside reaches it: now, when it thaws, or never. */
  readonly post: (action: () => void) => void
  readonly freeze: () => void
  readonly thaw: () => void
  /** It is gone, with all it had in its memory. */
  readonly crash: () => void
  /** How long it has been up, not counting the time it was frozen; by which its deeds are to be judged. */
  readonly upMillis: () => number
  /** When it was born, or last thawed. */
  readonly upSince: () => number
}

/** The beginning of time is not 0, so that nobody takes a time for a span. */
export const epoch = 1_800_000_000_000

export const make = (random: Random.Random): World => {
  let time = epoch
  const lines: Array<string> = []
  const ready: Array<() => void> = []
  const timers = makeTimers()

  const at = (due: number, action: () => void) => timers.add(Math.max(time, due), action)

  const trace = (who: string, what: string) => {
    lines.push(`${((time - epoch) / 1000).toFixed(3).padStart(9)}  ${who.padEnd(6)}  ${what}`)
  }

  const process = (name: string, { random, skewMillis }: ProcessOptions): Process => {
    let state: "Up" | "Frozen" | "Dead" = "Up"
    let missed: Array<() => void> = []
    let frozenAt = 0
    let frozenMillis = 0
    let upSince = time
    const born = time

    const whenUp = (action: () => void) => {
      if (state === "Up") action()
      else if (state === "Frozen") missed.push(action)
    }
    const post = (action: () => void) => {
      if (state === "Up") ready.push(() => whenUp(action))
      else whenUp(action)
    }

    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: () => false,
      makeDispatcher: () => ({ scheduleTask: (task) => post(task), flush: () => {} })
    }
    const now = () => time + skewMillis
    const nanos = () => BigInt(now()) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: now,
      currentTimeMillis: Effect.sync(now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback((resume) => {
          const millis = Duration.toMillis(duration)
          if (millis === Infinity) return
          const forget = at(time + Math.max(0, Math.ceil(millis)), () => post(() => resume(Effect.void)))
          return Effect.sync(forget)
        })
    }
    const context = Context.make(Clock.Clock, clock).pipe(
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(EffectRandom.Random, {
        nextIntUnsafe: () => random.between(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
        nextDoubleUnsafe: random.next
      }),
      Context.add(
        SecureRandom.SecureRandom,
        SecureRandom.make((size) => Uint8Array.from({ length: size }, () => random.between(0, 255)))
      ),
      Context.add(Logger.CurrentLoggers, new Set()),
      Context.add(References.TracerEnabled, false)
    )

    return {
      name,
      state: () => state,
      fork: (effect) =>
        post(() => {
          Effect.runForkWith(context)(effect).addObserver((exit) => {
            if (Exit.isFailure(exit)) trace(name, `ended with ${exit.cause}`)
          })
        }),
      post,
      freeze: () => {
        if (state !== "Up") return
        state = "Frozen"
        frozenAt = time
      },
      thaw: () => {
        if (state !== "Frozen") return
        state = "Up"
        frozenMillis += time - frozenAt
        upSince = time
        for (const action of missed) post(action)
        missed = []
      },
      crash: () => {
        state = "Dead"
        missed = []
      },
      upSince: () => upSince,
      upMillis: () => (state === "Frozen" ? frozenAt : time) - born - frozenMillis
    }
  }

  const run = (until: number, isOver = () => false) => {
    let steps = 0
    while (true) {
      while (ready.length > 0) {
        const index = ready.length === 1 ? 0 : random.between(0, ready.length - 1)
        const action = ready[index]!
        ready[index] = ready[ready.length - 1]!
        ready.pop()
        action()
        if (++steps > 100_000) throw new Error("somebody works and works, and no time passes")
      }
      if (isOver()) return
      const next = timers.peek()
      if (next === undefined || next > until) {
        time = Math.max(time, until)
        return
      }
      if (next > time) steps = 0
      time = next
      timers.pop()!()
    }
  }

  return { now: () => time, at, process, run, trace, lines: () => lines }
}

interface Timer {
  readonly at: number
  readonly order: number
  action: (() => void) | undefined
}

/** By time, and those of the same time in the order in which they were added. */
const makeTimers = () => {
  const heap: Array<Timer> = []
  let count = 0
  const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order)
  const shift = (): Timer | undefined => {
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let i = 0
    while (true) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return top
  }
  const forgotten = () => {
    while (heap.length > 0 && heap[0]!.action === undefined) shift()
  }
  return {
    add: (at: number, action: () => void) => {
      const timer: Timer = { at, order: count++, action }
      let i = heap.length
      while (i > 0) {
        const parent = (i - 1) >> 1
        if (!before(timer, heap[parent]!)) break
        heap[i] = heap[parent]!
        i = parent
      }
      heap[i] = timer
      return () => {
        timer.action = undefined
      }
    },
    peek: (): number | undefined => {
      forgotten()
      return heap[0]?.at
    },
    pop: (): (() => void) | undefined => {
      forgotten()
      return shift()?.action
    }
  }
}
