/** A client's tasks on servers that a test says every word of: slow ones, wrong ones, and ones that ask as clients do. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as TaskSchema from "fastmcp-effect/tasks/TaskSchema"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as scripted from "../client/scripted.ts"
import { json } from "./support.ts"

type Hears = NonNullable<scripted.Options["hears"]>

type Answers = NonNullable<Parameters<typeof scripted.stateless>[0]>

const task = (more: object = {}) => ({
  taskId: "t",
  status: "working",
  createdAt: "2026-07-28T00:00:00.000Z",
  lastUpdatedAt: "2026-07-28T00:00:00.000Z",
  ttlMs: 60_000,
  pollIntervalMs: 1000,
  ...more
})

const complete = (more: object) => ({ resultType: "complete", ...more })

const done = task({ status: "completed", result: { content: [{ type: "text", text: "done" }] } })

const question = { method: "elicitation/create", params: { mode: "form", message: "Who?", requestedSchema: form() } }

function form() {
  return { type: "object", properties: { name: { type: "string" } }, required: ["name"] }
}

/** Each question that came to the user. */
const makeUser = () => {
  const asked: Array<string> = []
  const layer = ClientHandlers.elicitation({
    form: ({ message }) => Effect.sync(() => (asked.push(message), ClientHandlers.accept({ name: "Ada" })))
  })
  return { asked, layer }
}

const connect = (
  hears: Hears,
  options: TasksClient.Options = {},
  handlers: Layer.Layer<never> | ReturnType<typeof makeUser>["layer"] = Layer.empty,
  client: McpClient.Options = {}
) => {
  const server = scripted.make({ hears })
  return Effect.map(
    Effect.provide(
      McpClient.make({ ...client, extensions: [TasksClient.extension(options)] }),
      Layer.merge(server.layer, handlers)
    ),
    (client) => ({ client, server, wire: server.wire() })
  )
}

/** A server whose call is a task; `get` says how that is at each look, and the last for all that follow. */
const looked = (gets: ReadonlyArray<object>, more: Answers = {}, created: object = task()) => {
  let count = 0
  return {
    looks: () => count,
    hears: scripted.stateless({
      "tools/call": ({ id }, wire) => wire.result(id, { resultType: "task", ...created }),
      "tasks/get": ({ id }, wire) => wire.result(id, complete(gets[Math.min(count++, gets.length - 1)]!)),
      "tasks/update": ({ id }, wire) => wire.result(id, complete({})),
      "tasks/cancel": ({ id }, wire) => wire.result(id, complete({})),
      ...more
    })
  }
}

const begun = <A, E>(call: Effect.Effect<A, E>) =>
  Effect.tap(Effect.forkChild(call, { startImmediately: true }), () => McpTest.settle)

