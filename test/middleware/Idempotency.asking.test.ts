import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TaskSchema from "fastmcp-effect/tasks/TaskSchema"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { keyed, reached, reasonOf, served } from "./idempotent.ts"
import { info, shared } from "./serving.ts"

const row = Elicitation.form({ row: Schema.Int }, { message: "Which row?" })
const meal = Elicitation.form({ row: Schema.Int }, { message: "Which meal?" })

/** Holds, asks twice, and books: what must not happen twice is counted. */
const booking = (before: Effect.Effect<void> = Effect.void, asks = 2) => {
  const done: Array<string> = []
  const step = (name: string) => Ask.once(name, Effect.sync(() => void done.push(name)))
  const tool = Tool.make("book", {
    success: Schema.String,
    handler: () =>
      Effect.gen(function*() {
        yield* before
        yield* step("hold")
        const seat = yield* Ask.one("row", row)
        if (asks > 1) yield* Ask.one("meal", meal)
        yield* step("book")
        return `row ${seat.row}`
      }).pipe(Effect.orDie)
  })
  return { done, tool }
}

const capabilities = { elicitation: { form: {} } }

const accept = (row: number): JsonObject => ({ action: "accept", content: { row } })

const answers: McpTest.Answers = { elicit: () => Effect.succeed({ action: "accept", content: { row: 7 } }) }

/** One request of the call, without its answers. */
const send = (client: McpTest.Client, key: string, round: JsonObject = {}) =>
  client.request("tools/call", { name: "book", arguments: {}, ...round }, keyed(key))

const next = (asked: JsonObject, answer: JsonObject): JsonObject => ({
  requestState: asked.requestState!,
  inputResponses: answer
})

const textOf = (result: JsonObject) => (result.content as ReadonlyArray<JsonObject>)[0]!.text

describe("a call with a key that asks its client", () => {
  for (const revision of ["2025-11-25", "2026-07-28"] as ReadonlyArray<Revisions.Version>) {
    it.effect(`is asked what it asks, and answers the repeat when it has ended, in ${revision}`, () =>
      Effect.gen(function*() {
        const { done, tool } = booking()
        const client = yield* McpTest.client(served([tool]), { revision, answers })
        for (let count = 0; count < 3; count++) assert.strictEqual(textOf(yield* send(client, "a")), "row 7")
        assert.deepStrictEqual(done, ["hold", "book"])
      }))
  }

  it.effect("repeats the question it has come to, with what it has done so far", () =>
    Effect.gen(function*() {
      const { done, tool } = booking()
      const client = yield* McpTest.client(served([tool]), { capabilities })
      const first = yield* send(client, "a")
      assert.deepStrictEqual(Object.keys(first.inputRequests!), ["row"])
      // The answer was lost.
      assert.deepStrictEqual(yield* send(client, "a"), first)
      const second = yield* send(client, "a", next(first, { row: accept(7) }))
      assert.deepStrictEqual(Object.keys(second.inputRequests!), ["meal"])
      // The answer to the round was lost; then the program that called begins from the start.
      assert.deepStrictEqual(yield* send(client, "a", next(first, { row: accept(8) })), second)
      assert.deepStrictEqual(yield* send(client, "a"), second)
      const last = yield* send(client, "a", next(second, { meal: accept(1) }))
      assert.strictEqual(textOf(last), "row 7")
      for (
        const round of [{}, next(first, { row: accept(9) }), next(second, { meal: accept(2) }), next(second, {})]
      ) assert.deepStrictEqual(yield* send(client, "a", round), last)
      assert.deepStrictEqual(done, ["hold", "book"])
    }))

  it.effect("goes on in one run where two come with answers at once", () =>
    Effect.gen(function*() {
      let runs = 0
      const door = yield* Deferred.make<void>()
      const { done, tool } = booking(
        Effect.suspend(() => ++runs === 1 ? Effect.void : Deferred.await(door)),
        1
      )
      const client = yield* McpTest.client(served([tool]), { capabilities })
      const first = yield* send(client, "a")
      const rounds = yield* Effect.forEach([7, 8], (row) =>
        Effect.forkChild(send(client, "a", next(first, { row: accept(row) })), { startImmediately: true }))
      yield* reached(() =>
        runs === 2
      )
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      for (const round of rounds) assert.strictEqual(textOf(yield* Fiber.join(round)), "row 7")
      assert.deepStrictEqual(done, ["hold", "book"])
    }))

  it.effect("asks whoever comes for it, when its caller went before it could be asked", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      let began = 0
      const { done, tool } = booking(Effect.suspend(() => (began++, Deferred.await(door))))
      const client = yield* McpTest.client(served([tool]), { capabilities })
      const lost = yield* Effect.forkChild(send(client, "a"), { startImmediately: true })
      yield* reached(() => began === 1)
      yield* Fiber.interrupt(lost)
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      yield* reached(() => done.length === 1)
      const first = yield* send(client, "a")
      assert.deepStrictEqual(Object.keys(first.inputRequests!), ["row"])
      const second = yield* send(client, "a", next(first, { row: accept(7) }))
      assert.strictEqual(textOf(yield* send(client, "a", next(second, { meal: accept(1) }))), "row 7")
      assert.deepStrictEqual(done, ["hold", "book"])
    }))

  it.effect("asks those who wait with it as well", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      let began = 0
      const { done, tool } = booking(Effect.suspend(() => (began++, Deferred.await(door))))
      const client = yield* McpTest.client(served([tool]), { capabilities })
      const [one, two] = yield* Effect.forEach([1, 2], () =>
        Effect.forkChild(send(client, "a"), { startImmediately: true }))
      yield* reached(() =>
        began === 1
      )
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      assert.deepStrictEqual(yield* Fiber.join(one!), yield* Fiber.join(two!))
      assert.deepStrictEqual(done, ["hold"])
    }))

  it.effect("cannot go on in an era that has no rounds", () =>
    Effect.gen(function*() {
      const { done, tool } = booking()
      const server = yield* shared(served([tool]))
      const client = yield* McpTest.client(server, { capabilities })
      yield* send(client, "a")
      const old = yield* McpTest.client(server, { revision: "2025-11-25", answers })
      assert.strictEqual(yield* reasonOf(send(old, "a")), "IdempotencyConflict")
      assert.deepStrictEqual(done, ["hold"])
    }))

  it.effect("is over with its refusal when its client took too long", () =>
    Effect.gen(function*() {
      const { done, tool } = booking()
      const client = yield* McpTest.client(served([tool]), { capabilities })
      const first = yield* send(client, "a")
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual(yield* reasonOf(send(client, "a", next(first, { row: accept(7) }))), "InvalidParams")
      assert.strictEqual(yield* reasonOf(send(client, "a")), "InvalidParams")
      assert.deepStrictEqual(done, ["hold"])
    }))
})

