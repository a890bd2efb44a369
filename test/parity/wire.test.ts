/**
 * What rows of the register say of tools and of their server, where no other test shows it over a transport.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Root from "fastmcp-effect"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Fanout from "fastmcp-effect/core/Fanout"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Content from "fastmcp-effect/definition/Content"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"

const info = { name: "wire", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

const after = <A, E>(duration: Duration.Input, effect: Effect.Effect<A, E>) =>
  Effect.andThen(Effect.sleep(duration), effect)

/** As the caller finds it: a defect is an internal error, under a number that is its own each time. */
const asFound = (outcome: Outcome.Any): unknown => {
  if (outcome._tag !== "Err" || !(outcome.error instanceof McpError.McpError)) return outcome
  const { reason } = outcome.error
  return reason._tag === "InternalError" && reason.correlationId !== undefined ? "InternalError" : outcome
}

const Reason = Schema.Literals(Outcome.cancelReasons)

describe("outcomes", () => {
  const endings: { readonly [how: string]: Effect.Effect<number, string> } = {
    succeeds: Effect.succeed(1),
    fails: Effect.fail("no"),
    stops: Outcome.interruptSelf("User"),
    dies: Effect.die(new Error("a bug"))
  }
  const How = Schema.Literals(["succeeds", "fails", "stops", "dies"])

  it.effect("an outcome in a tool is one of four with a rank, a defect among them", () =>
    Effect.gen(function*() {
      const rank = Tool.make("rank", {
        parameters: { how: How },
        success: Schema.Struct({ tag: Schema.String, severity: Schema.Int }),
        handler: ({ how }) =>
          Effect.map(
            Outcome.fromEffect(endings[how]!),
            (outcome) => ({ tag: outcome._tag, severity: Outcome.severity(outcome) })
          )
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [rank] }))
      assert.deepStrictEqual(
        yield* Effect.forEach(How.literals, (how) => client.call(rank, { how })),
        [
          { tag: "Ok", severity: 0 },
          { tag: "Err", severity: 1 },
          { tag: "Cancelled", severity: 2 },
          { tag: "Panicked", severity: 3 }
        ]
      )
    }))

  it.effect("outcomes in a tool join to the worst of them, in whatever order", () =>
    Effect.gen(function*() {
      const joined = Tool.make("joined", {
        parameters: { first: How, rest: Schema.Array(How), atOnce: Schema.Boolean },
        success: Schema.Finite,
        failure: Schema.String,
        handler: ({ atOnce, first, rest }) =>
          Effect.gen(function*() {
            const head = yield* Outcome.fromEffect(endings[first]!)
            const tail = yield* Effect.forEach(rest, (how) => Outcome.fromEffect(endings[how]!))
            const worst = atOnce
              ? Outcome.joinAll([head, ...tail])
              : tail.reduce((self, that) => Outcome.join(self, that), head)
            return yield* Outcome.toExit(worst)
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [joined] }))
      const worst = [Outcome.ok(1), Outcome.err("no"), Outcome.cancelled("User"), "InternalError"]
      for (const [i, first] of How.literals.entries()) {
        for (const [j, second] of How.literals.entries()) {
          for (const atOnce of [true, false]) {
            const call = client.call(joined, { first, rest: [second, "succeeds"], atOnce })
            assert.deepStrictEqual(asFound(yield* Outcome.fromEffect(call)), worst[Math.max(i, j)])
          }
        }
      }
    }))

  it.effect("an outcome made by hand ends the tool it is made in", () =>
    Effect.gen(function*() {
      let made: Outcome.Outcome<number, string> = Outcome.ok(0)
      const ends = Tool.make("ends", {
        success: Schema.Finite,
        failure: Schema.String,
        handler: () => Effect.suspend(() => Outcome.toExit(made))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [ends] }))
      for (made of [Outcome.ok(5), Outcome.err("no"), Outcome.cancelled("ResourceUnavailable")]) {
        assert.deepStrictEqual(yield* Outcome.fromEffect(client.call(ends, {})), made)
      }
      made = Outcome.panicked("a bug")
      assert.strictEqual(asFound(yield* Outcome.fromEffect(client.call(ends, {}))), "InternalError")
    }))

  it.effect("an outcome becomes a result with all that is not Ok on one side, and a result an outcome", () =>
    Effect.gen(function*() {
      const convert = Tool.make("convert", {
        parameters: { how: How },
        success: Schema.Struct({ forth: Schema.String, back: Schema.String }),
        handler: ({ how }) =>
          Effect.map(Outcome.fromEffect(endings[how]!), (outcome) => {
            const result = Outcome.toResult(outcome)
            const back = Outcome.fromResult(result)
            return {
              forth: Result.isSuccess(result) ? "a success" : `a failure with ${result.failure._tag}`,
              back: back._tag
            }
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [convert] }))
      assert.deepStrictEqual(yield* Effect.forEach(How.literals, (how) => client.call(convert, { how })), [
        { forth: "a success", back: "Ok" },
        { forth: "a failure with Err", back: "Err" },
        { forth: "a failure with Cancelled", back: "Err" },
        { forth: "a failure with Panicked", back: "Err" }
      ])
    }))

  it.effect("of two cancellations the client reads the more severe of ten reasons in six ranks", () =>
    Effect.gen(function*() {
      const torn = Tool.make("torn", {
        parameters: { first: Reason, second: Reason },
        handler: ({ first, second }) =>
          Effect.gen(function*() {
            const gate = yield* Deferred.make<void>()
            const part = yield* Effect.forkChild(Effect.uninterruptible(Deferred.await(gate)), {
              startImmediately: true
            })
            Outcome.interruptUnsafe(part, first)
            Outcome.interruptUnsafe(part, second)
            yield* Deferred.succeed(gate, undefined)
            return yield* Outcome.toExit(yield* Outcome.await(part))
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [torn] }))
      for (const first of Outcome.cancelReasons) {
        for (const second of Outcome.cancelReasons) {
          assert.deepStrictEqual(
            yield* Outcome.fromEffect(client.call(torn, { first, second })),
            Outcome.cancelled(Outcome.strengthen(first, second))
          )
        }
      }
      assert.lengthOf(Outcome.cancelReasons, 10)
      assert.strictEqual(new Set(Outcome.cancelReasons.map(Outcome.reasonSeverity)).size, 6)
      assert.strictEqual(Outcome.strengthen("User", "Shutdown"), "Shutdown")
    }))
})

describe("refusals", () => {
  it.effect("a refusal carries its data to the client, and a tool error its value", () =>
    Effect.gen(function*() {
      const tool = Tool.make("tool", {
        parameters: { how: Schema.Literals(["params", "other", "declared"]) },
        failure: Schema.Struct({ at: Schema.Date }),
        handler: ({ how }): Effect.Effect<void, McpError.McpError | { readonly at: Date }> => {
          switch (how) {
            case "params":
              return Effect.fail(McpError.invalidParams("no", { field: "how" }))
            case "other":
              return Effect.fail(McpError.make(new McpError.Other({ code: 7, message: "no", data: [1, null] })))
            case "declared":
              return Effect.fail({ at: new Date(0) })
          }
        }
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }))
      const ended = (how: "params" | "other" | "declared") => Outcome.fromEffect(client.call(tool, { how }))
      const last = Effect.map(client.frames, (frames) => JSON.parse(frames.at(-1)!))
      assert.deepStrictEqual(yield* ended("params"), Outcome.err(McpError.invalidParams("no", { field: "how" })))
      assert.deepStrictEqual((yield* last).error.data, { field: "how" })
      yield* ended("other")
      assert.deepStrictEqual((yield* last).error, { code: 7, message: "no", data: [1, null] })
      assert.deepStrictEqual(yield* ended("declared"), Outcome.err({ at: new Date(0) }))
      assert.isTrue((yield* last).result.isError)
    }))

  it.effect("a cancellation is answered with 499 or 408 and its reason, a defect with -32603 and no text", () =>
    Effect.gen(function*() {
      const stop = Tool.make("stop", {
        parameters: { reason: Reason },
        handler: ({ reason }) => Outcome.interruptSelf(reason)
      })
      const die = Tool.make("die", { handler: () => Effect.die(new Error(tools.secret)) })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [stop, die] }))
      const last = Effect.map(client.frames, (frames) => JSON.parse(frames.at(-1)!).error)
      for (const reason of Outcome.cancelReasons) {
        yield* Outcome.fromEffect(client.call(stop, { reason }))
        const { code, data } = yield* last
        assert.strictEqual(code, reason === "Deadline" || reason === "Timeout" ? 408 : 499)
        assert.deepStrictEqual(data, { "fastmcp-effect/outcome": { _tag: "Cancelled", reason } })
      }
      yield* Outcome.fromEffect(client.call(die, {}))
      const { code, data, message } = yield* last
      const { correlationId, ...rest } = data
      assert.match(correlationId, /^[\da-f]+$/u)
      assert.deepStrictEqual([code, message, rest], [
        -32603,
        `Internal error; the server's log has it under ${correlationId}`,
        { "fastmcp-effect/outcome": { _tag: "Panicked" } }
      ])
    }))
})

