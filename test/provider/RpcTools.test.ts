/** A group of Rpcs of every kind, called by its own client and as tools. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as OpenApi from "effect/http-api/OpenApi"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcMiddleware from "effect/rpc/RpcMiddleware"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as RpcTest from "effect/rpc/RpcTest"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as RpcTools from "fastmcp-effect/provider/RpcTools"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import strict from "node:assert/strict"

class Sold extends Schema.TaggedError<Sold>()("Sold", { at: Schema.Date }) {}

class Refused extends Schema.TaggedError<Refused>()("Refused", { who: Schema.String }) {}

class Caller extends Context.Service<Caller, { readonly name: string; readonly calls: number }>()("test/rpc/Caller") {}

class Calls extends Context.Service<Calls, number>()("test/rpc/Calls") {}

/** Lets in who says who they are, and counts in the client how often it has asked. */
class Door extends RpcMiddleware.Service<Door, { provides: Caller }>()("test/rpc/Door", { error: Refused }) {}

/** Open while a call of `hang` runs. */
class Hung extends Context.Service<Hung, {
  readonly begun: Deferred.Deferred<void>
  readonly ended: Deferred.Deferred<Exit.Exit<unknown, unknown>>
}>()("test/rpc/Hung") {}

class Stock extends RpcGroup.make(
  Rpc.make("count", {
    payload: { isbn: Schema.String, on: Schema.optionalKey(Schema.Date) },
    success: Schema.Struct({ left: Schema.BigInt }),
    error: Sold
  }).annotateMerge(OpenApi.annotations({ title: "Count", description: "How many there are" })),
  Rpc.make("sum", { payload: Schema.Array(Schema.Int), success: Schema.Int }),
  Rpc.make("ping"),
  Rpc.make("me", { success: Schema.String }).middleware(Door),
  Rpc.make("who", { success: Schema.String }),
  Rpc.make("arrivals", {
    payload: { count: Schema.Int },
    success: Schema.Struct({ day: Schema.Date }),
    error: Sold,
    stream: true
  }),
  Rpc.make("hang", { success: Schema.Void }),
  Rpc.make("break", { success: Schema.Void }),
  Rpc.make("shelf/move", { success: Schema.Void }),
  Rpc.make("hidden").annotate(OpenApi.Exclude, true)
) {}

const Handlers = Stock.toLayer({
  count: ({ isbn, on = new Date(0) }) =>
    isbn === "" ? Effect.fail(new Sold({ at: on })) : Effect.succeed({ left: BigInt(isbn.length) }),
  sum: (numbers) => Effect.succeed(numbers.reduce((sum, number) => sum + number, 0)),
  ping: () => Effect.void,
  me: () => Effect.map(Caller, ({ calls, name }) => `${name} ${calls}`),
  who: () => Effect.map(Identity.CurrentIdentity, ({ subject }) => String(subject)),
  arrivals: ({ count }) =>
    count < 0
      ? Stream.fail(new Sold({ at: new Date(-count) }))
      : count === 99
      ? Stream.tick("3 seconds").pipe(Stream.map(() => ({ day: new Date(0) })))
      : Stream.map(Stream.range(1, count), (day) => ({ day: new Date(day) })),
  hang: () =>
    Effect.flatMap(Hung, ({ begun, ended }) =>
      Deferred.succeed(begun, void 0).pipe(
        Effect.andThen(Effect.never),
        Effect.onExit((exit) => Deferred.succeed(ended, exit))
      )),
  break: () => Effect.die(new Error("a secret of the handler")),
  "shelf/move": () => Effect.void,
  hidden: () => Effect.void
})

const Guard = Layer.succeed(Door, (effect, { client, headers }) => {
  const name = headers["x-name"] ?? ""
  const calls = Context.getOrElse(client.annotations as Context.Context<any>, Calls, () => 0) + 1
  client.annotate(Calls, calls)
  return name === ""
    ? Effect.fail(new Refused({ who: "nobody" }))
    : Effect.provideService(effect, Caller, { name, calls })
})

