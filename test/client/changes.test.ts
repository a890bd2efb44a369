import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as ResponseCache from "fastmcp-effect/client/ResponseCache"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as scripted from "./scripted.ts"

const connect = (server: scripted.Scripted, options?: McpClient.Options) =>
  Effect.provide(McpClient.make(options), server.layer)

const told = (method: string, params: object = {}) => ({ jsonrpc: "2.0", method, params })

/** What a stream has shown so far. */
const watch = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function*() {
    const seen: Array<A> = []
    const fiber = yield* Effect.forkScoped(
      Stream.runForEach(stream, (change) => Effect.sync(() => seen.push(change))),
      { startImmediately: true }
    )
    yield* McpTest.settle
    return { seen, fiber }
  })

describe("changes", () => {
  for (const revision of ["2026-07-28", "2025-11-25"] as const) {
    it.effect(`of a server are told, ${revision}`, () =>
      Effect.gen(function*() {
        const file = Resource.make("file:///a", {
          name: "file",
          handler: Effect.succeed("text")
        })
        const context = yield* Layer.build(
          McpServer.layer({ name: "x", version: "1.0.0", resources: [file] })
        )
        yield* Effect.gen(function*() {
          const client = yield* Effect.provide(McpClient.make({ revision }), Memory.layer)
          const { fiber, seen } = yield* watch(client.changes({ tools: true, uris: ["file:///a"] }))
          const server = yield* McpServer.McpServer
          yield* server.add(Tool.make("late", { handler: () => Effect.void }))
          yield* server.resourceUpdated("file:///a")
          yield* McpTest.settle
          assert.deepStrictEqual(seen, [{ _tag: "ToolsListChanged" }, { _tag: "ResourceUpdated", uri: "file:///a" }])
          yield* Fiber.interrupt(fiber)
          yield* server.resourceUpdated("file:///a")
          yield* McpTest.settle
          assert.lengthOf(seen, 2)
        }).pipe(Effect.provideContext(context))
      }))
  }

  it.effect("go on after a lost connection, which is told, and what was subscribed to is so again", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateful({ "resources/subscribe": ({ id }, wire) => wire.result(id, {}) })!
      })
      const client = yield* connect(server)
      const { seen } = yield* watch(client.changes({ uris: ["a"] }))
      server.wire().close()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(scripted.methods(server.wire()).at(-1), "resources/subscribe")
      server.wire().say(told("notifications/resources/updated", { uri: "a" }))
      server.wire().say(told("notifications/resources/updated", { uri: "b" }))
      server.wire().say(told("notifications/tools/list_changed"))
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(seen, [{ _tag: "Missed" }, { _tag: "ResourceUpdated", uri: "a" }])
    }))

  it.effect("are asked for again where their stream ends, and not where the server cannot tell any", () =>
    Effect.gen(function*() {
      const acknowledge = (wire: scripted.Wire) => {
        const { id } = scripted.last(wire, "subscriptions/listen")
        wire.say(told("notifications/subscriptions/acknowledged", {
          notifications: {},
          _meta: { "io.modelcontextprotocol/subscriptionId": id }
        }))
        return id
      }
      const server = scripted.make({
        hears: scripted.stateless({ "subscriptions/listen": (_, wire) => void acknowledge(wire) })!
      })
      const client = yield* connect(server)
      const { seen } = yield* watch(client.changes())
      const { id } = scripted.last(server.wire(), "subscriptions/listen")
      server.wire().say(told("notifications/tools/list_changed", {
        _meta: { "io.modelcontextprotocol/subscriptionId": id }
      }))
      server.wire().result(id, { resultType: "complete" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, [{ _tag: "ToolsListChanged" }, { _tag: "Missed" }])
      server.wire().close()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(seen.slice(2), [{ _tag: "Missed" }])

      const deaf = yield* connect(scripted.make({ hears: scripted.stateless()! }))
      const error = yield* Effect.flip(Stream.runDrain(deaf.changes()))
      assert.strictEqual(error.reason._tag, "MethodNotFound")
    }))

  it.effect("keep one subscription for two who watch the same, and end it with the last", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateful({
          "resources/subscribe": ({ id }, wire) => wire.result(id, {}),
          "resources/unsubscribe": ({ id }, wire) => wire.result(id, {})
        })!
      })
      const client = yield* connect(server)
      const one = yield* watch(client.changes({ uris: ["a"] }))
      const two = yield* watch(client.changes({ uris: ["a"] }))
      const ends = () => scripted.methods(server.wire()).filter((method) => method === "resources/unsubscribe").length
      yield* Fiber.interrupt(one.fiber)
      assert.strictEqual(ends(), 0)
      yield* Fiber.interrupt(two.fiber)
      assert.strictEqual(ends(), 1)
    }))
})

