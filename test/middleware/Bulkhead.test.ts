import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Bulkhead from "fastmcp-effect/middleware/Bulkhead"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { serve, shared, tool } from "./serving.ts"

/** A tool that counts who is in it, and lets them go when told to. */
const room = (name: string) =>
  Effect.map(Deferred.make<void>(), (door) => {
    const counts = { inside: 0, most: 0, runs: 0 }
    return {
      counts,
      open: Deferred.succeed(door, undefined),
      tool: tool(
        name,
        Effect.suspend(() => {
          counts.runs++
          counts.most = Math.max(counts.most, ++counts.inside)
          return Effect.ensuring(Effect.as(Deferred.await(door), name), Effect.sync(() => counts.inside--))
        })
      )
    }
  })

const calls = (client: McpTest.Client, count: number, name = "t") =>
  Effect.gen(function*() {
    const fibers = yield* Effect.forEach(
      Array.from({ length: count }),
      () => Effect.forkChild(Effect.exit(client.callTool(name)), { startImmediately: true })
    )
    yield* McpTest.settle
    return fibers
  })

/** How many were refused, all of them as overload. */
const refusals = (
  fibers: ReadonlyArray<Fiber.Fiber<Exit.Exit<unknown, { readonly reason: { readonly _tag: string } }>>>
) =>
  Effect.gen(function*() {
    let count = 0
    for (const fiber of fibers) {
      const exit = yield* Fiber.join(fiber)
      if (Exit.isSuccess(exit)) continue
      count++
      assert.strictEqual((yield* Effect.flip(exit)).reason._tag, "Overloaded")
    }
    return count
  })

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("so many run, so many wait, and the others are refused at once", () =>
      Effect.gen(function*() {
        const t = yield* room("t")
        const server = serve([Bulkhead.make({ concurrency: 2, queue: 3 })], t.tool)
        const client = yield* McpTest.client(server, { revision })
        const fibers = yield* calls(client, 8)
        assert.strictEqual(t.counts.inside, 2)
        assert.strictEqual(fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length, 3)
        yield* t.open
        assert.strictEqual(yield* refusals(fibers), 3)
        assert.strictEqual(t.counts.most, 2)
        assert.strictEqual(t.counts.runs, 5)
        assert.strictEqual(JSON.parse((yield* client.frames).find((frame) => /"error"/u.test(frame))!).error.code, 503)
      }))

    it.effect("lists pass by", () =>
      Effect.gen(function*() {
        const t = yield* room("t")
        const client = yield* McpTest.client(serve([Bulkhead.make({ concurrency: 1 })], t.tool), { revision })
        const fibers = yield* calls(client, 1)
        assert.lengthOf(yield* client.listTools, 1)
        yield* t.open
        assert.strictEqual(yield* refusals(fibers), 0)
      }))
  })
}

describe("Bulkhead", () => {
  it.effect("gives places back however they are left, also by those who waited", () =>
    Effect.gen(function*() {
      const t = yield* room("t")
      const server = serve(
        [Bulkhead.make({ concurrency: 1, queue: 1, per: "server" })],
        t.tool,
        tool("dies", Effect.die(new Error("a bug"))),
        tool("fails", Effect.fail("no"))
      )
      const client = yield* McpTest.client(server)
      yield* Effect.exit(client.callTool("dies"))
      yield* client.callTool("fails")
      const [first, waiting] = yield* calls(client, 2)
      assert.strictEqual(yield* refusals(yield* calls(client, 1)), 1)
      yield* Fiber.interrupt(waiting!)
      yield* McpTest.settle
      const [next] = yield* calls(client, 1)
      assert.isUndefined(next!.pollUnsafe())
      yield* Fiber.interrupt(first!)
      yield* McpTest.settle
      assert.strictEqual(t.counts.runs, 2)
      yield* t.open
      assert.strictEqual(yield* refusals([next!]), 0)
      assert.strictEqual(yield* refusals(yield* calls(client, 1)), 0)
    }))

  it.effect("has places for each identity", () =>
    Effect.gen(function*() {
      const t = yield* room("t")
      const server = yield* shared(serve([Bulkhead.make({ concurrency: 1 })], t.tool))
      const ada = yield* McpTest.client(server, { identity: Identity.make({ subject: "ada" }) })
      const bob = yield* McpTest.client(server, { identity: Identity.make({ subject: "bob" }) })
      const fibers = [...yield* calls(ada, 3), ...yield* calls(bob, 2)]
      assert.strictEqual(t.counts.inside, 2)
      yield* t.open
      assert.strictEqual(yield* refusals(fibers), 3)
    }))

  it.effect("asks for no second place for what a handler calls, but for another tool's", () =>
    Effect.gen(function*() {
      const inner = tool("inner", Effect.succeed("inner"))
      const outer = Tool.make("outer", {
        success: Schema.String,
        handler: () => Effect.orDie(Effect.map(Tool.call(inner, {}), (text) => `outer ${text}`))
      })
      const client = yield* McpTest.client(serve([Bulkhead.make({ concurrency: 1 })], inner, outer))
      assert.strictEqual(yield* client.call(outer, {}), "outer inner")

      const t = yield* room("t")
      const through = Tool.make("through", {
        success: Schema.String,
        handler: () => Effect.orDie(Tool.call(t.tool, {}))
      })
      const perTool = yield* McpTest.client(serve([Bulkhead.make({ concurrency: 1, per: "tool" })], t.tool, through))
      const fibers = yield* calls(perTool, 1)
      const nested = yield* Effect.exit(perTool.callTool("through"))
      assert.isTrue(Exit.isFailure(nested))
      assert.strictEqual(t.counts.runs, 1)
      yield* t.open
      yield* refusals(fibers)
    }))

  it("cannot be for nobody", () => {
    for (const concurrency of [0, -1, 1.5, NaN]) assert.throws(() => Bulkhead.make({ concurrency }))
    for (const queue of [-1, 1.5, NaN]) assert.throws(() => Bulkhead.make({ concurrency: 1, queue }))
  })
})
