import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Background from "fastmcp-effect/context/Background"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketEngine from "fastmcp-effect/docket/DocketEnginePersistedQueue"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TaskSchema from "fastmcp-effect/tasks/TaskSchema"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import {
  accept,
  alone,
  asked,
  call,
  color,
  get,
  json,
  modern,
  moment,
  name,
  server,
  session,
  update
} from "./support.ts"

const slow = Tool.make("slow", {
  parameters: { seconds: Schema.Finite },
  success: Schema.String,
  task: "optional",
  handler: ({ seconds }) => Effect.as(Effect.sleep(seconds * 1000), `slept ${seconds}`)
})

const failing = Tool.make("failing", {
  failure: Schema.String,
  task: "required",
  handler: () => Effect.fail("no luck")
})

const broken = Tool.make("broken", { task: "optional", handler: () => Effect.die(new Error("secret words")) })

const misfit = Tool.make("misfit", {
  success: Schema.Struct({ n: Schema.Int }),
  task: "optional",
  handler: () => Effect.succeed({ n: 0.5 })
})

const refusing = Tool.make("refusing", {
  task: "optional",
  handler: () => Effect.fail(McpError.make(new McpError.Other({ code: -32050, message: "not now", data: { a: 1 } })))
})

const plain = Tool.make("plain", { success: Schema.String, handler: () => Effect.succeed("plain") })

const questions = Tool.make("questions", {
  success: Schema.String,
  task: "optional",
  handler: () => Effect.map(asked, ({ which, who }) => `${who.name} ${which.color}`)
})

const code = <A>(effect: Effect.Effect<A, any>, era: "Stateful" | "Stateless" = "Stateless") =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, McpError.McpError)
    return McpError.code(error.reason, era)
  })