const reasonOf = <A>(effect: Effect.Effect<A, McpClient.CallError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const methodsOf = (wire: scripted.Wire) => scripted.methods(wire).filter((method) => method.startsWith("tasks/"))

describe("a client looks", () => {
  it.effect("as often as the server says, within its own bounds", () =>
    Effect.gen(function*() {
      const pace = Effect.fnUntraced(function*(pollIntervalMs: number | undefined, options?: TasksClient.Options) {
        const { pollIntervalMs: _, ...rest } = task()
        const how = { ...rest, ...pollIntervalMs !== undefined && { pollIntervalMs } }
        const { hears, looks } = looked([how], {}, how)
        const { client } = yield* connect(hears, options)
        const call = yield* begun(client.callTool("slow"))
        // One second after another, so that each look has its answer before the next is due.
        for (let second = 0; second < 120; second++) yield* Effect.andThen(TestClock.adjust("1 second"), McpTest.settle)
        yield* Fiber.interrupt(call)
        return looks()
      })
      assert.strictEqual(yield* pace(1000), 120)
      assert.strictEqual(yield* pace(undefined), 120)
      assert.strictEqual(yield* pace(10_000), 12)
      assert.strictEqual(yield* pace(86_400_000), 2)
      assert.strictEqual(yield* pace(86_400_000, { maxPollInterval: "30 seconds" }), 4)
      assert.isAtMost(yield* pace(0), 1200)
      assert.strictEqual(yield* pace(0, { minPollInterval: "2 seconds" }), 60)
      assert.strictEqual(yield* pace(-5, { minPollInterval: "2 seconds" }), 60)
    }))

  it.effect("seldom at a task whose server tells of it, and hears at once how it is", () =>
    Effect.gen(function*() {
      let listen: JsonRpc.Request | undefined
      const { hears, looks } = looked([task()], {
        "subscriptions/listen": (message, wire) => {
          listen = message
          const _meta = { "io.modelcontextprotocol/subscriptionId": message.id }
          wire.say({
            jsonrpc: "2.0",
            method: "notifications/subscriptions/acknowledged",
            params: { notifications: { taskIds: ["t"] }, _meta }
          })
        }
      })
      const { client, wire } = yield* connect(hears)
      const call = yield* begun(client.callTool("slow"))
      yield* TestClock.adjust("30 seconds")
      assert.isAtMost(looks(), 1)
      assert.deepStrictEqual(listen?.params?.notifications, { taskIds: ["t"] })
      const tell = (params: object) =>
        wire.say({
          jsonrpc: "2.0",
          method: "notifications/tasks",
          params: { ...params, _meta: { "io.modelcontextprotocol/subscriptionId": listen!.id } }
        })
      tell({ taskId: "t", status: "sleeping" })
      tell({ ...done, taskId: "another" })
      yield* McpTest.settle
      assert.isUndefined(call.pollUnsafe())
      tell(done)
      assert.deepStrictEqual((yield* Fiber.join(call)).content, [{ type: "text", text: "done" }])
      // The stream has an end with the call.
      yield* McpTest.settle
      assert.strictEqual(scripted.methods(wire).at(-1), "notifications/cancelled")
    }))

  it.effect("again at once when the stream of news has ended, and often until there is another", () =>
    Effect.gen(function*() {
      const streams: Array<JsonRpc.RequestId> = []
      const { hears, looks } = looked([task()], {
        "subscriptions/listen": ({ id }, wire) => {
          streams.push(id)
          wire.say({
            jsonrpc: "2.0",
            method: "notifications/subscriptions/acknowledged",
            params: {
              notifications: { taskIds: ["t"] },
              _meta: { "io.modelcontextprotocol/subscriptionId": id }
            }
          })
        }
      })
      const { client, wire } = yield* connect(hears)
      const call = yield* begun(client.callTool("slow"))
      yield* TestClock.adjust("20 seconds")
      const before = looks()
      wire.result(streams[0]!, complete({}))
      yield* McpTest.settle
      assert.strictEqual(looks(), before + 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(streams.length, 2)
      yield* Fiber.interrupt(call)
    }))

  it.effect("at once where what the call came to is no beginning", () =>
    Effect.gen(function*() {
      for (const status of ["completed", "input_required", "failed", "cancelled"]) {
        const { hears, looks } = looked([done], {}, task({ status }))
        const { client } = yield* connect(hears)
        assert.strictEqual((yield* client.callTool("slow")).content.length, 1)
        assert.strictEqual(looks(), 1)
      }
    }))

  it.effect("again where the server was busy, or the answer was lost; not for ever", () =>
    Effect.gen(function*() {
      let looks = 0
      const { hears } = looked([], {
        "tasks/get": ({ id }, wire) => {
          looks++
          if (looks < 3) wire.error(id, 503, "busy")
          else if (looks < 5) wire.fail(id, new TransportError.Lost({ message: "lost" }))
          else wire.result(id, complete(done))
        }
      })
      const { client } = yield* connect(hears)
      const call = yield* begun(client.callTool("slow"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(call)).content.length, 1)

      const busy = looked([], { "tasks/get": ({ id }, wire) => wire.error(id, 503, "busy") })
      const second = yield* connect(busy.hears)
      const failing = yield* begun(reasonOf(second.client.callTool("slow")))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(failing))._tag, "Overloaded")
      // It may come to its end all the same.
      assert.notInclude(methodsOf(second.wire), "tasks/cancel")
    }))
})

