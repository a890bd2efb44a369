/** What limits, caches, compartments and times make of a call that goes on as a task. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as Bulkhead from "fastmcp-effect/middleware/Bulkhead"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as Caching from "fastmcp-effect/middleware/Caching"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import * as Timeout from "fastmcp-effect/middleware/Timeout"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { accept, type AnyTool, asked, call, capabilities, type Client, get, moment, update } from "../tasks/support.ts"
import { info, shared } from "./serving.ts"

const serve = (
  tools: ReadonlyArray<AnyTool>,
  middleware: ReadonlyArray<Middleware.Middleware<never, RateLimitStore.RateLimitStore | CacheStore.CacheStore>>
) =>
  shared(
    McpServer.layer({
      ...info,
      tools,
      middleware,
      extensions: [McpTasks.extension({ worker: { drain: 0 } })]
    }).pipe(
      Layer.provideMerge(CacheStore.layerMemory()),
      Layer.provide([RateLimitStore.layerMemory(), Layer.fresh(Docket.layerMemory())])
    )
  )

/** A caller, how it makes a task, and how it waits for what that comes to. */
interface Caller {
  readonly client: Client
  readonly create: (tool: string, args?: JsonRpc.JsonObject) => Effect.Effect<string, any>
  readonly text: (taskId: string) => Effect.Effect<string, any>
}

const textOf = ({ content, isError }: any): string => {
  assert.isNotTrue(isError)
  return content[0].text
}

const eras: { readonly [revision in "2025-11-25" | "2026-07-28"]: (client: Client) => Caller } = {
  "2025-11-25": (client) => ({
    client,
    create: (tool, args) => Effect.map(call(client, tool, args, { task: {} }), ({ task }) => task.taskId),
    text: (taskId) => Effect.map(client.request("tasks/result", { taskId }), textOf)
  }),
  "2026-07-28": (client) => ({
    client,
    create: (tool, args) => Effect.map(call(client, tool, args), ({ taskId }) => taskId),
    text: (taskId) =>
      Effect.map(
        Effect.repeat(Effect.delay(get(client, taskId), "1 second"), {
          until: ({ status }) => status === "completed" || status === "failed"
        }),
        ({ error, result }) => error === undefined ? textOf(result) : error.message
      )
  })
}