describe("budgets", () => {
  it.effect("two budgets meet in the tighter of each limit, and the tool under them can read it", () =>
    Effect.gen(function*() {
      const limits = { deadline: 5000, pollQuota: 7, costQuota: 9, priority: 1 }
      const look = Tool.make("look", {
        success: Schema.Struct({
          deadline: Schema.Finite,
          pollQuota: Schema.Finite,
          costQuota: Schema.Finite,
          priority: Schema.Finite
        }),
        handler: () => Effect.map(Budget.CurrentBudget, ({ budget }) => budget)
      })
      for (
        const [other, expected] of [
          [{ deadline: 9000, pollQuota: 8, costQuota: 3, priority: 2 }, { ...limits, costQuota: 3, priority: 2 }],
          [{ deadline: 4000, pollQuota: 6 }, { ...limits, deadline: 4000, pollQuota: 6 }],
          [{}, limits]
        ] as const
      ) {
        const budget = Budget.meet(Budget.make(limits), Budget.make(other))
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [look], budget }))
        assert.deepStrictEqual(yield* client.call(look, {}), expected)
      }
    }))

  it.effect("a deadline cancels the part of a tool that is put under it, and the tool goes on", () =>
    Effect.gen(function*() {
      yield* quietClock
      const patient = Tool.make("patient", {
        success: Schema.Struct({ ended: Schema.Unknown, millis: Schema.Finite }),
        handler: () =>
          Effect.gen(function*() {
            const begun = yield* Clock.currentTimeMillis
            const ended = yield* Outcome.fromEffect(
              Budget.enforce(Effect.never, Budget.make({ deadline: begun + 2000 }))
            )
            return { ended, millis: (yield* Clock.currentTimeMillis) - begun }
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [patient] }))
      const call = yield* Effect.forkChild(client.call(patient, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("1999 millis")
      yield* McpTest.settle
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(call), { ended: Outcome.cancelled("Deadline"), millis: 2000 })
    }))

  it.effect("a tool that computes without waiting ends at its next checkpoint once cancelled or out of quota", () =>
    Effect.gen(function*() {
      let laps = 0
      const ended: Array<Outcome.Any> = []
      const compute = Tool.make("compute", {
        handler: () =>
          Effect.gen(function*() {
            while (true) {
              laps++
              yield* Budget.checkpoint
            }
          }).pipe(Effect.onExit((exit) => Effect.sync(() => ended.push(Outcome.fromExit(exit)))))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [compute] }))
      const call = yield* Effect.forkChild(client.call(compute, {}))
      yield* McpTest.settle
      assert.isAbove(laps, 1)
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      const stopped = laps
      yield* McpTest.settle
      assert.strictEqual(laps, stopped)

      const budget = Budget.make({ pollQuota: 100 })
      const limited = yield* McpTest.client(McpServer.layer({ ...info, tools: [compute], budget }))
      laps = 0
      assert.deepStrictEqual(yield* Outcome.fromEffect(limited.call(compute, {})), Outcome.cancelled("PollQuota"))
      assert.strictEqual(laps, 101)
      assert.deepStrictEqual(ended, [Outcome.cancelled("User"), Outcome.cancelled("PollQuota")])
    }))

  it.effect("a masked section takes its time, and is cut neither by its client nor by its budget", () =>
    Effect.gen(function*() {
      yield* quietClock
      const events: Array<string> = []
      const note = (event: string) => Effect.sync(() => events.push(event))
      const careful = Tool.make("careful", {
        parameters: { cost: Schema.Finite },
        handler: ({ cost }) =>
          Budget.masked(Effect.gen(function*() {
            yield* Budget.spend(cost)
            yield* note("begun")
            yield* Effect.sleep("2 seconds")
            yield* note("finished")
          })).pipe(
            Effect.andThen(Effect.asVoid(note("went on"))),
            Effect.onExit((exit) => note(JSON.stringify(Outcome.fromExit(exit))))
          )
      })
      const budget = Budget.make({ costQuota: 10 })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [careful], budget }))
      const call = yield* Effect.forkChild(client.call(careful, { cost: 1 }))
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      assert.deepStrictEqual(events, ["begun"])
      yield* TestClock.adjust("1 second")
      yield* McpTest.settle
      assert.deepStrictEqual(events, ["begun", "finished", JSON.stringify(Outcome.cancelled("User"))])

      const costly = yield* Effect.forkChild(client.call(careful, { cost: 11 }))
      yield* McpTest.settle
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Outcome.await(costly), Outcome.cancelled("CostBudget"))
      assert.deepStrictEqual(events.slice(3), ["begun", "finished", JSON.stringify(Outcome.cancelled("CostBudget"))])
    }))
})