describe("a question", () => {
  it.effect("that somebody else has answered is not asked any longer, and one that comes back is", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const asking = task({ status: "input_required", inputRequests: { a: question, b: question } })
      const left = task({ status: "input_required", inputRequests: { b: question } })
      const { hears } = looked([asking, left, asking, task(), done])
      const { client, wire } = yield* connect(
        hears,
        {},
        ClientHandlers.elicitation({
          form: () =>
            Effect.sync(() => void seen.push("asked")).pipe(
              Effect.andThen(Effect.never),
              // A dialog that takes its time to close holds up nothing.
              Effect.onInterrupt(() =>
                Effect.andThen(Effect.sync(() => seen.push("withdrawn")), Effect.sleep("30 seconds"))
              )
            )
        })
      )
      const call = yield* begun(client.callTool("slow"))
      const after = Effect.fnUntraced(function*() {
        yield* TestClock.adjust("1 second")
        return seen.splice(0)
      })
      assert.deepStrictEqual(yield* after(), ["asked", "asked"])
      assert.deepStrictEqual(yield* after(), ["withdrawn"])
      // Its dialog is not closed yet: it may not be asked twice.
      assert.deepStrictEqual(yield* after(), [])
      assert.deepStrictEqual(yield* after(), ["withdrawn"])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(call)).content.length, 1)
      assert.notInclude(methodsOf(wire), "tasks/update")
    }))

  it.effect("that was withdrawn and comes back is asked again", () =>
    Effect.gen(function*() {
      let count = 0
      const asking = task({ status: "input_required", inputRequests: { a: question } })
      const { hears } = looked([asking, task(), asking, task(), done])
      const { client } = yield* connect(
        hears,
        {},
        ClientHandlers.elicitation({ form: () => Effect.andThen(Effect.sync(() => count++), Effect.never) })
      )
      const call = yield* begun(client.callTool("slow"))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(call)
      assert.strictEqual(count, 2)
    }))
})

describe("a server that is wrong", () => {
  const ends = Effect.fnUntraced(function*(gets: ReadonlyArray<object>, created?: object) {
    const { hears } = looked(gets, {}, created)
    const { client, wire } = yield* connect(hears, {}, makeUser().layer)
    const call = yield* begun(reasonOf(client.callTool("slow")))
    yield* TestClock.adjust("5 seconds")
    const reason = yield* Fiber.join(call)
    return { tag: reason._tag, methods: methodsOf(wire) }
  })
  const refused = { tag: "InvalidResponse", methods: ["tasks/get", "tasks/cancel"] }

  it.effect("gives no task, or another than it was asked for", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ends([{}]), refused)
      assert.deepStrictEqual(yield* ends([task({ status: "sleeping" })]), refused)
      assert.deepStrictEqual(yield* ends([task({ taskId: "u" })]), refused)
      assert.deepStrictEqual(yield* ends([task({ status: "completed" })]), refused)
      assert.deepStrictEqual(yield* ends([task({ status: "completed", result: { content: 5 } })]), refused)
      assert.deepStrictEqual(
        yield* ends([task({ status: "completed", result: { resultType: "task", content: [] } })]),
        refused
      )
      assert.deepStrictEqual(yield* ends([task({ status: "failed", error: "no" })]), refused)
      assert.deepStrictEqual(yield* ends([task({ status: "input_required", inputRequests: [] })]), refused)
      // As 2025-11-25 has it.
      const nested = yield* ends([], { task: task() })
      assert.deepStrictEqual(nested, { tag: "InvalidResponse", methods: [] })
    }))

  it.effect("makes a task of what is no call", () =>
    Effect.gen(function*() {
      const { hears } = looked([], {
        "resources/read": ({ id }, wire) => wire.result(id, { resultType: "task", ...task() })
      })
      const { client } = yield* connect(hears)
      assert.strictEqual((yield* reasonOf(client.readResource("a:b")))._tag, "InvalidResponse")
    }))

  it.effect("asks again under a key that has its answer, and never gets another", () =>
    Effect.gen(function*() {
      const { asked, layer } = makeUser()
      const asking = task({ status: "input_required", inputRequests: { a: question } })
      const again = task({
        status: "input_required",
        inputRequests: { a: { ...question, params: { ...question.params, message: "Really?" } } }
      })
      const { hears } = looked([asking, asking, task(), again, asking, done])
      const { client, wire } = yield* connect(hears, {}, layer)
      const call = yield* begun(client.callTool("slow"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual((yield* Fiber.join(call)).content, [{ type: "text", text: "done" }])
      assert.deepStrictEqual(asked, ["Who?"])
      assert.deepStrictEqual(methodsOf(wire).filter((method) => method === "tasks/update"), ["tasks/update"])
      assert.deepStrictEqual(scripted.last(wire, "tasks/update").params?.inputResponses, {
        a: { action: "accept", content: { name: "Ada" } }
      })
    }))

  it.effect("asks without end", () =>
    Effect.gen(function*() {
      const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`q${index}`, question]))
      const ended = yield* ends([task({ status: "input_required", inputRequests: many })])
      assert.strictEqual(ended.tag, "TooManyRounds")
      assert.strictEqual(ended.methods.at(-1), "tasks/cancel")
    }))

  it.effect("tells late how the task was before", () =>
    Effect.gen(function*() {
      const states: Array<string> = []
      let id: JsonRpc.RequestId = 0
      const { hears } = looked([
        task({ status: "input_required", inputRequests: {}, lastUpdatedAt: "2026-07-28T00:00:05.000Z" })
      ], {
        "subscriptions/listen": (message) => {
          id = message.id
        }
      })
      const { client, wire } = yield* connect(hears)
      const watching = yield* begun(
        Stream.runForEach(
          TasksClient.make(client).resume("t").updates,
          ({ status }) => Effect.sync(() => states.push(status))
        )
      )
      wire.say({
        jsonrpc: "2.0",
        method: "notifications/tasks",
        params: { ...task(), _meta: { "io.modelcontextprotocol/subscriptionId": id } }
      })
      yield* McpTest.settle
      assert.deepStrictEqual(states, ["input_required"])
      yield* Fiber.interrupt(watching)
    }))

  it.effect("does not answer a cancel", () =>
    Effect.gen(function*() {
      const { hears } = looked([task()], { "tasks/cancel": () => {} })
      const { client, wire } = yield* connect(hears)
      const call = yield* begun(client.callTool("slow"))
      const interrupting = yield* begun(Fiber.interrupt(call))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(interrupting)
      assert.include(methodsOf(wire), "tasks/cancel")
    }))
})