describe("a call with a key that becomes a task", () => {
  const working = () => {
    let runs = 0
    const tool = Tool.make("work", {
      success: Schema.String,
      task: { support: "optional" },
      handler: () => Effect.sync(() => `run ${++runs}`)
    })
    const server = McpServer.layer({
      ...info,
      tools: [tool],
      middleware: [Idempotency.make({ derive: () => "one" })],
      extensions: [McpTasks.extension({ worker: { drain: 0 } })]
    }).pipe(
      Layer.provide([Layer.fresh(Docket.layerMemory()), Layer.fresh(ReceiptStore.layerMemory())])
    )
    return { runs: () => runs, server }
  }

  it.effect("is the same task for the repeat, and runs once", () =>
    Effect.gen(function*() {
      const { runs, server } = working()
      const client = yield* McpTest.client(server, { capabilities: TaskSchema.required })
      const call = client.request("tools/call", { name: "work", arguments: {} }, keyed("a"))
      const first = yield* call
      assert.strictEqual(first.resultType, "task")
      assert.strictEqual((yield* call).taskId, first.taskId)
      yield* reached(() => runs() === 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* call).taskId, first.taskId)
      const task = yield* client.request("tasks/get", { taskId: first.taskId! })
      assert.strictEqual(task.status, "completed")
      assert.strictEqual(runs(), 1)
    }))

  it.effect("is another call than the one that is answered at once (2025-11-25)", () =>
    Effect.gen(function*() {
      const { runs, server } = working()
      const client = yield* McpTest.client(server, { revision: "2025-11-25" })
      const call = (more: JsonObject) =>
        client.request("tools/call", { name: "work", arguments: {}, ...more }, keyed("a"))
      const first = yield* call({ task: { ttl: 60_000 } })
      assert.deepStrictEqual(
        ((yield* call({ task: { ttl: 50_000 } })).task as JsonObject).taskId,
        (first.task as JsonObject).taskId
      )
      assert.strictEqual(yield* reasonOf(call({})), "IdempotencyConflict")
      yield* reached(() => runs() === 1)
    }))
})
