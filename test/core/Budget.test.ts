import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Budget from "../../src/core/Budget.ts"
import * as Outcome from "../../src/core/Outcome.ts"
import { countingClock } from "./countingClock.ts"

const limit = Arbitrary.schema(Schema.Literals([0, 1, 2, 3, 50, 1000, "none"])).pipe(
  Arbitrary.map((n) => n === "none" ? Infinity : n)
)

const budget: Arbitrary.Arbitrary<Budget.Budget> = Arbitrary.all({
  deadline: limit,
  pollQuota: limit,
  costQuota: limit,
  priority: Arbitrary.schema(Schema.Literals([0, 1, 128, 255]))
})

/** How the effect ends when it is a request of its own with this budget. */
const run = <A, E, R>(effect: Effect.Effect<A, E, R>, limits: Budget.Limits) =>
  Effect.flatMap(Budget.within(limits), (budget) => Outcome.fromEffect(Budget.enforce(effect, budget)))

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** See the note in `Outcome.test.ts`. */
const quietClock = TestClock.adjust(0)

describe("Budget", () => {
  describe("meet", () => {
    it.prop("is associative", [budget, budget, budget], ([a, b, c]) => {
      assert.deepStrictEqual(Budget.meet(Budget.meet(a, b), c), Budget.meet(a, Budget.meet(b, c)))
    })

    it.prop("is commutative", [budget, budget], ([a, b]) => {
      assert.deepStrictEqual(Budget.meet(a, b), Budget.meet(b, a))
    })

    it.prop("is idempotent, and unlimited changes nothing", [budget], ([a]) => {
      assert.deepStrictEqual(Budget.meet(a, a), a)
      assert.deepStrictEqual(Budget.meet(Budget.unlimited, a), a)
    })

    it.prop("is no wider than either, and as urgent as the more urgent", [budget, budget], ([a, b]) => {
      const met = Budget.meet(a, b)
      for (const each of [a, b]) {
        assert.isTrue(met.deadline <= each.deadline)
        assert.isTrue(met.pollQuota <= each.pollQuota)
        assert.isTrue(met.costQuota <= each.costQuota)
        assert.isTrue(met.priority >= each.priority)
      }
    })
  })

  describe("make", () => {
    it("leaves out nothing and limits nothing that was not asked for", () => {
      assert.deepStrictEqual(Budget.make({}), Budget.unlimited)
      assert.isTrue(Object.hasOwn(Budget.make({ deadline: 5 }), "deadline"))
    })

    it("takes a number that makes no sense for nothing at all", () => {
      assert.deepStrictEqual(Budget.make({ deadline: NaN, pollQuota: -1, costQuota: NaN, priority: -5 }), {
        deadline: 0,
        pollQuota: 0,
        costQuota: 0,
        priority: 0
      })
    })

    it.effect("a timeout counts from now, and the earlier limit holds", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1000)
        assert.strictEqual((yield* Budget.within({ timeout: "2 seconds" })).deadline, 3000)
        assert.strictEqual((yield* Budget.within({ timeout: "2 seconds", deadline: 2500 })).deadline, 2500)
        assert.strictEqual((yield* Budget.within({ timeout: "2 seconds", deadline: 9000 })).deadline, 3000)
        assert.strictEqual((yield* Budget.within({ timeout: "Infinity" })).deadline, Infinity)
      }))

    it("a request's own deadline can only be earlier than its budget's", () => {
      const server = Budget.make({ deadline: 100 })
      assert.strictEqual(Budget.start(server, 50).deadline, 50)
      assert.strictEqual(Budget.start(server, 150).deadline, 100)
      assert.strictEqual(Budget.start(server).deadline, 100)
    })
  })

  describe("checkpoint", () => {
    it.effect("is free when nothing is limited", () =>
      Effect.gen(function*() {
        for (let i = 0; i < 10; i++) yield* Budget.checkpoint
        assert.deepStrictEqual(yield* Budget.remaining, {
          timeLeft: Duration.infinity,
          polls: Infinity,
          cost: Infinity
        })
      }))

    it.effect("grants as many polls as the quota says and cancels at the next", () =>
      Effect.gen(function*() {
        let passed = 0
        const loop = Effect.forever(Effect.andThen(Budget.checkpoint, Effect.sync(() => passed++)))
        assert.deepStrictEqual(yield* run(loop, { pollQuota: 3 }), Outcome.cancelled("PollQuota"))
        assert.strictEqual(passed, 3)
        assert.deepStrictEqual(yield* run(Budget.checkpoint, { pollQuota: 0 }), Outcome.cancelled("PollQuota"))
      }))

    it.effect("lets other fibers run", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const task = (name: string) =>
          Effect.gen(function*() {
            seen.push(`${name}1`)
            yield* Budget.checkpoint
            seen.push(`${name}2`)
          })
        yield* Effect.all([task("a"), task("b")], { concurrency: 2 })
        assert.deepStrictEqual(seen, ["a1", "b1", "a2", "b2"])
      }))

    it.effect("notices a deadline that passed while the fiber computed", () =>
      Effect.gen(function*() {
        const test = yield* TestClock.testClockWith(Effect.succeed)
        const computing = Effect.gen(function*() {
          yield* test.setTime(1000)
          yield* Budget.checkpoint
          return "went on"
        })
        const started = Budget.start(Budget.make({ deadline: 1000 }))
        const o = yield* Outcome.fromEffect(Effect.provideService(computing, Budget.CurrentBudget, started))
        assert.deepStrictEqual(o, Outcome.cancelled("Deadline"))
        const later = Budget.start(Budget.make({ deadline: 1001 }))
        const p = yield* Outcome.fromEffect(Effect.provideService(computing, Budget.CurrentBudget, later))
        assert.deepStrictEqual(p, Outcome.ok("went on"))
      }))

    it.effect("cannot be recovered from inside", () =>
      Effect.gen(function*() {
        let recovered = false
        const stubborn = Effect.catchCause(Budget.checkpoint, () => Effect.sync(() => void (recovered = true)))
        assert.deepStrictEqual(yield* run(stubborn, { pollQuota: 0 }), Outcome.cancelled("PollQuota"))
        assert.isFalse(recovered)
      }))

    it.effect("leaves the finalizers of what it cancelled alone, however often they use it", () =>
      Effect.gen(function*() {
        let steps = 0
        const step = Effect.andThen(Budget.checkpoint, Effect.sync(() => steps++))
        const work = Effect.ensuring(Budget.checkpoint, Effect.repeat(step, { times: 99 }))
        const fiber = yield* fork(Budget.enforce(work, Budget.make({ pollQuota: 0 })))
        const exit = yield* Fiber.await(fiber)
        assert.strictEqual(steps, 100)
        assert.strictEqual(exit._tag === "Failure" && exit.cause.reasons.length, 1)
      }))

    it.effect("cancels every fiber of the request once the quota is gone", () =>
      Effect.gen(function*() {
        const work = Effect.all([
          Outcome.fromEffect(Effect.forever(Budget.checkpoint)),
          Outcome.fromEffect(Budget.checkpoint)
        ])
        const gone = Outcome.cancelled("PollQuota")
        assert.deepStrictEqual(
          yield* run(work, { pollQuota: 5 }),
          Outcome.ok<[Outcome.Outcome<never>, Outcome.Outcome<void>]>([gone, gone])
        )
      }))
  })

  describe("spend", () => {
    it.effect("counts down to nothing and cancels what goes beyond", () =>
      Effect.gen(function*() {
        let steps = 0
        const work = Effect.forEach([4, 6, 0, 0.5], (amount) =>
          Effect.map(Budget.spend(amount), () => {
            steps++
          }), { discard: true })
        assert.deepStrictEqual(yield* run(work, { costQuota: 10 }), Outcome.cancelled("CostBudget"))
        assert.strictEqual(steps, 3)
        assert.deepStrictEqual(yield* run(work, { costQuota: 10.5 }), Outcome.ok(undefined))
        assert.deepStrictEqual(
          yield* run(Effect.andThen(work, Budget.remaining), { costQuota: 11 }),
          Outcome.ok({ timeLeft: Duration.infinity, polls: Infinity, cost: 0.5 })
        )
      }))

    it.effect("refuses an amount that would hand cost back or lose count", () =>
      Effect.gen(function*() {
        for (const amount of [-1, NaN, Infinity]) {
          assert.isTrue(Outcome.isPanicked(yield* run(Budget.spend(amount), { costQuota: 10 })))
        }
      }))

    it.effect("a request that spent too much in one fiber is stopped at the next checkpoint of another", () =>
      Effect.gen(function*() {
        const work = Effect.gen(function*() {
          yield* Outcome.fromEffect(Budget.spend(2))
          yield* Budget.checkpoint
        })
        assert.deepStrictEqual(yield* run(work, { costQuota: 1 }), Outcome.cancelled("CostBudget"))
      }))
  })

  describe("enforce", () => {
    it.effect("falls exactly at the deadline, and finalizers run", () =>
      Effect.gen(function*() {
        let cleaned = false
        const work = Effect.ensuring(Effect.never, Effect.sync(() => cleaned = true))
        const fiber = yield* fork(Budget.enforce(work, Budget.make({ deadline: 5000 })))
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled("Deadline"))
        assert.isTrue(cleaned)
      }))

    it.effect("leaves work alone that is in time", () =>
      Effect.gen(function*() {
        const fiber = yield* fork(run(Effect.as(Effect.sleep("4 seconds"), 1), { timeout: "5 seconds" }))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok(1))
        assert.deepStrictEqual(yield* run(Effect.fail("e"), { timeout: "5 seconds" }), Outcome.err("e"))
        assert.deepStrictEqual(yield* run(Effect.die("d"), { timeout: "5 seconds" }), Outcome.panicked("d"))
      }))

    it.effect("does not start work whose deadline is past", () =>
      Effect.gen(function*() {
        let started = false
        const work = Effect.sync(() => started = true)
        assert.deepStrictEqual(yield* run(work, { timeout: 0 }), Outcome.cancelled("Deadline"))
        assert.isFalse(started)
      }))

    it.effect("tells the work what it has left", () =>
      Effect.gen(function*() {
        const work = Effect.gen(function*() {
          yield* Budget.checkpoint
          yield* Budget.spend(3)
          yield* Effect.sleep("1 second")
          return yield* Budget.remaining
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds", pollQuota: 10, costQuota: 10 }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          yield* Fiber.join(fiber),
          Outcome.ok({ timeLeft: Duration.seconds(4), polls: 9, cost: 7 })
        )
      }))

    it.effect("hands the caller's cancellation down with its reason", () =>
      Effect.gen(function*() {
        let seen: Outcome.CancelReason | undefined
        const work = Effect.onExit(Effect.never, (exit) =>
          Effect.sync(() => {
            if (exit._tag === "Failure") seen = Outcome.reasonFromCause(exit.cause)
          }))
        const fiber = yield* fork(Budget.enforce(work, Budget.make({ deadline: 5000 })))
        yield* Outcome.interrupt(fiber, "User")
        assert.strictEqual(seen, "User")
        assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled("User"))
      }))
  })

  describe("timeout", () => {
    it.effect("cancels with its own reason, and only the effect", () =>
      Effect.gen(function*() {
        const work = Effect.gen(function*() {
          const exit = yield* Effect.exit(Budget.timeout(Effect.never, "1 second"))
          yield* Effect.sleep("1 second")
          return Outcome.fromExit(exit)
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok(Outcome.cancelled("Timeout")))
      }))

    it.effect("gives way to an earlier deadline, whose reason it then is", () =>
      Effect.gen(function*() {
        const fiber = yield* fork(run(Budget.timeout(Effect.never, "9 seconds"), { timeout: "5 seconds" }))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Deadline"))
      }))

    it.effect("leaves nobody asleep when the effect is done", () =>
      Effect.gen(function*() {
        const { clock, counts } = yield* countingClock
        const work = Budget.timeout(Effect.sleep("1 second"), "5 seconds")
        const fiber = yield* fork(Effect.provideService(Effect.andThen(work, Effect.never), Clock.Clock, clock))
        assert.strictEqual(counts.asleep, 2)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(counts.asleep, 0)
        yield* Fiber.interrupt(fiber)
      }))

    it.effect("works inside an uninterruptible region", () =>
      Effect.gen(function*() {
        const fiber = yield* fork(Effect.uninterruptible(Outcome.fromEffect(Budget.timeout(Effect.never, "1 second"))))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Timeout"))
      }))
  })

  describe("nested", () => {
    it.effect("has what is left, and what it uses counts for both", () =>
      Effect.gen(function*() {
        const work = Effect.gen(function*() {
          yield* Budget.spend(3)
          const inside = yield* Budget.nested(Effect.andThen(Budget.spend(2), Budget.remaining), {
            costQuota: 100,
            pollQuota: 4,
            timeout: "1 minute"
          })
          return [inside, yield* Budget.remaining]
        })
        const left = { timeLeft: Duration.seconds(5), cost: 5 }
        assert.deepStrictEqual(
          yield* run(work, { timeout: "5 seconds", costQuota: 10 }),
          Outcome.ok([{ ...left, polls: 4 }, { ...left, polls: Infinity }])
        )
      }))

    it.effect("counts for both also when its own deadline is the earlier", () =>
      Effect.gen(function*() {
        const work = Effect.andThen(Budget.timeout(Budget.spend(2), "1 second"), Budget.remaining)
        assert.deepStrictEqual(
          yield* run(work, { timeout: "5 seconds", costQuota: 10 }),
          Outcome.ok({ timeLeft: Duration.seconds(5), polls: Infinity, cost: 8 })
        )
        const tooMuch = Budget.timeout(Budget.spend(11), "1 second")
        assert.deepStrictEqual(yield* run(tooMuch, { costQuota: 10 }), Outcome.cancelled("CostBudget"))
      }))

    it.effect("a part that uses up its own limits is cancelled alone", () =>
      Effect.gen(function*() {
        const work = Effect.gen(function*() {
          const exit = yield* Effect.exit(Budget.nested(Effect.forever(Budget.checkpoint), { pollQuota: 3 }))
          return [Outcome.fromExit(exit), (yield* Budget.remaining).polls]
        })
        assert.deepStrictEqual(
          yield* run(work, { pollQuota: 100 }),
          Outcome.ok([Outcome.cancelled("PollQuota"), 96])
        )
      }))

    it.effect("a part that uses up the request's limits takes the request with it", () =>
      Effect.gen(function*() {
        let wentOn = false
        const work = Effect.gen(function*() {
          yield* Effect.exit(Budget.nested(Effect.forever(Budget.checkpoint), { pollQuota: 100 }))
          wentOn = true
        })
        assert.deepStrictEqual(yield* run(work, { pollQuota: 3 }), Outcome.cancelled("PollQuota"))
        assert.isFalse(wentOn)
      }))

    it.effect("has the earlier of the two deadlines and the higher of the two priorities", () =>
      Effect.gen(function*() {
        const seen = Effect.map(Budget.CurrentBudget, (running) => [running.deadline, running.budget.priority])
        const work = Effect.all([
          Budget.nested(seen, { timeout: "1 second", priority: 9 }),
          Budget.nested(seen, { timeout: "9 seconds", priority: 1 })
        ])
        assert.deepStrictEqual(
          yield* run(work, { timeout: "5 seconds", priority: 5 }),
          Outcome.ok<[Array<number>, Array<number>]>([[1000, 9], [5000, 5]])
        )
      }))
  })

  describe("masked", () => {
    it.effect("is not cut from outside, and the cancellation takes effect at its end", () =>
      Effect.gen(function*() {
        let finished = false
        let wentOn = false
        const section = Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => finished = true))
        const fiber = yield* fork(Effect.andThen(Budget.masked(section), Effect.sync(() => wentOn = true)))
        Outcome.interruptUnsafe(fiber, "User")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled("User"))
        assert.isTrue(finished)
        assert.isFalse(wentOn)
      }))

    it.effect("is not cut by the budget: what it uses counts, and cancels at its end", () =>
      Effect.gen(function*() {
        for (const [use, reason] of [[Budget.checkpoint, "PollQuota"], [Budget.spend(1), "CostBudget"]] as const) {
          let steps = 0
          let wentOn = false
          const step = Effect.andThen(use, Effect.sync(() => steps++))
          const work = Effect.andThen(
            Budget.masked(Effect.repeat(step, { times: 9 })),
            Effect.sync(() => wentOn = true)
          )
          assert.deepStrictEqual(yield* run(work, { pollQuota: 3, costQuota: 3 }), Outcome.cancelled(reason))
          assert.strictEqual(steps, 10)
          assert.isFalse(wentOn)
        }
      }))

    it.effect("protects fibers forked inside as well", () =>
      Effect.gen(function*() {
        let steps = 0
        const step = Effect.andThen(Budget.checkpoint, Effect.sync(() => steps++))
        const section = Effect.timeout(Effect.repeat(step, { times: 9 }), "1 minute")
        assert.deepStrictEqual(yield* run(Budget.masked(section), { pollQuota: 3 }), Outcome.cancelled("PollQuota"))
        assert.strictEqual(steps, 10)
      }))

    it.effect("outlasts the deadline", () =>
      Effect.gen(function*() {
        let finished = false
        const section = Effect.andThen(Effect.sleep("9 seconds"), Effect.sync(() => finished = true))
        const fiber = yield* fork(run(Budget.masked(section), { timeout: "5 seconds" }))
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Deadline"))
        assert.isTrue(finished)
      }))

    it.effect("limits set inside still hold inside", () =>
      Effect.gen(function*() {
        const section = Effect.exit(Budget.nested(Effect.forever(Budget.checkpoint), { pollQuota: 3 }))
        assert.deepStrictEqual(
          yield* run(Effect.map(Budget.masked(section), Outcome.fromExit), { pollQuota: 100 }),
          Outcome.ok(Outcome.cancelled("PollQuota"))
        )
      }))

    it.effect("changes nothing when nothing is due", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* run(Budget.masked(Effect.succeed(1)), { pollQuota: 3 }), Outcome.ok(1))
        assert.deepStrictEqual(yield* run(Budget.masked(Effect.fail("e")), { pollQuota: 3 }), Outcome.err("e"))
      }))
  })

  describe("hold", () => {
    const left = Effect.map(Budget.remaining, ({ timeLeft }) => Duration.toMillis(timeLeft))

    it.effect("leaves after it the time there was before it", () =>
      Effect.gen(function*() {
        const work = Effect.gen(function*() {
          yield* Effect.sleep("2 seconds")
          const before = yield* left
          const answer = yield* Budget.hold(Effect.as(Effect.sleep("1 hour"), "answer"))
          return [answer, before, yield* left]
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("1 hour")
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok(["answer", 3000, 3000]))
      }))

    it.effect("leaves no more than that", () =>
      Effect.gen(function*() {
        yield* quietClock
        const work = Effect.gen(function*() {
          yield* Effect.sleep("2 seconds")
          yield* Budget.hold(Effect.sleep("1 minute"))
          return yield* Effect.never
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("62 seconds")
        yield* TestClock.adjust("2999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Deadline"))
      }))

    it.effect("gives back the clock however it ends", () =>
      Effect.gen(function*() {
        yield* quietClock
        const ways: { readonly [how: string]: Effect.Effect<unknown, string> } = {
          succeeds: Effect.sleep("1 second"),
          fails: Effect.andThen(Effect.sleep("1 second"), Effect.fail("no")),
          dies: Effect.andThen(Effect.sleep("1 second"), Effect.die("bug")),
          timesOut: Effect.timeoutOption(Effect.never, "1 second"),
          isInterrupted: Effect.andThen(Effect.sleep("1 second"), Effect.interrupt)
        }
        for (const [how, effect] of Object.entries(ways)) {
          const work = Effect.gen(function*() {
            yield* Effect.exit(Budget.hold(effect))
            const running = yield* Budget.CurrentBudget
            return [running.isHeld, yield* left]
          })
          const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok<[boolean, number]>([false, 5000]), how)
        }
      }))

    it.effect("is one hold where several overlap: from the first that begins to the last that ends", () =>
      Effect.gen(function*() {
        yield* quietClock
        const work = Effect.gen(function*() {
          const running = yield* Budget.CurrentBudget
          const seen: Array<boolean> = []
          const at = (from: number, to: number) =>
            Effect.andThen(Effect.sleep(from), Budget.hold(Effect.sleep(to - from)))
          const look = Effect.forEach([500, 1500, 3500, 5500, 6500], (ms, index) =>
            Effect.andThen(
              Effect.sleep(ms - [0, 500, 1500, 3500, 5500][index]!),
              Effect.sync(() => seen.push(running.isHeld))
            ))
          // Held from 1 to 6 seconds; 4 to 5 is inside.
          yield* Effect.all([at(1000, 3000), at(2000, 6000), at(4000, 5000), look], { concurrency: "unbounded" })
          return [seen, yield* left]
        })
        const fiber = yield* fork(run(work, { timeout: "10 seconds" }))
        for (let ms = 0; ms < 6500; ms += 500) yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual(
          yield* Fiber.join(fiber),
          Outcome.ok<[Array<boolean>, number]>([[false, true, true, true, false], 8500])
        )
      }))

    it.effect("within a part of a request holds the request's clock with the part's", () =>
      Effect.gen(function*() {
        yield* quietClock
        const work = Effect.gen(function*() {
          const inside = yield* Budget.nested(
            Effect.gen(function*() {
              yield* Effect.sleep("1 second")
              yield* Budget.hold(Effect.sleep("1 minute"))
              return yield* left
            }),
            { timeout: "3 seconds" }
          )
          return [inside, yield* left]
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok([2000, 4000]))
      }))

    it.effect("of a request leaves another part's own limit alone", () =>
      Effect.gen(function*() {
        yield* quietClock
        const part = Outcome.fromEffect(Budget.nested(Effect.never, { timeout: "3 seconds" }))
        const work = Effect.all([part, Budget.hold(Effect.sleep("1 minute"))], { concurrency: 2 })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("3 seconds")
        yield* TestClock.adjust("57 seconds")
        const outcome = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          Outcome.isOk(outcome) ? outcome.value[0] : outcome,
          Outcome.cancelled("Deadline")
        )
      }))

    it.effect("lets checkpoints pass while it lasts, past the deadline that would have been", () =>
      Effect.gen(function*() {
        yield* quietClock
        let passed = 0
        const work = Effect.all([
          Budget.hold(Effect.sleep("1 minute")),
          Effect.forever(
            Effect.andThen(Effect.sleep("1 second"), Effect.andThen(Budget.checkpoint, Effect.sync(() => passed++)))
          )
        ], { concurrency: 2 })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        for (let second = 0; second < 60; second++) yield* TestClock.adjust("1 second")
        assert.isUndefined(fiber.pollUnsafe())
        assert.isAtLeast(passed, 59)
        for (let second = 0; second < 5; second++) yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Deadline"))
        assert.isAtMost(passed, 65)
      }))

    it.effect("holds the clock and nothing else: polls and cost go on counting", () =>
      Effect.gen(function*() {
        const uses = [[Budget.checkpoint, "PollQuota"], [Budget.spend(1), "CostBudget"]] as const
        for (const [use, reason] of uses) {
          let passed = 0
          const loop = Effect.forever(Effect.andThen(use, Effect.sync(() => passed++)))
          assert.deepStrictEqual(
            yield* run(Budget.hold(loop), { pollQuota: 3, costQuota: 3 }),
            Outcome.cancelled(reason)
          )
          assert.strictEqual(passed, 3)
        }
      }))

    it.effect("changes nothing without a deadline", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Budget.hold(Effect.succeed("a")), "a")
        assert.deepStrictEqual(yield* run(Effect.andThen(Budget.hold(Effect.void), left), {}), Outcome.ok(Infinity))
      }))

    it.effect("tells of its end, once, to whoever asked; at once where nobody holds", () =>
      Effect.gen(function*() {
        yield* quietClock
        const told: Array<string> = []
        const work = Effect.gen(function*() {
          const running = yield* Budget.CurrentBudget
          Budget.onRelease(running, () => told.push("at once"))
          const fiber = yield* fork(Budget.hold(Effect.sleep("1 minute")))
          Budget.onRelease(running, () => told.push("first"))
          Budget.onRelease(running, () => told.push("second"))
          told.push("held")
          yield* Fiber.join(fiber)
          yield* Budget.hold(Effect.void)
          return told
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok(["at once", "held", "first", "second"]))
      }))

    it.effect("holds every part that has the request's time and no less, whenever it began", () =>
      Effect.gen(function*() {
        yield* quietClock
        const answer = Outcome.fromEffect(Budget.nested(Effect.as(Effect.sleep("20 seconds"), "done"), {}))
        const held = Budget.hold(Effect.sleep("1 minute"))
        for (
          const [part, hold] of [
            [answer, Effect.delay(held, "1 second")],
            [Effect.delay(answer, "1 second"), held],
            [Effect.delay(answer, "30 seconds"), held]
          ] as const
        ) {
          const fiber = yield* fork(run(Effect.all([part, hold], { concurrency: 2 }), { timeout: "5 seconds" }))
          for (let second = 0; second < 61; second++) yield* TestClock.adjust("1 second")
          const outcome = yield* Fiber.join(fiber)
          assert.deepStrictEqual(Outcome.isOk(outcome) ? outcome.value[0] : outcome, Outcome.ok("done"))
        }
      }))

    it.effect("ends such a part with the request, when the time that was left is up", () =>
      Effect.gen(function*() {
        yield* quietClock
        const part = Budget.nested(Effect.never, {})
        const work = Effect.all([part, Effect.delay(Budget.hold(Effect.sleep("1 minute")), "1 second")], {
          concurrency: 2
        })
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("1 minute")
        yield* TestClock.adjust("3999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Deadline"))
      }))

    for (const [name, limit] of [["timeout", "Timeout"], ["nested", "Deadline"]] as const) {
      it.effect(`leaves alone the own limit of a part that begins while it lasts: ${name}`, () =>
        Effect.gen(function*() {
          yield* quietClock
          const sleep = Effect.sleep("55 seconds")
          let ended = 0
          const part = Effect.andThen(
            Outcome.fromEffect(
              name === "timeout" ? Budget.timeout(sleep, "10 seconds") : Budget.nested(sleep, { timeout: "10 seconds" })
            ),
            (outcome) => Effect.map(Clock.currentTimeMillis, (now) => [outcome, ended = now] as const)
          )
          const work = Effect.all([Budget.hold(Effect.sleep("120 seconds")), Effect.delay(part, "50 seconds")], {
            concurrency: "unbounded"
          })
          const fiber = yield* fork(run(work, { timeout: "30 seconds" }))
          yield* TestClock.adjust("50 seconds")
          yield* TestClock.adjust("9999 millis")
          assert.strictEqual(ended, 0)
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(ended, 60_000)
          yield* TestClock.adjust("60 seconds")
          const outcome = yield* Fiber.join(fiber)
          assert.deepStrictEqual(
            Outcome.isOk(outcome) ? outcome.value[1][0] : outcome,
            Outcome.cancelled(limit)
          )
        }))
    }

    it.effect("ends, and the part that has a later limit of its own ends with the request", () =>
      Effect.gen(function*() {
        yield* quietClock
        const part = Effect.delay(Budget.timeout(Effect.never, "1 hour"), "2 seconds")
        const fiber = yield* fork(
          run(Effect.all([Budget.hold(Effect.sleep("1 minute")), part], { concurrency: 2 }), { timeout: "5 seconds" })
        )
        yield* TestClock.adjust("2 seconds")
        yield* TestClock.adjust("58 seconds")
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.cancelled("Deadline"))
      }))

    it.effect("of a request whose part has a later limit does not make that limit the request's", () =>
      Effect.gen(function*() {
        yield* quietClock
        const part = Outcome.fromEffect(Budget.timeout(Effect.never, "20 seconds"))
        const held = Effect.delay(Budget.hold(Effect.sleep("1 minute")), "1 second")
        const fiber = yield* fork(run(Effect.all([part, held], { concurrency: 2 }), { timeout: "5 seconds" }))
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("1 minute")
        const outcome = yield* Fiber.join(fiber)
        assert.deepStrictEqual(Outcome.isOk(outcome) ? outcome.value[0] : outcome, Outcome.cancelled("Timeout"))
      }))

    it.effect("shows the time as it was when it began, while it lasts", () =>
      Effect.gen(function*() {
        yield* quietClock
        const work = Budget.hold(Effect.delay(Effect.all([left, Budget.nested(left, {})]), "9 seconds"))
        const fiber = yield* fork(run(work, { timeout: "5 seconds" }))
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Outcome.ok<[number, number]>([5000, 5000]))
      }))
  })

  describe("interruptWithin", () => {
    it.effect("answers how the fiber ended when its finalizers were in time", () =>
      Effect.gen(function*() {
        yield* quietClock
        const work = yield* fork(Effect.ensuring(Effect.never, Effect.sleep("4 seconds")))
        const fiber = yield* fork(Budget.interruptWithin(work, "User"))
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), { outcome: Outcome.cancelled("User"), cut: false })
      }))

    it.effect("tells of the work's result when it was done already", () =>
      Effect.gen(function*() {
        const work = yield* fork(Effect.succeed(1))
        assert.deepStrictEqual(yield* Budget.interruptWithin(work, "User"), { outcome: Outcome.ok(1), cut: false })
      }))

    it.effect("stops waiting when the time for the reason is up, and the finalizers go on", () =>
      Effect.gen(function*() {
        yield* quietClock
        for (const reason of Outcome.cancelReasons) {
          let cleaned = false
          const work = yield* fork(
            Effect.ensuring(Effect.never, Effect.andThen(Effect.sleep("1 minute"), Effect.sync(() => cleaned = true)))
          )
          const fiber = yield* fork(Budget.interruptWithin(work, reason))
          yield* TestClock.adjust(Duration.subtract(Budget.finalizerTime(reason), Duration.millis(1)))
          assert.isUndefined(fiber.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.deepStrictEqual(yield* Fiber.join(fiber), { outcome: Outcome.cancelled(reason), cut: true })
          assert.isFalse(cleaned)
          yield* TestClock.adjust("1 minute")
          assert.isTrue(cleaned)
        }
      }))

    it("a more severe reason never leaves more time", () => {
      const reasons = Outcome.cancelReasons
      for (const a of reasons) {
        for (const b of reasons) {
          if (Outcome.reasonSeverity(a) < Outcome.reasonSeverity(b)) {
            assert.isTrue(Duration.isGreaterThanOrEqualTo(Budget.finalizerTime(a), Budget.finalizerTime(b)))
          }
        }
      }
    })

    it.effect("uses the times a program sets", () =>
      Effect.gen(function*() {
        yield* quietClock
        const work = yield* fork(Effect.ensuring(Effect.never, Effect.sleep("1 minute")))
        const fiber = yield* fork(
          Effect.provideService(Budget.interruptWithin(work, "User"), Budget.FinalizerTime, () => Duration.millis(10))
        )
        yield* TestClock.adjust("10 millis")
        assert.isTrue((yield* Fiber.join(fiber)).cut)
        yield* TestClock.adjust("1 minute")
      }))
  })
})