describe("what may be kept", () => {
  const counting = (hints: object, origin?: string) => {
    let lists = 0
    const server = scripted.make({
      ...(origin === undefined ? undefined : { origin }),
      hears: scripted.stateless({
        "tools/list": ({ id }, wire) => wire.result(id, { tools: [], count: ++lists, ...hints }),
        "resources/read": ({ id }, wire) => wire.result(id, { contents: [], count: ++lists, ...hints })
      }, { tools: {}, resources: {} })!
    })
    return { server, asked: () => lists }
  }

  it.effect("is not asked for again, for as long as it is good, or until it has changed", () =>
    Effect.gen(function*() {
      const { asked, server } = counting({ ttlMs: 1000, cacheScope: "private" })
      const client = yield* connect(server)
      const list = client.listTools()
      yield* list
      yield* list
      assert.strictEqual(asked(), 1)
      yield* client.listTools({ refresh: true })
      assert.strictEqual(asked(), 2)
      yield* TestClock.adjust("999 millis")
      yield* list
      assert.strictEqual(asked(), 2)
      yield* TestClock.adjust("1 millis")
      yield* list
      assert.strictEqual(asked(), 3)
      server.wire().say(told("notifications/tools/list_changed"))
      yield* list
      assert.strictEqual(asked(), 4)
      yield* client.readResource("a")
      yield* client.readResource("b")
      server.wire().say(told("notifications/resources/updated", { uri: "a" }))
      yield* client.readResource("a")
      yield* client.readResource("b")
      assert.strictEqual(asked(), 7)
    }))

  it.effect("is asked for each time where the server says nothing, 0 or nonsense, and where the program wants it so", () =>
    Effect.gen(function*() {
      for (const hints of [{}, { ttlMs: 0 }, { ttlMs: -5 }, { ttlMs: "1000" }]) {
        const { asked, server } = counting(hints)
        const client = yield* connect(server)
        yield* client.listTools()
        yield* client.listTools()
        assert.strictEqual(asked(), 2)
      }
      const { asked, server } = counting({ ttlMs: 1000, cacheScope: "private" })
      const client = yield* connect(server, { cache: false })
      yield* client.listTools()
      yield* client.listTools()
      assert.strictEqual(asked(), 2)
    }))

  it.effect("and is public is shared by the clients of an origin; what is private never", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(ResponseCache.layerMemory())
      const twice = (cacheScope: string, origin?: string) =>
        Effect.gen(function*() {
          const { asked, server } = counting({ ttlMs: 1000, cacheScope }, origin)
          for (let count = 0; count < 2; count++) yield* (yield* connect(server)).listTools()
          return asked()
        }).pipe(Effect.provideContext(context))
      assert.strictEqual(yield* twice("public", "https://a.example"), 1)
      assert.strictEqual(yield* twice("public", "https://b.example"), 1)
      assert.strictEqual(yield* twice("private", "https://c.example"), 2)
      assert.strictEqual(yield* twice("public"), 2)
    }))

  it.effect("is not kept where it has changed while it was on its way", () =>
    Effect.gen(function*() {
      let lists = 0
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/list": ({ id }, wire) => {
            lists++
            if (lists === 1) wire.say(told("notifications/tools/list_changed"))
            wire.result(id, { tools: [], ttlMs: 1000, cacheScope: "private" })
          }
        })!
      })
      const client = yield* connect(server)
      yield* client.listTools()
      yield* client.listTools()
      yield* client.listTools()
      assert.strictEqual(lists, 2)
    }))
})
