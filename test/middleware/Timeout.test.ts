import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as Timeout from "fastmcp-effect/middleware/Timeout"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const info = { name: "timeout", version: "1.0.0" }

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

const limits: ReadonlyArray<{
  readonly tool?: Duration.Input
  readonly middleware?: Duration.Input
  readonly server?: Duration.Input
  readonly ends: number
  readonly reason: Outcome.CancelReason
}> = [
  { middleware: "5 seconds", ends: 5000, reason: "Timeout" },
  { tool: "3 seconds", middleware: "5 seconds", ends: 3000, reason: "Timeout" },
  { tool: "7 seconds", middleware: "5 seconds", ends: 5000, reason: "Timeout" },
  { tool: "7 seconds", middleware: "5 seconds", server: "2 seconds", ends: 2000, reason: "Deadline" },
  { tool: "1 second", server: "2 seconds", ends: 1000, reason: "Timeout" },
  { tool: "1 minute", middleware: "1 minute", ends: 30_000, reason: "Deadline" },
  { tool: "1 minute", middleware: "2 minutes", server: Duration.infinity, ends: 60_000, reason: "Timeout" }
]

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    for (const { ends, middleware, reason, server, tool } of limits) {
      const named = Object.entries({ tool, middleware, server })
        .flatMap(([who, limit]) =>
          limit === undefined ? [] : [`${who} ${Duration.format(Duration.fromInputUnsafe(limit))}`]
        )
      it.effect(`the tightest of ${named.join(", ")} ends a call after ${ends} ms with ${reason}`, () =>
        Effect.gen(function*() {
          yield* quietClock
          let finalized = false
          const slow = Tool.make("slow", {
            ...(tool === undefined ? undefined : { timeout: tool }),
            handler: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (finalized = true)))
          })
          const client = yield* McpTest.client(
            McpServer.layer({
              ...info,
              tools: [slow],
              middleware: middleware === undefined ? [] : [Timeout.make(middleware)],
              ...(server === undefined ? undefined : { requestTimeout: server })
            }),
            { revision }
          )
          const call = yield* Effect.forkChild(client.call(slow, {}))
          yield* McpTest.settle
          yield* TestClock.adjust(ends - 1)
          yield* McpTest.settle
          assert.isUndefined(call.pollUnsafe())
          assert.isFalse(finalized)
          yield* TestClock.adjust(1)
          assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled(reason))
          assert.isTrue(finalized)
          const { error } = JSON.parse((yield* client.frames).at(-1)!)
          assert.strictEqual(error.code, 408)
        }))
    }

    it.effect("the answer waits for finalizers that are in time", () =>
      Effect.gen(function*() {
        yield* quietClock
        const slow = Tool.make("slow", { handler: () => Effect.ensuring(Effect.never, Effect.sleep("1 second")) })
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, tools: [slow], middleware: [Timeout.make("5 seconds")] }),
          { revision }
        )
        const call = yield* Effect.forkChild(client.call(slow, {}))
        yield* McpTest.settle
        yield* TestClock.adjust("5999 millis")
        assert.isUndefined(call.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Timeout"))
      }))

    it.effect("what is done in time is not touched, nor are other methods when it is not for them", () =>
      Effect.gen(function*() {
        yield* quietClock
        const slow = Tool.make("slow", {
          success: Schema.String,
          handler: () => Effect.delay(Effect.succeed("done"), "4 seconds")
        })
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            tools: [slow],
            middleware: [
              Timeout.make("5 seconds"),
              Middleware.forMethods(Timeout.make("1 second"), ["tools/list"])
            ]
          }),
          { revision }
        )
        const call = yield* Effect.forkChild(client.call(slow, {}))
        yield* McpTest.settle
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(yield* Fiber.join(call), "done")
      }))
  })
}
