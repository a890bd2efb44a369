/** A request that goes through a mount: what it asks, tells, keeps and uses is as it is without. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as SessionState from "fastmcp-effect/context/SessionState"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as Caching from "fastmcp-effect/middleware/Caching"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { recording } from "../support/spans.ts"
import { call, childInfo, parentInfo, prefixed, running, serving, textOf } from "./support.ts"

const eras: ReadonlyArray<Revisions.Version> = ["2025-11-25", "2026-07-28"]

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

const form = Elicitation.form({ name: Schema.String }, { message: "Who?" })

/** Says how often it was asked. */
const counting = () => {
  let asked = 0
  return {
    elicit: (): Effect.Effect<McpSchema.ElicitResult> =>
      Effect.sync(() => ({ action: "accept", content: { name: `answer ${++asked}` } }))
  }
}

const child = <const Tools extends ReadonlyArray<Tool.AnyHandled>>(
  ...tools: Tools
) => McpServer.layer({ ...childInfo, tools })

for (const revision of eras) {
  describe(`through a mount, ${revision}`, () => {
    it.effect("a question reaches the client, under its own key, and its step is done once", () =>
      Effect.gen(function*() {
        const done: Array<string> = []
        const asking = Tool.make("asking", {
          success: Schema.String,
          handler: () =>
            Effect.gen(function*() {
              const step = yield* Ask.once(
                "hold",
                Effect.sync(() => {
                  done.push("held")
                  return "held"
                })
              )
              const { name } = yield* Ask.one("who", form)
              return `${step} for ${name}`
            })
        })
        const parent = serving(Mount.make(child(asking)))
        const client = yield* McpTest.client(parent, { revision, answers: counting() })
        assert.strictEqual(yield* call(client, "asking"), "held for answer 1")
        assert.deepStrictEqual(done, ["held"])
        if (revision !== "2026-07-28") return
        const bare = yield* McpTest.client(parent, { revision, capabilities: { elicitation: {} } })
        const round = yield* bare.request("tools/call", { name: "asking", arguments: {} })
        assert.deepStrictEqual(Object.keys(round.inputRequests as object), ["who"])
      }))

    it.effect("the keys of several servers, and of those around them, do not meet", () =>
      Effect.gen(function*() {
        const done: Array<string> = []
        const step = (who: string, key = "step") =>
          Ask.once(
            key,
            Effect.sync(() => {
              done.push(who)
              return who
            })
          )
        const asking = (who: string) =>
          Tool.make("asking", {
            success: Schema.String,
            handler: () =>
              Effect.gen(function*() {
                const { name } = yield* Ask.one("who", form)
                return `${yield* step(who)}: ${name}`
              })
          })
        const both = Tool.make("both", {
          success: Schema.String,
          handler: () =>
            Effect.gen(function*() {
              const { callTool } = yield* RequestContext.RequestContext
              const first = textOf(yield* callTool({ name: "one_asking" }))
              const second = textOf(yield* callTool({ name: "two_asking" }))
              return `${first}, ${second}, ${yield* step("own", "own step")}`
            }).pipe(Effect.orDie)
        })
        // In rounds what stands in front cannot ask: answers are taken up behind it.
        const isInFront = revision === "2025-11-25"
        const inFront = Middleware.make((request, next) =>
          !isInFront || request.method !== "tools/call" ? next : Effect.gen(function*() {
            const { name } = yield* Ask.one("who", form)
            yield* step(`middleware, ${name}`)
            return yield* next
          }).pipe(Effect.provideService(RequestContext.RequestContext, request.context), Effect.orDie)
        )
        const parent = McpServer.register(
          both,
          prefixed("one_", Mount.make(child(asking("one")))),
          prefixed("two_", Mount.make(child(asking("two"))))
        ).pipe(Layer.provideMerge(McpServer.layer({ ...parentInfo, middleware: [inFront] })))
        const client = yield* McpTest.client(parent, { revision, answers: counting() })
        const direct = yield* call(client, "one_asking")
        assert.strictEqual(direct, isInFront ? "one: answer 2" : "one: answer 1")
        assert.deepStrictEqual(done, isInFront ? ["middleware, answer 1", "one"] : ["one"])
        done.length = 0
        yield* call(client, "both")
        assert.include(done, "one")
        assert.include(done, "two")
        assert.include(done, "own")
        assert.strictEqual(new Set(done).size, done.length)
      }))

    it.effect("progress and logs reach the client, and progress never goes back", () =>
      Effect.gen(function*() {
        const working = Tool.make("working", {
          handler: () =>
            Effect.gen(function*() {
              yield* Progress.report(5)
              yield* Effect.logWarning("half way")
              yield* Progress.report(10)
            })
        })
        const parent = McpServer.register(Mount.make(child(working))).pipe(
          Layer.provideMerge(McpServer.layer({
            ...parentInfo,
            middleware: [
              Middleware.make((request, next) =>
                request.method !== "tools/call" ? next : Effect.andThen(request.context.reportProgress(7), next)
              )
            ]
          }))
        )
        const client = yield* McpTest.client(parent, { revision, logLevel: "info" })
        yield* client.callTool("working", {}, { progressToken: "p" })
        const sent = yield* client.notifications
        assert.deepStrictEqual(
          sent.flatMap(({ method, params }) => method === "notifications/progress" ? [params!.progress] : []),
          [7, 10]
        )
        assert.include(JSON.stringify(sent), "half way")
      }))

    it.effect("the logs of a server that keeps them to itself stay there", () =>
      Effect.gen(function*() {
        const working = Tool.make("working", { handler: () => Effect.logWarning("not for you") })
        const quiet = McpServer.layer({ ...childInfo, tools: [working], clientLogs: false })
        const client = yield* McpTest.client(serving(Mount.make(quiet)), { revision, logLevel: "info" })
        yield* client.callTool("working")
        assert.notInclude(JSON.stringify(yield* client.notifications), "not for you")
      }))

    it.effect("cancelling ends the handler, and its finalizers run", () =>
      Effect.gen(function*() {
        yield* quietClock
        const ended: Array<unknown> = []
        const hanging = Tool.make("hanging", {
          handler: () => Effect.onExit(Effect.never, (exit) => Effect.sync(() => ended.push(Outcome.fromExit(exit))))
        })
        const middle = McpServer.register(Mount.make(child(hanging))).pipe(
          Layer.provideMerge(McpServer.layer({ name: "middle", version: "1.0.0" }))
        )
        const client = yield* McpTest.client(serving(Mount.make(middle)), { revision })
        const fiber = yield* Effect.forkChild(client.callTool("hanging"))
        yield* McpTest.settle
        yield* Fiber.interrupt(fiber)
        yield* McpTest.settle
        assert.deepStrictEqual(ended, [Outcome.cancelled("User")])
      }))
  })
}