const hung = Effect.sync(() => ({
  begun: Deferred.makeUnsafe<void>(),
  ended: Deferred.makeUnsafe<Exit.Exit<any, any>>()
}))

const Live = Handlers.pipe(Layer.provideMerge(Guard), Layer.provideMerge(Layer.effect(Hung, hung)))

const serving = <R = never>(options?: RpcTools.Options<R>) =>
  McpServer.register(RpcTools.make(Stock, options)).pipe(
    Layer.provideMerge(McpServer.layer({ name: "stock", version: "1.0.0" })),
    Layer.provideMerge(Live)
  )

const toolOf = (tag: string) => RpcTools.reflect(Stock).find(({ rpc }) => rpc._tag === tag)!.tool

describe("the Rpcs of a group", () => {
  it.effect("are tools with the schemas of their own, what they say of themselves and names that tools may have", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving())
      const tools = yield* client.listTools
      assert.deepStrictEqual(
        tools.map(({ name }) => name),
        ["count", "sum", "ping", "me", "who", "arrivals", "hang", "break", "shelf_move"]
      )
      assert.deepStrictEqual(tools[0], {
        name: "count",
        title: "Count",
        description: "How many there are",
        inputSchema: {
          type: "object",
          properties: { isbn: { type: "string" }, on: { type: "string", format: "date-time" } },
          required: ["isbn"]
        },
        outputSchema: {
          type: "object",
          properties: { left: { type: "string", pattern: "^-?\\d+$" } },
          required: ["left"]
        }
      } as never)
      assert.deepStrictEqual(tools[1]!.inputSchema.required, ["payload"])
    }))

  it.effect("answer as they do to their own client", () =>
    Effect.gen(function*() {
      const rpc = yield* RpcTest.makeClient(Stock).pipe(Effect.provide(Live))
      const client = yield* McpTest.client(serving())
      const same = (tag: string, payload: any, direct: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function*() {
          const [here, there] = yield* Effect.all([
            Effect.exit(client.call(toolOf(tag), { payload })),
            Effect.exit(direct)
          ])
          const outcome = Outcome.fromExit(here)
          strict.deepStrictEqual(outcome, Outcome.fromExit(there), tag)
          return outcome
        })
      yield* same("count", { isbn: "123" }, rpc.count({ isbn: "123" }))
      const on = new Date(5)
      const sold = yield* same("count", { isbn: "", on }, rpc.count({ isbn: "", on }))
      strict.deepStrictEqual(sold, Outcome.err(new Sold({ at: on })))
      yield* same("sum", [1, 2, 3], rpc.sum([1, 2, 3]))
      yield* same("ping", undefined, rpc.ping())
      yield* same("me", undefined, rpc.me())
      yield* same(
        "arrivals",
        { count: 3 },
        Effect.map(Stream.runCollect(rpc.arrivals({ count: 3 })), (items) => ({ items, complete: true }))
      )
      yield* same("arrivals", { count: -3 }, Stream.runCollect(rpc.arrivals({ count: -3 })))
    }))

  it.effect("have their middleware, which knows of a caller what the server says, and each time anew", () =>
    Effect.gen(function*() {
      const headers = Effect.map(Identity.Required, ({ subject }) => ({ "x-name": subject }))
      const server = serving({ headers })
      const ann = yield* McpTest.client(server as never, { identity: Identity.make({ subject: "ann" }) })
      for (const _ of [1, 2]) {
        assert.strictEqual(yield* ann.call(toolOf("me"), {}), "ann 1")
        assert.strictEqual(yield* ann.call(toolOf("who"), {}), "ann")
      }
    }))

  it.live("answer the same where they are served elsewhere", () =>
    Effect.gen(function*() {
      const routes = RpcServer.layerHttp({ group: Stock, path: "/rpc", protocol: "http" }).pipe(
        Layer.provide([Live, RpcSerialization.layerNdjson])
      )
      const served = yield* Layer.build(NodeHttp.layer({ port: 0, routes }).pipe(Layer.provide(serving())))
      const { origin } = new URL(Context.get(served, NodeHttp.Address).url)
      const remote = (url: string) =>
        McpServer.register(RpcTools.remote(Stock)).pipe(
          Layer.provideMerge(McpServer.layer({ name: "stock", version: "1.0.0" })),
          Layer.provide(RpcClient.layerProtocolHttp({ url })),
          Layer.provide([FetchHttpClient.layer, RpcSerialization.layerNdjson])
        )
      const near = yield* McpTest.client(serving())
      const far = yield* McpTest.client(remote(`${origin}/rpc`))
      for (
        const [name, args] of [
          ["count", { isbn: "123" }],
          ["count", { isbn: "", on: "1970-01-01T00:00:00.005Z" }],
          ["sum", { payload: [1, 2] }],
          ["me", {}],
          ["arrivals", { count: 3 }],
          ["arrivals", { count: -3 }]
        ] as const
      ) {
        assert.deepStrictEqual(yield* far.callTool(name, args), yield* near.callTool(name, args), name)
      }
      const away = yield* McpTest.client(remote("http://127.0.0.1:1/rpc"), { logLevel: "debug" })
      const { content } = yield* away.callTool("ping")
      assert.deepStrictEqual(content, [{ type: "text", text: "ping failed: the API cannot be reached at the moment" }])
      assert.notInclude(JSON.stringify(yield* away.frames), "127.0.0.1")
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))

  it.effect("are interrupted with the call of the tool", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(serving())
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const { begun, ended } = Context.get(context, Hung)
      const call = yield* Effect.forkChild(client.callTool("hang"))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(call)
      assert.strictEqual(Outcome.fromExit(yield* Deferred.await(ended))._tag, "Cancelled")
    }))

  it.effect("end with a defect where they have one, and others go on", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(serving())
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const other = yield* Effect.forkChild(client.callTool("hang"))
      yield* Deferred.await(Context.get(context, Hung).begun)
      const error = yield* Effect.flip(client.callTool("break"))
      assert.strictEqual(error.reason._tag, "InternalError")
      assert.notInclude(JSON.stringify(yield* client.frames), "secret")
      assert.isUndefined(other.pollUnsafe())
      yield* Fiber.interrupt(other)
    }))

  it.effect("give of a stream what comes in its time, and say that there may be more", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving({ streams: { max: 4, within: "10 seconds" } }))
      const tool = toolOf("arrivals")
      const short: any = yield* client.call(tool, { payload: { count: 3 } })
      assert.deepStrictEqual([short.items.length, short.complete], [3, true])
      const long: any = yield* client.call(tool, { payload: { count: 5 } })
      assert.deepStrictEqual([long.items.length, long.complete], [4, false])
      const call = yield* Effect.forkChild(
        client.callTool("arrivals", { count: 99 }, { progressToken: "p" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("10 seconds")
      const slow = yield* Fiber.join(call)
      assert.deepInclude(slow.structuredContent, { complete: false })
      const progress = (yield* client.notifications).filter(({ method }) => method === "notifications/progress")
      assert.deepStrictEqual(progress.map(({ params }) => params?.progress), [1, 2, 3, 4])
    }))

  it.effect("are chosen, named and described by whoever serves them", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving({
        include: ({ rpc }) => rpc._tag === "ping" || rpc._tag === "hidden",
        name: ({ rpc }) => `stock_${rpc._tag}`,
        amend: () => ({ annotations: { readOnlyHint: true }, tags: ["a"] })
      }))
      const [tool, ...others] = yield* client.listTools
      assert.deepStrictEqual(others, [])
      assert.strictEqual(tool!.name, "stock_ping")
      assert.deepStrictEqual(tool!.annotations, { readOnlyHint: true })
    }))
})
