/** What crosses several proxies, one behind the other. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { Budget, McpServer, Outcome, RequestContext, Tool } from "fastmcp-effect"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { assert, describe, it } from "../support/effectVitest.ts"
import { recording } from "../support/spans.ts"
import * as hops from "./hops.ts"

const count = 3

/** The allowance in the last call on each wire. */
const allowances = (wires: ReadonlyArray<ReadonlyArray<string>>) =>
  wires.map((frames) => {
    const call = frames.map((frame) => JSON.parse(frame)).findLast(({ method }) => method === "tools/call")
    return Meta.allowance(call.params._meta)
  })

for (const revision of hops.eras) {
  describe(`through ${count} proxies of ${revision}`, () => {
    const slow = Effect.gen(function*() {
      const began = yield* Deferred.make<void>()
      const finalized = yield* Ref.make(0)
      const tool = Tool.make("slow", {
        handler: () =>
          Deferred.succeed(began, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.ensuring(Effect.andThen(Effect.sleep("1 second"), Ref.update(finalized, (n) => n + 1)))
          )
      })
      const { server, wires } = hops.chain(
        McpServer.layer({ name: "innermost", version: "1.0.0", tools: [tool], requestTimeout: "1 hour" }),
        revision,
        count
      )
      const client = yield* McpTest.client(server, { revision })
      return { began, client, finalized, wires }
    })

    it.effect("a cancel reaches the innermost handler's finalizer", () =>
      Effect.gen(function*() {
        const { began, client, finalized } = yield* slow
        const call = yield* Effect.forkChild(client.callTool("slow"))
        yield* Deferred.await(began)
        yield* Fiber.interrupt(call)
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Ref.get(finalized), 1)
        assert.deepStrictEqual((yield* client.frames).filter((frame) => frame.includes("\"id\":2")), [])
      }))

    it.effect("the deadline on the wire is less on each", () =>
      Effect.gen(function*() {
        const { began, client, finalized, wires } = yield* slow
        const call = yield* Effect.forkChild(Effect.exit(client.callTool("slow")))
        yield* Deferred.await(began)
        const times = allowances(wires).map((allowance) => allowance!.timeLeft!)
        assert.lengthOf(times, count)
        // The outermost proxy's own limit.
        for (const [hop, time] of times.entries()) assert.isBelow(time, hop === 0 ? 30_000 : times[hop - 1]!)
        // It is the innermost server whose time is up first, and everybody hears of it.
        yield* TestClock.adjust(times.at(-1)!)
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Ref.get(finalized), 1)
        assert.deepStrictEqual(Outcome.fromExit(yield* Fiber.join(call)), Outcome.cancelled("Deadline"))
      }))

    it.effect("a deadline that the caller brings holds, and no later one does", () =>
      Effect.gen(function*() {
        const { began, client, finalized, wires } = yield* slow
        const given = (timeLeft: number) => ({ meta: { [Meta.budget]: { timeLeft } } })
        const call = yield* Effect.forkChild(Effect.exit(client.callTool("slow", {}, given(5_000))))
        yield* Deferred.await(began)
        const times = allowances(wires).map((allowance) => allowance!.timeLeft!)
        for (const [hop, time] of times.entries()) assert.isBelow(time, hop === 0 ? 5_000 : times[hop - 1]!)
        yield* TestClock.adjust("5 seconds")
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(call)
        assert.strictEqual(yield* Ref.get(finalized), 1)
        const other = yield* Effect.forkChild(client.callTool("slow", {}, given(1e9)))
        yield* McpTest.settle
        assert.isBelow(allowances(wires)[0]!.timeLeft!, 30_000)
        yield* Fiber.interrupt(other)
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
      }))

    it.effect("what may be spent is told, too", () =>
      Effect.gen(function*() {
        const spends = Tool.make("spends", {
          success: McpSchema.JsonObject,
          handler: () =>
            Effect.gen(function*() {
              const { meta } = yield* RequestContext.RequestContext
              const before = (yield* Budget.remaining).cost
              yield* Budget.spend(before + 1)
              return { meta }
            })
        })
        const { server, wires } = hops.chain(
          McpServer.layer({ name: "innermost", version: "1.0.0", tools: [spends] }),
          revision,
          count
        )
        const client = yield* McpTest.client(server, { revision })
        const ended = yield* Effect.exit(client.callTool("spends", {}, { meta: { [Meta.budget]: { cost: 7 } } }))
        assert.deepStrictEqual(allowances(wires).map((allowance) => allowance!.cost), [7, 7, 7])
        assert.deepStrictEqual(Outcome.fromExit(ended), Outcome.cancelled("CostBudget"))
      }))

    /** Its tool answers with what its request had beside the arguments. */
    const { server: telling } = hops.chain(
      McpServer.layer({
        name: "innermost",
        version: "1.0.0",
        tools: [
          Tool.make("tells", {
            success: McpSchema.JsonObject,
            handler: () => Effect.map(RequestContext.RequestContext, ({ meta }) => meta)
          })
        ]
      }),
      revision,
      count
    )

    it.effect("members of _meta pass, and those of one hop do not", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(telling, { revision })
        const { structuredContent } = yield* client.callTool("tells", {}, {
          progressToken: "outermost",
          meta: { "acme/id": [1], baggage: "a=b", traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` }
        })
        const meta = structuredContent as { readonly [key: string]: unknown }
        assert.deepStrictEqual(meta["acme/id"], [1])
        assert.strictEqual(meta.baggage, "a=b")
        // Nobody would see spans of the hops between.
        assert.strictEqual(meta.traceparent, `00-${"1".repeat(32)}-${"2".repeat(16)}-01`)
        assert.isNumber(meta.progressToken)
        const untraced = yield* Effect.withTracerEnabled(client.callTool("tells"), false)
        assert.notProperty(untraced.structuredContent, "traceparent")
      }))

    it.effect("the trace goes on from span to span, where there is a tracer to show them to", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        const { structuredContent } = yield* Effect.provideService(
          Effect.flatMap(McpTest.client(telling, { revision }), (client) =>
            client.callTool("tells", {}, {
              meta: { traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` }
            })),
          Tracer.Tracer,
          tracer
        )
        const { traceparent } = structuredContent as { readonly traceparent: string }
        // The first is that of whoever asks the outermost.
        const asked = spans.filter(({ kind, name }) => kind === "client" && name.startsWith("tools/call"))
        assert.lengthOf(asked, 1 + count)
        assert.strictEqual(traceparent, `00-${"1".repeat(32)}-${asked.at(-1)!.spanId}-01`)
      }))
  })
}
