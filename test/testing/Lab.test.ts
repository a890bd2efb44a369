import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as LabError from "fastmcp-effect/testing/LabError"
import * as LabJournal from "fastmcp-effect/testing/LabJournal"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import * as branch from "./lab/branch.ts"

/** Eight fibers that each say their number three times: the order is the scheduler's. */
const speech = Effect.gen(function*() {
  const said: Array<number> = []
  const speak = (number: number) =>
    Effect.gen(function*() {
      for (let time = 0; time < 3; time++) {
        said.push(number)
        yield* Effect.yieldNow
      }
    })
  const fibers = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (number) => Effect.forkChild(speak(number)))
  yield* Fiber.joinAll(fibers)
  return said.join("")
})

const order = (seed: number) => Lab.withSeed(seed)(speech)

const reasonOf = <A, E>({ exit }: Lab.Report<A, E>): LabError.Reason => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : exit.value
  if (!(error instanceof LabError.LabError)) assert.fail(`ended with ${String(exit)}`)
  return error.reason
}

const fibersOf = <A, E>(report: Lab.Report<A, E>): ReadonlyArray<string> => {
  const reason = reasonOf(report)
  return "fibers" in reason ? reason.fibers : []
}

const add = Tool.make("add", {
  parameters: { a: Schema.Int, b: Schema.Int },
  success: Schema.Int,
  handler: ({ a, b }) => Effect.as(Effect.sleep("1 second"), a + b)
})

const acme = McpServer.layer({ name: "acme", version: "1.0.0", tools: [add] })

const office = Effect.gen(function*() {
  const servers = yield* Effect.forEach(["a", "b"], (name) => Lab.node(name, acme))
  const clients = yield* Effect.forEach(["x", "y", "z"], (name) => Lab.client(name, servers))
  return yield* Effect.forEach(
    clients,
    (client, index) => Effect.forEach([1, 2, 3], (n) => client.call(add, { a: index, b: n })),
    { concurrency: "unbounded" }
  )
})

describe("under a seeded scheduler", () => {
  it.effect("the same order comes from the same seed, and others from others", () =>
    Effect.gen(function*() {
      const orders = yield* Effect.forEach([1, 2, 3, 4, 5], order)
      assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3, 4, 5], order), orders)
      assert.isAbove(new Set(orders).size, 3)
    }))

  it.effect("a test settles when nothing is ready any more", () =>
    Effect.gen(function*() {
      let steps = 0
      const worker = Effect.gen(function*() {
        for (; steps < 500; steps++) yield* Effect.yieldNow
        return yield* Effect.never
      })
      yield* Effect.forkScoped(worker)
      yield* Lab.settle
      assert.strictEqual(steps, 500)
    }).pipe(Lab.withSeed(7)))

  it.effect("a test dies when nothing ever settles", () =>
    Effect.gen(function*() {
      yield* Effect.forkScoped(Effect.forever(Effect.yieldNow))
      const exit = yield* Effect.exit(Lab.settle)
      assert.strictEqual(exit._tag, "Failure")
    }).pipe(Effect.scoped, Lab.withSeed(7)))
})

