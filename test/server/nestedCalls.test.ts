/**
 * A tool that calls another tool of its server: one request, one budget, one trace, and each tool with its own services.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as McpRequest from "fastmcp-effect/context/McpRequest"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { recording } from "../support/spans.ts"

const info = { name: "nested", version: "1.0.0" }

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

describe("a nested call", () => {
  it.effect("gives the success and the declared failure of the tool it calls, typed", () =>
    Effect.gen(function*() {
      const half = Tool.make("half", {
        parameters: { of: Schema.Finite, at: Schema.Date },
        success: Schema.Struct({ half: Schema.Finite, at: Schema.Date }),
        failure: Schema.Literal("odd")
      })
      const Half = Tool.handle(half, ({ at, of }) =>
        of % 2 === 0 ? Effect.succeed({ half: of / 2, at }) : Effect.fail("odd" as const))
      const at = new Date(0)
      const quarter = Tool.make("quarter", {
        parameters: { of: Schema.Finite },
        success: Schema.Finite,
        failure: Schema.Literal("odd"),
        handler: ({ of }) =>
          Effect.gen(function*() {
            const once = yield* Tool.call(half, { of, at })
            assert.deepStrictEqual(once.at, at)
            return (yield* Tool.call(half, { of: once.half, at })).half
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [Half, quarter] }))
      assert.strictEqual(yield* client.call(quarter, { of: 8 }), 2)
      assert.strictEqual(yield* Effect.flip(client.call(quarter, { of: 6 })), "odd")
    }))

  it.effect("gets what is left of the budget, and what it uses is used up for its caller", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const look = Effect.tap(
        Budget.remaining,
        ({ cost, polls, timeLeft }) =>
          Effect.sync(() => seen.push({ cost, polls, seconds: Duration.toSeconds(timeLeft) }))
      )
      const inner = Tool.make("inner", {
        handler: () =>
          Effect.gen(function*() {
            yield* look
            yield* Budget.spend(5)
            yield* Budget.checkpoint
          })
      })
      const outer = Tool.make("outer", {
        handler: () =>
          Effect.gen(function*() {
            yield* Budget.spend(3)
            yield* Effect.sleep("10 seconds")
            yield* Tool.call(inner, {})
            yield* look
          })
      })
      const budget = Budget.make({ costQuota: 10, pollQuota: 4 })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [inner, outer], budget }))
      const call = yield* Effect.forkChild(client.call(outer, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(call)
      assert.deepStrictEqual(seen, [{ cost: 7, polls: 4, seconds: 20 }, { cost: 2, polls: 3, seconds: 20 }])
    }))

  it.effect("that uses up the request's budget ends its caller too", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const note = (name: string) => Effect.onInterrupt(() => Effect.sync(() => ended.push(name)))
      const inner = Tool.make("inner", {
        handler: () => Effect.andThen(Budget.spend(11), Effect.never).pipe(note("inner"))
      })
      const outer = Tool.make("outer", {
        handler: () => Tool.call(inner, {}).pipe(Effect.exit, Effect.andThen(Effect.never), note("outer"))
      })
      const client = yield* McpTest.client(
        McpServer.layer({ ...info, tools: [inner, outer], budget: Budget.make({ costQuota: 10 }) })
      )
      assert.deepStrictEqual(yield* Outcome.fromEffect(client.call(outer, {})), Outcome.cancelled("CostBudget"))
      assert.deepStrictEqual(ended, ["inner", "outer"])
    }))

  it.effect("has its own time limit, and its caller may go on after it", () =>
    Effect.gen(function*() {
      yield* quietClock
      const inner = Tool.make("inner", { timeout: "5 seconds", handler: () => Effect.never })
      const outer = Tool.make("outer", {
        success: Schema.String,
        handler: () => Effect.map(Outcome.fromEffect(Tool.call(inner, {})), (outcome) => JSON.stringify(outcome))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [inner, outer] }))
      const call = yield* Effect.forkChild(client.call(outer, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(JSON.parse(yield* Fiber.join(call)), Outcome.cancelled("Timeout"))
    }))

  it.effect("is 10 deep at most, and one more is refused", () =>
    Effect.gen(function*() {
      const count = Tool.make("count", { parameters: { n: Schema.Int }, success: Schema.Int })
      const Count = Tool.handle(count, ({ n }) =>
        n === 0 ? Effect.succeed(0) : Effect.map(Tool.call(count, { n: n - 1 }), (m) => m + 1))
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [Count] }))
      assert.strictEqual(yield* client.call(count, { n: 10 }), 10)
      const refused = yield* Effect.flip(client.call(count, { n: 11 }))
      assert.instanceOf(refused, McpError.McpError)
      assert.strictEqual(refused.reason._tag, "InvalidRequest")
      assert.include(refused.message, "10")
    }))

  it.effect("to a tool nobody has, or that needs what the client lacks, is refused", () =>
    Effect.gen(function*() {
      const needy = Tool.make("needy", { requires: { sampling: {} }, handler: () => Effect.void })
      const absent = Tool.make("absent")
      const outer = Tool.make("outer", {
        success: Schema.Array(Schema.String),
        handler: () =>
          Effect.forEach([needy, absent], (tool) =>
            Effect.map(Effect.flip(Tool.call(tool, {})), (error) => error.reason._tag)).pipe(
              Effect.orDie
            )
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [needy, outer] }))
      assert.deepStrictEqual(yield* client.call(outer, {}), ["MissingCapability", "ToolNotFound"])
    }))

  it.effect("whose answer does not fit the contract it was called by is a defect", () =>
    Effect.gen(function*() {
      const inner = Tool.make("inner", { success: Schema.String, handler: () => Effect.succeed("text") })
      const believed = Tool.make("inner", { success: Schema.Struct({ a: Schema.Finite }) })
      const outer = Tool.make("outer", { handler: () => Effect.asVoid(Tool.call(believed, {})) })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [inner, outer] }))
      const error = yield* Effect.flip(client.callTool("outer"))
      assert.strictEqual(error.reason._tag, "InternalError")
    }))

  it.effect("passes the same middleware, as a call of its own", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const inner = Tool.make("inner", { handler: () => Effect.void })
      const outer = Tool.make("outer", { handler: () => Tool.call(inner, {}) })
      const watch = Middleware.make(({ method, tool }, next) =>
        Effect.andThen(Effect.sync(() => seen.push(`${method} ${tool?.name}`)), next)
      )
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [inner, outer], middleware: [watch] }))
      yield* client.call(outer, {})
      assert.deepStrictEqual(seen, ["tools/call outer", "tools/call inner"])
    }))

  it.effect("runs with the services of the called tool's own layer", () =>
    Effect.gen(function*() {
      class Place extends Context.Service<Place, string>()("test/nestedCalls/Place") {}
      const place = Tool.make("place", { success: Schema.String })
      const Place1 = Tool.handle(place, () => Place)
      const both = Tool.make("both", {
        success: Schema.Array(Schema.String),
        handler: () =>
          Effect.gen(function*() {
            const before = yield* Place
            const there = yield* Tool.call(place, {})
            return [before, there, yield* Place]
          })
      })
      const server = Layer.mergeAll(
        McpServer.register(Place1).pipe(Layer.provide(Layer.succeed(Place, "theirs"))),
        McpServer.register(both).pipe(Layer.provide(Layer.succeed(Place, "mine")))
      ).pipe(Layer.provideMerge(McpServer.layer(info)))
      const client = yield* McpTest.client(server)
      assert.deepStrictEqual(yield* client.call(both, {}), ["mine", "theirs", "mine"])
      assert.strictEqual(yield* client.call(place, {}), "theirs")
    }))

  it.effect("sees the caller's request, and a tool added inside a request does not keep that request", () =>
    Effect.gen(function*() {
      class Who extends McpRequest.Service<Who, string>()("test/nestedCalls/Who") {}
      const ids: Array<unknown> = []
      const whoami = Tool.make("whoami", {
        success: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            ids.push((yield* RequestContext.RequestContext).id)
            ids.push((yield* Budget.remaining).cost)
            return yield* Who
          })
      })
      const learn = Tool.make("learn", {
        handler: () =>
          Effect.gen(function*() {
            yield* Budget.spend(4)
            const server = yield* McpServer.McpServer
            yield* server.add(whoami as never).pipe(Scope.provide(server.scope), Effect.orDie)
          })
      })
      const ask = Tool.make("ask", { success: Schema.String, handler: () => Tool.call(whoami, {}) })
      const identify = Middleware.provide(Who, ({ context }) => Effect.succeed(String(context.meta["example.com/who"])))
      const server = McpServer.register(learn, ask).pipe(
        Layer.provideMerge(McpServer.layer({
          ...info,
          middleware: [identify],
          budget: Budget.make({ costQuota: 10 })
        }))
      )
      const client = yield* McpTest.client(server)
      const as = (who: string) => ({ meta: { "example.com/who": who } })
      yield* client.call(learn, {}, as("Ann"))
      assert.strictEqual(yield* client.call(ask, {}, as("Bob")), "Bob")
      assert.strictEqual(yield* client.call(whoami, {}, as("Cid")), "Cid")
      assert.deepStrictEqual(ids, [2, 10, 3, 10])
    }))

  it.effect("ends when its caller's request is cancelled, before its caller does", () =>
    Effect.gen(function*() {
      yield* quietClock
      const ended: Array<string> = []
      const slowly = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.onExit(effect, (exit) =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => ended.push(`${name} ${JSON.stringify(Outcome.fromExit(exit))}`))
          ))
      const inner = Tool.make("inner", { handler: () => slowly("inner")(Effect.never) })
      const outer = Tool.make("outer", { handler: () => slowly("outer")(Tool.call(inner, {})) })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [inner, outer] }))
      const call = yield* Effect.forkChild(client.call(outer, {}))
      yield* McpTest.settle
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      yield* TestClock.adjust("2 seconds")
      const cancelled = JSON.stringify(Outcome.cancelled("User"))
      assert.deepStrictEqual(ended, [`inner ${cancelled}`, `outer ${cancelled}`])
    }))

  it.effect("reports no progress under its caller's token", () =>
    Effect.gen(function*() {
      const inner = Tool.make("inner", { handler: () => Progress.report(7) })
      const outer = Tool.make("outer", {
        handler: () => Effect.andThen(Progress.report(1), Tool.call(inner, {}))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [inner, outer] }))
      yield* client.call(outer, {}, { progressToken: "p" })
      const sent = yield* client.notifications
      assert.deepStrictEqual(sent.map(({ params }) => params?.progress), [1])
    }))

  it.effect("is a child of its caller's span", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recording()
      const inner = Tool.make("inner", { handler: () => Effect.withSpan(Effect.void, "work") })
      const outer = Tool.make("outer", { handler: () => Tool.call(inner, {}) })
      const server = McpServer.layer({ ...info, tools: [inner, outer] }).pipe(
        Layer.provide(Layer.succeed(Tracer.Tracer, tracer))
      )
      const client = yield* McpTest.client(server)
      yield* client.call(outer, {})
      const named = (name: string) => spans.find((span) => span.name === name)!
      const parent = (name: string) => Option.getOrUndefined(named(name).parent)?.spanId
      assert.strictEqual(parent("tools/call inner"), named("tools/call outer").spanId)
      assert.strictEqual(parent("work"), named("tools/call inner").spanId)
      assert.strictEqual(named("tools/call inner").attributes.get("gen_ai.tool.name"), "inner")
      assert.isTrue(spans.every((span) => span.status._tag === "Ended"))
    }))
})