describe("finalizers", () => {
  it.effect("finalizers that hang are cut after a time that depends on why they run", () =>
    Effect.gen(function*() {
      yield* quietClock
      const end = yield* Deferred.make<void>()
      const logs: Array<string> = []
      const logger = Logger.make(({ message }) => {
        logs.push(String(message))
      })
      const stubborn = Tool.make("stubborn", {
        handler: () => Effect.onInterrupt(Effect.never, () => Deferred.await(end))
      })
      const server = McpServer.layer({ ...info, tools: [stubborn], requestTimeout: "10 seconds" })
      const client = yield* McpTest.client(Layer.provide(server, Logger.layer([logger])))
      const late = yield* Effect.forkChild(client.call(stubborn, {}))
      const unwanted = yield* Effect.forkChild(client.call(stubborn, {}))
      yield* McpTest.settle
      yield* Fiber.interrupt(unwanted)
      yield* McpTest.settle
      /** What was reported up to a time, in milliseconds from the start. */
      const at = (millis: number) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(millis)
          yield* McpTest.settle
          return logs.map((line) => /still running (\d+) ms after (\w+)/u.exec(line)?.slice(1).join(" "))
        })
      assert.deepStrictEqual(yield* at(4999), [])
      assert.deepStrictEqual(yield* at(5000), ["5000 User"])
      yield* at(10_000)
      assert.deepStrictEqual(yield* at(12_999), ["5000 User"])
      assert.isUndefined(late.pollUnsafe())
      assert.deepStrictEqual(yield* at(13_000), ["5000 User", "3000 Deadline"])
      assert.deepStrictEqual(yield* Outcome.await(late), Outcome.cancelled("Deadline"))
      assert.deepStrictEqual(
        (["User", "Deadline", "Shutdown"] as const).map((reason) => Duration.toMillis(Budget.finalizerTime(reason))),
        [5000, 3000, 1000]
      )
      yield* Deferred.succeed(end, undefined)
      yield* McpTest.settle
    }))
})