describe("a run", () => {
  it.effect("is the same to the byte from the same seed, and another from another", () =>
    Effect.gen(function*() {
      const run = (seed: number) =>
        Effect.map(
          Lab.report(office, { seed, faults: [Faults.delay({ chance: 0.2, max: "3 seconds" })] }),
          (report) => {
            assert.deepStrictEqual(report.exit, Exit.succeed([[1, 2, 3], [2, 3, 4], [3, 4, 5]]))
            return LabJournal.encode(report.journal.entries)
          }
        )
      const first = yield* Effect.forEach([1, 2, 3, 4, 5], run)
      assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3, 4, 5], run), first)
      assert.strictEqual(new Set(first).size, 5)
    }))

  it.effect("is the same in another process, with faults and all", () =>
    Effect.gen(function*() {
      const here = yield* branch.digests
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, ["--conditions=fastmcp-effect/source", "test/proof/lab.ts", "digests"])
      )
      assert.deepStrictEqual(stdout.trim().split("\n"), here)
      for (const line of here) assert.match(line, / ok$/)
    }))

  it.effect("takes the order of its fibers from the seed, or from who is ready first", () =>
    Effect.gen(function*() {
      const seeds = [1, 2, 3, 4, 5]
      const orders = yield* Effect.forEach(seeds, (seed) => Lab.run(speech, { seed }))
      assert.isAbove(new Set(orders).size, 3)
      const plain = yield* Effect.forEach(seeds, (seed) => Lab.run(speech, { seed, schedule: "first" }))
      assert.deepStrictEqual(plain, seeds.map(() => "123456781234567812345678"))
    }))

  it.effect("draws what is random, ids and secrets too, from the seed", () =>
    Effect.gen(function*() {
      const random = Effect.gen(function*() {
        const secure = yield* SecureRandom.SecureRandom
        const digest = Context.get(yield* Layer.build(Digest.layerWebCrypto), Digest.Digest)
        return [
          yield* Random.nextInt,
          yield* secure.uuidV4(),
          yield* digest.digestHex(Digest.sha256, new Uint8Array(3))
        ]
      })
      const first = yield* Lab.run(random, { seed: 4 })
      assert.deepStrictEqual(yield* Lab.run(random, { seed: 4 }), first)
      const other = yield* Lab.run(random, { seed: 5 })
      assert.notDeepEqual(other.slice(0, 2), first.slice(0, 2))
      assert.deepStrictEqual(other[2], first[2])
    }))

  it.effect("uses what the test around it provides", () =>
    Effect.gen(function*() {
      class Name extends Context.Service<Name, string>()("test/Name") {}
      const seen = yield* Lab.run(Effect.gen(function*() {
        const node = yield* Lab.node("n")
        return [yield* Name, yield* node.run(Name)]
      })).pipe(Effect.provideService(Name, "ada"))
      assert.deepStrictEqual(seen, ["ada", "ada"])
    }))

  it.effect("fails as its system does", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Effect.exit(Lab.run(Effect.fail("no"))), Exit.fail("no"))
      assert.deepStrictEqual(yield* Effect.exit(Lab.make({ seed: 2 }).run(Effect.die("oh"))), Exit.die("oh"))
    }))
})

describe("the clock of a run", () => {
  it.effect("goes on by itself to the next that is due, and not before all is done that can be", () =>
    Effect.gen(function*() {
      const events = yield* Lab.run(Effect.gen(function*() {
        const events: Array<string> = []
        const say = (after: number, what: string) =>
          Effect.andThen(Effect.sleep(after), Effect.map(Lab.now, (now) => events.push(`${now} ${what}`)))
        yield* Effect.all([say(3_600_000, "c"), say(1000, "b"), say(0, "a"), say(0.25, "part")], {
          concurrency: "unbounded"
        })
        return events
      }))
      assert.deepStrictEqual(events, ["0 a", "1 part", "1000 b", "3600000 c"])
    }))

  it.effect("never wakes a fiber before its own node's clock shows the time", () =>
    Effect.gen(function*() {
      const late = yield* Lab.run(Effect.gen(function*() {
        const node = yield* Lab.node("n", { skew: 5000, drift: 0.013 })
        return yield* node.run(Effect.forEach([0.4, 1, 1.5, 10, 333, 99_999], (millis) =>
          Effect.gen(function*() {
            const before = yield* Clock.currentTimeMillis
            yield* Effect.sleep(millis)
            return (yield* Clock.currentTimeMillis) - before - Math.floor(millis)
          })))
      }))
      for (const millis of late) assert.isTrue(millis >= 0 && millis <= 3, String(late))
    }))

  it.effect("is ahead on a node that is, and gains on one that gains", () =>
    Effect.gen(function*() {
      const times = yield* Lab.run(Effect.gen(function*() {
        const nodes = [yield* Lab.node("exact"), yield* Lab.node("ahead", { skew: 60_000, drift: 0.01 })]
        const both = Effect.forEach(nodes, (node) => node.run(Clock.currentTimeMillis))
        const before = yield* both
        yield* Effect.sleep("100 seconds")
        const after = yield* both
        return [before[1]! - before[0]!, after[1]! - after[0]!]
      }))
      assert.deepStrictEqual(times, [60_000, 61_000])
    }))

  it.effect("lets a test that was written for TestClock have its way", () =>
    Effect.gen(function*() {
      const answer = yield* Lab.run(Effect.gen(function*() {
        const client = yield* McpTest.client(acme)
        const call = yield* Effect.forkChild(client.call(add, { a: 1, b: 2 }))
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        return [yield* Fiber.join(call), yield* Lab.now]
      }))
      assert.deepStrictEqual(answer, [3, 1000])
    }))
})

