import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as Timing from "fastmcp-effect/middleware/Timing"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Metrics from "fastmcp-effect/telemetry/Metrics"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { logging, serve, tool } from "./serving.ts"

const after = (millis: number, client: McpTest.Client, name: string) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(Effect.exit(client.callTool(name)))
    yield* McpTest.settle
    yield* TestClock.adjust(millis)
    yield* McpTest.settle
    assert.isDefined(fiber.pollUnsafe())
  })

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("each tool has its times, by how its calls ended", () =>
      Effect.gen(function*() {
        const names = { fine: `fine-${revision}`, fails: `fails-${revision}`, dies: `dies-${revision}` }
        const client = yield* McpTest.client(
          serve(
            [Timing.make()],
            tool(names.fine, Effect.delay(Effect.succeed("fine"), 300)),
            tool(names.fails, Effect.delay(Effect.fail("no"), 2000)),
            tool(names.dies, Effect.die(new Error("a bug")))
          ),
          { revision }
        )
        yield* after(300, client, names.fine)
        yield* after(300, client, names.fine)
        yield* after(2000, client, names.fails)
        yield* after(0, client, names.dies)
        yield* client.listTools
        const read = (name: string, outcome: "Ok" | "Err" | "Panicked") =>
          Effect.map(Metric.value(Metrics.toolDuration(name, outcome)), ({ count, sum }) => [count, sum])
        assert.deepStrictEqual(yield* read(names.fine, "Ok"), [2, 0.6])
        assert.deepStrictEqual(yield* read(names.fails, "Err"), [1, 2])
        assert.deepStrictEqual(yield* read(names.dies, "Panicked"), [1, 0])
        assert.deepStrictEqual(yield* read(names.fine, "Err"), [0, 0])
      }))
  })
}

describe("Timing", () => {
  it.effect("tells of what is slow in the server's log, and to no client", () => {
    const { layer, logged } = logging()
    return Effect.gen(function*() {
      const client = yield* McpTest.client(
        serve(
          [Timing.make({ slow: "1 second" })],
          tool("quick", Effect.delay(Effect.succeed("quick"), 1000)),
          tool("slow", Effect.delay(Effect.succeed("slow"), 1001))
        ),
        { logLevel: "debug" }
      )
      yield* after(1000, client, "quick")
      yield* after(1001, client, "slow")
      const told = logged.filter(({ level }) => level === "Warn")
      assert.deepStrictEqual(told, [
        { level: "Warn", text: "tools/call slow took 1001 ms.", target: "requests", millis: 1001 }
      ])
      assert.deepStrictEqual(yield* client.notifications, [])
    }).pipe(Effect.provide(layer))
  })
})
