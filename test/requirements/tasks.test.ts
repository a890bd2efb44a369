import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { until } from "../server/wires.ts"
import { type Client, settle } from "./client.ts"
import { errorOf, isRequest, notificationsOf, progressOf, resultOf } from "./frames.ts"
import { verifies } from "./verifies.ts"

const relatedTask = "io.modelcontextprotocol/related-task"

const moment = Effect.andThen(TestClock.adjust("300 millis"), settle)

/** A task of this tool. */
const begin = (client: Client, name: string, more: object = {}) =>
  Effect.map(client.request("tools/call", { name, arguments: {}, task: {}, ...more }), (frame) => resultOf(frame).task)

const get = (client: Client, taskId: string) => Effect.map(client.request("tasks/get", { taskId }), resultOf)

const ended = (client: Client, taskId: string) =>
  Effect.gen(function*() {
    for (let turn = 0; turn < 50; turn++) {
      const task = yield* get(client, taskId)
      if (!["working", "input_required"].includes(task.status)) return task
      yield* moment
    }
    return assert.fail("the task does not end")
  })

const asks = { capabilities: { elicitation: { form: {} } } }

verifies(
  "tasks:capability",
  (client) =>
    Effect.sync(() =>
      assert.deepStrictEqual(client.initialized!.result.capabilities.tasks, {
        list: {},
        cancel: {},
        requests: { tools: { call: {} } }
      })
    )
)

verifies("tasks:undeclared", { server: { hasTasks: false } }, (client) =>
  Effect.gen(function*() {
    assert.isUndefined(client.initialized!.result.capabilities.tasks)
    const answer = yield* client.request("tools/call", { name: "echo", arguments: { text: "a" }, task: { ttl: 5 } })
    assert.deepStrictEqual(resultOf(answer).content, [{ type: "text", text: "a" }])
    const plain = yield* client.request("tools/call", { name: "taskFails", arguments: {}, task: {} })
    assert.isTrue(resultOf(plain).isError)
    errorOf(yield* client.request("tasks/get", { taskId: "a" }), -32601)
  }))

verifies("tasks:required", (client) =>
  Effect.gen(function*() {
    const listed = resultOf(yield* client.request("tools/list")).tools.find(({ name }: any) => name === "taskAsks")
    assert.deepStrictEqual(listed.execution, { taskSupport: "required" })
    errorOf(yield* client.call("taskAsks"), -32601)
  }))

verifies("tasks:forbidden", (client) =>
  Effect.flatMap(
    client.request("tools/call", { name: "nothing", arguments: {}, task: {} }),
    (answer) => Effect.sync(() => errorOf(answer, -32601))
  ))

verifies("tasks:create", (client) =>
  Effect.gen(function*() {
    const answer = resultOf(yield* client.request("tools/call", { name: "taskWaits", arguments: {}, task: {} }))
    assert.isUndefined(answer.content)
    assert.strictEqual(answer.task.status, "working")
    assert.strictEqual((yield* get(client, answer.task.taskId)).taskId, answer.task.taskId)
  }))

verifies("tasks:id", (client) =>
  Effect.gen(function*() {
    const tasks = yield* Effect.forEach(Array.from({ length: 20 }), () => begin(client, "taskFails"))
    const ids = tasks.map(({ taskId }) => taskId)
    for (const id of ids) assert.match(id, /^[\da-f]{44}$/u)
    assert.strictEqual(new Set(ids).size, 20)
  }))

verifies("tasks:times", (client) =>
  Effect.gen(function*() {
    const made = yield* begin(client, "taskWaits", { task: { ttl: 1e15 } })
    const day = 24 * 3_600_000
    assert.deepInclude(made, {
      createdAt: "1970-01-01T00:00:00.000Z",
      lastUpdatedAt: "1970-01-01T00:00:00.000Z",
      ttl: day
    })
    yield* TestClock.adjust("2 seconds")
    resultOf(yield* client.request("tasks/cancel", { taskId: made.taskId }))
    assert.deepInclude(yield* get(client, made.taskId), {
      createdAt: "1970-01-01T00:00:00.000Z",
      lastUpdatedAt: "1970-01-01T00:00:02.000Z",
      ttl: day
    })
  }))

/** Its question, once whoever waits for the result is asked. */
const question = (client: Client, taskId: string) =>
  Effect.gen(function*() {
    const waiting = client.start("tasks/result", { taskId })
    const find = () => client.frames.find((frame) => isRequest(frame) && frame.method === "elicitation/create")
    yield* until(() => find() !== undefined, () => `a question among ${JSON.stringify(client.frames)}`)
    return { waiting, asked: find()! }
  })

verifies("tasks:transitions", asks, (client) =>
  Effect.gen(function*() {
    const { status, taskId } = yield* begin(client, "taskAsks")
    const seen = [status]
    yield* moment
    seen.push((yield* get(client, taskId)).status)
    const { asked, waiting } = yield* question(client, taskId)
    client.send({ jsonrpc: "2.0", id: asked.id!, result: { action: "accept", content: { word: "yes" } } })
    yield* client.answer(waiting)
    const done = yield* get(client, taskId)
    assert.deepStrictEqual([...seen, done.status], ["working", "input_required", "completed"])
    errorOf(yield* client.request("tasks/cancel", { taskId }), -32602)
    yield* TestClock.adjust("10 minutes")
    assert.deepStrictEqual(yield* get(client, taskId), done)
  }))