describe("several at once", () => {
  /** Calls a tool whose answer is what the effect gives, and says after how many seconds it came. */
  const timed = <A>(effect: Effect.Effect<A, unknown>) =>
    Effect.gen(function*() {
      yield* quietClock
      const several = Tool.make("several", { success: Schema.Unknown, handler: () => Effect.orDie(effect) })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [several] }))
      const call = yield* Effect.forkChild(client.call(several, {}))
      yield* McpTest.settle
      for (let seconds = 0; seconds < 20; seconds += 0.5) {
        const exit = call.pollUnsafe()
        if (exit !== undefined) return { seconds, answer: yield* exit }
        yield* TestClock.adjust("500 millis")
        yield* McpTest.settle
      }
      return yield* Effect.die(new Error("it never answered"))
    })

  const watched = (events: Array<string>, name: string) =>
    Effect.never.pipe(
      Effect.onExit((exit) =>
        after("1 second", Effect.sync(() => events.push(`${name} ${JSON.stringify(Outcome.fromExit(exit))}`)))
      )
    )
  const lost = JSON.stringify(Outcome.cancelled("RaceLost"))

  it.effect("joinAll takes as long as the longest and answers every outcome in the order given", () =>
    Effect.gen(function*() {
      const parts = [
        after("3 seconds", Effect.succeed("slow")),
        after("1 second", Effect.fail("no")),
        after("2 seconds", Effect.succeed("quick"))
      ]
      assert.deepStrictEqual(yield* timed(Fanout.joinAll(parts)), {
        seconds: 3,
        answer: [Outcome.ok("slow"), Outcome.err("no"), Outcome.ok("quick")]
      })
    }))

  it.effect("race ends with the first to finish, and its losers' finalizers have run before the reply", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const runners = [watched(events, "a"), after("2 seconds", Effect.succeed("first")), watched(events, "c")]
      const answered = timed(Effect.map(Fanout.race(runners), (winner) => [winner, ...events]))
      assert.deepStrictEqual(yield* answered, { seconds: 3, answer: ["first", `a ${lost}`, `c ${lost}`] })
      assert.deepStrictEqual(
        yield* timed(Effect.map(Effect.flip(Fanout.raceTimeout([Effect.never, Effect.never], "4 seconds")), String)),
        { seconds: 4, answer: String(new Fanout.FanoutError({ _tag: "Timeout" })) }
      )
    }))

  it.effect("quorum ends with the success that makes it, and with a time limit at the limit", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const voters = [
        after("2 seconds", Effect.succeed("second")),
        after("1 second", Effect.succeed("first")),
        after("1500 millis", Effect.fail("no")),
        watched(events, "d")
      ]
      const made = { successes: ["first", "second"], failures: [Outcome.err("no")] }
      assert.deepStrictEqual(yield* timed(Fanout.quorum(voters, 2)), { seconds: 3, answer: made })
      assert.deepStrictEqual(events, [`d ${lost}`])
      const failed = (effect: Effect.Effect<unknown, Fanout.FanoutError>) =>
        timed(Effect.map(Effect.flip(effect), ({ reason }) => reason._tag))
      const never = [after("1 second", Effect.succeed("a")), Effect.never]
      assert.deepStrictEqual(yield* failed(Fanout.quorumTimeout(never, 2, "4 seconds")), {
        seconds: 4,
        answer: "Timeout"
      })
      const out = [after("1 second", Effect.fail("no")), Effect.never]
      assert.deepStrictEqual(yield* failed(Fanout.quorum(out, 2)), { seconds: 1, answer: "QuorumNotMet" })
    }))

  it.effect("firstOk passes over failures to the first success, or tells what everybody failed with", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const sources = [
        after("1 second", Effect.fail("no")),
        after("2 seconds", Effect.die("a bug")),
        after("3 seconds", Effect.succeed("yes")),
        watched(events, "d")
      ]
      assert.deepStrictEqual(yield* timed(Fanout.firstOk(sources)), { seconds: 4, answer: "yes" })
      assert.deepStrictEqual(events, [`d ${lost}`])
      const failing = [after("2 seconds", Effect.fail("late")), after("1 second", Effect.fail("early"))]
      assert.deepStrictEqual(
        yield* timed(Effect.map(
          Effect.flip(Fanout.firstOk(failing)),
          ({ reason }) => reason._tag === "AllFailed" ? reason.outcomes : []
        )),
        { seconds: 2, answer: [Outcome.err("late"), Outcome.err("early")] }
      )
    }))
})

