/**
 * How much runs at once: in the server, in a session, of a tool. What waits is served in its turn, and what gives up
 * leaves its turn to others.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as wires from "./wires.ts"

const info = { name: "concurrency", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

/** Definitions of each kind that take a second, and how many of them ran at the same time. */
const makeGauge = (concurrency?: number) => {
  const gauge = { running: 0, most: 0, started: [] as Array<string> }
  const busy = (name: string) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        gauge.started.push(name)
        gauge.most = Math.max(gauge.most, ++gauge.running)
      }),
      () => Effect.as(Effect.sleep("1 second"), name),
      () => Effect.sync(() => gauge.running--)
    )
  const limit = concurrency === undefined ? {} : { concurrency }
  const tool = Tool.make("tool", {
    ...limit,
    parameters: { name: Schema.String },
    success: Schema.String,
    handler: ({ name }) => busy(name)
  })
  const template = ResourceTemplate.make("test:///{name}", { name: "t", handler: ({ name }) => busy(name) })
  const prompt = Prompt.make("prompt", { arguments: { name: Schema.String }, handler: ({ name }) => busy(name) })
  return { gauge, busy, tool, template, prompt }
}

/** Starts so many calls at once, named 1, 2, 3… */
const start = (client: McpTest.Client, names: ReadonlyArray<number>) =>
  Effect.tap(
    Effect.forEach(names, (name) =>
      Effect.forkChild(client.callTool("tool", { name: String(name) }), { startImmediately: true })),
    () =>
      McpTest.settle
  )

const second = Effect.andThen(TestClock.adjust("1 second"), McpTest.settle)

for (const revision of versions) {
  describe(`in ${revision} a limit`, () => {
    it.effect("of the server is over tools, resources and prompts and all its clients together", () =>
      Effect.gen(function*() {
        yield* quietClock
        const { gauge, prompt, template, tool } = makeGauge()
        const context = yield* Layer.build(
          McpServer.layer({ ...info, concurrency: 3, tools: [tool], resources: [template], prompts: [prompt] })
        )
        const clients = [
          yield* McpTest.client(Layer.succeedContext(context), { revision }),
          yield* McpTest.client(Layer.succeedContext(context), { revision })
        ]
        const begin = (client: McpTest.Client, n: number): Effect.Effect<object, McpError.McpError> =>
          [
            () => client.callTool("tool", { name: String(n) }),
            () => client.readResource(`test:///${n}`),
            () => client.getPrompt("prompt", { name: String(n) })
          ][n % 3]!()
        const calls = yield* Effect.forEach(
          [0, 1, 2, 3, 4, 5, 6, 7],
          (n) => Effect.forkChild(begin(clients[n % 2]!, n), { startImmediately: true })
        )
        yield* McpTest.settle
        assert.strictEqual(gauge.running, 3)
        // What runs no code of the author's does not wait.
        assert.lengthOf(yield* clients[0]!.listTools, 1)
        yield* second
        assert.strictEqual(gauge.running, 3)
        yield* second
        assert.strictEqual(gauge.running, 2)
        yield* second
        yield* Fiber.joinAll(calls)
        assert.deepStrictEqual([gauge.most, gauge.started.length, gauge.running], [3, 8, 0])
      }))

    it.effect("of a session is each session's own", () =>
      Effect.gen(function*() {
        yield* quietClock
        const { gauge, tool } = makeGauge()
        const context = yield* Layer.build(McpServer.layer({ ...info, sessionConcurrency: 2, tools: [tool] }))
        const clients = [
          yield* McpTest.client(Layer.succeedContext(context), { revision }),
          yield* McpTest.client(Layer.succeedContext(context), { revision })
        ]
        const calls = yield* Effect.forEach(clients, (client) => start(client, [1, 2, 3, 4]))
        assert.strictEqual(gauge.running, 4)
        yield* second
        assert.strictEqual(gauge.running, 4)
        yield* second
        yield* Fiber.joinAll(calls.flat())
        assert.deepStrictEqual([gauge.most, gauge.started.length], [4, 8])
      }))

    it.effect("of a tool leaves the others alone", () =>
      Effect.gen(function*() {
        yield* quietClock
        const { gauge, tool } = makeGauge(2)
        const free = Tool.make("free", { success: Schema.String, handler: () => Effect.succeed("free") })
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool, free] }), { revision })
        const calls = yield* start(client, [1, 2, 3])
        assert.strictEqual(gauge.running, 2)
        assert.strictEqual(yield* client.call(free, {}), "free")
        yield* second
        assert.strictEqual(gauge.running, 1)
        yield* second
        yield* Fiber.joinAll(calls)
        assert.strictEqual(gauge.most, 2)
      }))

    it.effect("is taken in the order of arrival", () =>
      Effect.gen(function*() {
        yield* quietClock
        const { gauge, tool } = makeGauge()
        const client = yield* McpTest.client(McpServer.layer({ ...info, concurrency: 1, tools: [tool] }), { revision })
        const names = [1, 2, 3, 4, 5]
        const calls = yield* start(client, names)
        for (const _ of names) yield* second
        yield* Fiber.joinAll(calls)
        assert.deepStrictEqual(gauge.started, names.map(String))
        assert.strictEqual(gauge.most, 1)
      }))
  })
}