describe("a run that comes to nothing", () => {
  it.effect("names who waits when nothing can go on, by spans and by what it says it waits for", () =>
    Effect.gen(function*() {
      const report = yield* Lab.report(Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        yield* Effect.forkScoped(
          Effect.withSpan(Effect.withSpan(Lab.waiting("the gate")(Deferred.await(gate)), "inner"), "outer")
        )
        return yield* Lab.waiting("the other")(Effect.never)
      }))
      assert.deepStrictEqual(fibersOf(report), [
        "test, fiber 1, waits for the other",
        "test, fiber 2 (outer > inner), waits for the gate"
      ])
      assert.strictEqual(reasonOf(report)._tag, "Deadlock")
    }))

  it.effect("names the requests that have no answer", () =>
    Effect.gen(function*() {
      const stuck = Tool.make("stuck", { handler: () => Effect.never })
      const server = McpServer.layer({ name: "s", version: "1", tools: [stuck, add], requestTimeout: Infinity })
      const report = yield* Lab.report(
        Effect.gen(function*() {
          const node = yield* Lab.node("server", server)
          const client = yield* Lab.client("client", node, { requestTimeout: Infinity, maxRequestTimeout: Infinity })
          yield* client.call(add, { a: 1, b: 1 })
          yield* client.call(stuck, {})
        }),
        { latency: { max: 0 }, maxTime: "1 hour" }
      )
      const reason = reasonOf(report)
      assert.deepStrictEqual("requests" in reason ? reason.requests : [], [
        "client>server 3: tools/call stuck, sent at 1.000s"
      ])
      assert.include(String(report.exit), "tools/call stuck")
    }))

  it.effect("names who works without an end", () =>
    Effect.gen(function*() {
      const spin = Effect.withSpan(Effect.forever(Effect.yieldNow), "spin")
      const report = yield* Lab.report(spin, { maxStepsAtOnce: 1000 })
      assert.strictEqual(reasonOf(report)._tag, "Livelock")
      assert.deepStrictEqual(fibersOf(report), ["test, fiber 1 (spin)"])
    }))

  it.effect("names who has not ended within the time, or the steps, it may take", () =>
    Effect.gen(function*() {
      const tick = Effect.withSpan(Effect.forever(Effect.sleep("1 minute")), "tick")
      for (const options of [{ maxTime: "1 hour" }, { maxSteps: 50 }] as const) {
        const report = yield* Lab.report(tick, options)
        assert.strictEqual(reasonOf(report)._tag, "TooLong")
        assert.deepStrictEqual(fibersOf(report), ["test, fiber 1 (tick)"])
      }
    }))

  it.effect("names who waited for something outside, unless that is allowed", () =>
    Effect.gen(function*() {
      const promised = Effect.withSpan(Effect.promise(() => Promise.resolve("from outside")), "fetch")
      const system = Effect.andThen(Effect.sleep("1 second"), promised)
      const report = yield* Lab.report(system)
      assert.strictEqual(reasonOf(report)._tag, "Outside")
      assert.deepStrictEqual(fibersOf(report), ["test, fiber 1 (fetch)"])
      assert.strictEqual(yield* Lab.run(system, { outside: "wait" }), "from outside")
      const beside = yield* Lab.report(Effect.andThen(Effect.forkScoped(promised), Effect.sleep("1 second")))
      assert.strictEqual(reasonOf(beside)._tag, "Outside")
    }))

  it.effect("names who outlives the system", () =>
    Effect.gen(function*() {
      const system = Effect.gen(function*() {
        const node = yield* Lab.node("n")
        yield* node.run(Effect.forkDetach(Effect.withSpan(Effect.never, "forgotten")))
        yield* Effect.sleep(1)
      })
      const report = yield* Lab.report(system)
      assert.strictEqual(reasonOf(report)._tag, "Leaked")
      assert.deepStrictEqual(fibersOf(report), ["n, fiber 4 (forgotten)"])
      assert.isTrue(Exit.isSuccess((yield* Lab.report(system, { leaks: false })).exit))
    }))

  it.effect("says which name no node has, or two have", () =>
    Effect.gen(function*() {
      const faulty = yield* Lab.report(Lab.node("n"), { faults: [Faults.drop({ link: "n>m" })] })
      assert.deepInclude(reasonOf(faulty), { _tag: "Misnamed" })
      const twice = yield* Lab.report(Effect.andThen(Lab.node("n"), Lab.node("n")))
      assert.deepInclude(reasonOf(twice), { _tag: "Misnamed" })
      const token = yield* Lab.replay("nonsense", Effect.void)
      assert.deepInclude(reasonOf(token), { _tag: "InvalidToken" })
    }))

  it.effect("does not leave its fibers to the test around it", () =>
    Leaks.check(Effect.gen(function*() {
      yield* Lab.report(Effect.forkDetach(Effect.never))
      yield* Lab.report(Effect.never)
    })))
})

