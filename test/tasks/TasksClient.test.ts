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
import * as Background from "fastmcp-effect/context/Background"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import type * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import * as Memory from "fastmcp-effect/transport/Memory"
import { alone, type AnyTool, asked, color, moment, name, server } from "./support.ts"

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

/** One docket for servers that come and go. */
const docket = Effect.map(Layer.build(Layer.fresh(Docket.layerMemory())), Layer.succeedContext)

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

describe("a call", () => {
  it.effect("is a task in 2025-11-25 where its tool must be one, and where it can be if its client likes", () =>
    Effect.gen(function*() {
      const created = yield* Ref.make<ReadonlyArray<string>>([])
      const onCreated = (_: unknown, { name }: { readonly name: string }) =>
        Ref.update(created, (names) => [...names, name])
      const quick = Tool.make("quick", { success: Schema.String, task: "optional", handler: () => Effect.succeed("q") })
      const must = Tool.make("must", { success: Schema.String, task: "required", handler: () => Effect.succeed("m") })
      const layer = alone([plain, quick, must])
      const calls = Effect.fnUntraced(function*(client: McpClient.Client) {
        yield* Ref.set(created, [])
        for (const tool of ["plain", "quick", "must"]) {
          const call = yield* begun(client.callTool(tool))
          assert.strictEqual(textOf(yield* Fiber.join(call)), tool === "plain" ? tool : tool[0])
        }
        return yield* Ref.get(created)
      })
      // The tools were never listed, and so they are.
      const unlisted = yield* connectTo("2025-11-25", layer, { onCreated })
      assert.deepStrictEqual(yield* calls(unlisted), ["must"])
      const listed = yield* connectTo("2025-11-25", layer, { onCreated })
      yield* listed.listTools()
      assert.deepStrictEqual(yield* calls(listed), ["must"])
      const eager = yield* connectTo("2025-11-25", layer, { onCreated, calls: "optional" })
      assert.deepStrictEqual(yield* calls(eager), ["quick", "must"])
      const modern = yield* connectTo("2026-07-28", layer, { onCreated })
      assert.deepStrictEqual(yield* calls(modern), ["quick", "must"])
      const older = yield* connectTo("2025-06-18", layer, { onCreated, calls: "optional" })
      assert.strictEqual(textOf(yield* older.callTool("quick")), "q")
    }))

  it.effect("shows the progress of its task, where the revision has a place for it", () =>
    Effect.gen(function*() {
      for (const [revision, wanted] of [["2025-11-25", [1, 2]], ["2026-07-28", []]] as const) {
        const client = yield* connect(revision, [steps], { calls: "optional" })
        const call = yield* begun(Stream.runCollect(client.callToolStream("steps")))
        yield* TestClock.adjust("10 seconds")
        const events = yield* Fiber.join(call)
        assert.deepStrictEqual(
          events.flatMap((event) => event._tag === "Progress" ? [event.progress] : []),
          [...wanted],
          revision
        )
        assert.strictEqual(events.at(-1)?._tag, "Result")
      }
    }))

  it.effect("takes no longer than its caller has said, and no task is left then", () =>
    Effect.gen(function*() {
      const ids: Array<string> = []
      const client = yield* connect("2026-07-28", [slow], {
        onCreated: ({ taskId }) => Effect.sync(() => void ids.push(taskId))
      })
      const call = yield* begun(reasonOf(client.callTool("slow", { seconds: 600 }, { maxTimeout: "30 seconds" })))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(call))._tag, "Timeout")
      assert.strictEqual((yield* TasksClient.make(client).resume(ids[0]!).get).status, "cancelled")
    }))

  it.effect("that nobody answers fails, and cancels its task", () =>
    Effect.gen(function*() {
      const ids: Array<string> = []
      const client = yield* connect("2026-07-28", [questions], {
        handlers: ClientHandlers.elicitation({ form: () => Effect.fail(McpError.invalidRequest("no user")) }),
        onCreated: ({ taskId }) => Effect.sync(() => void ids.push(taskId))
      })
      const call = yield* begun(reasonOf(client.callTool("questions")))
      const reason = yield* Fiber.join(call)
      assert.deepInclude(reason, { _tag: "Unanswered", method: "elicitation/create", message: "no user" })
      assert.strictEqual((yield* TasksClient.make(client).resume(ids[0]!).get).status, "cancelled")
    }))

  it.effect("may ask before it becomes a task", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const later = Tool.make("later", {
        success: Schema.String,
        task: { support: "optional", start: "handler" },
        handler: () =>
          Effect.gen(function*() {
            const { name: who } = yield* Ask.one("name", name)
            yield* Background.enter
            const { which } = yield* Ask.all({ which: color })
            return `${who} ${which.color}`
          })
      })
      const client = yield* connect("2026-07-28", [later], { handlers: user(asked) })
      const call = yield* begun(client.callTool("later"))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(textOf(yield* Fiber.join(call)), "Ada red")
      assert.deepStrictEqual(asked, ["Who?", "Which?"])
    }))
})

