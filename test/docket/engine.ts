/** The laws of a `DocketEngine`. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as DocketEngine from "fastmcp-effect/docket/DocketEngine"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import { spawn } from "node:child_process"
import * as path from "node:path"
import type { Address } from "./engineAddress.ts"

export type Engine = DocketEngine.DocketEngine["Service"]

export interface Place {
  /** Another process each time. */
  readonly process: Layer.Layer<DocketEngine.DocketEngine, unknown>
  /** What a process that can be killed needs to find the place. */
  readonly address?: Address
  /** How much of what is over there still is, when it is time for it to be gone. */
  readonly left: Effect.Effect<number, unknown>
}

export interface Backend {
  /** An empty place. */
  readonly place: Effect.Effect<Place, unknown, Scope.Scope>
  readonly time: "virtual" | "real"
  readonly ordersByPriority: boolean
}

export const connect = (process: Layer.Layer<DocketEngine.DocketEngine, unknown>) =>
  Effect.map(Layer.build(Layer.fresh(process)), Context.get(DocketEngine.DocketEngine))

const now = Clock.currentTimeMillis

export const ringNow = (engine: Engine, id: string, options: Partial<DocketEngine.Ring> = {}) =>
  Effect.flatMap(now, (at) => engine.ring({ id, ring: `${id}:1`, at, priority: 0, ...options }))

/** What was answered, and when; each answer takes so long. */
export const consumer = (
  engine: Engine,
  { concurrency = 5, pass = Effect.void }: { concurrency?: number; pass?: Effect.Effect<void> } = {}
) =>
  Effect.gen(function*() {
    const answered: Array<string> = []
    const begun: Array<string> = []
    const times = new Map<string, number>()
    let [inside, most] = [0, 0]
    const answer = (id: string) =>
      Effect.gen(function*() {
        times.set(id, yield* now)
        begun.push(id)
        most = Math.max(most, ++inside)
        yield* pass
        answered.push(id)
      }).pipe(Effect.ensuring(Effect.sync(() => void inside--)))
    const fiber = yield* Effect.forkScoped(engine.consume(answer, { concurrency }))
    return { answered, begun, times, most: () => most, stop: Fiber.interrupt(fiber) }
  })

export const live = (title: string, body: Effect.Effect<void, unknown, Scope.Scope>, timeout?: number) =>
  it.live(title, () => Leaks.check(Effect.scoped(body)), timeout)

/** Looks again after each pause, a thousand times at most. */
const untilAfter = (pause: Effect.Effect<void>) => {
  const until = (test: () => boolean, turns = 1000): Effect.Effect<void> =>
    test() || turns === 0 ? Effect.void : Effect.andThen(pause, Effect.suspend(() => until(test, turns - 1)))
  return until
}

/** For 10 seconds at most. */
export const until = untilAfter(Effect.sleep("10 millis"))

/** What is logged, without what it is about. */
export const listening = () => {
  const logged: Array<string> = []
  const logger = Logger.layer([
    Logger.make(({ message }) => void logged.push(String(Array.isArray(message) ? message[0] : message)))
  ])
  return { logged, logger }
}

const numbered = (label: string, count: number) => Array.from({ length: count }, (_, index) => `${label}${index}`)