describe("a node", () => {
  class Counter extends Context.Service<Counter, { readonly next: Effect.Effect<number> }>()("test/Counter") {}

  const counter = (ended: Array<string>) =>
    Layer.effect(
      Counter,
      Effect.gen(function*() {
        let count = 0
        yield* Effect.addFinalizer(() => Effect.sync(() => ended.push("ended")))
        return { next: Effect.sync(() => ++count) }
      })
    )
  const next = Effect.flatMap(Counter, (counter) => counter.next)

  it.effect("loses its memory in a crash, without a finalizer, and starts anew", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const seen = yield* Lab.run(Effect.gen(function*() {
        const node = yield* Lab.node("n", counter(ended))
        const before = [yield* node.run(next), yield* node.run(next)]
        const waits = yield* Effect.forkChild(node.run(Effect.never))
        yield* Effect.sleep(1)
        yield* node.crash
        const crashed = yield* Effect.flip(Fiber.join(waits))
        assert.strictEqual(node.state(), "Down")
        assert.strictEqual((yield* Effect.flip(node.run(next))).reason._tag, "Crashed")
        assert.deepStrictEqual(ended, [])
        yield* node.restart
        return [...before, yield* node.run(next), crashed.reason._tag]
      }))
      assert.deepStrictEqual(seen, [1, 2, 1, "Crashed"])
      assert.deepStrictEqual(ended, ["ended"])
    }))

  it.effect("takes nothing on before its layer is built again", () =>
    Effect.gen(function*() {
      const slow = Layer.provide(counter([]), Layer.effectDiscard(Effect.sleep("1 second")))
      const seen = yield* Lab.run(Effect.gen(function*() {
        const node = yield* Lab.node("n", slow)
        yield* node.run(next)
        yield* Effect.forkChild(node.restart)
        yield* Effect.sleep(1)
        return [yield* node.run(next), yield* Lab.now]
      }))
      assert.deepStrictEqual(seen, [1, 2000])
    }))

  it.effect("is a client whose calls die with it, and which can be called again when it is back", () =>
    Effect.gen(function*() {
      const ends = yield* Lab.run(Effect.gen(function*() {
        const server = yield* Lab.node("server", acme)
        const client = yield* Lab.client("client", server)
        const call = yield* Effect.forkChild(Effect.exit(client.call(add, { a: 1, b: 2 })))
        yield* Effect.sleep("500 millis")
        yield* client.node.crash
        const crashed = yield* Fiber.join(call)
        yield* client.node.restart
        return [
          Exit.isFailure(crashed) ? String(Cause.squash(crashed.cause)) : crashed,
          yield* client.call(add, { a: 1, b: 2 })
        ]
      }))
      assert.include(ends[0], "client crashed while this ran on it")
      assert.strictEqual(ends[1], 3)
    }))

  it.effect("gives out other ids in its next life", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Lab.run(Effect.gen(function*() {
        const node = yield* Lab.node("n")
        const id = node.run(Effect.flatMap(SecureRandom.SecureRandom, ({ uuidV4 }) => uuidV4()))
        const first = yield* id
        yield* node.restart
        return [first, yield* id]
      }))
      assert.notStrictEqual(first, second)
    }))

  it.effect("does nothing while it is frozen, and a step at a time while it is slow", () =>
    Effect.gen(function*() {
      const seen = yield* Lab.run(
        Effect.gen(function*() {
          const node = yield* Lab.node("n")
          yield* node.freeze
          const frozen = yield* Effect.forkChild(Effect.andThen(node.run(Effect.void), Lab.now))
          yield* Effect.sleep("10 seconds")
          yield* node.thaw
          const thawedAt = yield* Fiber.join(frozen)
          yield* node.slow("1 second")
          yield* node.run(Effect.andThen(Effect.yieldNow, Effect.yieldNow))
          return [thawedAt, yield* Lab.now]
        }),
        { schedule: "first" }
      )
      assert.deepStrictEqual(seen, [10_000, 13_000])
    }))
})

