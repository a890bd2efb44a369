import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Outcome from "../../src/core/Outcome.ts"

type AnOutcome = Outcome.Outcome<number, string>

const reason = Arbitrary.schema(Schema.Literals(Outcome.cancelReasons as [Outcome.CancelReason]))

const outcome: Arbitrary.Arbitrary<AnOutcome> = Arbitrary.all([
  Arbitrary.schema(Schema.Int),
  reason,
  Arbitrary.schema(Schema.Literals(["ok", "err", "cancelled", "panicked"]))
]).pipe(Arbitrary.map(([n, reason, kind]): AnOutcome => {
  switch (kind) {
    case "ok":
      return Outcome.ok(n)
    case "err":
      return Outcome.err(`e${n}`)
    case "cancelled":
      return Outcome.cancelled(reason)
    case "panicked":
      return Outcome.panicked(`d${n}`)
  }
}))

const annotated = (reason: Outcome.CancelReason) =>
  Cause.annotate(Cause.interrupt(7), Context.make(Outcome.InterruptReason, reason))

const causeOf = (...causes: ReadonlyArray<Cause.Cause<string>>): Cause.Cause<string> =>
  Cause.fromReasons(causes.flatMap((cause) => cause.reasons))

/**
 * Until it was adjusted once, the test clock answers a sleep by arming its warning in an interruptible region, and an
 * interrupted fiber's finalizer does not survive that.
 */
const quietClock = TestClock.adjust(0)

const rank = (o: Outcome.Any) =>
  Outcome.severity(o) * 10 + (Outcome.isCancelled(o) ? Outcome.reasonSeverity(o.reason) : 0)

/** Runs in a fiber of its own, as everything an outcome is taken of does. */
const outcomeOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.forkChild(effect), (fiber) => Outcome.await(fiber))