type Limit = (tool: Tool.Handled<"tool", any, any, any, never>) => Layer.Layer<any, any, never>

const limits: { readonly [what: string]: Limit } = {
  server: (tool) => McpServer.layer({ ...info, concurrency: 1, tools: [tool] }),
  session: (tool) => McpServer.layer({ ...info, sessionConcurrency: 1, tools: [tool] }),
  tool: (tool) => McpServer.layer({ ...info, tools: [{ ...tool, concurrency: 1 }] })
}

for (const [what, server] of Object.entries(limits)) {
  describe(`a turn of the ${what}`, () => {
    it.effect("passes on when its holder is cancelled, and when somebody in the queue is", () =>
      Effect.gen(function*() {
        yield* quietClock
        const { gauge, tool } = makeGauge()
        const client = yield* McpTest.client(server(tool))
        const calls = yield* start(client, [1, 2, 3, 4])
        assert.deepStrictEqual(gauge.started, ["1"])
        // In the queue: it never starts.
        yield* Fiber.interrupt(calls[1]!)
        yield* McpTest.settle
        assert.deepStrictEqual(gauge.started, ["1"])
        // The holder: the next starts at once.
        yield* Fiber.interrupt(calls[0]!)
        yield* McpTest.settle
        assert.deepStrictEqual(gauge.started, ["1", "3"])
        yield* second
        yield* second
        yield* Fiber.joinAll([calls[2]!, calls[3]!])
        assert.deepStrictEqual([gauge.started, gauge.most], [["1", "3", "4"], 1])
      }))

    it.effect("passes on when its holder fails, dies, or runs out of time", () =>
      Effect.gen(function*() {
        yield* quietClock
        const ends: { readonly [how: string]: Effect.Effect<string, string> } = {
          fails: Effect.fail("no"),
          dies: Effect.die("a bug"),
          never: Effect.never,
          fine: Effect.succeed("fine")
        }
        const tool = Tool.make("tool", {
          parameters: { name: Schema.String },
          success: Schema.String,
          failure: Schema.String,
          timeout: "10 seconds",
          handler: ({ name }) => Effect.andThen(Effect.yieldNow, ends[name]!)
        })
        const client = yield* McpTest.client(server(tool as never))
        const calls = yield* Effect.forEach(
          ["fails", "dies", "never", "fine"],
          (name) => Effect.forkChild(client.call(tool, { name }), { startImmediately: true })
        )
        yield* McpTest.settle
        yield* TestClock.adjust("10 seconds")
        yield* McpTest.settle
        assert.deepStrictEqual(yield* Outcome.await(calls[0]!), Outcome.err("no"))
        assert.strictEqual((yield* Outcome.await(calls[1]!))._tag, "Err")
        assert.deepStrictEqual(yield* Outcome.await(calls[2]!), Outcome.cancelled("Timeout"))
        assert.deepStrictEqual(yield* Outcome.await(calls[3]!), Outcome.ok("fine"))
      }))

    it.effect("is waited for within the request's time", () =>
      Effect.gen(function*() {
        yield* quietClock
        const forever = Tool.make("tool", { timeout: "1 hour", handler: () => Effect.never })
        const client = yield* McpTest.client(server(forever as never))
        const calls = yield* Effect.forEach([1, 2], () =>
          Effect.forkChild(client.call(forever, {}), { startImmediately: true }))
        yield* McpTest.settle
        yield* TestClock.adjust("30 seconds")
        for (const call of calls) {
          assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
        }
      }))
  })
}

