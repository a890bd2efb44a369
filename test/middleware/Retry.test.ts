import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as TestClock from "effect/testing/TestClock"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Retry from "fastmcp-effect/middleware/Retry"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { info, resource, script, serve, tool } from "./serving.ts"

const busy = Effect.fail(McpError.make(new McpError.Overloaded({ message: "busy" })))

const busyFor = (retryAfter: number) => Effect.fail(McpError.make(new McpError.RateLimited({ retryAfter })))

const readOnly = { readOnlyHint: true }

/** Lets pauses of up to ten minutes in all go by. */
const finished = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* McpTest.settle
    for (let turn = 0; turn < 60 && fiber.pollUnsafe() === undefined; turn++) {
      yield* TestClock.adjust("500 millis")
      yield* McpTest.settle
    }
    return yield* Outcome.await(fiber)
  })

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("a tool that says that it may happen twice is tried again, and no other", () =>
      Effect.gen(function*() {
        for (
          const [annotations, runs] of [
            [readOnly, 3],
            [{ idempotentHint: true, destructiveHint: true }, 3],
            [{ destructiveHint: false }, 1],
            [{}, 1]
          ] as const
        ) {
          const steps = script(busy, busy, Effect.succeed("done"))
          const client = yield* McpTest.client(serve([Retry.make()], tool("t", steps.run, annotations)), { revision })
          const outcome = yield* finished(client.callTool("t"))
          assert.strictEqual(steps.runs, runs)
          assert.strictEqual(outcome._tag, runs === 3 ? "Ok" : "Err")
        }
      }))

    it.effect("reads are tried again", () =>
      Effect.gen(function*() {
        const steps = script(busy, Effect.succeed("read"))
        const server = McpServer.layer({
          ...info,
          resources: [resource("acme:///r", Effect.catchIf(steps.run, Predicate.isString, Effect.die))],
          middleware: [Retry.make()]
        })
        const client = yield* McpTest.client(server, { revision })
        assert.strictEqual((yield* finished(client.readResource("acme:///r")))._tag, "Ok")
        assert.strictEqual(steps.runs, 2)
      }))
  })
}

describe("Retry", () => {
  it.effect("gives up after so many times, with the last error", () =>
    Effect.gen(function*() {
      for (const times of [0, 1, 4]) {
        const steps = script(busy)
        const client = yield* McpTest.client(serve([Retry.make({ times })], tool("t", steps.run, readOnly)))
        const outcome = yield* finished(client.callTool("t"))
        assert.isTrue(outcome._tag === "Err" && outcome.error.reason._tag === "Overloaded")
        assert.strictEqual(steps.runs, times + 1)
      }
    }))

  it.effect("leaves alone what is not for the moment, what is declared, what dies and what is cancelled", () =>
    Effect.gen(function*() {
      for (
        const end of [
          Effect.fail(McpError.invalidRequest("no")),
          Effect.fail("declared"),
          Effect.die(new Error("a bug")),
          Outcome.interruptSelf("CostBudget")
        ]
      ) {
        const steps = script(end, Effect.succeed("done"))
        const client = yield* McpTest.client(serve([Retry.make()], tool("t", steps.run, readOnly)))
        yield* finished(client.callTool("t"))
        assert.strictEqual(steps.runs, 1)
      }
    }))

  it.effect("waits twice as long each time, up to the longest, and half of it at least", () =>
    Effect.gen(function*() {
      const at: Array<number> = []
      const run = Effect.andThen(
        Effect.clockWith((clock) => Effect.sync(() => void at.push(clock.currentTimeMillisUnsafe()))),
        busy
      )
      const retry = Retry.make({ times: 4, pause: "1 second", longestPause: "3 seconds" })
      const client = yield* McpTest.client(serve([retry], tool("t", run, readOnly)))
      const fiber = yield* Effect.forkChild(Effect.exit(client.callTool("t")))
      yield* McpTest.settle
      for (let turn = 0; turn < 1200 && fiber.pollUnsafe() === undefined; turn++) {
        yield* TestClock.adjust(10)
        yield* McpTest.settle
      }
      yield* Fiber.join(fiber)
      const pauses = at.slice(1).map((time, index) => time - at[index]!)
      for (const [index, most] of [1000, 2000, 3000, 3000].entries()) {
        assert.isTrue(pauses[index]! >= most / 2 - 10 && pauses[index]! <= most + 10, `${pauses}`)
      }
      assert.lengthOf(pauses, 4)
    }), 30_000)

  it.effect("waits for as long as the error says, unless that is too long", () =>
    Effect.gen(function*() {
      const steps = script(busyFor(4000), Effect.succeed("done"))
      const client = yield* McpTest.client(serve([Retry.make()], tool("t", steps.run, readOnly)))
      const fiber = yield* Effect.forkChild(client.callTool("t"))
      yield* McpTest.settle
      yield* TestClock.adjust(3999)
      assert.strictEqual(steps.runs, 1)
      yield* TestClock.adjust(1)
      yield* Fiber.join(fiber)

      const late = script(busyFor(5001), Effect.succeed("done"))
      const other = yield* McpTest.client(serve([Retry.make()], tool("t", late.run, readOnly)))
      assert.strictEqual((yield* Effect.flip(other.callTool("t"))).reason._tag, "RateLimited")
      assert.strictEqual(late.runs, 1)
    }))

  it.effect("goes by what the author says may happen twice, and is worth it", () =>
    Effect.gen(function*() {
      const steps = script(Effect.fail(McpError.invalidRequest("no")), Effect.succeed("done"))
      const retry = Retry.make({ isIdempotent: ({ tool }) => tool?.name === "t", while: () => true })
      const client = yield* McpTest.client(serve([retry], tool("t", steps.run), tool("u", busy)))
      assert.strictEqual((yield* finished(client.callTool("t")))._tag, "Ok")
      yield* Effect.flip(client.callTool("u"))
    }))

  it.effect("ends with its request", () =>
    Effect.gen(function*() {
      const steps = script(busyFor(4000))
      const retry = Retry.make({ times: 1000 })
      const client = yield* McpTest.client(serve([retry], tool("t", steps.run, readOnly)))
      const outcome = yield* finished(client.callTool("t"))
      assert.deepStrictEqual(outcome, Outcome.cancelled("Deadline"))
      const { runs } = steps
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(steps.runs, runs)
    }))

  it("cannot be a part of a time", () => {
    for (const times of [-1, 0.5, NaN]) assert.throws(() => Retry.make({ times }))
  })
})