describe("a store that nodes share", () => {
  class Box extends Context.Service<Box, {
    readonly put: (value: number) => Effect.Effect<void, string>
    readonly all: Effect.Effect<ReadonlyArray<number>, string>
  }>()("test/Box") {}

  const box = Layer.sync(Box, () => {
    const values: Array<number> = []
    return { put: (value) => Effect.sync(() => void values.push(value)), all: Effect.sync(() => [...values]) }
  })
  const put = (value: number) => Effect.flatMap(Box, (box) => box.put(value))

  const shared = Effect.gen(function*() {
    const { layer, node } = yield* Lab.store(box, { name: "db", service: Box, unavailable: () => "unavailable" })
    const [a, b] = [yield* Lab.node("a", layer), yield* Lab.node("b", layer)]
    const first = yield* Effect.exit(a.run(put(1)))
    const second = yield* Effect.exit(b.run(put(2)))
    const values = yield* node.run(Effect.flatMap(Box, (box) => box.all))
    return { first, second, values }
  })

  it.effect("is one, and takes its time", () =>
    Effect.gen(function*() {
      const report = yield* Lab.report(shared, { latency: { min: 10, max: 10 } })
      assert.deepStrictEqual(report.exit, Exit.succeed({ first: Exit.void, second: Exit.void, values: [1, 2] }))
      assert.strictEqual(report.time, 40)
    }))

  it.effect("fails, loses an answer, or is out of reach, for whom a fault says", () =>
    Effect.gen(function*() {
      const no = Exit.fail("unavailable")
      const outcomes = yield* Effect.forEach([
        Faults.fail({ link: "a>db" }),
        Faults.loseAnswer({ link: "*>db", nth: 1, from: 1 }),
        Faults.partition("b", "db", { at: 0, for: "1 minute" })
      ], (fault) => Lab.run(shared, { faults: [fault] }))
      assert.deepStrictEqual(outcomes, [
        { first: no, second: Exit.void, values: [2] },
        { first: Exit.void, second: no, values: [1, 2] },
        { first: Exit.void, second: no, values: [1] }
      ])
    }))

  it.effect("goes on with what it was asked when its caller crashes", () =>
    Effect.gen(function*() {
      const values = yield* Lab.run(
        Effect.gen(function*() {
          const { layer, node } = yield* Lab.store(box, { name: "db", service: Box })
          const a = yield* Lab.node("a", layer)
          const call = yield* Effect.forkChild(a.run(put(1)))
          yield* Effect.sleep(5)
          yield* a.crash
          yield* Effect.exit(Fiber.join(call))
          yield* Effect.sleep("1 second")
          return yield* node.run(Effect.flatMap(Box, (box) => box.all))
        }),
        { latency: { min: 10, max: 10 } }
      )
      assert.deepStrictEqual(values, [1])
    }))
})