export const suite = (name: string, { ordersByPriority, place, time }: Backend): void => {
  const isVirtual = time === "virtual"

  const pass = (millis: number): Effect.Effect<void> =>
    isVirtual ? TestClock.adjust(Duration.millis(millis)) : Effect.sleep(Duration.millis(millis))

  const until = untilAfter(pass(10))

  interface World {
    readonly one: Engine
    /** In another process, where there are others. */
    readonly other: Engine
    readonly place: Place
    readonly logged: ReadonlyArray<string>
  }

  const law = (title: string, body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>, timeout = 20_000) => {
    const test = () => {
      const { logged, logger } = listening()
      return Leaks.check(
        Effect.scoped(Effect.gen(function*() {
          const there = yield* place
          const one = yield* connect(there.process)
          yield* body({ one, other: isVirtual ? one : yield* connect(there.process), place: there, logged })
        })).pipe(Effect.provide(logger))
      )
    }
    if (isVirtual) it.effect(title, test, timeout)
    else it.live(title, test, timeout)
  }

  describe(`DocketEngine, ${name}`, () => {
    law(
      "brings each ring to one answer, whoever rings and whoever consumes, and in no more at a time",
      ({ one, other }) =>
        Effect.gen(function*() {
          const options = { concurrency: 3, pass: Effect.sleep("5 millis") }
          const [a, b] = [yield* consumer(one, options), yield* consumer(other, options)]
          const ids = [...numbered("a", 40), ...numbered("b", 40)]
          yield* Effect.forEach(ids, (id, index) => ringNow(index % 2 === 0 ? one : other, id), { concurrency: 10 })
          yield* until(() => a.answered.length + b.answered.length >= ids.length)
          yield* pass(300)
          assert.deepStrictEqual([...a.answered, ...b.answered].toSorted(), ids.toSorted())
          assert.isTrue(a.most() <= 3 && b.most() <= 3)
          assert.isTrue(a.answered.length > 0 && b.answered.length > 0)
          assert.deepStrictEqual(yield* one.stats, { waiting: 0, delayed: 0, active: 0 })
        })
    )

    law(
      "rings when it is time, to the millisecond, and at once when it is past",
      ({ one, other }) =>
        Effect.gen(function*() {
          const { answered, times } = yield* consumer(one, { concurrency: 2 })
          const start = yield* now
          const waits = [-86_400_000, 0, 1, 50, 333, 900, 1500, 2750]
          for (const wait of waits) yield* ringNow(other, `${wait}`, { ring: `${wait}`, at: start + wait })
          yield* until(() => answered.length === waits.length)
          const late = waits.map((wait) => times.get(`${wait}`)! - Math.max(start + wait, start))
          assert.strictEqual(answered.length, waits.length)
          // What is due at once waits for the next look of another process.
          for (const [index, millis] of late.entries()) {
            assert.isTrue(millis >= 0 && millis <= (isVirtual ? 10 : waits[index]! < 500 ? 900 : 250), late.join(" "))
          }
        })
    )

    if (isVirtual) {
      law("rings at the very millisecond", ({ one }) =>
        Effect.gen(function*() {
          const { times } = yield* consumer(one)
          yield* ringNow(one, "a", { at: (yield* now) + 1001 })
          yield* pass(1000)
          assert.strictEqual(times.size, 0)
          yield* pass(1)
          assert.strictEqual(times.get("a"), yield* now)
        }))
    }

    law("answers others while it waits for the time of a ring", ({ one }) =>
      Effect.gen(function*() {
        const { answered } = yield* consumer(one, { concurrency: 1 })
        const at = (yield* now) + 1200
        for (const id of ["x", "y", "z"]) yield* ringNow(one, id, { at })
        yield* pass(400)
        yield* ringNow(one, "a")
        yield* until(() => answered.length === 1)
        assert.isBelow(yield* now, at)
        yield* ringNow(one, "b")
        yield* until(() => answered.length === 5)
        assert.deepStrictEqual(answered.slice(0, 2), ["a", "b"])
        assert.deepStrictEqual(answered.toSorted(), ["a", "b", "x", "y", "z"])
      }))

    law("has no more answers at a time when many rings come due at once", ({ one, other }) =>
      Effect.gen(function*() {
        const options = { concurrency: 2, pass: Effect.sleep("10 millis") }
        const [a, b] = [yield* consumer(one, options), yield* consumer(other, options)]
        const at = (yield* now) + 1300
        const ids = numbered("", 30)
        yield* Effect.forEach(ids, (id) => ringNow(one, id, { ring: id, at }), { concurrency: 10 })
        yield* until(() => a.answered.length + b.answered.length >= 30)
        assert.deepStrictEqual([...a.answered, ...b.answered].toSorted(), ids.toSorted())
        assert.isTrue(a.most() <= 2 && b.most() <= 2)
        assert.isTrue([...a.times.values(), ...b.times.values()].every((time) => time >= at))
      }))

    law(
      "brings those that wait in the order of priority, where it says so, and else of their times",
      ({ one, other }) =>
        Effect.gen(function*() {
          assert.strictEqual(one.ordersByPriority, ordersByPriority)
          const ids = numbered("", 8)
          const priorities = [0, 5, -5, 0, 1e9, -1e9, 1, 5]
          for (const id of ids) yield* ringNow(other, id, { ring: id, priority: priorities[Number(id)]! })
          const { answered } = yield* consumer(one, { concurrency: 1 })
          yield* until(() => answered.length === 8)
          assert.deepStrictEqual(answered, ordersByPriority ? ["4", "1", "7", "6", "0", "3", "2", "5"] : ids)
        })
    )

    law("rings again at once when the answer is interrupted", ({ one, other }) =>
      Effect.gen(function*() {
        const a = yield* consumer(one, { pass: Effect.never })
        yield* ringNow(one, "a")
        yield* until(() => a.begun.length === 1)
        assert.deepStrictEqual(yield* other.stats, { waiting: 0, delayed: 0, active: 1 })
        yield* a.stop
        assert.deepStrictEqual(yield* other.stats, { waiting: 1, delayed: 0, active: 0 })
        const start = yield* now
        const b = yield* consumer(other)
        yield* until(() => b.answered.length === 1)
        assert.isBelow((yield* now) - start, 1000)
        assert.deepStrictEqual(b.answered, ["a"])
      }))

    law("rings again when the answer interrupts itself", ({ one }) =>
      Effect.gen(function*() {
        let times = 0
        const b = yield* consumer(one, { pass: Effect.suspend(() => times++ < 3 ? Effect.interrupt : Effect.void) })
        yield* ringNow(one, "a")
        yield* until(() => b.answered.length === 1)
        assert.strictEqual(times, 4)
      }))

    law("rings again after a lease when the answer dies, and says so", ({ logged, one }) =>
      Effect.gen(function*() {
        let times = 0
        const b = yield* consumer(one, { pass: Effect.suspend(() => times++ === 0 ? Effect.die("no") : Effect.void) })
        const start = yield* now
        yield* ringNow(one, "a")
        yield* until(() => b.begun.length === 1)
        yield* ringNow(one, "b")
        yield* until(() => b.answered.length === 1)
        assert.deepStrictEqual(b.answered, ["b"])
        yield* until(() => b.answered.length === 2, 4000)
        assert.isAtLeast((yield* now) - start, Duration.toMillis(one.lease) - 1000)
        assert.deepStrictEqual(logged, ["The answer to a ring of the docket died."])
      }))

    law("stays with an answer that takes longer than a lease", ({ one, other }) =>
      Effect.gen(function*() {
        const options = { pass: Effect.sleep(Duration.times(one.lease, 2.5)) }
        const [a, b] = [yield* consumer(one, options), yield* consumer(other, options)]
        yield* ringNow(one, "a")
        yield* pass(Duration.toMillis(one.lease) * 2.5 + 1000)
        assert.deepStrictEqual([...a.begun, ...b.begun], ["a"])
        assert.deepStrictEqual([...a.answered, ...b.answered], ["a"])
      }))

    law("rings once when it is asked twice for the same ring", ({ one, other }) =>
      Effect.gen(function*() {
        const at = (yield* now) + 600
        for (const engine of [one, other, one]) {
          yield* ringNow(engine, "a")
          yield* ringNow(engine, "b", { at })
        }
        yield* ringNow(one, "a", { ring: "another" })
        const { answered } = yield* consumer(one)
        yield* until(() => answered.length === 3)
        yield* pass(600)
        assert.deepStrictEqual(answered, ["a", "a", "b"])
      }))

    law("does not ring any more what is called off", ({ one, other }) =>
      Effect.gen(function*() {
        const at = (yield* now) + 500
        for (const id of ["a", "b"]) yield* ringNow(one, id)
        for (const id of ["c", "d"]) yield* ringNow(one, id, { at })
        for (const id of ["a", "c", "not there"]) yield* other.cancel({ id, ring: `${id}:1` })
        assert.deepStrictEqual(yield* one.stats, { waiting: 1, delayed: 1, active: 0 })
        const { answered } = yield* consumer(one)
        yield* until(() => answered.length === 2)
        yield* pass(600)
        assert.deepStrictEqual(answered, ["b", "d"])
        yield* other.cancel({ id: "b", ring: "b:1" })
      }))

    law("may be called off while it is answered", ({ one, other }) =>
      Effect.gen(function*() {
        const { answered, begun } = yield* consumer(one, { pass: Effect.sleep("300 millis") })
        yield* ringNow(one, "a")
        yield* until(() => begun.length === 1)
        yield* other.cancel({ id: "a", ring: "a:1" })
        yield* until(() => answered.length === 1)
        yield* pass(500)
        assert.deepStrictEqual(answered, ["a"])
      }))

    law(
      "knows how many wait, how many are to come and how many are being answered",
      ({ one, other }) =>
        Effect.gen(function*() {
          const at = (yield* now) + 3000
          yield* Effect.forEach(numbered("l", 4), (id) => ringNow(one, id, { at }))
          yield* Effect.forEach(numbered("n", 3), (id) => ringNow(one, id))
          assert.deepStrictEqual(yield* other.stats, { waiting: 3, delayed: 4, active: 0 })
          const { begun } = yield* consumer(one, { concurrency: 2, pass: Effect.never })
          yield* until(() => begun.length === 2)
          assert.deepStrictEqual(yield* other.stats, { waiting: 1, delayed: 4, active: 2 })
        })
    )

    law("takes any text for an id and for a ring", ({ one, other }) =>
      Effect.gen(function*() {
        const ids = ["7", "a:b:c", "{\"a\":1}", "\0", "\ud800", "é🦊", "'; --", "x".repeat(400), "", "0:1"]
        for (const id of ids) yield* ringNow(other, id, { ring: id === "" ? "empty" : id })
        const { answered } = yield* consumer(one)
        yield* until(() => answered.length === ids.length)
        assert.deepStrictEqual(answered.toSorted(), ids.toSorted())
        for (const id of ids) yield* other.cancel({ id, ring: id })
      }))

    law("leaves nothing of what is over", ({ one, place }) =>
      Effect.gen(function*() {
        const { answered } = yield* consumer(one, { concurrency: 20 })
        const ids = numbered("", 1000)
        yield* Effect.forEach(ids, (id) => ringNow(one, id, { ring: `${id}:r` }), { concurrency: 20 })
        yield* until(() => answered.length === 1000)
        yield* pass(300)
        assert.deepStrictEqual(yield* one.stats, { waiting: 0, delayed: 0, active: 0 })
        assert.strictEqual(yield* place.left, 0)
      }), 60_000)

    if (!isVirtual) {
      law(
        "rings again after a lease when the process disappears, answering or waiting for the time",
        ({ one, place }) =>
          Effect.gen(function*() {
            const child = yield* process(place)
            yield* ringNow(one, "answering")
            assert.strictEqual(yield* child.line, "answering")
            const at = (yield* now) + 1500
            yield* ringNow(one, "waiting", { at })
            yield* pass(700)
            const death = yield* now
            child.kill()
            const { answered, times } = yield* consumer(one)
            yield* until(() => answered.length === 2)
            assert.deepStrictEqual(answered.toSorted(), ["answering", "waiting"])
            const most = Duration.toMillis(one.lease) + 2000
            for (const time of times.values()) assert.isBelow(time - death, most)
            assert.isAtLeast(times.get("waiting")!, at)
          }),
        40_000
      )
    }
  })
}

/** One that consumes, says what rings, and never has the answer. */
const process = ({ address }: Place) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(globalThis.process.execPath, [
          "--conditions=fastmcp-effect/source",
          path.join(import.meta.dirname, "engineProcess.ts"),
          JSON.stringify(address)
        ], { stdio: ["pipe", "pipe", "inherit"] })
      ),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    )
    const line = Effect.callback<string>((resume) => {
      child.stdout.once("data", (data) => resume(Effect.succeed(String(data).trim())))
    })
    assert.strictEqual(yield* line, "ready")
    return { line, kill: () => child.kill("SIGKILL") }
  })
