import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import type * as Outcome from "fastmcp-effect/core/Outcome"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

const outcomeOf = (frame: wires.Frame) => frame.error?.data?.["fastmcp-effect/outcome"]

for (const name of wires.names) {
  for (const era of wires.eras) {
    const setup = Effect.fnUntraced(function*(options: tools.Options = {}, wireOptions: wires.Options = {}) {
      const probe = tools.makeProbe()
      const logs: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        logs.push(`${logLevel} ${String(message)}`)
      })
      const server = Layer.provide(tools.server(probe, options), Logger.layer([logger]))
      const wire = yield* wires.open(name, era, server, wireOptions)
      const begin = Effect.fnUntraced(function*(id: wires.Id, tool: string, args: object = {}, meta: object = {}) {
        const before = probe.events.length
        wire.send(wires.call(era, id, tool, args, meta))
        yield* wires.until(() => probe.events.length > before)
      })
      const saw = (event: string) =>
        wires.until(() => probe.events.includes(event), () => `${event} in ${probe.events}`)
      const lives = Effect.fnUntraced(function*() {
        wire.send(wires.call(era, "after", "echo", { text: "still here" }))
        assert.strictEqual((yield* wires.answer(wire, "after")).result.content[0].text, "still here")
        assert.notInclude(JSON.stringify(wire.frames), tools.secret)
      })
      return { probe, logs, wire, begin, saw, lives }
    })

    describe(`cancellation over ${name}, ${era.toLowerCase()} era`, () => {
      it.effect("a tool that never ends stops when its client cancels it, its finalizers run, and nothing answers", () =>
        Effect.gen(function*() {
          const { begin, lives, probe, saw, wire } = yield* setup()
          yield* begin(1, "never")
          wire.cancel(1)
          yield* saw("never Cancelled User")
          yield* lives()
          yield* TestClock.adjust("1 hour")
          assert.isEmpty(wires.answersTo(wire, 1))
          assert.deepStrictEqual(probe.events, ["never started", "never Cancelled User"])
        }))

      it.effect("other requests are answered while a tool runs for ever", () =>
        Effect.gen(function*() {
          const { begin, lives, saw, wire } = yield* setup()
          yield* begin(1, "never")
          if (era === "Stateful") {
            wire.send(wires.request(era, 2, "ping"))
            assert.deepStrictEqual((yield* wires.answer(wire, 2)).result, {})
          }
          yield* lives()
          wire.cancel(1)
          yield* saw("never Cancelled User")
        }))

      it.effect("a cancel after progress ends the stream and nothing follows it", () =>
        Effect.gen(function*() {
          const { begin, lives, saw, wire } = yield* setup()
          yield* begin(1, "talkingNever", {}, { progressToken: "p" })
          yield* wires.until(() => wire.frames.length === 1)
          assert.strictEqual(wire.frames[0]!.method, "notifications/progress")
          wire.cancel(1)
          yield* saw("talkingNever Cancelled User")
          yield* lives()
          assert.lengthOf(wire.frames, 2)
        }))

      it.effect("what finalizers say after a cancel does not reach the client", () =>
        Effect.gen(function*() {
          const { begin, lives, saw, wire } = yield* setup()
          yield* begin(1, "talksAtTheEnd", {}, { progressToken: "p" })
          wire.cancel(1)
          yield* saw("talksAtTheEnd Cancelled User")
          yield* lives()
          assert.lengthOf(wire.frames, 1)
        }))

      it.effect("what a nested tool's finalizers say after a cancel does not reach the client either", () =>
        Effect.gen(function*() {
          const { begin, lives, saw, wire } = yield* setup()
          yield* begin(1, "nests", {}, { "io.modelcontextprotocol/logLevel": "debug" })
          yield* saw("logsAtTheEnd started")
          wire.cancel(1)
          yield* saw("nests Cancelled User")
          yield* saw("logsAtTheEnd Cancelled User")
          yield* lives()
          assert.lengthOf(wire.frames, 1)
        }))

      it.effect("a deadline answers 408 with its outcome, after the finalizers", () =>
        Effect.gen(function*() {
          const { begin, lives, probe, wire } = yield* setup()
          yield* begin(1, "slowToEnd", { ms: 500 })
          yield* TestClock.adjust("29999 millis")
          assert.deepStrictEqual(probe.events, ["slowToEnd started"])
          yield* TestClock.adjust("1 millis")
          yield* wires.turns()
          assert.isEmpty(wires.answersTo(wire, 1))
          yield* TestClock.adjust("500 millis")
          const answer = yield* wires.answer(wire, 1)
          assert.strictEqual(answer.error?.code, 408)
          assert.deepStrictEqual(outcomeOf(answer), { _tag: "Cancelled", reason: "Deadline" })
          assert.deepStrictEqual(probe.events, ["slowToEnd started", "slow end", "slowToEnd Cancelled Deadline"])
          yield* lives()
          assert.lengthOf(wires.answersTo(wire, 1), 1)
        }))

      it.effect("cancels that come late, twice, or for nobody are passed over", () =>
        Effect.gen(function*() {
          const { begin, lives, probe, saw, wire } = yield* setup()
          wire.send(wires.call(era, 1, "echo", { text: "done" }))
          yield* wires.answer(wire, 1)
          wire.cancel(1)
          wire.cancel(99)
          wire.cancel("1")
          yield* begin(2, "never")
          wire.cancel("2")
          if (name !== "http" || era === "Stateful") {
            wire.send(wires.notification("notifications/cancelled", { requestId: null }))
            wire.send(wires.notification("notifications/cancelled", { requestId: 2.5 }))
            wire.send(wires.notification("notifications/cancelled", { requestId: 2, reason: 7 }))
          }
          yield* wires.turns()
          assert.deepStrictEqual(probe.events, ["never started"])
          wire.cancel(2)
          wire.cancel(2)
          yield* saw("never Cancelled User")
          wire.cancel(2)
          yield* lives()
          assert.deepStrictEqual(wire.frames.map(({ id }) => id), [1, "after"])
        }))

      for (const cancelFirst of [true, false]) {
        it.effect(`a cancel just ${cancelFirst ? "before" : "after"} the answer leaves one answer at most`, () =>
          Effect.gen(function*() {
            const { begin, lives, probe, wire } = yield* setup()
            yield* begin(1, "wait")
            if (cancelFirst) wire.cancel(1)
            yield* Deferred.succeed(probe.gate, undefined)
            if (!cancelFirst) wire.cancel(1)
            yield* wires.until(() => probe.events.length === 2)
            yield* lives()
            yield* TestClock.adjust("1 hour")
            const answers = wires.answersTo(wire, 1)
            assert.isAtMost(answers.length, 1)
            for (const { result } of answers) assert.strictEqual(result.content[0].text, "waited")
            if (answers.length === 1) assert.strictEqual(probe.events[1], "wait Ok")
          }))
      }

      it.effect("a cancel in the same breath as its request leaves nothing running", () =>
        Effect.gen(function*() {
          const { lives, probe, wire } = yield* setup()
          wire.send(wires.call(era, 1, "never"))
          wire.cancel(1)
          yield* wires.until(() => probe.events.length === 2 || probe.events.length === 0)
          yield* lives()
          yield* wires.turns()
          assert.include([0, 2], probe.events.length)
          assert.isEmpty(wires.answersTo(wire, 1))
        }))

      it.effect("a finalizer that hangs is cut after its time and reported, and the id is free again", () =>
        Effect.gen(function*() {
          const { begin, lives, logs, probe, wire } = yield* setup()
          yield* begin(1, "stubborn")
          wire.cancel(1)
          yield* wires.turns()
          if (name !== "http" || era === "Stateful") {
            wire.send(wires.call(era, 1, "echo", { text: "too early" }))
            yield* wires.until(() => wire.frames.length === 1)
            assert.strictEqual(wire.frames[0]!.error?.code, -32600)
          }
          yield* TestClock.adjust("4999 millis")
          assert.isEmpty(logs)
          yield* TestClock.adjust("1 millis")
          yield* wires.until(() => logs.length === 1)
          assert.match(logs[0]!, /^Warn .*tools\/call.*5000 ms.*User/u)
          wire.send(wires.call(era, 1, "echo", { text: "free" }))
          yield* wires.until(() => wire.frames.at(-1)?.result?.content[0].text === "free")
          yield* Deferred.succeed(probe.end, undefined)
          yield* wires.until(() => probe.events.length === 2)
          yield* lives()
        }))

      it.effect("a finalizer that hangs after a deadline is answered when it is cut, and once", () =>
        Effect.gen(function*() {
          const { begin, lives, logs, probe, wire } = yield* setup()
          yield* begin(1, "stubborn")
          yield* TestClock.adjust("32999 millis")
          yield* wires.turns()
          assert.isEmpty(wire.frames)
          yield* TestClock.adjust("1 millis")
          const answer = yield* wires.answer(wire, 1)
          assert.strictEqual(answer.error?.code, 408)
          assert.lengthOf(logs, 1)
          yield* Deferred.succeed(probe.end, undefined)
          yield* wires.until(() => probe.events.length === 2)
          yield* lives()
          assert.lengthOf(wires.answersTo(wire, 1), 1)
        }))

      it.effect("a cancel while a deadline's finalizers run still means no answer", () =>
        Effect.gen(function*() {
          const { begin, lives, saw, wire } = yield* setup()
          yield* begin(1, "slowToEnd", { ms: 500 })
          yield* TestClock.adjust("30 seconds")
          yield* wires.turns()
          wire.cancel(1)
          yield* wires.turns()
          yield* TestClock.adjust("500 millis")
          yield* saw("slowToEnd Cancelled Deadline")
          yield* lives()
          assert.isEmpty(wires.answersTo(wire, 1))
        }))

      it.effect("work that may not be interrupted ends after a cancel without an answer", () =>
        Effect.gen(function*() {
          const { begin, lives, probe, wire } = yield* setup()
          yield* begin(1, "masked")
          wire.cancel(1)
          yield* wires.turns()
          assert.lengthOf(probe.events, 1)
          yield* Deferred.succeed(probe.gate, undefined)
          yield* wires.until(() => probe.events.length === 2)
          yield* lives()
          assert.isEmpty(wires.answersTo(wire, 1))
        }))

      it.effect("a finalizer that dies after a cancel is logged, not answered", () =>
        Effect.gen(function*() {
          const { begin, lives, logs, saw, wire } = yield* setup()
          yield* begin(1, "diesOnCancel")
          wire.cancel(1)
          yield* saw("diesOnCancel Panicked")
          yield* lives()
          assert.isEmpty(wires.answersTo(wire, 1))
          assert.isTrue(logs.some((line) => line.startsWith("Error tools/call hit a defect")))
        }))

      const reasons: ReadonlyArray<Outcome.CancelReason> = [
        "User",
        "Timeout",
        "Deadline",
        "PollQuota",
        "CostBudget",
        "FailFast",
        "RaceLost",
        "ParentCancelled",
        "ResourceUnavailable",
        "Shutdown"
      ]
      it.effect("a handler that cancels itself is answered with its reason", () =>
        Effect.gen(function*() {
          const { lives, wire } = yield* setup()
          for (const reason of reasons) {
            wire.send(wires.call(era, reason, "stop", { reason }))
            const answer = yield* wires.answer(wire, reason)
            assert.strictEqual(answer.error?.code, reason === "Timeout" || reason === "Deadline" ? 408 : 499)
            assert.deepStrictEqual(outcomeOf(answer), { _tag: "Cancelled", reason })
          }
          yield* lives()
        }))

      it.effect("a defect is answered without its text, logged with it, and touches nobody else", () =>
        Effect.gen(function*() {
          const { begin, lives, logs, probe, wire } = yield* setup()
          yield* begin("bystander", "wait")
          for (const how of tools.howToExplode) {
            wire.send(wires.call(era, how, "explode", { how }))
            const { error } = yield* wires.answer(wire, how)
            assert.strictEqual(error?.code, -32603, how)
            const { correlationId, ...data } = error!.data
            assert.match(correlationId, /^[\da-f]+$/u)
            assert.strictEqual(error?.message, `Internal error; the server's log has it under ${correlationId}`)
            assert.deepStrictEqual(data, { "fastmcp-effect/outcome": { _tag: "Panicked" } })
          }
          assert.lengthOf(logs.filter((line) => line.startsWith("Error")), tools.howToExplode.length)
          yield* Deferred.succeed(probe.gate, undefined)
          assert.strictEqual((yield* wires.answer(wire, "bystander")).result.content[0].text, "waited")
          yield* lives()
        }))

      it.effect("a declared failure is a tool error with its value", () =>
        Effect.gen(function*() {
          const { lives, wire } = yield* setup()
          wire.send(wires.call(era, 1, "fail"))
          const { result } = yield* wires.answer(wire, 1)
          assert.isTrue(result.isError)
          assert.deepStrictEqual(result._meta["fastmcp-effect/outcome"], { _tag: "Err", error: { why: "declared" } })
          yield* lives()
        }))

      if (name !== "memory") {
        it.effect("a shutdown lets requests finish, then cancels them with Shutdown and answers them", () =>
          Effect.gen(function*() {
            const { begin, probe, saw, wire } = yield* setup({}, { grace: "5 seconds" })
            yield* begin(1, "never")
            yield* begin(2, "wait")
            const stopped = yield* Effect.forkChild(wire.stop)
            yield* wires.turns()
            yield* Deferred.succeed(probe.gate, undefined)
            assert.strictEqual((yield* wires.answer(wire, 2)).result.content[0].text, "waited")
            yield* TestClock.adjust("4999 millis")
            assert.isUndefined(stopped.pollUnsafe())
            assert.notInclude(probe.events, "never Cancelled Shutdown")
            yield* TestClock.adjust("1 millis")
            yield* saw("never Cancelled Shutdown")
            const answer = yield* wires.answer(wire, 1)
            assert.strictEqual(answer.error?.code, 499)
            assert.deepStrictEqual(outcomeOf(answer), { _tag: "Cancelled", reason: "Shutdown" })
            yield* wires.until(() => stopped.pollUnsafe() !== undefined)
          }))

        it.effect("a finalizer that hangs holds a shutdown up for its second and no longer", () =>
          Effect.gen(function*() {
            const { begin, logs, probe, wire } = yield* setup({}, { grace: "5 seconds" })
            yield* begin(1, "stubborn")
            const stopped = yield* Effect.forkChild(wire.stop)
            yield* wires.turns()
            yield* TestClock.adjust("5 seconds")
            yield* wires.turns()
            assert.isUndefined(stopped.pollUnsafe())
            yield* TestClock.adjust("1 seconds")
            yield* wires.until(() => stopped.pollUnsafe() !== undefined)
            assert.strictEqual((yield* wires.answer(wire, 1)).error?.code, 499)
            assert.lengthOf(logs, 1)
            yield* Deferred.succeed(probe.end, undefined)
            yield* wires.until(() => probe.events.length === 2)
          }))

        it.effect("a shutdown with nothing in flight does not wait", () =>
          Effect.gen(function*() {
            const { wire } = yield* setup({}, { grace: "5 seconds" })
            const stopped = yield* Effect.forkChild(wire.stop)
            yield* wires.until(() => stopped.pollUnsafe() !== undefined)
          }))
      }

      it.effect("a client that goes away leaves nothing running", () =>
        Effect.gen(function*() {
          const { begin, probe, saw, wire } = yield* setup({}, { grace: "5 seconds" })
          yield* begin(1, "slowToEnd", { ms: 100 })
          const gone = yield* Effect.forkChild(wire.hangUp)
          yield* wires.turns()
          // What was asked over a pipe may have an effect that is wanted even so: it gets the grace period.
          if (name === "stdio") yield* TestClock.adjust("5 seconds")
          yield* wires.turns()
          yield* TestClock.adjust("100 millis")
          yield* saw(`slowToEnd Cancelled ${name === "stdio" ? "Shutdown" : "User"}`)
          yield* wires.until(() => gone.pollUnsafe() !== undefined)
          assert.include(probe.events, "slow end")
        }))
    })
  }
}