describe("tasks of 2026-07-28", () => {
  it.effect("a call becomes a task, which is looked up until it has its result", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_800_000_000_000)
      const client = yield* modern(alone([slow, plain]))
      const created = yield* call(client, "slow", { seconds: 5 })
      const { _meta, taskId, ...rest } = created
      assert.match(taskId, /^[\da-f]{44}$/u)
      assert.deepStrictEqual(rest, {
        resultType: "task",
        status: "working",
        createdAt: "2027-01-15T08:00:00.000Z",
        lastUpdatedAt: "2027-01-15T08:00:00.000Z",
        ttlMs: 3_600_000,
        pollIntervalMs: 1000
      })
      const { _meta: _, ...working } = yield* get(client, taskId)
      assert.deepStrictEqual(working, { ...rest, taskId, resultType: "complete" })
      yield* TestClock.adjust("6 seconds")
      const done = yield* get(client, taskId)
      assert.deepInclude(done, { status: "completed", lastUpdatedAt: "2027-01-15T08:00:05.000Z" })
      assert.deepStrictEqual(done.result, {
        resultType: "complete",
        content: [{ type: "text", text: "slept 5" }]
      })
      assert.deepStrictEqual((yield* call(client, "plain")).content, [{ type: "text", text: "plain" }])
    }))

  it.effect("ends as the call would have ended", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([failing, broken, misfit, refusing]))
      const ended = Effect.fnUntraced(function*(tool: string) {
        const { taskId } = yield* call(client, tool)
        yield* moment
        const { error, result, status } = yield* get(client, taskId)
        return { error, result, status }
      })
      const failed = yield* ended("failing")
      assert.strictEqual(failed.status, "completed")
      assert.isTrue(failed.result.isError)
      for (const tool of ["broken", "misfit"]) {
        assert.deepStrictEqual(yield* ended(tool), {
          status: "failed",
          error: { code: -32603, message: "Internal error" },
          result: undefined
        })
      }
      assert.deepStrictEqual(yield* ended("refusing"), {
        status: "failed",
        error: { code: -32050, message: "not now", data: { a: 1 } },
        result: undefined
      })
    }))

  it.effect("a client without the extension is answered, unless the tool is a task always", () =>
    Effect.gen(function*() {
      const layer = alone([slow, failing])
      const client = yield* McpTest.client(layer, { revision: "2026-07-28" })
      assert.isUndefined((yield* call(client, "slow", { seconds: 0 }, { task: { ttl: "x" } })).taskId)
      const refused = yield* Effect.flip(call(client, "failing"))
      assert.deepStrictEqual(McpError.toObject(refused, "Stateless"), {
        code: -32021,
        message: "failing needs a client with the extension io.modelcontextprotocol/tasks",
        data: { requiredCapabilities: { extensions: { [TaskSchema.extensionId]: {} } } }
      })
      for (const method of ["tasks/get", "tasks/cancel"]) {
        assert.strictEqual(yield* code(client.request(method, { taskId: "a" })), -32021)
      }
      assert.strictEqual(yield* code(client.request("tasks/update", { taskId: "a", inputResponses: {} })), -32021)
      assert.strictEqual(
        yield* code(client.request("subscriptions/listen", { notifications: { taskIds: ["a"] } })),
        -32021
      )
      for (const method of ["tasks/result", "tasks/list"]) {
        assert.strictEqual(yield* code(client.request(method, { taskId: "a" })), -32601)
      }
    }))

  it.effect("asks, waits without a worker, and goes on when all is answered", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([questions], { worker: { concurrency: 1 } }))
      const { taskId } = yield* call(client, "questions")
      const other = yield* call(client, "questions")
      yield* moment
      const waiting = yield* get(client, taskId)
      assert.strictEqual(waiting.status, "input_required")
      assert.deepStrictEqual(Object.keys(waiting.inputRequests), ["who", "which"])
      assert.strictEqual(waiting.inputRequests.who.method, "elicitation/create")
      assert.strictEqual((yield* get(client, other.taskId)).status, "input_required")

      yield* update(client, taskId, { who: accept({ name: "Ada" }), nobody: accept({}) })
      yield* moment
      const half = yield* get(client, taskId)
      assert.deepStrictEqual([half.status, Object.keys(half.inputRequests)], ["input_required", ["which"]])
      yield* update(client, taskId, { who: accept({ name: "Eve" }), which: accept({ color: "red" }) })
      yield* moment
      const done = yield* get(client, taskId)
      assert.deepStrictEqual(done.result.content, [{ type: "text", text: "Ada red" }])
      assert.deepStrictEqual(
        yield* update(client, taskId, { who: accept({ name: "Eve" }) }).pipe(
          Effect.map(({ _meta, ...rest }) => rest)
        ),
        { resultType: "complete" }
      )
    }))

  it.effect("of two updates at once each key counts once", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([questions]))
      const { taskId } = yield* call(client, "questions")
      yield* moment
      yield* Effect.all([
        update(client, taskId, { who: accept({ name: "A" }) }),
        update(client, taskId, { who: accept({ name: "B" }), which: accept({ color: "b" }) }),
        update(client, taskId, { which: accept({ color: "c" }) })
      ], { concurrency: "unbounded" })
      yield* moment
      const { result } = yield* get(client, taskId)
      assert.match(result.content[0].text, /^[AB] [bc]$/u)
      assert.strictEqual(yield* code(update(client, taskId, { who: 1 })), -32602)
    }))

  it.effect("a step is done once, over all runs", () =>
    Effect.gen(function*() {
      const steps = yield* Ref.make<ReadonlyArray<string>>([])
      const step = (text: string) => Effect.as(Ref.update(steps, (all) => [...all, text]), text)
      const book = Tool.make("book", {
        success: Schema.String,
        task: { support: "required", recovery: "resume" },
        handler: () =>
          Effect.gen(function*() {
            const hold = yield* Ask.once("hold", step("hold"))
            const who = yield* Ask.one("who", name)
            const pay = yield* Ask.once("pay", step(`pay ${who.name}`))
            const which = yield* Ask.one("which", color)
            return [hold, pay, yield* Ask.once("book", step(`book ${which.color}`))].join(", ")
          })
      })
      const client = yield* modern(alone([book]))
      const { taskId } = yield* call(client, "book")
      yield* moment
      yield* update(client, taskId, { who: accept({ name: "Ada" }) })
      yield* moment
      assert.deepStrictEqual(Object.keys((yield* get(client, taskId)).inputRequests), ["which"])
      yield* update(client, taskId, { which: accept({ color: "red" }) })
      yield* moment
      const { result } = yield* get(client, taskId)
      assert.strictEqual(result.content[0].text, "hold, pay Ada, book red")
      assert.deepStrictEqual(yield* Ref.get(steps), ["hold", "pay Ada", "book red"])
    }))

  it.effect("cancel ends what runs and what waits, and says nothing of what has ended", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([slow, questions]))
      const running = yield* call(client, "slow", { seconds: 100 })
      const waiting = yield* call(client, "questions")
      yield* moment
      const cancel = (taskId: string) =>
        Effect.map(client.request("tasks/cancel", { taskId }), ({ _meta, ...rest }) => rest)
      for (const { taskId } of [running, waiting]) {
        assert.deepStrictEqual(yield* cancel(taskId), { resultType: "complete" })
        assert.strictEqual((yield* get(client, taskId)).status, "cancelled")
        yield* moment
        assert.deepStrictEqual(yield* cancel(taskId), { resultType: "complete" })
        assert.strictEqual((yield* get(client, taskId)).status, "cancelled")
      }
    }))

  it.effect("a task is not kept beyond its time, and no one is told of one that was or never was", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([slow, questions], { ttl: "10 seconds" }))
      const done = yield* call(client, "slow", { seconds: 1 })
      const running = yield* call(client, "slow", { seconds: 100 })
      const waiting = yield* call(client, "questions")
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual((yield* get(client, done.taskId)).status, "completed")
      assert.strictEqual((yield* get(client, running.taskId)).status, "working")
      yield* TestClock.adjust("1 millis")
      const refused = yield* Effect.flip(get(client, "f".repeat(44)))
      for (const { taskId } of [done, running, waiting, { taskId: "no id" }]) {
        assert.deepStrictEqual(yield* Effect.flip(get(client, taskId)), refused)
        assert.deepStrictEqual(yield* Effect.flip(update(client, taskId, {})), refused)
        assert.deepStrictEqual(yield* Effect.flip(client.request("tasks/cancel", { taskId })), refused)
      }
    }))

  it.effect("tells its listeners of each status", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([questions]))
      const { taskId } = yield* call(client, "questions")
      const listening = yield* Effect.forkChild(
        client.request("subscriptions/listen", { notifications: { taskIds: [taskId, "f".repeat(44), taskId] } })
      )
      yield* moment
      yield* update(client, taskId, { who: accept({ name: "Ada" }), which: accept({ color: "red" }) })
      yield* moment
      const told = (yield* client.notifications).map(({ method, params }) => [
        method,
        json(params).status ?? json(params).notifications
      ])
      assert.deepStrictEqual(told[0], ["notifications/subscriptions/acknowledged", { taskIds: [taskId] }])
      assert.deepStrictEqual(told.at(-1), ["notifications/tasks", "completed"])
      assert.isTrue(told.slice(1).every(([method]) => method === "notifications/tasks"))
      assert.isTrue(told.some(([, status]) => status === "input_required"))
      const last = json((yield* client.notifications).at(-1)!.params)
      assert.strictEqual(last.result.content[0].text, "Ada red")
      assert.isDefined(last._meta["io.modelcontextprotocol/subscriptionId"])
      yield* Fiber.interrupt(listening)
    }))

  it.effect("says how far it is", () =>
    Effect.gen(function*() {
      const telling = Tool.make("telling", {
        task: "optional",
        handler: () => Effect.andThen(Progress.report(1, { total: 2, message: "half" }), Effect.sleep("10 seconds"))
      })
      const client = yield* modern(alone([telling]))
      const { taskId } = yield* call(client, "telling")
      yield* moment
      assert.deepInclude(yield* get(client, taskId), { status: "working", statusMessage: "half" })
    }))

  it.effect("asks first and becomes a task where the handler says so, with what it was answered", () =>
    Effect.gen(function*() {
      const runs = yield* Ref.make(0)
      const late = Tool.make("late", {
        parameters: { long: Schema.Boolean },
        success: Schema.String,
        task: { support: "optional", start: "handler" },
        handler: ({ long }) =>
          Effect.gen(function*() {
            const { name: given } = yield* Ask.one("who", name)
            const n = yield* Ask.once("count", Ref.updateAndGet(runs, (n) => n + 1))
            if (long) yield* Background.enter
            return `${given} ${n}`
          })
      })
      const client = yield* modern(alone([late]))
      const first = yield* call(client, "late", { long: true })
      assert.strictEqual(first.resultType, "input_required")
      const again = { requestState: first.requestState, inputResponses: { who: accept({ name: "Ada" }) } }
      const created = yield* call(client, "late", { long: true }, again)
      assert.strictEqual(created.resultType, "task")
      assert.isUndefined(created.requestState)
      yield* moment
      assert.strictEqual((yield* get(client, created.taskId)).result.content[0].text, "Ada 1")

      const short = yield* call(client, "late", { long: false })
      const answered = yield* call(client, "late", { long: false }, {
        requestState: short.requestState,
        inputResponses: { who: accept({ name: "Eve" }) }
      })
      assert.deepStrictEqual(answered.content, [{ type: "text", text: "Eve 2" }])
    }))

  it.effect("a handler that another one calls is a part of its task", () =>
    Effect.gen(function*() {
      const outer = Tool.make("outer", {
        success: Schema.String,
        task: "optional",
        handler: () => Effect.orDie(Tool.call(slow, { seconds: 1 }))
      })
      const outside = Tool.make("outside", {
        success: Schema.String,
        handler: () => Effect.orDie(Tool.call(slow, { seconds: 0 }))
      })
      const client = yield* modern(alone([outer, outside, slow]))
      const { taskId } = yield* call(client, "outer")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* get(client, taskId)).result.content[0].text, "slept 1")
      const result = yield* Effect.forkChild(call(client, "outside"))
      yield* moment
      assert.strictEqual((yield* Fiber.join(result)).content[0].text, "slept 0")
    }))

  it.effect("one caller has so many, and more when they have ended", () =>
    Effect.gen(function*() {
      const client = yield* modern(alone([broken, slow, questions], { maxUnfinished: 2 }))
      yield* call(client, "slow", { seconds: 5 })
      const { taskId } = yield* call(client, "questions")
      assert.strictEqual(yield* code(call(client, "slow", { seconds: 1 })), 429)
      yield* moment
      yield* client.request("tasks/cancel", { taskId })
      const running = yield* call(client, "slow", { seconds: 100 })
      yield* moment
      assert.strictEqual(yield* code(call(client, "slow", { seconds: 1 })), 429)
      yield* client.request("tasks/cancel", { taskId: running.taskId })
      yield* call(client, "broken")
      yield* moment
      yield* call(client, "slow", { seconds: 1 })
      assert.strictEqual(yield* code(call(client, "slow", { seconds: 1 })), 429)
      yield* TestClock.adjust("10 seconds")
      yield* call(client, "slow", { seconds: 1 })
      yield* call(client, "slow", { seconds: 1 })
    }))
})

