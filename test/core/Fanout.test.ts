import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Fanout from "../../src/core/Fanout.ts"
import * as Outcome from "../../src/core/Outcome.ts"

interface Job {
  readonly millis: number
  readonly works: boolean
}

const job: Arbitrary.Arbitrary<Job> = Arbitrary.all({
  millis: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))),
  works: Arbitrary.schema(Schema.Boolean)
})

const jobs = Arbitrary.array(job, { minLength: 1, maxLength: 6 })

/** Runs a fan-out over jobs and tells how it ended, how long it took, and how each job that was started ended. */
const observe = Effect.fnUntraced(function*<A, E>(
  jobs: ReadonlyArray<Job>,
  combine: (effects: ReadonlyArray<Effect.Effect<number, string>>) => Effect.Effect<A, E>,
  options?: { readonly cleanup?: number; readonly interruptAt?: number }
) {
  // The first sleep of a test clock must not be a finalizer's: see the note in `Outcome.test.ts`.
  yield* TestClock.adjust(0)
  const endings: Array<Outcome.Outcome<number, string> | undefined> = []
  const begun = yield* Clock.currentTimeMillis
  const effects = jobs.map(({ millis, works }, i) =>
    Effect.suspend(() => {
      endings[i] = undefined
      const work = millis === 0 ? Effect.void : Effect.sleep(millis)
      return Effect.andThen(work, works ? Effect.succeed(i) : Effect.fail(`e${i}`))
    }).pipe(
      Effect.onExit((exit) =>
        Effect.andThen(
          options?.cleanup === undefined ? Effect.void : Effect.sleep(options.cleanup),
          Effect.sync(() => {
            endings[i] = Outcome.fromExit(exit)
          })
        )
      )
    )
  )
  let took = NaN
  let seen: typeof endings = []
  // Looked at in the same fiber, right after: when that fiber ends it waits for its children anyway.
  const watched = Effect.onExit(combine(effects), () =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      took = now - begun
      seen = [...endings]
    }))
  const fiber = yield* Effect.forkChild(watched, { startImmediately: true })
  if (options?.interruptAt !== undefined) {
    yield* TestClock.adjust(options.interruptAt)
    Outcome.interruptUnsafe(fiber, "Shutdown")
  }
  yield* TestClock.adjust("1 minute")
  return { outcome: yield* Outcome.await(fiber), took, endings: seen }
})

const times = (jobs: ReadonlyArray<Job>) => jobs.map(({ millis }) => millis).sort((a, b) => a - b)

const firstFinisher = (jobs: ReadonlyArray<Job>) =>
  jobs.map((job, i) => ({ ...job, i })).reduce((a, b) => b.millis < a.millis ? b : a)