verifies("tasks:question", asks, (client) =>
  Effect.gen(function*() {
    const { taskId } = yield* begin(client, "taskAsks")
    yield* moment
    const { asked, waiting } = yield* question(client, taskId)
    assert.deepStrictEqual(asked.params._meta[relatedTask], { taskId })
    client.send({ jsonrpc: "2.0", id: asked.id!, result: { action: "accept", content: { word: "yes" } } })
    const result = resultOf(yield* client.answer(waiting))
    assert.deepStrictEqual(result.content, [{ type: "text", text: "said yes" }])
    assert.deepStrictEqual(result._meta[relatedTask], { taskId })
  }))

verifies("tasks:result", (client) =>
  Effect.gen(function*() {
    for (const name of ["taskFails", "taskRefuses"]) {
      const { taskId } = yield* begin(client, name)
      assert.strictEqual((yield* ended(client, taskId)).status, "failed")
      const plain = yield* client.call(name)
      const later = yield* client.request("tasks/result", { taskId })
      assert.deepStrictEqual(later.error, plain.error)
      if (plain.result === undefined) continue
      assert.deepStrictEqual(later.result, {
        ...plain.result,
        _meta: { ...plain.result._meta, [relatedTask]: { taskId } }
      })
    }
  }))

verifies("tasks:wait", (client, { probe }) =>
  Effect.gen(function*() {
    const { taskId } = yield* begin(client, "taskWaits")
    const waiting = client.start("tasks/result", { taskId })
    yield* TestClock.adjust("40 minutes")
    yield* settle
    assert.isUndefined(client.frames.find(({ id, method }) => id === waiting && method === undefined))
    yield* Deferred.succeed(probe.gate, undefined)
    assert.deepStrictEqual(resultOf(yield* client.answer(waiting)).content, [{ type: "text", text: "waited" }])
  }))

verifies("tasks:params", (client) =>
  Effect.gen(function*() {
    const one = yield* begin(client, "taskWaits")
    const other = yield* begin(client, "taskWaits")
    const named = { taskId: one.taskId, _meta: { [relatedTask]: { taskId: other.taskId } } }
    assert.strictEqual(resultOf(yield* client.request("tasks/get", named)).taskId, one.taskId)
    assert.strictEqual(resultOf(yield* client.request("tasks/cancel", named)).taskId, one.taskId)
    assert.strictEqual((yield* get(client, other.taskId)).status, "working")
  }))

verifies("tasks:progress", (client, { probe }) =>
  Effect.gen(function*() {
    const { taskId } = yield* begin(client, "taskWaits", { _meta: { progressToken: "token" } })
    const waiting = client.start("tasks/result", { taskId })
    yield* moment
    yield* TestClock.adjust("2 seconds")
    yield* Deferred.succeed(probe.gate, undefined)
    yield* client.answer(waiting)
    const heard = client.frames.length
    yield* TestClock.adjust("1 minute")
    yield* settle
    assert.strictEqual(progressOf(client.frames, "token")[0], 1)
    assert.deepStrictEqual(notificationsOf(client.frames.slice(heard), "notifications/progress"), [])
    for (const { params } of notificationsOf(client.frames, "notifications/progress")) {
      assert.strictEqual(params.progressToken, "token")
      assert.deepStrictEqual(params._meta[relatedTask], { taskId })
    }
  }))

verifies("tasks:list", { server: { tasksOnPage: 2 } }, (client) =>
  Effect.gen(function*() {
    const made = yield* Effect.forEach(Array.from({ length: 5 }), () => begin(client, "taskFails"))
    const found: Array<string> = []
    let cursor: string | undefined
    do {
      const page = resultOf(yield* client.request("tasks/list", cursor === undefined ? {} : { cursor }))
      assert.isAtMost(page.tasks.length, 2)
      found.push(...page.tasks.map(({ taskId }: any) => taskId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    assert.deepStrictEqual(found, made.map(({ taskId }) => taskId).toReversed())
  }))

verifies("tasks:cancel", (client, { probe }) =>
  Effect.gen(function*() {
    const { taskId } = yield* begin(client, "taskWaits")
    yield* moment
    assert.strictEqual(resultOf(yield* client.request("tasks/cancel", { taskId })).status, "cancelled")
    yield* Deferred.succeed(probe.gate, undefined)
    yield* TestClock.adjust("1 minute")
    assert.strictEqual((yield* get(client, taskId)).status, "cancelled")
    errorOf(yield* client.request("tasks/cancel", { taskId }), -32602)
  }))

verifies("tasks:unknown", (client) =>
  Effect.gen(function*() {
    for (const taskId of ["", "a", "f".repeat(44)]) {
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
        errorOf(yield* client.request(method, { taskId }), -32602)
      }
    }
    errorOf(yield* client.request("tasks/get", { taskId: 1 }), -32602)
    errorOf(yield* client.request("tasks/list", { cursor: "a" }), -32602)
    const { taskId } = yield* begin(client, "taskDies")
    yield* ended(client, taskId)
    const { message } = errorOf(yield* client.request("tasks/result", { taskId }), -32603)
    assert.notInclude(message, "no word of this")
  }))