describe("the options of tasks", () => {
  it.effect("are refused where they cannot be", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [McpTasks.Options, string]> = [
        [{ pageSize: 0 }, "pageSize"],
        [{ maxUnfinished: 0.5 }, "maxUnfinished"],
        [{ ttl: 0 }, "ttl"],
        [{ maxTtl: -1 }, "maxTtl"],
        [{ pollInterval: Infinity }, "pollInterval"]
      ]
      for (const [options, option] of wrong) {
        const refused = yield* Effect.flip(modern(alone([plain], options)))
        assert.include(String(refused), option)
      }
    }))

  it.effect("a call that is over before it is answered leaves no task that goes on", () =>
    Effect.gen(function*() {
      const memory = yield* Layer.build(Layer.mergeAll(DocketStore.layerMemory(), DocketEngine.layerMemory))
      const store = Context.get(memory, DocketStore.DocketStore)
      const parts = Context.add(memory, DocketStore.DocketStore, {
        ...store,
        add: (execution) => Effect.tap(store.add(execution), () => Effect.sleep("1 second"))
      })
      const docket = yield* Layer.build(Layer.provide(Docket.layer(), Layer.succeedContext(parts)))
      const { list } = Context.get(docket, Docket.Docket)
      const client = yield* modern(server([slow]).pipe(Layer.provide(Layer.succeedContext(docket)), Layer.fresh))
      const calling = yield* Effect.forkChild(call(client, "slow", { seconds: 60 }))
      yield* moment
      yield* Fiber.interrupt(calling).pipe(Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      yield* McpTest.settle
      const { executions } = yield* list()
      assert.deepStrictEqual(
        executions.map(({ cancelRequested }) => cancelRequested),
        ["Its call was over before it was answered."]
      )
    }))

  it.effect("nor does one that is stopped when its task is added, by whatever stands around it", () =>
    Effect.gen(function*() {
      const docket = yield* Layer.build(Layer.fresh(Docket.layerMemory()))
      const layer = McpServer.layer({
        name: "tasks",
        version: "1",
        tools: [slow],
        middleware: [
          Middleware.make(({ method }, next) => method === "tools/call" ? Effect.andThen(next, Effect.never) : next)
        ],
        extensions: [McpTasks.extension({ worker: false })]
      })
      const client = yield* modern(layer.pipe(Layer.provide(Layer.succeedContext(docket)), Layer.fresh))
      const calling = yield* Effect.forkChild(call(client, "slow", { seconds: 60 }))
      yield* moment
      yield* Fiber.interrupt(calling)
      yield* McpTest.settle
      const { executions } = yield* Context.get(docket, Docket.Docket).list()
      assert.deepStrictEqual(executions.map(({ status }) => status), ["Cancelled"])
    }))
})