describe("Fanout", () => {
  describe("joinAll", () => {
    it.effect.prop(
      "takes as long as the slowest and has every outcome in its place",
      [jobs],
      ([jobs]) =>
        Effect.gen(function*() {
          const { outcome, took, endings } = yield* observe(jobs, Fanout.joinAll)
          assert.strictEqual(took, times(jobs).at(-1))
          assert.deepStrictEqual(
            outcome,
            Outcome.ok(jobs.map(({ works }, i) => works ? Outcome.ok(i) : Outcome.err(`e${i}`)))
          )
          assert.strictEqual(endings.filter((ending) => ending !== undefined).length, jobs.length)
        }),
      { arbitrary: { runs: 30 } }
    )

    it.effect("keeps defects and cancellations, and the type of each place", () =>
      Effect.gen(function*() {
        const [a, b, c] = yield* Fanout.joinAll([
          Effect.succeed(1),
          Effect.fail("no" as const),
          Effect.andThen(Effect.die("bug"), Effect.succeed(true))
        ])
        const typed: readonly [Outcome.Outcome<number>, Outcome.Outcome<never, "no">, Outcome.Outcome<boolean>] = [
          a,
          b,
          c
        ]
        assert.deepStrictEqual(typed, [Outcome.ok(1), Outcome.err<"no">("no"), Outcome.panicked("bug")])
        assert.deepStrictEqual(yield* Fanout.joinAll([Outcome.interruptSelf("User")]), [Outcome.cancelled("User")])
      }))

    it.effect("of nothing is nothing", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* Fanout.joinAll([]), [])
      }))

    it.effect("with a limit cancels what is late and keeps the rest", () =>
      Effect.gen(function*() {
        const { outcome, took, endings } = yield* observe(
          [{ millis: 5, works: true }, { millis: 6, works: false }, { millis: 11, works: true }],
          (effects) => Fanout.joinAllTimeout(effects, 10)
        )
        const expected = [Outcome.ok(0), Outcome.err("e1"), Outcome.cancelled("Timeout")]
        assert.deepStrictEqual(outcome, Outcome.ok(expected))
        assert.deepStrictEqual(endings, expected)
        assert.strictEqual(took, 10)
      }))
  })

  describe("race", () => {
    it.effect.prop("takes as long as the fastest and ends the same way", [jobs], ([jobs]) =>
      Effect.gen(function*() {
        const { outcome, took, endings } = yield* observe(jobs, Fanout.race)
        const first = firstFinisher(jobs)
        assert.strictEqual(took, first.millis)
        assert.deepStrictEqual(outcome, first.works ? Outcome.ok(first.i) : Outcome.err(`e${first.i}`))
        for (const [i, ending] of endings.entries()) {
          if (i in endings && i !== first.i) assert.deepStrictEqual(ending, Outcome.cancelled("RaceLost"))
        }
      }), { arbitrary: { runs: 30 } })

    it.effect("returns only after the losers' finalizers", () =>
      Effect.gen(function*() {
        const { outcome, took, endings } = yield* observe(
          [{ millis: 5, works: true }, { millis: 50, works: true }, { millis: 60, works: true }],
          Fanout.race,
          { cleanup: 7 }
        )
        assert.deepStrictEqual(outcome, Outcome.ok(0))
        assert.strictEqual(took, 5 + 7 + 7)
        assert.deepStrictEqual(endings, [
          Outcome.ok(0),
          Outcome.cancelled("RaceLost"),
          Outcome.cancelled("RaceLost")
        ])
      }))

    it.effect("is won by a defect or a cancellation too", () =>
      Effect.gen(function*() {
        const race = (first: Effect.Effect<never>) =>
          Outcome.fromEffect(Fanout.race([Effect.never, Effect.andThen(Effect.yieldNow, first)]))
        assert.deepStrictEqual(yield* race(Effect.die("bug")), Outcome.panicked("bug"))
        assert.deepStrictEqual(yield* race(Outcome.interruptSelf("User")), Outcome.cancelled("User"))
      }))

    it.effect("does not start the rest once somebody has finished at once", () =>
      Effect.gen(function*() {
        let started = false
        assert.strictEqual(yield* Fanout.race([Effect.succeed(1), Effect.sync(() => started = true)]), 1)
        assert.isFalse(started)
      }))

    it.effect("of nothing, and out of time, fails with a reason", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual((yield* Effect.flip(Fanout.race([]))).reason, { _tag: "Empty" })
        const { outcome, took, endings } = yield* observe(
          [{ millis: 20, works: true }, { millis: 30, works: true }],
          (effects) => Fanout.raceTimeout(effects, 10)
        )
        assert.deepStrictEqual(outcome, Outcome.err(new Fanout.FanoutError({ _tag: "Timeout" })))
        assert.strictEqual(took, 10)
        assert.deepStrictEqual(endings, [Outcome.cancelled("Timeout"), Outcome.cancelled("Timeout")])
      }))

    it.effect("within its limit is as without", () =>
      Effect.gen(function*() {
        const { outcome, took } = yield* observe(
          [{ millis: 20, works: true }, { millis: 8, works: false }],
          (effects) => Fanout.raceTimeout(effects, 10)
        )
        assert.deepStrictEqual(outcome, Outcome.err("e1"))
        assert.strictEqual(took, 8)
      }))
  })

  describe("firstOk", () => {
    it.effect.prop(
      "takes as long as the fastest success, or else as the slowest failure",
      [jobs],
      ([jobs]) =>
        Effect.gen(function*() {
          const { outcome, took, endings } = yield* observe(jobs, Fanout.firstOk)
          const working = jobs.map((job, i) => ({ ...job, i })).filter(({ works }) => works)
          if (working.length === 0) {
            assert.strictEqual(took, times(jobs).at(-1))
            const outcomes = jobs.map((_, i) => Outcome.err(`e${i}`))
            assert.deepStrictEqual(outcome, Outcome.err(new Fanout.FanoutError({ _tag: "AllFailed", outcomes })))
          } else {
            const first = working.reduce((a, b) => b.millis < a.millis ? b : a)
            assert.strictEqual(took, first.millis)
            assert.deepStrictEqual(outcome, Outcome.ok(first.i))
            for (const [i, ending] of endings.entries()) {
              if (!(i in endings) || i === first.i) continue
              if (jobs[i]!.millis > first.millis) assert.deepStrictEqual(ending, Outcome.cancelled("RaceLost"))
              else assert.isDefined(ending)
            }
          }
        }),
      { arbitrary: { runs: 30 } }
    )

    it.effect("keeps what everybody failed with, in the order of the effects", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Fanout.firstOk([
          Effect.andThen(Effect.yieldNow, Effect.fail("slow" as const)),
          Effect.die("bug"),
          Outcome.interruptSelf("User")
        ]))
        assert.deepStrictEqual(error.reason, {
          _tag: "AllFailed",
          outcomes: [Outcome.err<"slow">("slow"), Outcome.panicked("bug"), Outcome.cancelled("User")]
        })
        assert.strictEqual(error.message, "None of 3 effects succeeded")
        assert.deepStrictEqual((yield* Effect.flip(Fanout.firstOk([]))).reason, { _tag: "Empty" })
      }))

    it.effect("gives up at its limit", () =>
      Effect.gen(function*() {
        const { outcome, took, endings } = yield* observe(
          [{ millis: 5, works: false }, { millis: 30, works: true }],
          (effects) => Fanout.firstOkTimeout(effects, 10)
        )
        assert.deepStrictEqual(outcome, Outcome.err(new Fanout.FanoutError({ _tag: "Timeout" })))
        assert.strictEqual(took, 10)
        assert.deepStrictEqual(endings, [Outcome.err("e0"), Outcome.cancelled("Timeout")])
      }))
  })

  describe("quorum", () => {
    const needed = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })))

    it.effect.prop(
      "is over as soon as it is met or out of reach",
      [jobs, needed],
      ([jobs, needed]) =>
        Effect.gen(function*() {
          const { outcome, took, endings } = yield* observe(jobs, (effects) => Fanout.quorum(effects, needed))
          const reason = Outcome.isErr(outcome) ? outcome.error.reason : undefined
          const okAt = times(jobs.filter(({ works }) => works))
          const failedAt = times(jobs.filter(({ works }) => !works))
          const cancelled = endings.filter((ending) => ending !== undefined && Outcome.isCancelled(ending))
          if (needed > jobs.length) {
            assert.deepStrictEqual(reason, { _tag: "QuorumTooLarge", needed, available: jobs.length })
            assert.deepStrictEqual(endings, [])
          } else if (okAt.length >= needed) {
            assert.isTrue(Outcome.isOk(outcome) && outcome.value.successes.length === needed)
            assert.strictEqual(took, okAt[needed - 1])
            for (const ending of cancelled) assert.deepStrictEqual(ending, Outcome.cancelled("RaceLost"))
          } else {
            assert.strictEqual(reason?._tag, "QuorumNotMet")
            assert.strictEqual(took, failedAt[jobs.length - needed])
            for (const ending of cancelled) assert.deepStrictEqual(ending, Outcome.cancelled("FailFast"))
          }
          assert.isFalse(Object.values(endings).includes(undefined))
        }),
      { arbitrary: { runs: 60 } }
    )

    it.effect("tells who made it and who did not, in the order they finished", () =>
      Effect.gen(function*() {
        const jobs = [
          { millis: 5, works: true },
          { millis: 4, works: false },
          { millis: 3, works: true },
          { millis: 9, works: true }
        ]
        assert.deepStrictEqual((yield* observe(jobs, (effects) => Fanout.quorum(effects, 2))).outcome, {
          _tag: "Ok",
          value: { successes: [2, 0], failures: [Outcome.err("e1")] }
        })
      }))

    it.effect("of none succeeds at once and starts nobody", () =>
      Effect.gen(function*() {
        const { outcome, endings } = yield* observe(
          [{ millis: 0, works: true }],
          (effects) => Fanout.quorum(effects, 0)
        )
        assert.deepStrictEqual(outcome, Outcome.ok({ successes: [], failures: [] }))
        assert.deepStrictEqual(endings, [])
      }))

    it.effect("gives up at its limit", () =>
      Effect.gen(function*() {
        const jobs = [{ millis: 5, works: true }, { millis: 30, works: true }]
        const late = yield* observe(jobs, (effects) => Fanout.quorumTimeout(effects, 2, 10))
        assert.deepStrictEqual(late.outcome, Outcome.err(new Fanout.FanoutError({ _tag: "Timeout" })))
        assert.strictEqual(late.took, 10)
        assert.deepStrictEqual(late.endings, [Outcome.ok(0), Outcome.cancelled("Timeout")])
        const early = yield* observe(jobs, (effects) => Fanout.quorumTimeout(effects, 1, 10))
        assert.strictEqual(early.took, 5)
      }))
  })

  it.effect("interrupting any of them interrupts all it runs, with the same reason, and waits for them", () =>
    Effect.gen(function*() {
      const jobs = [{ millis: 20, works: true }, { millis: 30, works: true }]
      const combinators: ReadonlyArray<
        (effects: ReadonlyArray<Effect.Effect<number, string>>) => Effect.Effect<unknown, unknown>
      > = [
        Fanout.joinAll,
        Fanout.race,
        Fanout.firstOk,
        (effects) => Fanout.quorum(effects, 2),
        (effects) => Fanout.joinAllTimeout(effects, "1 hour"),
        (effects) => Fanout.raceTimeout(effects, "1 hour"),
        (effects) => Fanout.firstOkTimeout(effects, "1 hour"),
        (effects) => Fanout.quorumTimeout(effects, 2, "1 hour")
      ]
      for (const combine of combinators) {
        const { outcome, endings } = yield* observe(jobs, combine, { interruptAt: 10, cleanup: 5 })
        assert.deepStrictEqual(outcome, Outcome.cancelled("Shutdown"))
        assert.deepStrictEqual(endings, [Outcome.cancelled("Shutdown"), Outcome.cancelled("Shutdown")])
      }
    }))

  it.effect("takes effects of different types together", () =>
    Effect.gen(function*() {
      const raced: Effect.Effect<number | string, "no" | Fanout.FanoutError<Fanout.Empty>> = Fanout.race([
        Effect.succeed(1),
        Effect.succeed("two"),
        Effect.fail("no" as const)
      ])
      assert.strictEqual(yield* raced, 1)
    }))
})