/** Where a revision has the title of a tool. */
const titled: { readonly [revision in Revisions.Version]: object } = {
  "2024-11-05": {},
  "2025-03-26": { annotations: { title: "Greet" } },
  "2025-06-18": { title: "Greet" },
  "2025-11-25": { title: "Greet" },
  "2026-07-28": { title: "Greet" }
}

for (const revision of versions) {
  describe(`in ${revision}`, () => {
    const open = (...handled: ReadonlyArray<Tool.Handled<string, any, any, any, RequestContext.RequestContext>>) =>
      McpTest.client(McpServer.layer({ ...info, tools: handled }), { revision })

    it.effect("a refusal has the code of its reason", () =>
      Effect.gen(function*() {
        const message = "no"
        const reasons: ReadonlyArray<readonly [reason: McpError.Reason, stateful: number, stateless?: number]> = [
          [new McpError.ParseError({ message }), -32700],
          [new McpError.InvalidRequest({ message }), -32600],
          [new McpError.MethodNotFound({ method: "a" }), -32601],
          [new McpError.InvalidParams({ message }), -32602],
          [new McpError.InvalidEnvelope({ message }), -32602],
          [new McpError.ToolNotFound({ name: "a" }), -32602],
          [new McpError.ResourceNotFound({ uri: "a:b" }), -32002, -32602],
          [new McpError.PromptNotFound({ name: "a" }), -32602],
          [new McpError.InternalError(), -32603],
          [new McpError.HeaderMismatch({ message }), -32600, -32020],
          [new McpError.MissingCapability({ message, required: {} }), -32602, -32021],
          [new McpError.UnsupportedVersion({ requested: "a", supported: [] }), -32602, -32022],
          [new McpError.DeadlineExceeded(), 408],
          [new McpError.Cancelled({ reason: "a" }), 499],
          [new McpError.RateLimited({}), 429],
          [new McpError.Overloaded({ message }), 503],
          [new McpError.InProgress({}), 409],
          [new McpError.IdempotencyConflict({ message }), 422],
          [new McpError.OutcomeUnknown({ message }), 504],
          [new McpError.Masked(), 500],
          [new McpError.Unauthenticated({ scopes: [] }), 401],
          [new McpError.InsufficientScope({ scopes: ["a"] }), 403],
          [new McpError.Other({ code: 7, message }), 7]
        ]
        assert.lengthOf(reasons, McpError.Reason.members.length)
        let reason = reasons[0]![0]
        const refuse = Tool.make("refuse", { handler: () => Effect.suspend(() => McpError.make(reason)) })
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [refuse] }), { revision })
        for (const [next, stateful, stateless = stateful] of reasons) {
          reason = next
          const refused = yield* Effect.flip(client.call(refuse, {}))
          assert.instanceOf(refused, McpError.McpError)
          const { error } = JSON.parse((yield* client.frames).at(-1)!)
          assert.strictEqual(error.code, revision === "2026-07-28" ? stateless : stateful, reason._tag)
          assert.strictEqual(error.message, McpError.make(reason).message)
        }
      }))

    it.effect("a tool made from a function is listed by its contract, and called", () =>
      Effect.gen(function*() {
        const greet = Tool.make("greet", {
          title: "Greet",
          description: "Greets a person",
          parameters: { name: Schema.NonEmptyString },
          success: Schema.String,
          handler: ({ name }) => Effect.succeed(`Hello, ${name}!`)
        })
        const client = yield* open(greet)
        const listed: ReadonlyArray<unknown> = yield* client.listTools
        assert.deepStrictEqual(listed, [{
          name: "greet",
          ...titled[revision],
          description: "Greets a person",
          inputSchema: {
            type: "object",
            properties: { name: { type: "string", minLength: 1 } },
            required: ["name"]
          }
        }])
        const { content } = yield* client.callTool("greet", { name: "Ada" })
        assert.deepStrictEqual(content, [{ type: "text", text: "Hello, Ada!" }])
        assert.strictEqual(yield* client.call(greet, { name: "Ada" }), "Hello, Ada!")
      }))

    it.effect("structured content comes with the schema it fits", () =>
      Effect.gen(function*() {
        const forecast = Tool.make("forecast", {
          success: Schema.Struct({ celsius: Schema.Finite, at: Schema.Date }),
          handler: () => Effect.succeed({ celsius: 21.5, at: new Date(0) })
        })
        const client = yield* open(forecast)
        const [{ outputSchema }] = yield* client.listTools as Effect.Effect<[McpSchema.Tool]>
        // Before 2025-06-18 the text alone says it.
        const isStructured = revision >= "2025-06-18"
        const expected = {
          type: "object",
          properties: { celsius: { type: "number" }, at: { type: "string", format: "date-time" } },
          required: ["celsius", "at"]
        }
        assert.deepStrictEqual<unknown>(outputSchema, isStructured ? expected : undefined)
        const value = { celsius: 21.5, at: "1970-01-01T00:00:00.000Z" }
        const { content, structuredContent } = yield* client.callTool("forecast")
        assert.deepStrictEqual<unknown>(structuredContent, isStructured ? value : undefined)
        assert.deepStrictEqual(content, [{ type: "text", text: JSON.stringify(value) }])
      }))

    it.effect("a recursive type and a tuple are described, and read as what they are", () =>
      Effect.gen(function*() {
        interface Folder {
          readonly name: string
          readonly folders: ReadonlyArray<Folder>
        }
        const Folder = Schema.Struct({
          name: Schema.String,
          folders: Schema.Array(Schema.suspend((): Schema.Codec<Folder> => Folder))
        }).annotate({ identifier: "Folder" })
        const depth = (folder: Folder): number => 1 + Math.max(0, ...folder.folders.map(depth))
        const measure = Tool.make("measure", {
          parameters: { root: Folder, point: Schema.Tuple([Schema.Finite, Schema.String]) },
          success: Schema.String,
          handler: ({ point: [number, text], root }) => Effect.succeed(`${depth(root)} ${number + 1} ${text}`)
        })
        const client = yield* open(measure)
        const [{ inputSchema }] = yield* client.listTools as Effect.Effect<[McpSchema.Tool]>
        const { $defs, properties } = inputSchema as { readonly $defs: any; readonly properties: any }
        assert.deepStrictEqual(properties.root, { $ref: "#/$defs/Folder" })
        assert.deepStrictEqual($defs.Folder.properties.folders, { type: "array", items: { $ref: "#/$defs/Folder" } })
        assert.deepStrictEqual(properties.point.prefixItems, [{ type: "number" }, { type: "string" }])
        const root: Folder = { name: "a", folders: [{ name: "b", folders: [{ name: "c", folders: [] }] }] }
        assert.strictEqual(yield* client.call(measure, { root, point: [1, "x"] }), "3 2 x")
        for (const point of [["1", "x"], [1], [1, "x", 2]]) {
          assert.isTrue((yield* client.callTool("measure", { root: root as never, point })).isError)
        }
      }))

    it.effect("what its author says of a parameter is listed, and one that is left out has its default", () =>
      Effect.gen(function*() {
        const repeat = Tool.make("repeat", {
          parameters: {
            text: Schema.String.annotate({ description: "What to repeat" }),
            times: Schema.Int.annotate({ description: "How often" }).pipe(
              Schema.withDecodingDefaultKey(Effect.succeed(2))
            )
          },
          success: Schema.String,
          handler: ({ text, times }) => Effect.succeed(text.repeat(times))
        })
        const client = yield* open(repeat)
        const [{ inputSchema }] = yield* client.listTools as Effect.Effect<[McpSchema.Tool]>
        assert.deepStrictEqual(inputSchema.properties, {
          text: { type: "string", description: "What to repeat" },
          times: { type: "integer", description: "How often", default: 2 }
        })
        assert.deepStrictEqual(inputSchema.required, ["text"])
        const repeated = (args: { readonly [key: string]: string | number }) =>
          Effect.map(client.callTool("repeat", args), ({ content }) => content)
        assert.deepStrictEqual(yield* repeated({ text: "ab" }), [Content.text("abab")])
        assert.deepStrictEqual(yield* repeated({ text: "ab", times: 3 }), [Content.text("ababab")])
      }))

    it.effect("text, nothing, structure and blocks of content become results", () =>
      Effect.gen(function*() {
        const blocks = [
          Content.text("a"),
          Content.image("aGk=", "image/png"),
          Content.audio("aGk=", "audio/wav"),
          Content.resource({ uri: "file:///a", mimeType: "text/plain", text: "a" }),
          Content.resource({ uri: "file:///b", blob: "aGk=" })
        ]
        const client = yield* open(
          Tool.make("text", { success: Schema.String, handler: () => Effect.succeed("a") }),
          Tool.make("nothing", { handler: () => Effect.void }),
          Tool.make("structure", {
            success: Schema.Struct({ a: Schema.Finite }),
            handler: () => Effect.succeed({ a: 1 })
          }),
          Tool.make("blocks", { success: Tool.Result, handler: () => Effect.succeed(Content.result(...blocks)) })
        )
        const content = (name: string) => Effect.map(client.callTool(name), ({ content }) => content)
        assert.deepStrictEqual(yield* content("text"), [Content.text("a")])
        assert.deepStrictEqual(yield* content("nothing"), [])
        assert.deepStrictEqual(yield* content("structure"), [Content.text("{\"a\":1}")])
        // Audio came with 2025-03-26.
        const audio = Content.text("[audio, audio/wav, 2 bytes, which this client's revision of MCP cannot carry]")
        assert.deepStrictEqual(
          yield* content("blocks"),
          revision === "2024-11-05" ? blocks.map((block) => block.type === "audio" ? audio : block) : blocks
        )
      }))

    it.effect("progress comes with a total or without, and not to who sent no token", () =>
      Effect.gen(function*() {
        const climb = Tool.make("climb", {
          handler: () => Effect.andThen(Progress.report(1), Progress.report(2, { total: 2 }))
        })
        const client = yield* open(climb)
        yield* client.call(climb, {})
        assert.deepStrictEqual(yield* client.notifications, [])
        yield* client.call(climb, {}, { progressToken: "t" })
        assert.deepStrictEqual((yield* client.notifications).map(({ params }) => params), [
          { progressToken: "t", progress: 1 },
          { progressToken: "t", progress: 2, total: 2 }
        ])
      }))

    it.effect("a middleware that answers in the handler's place is seen by those outside it", () =>
      Effect.gen(function*() {
        const seen: Array<unknown> = []
        const outer = Middleware.make((_request, next) =>
          Effect.tap(next, (result) => Effect.sync(() => seen.push((result as McpSchema.CallToolResult).content)))
        )
        const instead = Middleware.make(() => Effect.succeed(Content.result(Content.text("instead"))))
        const inner = Middleware.make((_request, next) => Effect.andThen(Effect.sync(() => seen.push("inner")), next))
        const tool = Tool.make("tool", { handler: () => Effect.sync(() => void seen.push("handler")) })
        const middleware = [outer, instead, inner].map((each) => Middleware.forMethods(each, ["tools/call"]))
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool], middleware }), { revision })
        const { content } = yield* client.callTool("tool")
        assert.deepStrictEqual(content, [Content.text("instead")])
        assert.deepStrictEqual(seen, [content])
      }))
  })
}

