/** A workflow as tools. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Activity from "effect/workflow/Activity"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as WorkflowTools from "fastmcp-effect/provider/WorkflowTools"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import strict from "node:assert/strict"
import * as tasks from "../tasks/support.ts"

class Unknown extends Schema.TaggedError<Unknown>()("Unknown", { isbn: Schema.String, at: Schema.Date }) {}

const Order = Workflow.make("order", {
  payload: { isbn: Schema.String, copies: Schema.optionalKey(Schema.Int) },
  success: Schema.Struct({ number: Schema.BigInt }),
  error: Unknown,
  idempotencyKey: ({ isbn }) => isbn
}).annotate(OpenApi.Description, "Orders a book")

const Paid = DurableDeferred.make("paid")

/** How often the book was ordered. */
class Ordered extends Context.Service<Ordered, Array<string>>()("test/workflow/Ordered") {}

const OrderLive = Order.toLayer(({ copies = 1, isbn }) =>
  Effect.gen(function*() {
    const ordered = yield* Ordered
    if (isbn === "") return yield* new Unknown({ isbn, at: new Date(7) })
    if (isbn === "broken") return yield* Effect.die(new Error("a secret of the workflow"))
    yield* Activity.make({ name: "order", execute: Effect.sync(() => void ordered.push(isbn)) })
    if (isbn === "slow") yield* Effect.sleep("1 minute")
    if (isbn === "paid") yield* DurableDeferred.await(Paid)
    return { number: BigInt(copies) }
  })
)

const all = ["start", "poll", "interrupt", "resume"] as const

const serving = (options: WorkflowTools.Options = { also: all }, withTasks = false) =>
  McpServer.register(WorkflowTools.make([Order], options)).pipe(
    Layer.provideMerge(McpServer.layer({
      name: "orders",
      version: "1.0.0",
      extensions: withTasks ? [McpTasks.extension({ worker: { drain: 0 } })] : [],
      requestTimeout: "5 minutes"
    })),
    Layer.provideMerge(OrderLive),
    Layer.provideMerge(WorkflowEngine.layerMemory),
    Layer.provideMerge(Layer.succeed(Ordered, [])),
    Layer.provideMerge(Layer.fresh(Docket.layerMemory()))
  )

const opened = (options?: WorkflowTools.Options) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(serving(options))
    const client = yield* McpTest.client(Layer.succeedContext(context))
    return { context, client, ordered: Context.get(context, Ordered) }
  })

/** The id of an execution is a hash, which the machine makes beside what runs here. */
const elsewhere = Effect.andThen(Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1))), McpTest.settle)

const entries = WorkflowTools.reflect([Order], { also: all })

const [execute, start, poll] = entries.map(({ tool }) => tool) as unknown as readonly [
  WorkflowTools.Entry["tool"],
  WorkflowTools.Entry["tool"],
  WorkflowTools.Entry["tool"]
]