describe("tasks of 2025-11-25", () => {
  const options = { list: "everybody" } as const

  it.effect("are announced, and tools say whether they can be one", () =>
    Effect.gen(function*() {
      const initialized = Effect.fnUntraced(function*(options: object) {
        const client = yield* session(alone([slow, failing, plain], options))
        const [frame] = yield* client.frames
        return [JSON.parse(frame!).result.capabilities, yield* client.listTools] as const
      })
      const [announced, tools] = yield* initialized(options)
      assert.deepStrictEqual(announced.tasks, { list: {}, cancel: {}, requests: { tools: { call: {} } } })
      assert.isUndefined(announced.extensions)
      assert.deepStrictEqual(tools.map(({ execution }) => execution?.taskSupport), ["optional", "required", undefined])
      const [unlisted] = yield* initialized({})
      assert.deepStrictEqual(unlisted.tasks, { cancel: {}, requests: { tools: { call: {} } } })
      const modernTools = yield* (yield* modern(alone([slow]))).listTools
      assert.isUndefined(modernTools[0]!.execution)
    }))

  it.effect("the client asks for one, and waits for what it comes to", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([slow], options))
      const { task } = yield* call(client, "slow", { seconds: 60 }, { task: { ttl: 90_000 } })
      assert.deepInclude(task, { status: "working", ttl: 90_000, pollInterval: 1000 })
      const { lastUpdatedAt, ...rest } = yield* get(client, task.taskId)
      assert.deepStrictEqual({ ...rest, lastUpdatedAt }, task)
      const waiting = yield* Effect.forkChild(client.request("tasks/result", { taskId: task.taskId }))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(waiting), {
        content: [{ type: "text", text: "slept 60" }],
        _meta: { "io.modelcontextprotocol/related-task": { taskId: task.taskId } }
      })
      assert.deepStrictEqual(
        (yield* client.notifications).map(({ method, params }) => [method, json(params).status]),
        [["notifications/tasks/status", "completed"]]
      )
      assert.strictEqual((yield* get(client, task.taskId)).status, "completed")
    }))

  it.effect("a plain call is answered, unless the tool is a task always; and none can be one that is none", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([slow, failing, plain], options))
      assert.deepStrictEqual((yield* call(client, "slow", { seconds: 0 })).content, [{ type: "text", text: "slept 0" }])
      assert.strictEqual(yield* code(call(client, "failing"), "Stateful"), -32601)
      assert.strictEqual(yield* code(call(client, "plain", {}, { task: {} }), "Stateful"), -32601)
      for (const ttl of [-1, "1", 0.5]) {
        assert.strictEqual(yield* code(call(client, "slow", { seconds: 0 }, { task: { ttl } }), "Stateful"), -32602)
      }
      const older = yield* McpTest.client(alone([slow, failing]), { revision: "2025-06-18" })
      assert.isDefined((yield* call(older, "slow", { seconds: 0 }, { task: {} })).content)
      assert.strictEqual(yield* code(call(older, "failing"), "Stateful"), -32601)
      assert.strictEqual(yield* code(get(older, "f".repeat(44)), "Stateful"), -32601)
    }))

  it.effect("ends as the call would have ended, and a result that is an error has failed", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([failing, refusing], options))
      const failed = yield* call(client, "failing", {}, { task: {} })
      const refused = yield* call(client, "refusing", {}, { task: {} })
      yield* moment
      assert.strictEqual((yield* get(client, failed.task.taskId)).status, "failed")
      assert.strictEqual((yield* get(client, refused.task.taskId)).status, "failed")
      assert.isTrue((yield* client.request("tasks/result", { taskId: failed.task.taskId })).isError)
      const error = yield* Effect.flip(client.request("tasks/result", { taskId: refused.task.taskId }))
      assert.deepStrictEqual(McpError.toObject(error as McpError.McpError, "Stateful"), {
        code: -32050,
        message: "not now",
        data: { a: 1 }
      })
    }))

  it.effect("the client that waits for the result is asked", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const client = yield* session(alone([questions], options), {
        answers: {
          elicit: (params) => {
            seen.push(json(params)._meta)
            return Effect.succeed({
              action: "accept",
              content: params.message === "Who?" ? { name: "Ada" } : { color: "red" }
            })
          }
        }
      })
      const { task } = yield* call(client, "questions", {}, { task: {} })
      yield* moment
      assert.strictEqual((yield* get(client, task.taskId)).status, "input_required")
      const waiting = yield* Effect.forkChild(client.request("tasks/result", { taskId: task.taskId }))
      yield* moment
      assert.deepInclude(yield* Fiber.join(waiting), { content: [{ type: "text", text: "Ada red" }] })
      const meta = { "io.modelcontextprotocol/related-task": { taskId: task.taskId } }
      assert.deepStrictEqual(seen, [meta, meta])
    }))

  it.effect("what the client refuses is refused to the handler", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([questions], options), {
        answers: { elicit: () => Effect.fail(McpError.make(new McpError.Other({ code: -32001, message: "never" }))) }
      })
      const { task } = yield* call(client, "questions", {}, { task: {} })
      yield* moment
      const waiting = yield* Effect.forkChild(client.request("tasks/result", { taskId: task.taskId }))
      yield* moment
      const { content, isError } = yield* Fiber.join(waiting)
      assert.isTrue(isError)
      assert.include(json(content)[0].text, "never")
    }))

  it.effect("whoever waits hears of progress, under the token of the call", () =>
    Effect.gen(function*() {
      const stepping = Tool.make("stepping", {
        task: "optional",
        handler: () =>
          Effect.forEach([1, 2, 3], (n) =>
            Effect.andThen(Progress.report(n, { total: 3, message: `${n}` }), Effect.sleep("2 seconds")))
      })
      const client = yield* session(alone([stepping], options))
      const { task } = json(
        yield* client.request("tools/call", { name: "stepping", task: {} }, { progressToken: "p" })
      )
      const waiting = yield* Effect.forkChild(client.request("tasks/result", { taskId: task.taskId }))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(waiting)
      const progress = (yield* client.notifications).filter(({ method }) =>
        method === "notifications/progress"
      )
      const _meta = { "io.modelcontextprotocol/related-task": { taskId: task.taskId } }
      assert.deepStrictEqual(
        progress.map(({ params }) => params),
        [1, 2, 3].map((n) => ({ progressToken: "p", progress: n, total: 3, message: `${n}`, _meta }))
      )
    }))

  it.effect("who waits for a task that nobody runs is told when it has expired", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([slow], { ...options, worker: false, ttl: "1 minute" }))
      const { task } = yield* call(client, "slow", { seconds: 1 }, { task: {} })
      const waiting = yield* Effect.forkChild(code(client.request("tasks/result", { taskId: task.taskId }), "Stateful"))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), -32602)
    }))

  it.effect("cancel is an end, and there is no second one", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([slow, questions], options))
      const { task } = yield* call(client, "slow", { seconds: 60 }, { task: {} })
      yield* moment
      const waiting = yield* Effect.forkChild(Effect.flip(client.request("tasks/result", { taskId: task.taskId })))
      assert.deepInclude(yield* client.request("tasks/cancel", { taskId: task.taskId }), {
        taskId: task.taskId,
        status: "cancelled"
      })
      yield* moment
      assert.isDefined(yield* Fiber.join(waiting))
      assert.strictEqual((yield* get(client, task.taskId)).status, "cancelled")
      assert.strictEqual(
        yield* code(client.request("tasks/cancel", { taskId: task.taskId }), "Stateful"),
        -32602
      )
      yield* TestClock.adjust("70 seconds")
      assert.strictEqual((yield* get(client, task.taskId)).status, "cancelled")
    }))

  it.effect("lists them by pages, newest first", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([slow], { ...options, pageSize: 2 }))
      const ids = yield* Effect.forEach([1, 2, 3, 4], () =>
        Effect.map(call(client, "slow", { seconds: 1 }, { task: {} }), ({ task }) => task.taskId))
      const first = json(yield* client.request("tasks/list"))
      assert.deepStrictEqual(
        first.tasks.map(({ taskId }: any) =>
          taskId
        ),
        [ids[3], ids[2]]
      )
      const second = json(yield* client.request("tasks/list", { cursor: first.nextCursor }))
      assert.deepStrictEqual(second.tasks.map(({ taskId }: any) => taskId), [ids[1], ids[0]])
      assert.isUndefined(second.nextCursor)
      assert.strictEqual(yield* code(client.request("tasks/list", { cursor: "f".repeat(44) }), "Stateful"), -32602)
      const unlisted = yield* session(alone([slow]))
      assert.strictEqual(yield* code(unlisted.request("tasks/list"), "Stateful"), -32601)
      const strangers = yield* session(alone([slow], { list: "identified" }))
      assert.strictEqual(yield* code(strangers.request("tasks/list"), "Stateful"), -32601)
    }))

  it.effect("a client gets no more time than the server gives", () =>
    Effect.gen(function*() {
      const client = yield* session(alone([slow], { ...options, maxTtl: "1 minute" }))
      const { task } = yield* call(client, "slow", { seconds: 0 }, { task: { ttl: 1e12 } })
      assert.strictEqual(task.ttl, 60_000)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* get(client, task.taskId)).status, "completed")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* code(get(client, task.taskId), "Stateful"), -32602)
      const endless = yield* session(alone([slow], { maxTtl: Infinity, ttl: Infinity }))
      assert.isNull((yield* call(endless, "slow", { seconds: 0 }, { task: {} })).task.ttl)
    }))
})