describe("the stateful handshake", () => {
  const initialize = wires.request("Stateful", 1, "initialize", {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: info
  })

  it.effect("a second handshake is refused, and the first still holds", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(McpServer.layer(info), { revision: "2025-11-25" })
      const refused = yield* Effect.flip(
        client.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: info })
      )
      assert.strictEqual(refused.reason._tag, "InvalidRequest")
      assert.deepStrictEqual(yield* client.listTools, [])
    }))

  it.effect("notifications/initialized gets no answer, and who has not sent it yet is served", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer(info))
      const wire = yield* Effect.provideContext(Memory.connect, context)
      const answer = (message: object) =>
        Effect.suspend(() => {
          wire.send(JSON.stringify(message))
          return Effect.map(Queue.take(wire.frames), (frame) => JSON.parse(frame))
        })
      assert.strictEqual((yield* answer(initialize)).result.protocolVersion, "2025-11-25")
      assert.deepStrictEqual((yield* answer(wires.request("Stateful", 2, "tools/list"))).result, { tools: [] })
      wire.send(JSON.stringify(wires.notification("notifications/initialized")))
      assert.deepStrictEqual(yield* answer(wires.request("Stateful", 3, "ping")), { jsonrpc: "2.0", id: 3, result: {} })
      assert.strictEqual(yield* Queue.size(wire.frames), 0)
    }))
})