describe("a workflow", () => {
  it.effect("is a tool that waits for its result, and more where that is said", () =>
    Effect.gen(function*() {
      const { client } = yield* opened()
      const tools = yield* client.listTools
      assert.deepStrictEqual(
        tools.map(({ name }) => name),
        ["order", "order_start", "order_poll", "order_interrupt", "order_resume"]
      )
      assert.strictEqual(tools[0]!.description, "Orders a book")
      assert.deepStrictEqual(tools[0]!.inputSchema, {
        type: "object",
        properties: { isbn: { type: "string" }, copies: { type: "integer" } },
        required: ["isbn"]
      })
      assert.deepStrictEqual(tools[0]!.annotations, { readOnlyHint: false, idempotentHint: true })
      const alone = yield* McpTest.client(serving({}))
      assert.deepStrictEqual((yield* alone.listTools).map(({ name }) => name), ["order"])
    }))

  it.effect("gives the result and the error that it gives to its own", () =>
    Effect.gen(function*() {
      const { client, context } = yield* opened()
      for (const payload of [{ isbn: "1", copies: 3 }, { isbn: "" }]) {
        const [here, there] = yield* Effect.all([
          Effect.exit(client.call(execute, { payload })),
          Effect.exit(Order.execute(payload)).pipe(Effect.provideContext(context))
        ])
        strict.deepStrictEqual(Outcome.fromExit<unknown, unknown>(here), Outcome.fromExit<unknown, unknown>(there))
      }
      const error = yield* Effect.flip(client.callTool("order", { isbn: "broken" }))
      assert.strictEqual(error.reason._tag, "InternalError")
      assert.notInclude(JSON.stringify(yield* client.frames), "secret")
    }))

  it.effect("runs once for one payload, however often it is called", () =>
    Effect.gen(function*() {
      const { client, ordered } = yield* opened()
      const results = yield* Effect.all([
        client.callTool("order", { isbn: "1", copies: 3 }),
        client.callTool("order", { isbn: "1", copies: 4 })
      ], { concurrency: 2 })
      assert.deepStrictEqual(results.map(({ structuredContent }) => structuredContent), [
        { number: "3" },
        { number: "3" }
      ])
      assert.deepStrictEqual(ordered, ["1"])
    }))

  it.effect("is started without waiting, looked at, and ended", () =>
    Effect.gen(function*() {
      const { client } = yield* opened()
      const { executionId }: any = yield* client.call(start, { payload: { isbn: "slow" } })
      const status = client.call(poll, { executionId })
      assert.deepStrictEqual(yield* status, { status: "pending" })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* status, { status: "succeeded", value: { number: 1n } })

      const failed: any = yield* client.call(start, { payload: { isbn: "" } })
      yield* McpTest.settle
      assert.deepStrictEqual(yield* client.call(poll, failed), {
        status: "failed",
        error: new Unknown({ isbn: "", at: new Date(7) })
      })

      const waiting: any = yield* client.call(start, { payload: { isbn: "paid" } })
      yield* McpTest.settle
      assert.deepStrictEqual(yield* client.call(poll, waiting), { status: "suspended" })
      yield* client.callTool("order_interrupt", waiting)
      yield* McpTest.settle
      assert.deepStrictEqual(yield* client.call(poll, waiting), { status: "interrupted" })

      const broken: any = yield* client.call(start, { payload: { isbn: "broken" } })
      yield* McpTest.settle
      assert.deepStrictEqual(yield* client.call(poll, broken), { status: "died" })
    }))

  it.effect("goes on when the call is cancelled, unless it is to end with it", () =>
    Effect.gen(function*() {
      for (const onCancel of ["leave", "interrupt"] as const) {
        const { client } = yield* opened({ also: ["poll"], onCancel })
        const executionId = yield* Order.executionId({ isbn: "paid" })
        const becomes = (expected: string) =>
          Effect.tap(
            Effect.andThen(elsewhere, client.call(poll, { executionId })).pipe(
              Effect.repeat({ until: ({ status }: any) => status === expected, times: 1000 })
            ),
            ({ status }: any) => Effect.sync(() => assert.strictEqual(status, expected))
          )
        const call = yield* Effect.forkChild(client.callTool("order", { isbn: "paid" }), { startImmediately: true })
        yield* becomes("suspended")
        yield* Fiber.interrupt(call)
        yield* Effect.repeat(elsewhere, { times: 20 })
        yield* becomes(onCancel === "leave" ? "suspended" : "interrupted")
      }
    }))

  it.effect("is a task where the server has tasks and the client takes them", () =>
    Effect.gen(function*() {
      const orders = yield* Layer.build(serving({}, true))
      const client = yield* tasks.modern(Layer.succeedContext(orders), Identity.make({ subject: "ann" }))
      const { taskId } = yield* tasks.call(client, "order", { isbn: "slow", copies: 2 })
      assert.isString(taskId)
      yield* tasks.moment
      assert.strictEqual((yield* tasks.get(client, taskId)).status, "working")
      yield* TestClock.adjust("1 minute")
      for (let i = 0; i < 20; i++) yield* tasks.moment
      const { result, status } = yield* tasks.get(client, taskId)
      assert.strictEqual(status, "completed")
      assert.deepStrictEqual(tasks.json(result).structuredContent, { number: "2" })
      assert.deepStrictEqual(Context.get(orders, Ordered), ["slow"])
    }))
})
