/**
 * What of Effect's own logging a client is sent, and in which form. Levels and revisions are in context.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { ClientLog, type RequestContext } from "fastmcp-effect/context"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import { logged } from "./answering.ts"

class Full extends Schema.TaggedError<Full>()("Full", { seats: Schema.Int }) {}

const forwarded = (handler: Effect.Effect<void, never, RequestContext.RequestContext>) =>
  logged(Effect.provide(handler, ClientLog.layer))

it.effect("Each level of the protocol has a function of its name", () =>
  Effect.gen(function*() {
    const { alert, critical, debug, emergency, error, info, notice, warning } = ClientLog
    const all = { debug, info, notice, warning, error, critical, alert, emergency }
    const { literals } = McpSchema.LoggingLevel
    assert.deepStrictEqual(Object.keys(all), [...literals])
    const sent = yield* logged(
      Effect.forEach(Object.entries(all), ([name, log]) => log(`at ${name}`), { discard: true })
    )
    assert.deepStrictEqual(sent, literals.map((level) => [level, `at ${level}`] as const))
  }))

describe("The logger sends", () => {
  it.effect("what was logged alone, at the nearest level", () =>
    Effect.gen(function*() {
      const sent = yield* forwarded(
        Effect.gen(function*() {
          yield* Effect.logTrace("trace")
          yield* Effect.logDebug("debug")
          yield* Effect.logInfo("info", { a: 1 })
          yield* Effect.logWarning("warning")
          yield* Effect.logError("error")
          yield* Effect.logFatal("fatal")
        }).pipe(Effect.provideService(References.MinimumLogLevel, "All"))
      )
      assert.deepStrictEqual(sent, [
        ["debug", "trace"],
        ["debug", "debug"],
        ["info", ["info", { a: 1 }]],
        ["warning", "warning"],
        ["error", "error"],
        ["critical", "fatal"]
      ])
    }))

  it.effect("annotations and spans as members beside the message", () =>
    Effect.gen(function*() {
      const sent = yield* forwarded(
        Effect.gen(function*() {
          yield* TestClock.adjust("5 millis")
          yield* Effect.logInfo("hello")
          yield* Effect.logInfo("a", "b")
          yield* Effect.log()
        }).pipe(
          Effect.annotateLogs({ user: 7, deep: { list: [1] }, big: 5n, secret: Redacted.make("x") }),
          Effect.withLogSpan("work")
        )
      )
      const annotations = { user: 7, deep: { list: [1] }, big: "5n", secret: "<redacted>" }
      assert.deepStrictEqual(JSON.parse(JSON.stringify(sent.map(([, data]) => data))), [
        { message: "hello", annotations, spans: { work: 5 } },
        { message: ["a", "b"], annotations, spans: { work: 5 } },
        { annotations, spans: { work: 5 } }
      ])
    }))

  it.effect("only the failures of a cause, nothing of a bug", () =>
    Effect.gen(function*() {
      const bug = Cause.die(new Error("password is 1234"))
      const sent = yield* forwarded(
        Effect.gen(function*() {
          yield* Effect.logError("booking", Cause.fail("no seat"))
          yield* Effect.logError(Cause.combine(Cause.fail(new Full({ seats: 0 })), bug))
          yield* Effect.logWarning(Cause.interrupt(1))
        })
      )
      assert.deepStrictEqual(sent, [
        ["error", { message: "booking", cause: ["no seat"] }],
        ["error", { cause: ["Full", "Internal error"] }],
        ["warning", { cause: ["Interrupted"] }]
      ])
      assert.notInclude(JSON.stringify(sent), "1234")
    }))
})