describe("logging/setLevel", () => {
  it.effect("logging/setLevel knows eight levels, and holds for the connection it came on", () =>
    Effect.gen(function*() {
      const levels = McpSchema.LoggingLevel.literals
      assert.lengthOf(levels, 8)
      const speak = Tool.make("speak", {
        handler: () => Effect.forEach(levels, (level) => ClientLog.log(level, level), { discard: true })
      })
      const context = yield* Layer.build(McpServer.layer({ ...info, tools: [speak] }))
      const connect = (logLevel: McpSchema.LoggingLevel) =>
        McpTest.client(Layer.succeedContext(context), { revision: "2025-11-25", logLevel })
      const clients = yield* Effect.forEach(levels, connect)
      for (const [index, client] of clients.entries()) {
        yield* client.call(speak, {})
        assert.deepStrictEqual((yield* client.notifications).map(({ params }) => params?.data), levels.slice(index))
      }
    }))
})

describe("over stdio", () => {
  const small = (id: number) => JSON.stringify(wires.call("Stateless", id, "echo", { text: "small" }))
  const echoed = (wire: wires.Wire) => wire.frames.flatMap(({ id, result }) => result === undefined ? [] : [id])
  const maxLineBytes = small(100).length
  const open = wires.open("stdio", "Stateless", tools.server(), { maxLineBytes })
  const sendTogether = (wire: wires.Wire, ...lines: ReadonlyArray<string>) =>
    wire.sendBytes(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")))

  it.effect("a line on stdin is measured by itself, however many arrive with it", () =>
    Effect.gen(function*() {
      const wire = yield* open
      const ids = Array.from({ length: 50 }, (_, i) => 100 + i)
      sendTogether(wire, ...ids.map(small), `${small(200)} `, small(300))
      yield* wires.until(() => wire.frames.length === 52)
      assert.deepStrictEqual(echoed(wire), [...ids, 300])
      assert.deepStrictEqual(
        wire.frames.flatMap(({ error, id }) => error === undefined ? [] : [[id, error.code]]),
        [[null, -32600]]
      )
    }))

  it.effect("a bad line on stdin is answered once and costs its neighbours nothing", () =>
    Effect.gen(function*() {
      const wire = yield* open
      sendTogether(wire, small(1), "{nope", small(2), "5", small(3))
      yield* wires.until(() => wire.frames.length === 5)
      assert.deepStrictEqual(echoed(wire), [1, 2, 3])
      sendTogether(wire, small(4))
      yield* wires.until(() => wire.frames.length === 6)
      assert.deepStrictEqual(
        wire.frames.flatMap(({ error }) => error === undefined ? [] : [error.code]),
        [-32700, -32600]
      )
    }))
})

describe("the test kit", () => {
  it.effect("a test holds both ends of a server: it sends frames as they stand, and sees each that comes back", () =>
    Effect.gen(function*() {
      const echo = Tool.make("echo", {
        parameters: { text: Schema.String },
        success: Schema.String,
        handler: ({ text }) => Effect.succeed(text)
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [echo] }))
      assert.strictEqual(yield* client.call(echo, { text: "typed" }), "typed")
      yield* client.sendRaw("{ nope")
      yield* client.sendRaw(JSON.stringify(wires.call("Stateless", "raw", "echo", { text: "raw" })))
      yield* McpTest.settle
      const frames = (yield* client.frames).map((frame) => JSON.parse(frame))
      assert.deepStrictEqual(
        frames.map(({ error, id, result }) => [id, error?.code ?? result.content[0].text]),
        [[1, "typed"], [null, -32700], ["raw", "raw"]]
      )
    }))

  it.effect("the test client waits as long as it is let, and its time limit cancels on the server", () =>
    Effect.gen(function*() {
      yield* quietClock
      const ended: Array<Outcome.Any> = []
      const never = Tool.make("never", {
        handler: () => Effect.onExit(Effect.never, (exit) => Effect.sync(() => ended.push(Outcome.fromExit(exit))))
      })
      const server = McpServer.layer({ ...info, tools: [never], requestTimeout: Duration.infinity })
      const client = yield* McpTest.client(server)
      const patient = yield* Effect.forkChild(client.call(never, {}))
      const hasty = yield* Effect.forkChild(Effect.timeoutOption(client.call(never, {}), "1 minute"))
      yield* McpTest.settle
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(hasty))._tag, "None")
      yield* McpTest.settle
      assert.deepStrictEqual(ended, [Outcome.cancelled("User")])
      yield* TestClock.adjust("365 days")
      assert.isUndefined(patient.pollUnsafe())
      yield* Fiber.interrupt(patient)
      yield* McpTest.settle
      assert.lengthOf(ended, 2)
    }))

  it.effect("a handler that runs alone under a budget ends as it does behind a server", () =>
    Effect.gen(function*() {
      const spend = Tool.make("spend", {
        parameters: { cost: Schema.Finite },
        success: Schema.Struct({ method: Schema.String, left: Schema.Finite }),
        handler: ({ cost }) =>
          Effect.gen(function*() {
            const { method } = yield* RequestContext.RequestContext
            yield* Progress.report(1)
            yield* ClientLog.info("spending")
            yield* Budget.spend(cost)
            return { method, left: (yield* Budget.remaining).cost }
          })
      })
      const budget = Budget.make({ costQuota: 5 })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [spend], budget }))
      const expected = [[3, Outcome.ok({ method: "tools/call", left: 2 })], [
        6,
        Outcome.cancelled("CostBudget")
      ]] as const
      for (const [cost, outcome] of expected) {
        const alone = Effect.provide(Budget.enforce(Tool.run(spend, { cost }), budget), RequestContext.layerNoop)
        assert.deepStrictEqual(yield* Outcome.fromEffect(alone), outcome)
        assert.deepStrictEqual(yield* Outcome.fromEffect(client.call(spend, { cost })), outcome)
      }
    }))
})

describe("the package's root", () => {
  it.effect("a server made from one import serves", () =>
    Effect.gen(function*() {
      const tool = Root.Tool.make("tool", {
        success: Schema.Finite,
        failure: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            yield* Root.Progress.report(1)
            yield* Root.Budget.spend(1)
            return yield* Root.Outcome.toExit<number, string>(Root.Outcome.ok(5))
          })
      })
      const server = Root.McpServer.layer({ ...info, tools: [tool], middleware: [Root.Timeout.make("1 second")] })
      const client = yield* McpTest.client(server)
      assert.strictEqual(yield* client.call(tool, {}), 5)
    }))
})
