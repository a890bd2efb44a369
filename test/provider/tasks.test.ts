/** Tools that a server behind a proxy runs as tasks. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { McpServer, Progress, Tool } from "fastmcp-effect"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { assert, describe, it } from "../support/effectVitest.ts"
import * as tasks from "../tasks/support.ts"
import * as hops from "./hops.ts"

const slow = Tool.make("slow", {
  success: Schema.String,
  task: "required",
  handler: () => Effect.andThen(Progress.report(1), Effect.as(Effect.sleep("2 seconds"), "slept"))
})

const proxied = (behind: typeof hops.eras[number], extensions: ReadonlyArray<ReturnType<typeof McpTasks.extension>>) =>
  McpServer.register(Proxy.make({
    name: "behind",
    transport: hops.to(tasks.alone([slow])),
    tasks: true,
    client: { revision: behind, extensions: [TasksClient.extension()] }
  })).pipe(
    Layer.provideMerge(McpServer.layer({ name: "front", version: "1.0.0", extensions })),
    Layer.provide(Layer.fresh(Docket.layerMemory()))
  )

/** Until it is done, a second at a time. */
const waiting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const running = yield* Effect.forkChild(effect, { startImmediately: true })
    for (let seconds = 0; seconds < 20 && running.pollUnsafe() === undefined; seconds++) {
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
    }
    return yield* Fiber.join(running)
  })

for (const pair of hops.pairs) {
  describe(`a proxy, ${pair.front} in front and ${pair.behind} behind,`, () => {
    it.effect("waits for the server's task where its client knows no tasks", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(proxied(pair.behind, []), { revision: pair.front })
        const { content } = yield* waiting(client.callTool("slow"))
        assert.deepStrictEqual(content, [{ type: "text", text: "slept" }])
      }))
  })
}

it.effect("a proxy with tasks of its own runs the call as one of them", () =>
  Effect.gen(function*() {
    const front = proxied("2025-11-25", [McpTasks.extension({ worker: { drain: 0 } })])
    const client = yield* tasks.session(front)
    const [tool] = yield* client.listTools
    assert.deepStrictEqual(tool!.execution, { taskSupport: "required" })
    const created = yield* tasks.call(client, "slow", {}, { task: {} })
    const { content } = yield* waiting(client.request("tasks/result", { taskId: created.task.taskId }))
    assert.deepStrictEqual(content, [{ type: "text", text: "slept" }])
  }))