describe("Outcome", () => {
  describe("fromExit reads what each kind of program ends with", () => {
    it.effect("a value", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* outcomeOf(Effect.succeed(1)), { _tag: "Ok", value: 1 })
      }))

    it.effect("a typed failure", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* outcomeOf(Effect.fail("no")), { _tag: "Err", error: "no" })
      }))

    it.effect("a throw in sync, in a generator, and a rejected Effect.promise", () =>
      Effect.gen(function*() {
        const thrown = Effect.sync(() => {
          throw "a"
        })
        // oxlint-disable-next-line require-yield
        const generator = Effect.gen(function*() {
          throw "b"
        })
        assert.deepStrictEqual(yield* outcomeOf(thrown), Outcome.panicked("a"))
        assert.deepStrictEqual(yield* outcomeOf(generator), Outcome.panicked("b"))
        assert.deepStrictEqual(yield* outcomeOf(Effect.promise(() => Promise.reject("c"))), Outcome.panicked("c"))
      }))

    it.effect("tryPromise without catch", () =>
      Effect.gen(function*() {
        const o = yield* outcomeOf(Effect.tryPromise(() => Promise.reject("c")))
        assert.isTrue(Outcome.isErr(o) && Cause.isUnknownError(o.error))
      }))

    it.effect("a failure whose finalizer dies", () =>
      Effect.gen(function*() {
        const o = yield* outcomeOf(Effect.ensuring(Effect.fail("a"), Effect.die("fin")))
        assert.strictEqual(o._tag, "Panicked")
      }))

    it.effect("a failure whose onExit fails as well", () =>
      Effect.gen(function*() {
        const o = yield* outcomeOf(Effect.onExit(Effect.fail("a"), () => Effect.fail("b")))
        assert.deepStrictEqual(o, Outcome.err("a"))
      }))

    it.effect("an interruption whose cleanup fails", () =>
      Effect.gen(function*() {
        const cleanup = Effect.onExit(Effect.never, () => Effect.fail("cleanup"))
        const said = yield* Effect.forkChild(cleanup, { startImmediately: true })
        yield* Outcome.interrupt(said, "User")
        assert.deepStrictEqual(yield* Outcome.await(said), Outcome.cancelled("User"))

        const unsaid = yield* Effect.forkChild(cleanup, { startImmediately: true })
        yield* Fiber.interrupt(unsaid)
        assert.deepStrictEqual(yield* Outcome.await(unsaid), Outcome.err("cleanup"))
      }))

    it.effect("an interruption whose cleanup dies", () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.onInterrupt(Effect.never, () => Effect.die("bug")), {
          startImmediately: true
        })
        yield* Outcome.interrupt(fiber, "Shutdown")
        assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.panicked("bug"))
      }))

    it.effect("several concurrent failures", () =>
      Effect.gen(function*() {
        const o = yield* outcomeOf(Effect.all([Effect.fail("a"), Effect.fail("b")], { concurrency: 2 }))
        assert.deepStrictEqual(o, Outcome.err("a"))
      }))

    it.effect("a concurrent loser whose finalizer dies", () =>
      Effect.gen(function*() {
        const o = yield* outcomeOf(
          Effect.all([Effect.ensuring(Effect.never, Effect.die("fin")), Effect.fail("b")], { concurrency: 2 })
        )
        assert.strictEqual(o._tag, "Panicked")
      }))

    it.effect("Effect.timeout, whose failure is typed", () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.timeout(Effect.never, "1 second"))
        yield* TestClock.adjust("1 second")
        const o = yield* Outcome.await(fiber)
        assert.isTrue(Outcome.isErr(o) && Cause.isTimeoutError(o.error))
      }))

    it.effect("an abort signal, an interrupted parent and Effect.interrupt, none of which gives a reason", () =>
      Effect.gen(function*() {
        const controller = new AbortController()
        const exit = Effect.promise(() => Effect.runPromiseExit(Effect.never, { signal: controller.signal }))
        const running = yield* Effect.forkChild(exit, { startImmediately: true })
        controller.abort()
        assert.deepStrictEqual(Outcome.fromExit(yield* Fiber.join(running)), Outcome.cancelled("ParentCancelled"))

        const handle = yield* Deferred.make<Fiber.Fiber<never>>()
        yield* Fiber.join(
          yield* Effect.forkChild(
            Effect.flatMap(Effect.forkChild(Effect.never), (child) => Deferred.succeed(handle, child))
          )
        )
        const child = yield* Deferred.await(handle)
        assert.deepStrictEqual(yield* Outcome.await(child), Outcome.cancelled("ParentCancelled"))

        assert.deepStrictEqual(yield* outcomeOf(Effect.interrupt), Outcome.cancelled("ParentCancelled"))
      }))

    it.effect("uninterruptible work that finishes after the interruption", () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.as(Effect.uninterruptible(Effect.sleep("1 second")), 1), {
          startImmediately: true
        })
        Outcome.interruptUnsafe(fiber, "Deadline")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled("Deadline"))
      }))

    it("mixed causes, worst first", () => {
      const read = (...causes: ReadonlyArray<Cause.Cause<string>>) =>
        Outcome.fromExit(Exit.failCause(causeOf(...causes)))
      const fail = Cause.fail("e")
      const die = Cause.die("d")
      const bare = Cause.interrupt(1)
      assert.deepStrictEqual(read(fail, annotated("User"), die), Outcome.panicked("d"))
      assert.deepStrictEqual(read(die, Cause.die("second")), Outcome.panicked("d"))
      assert.deepStrictEqual(read(fail, annotated("User")), Outcome.cancelled("User"))
      assert.deepStrictEqual(read(fail, bare), Outcome.err("e"))
      assert.deepStrictEqual(read(fail, Cause.fail("second")), Outcome.err("e"))
      assert.deepStrictEqual(read(bare, bare), Outcome.cancelled("ParentCancelled"))
      assert.deepStrictEqual(read(bare, annotated("User")), Outcome.cancelled("User"))
      assert.deepStrictEqual(
        read(annotated("User"), annotated("FailFast"), annotated("Timeout")),
        Outcome.cancelled("FailFast")
      )
    })

    it("a cause with nothing in it is a defect", () => {
      assert.deepStrictEqual(Outcome.fromExit(Exit.failCause(Cause.empty)), Outcome.panicked(Cause.empty))
    })
  })

  it.effect("the first reason to arrive is not the one that counts, the most severe is", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.uninterruptible(Effect.sleep("1 second")).pipe(Effect.as(1)), {
        startImmediately: true
      })
      Outcome.interruptUnsafe(fiber, "User")
      Outcome.interruptUnsafe(fiber, "Shutdown")
      Outcome.interruptUnsafe(fiber, "Timeout")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled("Shutdown"))
    }))

  it.effect("interrupt waits for the finalizers, interruptUnsafe does not", () =>
    Effect.gen(function*() {
      yield* quietClock
      const work = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second"))
      const slow = yield* Effect.forkChild(work, { startImmediately: true })
      Outcome.interruptUnsafe(slow, "User")
      assert.isUndefined(slow.pollUnsafe())
      const waiting = yield* Effect.forkChild(Outcome.interrupt(slow, "User"), { startImmediately: true })
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.isDefined(waiting.pollUnsafe())
    }))

  it.effect("interruptSelf ends even an uninterruptible region, with its reason", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* outcomeOf(Effect.uninterruptible(Outcome.interruptSelf("ResourceUnavailable"))),
        Outcome.cancelled("ResourceUnavailable")
      )
    }))

  it.effect("a finalizer can read the reason off the exit", () =>
    Effect.gen(function*() {
      let seen: Outcome.CancelReason | undefined
      const fiber = yield* Effect.forkChild(
        Effect.onExit(Effect.never, (exit) =>
          Effect.sync(() => {
            seen = exit._tag === "Failure" ? Outcome.reasonFromCause(exit.cause) : undefined
          })),
        { startImmediately: true }
      )
      yield* Outcome.interrupt(fiber, "Timeout")
      assert.strictEqual(seen, "Timeout")
    }))

  describe("fromEffect", () => {
    it.effect("makes a value of every way to end, and the caller goes on", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* Outcome.fromEffect(Effect.succeed(1)), Outcome.ok(1))
        assert.deepStrictEqual(yield* Outcome.fromEffect(Effect.fail("e")), Outcome.err("e"))
        assert.deepStrictEqual(yield* Outcome.fromEffect(Effect.die("d")), Outcome.panicked("d"))
        assert.deepStrictEqual(
          yield* Outcome.fromEffect(Outcome.interruptSelf("User")),
          Outcome.cancelled("User")
        )
      }))

    it.effect("passes the caller's interruption on with its reason and waits for the finalizers", () =>
      Effect.gen(function*() {
        yield* quietClock
        const seen: Array<string> = []
        const inner = Effect.onExit(Effect.never, (exit) =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => {
              seen.push(Outcome.match(Outcome.fromExit(exit), {
                onOk: () => "ok",
                onErr: () => "err",
                onCancelled: (reason) => reason,
                onPanicked: () => "panicked"
              }))
            })
          ))
        const observer = yield* Effect.forkChild(Outcome.fromEffect(inner), { startImmediately: true })
        Outcome.interruptUnsafe(observer, "Deadline")
        yield* TestClock.adjust("999 millis")
        assert.isUndefined(observer.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(seen, ["Deadline"])
        assert.deepStrictEqual(yield* Outcome.await(observer), Outcome.cancelled("Deadline"))
      }))
  })

  describe("severity", () => {
    it("ranks the four outcomes", () => {
      const ranked = [Outcome.ok(1), Outcome.err(1), Outcome.cancelled("User"), Outcome.panicked(1)]
      assert.deepStrictEqual(ranked.map(Outcome.severity), [0, 1, 2, 3])
    })

    it("ranks the ten reasons", () => {
      assert.deepStrictEqual(Outcome.cancelReasons.map((reason) => [reason, Outcome.reasonSeverity(reason)]), [
        ["User", 0],
        ["Timeout", 1],
        ["Deadline", 1],
        ["PollQuota", 2],
        ["CostBudget", 2],
        ["FailFast", 3],
        ["RaceLost", 3],
        ["ParentCancelled", 4],
        ["ResourceUnavailable", 4],
        ["Shutdown", 5]
      ])
      assert.isTrue(Outcome.isCancelReason("Shutdown"))
      assert.isFalse(Outcome.isCancelReason("toString"))
    })
  })

  describe("join", () => {
    it.prop("keeps one of the two, and never the milder", [outcome, outcome], ([a, b]) => {
      const joined = Outcome.join(a, b)
      assert.isTrue(joined === a || joined === b)
      assert.strictEqual(rank(joined), Math.max(rank(a), rank(b)))
    })

    it.prop("keeps the first on a tie", [outcome, outcome], ([a, b]) => {
      if (rank(a) === rank(b)) assert.strictEqual(Outcome.join(a, b), a)
    })

    it.prop("is associative", [outcome, outcome, outcome], ([a, b, c]) => {
      assert.strictEqual(Outcome.join(Outcome.join(a, b), c), Outcome.join(a, Outcome.join(b, c)))
    })

    it.prop("is idempotent", [outcome], ([a]) => {
      assert.strictEqual(Outcome.join(a, a), a)
      assert.deepStrictEqual(Outcome.join(a, { ...a }), a)
    })

    it.prop("is commutative in severity", [outcome, outcome], ([a, b]) => {
      assert.strictEqual(rank(Outcome.join(a, b)), rank(Outcome.join(b, a)))
    })

    it.prop("joinAll is the fold of join", [outcome, Arbitrary.array(outcome, { maxLength: 6 })], ([head, tail]) => {
      assert.strictEqual(
        Outcome.joinAll<number, string>([head, ...tail]),
        tail.reduce<AnOutcome>((a, b) => Outcome.join(a, b), head)
      )
    })
  })

  describe("conversions", () => {
    it.prop("fromExit undoes toExit", [outcome], ([a]) => {
      assert.deepStrictEqual(Outcome.fromExit(Outcome.toExit(a)), a)
    })

    it.effect.prop("an outcome survives being run as a program", [outcome], ([a]) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* Outcome.fromEffect(Outcome.toExit(a)), a)
      }), { arbitrary: { runs: 40 } })

    it("results are Ok and Err", () => {
      assert.deepStrictEqual(Outcome.fromResult(Result.succeed(1)), Outcome.ok(1))
      assert.deepStrictEqual(Outcome.fromResult(Result.fail("e")), Outcome.err("e"))
      assert.deepStrictEqual(Outcome.toResult(Outcome.ok(1)), Result.succeed(1))
      assert.deepStrictEqual(Outcome.toResult(Outcome.cancelled("User")), Result.fail(Outcome.cancelled("User")))
    })

    it.prop("map, mapErr and flatMap touch only their own case", [outcome], ([a]) => {
      const touched = Outcome.mapErr(Outcome.map(a, (n) => n + 1), (e) => `${e}!`)
      assert.deepStrictEqual(
        touched,
        Outcome.match(a, {
          onOk: (n): AnOutcome => Outcome.ok(n + 1),
          onErr: (e) => Outcome.err(`${e}!`),
          onCancelled: Outcome.cancelled,
          onPanicked: Outcome.panicked
        })
      )
      assert.deepStrictEqual(
        Outcome.flatMap(a, (n) => Outcome.err(`${n}`)),
        Outcome.isOk(a) ? Outcome.err(`${a.value}`) : a
      )
    })

    it("works data-last", () => {
      const piped = Outcome.map((n: number) => n * 2)(Outcome.ok(2))
      assert.deepStrictEqual(piped, Outcome.ok(4))
      assert.deepStrictEqual(Outcome.join(Outcome.cancelled("User"))(Outcome.ok(1)), Outcome.cancelled("User"))
    })
  })
})