for (const revision of revisions) {
  describe(`a task in the hands of a client of ${revision}`, () => {
    it.effect("is shown as it becomes, and comes to what the call would have come to", () =>
      Effect.gen(function*() {
        const client = yield* connect(revision, [steps, plain])
        const tasks = TasksClient.make(client)
        const answered = yield* tasks.create("plain")
        assert.isTrue(answered._tag === "Result" && textOf(answered.result) === "plain")
        const created = yield* tasks.create("steps", {}, { ttl: "1 minute" })
        assert.strictEqual(created._tag, "Task")
        if (created._tag !== "Task") return
        assert.deepInclude(created.state, {
          taskId: created.task.id,
          status: "working",
          ttlMs: revision === "2025-11-25" ? 60_000 : 3_600_000
        })
        const updates = yield* Effect.forkChild(Stream.runCollect(created.task.updates), { startImmediately: true })
        const result = yield* begun(created.task.result)
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(textOf(yield* Fiber.join(result)), "done")
        const seen = (yield* Fiber.join(updates)).map(({ status, statusMessage }) => statusMessage ?? status)
        assert.deepStrictEqual([...new Set(seen)].filter((one) => one !== "working"), ["one", "two", "completed"])
      }))

    it.effect("goes on without who waited for it, and is found again by its id", () =>
      Effect.gen(function*() {
        const layer = Layer.provide(server([questions], { worker: { drain: 0 } }), yield* docket)
        const asked: Array<string> = []
        const never = ClientHandlers.elicitation({ form: () => Effect.never })
        const id = yield* Effect.scoped(Effect.gen(function*() {
          const client = yield* connectTo(revision, layer, { handlers: never })
          const created = yield* TasksClient.make(client).create("questions")
          if (created._tag === "Result") return assert.fail("no task")
          // The client ends while its user thinks.
          yield* begun(created.task.result)
          return created.task.id
        }))
        const client = yield* connectTo(revision, layer, { handlers: user(asked) })
        const task = TasksClient.make(client).resume(id)
        assert.strictEqual((yield* task.get).status, "input_required")
        const result = yield* begun(task.result)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(textOf(yield* Fiber.join(result)), "Ada red")
        assert.deepStrictEqual(asked.sort(), ["Which?", "Who?"])
        // As often as one likes.
        assert.strictEqual(textOf(yield* task.result), "Ada red")
      }))

    it.effect("is cancelled, once and again", () =>
      Effect.gen(function*() {
        const client = yield* connect(revision, [slow])
        const created = yield* TasksClient.make(client).create("slow", { seconds: 60 })
        if (created._tag === "Result") return assert.fail("no task")
        const result = yield* begun(reasonOf(created.task.result))
        yield* created.task.cancel
        yield* created.task.cancel
        yield* TestClock.adjust("3 seconds")
        assert.deepInclude(yield* Fiber.join(result), { _tag: "TaskCancelled", taskId: created.task.id })
        assert.deepStrictEqual(
          (yield* Stream.runCollect(created.task.updates)).map(({ status }) => status),
          ["cancelled"]
        )
      }))

    it.effect("that is none any more is gone, whatever is asked of it", () =>
      Effect.gen(function*() {
        const client = yield* connect(revision, [slow])
        const task = TasksClient.make(client).resume("0".repeat(32))
        for (const effect of [task.get, task.result, task.cancel, Stream.runDrain(task.updates)]) {
          assert.deepInclude(yield* reasonOf(effect as typeof task.get), { _tag: "TaskGone", taskId: task.id })
        }
      }))
  })
}

