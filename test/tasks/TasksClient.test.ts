/** Our client on our server, in both forms, in memory. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import type * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"
import { alone, type AnyTool, asked, moment, name, server } from "./support.ts"

const revisions = ["2026-07-28", "2025-11-25"] as const

const slow = Tool.make("slow", {
  parameters: { seconds: Schema.Finite },
  success: Schema.String,
  task: "required",
  handler: ({ seconds }) => Effect.as(Effect.sleep(seconds * 1000), `slept ${seconds}`)
})

const questions = Tool.make("questions", {
  success: Schema.String,
  task: "required",
  handler: () => Effect.map(asked, ({ which, who }) => `${who.name} ${which.color}`)
})

const failing = Tool.make("failing", {
  failure: Schema.String,
  task: "required",
  handler: () => Effect.fail("no luck")
})

const refusing = Tool.make("refusing", {
  task: "required",
  handler: () => Effect.fail(McpError.make(new McpError.Other({ code: -32050, message: "not now", data: { a: 1 } })))
})

const plain = Tool.make("plain", { success: Schema.String, handler: () => Effect.succeed("plain") })

const steps = Tool.make("steps", {
  success: Schema.String,
  task: "optional",
  handler: () =>
    Effect.gen(function*() {
      yield* Progress.report(1, { total: 2, message: "one" })
      yield* Effect.sleep("2 seconds")
      yield* Progress.report(2, { total: 2, message: "two" })
      yield* Effect.sleep("2 seconds")
      return "done"
    })
})

/** Answers each question once, and counts. */
const user = (asked: Array<string>) =>
  ClientHandlers.elicitation({
    form: ({ message }) =>
      Effect.sync(() => {
        asked.push(message)
        return ClientHandlers.accept(message === "Who?" ? { name: "Ada" } : { color: "red" })
      })
  })

interface Options extends TasksClient.Options {
  readonly server?: McpTasks.Options
  readonly handlers?: Layer.Layer<never> | ReturnType<typeof user>
}

const connect = (
  revision: Revisions.Version,
  tools: ReadonlyArray<AnyTool>,
  { handlers = Layer.empty, server, ...options }: Options = {}
) => connectTo(revision, alone(tools, server), { ...options, handlers })

const connectTo = (
  revision: Revisions.Version,
  layer: ReturnType<typeof alone>,
  { handlers = Layer.empty, ...options }: Options = {}
) =>
  Effect.flatMap(
    Layer.build(Layer.merge(Layer.provide(Memory.layer, layer), handlers)),
    (context) =>
      Effect.provideContext(McpClient.make({ revision, extensions: [TasksClient.extension(options)] }), context)
  )

const textOf = ({ content: [block] }: { readonly content: ReadonlyArray<any> }) => block.text

const reasonOf = <A>(effect: Effect.Effect<A, McpClient.CallError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

/** Lets the call get as far as it can without time. */
const begun = <A, E>(call: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(call, { startImmediately: true })
    yield* moment
    yield* moment
    return fiber
  })

for (const revision of revisions) {
  describe(`a client of ${revision}`, () => {
    it.effect("waits for a task as for a call", () =>
      Effect.gen(function*() {
        const client = yield* connect(revision, [slow, plain, failing])
        assert.strictEqual(textOf(yield* client.callTool("plain")), "plain")
        const call = yield* begun(client.callTool("slow", { seconds: 90 }))
        yield* TestClock.adjust("80 seconds")
        assert.isUndefined(call.pollUnsafe())
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(textOf(yield* Fiber.join(call)), "slept 90")
        const failed = yield* begun(client.callTool("failing"))
        yield* TestClock.adjust("2 seconds")
        assert.isTrue((yield* Fiber.join(failed)).isError)
      }))

    it.effect("ends with the error its task has failed with", () =>
      Effect.gen(function*() {
        const client = yield* connect(revision, [refusing])
        const call = yield* begun(Effect.flip(client.callTool("refusing")))
        yield* TestClock.adjust("2 seconds")
        const error = yield* Fiber.join(call)
        assert.instanceOf(error, McpError.McpError)
        assert.deepInclude(McpError.toObject(error, "Stateless"), { code: -32050, message: "not now", data: { a: 1 } })
      }))

    it.effect("its handlers answer what a task asks, each question once", () =>
      Effect.gen(function*() {
        const asked: Array<string> = []
        const client = yield* connect(revision, [questions], { handlers: user(asked) })
        const call = yield* begun(client.callTool("questions"))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(textOf(yield* Fiber.join(call)), "Ada red")
        assert.deepStrictEqual(asked.sort(), ["Which?", "Who?"])
      }))

    it.effect("who interrupts the call cancels the task", () =>
      Effect.gen(function*() {
        const ended = yield* Deferred.make<void>()
        const endless = Tool.make("endless", {
          task: "required",
          handler: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, undefined))
        })
        const created = yield* Ref.make("")
        const client = yield* connect(revision, [endless], { onCreated: ({ taskId }) => Ref.set(created, taskId) })
        const call = yield* begun(client.callTool("endless"))
        yield* Fiber.interrupt(call)
        const task = TasksClient.make(client).resume(yield* Ref.get(created))
        assert.strictEqual((yield* task.get).status, "cancelled")
        yield* moment
        yield* Deferred.await(ended)
        assert.strictEqual((yield* reasonOf(task.result))._tag, "TaskCancelled")
      }))
  })
}
