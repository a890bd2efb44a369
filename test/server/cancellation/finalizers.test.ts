/** What finalizers may do, and for how long, where that does not depend on the transport. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

/** A client of these tools, one call at a time, and the warnings so far; what hangs ends with the test. */
const connect = Effect.fnUntraced(function*(
  tools: (
    hang: Effect.Effect<void>
  ) => ReadonlyArray<Tool.Handled<string, any, any, any, RequestContext.RequestContext>>,
  times?: () => Duration.Duration
) {
  yield* TestClock.adjust(0)
  const end = Deferred.makeUnsafe<void>()
  yield* Effect.addFinalizer(() => Deferred.succeed(end, undefined))
  const warnings: Array<string> = []
  const logger = Logger.make(({ date, message }) => {
    const [, millis, reason] = /still running (\d+) ms after (\w+)/u.exec(String(message))!
    warnings.push(`${date.getTime()}: ${millis} ${reason}`)
  })
  const server = McpServer.layer({
    name: "finalizers",
    version: "1",
    tools: tools(Deferred.await(end)),
    concurrency: 1
  })
  const client = yield* McpTest.client(
    server.pipe(
      Layer.provide(Logger.layer([logger])),
      Layer.provide(Layer.succeed(Budget.FinalizerTime, times ?? Budget.finalizerTime))
    )
  )
  const start = (name: string) =>
    Effect.tap(Effect.forkChild(client.callTool(name), { startImmediately: true }), () => McpTest.settle)
  const passes = (millis: number) => Effect.andThen(TestClock.adjust(millis), McpTest.settle)
  return { warnings, start, passes }
})

const never = (hang: Effect.Effect<void>) => Effect.onInterrupt(Effect.never, () => hang)

const isDone = (call: Fiber.Fiber<unknown, unknown>) => call.pollUnsafe() !== undefined

describe("a finalizer that hangs", () => {
  it.effect("has the time that the server's FinalizerTime gives it", () =>
    Effect.gen(function*() {
      const { passes, start, warnings } = yield* connect(
        (hang) => [Tool.make("a", { handler: () => never(hang) })],
        () => Duration.seconds(20)
      )
      const call = yield* start("a")
      yield* Fiber.interrupt(call)
      yield* passes(19_999)
      assert.isEmpty(warnings)
      yield* passes(1)
      assert.deepStrictEqual(warnings, ["20000: 20000 User"])
    }))

  it.effect("after the handler has ended by itself has what is left of the request's time, and three seconds", () =>
    Effect.gen(function*() {
      const { passes, start, warnings } = yield* connect((hang) => [
        Tool.make("a", { handler: () => Effect.ensuring(Effect.void, hang) })
      ])
      const call = yield* start("a")
      yield* passes(32_999)
      assert.isUndefined(call.pollUnsafe())
      yield* passes(1)
      assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
      assert.deepStrictEqual(warnings, ["33000: 3000 Deadline"])
    }))

  it.effect("of what a tool's own timeout cancels has the same", () =>
    Effect.gen(function*() {
      const { passes, start, warnings } = yield* connect((hang) => [
        Tool.make("a", { timeout: "10 seconds", handler: () => never(hang) })
      ])
      const call = yield* start("a")
      yield* passes(32_999)
      assert.isUndefined(call.pollUnsafe())
      yield* passes(1)
      assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
      assert.deepStrictEqual(warnings, ["33000: 3000 Deadline"])
    }))

  it.effect("in a tool that a tool has called keeps nobody from either, once it is cut", () =>
    Effect.gen(function*() {
      let calls = 0
      const { passes, start } = yield* connect((hang) => {
        const inner = Tool.make("inner", {
          concurrency: 1,
          handler: () => Effect.suspend(() => ++calls === 1 ? never(hang) : Effect.void)
        })
        const outer = Tool.make("outer", { concurrency: 1, handler: () => Effect.orDie(Tool.call(inner, {})) })
        return [inner, outer]
      })
      const first = yield* start("outer")
      yield* Fiber.interrupt(first)
      const next = [yield* start("outer"), yield* start("inner")]
      yield* passes(4999)
      assert.deepStrictEqual(next.map(isDone), [false, false])
      yield* passes(1)
      assert.deepStrictEqual(next.map(isDone), [true, true])
    }))
})

describe("a section that is masked", () => {
  it.effect("and longer than the time of finalizers ends on its own, after the request is over", () =>
    Effect.gen(function*() {
      const done: Array<string> = []
      const { passes, start, warnings } = yield* connect(() => [
        Tool.make("a", {
          handler: () =>
            Effect.andThen(Budget.masked(Effect.sleep("8 seconds")), Effect.sync(() => done.push("goes on"))).pipe(
              Effect.ensuring(Effect.sync(() => done.push("ended")))
            )
        }),
        Tool.make("b", { handler: () => Effect.sync(() => done.push("b")) })
      ])
      yield* Fiber.interrupt(yield* start("a"))
      yield* start("b")
      yield* passes(5000)
      assert.deepStrictEqual(warnings, ["5000: 5000 User"])
      assert.deepStrictEqual(done, ["b"])
      yield* passes(3000)
      assert.deepStrictEqual(done, ["b", "ended"])
    }))
})