describe("a handler that uses others", () => {
  /** Counts down by calling itself, or by way of others. */
  const makeCounters = (concurrency: number | undefined) => {
    const limit = concurrency === undefined ? {} : { concurrency }
    const options = { ...limit, parameters: { n: Schema.Int }, success: Schema.Int }
    const self = Tool.make("self", options)
    const ping = Tool.make("ping", options)
    const pong = Tool.make("pong", options)
    const down =
      (tool: Tool.Tool<string, typeof self["parameters"], typeof self["success"], any>) =>
      ({ n }: { readonly n: number }) =>
        n === 0 ? Effect.succeed(0) : Effect.orDie(Effect.map(Tool.call(tool, { n: n - 1 }), (m: number) => m + 1))
    return {
      self,
      ping,
      tools: [Tool.handle(self, down(self)), Tool.handle(ping, down(pong)), Tool.handle(pong, down(ping))] as const
    }
  }

  for (const revision of versions) {
    it.effect(`does not wait for its own turn, whoever limits, in ${revision}`, () =>
      Effect.gen(function*() {
        for (
          const options of [
            { concurrency: 1 },
            { sessionConcurrency: 1 },
            { perTool: 1 },
            { concurrency: 1, sessionConcurrency: 1, perTool: 1 }
          ] as ReadonlyArray<{ concurrency?: number; sessionConcurrency?: number; perTool?: number }>
        ) {
          const { perTool, ...limits } = options
          const { ping, self, tools } = makeCounters(perTool)
          const client = yield* McpTest.client(
            Layer.fresh(McpServer.layer({ ...info, ...limits, tools: tools as never })) as Layer.Layer<any>,
            { revision }
          )
          const call = yield* Effect.forkChild(
            Effect.all([client.call(self, { n: 5 }), client.call(ping, { n: 5 })]),
            { startImmediately: true }
          )
          yield* McpTest.settle
          assert.isDefined(call.pollUnsafe(), `waits for itself: ${JSON.stringify(options)}`)
          assert.deepStrictEqual(yield* Fiber.join(call), [5, 5])
        }
      }))
  }

  it.effect("waits for a limited tool it is not itself in", () =>
    Effect.gen(function*() {
      yield* quietClock
      const { gauge, tool } = makeGauge(1)
      const user = Tool.make("user", {
        success: Schema.String,
        handler: () => Effect.orDie(Tool.call(tool, { name: "nested" }))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool, user] }))
      const direct = yield* start(client, [1])
      const nested = yield* Effect.forkChild(client.call(user, {}), { startImmediately: true })
      yield* McpTest.settle
      assert.deepStrictEqual(gauge.started, ["1"])
      yield* second
      assert.deepStrictEqual(gauge.started, ["1", "nested"])
      yield* second
      assert.strictEqual(yield* Fiber.join(nested), "nested")
      yield* Fiber.joinAll(direct)
      assert.strictEqual(gauge.most, 1)
    }))

  it.effect("of a prompt's name waits for the tool of that name", () =>
    Effect.gen(function*() {
      yield* quietClock
      const { gauge, tool } = makeGauge(1)
      const prompt = Prompt.make("tool", {
        handler: () => Effect.map(Effect.orDie(Tool.call(tool, { name: "by prompt" })), (name) => name)
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool], prompts: [prompt] }))
      const direct = yield* start(client, [1])
      const nested = yield* Effect.forkChild(client.getPrompt("tool"), { startImmediately: true })
      yield* McpTest.settle
      assert.deepStrictEqual(gauge.started, ["1"])
      yield* second
      yield* second
      yield* Fiber.joinAll(direct)
      yield* Fiber.join(nested)
      assert.deepStrictEqual([gauge.started, gauge.most], [["1", "by prompt"], 1])
    }))
})

