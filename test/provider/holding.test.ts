/** Calls to a server of 2025-11-25 that are held open while their clients of 2026-07-28 answer. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { McpServer, Tool } from "fastmcp-effect"
import { Ask, Elicitation, Identity } from "fastmcp-effect/context"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import type * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { assert, describe, it } from "../support/effectVitest.ts"
import * as hops from "./hops.ts"

const crossed = { front: "2026-07-28", behind: "2025-11-25" } as const

/** Counts the calls that are running at the server, and those that were cut off. */
const serve = (settings?: Proxy.Settings) =>
  Effect.gen(function*() {
    const calls = yield* Ref.make({ begun: 0, cut: 0 })
    const count = (key: "begun" | "cut") => Ref.update(calls, (calls) => ({ ...calls, [key]: calls[key] + 1 }))
    const asks = Tool.make("asks", {
      success: Schema.String,
      handler: () =>
        Effect.andThen(
          count("begun"),
          Ask.one("name", Elicitation.form({ name: Schema.String }, { message: "Who?" }))
        ).pipe(
          Effect.tap(({ name }) => name === "slow" ? Effect.never : Effect.void),
          Effect.map(({ name }) => `Hello, ${name}`),
          Effect.onInterrupt(() => count("cut"))
        )
    })
    const server = yield* Layer.build(McpServer.layer({ name: "acme", version: "1.0.0", tools: [asks] }))
    const front = Layer.succeedContext(
      yield* Layer.build(hops.proxied(hops.to(Layer.succeedContext(server)), crossed.behind, settings))
    )
    const connect = (subject?: string) =>
      McpTest.client(front, {
        capabilities: { elicitation: { form: {} } },
        ...(subject === undefined ? undefined : { identity: Identity.make({ subject }) })
      })
    return { calls: Ref.get(calls), client: yield* connect(), connect }
  })

const call = (client: McpTest.Client, more: JsonRpc.JsonObject = {}) =>
  hops.inTime(client.request("tools/call", { name: "asks", arguments: {}, ...more }))

/** The next round of what was asked. */
const answers = ({ inputRequests, requestState }: JsonRpc.JsonObject, name = "Ada"): JsonRpc.JsonObject => ({
  requestState: requestState!,
  inputResponses: Object.fromEntries(
    Object.keys(inputRequests as JsonRpc.JsonObject).map((key) => [key, { action: "accept", content: { name } }])
  )
})

/** A round that has reached the server, and does not end. */
const slowRound = (client: McpTest.Client, asked: JsonRpc.JsonObject) =>
  Effect.gen(function*() {
    const round = yield* Effect.forkChild(
      client.request("tools/call", { name: "asks", arguments: {}, ...answers(asked, "slow") })
    )
    for (let count = 0; count < 10; count++) {
      yield* McpTest.settle
      yield* TestClock.withLive(Effect.sleep("2 millis"))
    }
    return round
  })

const text = (result: JsonRpc.JsonObject) => (result.content as ReadonlyArray<{ text: string }>)[0]!.text

const message = <A, R>(effect: Effect.Effect<A, McpError.McpError, R>) =>
  Effect.map(Effect.flip(effect), ({ message }) => message)

describe("a call that is held", () => {
  it.effect("goes on where it stood, and is found by nobody who has not its state", () =>
    Effect.gen(function*() {
      const { calls, client } = yield* serve()
      const asked = yield* call(client)
      assert.strictEqual(asked.resultType, "input_required")
      assert.strictEqual(text(yield* call(client, answers(asked))), "Hello, Ada")
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 0 })
      // The answer without the state is one to another call.
      const { requestState: _, ...stateless } = answers(asked)
      yield* call(client, stateless)
      assert.deepStrictEqual(yield* calls, { begun: 2, cut: 0 })
      const forged = { ...answers(asked), requestState: `${String(asked.requestState).slice(0, -2)}xx` }
      assert.match(yield* message(call(client, forged)), /requestState cannot be used/)
    }))

  it.effect("answers again who has lost the answer", () =>
    Effect.gen(function*() {
      const { calls, client } = yield* serve()
      const asked = yield* call(client)
      for (let count = 0; count < 2; count++) {
        assert.strictEqual(text(yield* call(client, answers(asked))), "Hello, Ada")
      }
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 0 })
    }))

  it.effect("is its caller's alone", () =>
    Effect.gen(function*() {
      const { connect } = yield* serve()
      const [ada, eve] = [yield* connect("ada"), yield* connect("eve")]
      const asked = yield* call(ada)
      assert.match(yield* message(call(eve, answers(asked))), /requestState cannot be used/)
      assert.strictEqual(text(yield* call(ada, answers(asked))), "Hello, Ada")
    }))

  it.effect("ends when its client does not come back in time, and the server is told", () =>
    Effect.gen(function*() {
      const { calls, client } = yield* serve({ heldTime: "1 minute" })
      const asked = yield* call(client)
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 0 })
      yield* TestClock.adjust("1 second")
      yield* McpTest.settle
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 1 })
      assert.match(yield* message(call(client, answers(asked))), /is not held any more/)
    }))

  it.effect("ends when its client cancels the round it is in", () =>
    Effect.gen(function*() {
      const { calls, client } = yield* serve()
      const asked = yield* call(client)
      const round = yield* slowRound(client, asked)
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 0 })
      yield* Fiber.interrupt(round)
      yield* McpTest.settle
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 1 })
    }))

  it.effect("ends at the deadline of the round it is in", () =>
    Effect.gen(function*() {
      const { calls, client } = yield* serve()
      const asked = yield* call(client)
      yield* TestClock.adjust("4 minutes")
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 0 })
      yield* slowRound(client, asked)
      yield* TestClock.adjust("30 seconds")
      yield* McpTest.settle
      assert.deepStrictEqual(yield* calls, { begun: 1, cut: 1 })
    }))

  it.effect("is one of so many", () =>
    Effect.gen(function*() {
      const { calls, client } = yield* serve({ maxHeld: 2 })
      const asked = [yield* call(client), yield* call(client)]
      assert.match(yield* message(call(client)), /2 calls wait for their clients already/)
      yield* call(client, answers(asked[0]!))
      // The one that is over makes room.
      assert.strictEqual((yield* call(client)).resultType, "input_required")
      assert.deepStrictEqual(yield* calls, { begun: 3, cut: 0 })
    }))

  it.effect("ends with the proxy", () =>
    Effect.gen(function*() {
      const ended = yield* Effect.scoped(Effect.gen(function*() {
        const { calls, client } = yield* serve()
        yield* call(client)
        return calls
      }))
      assert.deepStrictEqual(yield* ended, { begun: 1, cut: 1 })
    }))
})
