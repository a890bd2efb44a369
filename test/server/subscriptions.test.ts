/**
 * `subscriptions/listen` of 2026-07-28: one open request that carries the changes its client asked for.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Receiver from "fastmcp-effect/transport/Receiver"

const named = (name: string) => Tool.make(name, { handler: () => Effect.void })

const subscriptionId = "io.modelcontextprotocol/subscriptionId"

const setup = Effect.gen(function*() {
  const context = yield* Layer.build(McpServer.layer({ name: "acme", version: "1.0.0" }))
  const client = yield* McpTest.client(Layer.succeedContext(context))
  const listen = (notifications: JsonRpc.JsonObject) =>
    Effect.tap(
      Effect.forkScoped(client.request("subscriptions/listen", { notifications }), { startImmediately: true }),
      () => McpTest.settle
    )
  /** Notifications with their subscription, in the order they came. */
  const heard = Effect.andThen(
    McpTest.settle,
    Effect.map(client.notifications, (sent) =>
      sent.map(({ method, params: { _meta, ...params } = {} }) => ({
        method: method.slice("notifications/".length),
        id: (_meta as JsonRpc.JsonObject | undefined)?.[subscriptionId],
        ...params
      })))
  )
  return { context, client, listen, heard, server: Context.get(context, McpServer.McpServer) }
})

const acknowledged = (id: number, notifications: JsonRpc.JsonObject) => ({
  method: "subscriptions/acknowledged",
  id,
  notifications
})

describe("a listen stream", () => {
  it.effect("is acknowledged first, and then hears of each change under its own id", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      yield* listen({ toolsListChanged: true })
      yield* server.addTools(named("a"))
      assert.deepStrictEqual(yield* heard, [
        acknowledged(1, { toolsListChanged: true }),
        { method: "tools/list_changed", id: 1 }
      ])
      yield* server.removeTools("a")
      assert.lengthOf(yield* heard, 3)
    }))

  it.effect("hears only of what it asked for, and is told what the server does not honour", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      yield* listen({ toolsListChanged: false, promptsListChanged: true, resourceSubscriptions: ["file:///a"], x: 1 })
      yield* listen({})
      yield* server.addTools(named("a"))
      assert.deepStrictEqual(yield* heard, [acknowledged(1, {}), acknowledged(2, {})])
    }))

  it.effect("is one of several, each on its own", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      const first = yield* listen({ toolsListChanged: true })
      yield* listen({ toolsListChanged: true })
      yield* server.addTools(named("a"))
      const changes = Effect.map(heard, (sent) =>
        sent.flatMap(({ id, method }) => method.endsWith("changed") ? [id] : []))
      assert.deepStrictEqual(yield* changes, [1, 2])
      yield* Fiber.interrupt(first)
      yield* McpTest.settle
      yield* server.addTools(named("b"))
      assert.deepStrictEqual(yield* changes, [1, 2, 2])
    }))

  it.effect("tells of changes that come in a burst at least once, and of the last for sure", () =>
    Effect.gen(function*() {
      const { client, heard, listen, server } = yield* setup
      yield* listen({ toolsListChanged: true })
      yield* Effect.forEach(["a", "b", "c", "d"], (name) => server.addTools(named(name)))
      const { length } = (yield* heard).filter(({ method }) => method === "tools/list_changed")
      assert.isAtLeast(length, 1)
      assert.isAtMost(length, 4)
      assert.lengthOf(yield* client.listTools, 4)
    }))

  it.effect("stays open past the time other requests have", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      const stream = yield* listen({ toolsListChanged: true })
      yield* TestClock.adjust("1 hour")
      yield* McpTest.settle
      assert.isUndefined(stream.pollUnsafe())
      yield* server.addTools(named("a"))
      assert.lengthOf(yield* heard, 2)
    }))

  it.effect("that is cancelled gets no answer and hears nothing more", () =>
    Effect.gen(function*() {
      const { client, heard, listen, server } = yield* setup
      yield* Fiber.interrupt(yield* listen({ toolsListChanged: true }))
      yield* McpTest.settle
      yield* server.addTools(named("a"))
      assert.deepStrictEqual(yield* heard, [acknowledged(1, { toolsListChanged: true })])
      assert.lengthOf(yield* client.frames, 1)
    }))

  it.effect("is refused when its filter is malformed", () =>
    Effect.gen(function*() {
      const { client } = yield* setup
      for (const notifications of [{ toolsListChanged: 1 }, { resourceSubscriptions: "a" }, [], null, undefined]) {
        const refused = yield* Effect.flip(
          client.request("subscriptions/listen", { notifications } as JsonRpc.JsonObject)
        )
        assert.strictEqual(refused.reason._tag, "InvalidParams")
      }
      assert.deepStrictEqual(yield* client.notifications, [])
    }))

  it.effect("does not exist for a client of the stateful era", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(McpServer.layer({ name: "acme", version: "1.0.0" }), {
        revision: "2025-11-25"
      })
      const refused = yield* Effect.flip(client.request("subscriptions/listen", { notifications: {} }))
      assert.include(refused.message, "subscriptions/listen")
    }))

  for (const reason of ["Shutdown", "User"] as const) {
    it.effect(`is ended ${reason === "Shutdown" ? "with a result when the server shuts down" : "without a word by its client"}`, () =>
      Effect.gen(function*() {
        const { context } = yield* setup
        const frames = yield* Queue.unbounded<string>()
        const write = (frame: string) => void Queue.offerUnsafe(frames, frame)
        const peer = Context.get(context, Receiver.Receiver).connect({
          transport: "memory",
          sessionId: undefined,
          push: write,
          context: Context.empty()
        })
        peer.receive(
          JsonRpc.parse(JsonRpc.encodeRequest("s", "subscriptions/listen", {
            notifications: { toolsListChanged: true },
            _meta: {
              "io.modelcontextprotocol/protocolVersion": "2026-07-28",
              "io.modelcontextprotocol/clientCapabilities": {}
            }
          })),
          {
            reply: write,
            notify: write,
            drop: () => {},
            congested: () => false,
            drained: Effect.void,
            header: undefined
          }
        )
        yield* peer.close(reason)
        const [first, ...rest] = (yield* Queue.takeAll(frames)).map((frame) => JSON.parse(frame))
        assert.strictEqual(first.method, "notifications/subscriptions/acknowledged")
        assert.deepStrictEqual(
          rest,
          reason === "User" ? [] : [{
            jsonrpc: "2.0",
            id: "s",
            result: {
              resultType: "complete",
              _meta: {
                [subscriptionId]: "s",
                "io.modelcontextprotocol/serverInfo": { name: "acme", version: "1.0.0" }
              }
            }
          }]
        )
      }))
  }

  it.effect("leaves nothing behind when its client goes", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer({ name: "acme", version: "1.0.0" }))
      const server = Context.get(context, McpServer.McpServer)
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(McpTest.client(Layer.succeedContext(context)), scope)
      const stream = yield* Effect.forkChild(
        client.request("subscriptions/listen", { notifications: { toolsListChanged: true } }),
        { startImmediately: true }
      )
      yield* McpTest.settle
      yield* Scope.close(scope, Exit.void)
      yield* server.addTools(named("a"))
      yield* McpTest.settle
      assert.lengthOf(yield* client.frames, 1)
      yield* Fiber.interrupt(stream)
    }))
})