describe("a limited tool that is replaced", () => {
  it.effect("counts the calls of the one before it, as long as the limit is the same", () =>
    Effect.gen(function*() {
      yield* quietClock
      const { gauge, tool } = makeGauge(1)
      const context = yield* Layer.build(McpServer.layer(info))
      const catalogue = yield* Context.get(context, McpServer.McpServer).catalogue
      yield* catalogue.set(tool)
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const calls = [...yield* start(client, [1])]
      for (const again of [tool, { ...tool, title: "again" }]) {
        yield* catalogue.set(again)
        calls.push(...yield* start(client, [2]))
        assert.deepStrictEqual(gauge.started, ["1"])
      }
      // Another limit is another queue.
      yield* catalogue.set({ ...tool, concurrency: 2 })
      calls.push(...yield* start(client, [3, 4, 5]))
      assert.deepStrictEqual(gauge.started, ["1", "3", "4"])
      for (let n = 0; n < 4; n++) yield* second
      yield* Fiber.joinAll(calls)
      assert.deepStrictEqual([gauge.started.length, gauge.most], [6, 3])
    }))
})

describe("a limit that makes no sense", () => {
  it.effect("of a tool is refused at registration", () =>
    Effect.gen(function*() {
      for (const concurrency of [0, -1, NaN]) {
        const error = yield* Effect.flip(
          Effect.scoped(Layer.build(McpServer.layer({
            ...info,
            tools: [Tool.make("a", { concurrency, handler: () => Effect.void })]
          })))
        )
        assert.strictEqual(error.reason._tag, "InvalidDefinition")
        assert.include(error.message, "concurrency is at least 1")
      }
    }))
})

describe("a turn over a wire", () => {
  for (const name of wires.names) {
    for (const era of wires.eras) {
      it.effect(`is given back when a client goes: ${name}, ${era.toLowerCase()} era`, () =>
        Effect.gen(function*() {
          yield* quietClock
          const { gauge, tool } = makeGauge()
          const context = yield* Layer.build(McpServer.layer({ ...info, concurrency: 1, tools: [tool] }))
          const first = yield* wires.open(name, era, Layer.succeedContext(context))
          const second_ = yield* wires.open(name, era, Layer.succeedContext(context))
          first.send(wires.call(era, 1, "tool", { name: "first" }))
          yield* wires.until(() => gauge.started.length === 1)
          second_.send(wires.call(era, 1, "tool", { name: "second" }))
          yield* wires.turns()
          assert.deepStrictEqual(gauge.started, ["first"])
          const gone = yield* Effect.forkChild(first.hangUp, { startImmediately: true })
          // Over stdio a client that closes its end still gets what is in flight.
          yield* wires.turns()
          yield* TestClock.adjust("5 seconds")
          yield* wires.until(() => gauge.started.length === 2)
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* wires.answer(second_, 1)).result.content[0].text, "second")
          yield* Fiber.join(gone)
          assert.strictEqual(gauge.most, 1)
        }))
    }
  }
})
