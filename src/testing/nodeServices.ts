/** What a node has of its own: its clock, its chance, its spans and where its log goes. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Promised from "../core/Promised.ts"
import type * as Machine from "./machine.ts"
import type * as Seeded from "./seeded.ts"
import type * as World from "./world.ts"

/** How a node's clock differs from the one on the wall. */
export interface ClockOptions {
  /** How much it is ahead. */
  readonly skewMillis: number
  /** How much it gains in a second, as a fraction: 0.01 for a hundredth. */
  readonly drift: number
}

export interface Options {
  readonly world: World.World
  readonly owner: World.Owner
  readonly seeded: Seeded.Seeded
  readonly start: number
  /** The machine's. */
  readonly live: Clock.Clock
  readonly clock: ClockOptions
  readonly machine: Machine.Machine
  readonly spans: boolean
}

/** In the place of whatever was there; a program's other services stay. */
export const make = (options: Options): Context.Context<never> => {
  const { machine, owner, seeded, spans, world } = options
  const own = Context.make(Clock.Clock, makeClock(options)).pipe(
    Context.add(Scheduler.Scheduler, owner.scheduler),
    Context.add(Random.Random, {
      nextIntUnsafe: () =>
        Math.floor(seeded.next() * (Number.MAX_SAFE_INTEGER - Number.MIN_SAFE_INTEGER)) + Number.MIN_SAFE_INTEGER,
      nextDoubleUnsafe: seeded.next
    }),
    Context.add(SecureRandom.SecureRandom, SecureRandom.make(seeded.bytes)),
    Context.add(WebCrypto.WebCrypto, machine.crypto),
    Context.add(Promised.Keeper, machine.inTurn),
    Context.add(Logger.CurrentLoggers, new Set([logTo(world, owner)]))
  )
  return spans ? Context.add(own, Tracer.Tracer, makeTracer(seeded)) : own
}

/** Of the program around the lab, what can be used in it. */
export const inherit = <R>(outer: Context.Context<R>): Context.Context<R> =>
  outer.pipe(
    // What counts the fibers of the test around would count those of nodes that crash.
    Context.omit(Metric.FiberRuntimeMetrics),
    Context.omit(Tracer.ParentSpan),
    Context.omit(Tracer.Tracer)
  ) as Context.Context<R>

/**
 * Goes by the clock of the world, and does what `TestClock` can do: a test that moves it only waits, for in a lab time
 * goes on by itself.
 */
const makeClock = ({ clock: { drift, skewMillis }, live, owner, start, world }: Options): Clock.Clock => {
  const rate = 1 + drift
  const elapsed = () => world.now() * rate
  const millis = () => start + Math.floor(elapsed() + skewMillis)
  const nanos = () => BigInt(millis()) * 1_000_000n
  const monotonic = () => BigInt(Math.floor(elapsed() * 1_000_000))
  const sleep = (duration: Duration.Duration): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const wanted = Duration.toMillis(duration)
      if (wanted === Infinity) return
      // Whole milliseconds, so that a sleep of a part of one does not come back before the clock has moved.
      let due = world.now() + Math.max(0, Math.ceil(wanted / rate))
      const target = elapsed() + wanted
      while (due * rate < target) due++
      const forget = world.at(due, () => world.post(owner, () => resume(Effect.void)))
      return Effect.sync(forget)
    })
  const clock: TestClock.TestClock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep,
    adjust: (duration) => sleep(Duration.fromInputUnsafe(duration)),
    setTime: (timestamp) => Effect.suspend(() => sleep(Duration.millis(Math.max(0, timestamp - millis())))),
    withLive: (effect) => Effect.provideService(effect, Clock.Clock, live)
  }
  return clock
}

const makeTracer = (seeded: Seeded.Seeded): Tracer.Tracer => {
  const word = () => seeded.below(2 ** 32).toString(16).padStart(8, "0")
  return Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      span._spanId = word() + word()
      if (options.parent._tag === "None") span._traceId = word() + word() + word() + word()
      return span
    }
  })
}

/** What is logged is part of the story. */
const logTo = (world: World.World, owner: World.Owner): Logger.Logger<unknown, void> =>
  Logger.make(({ logLevel, message }) => {
    const words = (Array.isArray(message) ? message : [message]).map((word) =>
      typeof word === "string" ? word : word instanceof Error ? word.message : JSON.stringify(word)
    )
    world.note(owner.name, `logs ${logLevel}: ${words.join(" ")}`)
  })
