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
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
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
      yield* server.add(named("a"))
      assert.deepStrictEqual(yield* heard, [
        acknowledged(1, { toolsListChanged: true }),
        { method: "tools/list_changed", id: 1 }
      ])
      yield* server.remove("tools", "a")
      assert.lengthOf(yield* heard, 3)
    }))

  it.effect("hears only of what it asked for, and is told what the server does not honour", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      yield* listen({ toolsListChanged: false, promptsListChanged: true, resourceSubscriptions: ["file:///a"], x: 1 })
      yield* listen({})
      yield* server.add(named("a"), Resource.text("file:///b", "b"))
      yield* server.resourceUpdated("file:///b")
      assert.deepStrictEqual(yield* heard, [
        acknowledged(1, { promptsListChanged: true, resourceSubscriptions: ["file:///a"] }),
        acknowledged(2, {})
      ])
    }))

  it.effect("hears of each list it asked for, and of no other", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      const filters = {
        tools: { toolsListChanged: true },
        resources: { resourcesListChanged: true },
        prompts: { promptsListChanged: true }
      }
      for (const filter of Object.values(filters)) yield* listen(filter)
      yield* listen({ toolsListChanged: true, resourcesListChanged: true, promptsListChanged: true })
      const { length } = yield* heard
      const later = Effect.map(heard, (sent) => sent.slice(length).map(({ id, method }) => [id, method]))
      const changes: ReadonlyArray<readonly [keyof typeof filters, McpServer.Definition]> = [
        ["tools", named("a")],
        ["resources", Resource.text("test:///a", "x")],
        ["resources", ResourceTemplate.make("test:///{a}", { name: "t", handler: () => Effect.succeed("x") })],
        ["prompts", Prompt.make("a", { handler: () => Effect.succeed("x") })]
      ]
      const expected: Array<Array<JsonRpc.Json | undefined>> = []
      for (const [list, definition] of changes) {
        yield* server.add(definition as Tool.Handled<string, any, any, any, never>)
        const id = Object.keys(filters).indexOf(list) + 1
        expected.push([id, `${list}/list_changed`], [4, `${list}/list_changed`])
        assert.deepStrictEqual(yield* later, expected)
      }
    }))

  it.effect("hears of the resources it named, whether the server has them or not", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      yield* listen({ resourceSubscriptions: ["test:///a", "test:///b", "test:///a"] })
      yield* listen({ resourceSubscriptions: [] })
      yield* listen({ resourceSubscriptions: ["test:///b"], resourcesListChanged: true })
      for (const uri of ["test:///a", "test:///c", "test:///b"]) {
        yield* server.resourceUpdated(uri)
        yield* McpTest.settle
      }
      yield* server.add(Resource.text("test:///a", "x"))
      const method = "resources/updated"
      assert.deepStrictEqual<ReadonlyArray<object>>(yield* heard, [
        acknowledged(1, { resourceSubscriptions: ["test:///a", "test:///b"] }),
        acknowledged(2, { resourceSubscriptions: [] }),
        acknowledged(3, { resourcesListChanged: true, resourceSubscriptions: ["test:///b"] }),
        { method, id: 1, uri: "test:///a" },
        { method, id: 1, uri: "test:///b" },
        { method, id: 3, uri: "test:///b" },
        { method: "resources/list_changed", id: 3 }
      ])
    }))

  it.effect("names 1,000 resources at most", () =>
    Effect.gen(function*() {
      const { client, heard, listen } = yield* setup
      const uris = Array.from({ length: 1001 }, (_, n) => `test:///${n}`)
      const refused = yield* Effect.flip(
        client.request("subscriptions/listen", { notifications: { resourceSubscriptions: uris } })
      )
      assert.deepStrictEqual([refused.reason._tag, /1000/u.test(refused.message)], ["InvalidParams", true])
      yield* listen({ resourceSubscriptions: [...uris.slice(1), "test:///1"] })
      assert.deepStrictEqual(yield* heard, [acknowledged(2, { resourceSubscriptions: uris.slice(1) })])
    }))

  it.effect("that is read too slowly is told of each change once, whatever came of it meanwhile", () =>
    Effect.gen(function*() {
      const { context, server } = yield* setup
      const sent: Array<string> = []
      const gate = yield* Queue.unbounded<void>()
      const write = (frame: string) => {
        const { method, params } = JSON.parse(frame)
        sent.push(`${method.slice("notifications/".length)}${params.uri === undefined ? "" : ` ${params.uri}`}`)
      }
      const peer = Context.get(context, Receiver.Receiver).connect({
        transport: "memory",
        sessionId: undefined,
        push: write,
        context: Context.empty()
      })
      peer.receive(
        JsonRpc.parse(JsonRpc.encodeRequest("s", "subscriptions/listen", {
          notifications: { toolsListChanged: true, resourceSubscriptions: ["test:///a", "test:///b"] },
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}
          }
        })),
        {
          reply: () => {},
          notify: write,
          drop: () => {},
          congested: () => true,
          drained: Queue.take(gate),
          header: undefined
        }
      )
      const drain = Effect.andThen(Queue.offer(gate, undefined), McpTest.settle)
      yield* drain
      assert.deepStrictEqual(sent, ["subscriptions/acknowledged"])
      // The first goes out, and waits for its reader; the rest come together.
      yield* server.resourceUpdated("test:///a")
      yield* McpTest.settle
      for (let n = 0; n < 100; n++) {
        yield* server.add(named(`t${n}`))
        yield* server.resourceUpdated("test:///b")
        yield* server.resourceUpdated("test:///a")
      }
      for (let n = 0; n < 10; n++) yield* drain
      assert.deepStrictEqual(sent.slice(1), [
        "resources/updated test:///a",
        "tools/list_changed",
        "resources/updated test:///b",
        "resources/updated test:///a"
      ])
      yield* peer.close("User")
    }))

  it.effect("is one of several, each on its own", () =>
    Effect.gen(function*() {
      const { heard, listen, server } = yield* setup
      const first = yield* listen({ toolsListChanged: true })
      yield* listen({ toolsListChanged: true })
      yield* server.add(named("a"))
      const changes = Effect.map(heard, (sent) =>
        sent.flatMap(({ id, method }) => method.endsWith("changed") ? [id] : []))
      assert.deepStrictEqual(yield* changes, [1, 2])
      yield* Fiber.interrupt(first)
      yield* McpTest.settle
      yield* server.add(named("b"))
      assert.deepStrictEqual(yield* changes, [1, 2, 2])
    }))

  it.effect("tells of changes that come in a burst at least once, and of the last for sure", () =>
    Effect.gen(function*() {
      const { client, heard, listen, server } = yield* setup
      yield* listen({ toolsListChanged: true })
      yield* Effect.forEach(["a", "b", "c", "d"], (name) => server.add(named(name)))
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
      yield* server.add(named("a"))
      assert.lengthOf(yield* heard, 2)
    }))

  it.effect("that is cancelled gets no answer and hears nothing more", () =>
    Effect.gen(function*() {
      const { client, heard, listen, server } = yield* setup
      yield* Fiber.interrupt(yield* listen({ toolsListChanged: true }))
      yield* McpTest.settle
      yield* server.add(named("a"))
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
      yield* server.add(named("a"))
      yield* McpTest.settle
      assert.lengthOf(yield* client.frames, 1)
      yield* Fiber.interrupt(stream)
    }))
})