describe("a call through a mount", () => {
  it.effect("has a span within that of its request", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recording()
      const traced = Tool.make("traced", { handler: () => Effect.withSpan(Effect.void, "work") })
      const client = yield* McpTest.client(
        serving(prefixed("weather_", Mount.make(child(traced)))).pipe(
          Layer.provide(Layer.succeed(Tracer.Tracer, tracer))
        )
      )
      yield* client.callTool("weather_traced")
      const named = (name: string) => spans.find((span) => span.name === name)!
      const parent = (name: string) => Option.getOrUndefined(named(name).parent)?.spanId
      assert.strictEqual(parent("tools/call traced"), named("tools/call weather_traced").spanId)
      assert.strictEqual(parent("work"), named("tools/call traced").spanId)
      assert.strictEqual(named("tools/call traced").attributes.get("gen_ai.tool.name"), "traced")
      assert.isTrue(spans.every((span) => span.status._tag === "Ended"))
    }))

  it.effect("runs on the fiber of its request, where nothing of the child's is tighter", () =>
    Effect.gen(function*() {
      let outside: number | undefined
      let inside: number | undefined
      const here = Tool.make("here", {
        handler: () =>
          Effect.withFiber((fiber) => {
            inside = fiber.id
            return Effect.void
          })
      })
      const noting = Middleware.make((_request, next) =>
        Effect.withFiber((fiber) => {
          outside = fiber.id
          return next
        })
      )
      const client = yield* McpTest.client(
        McpServer.register(Mount.make(child(here))).pipe(
          Layer.provideMerge(McpServer.layer({ ...parentInfo, middleware: [noting] }))
        )
      )
      yield* client.callTool("here")
      assert.isDefined(inside)
      assert.strictEqual(inside, outside)
    }))

  const limits = [
    { ends: 30 },
    { tool: 5, ends: 5 },
    { server: 7, ends: 7 },
    { server: 7, tool: 5, ends: 5 },
    { server: 50, parent: 11, ends: 11 },
    { server: 50, parent: 55, ends: 50 }
  ]
  for (const { ends, parent, server, tool } of limits) {
    it.effect(`ends after ${ends} seconds, of the ${JSON.stringify({ parent, server, tool })} it has`, () =>
      Effect.gen(function*() {
        yield* quietClock
        let ended: number | undefined
        const seconds = (n: number | undefined) => n === undefined ? undefined : { requestTimeout: n * 1000 }
        const slow = Tool.make("slow", {
          ...(tool === undefined ? undefined : { timeout: tool * 1000 }),
          handler: () =>
            Effect.onExit(Effect.never, () =>
              Effect.map(Clock.currentTimeMillis, (now) => {
                ended = now / 1000
              }))
        })
        const client = yield* McpTest.client(
          McpServer.register(Mount.make(McpServer.layer({ ...childInfo, tools: [slow], ...seconds(server) }))).pipe(
            Layer.provideMerge(McpServer.layer({ ...parentInfo, ...seconds(parent) }))
          )
        )
        const fiber = yield* Effect.forkChild(client.callTool("slow"))
        yield* McpTest.settle
        yield* TestClock.adjust((ends - 1) * 1000)
        assert.isUndefined(ended)
        yield* TestClock.adjust("1 second")
        const reason = tool === ends ? "Timeout" : "Deadline"
        assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled(reason))
        assert.strictEqual(ended, ends)
      }))
  }

  it.effect("spends what its request has, and no more than its server allows", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const look = Effect.map(Budget.remaining, ({ cost }) => seen.push(cost))
      const spending = Tool.make("spending", {
        parameters: { cost: Schema.FiniteFromString },
        handler: ({ cost }) => Effect.andThen(look, Effect.andThen(Budget.spend(cost), look))
      })
      const inner = McpServer.layer({
        ...childInfo,
        tools: [spending],
        budget: Budget.make({ costQuota: 5 })
      })
      const outer = Tool.make("outer", {
        success: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            const { callTool } = yield* RequestContext.RequestContext
            yield* callTool({ name: "spending", arguments: { cost: "4" } })
            yield* callTool({ name: "spending", arguments: { cost: "3" } })
            yield* look
            const exit = yield* Effect.exit(callTool({ name: "spending", arguments: { cost: "9" } }))
            return JSON.stringify(Outcome.fromExit(exit))
          }).pipe(Effect.orDie)
      })
      const client = yield* McpTest.client(
        McpServer.register(outer, Mount.make(inner)).pipe(
          Layer.provideMerge(McpServer.layer({ ...parentInfo, budget: Budget.make({ costQuota: 100 }) }))
        )
      )
      assert.deepStrictEqual(
        JSON.parse((yield* client.call(outer, {})).toString()),
        Outcome.cancelled("CostBudget")
      )
      assert.deepStrictEqual(seen, [5, 1, 5, 2, 93, 5])
    }))

  for (const limited of ["tool", "server", "session"] as const) {
    it.effect(`waits for its turn at the ${limited}, with those that came another way`, () =>
      Effect.gen(function*() {
        yield* quietClock
        let atOnce = 0
        let most = 0
        const slow = Tool.make("slow", {
          ...(limited === "tool" ? { concurrency: 1 } : undefined),
          handler: () =>
            Effect.acquireUseRelease(
              Effect.sync(() => {
                most = Math.max(most, ++atOnce)
              }),
              () => Effect.sleep("1 second"),
              () => Effect.sync(() => atOnce--)
            )
        })
        const inner = yield* running(McpServer.layer({
          ...childInfo,
          tools: [slow],
          ...(limited === "server" ? { concurrency: 1 } : undefined),
          ...(limited === "session" ? { sessionConcurrency: 1 } : undefined)
        }))
        const client = yield* McpTest.client(
          serving(prefixed("a_", Mount.live(inner.server)), prefixed("b_", Mount.live(inner.server)))
        )
        const direct = yield* McpTest.client(inner.layer)
        const calls = [
          yield* Effect.forkChild(client.callTool("a_slow"), { startImmediately: true }),
          yield* Effect.forkChild(client.callTool("b_slow"), { startImmediately: true }),
          // Another session: the child's own limit for one is for each.
          ...(limited === "session" ? [] : [yield* Effect.forkChild(direct.callTool("slow"))])
        ]
        yield* McpTest.settle
        for (let second = 0; second < calls.length; second++) {
          yield* TestClock.adjust("1 second")
          yield* McpTest.settle
        }
        yield* Effect.forEach(calls, (call) => Fiber.join(call))
        assert.strictEqual(most, 1)
      }))
  }

  it.effect("keeps what it keeps by name apart from what other servers keep", () =>
    Effect.gen(function*() {
      const cached = (who: string) =>
        McpServer.layer({
          name: who,
          version: "1.0.0",
          middleware: [Caching.make(), Idempotency.make({ derive: () => "order 7" })],
          tools: [
            Tool.make("who", { cache: "1 minute", success: Schema.String, handler: () => Effect.succeed(who) }),
            Tool.make("order", { success: Schema.String, handler: () => Effect.succeed(`${who} ${++orders}`) }),
            Tool.make("count", {
              annotations: { readOnlyHint: true },
              success: Schema.String,
              handler: () => Effect.orDie(Effect.map(count.update((n) => n + 1), String))
            })
          ]
        })
      let orders = 0
      const count = SessionState.make("count", Schema.Finite, { default: 0 })
      // One store for all of them.
      const parent = serving(prefixed("a_", Mount.make(cached("a"))), prefixed("b_", Mount.make(cached("b")))).pipe(
        Layer.provide([CacheStore.layerMemory(), ReceiptStore.layerMemory()])
      )
      const client = yield* McpTest.client(parent, { revision: "2025-11-25" })
      for (const who of ["a", "b", "a", "b"]) assert.strictEqual(yield* call(client, `${who}_who`), who)
      const ordered = []
      for (const who of ["a", "b", "a", "b"]) ordered.push(yield* call(client, `${who}_order`))
      assert.deepStrictEqual(ordered, ["a 1", "b 2", "a 1", "b 2"])
      const counts = []
      for (const who of ["a", "a", "b"]) counts.push(yield* call(client, `${who}_count`))
      assert.deepStrictEqual(counts, ["1", "2", "1"])
    }))

  it.effect("gives up its turns while its client is asked, and has the outer one again first", () =>
    Effect.gen(function*() {
      yield* quietClock
      const gate = yield* Latch.make(false)
      const asking = Tool.make("asking", {
        success: Schema.String,
        handler: () => Effect.map(Ask.one("who", form), ({ name }) => name)
      })
      const quick = Tool.make("quick", { success: Schema.String, handler: () => Effect.succeed("quick") })
      const inner = McpServer.layer({ ...childInfo, tools: [asking, quick], concurrency: 1 })
      const client = yield* McpTest.client(
        McpServer.register(Mount.make(inner)).pipe(
          Layer.provideMerge(McpServer.layer({ ...parentInfo, concurrency: 1 }))
        ),
        {
          revision: "2025-11-25",
          answers: {
            elicit: () => Effect.as(gate.await, { action: "accept" as const, content: { name: "Ada" } })
          }
        }
      )
      const waiting = yield* Effect.forkChild(call(client, "asking"))
      yield* McpTest.settle
      assert.strictEqual(yield* call(client, "quick"), "quick")
      yield* gate.open
      const others = yield* Effect.forkChild(
        Effect.all([1, 2, 3].map(() => call(client, "quick")), { concurrency: "unbounded" })
      )
      assert.strictEqual(yield* Fiber.join(waiting), "Ada")
      assert.deepStrictEqual(yield* Fiber.join(others), ["quick", "quick", "quick"])
    }))
})