describe("answers by hand", () => {
  it.effect("are given by their keys from 2026-07-28", () =>
    Effect.gen(function*() {
      const client = yield* connect("2026-07-28", [questions], { handlers: user([]) })
      const created = yield* TasksClient.make(client).create("questions")
      if (created._tag === "Result") return assert.fail("no task")
      const { task } = created
      yield* moment
      assert.deepStrictEqual(Object.keys((yield* task.get).inputRequests ?? {}).sort(), ["which", "who"])
      yield* task.update({ who: { action: "accept", content: { name: "Bob" } } })
      yield* task.update({ which: { action: "accept", content: { color: "blue" } } })
      yield* moment
      assert.strictEqual(textOf(yield* task.result), "Bob blue")
    }))

  it.effect("have no place in 2025-11-25, nor have tasks in what is older", () =>
    Effect.gen(function*() {
      const layer = alone([questions])
      const session = TasksClient.make(yield* connectTo("2025-11-25", layer))
      assert.strictEqual((yield* reasonOf(session.resume("a").update({})))._tag, "NotSupported")
      assert.strictEqual((yield* reasonOf(session.list))._tag, "NotSupported")
      const older = TasksClient.make(yield* connectTo("2025-06-18", layer))
      assert.strictEqual((yield* reasonOf(older.resume("a").get))._tag, "NotSupported")
      const modern = TasksClient.make(yield* connectTo("2026-07-28", layer))
      assert.strictEqual((yield* reasonOf(modern.list))._tag, "NotSupported")
    }))

  it.effect("all tasks are listed, page after page", () =>
    Effect.gen(function*() {
      const client = yield* connect("2025-11-25", [slow], { server: { list: "everybody", pageSize: 2 } })
      const tasks = TasksClient.make(client)
      const ids: Array<string> = []
      for (let count = 0; count < 5; count++) {
        const created = yield* tasks.create("slow", { seconds: 60 })
        if (created._tag === "Task") ids.push(created.task.id)
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual((yield* tasks.list).map(({ taskId }) => taskId), ids.reverse())
    }))
})

describe("a question that a server wants as a task", () => {
  const asking = Tool.make("asking", {
    success: Schema.String,
    handler: () => Effect.map(Ask.one("name", Ask.asTask(name)), ({ name }) => name)
  })

  it.effect("is one of the client's, whose answer the server waits for", () =>
    Effect.gen(function*() {
      for (const revision of ["2025-11-25", "2025-06-18", "2026-07-28"] as const) {
        const asked: Array<string> = []
        const client = yield* connect(revision, [asking], { handlers: user(asked) })
        assert.strictEqual(textOf(yield* client.callTool("asking")), "Ada")
        assert.deepStrictEqual(asked, ["Who?"])
        const listed = yield* Effect.result(client.answer("tasks/list", {}))
        assert.strictEqual(
          listed._tag === "Success" ? (listed.success.tasks as ReadonlyArray<unknown>).length : 0,
          revision === "2025-11-25" ? 1 : 0,
          revision
        )
      }
    }))

  it.effect("stops with the handler that wanted it", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const client = yield* connect("2025-11-25", [asking], {
        handlers: ClientHandlers.elicitation({
          form: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))
        })
      })
      const call = yield* begun(client.callTool("asking", {}, { timeout: "1 hour" }))
      // As long as a server waits for a user.
      yield* TestClock.adjust("5 minutes")
      yield* Deferred.await(stopped)
      assert.isTrue((yield* Fiber.join(call)).isError)
    }))
})