// ----------------------------------------------------------------------------
// servers of 2025-11-25
// ----------------------------------------------------------------------------

describe("a server of 2025-11-25", () => {
  const sessionTask = (more: object = {}) => {
    const { pollIntervalMs: pollInterval, ttlMs: ttl, ...rest } = task()
    return { ...rest, ttl, pollInterval, ...more }
  }
  const content = [{ type: "text" as const, text: "done" }]

  const calling = Effect.fnUntraced(function*(
    answers: Answers,
    {
      capabilities = { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } },
      taskSupport = "required",
      ...options
    }: TasksClient.Options & { readonly capabilities?: object; readonly taskSupport?: string } = {}
  ) {
    const { client, wire } = yield* connect(
      scripted.stateful({
        "tools/list": ({ id }, wire) =>
          wire.result(id, {
            tools: [{ name: "slow", inputSchema: { type: "object" }, execution: { taskSupport } }]
          }),
        "tools/call": ({ id }, wire) => wire.result(id, { task: sessionTask() }),
        "tasks/result": ({ id }, wire) => wire.result(id, { content }),
        "tasks/get": ({ id }, wire) => wire.result(id, sessionTask()),
        "tasks/cancel": ({ id }, wire) => wire.result(id, sessionTask({ status: "cancelled" })),
        ...answers
      }, capabilities),
      options,
      Layer.empty,
      { revision: "2025-11-25" }
    )
    const call = yield* begun(Effect.result(client.callTool("slow")))
    yield* TestClock.adjust("1 minute")
    const result = yield* Fiber.join(call)
    return {
      wire,
      params: scripted.last(wire, "tools/call").params,
      outcome: result._tag === "Success" ? result.success.content : result.failure.reason._tag
    }
  })

  it.effect("is asked for a task where it has such, and the tool is one, for as long as the client likes", () =>
    Effect.gen(function*() {
      const plain = { name: "slow", arguments: {} }
      const made = yield* calling({}, { ttl: "90 seconds" })
      assert.deepStrictEqual(made.params, { ...plain, task: { ttl: 90_000 } })
      assert.deepStrictEqual(made.outcome, content)
      assert.deepStrictEqual((yield* calling({})).params, { ...plain, task: {} })
      const answered: Answers = { "tools/call": ({ id }, wire) => wire.result(id, { content }) }
      for (const without of [{ tools: {} }, { tools: {}, tasks: {} }, { tools: {}, tasks: { requests: {} } }]) {
        assert.deepStrictEqual((yield* calling(answered, { capabilities: without })).params, plain)
      }
      assert.deepStrictEqual((yield* calling(answered, { taskSupport: "forbidden", calls: "optional" })).params, plain)
      assert.deepStrictEqual((yield* calling(answered, { taskSupport: "optional" })).params, plain)
      // It may have no time for a task, and answer at once.
      assert.deepStrictEqual((yield* calling(answered)).outcome, content)
    }))

  it.effect("is asked for the result again when the connection it was to come on was lost", () =>
    Effect.gen(function*() {
      let count = 0
      const { outcome, wire } = yield* calling({
        "tasks/result": ({ id }, wire) =>
          ++count < 7 ? wire.fail(id, new TransportError.Lost({ message: "lost" })) : wire.result(id, { content })
      })
      assert.deepStrictEqual(outcome, content)
      assert.notInclude(methodsOf(wire), "tasks/cancel")
    }))

  it.effect("that gives no task, or no result, is not waited for", () =>
    Effect.gen(function*() {
      const noTask = yield* calling({ "tools/call": ({ id }, wire) => wire.result(id, { task: { taskId: 5 } }) })
      assert.strictEqual(noTask.outcome, "InvalidResponse")
      const noResult = yield* calling({ "tasks/result": ({ id }, wire) => wire.result(id, { contents: 1 }) })
      assert.strictEqual(noResult.outcome, "InvalidResponse")
      assert.strictEqual(methodsOf(noResult.wire).at(-1), "tasks/cancel")
      const error: Answers = { "tasks/result": ({ id }, wire) => wire.error(id, -32602, "wrong arguments") }
      // The error is the call's own, for the task is there; or there is none any more.
      assert.strictEqual((yield* calling(error)).outcome, "InvalidParams")
      const gone: Answers = { ...error, "tasks/get": ({ id }, wire) => wire.error(id, -32602, "no such task") }
      assert.strictEqual((yield* calling(gone)).outcome, "TaskGone")
      const cancelled: Answers = {
        "tasks/result": ({ id }, wire) => wire.error(id, -32603, "no result"),
        "tasks/get": ({ id }, wire) => wire.result(id, sessionTask({ status: "cancelled" }))
      }
      assert.strictEqual((yield* calling(cancelled)).outcome, "TaskCancelled")
    }))
})