const ada = Identity.make({ subject: "ada" })

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const connect = (
    server: Effect.Success<ReturnType<typeof serve>>,
    more: McpTest.Options = { capabilities }
  ) => McpTest.client(server, { revision, identity: ada, ...more })

  /** The text of a task, while time goes by. */
  const ends = ({ text }: Caller, taskId: string) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(text(taskId), { startImmediately: true })
      for (let index = 0; index < 20 && fiber.pollUnsafe() === undefined; index++) yield* TestClock.adjust("500 millis")
      return yield* Fiber.join(fiber)
    })

  describe(`a task in ${revision}`, () => {
    it.effect("is told from its call", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const nested = Tool.make("nested", { handler: () => Effect.void })
        const tool = Tool.make("tool", {
          success: Schema.String,
          task: "optional",
          handler: () => Effect.as(Tool.call(nested, {}), "done")
        })
        const server = yield* serve([tool, nested], [
          Middleware.make(({ isTaskRun = false, tool }, next) => {
            if (tool !== undefined) seen.push(`${tool.name} ${isTaskRun}`)
            return next
          })
        ])
        const caller = eras[revision](yield* connect(server))
        assert.strictEqual(yield* ends(caller, yield* caller.create("tool")), "done")
        assert.deepStrictEqual(seen, ["tool false", "tool true", "nested false"])
      }))

    it.effect("counts once against a limit, however often it runs and is looked at", () =>
      Effect.gen(function*() {
        let runs = 0
        const questions = Tool.make("questions", {
          success: Schema.String,
          task: "optional",
          handler: () =>
            Effect.andThen(
              Effect.sync(() => runs++),
              Effect.map(asked, ({ which, who }) => `${who.name} ${which.color}`)
            )
        })
        const plain = Tool.make("plain", { success: Schema.String, handler: () => Effect.succeed("plain") })
        const server = yield* serve([questions, plain], [RateLimit.make({ limit: 2, window: "1 hour" })])
        // Asked on the stream of tasks/result, or with what tasks/get says.
        const answers: McpTest.Answers = {
          elicit: ({ message }) =>
            Effect.succeed({ action: "accept", content: message === "Who?" ? { name: "Ada" } : { color: "red" } })
        }
        const client = yield* connect(server, revision === "2025-11-25" ? { answers } : undefined)
        const caller = eras[revision](client)
        const taskId = yield* caller.create("questions")
        yield* moment
        for (let index = 0; index < 10; index++) yield* get(client, taskId)
        if (revision === "2026-07-28") {
          yield* update(client, taskId, { who: accept({ name: "Ada" }) })
          yield* moment
          yield* update(client, taskId, { which: accept({ color: "red" }) })
        }
        assert.strictEqual(yield* ends(caller, taskId), "Ada red")
        assert.isAtLeast(runs, 2)
        yield* client.callTool("plain")
        const { reason } = yield* Effect.flip(client.callTool("plain"))
        assert.strictEqual(reason._tag, "RateLimited")
        // And one that is not let in is not made.
        yield* Effect.flip(caller.create("questions"))
      }))

    it.effect("has a result of its own, which answers nobody else", () =>
      Effect.gen(function*() {
        let runs = 0
        const door = yield* Deferred.make<void>()
        const cached = Tool.make("cached", {
          success: Schema.String,
          task: "optional",
          cache: "1 hour",
          handler: () =>
            Effect.suspend(() => {
              const run = ++runs
              return Effect.as(Deferred.await(door), `${run}`)
            })
        })
        const asks = Tool.make("asks", {
          success: Schema.String,
          task: "optional",
          cache: "1 hour",
          handler: () => Effect.map(asked, ({ who }) => who.name)
        })
        const server = yield* serve([cached, asks], [Caching.make()])
        const caller = eras[revision](yield* connect(server))
        // At once: none is the other's.
        const [one, two] = [yield* caller.create("cached"), yield* caller.create("cached")]
        assert.notStrictEqual(one, two)
        yield* moment
        assert.strictEqual(runs, 2)
        yield* Deferred.succeed(door, undefined)
        const texts = [yield* ends(caller, one), yield* ends(caller, two)]
        assert.deepStrictEqual(texts.sort(), ["1", "2"])
        // Nor what comes later.
        assert.strictEqual(yield* ends(caller, yield* caller.create("cached")), "3")
        const plain = revision === "2025-11-25" ? caller.client : yield* connect(server, {})
        assert.strictEqual(textOf(yield* call(plain, "cached")), "4")
        assert.strictEqual(textOf(yield* call(plain, "cached")), "4")
        // And a call's result is no task's.
        assert.strictEqual(yield* ends(caller, yield* caller.create("cached")), "5")
        if (revision === "2025-11-25") return
        // Nor what it comes to when it is run again.
        for (const name of ["Ada", "Eve"]) {
          const taskId = yield* caller.create("asks")
          yield* moment
          yield* update(caller.client, taskId, { who: accept({ name }), which: accept({ color: "red" }) })
          assert.strictEqual(yield* ends(caller, taskId), name)
        }
      }))

    it.effect("has its place while it runs, and none while it waits", () =>
      Effect.gen(function*() {
        const doors = { first: yield* Deferred.make<void>(), plain: yield* Deferred.make<void>() }
        let running = 0
        let most = 0
        const working = <A>(work: Effect.Effect<A>) =>
          Effect.ensuring(
            Effect.suspend(() => {
              most = Math.max(most, ++running)
              return work
            }),
            Effect.sync(() => running--)
          )
        const slow = Tool.make("slow", {
          success: Schema.String,
          task: "optional",
          handler: () => Effect.as(working(Deferred.await(doors.first)), "slow")
        })
        const asks = Tool.make("asks", {
          success: Schema.String,
          task: "optional",
          handler: () => Effect.flatMap(asked, ({ who }) => working(Effect.succeed(who.name)))
        })
        const plain = Tool.make("plain", {
          success: Schema.String,
          handler: () => Effect.as(working(Deferred.await(doors.plain)), "plain")
        })
        const server = yield* serve([slow, asks, plain], [Bulkhead.make({ concurrency: 1 })])
        const client = yield* connect(server)
        const caller = eras[revision](client)
        const full = <A>(refused: Effect.Effect<A, any>) =>
          Effect.map(Effect.flip(refused), ({ reason }) => assert.strictEqual(reason._tag, "Overloaded"))

        const first = yield* caller.create("slow")
        yield* moment
        assert.strictEqual(running, 1)
        yield* full(client.callTool("plain"))
        yield* full(caller.create("slow"))
        // Who waits for it, or looks, does not take the place it needs.
        const waiting = yield* Effect.forkChild(ends(caller, first), { startImmediately: true })
        yield* get(client, first)
        yield* Deferred.succeed(doors.first, undefined)
        assert.strictEqual(yield* Fiber.join(waiting), "slow")

        if (revision === "2026-07-28") {
          const second = yield* caller.create("asks")
          yield* moment
          assert.strictEqual((yield* get(client, second)).status, "input_required")
          // The place is free meanwhile.
          const busy = yield* Effect.forkChild(client.callTool("plain"), { startImmediately: true })
          yield* moment
          assert.strictEqual(running, 1)
          yield* update(client, second, { who: accept({ name: "Ada" }), which: accept({ color: "red" }) })
          yield* moment
          assert.strictEqual((yield* get(client, second)).status, "working")
          yield* full(client.callTool("plain"))
          yield* Deferred.succeed(doors.plain, undefined)
          assert.strictEqual(textOf(yield* Fiber.join(busy)), "plain")
          assert.strictEqual(yield* ends(caller, second), "Ada")
        }
        // Two at once are one after the other, and none fails for want of a place.
        const both = yield* Effect.forEach(["a", "b"], () => caller.create("slow"))
        for (const taskId of both) assert.strictEqual(yield* ends(caller, taskId), "slow")
        assert.strictEqual(most, 1)
      }))

    it.effect("takes as long as it takes, where requests may not", () =>
      Effect.gen(function*() {
        const slow = Tool.make("slow", {
          success: Schema.String,
          task: "optional",
          handler: () => Effect.as(Effect.sleep("6 seconds"), "slow")
        })
        const brief = Tool.make("brief", {
          success: Schema.String,
          task: "optional",
          timeout: "2 seconds",
          handler: () => Effect.never
        })
        const server = yield* serve([slow, brief], [Timeout.make("3 seconds")])
        const caller = eras[revision](yield* connect(server))
        assert.strictEqual(yield* ends(caller, yield* caller.create("slow")), "slow")
        const taskId = yield* caller.create("brief")
        yield* TestClock.adjust("2 seconds")
        yield* moment
        assert.strictEqual((yield* get(caller.client, taskId)).status, "failed")
        const plain = yield* connect(server, {})
        const called = yield* Effect.forkChild(plain.callTool("slow"), { startImmediately: true })
        yield* TestClock.adjust("3 seconds")
        yield* McpTest.settle
        assert.deepStrictEqual(yield* Outcome.await(called), Outcome.cancelled("Timeout"))
      }))
  })
}