describe("cancellation over http, in detail", () => {
  it.effect("a stateful request outlives its connection, since only a notification cancels it", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const context = yield* wires.build(tools.server(probe))
      const http = yield* Effect.provideContext(wires.http(), context)
      const initialize = http.send(wires.request("Stateful", 0, "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "x", version: "1" }
      }))
      const session = { "mcp-session-id": initialize.headers["mcp-session-id"] }
      const post = http.send(wires.call("Stateful", 1, "wait"), session)
      post.disconnect()
      yield* wires.turns()
      assert.deepStrictEqual(probe.events, ["wait started"])
      yield* Deferred.succeed(probe.gate, undefined)
      yield* wires.until(() => probe.events.includes("wait Ok"))
      assert.strictEqual(post.status, 0)
    }))

  it.effect("finalizers of a request whose client is gone have run before the transport is closed", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const context = yield* wires.build(tools.server(probe))
      const server = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const http = yield* Effect.provideContext(wires.http(), context)
        const post = http.send(wires.call("Stateless", 1, "slowToEnd", { ms: 100 }))
        yield* wires.until(() => probe.events.length === 1)
        post.disconnect()
      })))
      yield* wires.turns()
      assert.isUndefined(server.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      yield* wires.until(() => server.pollUnsafe() !== undefined)
      assert.deepStrictEqual(probe.events, ["slowToEnd started", "slow end", "slowToEnd Cancelled User"])
    }))

  it.effect("a cancelled request of a session ends its response without a message", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const context = yield* wires.build(tools.server(probe))
      const http = yield* Effect.provideContext(wires.http(), context)
      const initialize = http.send(wires.request("Stateful", 0, "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "x", version: "1" }
      }))
      const session = { "mcp-session-id": initialize.headers["mcp-session-id"] }
      const post = http.send(wires.call("Stateful", 1, "never"), session)
      assert.strictEqual(
        http.send(wires.notification("notifications/cancelled", { requestId: 1 }), session).status,
        202
      )
      yield* wires.until(() => post.isOver)
      assert.notInclude(post.body, "data:")
      yield* wires.until(() => probe.events.includes("never Cancelled User"))
    }))

  it.effect("one session cannot cancel the requests of another", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const context = yield* wires.build(tools.server(probe))
      const http = yield* Effect.provideContext(wires.http(), context)
      const open = () => ({
        "mcp-session-id": http.send(wires.request("Stateful", 0, "initialize", {
          protocolVersion: "2025-11-25",
          capabilities: {},
          clientInfo: { name: "x", version: "1" }
        })).headers["mcp-session-id"]
      })
      const [mine, theirs] = [open(), open()]
      const post = http.send(wires.call("Stateful", 1, "never"), theirs)
      http.send(wires.notification("notifications/cancelled", { requestId: 1 }), mine)
      http.send(wires.notification("notifications/cancelled", { requestId: 1 }))
      yield* wires.turns()
      assert.isFalse(post.isOver)
      http.send(wires.notification("notifications/cancelled", { requestId: 1 }), theirs)
      yield* wires.until(() => post.isOver)
    }))
})