// ----------------------------------------------------------------------------
// servers of 2025-11-25 that want answers as tasks
// ----------------------------------------------------------------------------

describe("a client asked by a server of 2025-11-25", () => {
  const elicitation = { mode: "form", message: "Who?", requestedSchema: form() }
  const sampling = { messages: [{ role: "user", content: { type: "text", text: "2 and 3?" } }], maxTokens: 5 }

  const open = Effect.fnUntraced(function*(
    handlers: Parameters<typeof connect>[2],
    receive?: TasksClient.ReceiveOptions | false,
    revision: "2025-11-25" | "2025-06-18" = "2025-11-25"
  ) {
    yield* TestClock.setTime(Date.parse("2026-01-01T00:00:00.000Z"))
    const { wire } = yield* connect(
      scripted.stateful({
        initialize: ({ id }, wire) =>
          wire.result(id, {
            protocolVersion: revision,
            capabilities: {},
            serverInfo: { name: "scripted", version: "1" }
          })
      }),
      receive === undefined ? {} : { receive },
      handlers,
      { revision }
    )
    let last = 0
    const send = (method: string, params: object) => {
      const id = `s${++last}`
      wire.say({ jsonrpc: "2.0", id, method, params })
      return id
    }
    const answerTo = (id: string) =>
      wire.sent.find((message): message is JsonRpc.Response => message._tag === "Response" && message.id === id)
    const ask = (method: string, params: object) =>
      Effect.gen(function*() {
        const id = send(method, params)
        yield* McpTest.settle
        const answer = answerTo(id)
        return { result: json(answer?.result), error: answer?.error }
      })
    const { capabilities } = json(scripted.last(wire, "initialize").params)
    return { wire, send, answerTo, ask, capabilities }
  })

  it.effect("says what it runs as tasks, and to whom it matters", () =>
    Effect.gen(function*() {
      const { layer } = makeUser()
      assert.deepStrictEqual((yield* open(layer)).capabilities, {
        elicitation: { form: {} },
        tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} } } }
      })
      assert.isUndefined((yield* open(layer, false)).capabilities.tasks)
      assert.isUndefined((yield* open(layer, undefined, "2025-06-18")).capabilities.tasks)
      assert.deepStrictEqual((yield* open(Layer.empty)).capabilities, {})
      const modern = yield* connect(scripted.stateless(), {}, layer)
      assert.deepStrictEqual(
        json(scripted.last(modern.wire, "server/discover").params)._meta[
          "io.modelcontextprotocol/clientCapabilities"
        ],
        { elicitation: { form: {} }, extensions: { [TaskSchema.extensionId]: {} } }
      )
    }))

  it.effect("answers at once with a task, and later with what it came to", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { answerTo, ask, send } = yield* open(ClientHandlers.elicitation({
        form: () => Effect.as(Deferred.await(gate), ClientHandlers.accept({ name: "Ada" }))
      }))
      const { result: { task } } = yield* ask("elicitation/create", { ...elicitation, task: { ttl: 60_000 } })
      assert.match(task.taskId, /^[\da-f]{32}$/u)
      const { taskId } = task
      const working = {
        taskId,
        status: "working",
        createdAt: "2026-01-01T00:00:00.000Z",
        lastUpdatedAt: "2026-01-01T00:00:00.000Z",
        ttl: 60_000,
        pollInterval: 1000
      }
      assert.deepStrictEqual(task, working)
      assert.deepStrictEqual((yield* ask("tasks/get", { taskId })).result, working)
      const waiting = send("tasks/result", { taskId })
      yield* McpTest.settle
      assert.isUndefined(answerTo(waiting))
      yield* TestClock.adjust("5 seconds")
      yield* Deferred.succeed(gate, undefined)
      yield* McpTest.settle
      const answer = {
        action: "accept",
        content: { name: "Ada" },
        _meta: { "io.modelcontextprotocol/related-task": { taskId } }
      }
      assert.deepStrictEqual(answerTo(waiting)?.result, answer)
      assert.deepStrictEqual((yield* ask("tasks/result", { taskId })).result, answer)
      const ended = { ...working, status: "completed", lastUpdatedAt: "2026-01-01T00:00:05.000Z" }
      assert.deepStrictEqual((yield* ask("tasks/list", {})).result, { tasks: [ended] })
      assert.strictEqual((yield* ask("tasks/cancel", { taskId })).error?.code, -32602)
      // It is kept no longer than was agreed.
      yield* TestClock.adjust("55 seconds")
      assert.strictEqual((yield* ask("tasks/get", { taskId })).error?.code, -32602)
      assert.deepStrictEqual((yield* ask("tasks/list", {})).result, { tasks: [] })
    }))

  it.effect("answers as ever where nobody wants a task", () =>
    Effect.gen(function*() {
      const { layer } = makeUser()
      const { ask } = yield* open(layer)
      assert.strictEqual((yield* ask("elicitation/create", elicitation)).result.action, "accept")
      const without = yield* open(makeUser().layer, false)
      assert.strictEqual(
        (yield* without.ask("elicitation/create", { ...elicitation, task: {} })).result.action,
        "accept"
      )
      assert.strictEqual((yield* without.ask("tasks/list", {})).error?.code, -32601)
    }))

  it.effect("stops when the server does not want it any more, or when its time is over", () =>
    Effect.gen(function*() {
      let stopped = 0
      const { answerTo, ask, send } = yield* open(ClientHandlers.sampling({
        createMessage: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void stopped++))
      }))
      const first = (yield* ask("sampling/createMessage", { ...sampling, task: {} })).result.task
      assert.strictEqual(first.ttl, 600_000)
      const waiting = send("tasks/result", { taskId: first.taskId })
      const cancelled = (yield* ask("tasks/cancel", { taskId: first.taskId })).result
      assert.deepInclude(cancelled, { taskId: first.taskId, status: "cancelled" })
      assert.strictEqual(stopped, 1)
      assert.strictEqual(answerTo(waiting)?.error?.code, 499)
      const second = (yield* ask("sampling/createMessage", { ...sampling, task: { ttl: 86_400_000 } })).result.task
      assert.strictEqual(second.ttl, 3_600_000)
      const late = send("tasks/result", { taskId: second.taskId })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(stopped, 2)
      assert.strictEqual(answerTo(late)?.error?.code, -32602)
    }))

  it.effect("does not wait for a handler that will not stop, and does not show what that comes to", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { ask } = yield* open(ClientHandlers.elicitation({
        form: () => Effect.uninterruptible(Effect.as(Deferred.await(gate), ClientHandlers.accept({ name: "Ada" })))
      }))
      const { taskId } = (yield* ask("elicitation/create", { ...elicitation, task: {} })).result.task
      assert.strictEqual((yield* ask("tasks/cancel", { taskId })).result.status, "cancelled")
      yield* Deferred.succeed(gate, undefined)
      yield* McpTest.settle
      assert.strictEqual((yield* ask("tasks/get", { taskId })).result.status, "cancelled")
    }))

  it.effect("fails as the answer would have failed", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(Layer.merge(
        ClientHandlers.sampling({ createMessage: () => Effect.die(new Error("secret words")) }),
        ClientHandlers.elicitation({ form: () => Effect.fail(McpError.invalidRequest("no user")) })
      ))
      const outcome = Effect.fnUntraced(function*(method: string, params: object) {
        const { taskId } = (yield* ask(method, { ...params, task: {} })).result.task
        const { status, statusMessage } = (yield* ask("tasks/get", { taskId })).result
        const { error } = yield* ask("tasks/result", { taskId })
        return { status, statusMessage, code: error?.code, message: error?.message }
      })
      assert.deepStrictEqual(yield* outcome("elicitation/create", elicitation), {
        status: "failed",
        statusMessage: "no user",
        code: -32600,
        message: "no user"
      })
      assert.deepStrictEqual(yield* outcome("sampling/createMessage", sampling), {
        status: "failed",
        statusMessage: "Internal error",
        code: -32603,
        message: "Internal error"
      })
      assert.strictEqual((yield* outcome("elicitation/create", { mode: "form" })).code, -32602)
    }))

  it.effect("takes no more than it can keep, and nothing that makes no sense", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(ClientHandlers.elicitation({ form: () => Effect.never }), { maxTasks: 2 })
      const one = (yield* ask("elicitation/create", { ...elicitation, task: {} })).result.task
      yield* ask("elicitation/create", { ...elicitation, task: {} })
      assert.strictEqual((yield* ask("elicitation/create", { ...elicitation, task: {} })).error?.code, 503)
      const listed = (yield* ask("tasks/list", {})).result.tasks
      assert.deepStrictEqual([listed.length, listed[1].taskId], [2, one.taskId])
      for (const task of [{ ttl: -1 }, { ttl: "1" }, { ttl: 0.5 }, 5, null]) {
        assert.strictEqual((yield* ask("elicitation/create", { ...elicitation, task })).error?.code, -32602)
      }
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
        assert.strictEqual((yield* ask(method, { taskId: "another" })).error?.code, -32602)
        assert.strictEqual((yield* ask(method, {})).error?.code, -32602)
      }
      assert.strictEqual((yield* ask("tasks/list", { cursor: "x" })).error?.code, -32602)
      assert.strictEqual((yield* ask("roots/list", { task: {} })).error?.code, -32601)
    }))

  it.effect("two clients with one extension keep their tasks apart", () =>
    Effect.gen(function*() {
      const options: McpClient.Options = { extensions: [TasksClient.extension()] }
      const connected = Effect.gen(function*() {
        const server = scripted.make({ hears: scripted.stateful() })
        yield* Effect.provide(
          McpClient.make({ ...options, revision: "2025-11-25" }),
          Layer.merge(server.layer, ClientHandlers.elicitation({ form: () => Effect.never }))
        )
        return server.wire()
      })
      const [one, other] = [yield* connected, yield* connected]
      one.say({ jsonrpc: "2.0", id: "a", method: "elicitation/create", params: { ...elicitation, task: {} } })
      yield* McpTest.settle
      const { taskId } = json(one.sent.at(-1)).result.task
      other.say({ jsonrpc: "2.0", id: "b", method: "tasks/get", params: { taskId } })
      yield* McpTest.settle
      assert.strictEqual(json(other.sent.at(-1)).error.code, -32602)
    }))
})