describe("a sweep", () => {
  /** Three places where it waits. */
  const work = (log: Array<string>, isCareless: boolean) =>
    Effect.gen(function*() {
      log.push("open")
      yield* Effect.yieldNow
      yield* Effect.sleep("1 second")
      yield* Effect.yieldNow
      log.push("done")
    }).pipe(
      isCareless
        ? Effect.tap(() => Effect.sync(() => log.push("close")))
        : Effect.ensuring(Effect.sync(() => log.push("close")))
    )

  const tidy = (runs: Array<ReadonlyArray<string>>, isCareless: boolean) =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const outcome = yield* Lab.swept(work(log, isCareless))
      runs.push([...log, outcome._tag])
      assert.strictEqual(log.includes("open"), log.includes("close"), "it is closed if it was opened")
    })

  it.effect("cancels the work wherever it can wait, one place further each time", () =>
    Effect.gen(function*() {
      const runs: Array<ReadonlyArray<string>> = []
      const { failure, points } = yield* Lab.sweep(tidy(runs, false))
      assert.isUndefined(failure)
      assert.strictEqual(points, 4)
      assert.deepStrictEqual(runs, [
        ["Cancelled"],
        ["open", "close", "Cancelled"],
        ["open", "close", "Cancelled"],
        ["open", "close", "Cancelled"],
        ["open", "done", "close", "Ok"]
      ])
    }))

  it.effect("lets the budget run out at each checkpoint", () =>
    Effect.gen(function*() {
      const runs: Array<ReadonlyArray<string>> = []
      const { failure, points } = yield* Lab.sweep(
        Effect.gen(function*() {
          const log: Array<string> = []
          const work = Effect.forEach(["a", "b", "c"], (page) =>
            Effect.andThen(Budget.checkpoint, Effect.sync(() => void log.push(page))))
          const outcome = yield* Lab.swept(work)
          runs.push([...log, outcome._tag])
        }),
        { by: "polls" }
      )
      assert.isUndefined(failure)
      assert.strictEqual(points, 3)
      assert.deepStrictEqual(runs, [["Cancelled"], ["a", "Cancelled"], ["a", "b", "Cancelled"], ["a", "b", "c", "Ok"]])
    }))

  it.effect("finds the finalizer that is missing", () =>
    Effect.gen(function*() {
      const { failure } = yield* Lab.sweep(tidy([], true))
      assert.strictEqual(failure?.point, 1)
      assert.include(String(failure?.report.exit), "it is closed if it was opened")
    }))

  it.effect("cancels a request at every step of a whole system, and the handler always cleans up", () =>
    Effect.gen(function*() {
      const { failure, points } = yield* Lab.sweep(
        Effect.gen(function*() {
          const open = new Set<number>()
          const slow = Tool.make("slow", {
            handler: () =>
              Effect.acquireUseRelease(
                Effect.sync(() => open.add(1)),
                () => Effect.sleep("1 second"),
                () => Effect.sync(() => open.clear())
              )
          })
          const server = yield* Lab.node("server", McpServer.layer({ name: "s", version: "1", tools: [slow] }))
          const client = yield* Lab.client("client", server)
          yield* Lab.swept(client.call(slow, {}))
          yield* Effect.sleep("30 seconds")
          assert.strictEqual(open.size, 0)
        }),
        { at: "all" }
      )
      assert.isUndefined(failure)
      assert.isAbove(points, 5)
    }))
})
