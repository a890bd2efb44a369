/** Questions that a client of 2025-11-25 runs as tasks of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as wires from "./wires.ts"

const asks = Tool.make("asks", {
  success: Schema.String,
  handler: () =>
    Effect.map(
      Ask.one("text", Ask.asTask(Elicitation.form({ text: Schema.String }, { message: "What?" }))),
      ({ text }) => text
    )
})

const capabilities = (tasks?: McpSchema.ClientCapabilities["tasks"]): McpSchema.ClientCapabilities => ({
  elicitation: { form: {} },
  ...tasks === undefined ? undefined : { tasks }
})

const running = { cancel: {}, requests: { elicitation: { create: {} } } }

/** A client that answers by hand: what it is asked next, and how it answers. */
const connect = (declared: McpSchema.ClientCapabilities, revision: "2025-06-18" | "2025-11-25" = "2025-11-25") =>
  Effect.gen(function*() {
    const server = McpServer.layer({ name: "asking", version: "1", tools: [asks], askTimeout: "1 minute" })
    const wire = yield* wires.open("memory", "Stateful", server, { capabilities: declared, revision })
    let seen = 0
    const asked: Effect.Effect<any> = Effect.gen(function*() {
      yield* McpTest.settle
      return wire.frames.filter(({ id, method }) => id !== undefined && method !== undefined)[seen++]
    })
    const answer = (id: wires.Id, result: object) => Effect.sync(() => wire.send({ jsonrpc: "2.0", id, result }))
    wire.send(wires.call("Stateful", 1, "asks"))
    const result = Effect.gen(function*() {
      yield* McpTest.settle
      return wire.frames.find(({ id, method }) => id === 1 && method === undefined)!.result
    })
    return { asked, answer, result }
  })

const task = { taskId: "t", status: "working", createdAt: "", lastUpdatedAt: "", ttl: null }
const accepted = { action: "accept", content: { text: "yes" } }

describe("a question that may be a task", () => {
  it.effect("is one where the client runs such, and its result is the answer", () =>
    Effect.gen(function*() {
      const { answer, asked, result } = yield* connect(capabilities(running))
      const question = yield* asked
      assert.deepInclude(question, { method: "elicitation/create" })
      assert.deepStrictEqual(question.params.task, { ttl: 60_000 })
      yield* answer(question.id, { task })
      const waiting = yield* asked
      assert.deepInclude(waiting, { method: "tasks/result", params: { taskId: "t" } })
      yield* TestClock.adjust("50 seconds")
      yield* answer(waiting.id, { ...accepted, _meta: { "io.modelcontextprotocol/related-task": { taskId: "t" } } })
      assert.deepStrictEqual((yield* result).content, [{ type: "text", text: "yes" }])
    }))

  it.effect("is asked as ever where it does not, and may be answered at once", () =>
    Effect.gen(function*() {
      for (
        const [declared, revision] of [
          [capabilities(), "2025-11-25"],
          [capabilities({ requests: { sampling: { createMessage: {} } } }), "2025-11-25"],
          [capabilities(running), "2025-06-18"],
          [capabilities(running), "2025-11-25"]
        ] as const
      ) {
        const { answer, asked, result } = yield* connect(declared, revision)
        const question = yield* asked
        const isTask = declared.tasks?.requests?.elicitation !== undefined && revision === "2025-11-25"
        assert.strictEqual("task" in question.params, isTask)
        yield* answer(question.id, accepted)
        assert.deepStrictEqual((yield* result).content, [{ type: "text", text: "yes" }])
      }
    }))

  it.effect("is cancelled when it is not waited for any longer", () =>
    Effect.gen(function*() {
      const { answer, asked, result } = yield* connect(capabilities(running))
      const question = yield* asked
      yield* answer(question.id, { task })
      const waiting = yield* asked
      assert.strictEqual(waiting.method, "tasks/result")
      yield* TestClock.adjust("1 minute")
      const cancel = yield* asked
      assert.deepInclude(cancel, { method: "tasks/cancel", params: { taskId: "t" } })
      yield* answer(cancel.id, { ...task, status: "cancelled" })
      assert.isTrue((yield* result).isError)
    }))
})
