import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Circuits from "effect/persistence/CircuitBreaker"
import * as TestClock from "effect/testing/TestClock"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as CircuitBreaker from "fastmcp-effect/middleware/CircuitBreaker"
import * as Timeout from "fastmcp-effect/middleware/Timeout"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { script, serve, tool } from "./serving.ts"

const circuits = Layer.provide(
  Circuits.layer({ tripPolicy: Circuits.consecutive(3), openDuration: "30 seconds" }),
  Circuits.layerStoreMemory()
)

const bug = Effect.die(new Error("a bug"))

const busy = Effect.fail(McpError.make(new McpError.Overloaded({ message: "busy" })))

const isResting = (outcome: Outcome.Outcome<object, McpError.McpError>) =>
  outcome._tag === "Err" && outcome.error.reason._tag === "Overloaded" && /rests/u.test(outcome.error.reason.message)

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("a tool that has failed thrice is left alone until one may try, and that one closes it again", () =>
      Effect.gen(function*() {
        const steps = script(bug, bug, bug, Effect.succeed("fine"))
        const client = yield* McpTest.client(
          serve([CircuitBreaker.make()], tool("t", steps.run), tool("other", Effect.succeed("fine"))).pipe(
            Layer.provide(circuits)
          ),
          { revision }
        )
        for (let call = 0; call < 3; call++) yield* Effect.flip(client.callTool("t"))
        const { reason } = yield* Effect.flip(client.callTool("t"))
        assert.deepInclude(reason, { _tag: "Overloaded", retryAfter: 30_000 } as const)
        const { error } = JSON.parse((yield* client.frames).at(-1)!)
        assert.strictEqual(error.code, 503)
        assert.strictEqual(error.data.retryAfter, 30_000)
        assert.strictEqual(steps.runs, 3)
        yield* client.callTool("other")
        yield* TestClock.adjust("30 seconds")
        yield* client.callTool("t")
        yield* client.callTool("t")
        assert.strictEqual(steps.runs, 5)
      }))
  })
}

describe("CircuitBreaker", () => {
  const ends: ReadonlyArray<readonly [string, Effect.Effect<string, string | McpError.McpError>, boolean]> = [
    ["results", Effect.succeed("fine"), false],
    ["declared failures", Effect.fail("no"), false],
    ["wrong requests", Effect.fail(McpError.invalidRequest("no")), false],
    ["cancellations", Outcome.interruptSelf("CostBudget"), false],
    ["defects", bug, true],
    ["overload", busy, true]
  ]
  for (const [name, end, opens] of ends) {
    it.effect(`${opens ? "opens" : "does not open"} after ${name}`, () =>
      Effect.gen(function*() {
        const server = serve([CircuitBreaker.make()], tool("t", end)).pipe(Layer.provide(circuits))
        const client = yield* McpTest.client(server)
        for (let call = 0; call < 3; call++) yield* Outcome.fromEffect(client.callTool("t"))
        assert.strictEqual(isResting(yield* Outcome.fromEffect(client.callTool("t"))), opens)
      }))
  }

  for (
    const [name, timeouts, millis, reason] of [
      ["its own time", [Timeout.make("1 second")], 1000, "Timeout"],
      ["its request's", [], 30_000, "Deadline"]
    ] as const
  ) {
    it.effect(`opens after what took longer than ${name}`, () =>
      Effect.gen(function*() {
        yield* TestClock.adjust(0)
        const server = serve([CircuitBreaker.make(), ...timeouts], tool("t", Effect.never)).pipe(
          Layer.provide(circuits)
        )
        const client = yield* McpTest.client(server)
        for (let call = 0; call < 3; call++) {
          const fiber = yield* Effect.forkChild(client.callTool("t"))
          yield* McpTest.settle
          yield* TestClock.adjust(millis)
          yield* McpTest.settle
          assert.deepStrictEqual(yield* Outcome.await(fiber), Outcome.cancelled(reason))
        }
        assert.isTrue(isResting(yield* Outcome.fromEffect(client.callTool("t"))))
      }))
  }

  it.effect("judges as the author says, by a key of the author's", () =>
    Effect.gen(function*() {
      const breaker = CircuitBreaker.make({
        per: ({ tool }) => tool?.name.slice(0, 1),
        judge: (outcome) => outcome._tag === "Ok" && "isError" in outcome.value ? "failure" : "success"
      })
      const server = serve(
        [breaker],
        tool("a1", Effect.fail("upstream")),
        tool("a2", Effect.succeed("fine")),
        tool("b1", Effect.succeed("fine"))
      ).pipe(Layer.provide(circuits))
      const client = yield* McpTest.client(server)
      for (let call = 0; call < 3; call++) yield* client.callTool("a1")
      assert.isTrue(isResting(yield* Outcome.fromEffect(client.callTool("a2"))))
      yield* client.callTool("b1")
    }))
})
