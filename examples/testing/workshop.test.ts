import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { McpError, McpServer, Outcome, Tool } from "fastmcp-effect"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { Jammed, Leases, limit, work, Workshop } from "./server.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Call = Schema.TaggedStruct("Call", {
  seconds: between(0, 20),
  end: Schema.Literals(["done", "jammed", "bug"])
})

/** What may happen, in any order: a call begins, the client cancels one, time passes. */
const Step = Schema.Union([
  Call,
  Schema.TaggedStruct("Cancel", { call: between(0, 9) }),
  Schema.TaggedStruct("Wait", { seconds: between(1, 10) })
])

const internalError = Outcome.err(McpError.make(new McpError.InternalError()))

/** A bug's reply says under which id the server's log has it, which no contract foresees. */
const withoutId = <A, E>(outcome: Outcome.Outcome<A, E>) =>
  outcome._tag === "Err" && outcome.error instanceof McpError.McpError && outcome.error.reason._tag === "InternalError"
    ? internalError
    : outcome

/** How a call ends that began at 0, by the contract alone: what comes first decides. */
const predict = (job: number, { end, seconds }: typeof Call.Type, cancelledAfter: number) => {
  const limitSeconds = Duration.toSeconds(limit)
  if (cancelledAfter < Math.min(seconds, limitSeconds)) return Outcome.cancelled("User")
  if (limitSeconds < seconds) return Outcome.cancelled("Deadline")
  return { done: Outcome.ok("done"), jammed: Outcome.err(new Jammed({ job })), bug: internalError }[end]
}

/** In steps of half a second, so that what wakes up has run before what is due after it. */
const pass = (seconds: number) =>
  Effect.forEach(
    Array.from({ length: 2 * seconds }),
    () => Effect.andThen(TestClock.adjust("500 millis"), McpTest.settle),
    { discard: true }
  )

describe.each(["2025-11-25", "2026-07-28"] as const)("%s", (revision) => {
  it.effect.prop(
    "whatever is called, cancelled and waited for, each call has one outcome and gives its lease back",
    { steps: Schema.Array(Step), seed: between(0, 1_000_000) },
    Effect.fnUntraced(function*({ steps }) {
      const held = new Set<number>()
      const leases = Layer.succeed(Leases, {
        take: (job) => Effect.sync(() => held.add(job)),
        giveBack: (job) => Effect.sync(() => assert.isTrue(held.delete(job), "given back twice"))
      })
      const client = yield* McpTest.client(Workshop.pipe(Layer.provide(leases)), { revision })
      const handshake = (yield* client.frames).length

      const calls: Array<{ fiber: Fiber.Fiber<unknown, unknown>; step: typeof Call.Type; at: number; until: number }> =
        []
      let now = 0
      for (const step of steps) {
        if (step._tag === "Call") {
          const fiber = yield* Effect.forkChild(
            client.call(work, { job: calls.length, seconds: step.seconds, end: step.end })
          )
          calls.push({ fiber, step, at: now, until: Infinity })
        } else if (step._tag === "Wait") {
          yield* pass(step.seconds)
          now += step.seconds
        } else if (calls.length > 0) {
          const call = calls[step.call % calls.length]!
          call.until = Math.min(call.until, now)
          yield* Outcome.interrupt(call.fiber, "User")
        }
        yield* McpTest.settle
      }
      yield* pass(30)

      assert.strictEqual(held.size, 0)
      const outcomes = yield* Effect.forEach(calls, ({ fiber }) => Outcome.await(fiber))
      assert.deepStrictEqual(
        outcomes.map(withoutId),
        calls.map(({ at, step, until }, job) => predict(job, step, until - at))
      )
      // The client heard of each call once, and of those it cancelled no more.
      const replies = (yield* client.frames).slice(handshake).map((frame) => JSON.parse(frame).id)
      assert.strictEqual(new Set(replies).size, replies.length)
      assert.strictEqual(
        replies.length,
        outcomes.filter((outcome) => !(outcome._tag === "Cancelled" && outcome.reason === "User")).length
      )
      assert.notInclude((yield* client.frames).join(), "secret")
    }, (test, { seed }) => test.pipe(Leaks.check, Lab.withSeed(seed))),
    { arbitrary: { runs: 100, size: 60 } }
  )

  it.effect("a slow tool is cut off at its deadline and cleans up", () =>
    Effect.gen(function*() {
      let finalizerRan = false
      const slow = Tool.make("slow", {
        handler: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => finalizerRan = true))
      })
      const client = yield* McpTest.client(McpServer.layer({ name: "acme", version: "1.0.0", tools: [slow] }), {
        revision
      })
      const call = yield* Effect.forkChild(client.call(slow, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
      assert.isTrue(finalizerRan)
    }))
})
