/** What sessions are told unasked, up to 2025-11-25: that a list changed, and that a resource they watch may have. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Receiver from "fastmcp-effect/transport/Receiver"
import * as wires from "./wires.ts"

const info = { name: "watching", version: "1.0.0" }

const stateful = (Revisions.versions as ReadonlyArray<Revisions.Version>).filter((version) => version !== "2026-07-28")

const uri = "test:///watched"

const item = ResourceTemplate.make("test:///item/{id}", { name: "item", handler: () => Effect.succeed("x") })

const resources = [Resource.text(uri, "x"), Resource.text("test:///other", "x"), item] as const

const build = Effect.map(Layer.build(McpServer.layer({ ...info, resources })), (context) => ({
  layer: Layer.succeedContext(context),
  server: Context.get(context, McpServer.McpServer)
}))

/** The URIs a client has been told of. */
const updates = (client: McpTest.Client) =>
  Effect.andThen(
    McpTest.settle,
    Effect.map(client.notifications, (sent) =>
      sent.flatMap(({ method, params }) => method === "notifications/resources/updated" ? [params!.uri] : []))
  )

for (const revision of stateful) {
  describe(`in ${revision} a session`, () => {
    const connect = Effect.gen(function*() {
      const { layer, server } = yield* build
      const client = yield* McpTest.client(layer, { revision })
      return {
        layer,
        server,
        client,
        subscribe: (uri: string) => client.request("resources/subscribe", { uri }),
        unsubscribe: (uri: string) => client.request("resources/unsubscribe", { uri })
      }
    })

    it.effect("is told of the resources it subscribed to, and of no others, until it unsubscribes", () =>
      Effect.gen(function*() {
        const { client, server, subscribe, unsubscribe } = yield* connect
        yield* server.resourceUpdated(uri)
        assert.deepStrictEqual(yield* updates(client), [])
        assert.deepStrictEqual(yield* subscribe(uri), {})
        yield* server.resourceUpdated(uri)
        yield* server.resourceUpdated("test:///other")
        assert.deepStrictEqual(yield* updates(client), [uri])
        yield* server.resourceUpdated(uri)
        assert.deepStrictEqual(yield* updates(client), [uri, uri])
        assert.deepStrictEqual(yield* unsubscribe(uri), {})
        yield* server.resourceUpdated(uri)
        assert.deepStrictEqual(yield* updates(client), [uri, uri])
      }))

    it.effect("is told once however often it subscribed, and of nothing after one unsubscribe", () =>
      Effect.gen(function*() {
        const { client, server, subscribe, unsubscribe } = yield* connect
        yield* subscribe(uri)
        yield* subscribe(uri)
        yield* server.resourceUpdated(uri)
        assert.deepStrictEqual(yield* updates(client), [uri])
        yield* unsubscribe(uri)
        yield* server.resourceUpdated(uri)
        assert.deepStrictEqual(yield* updates(client), [uri])
        // It never watched it: no error either.
        assert.deepStrictEqual(yield* unsubscribe("test:///other"), {})
      }))

    it.effect("watches what a template has, and is refused what nothing has", () =>
      Effect.gen(function*() {
        const { client, server, subscribe } = yield* connect
        yield* subscribe("test:///item/7")
        yield* server.resourceUpdated("test:///item/7")
        yield* server.resourceUpdated("test:///item/8")
        assert.deepStrictEqual(yield* updates(client), ["test:///item/7"])
        for (const unknown of ["test:///nothing", "", "TEST:///watched"]) {
          assert.strictEqual((yield* Effect.flip(subscribe(unknown))).message, `Resource not found: ${unknown}`)
        }
        assert.strictEqual((yield* Effect.flip(subscribe("test:///item/.."))).reason._tag, "InvalidParams")
      }))

    it.effect("watches 1,000 at most, those it watches already aside, and unsubscribing makes room", () =>
      Effect.gen(function*() {
        const { client, server, subscribe, unsubscribe } = yield* connect
        for (let id = 0; id < 1000; id++) yield* subscribe(`test:///item/${id}`)
        const refused = yield* Effect.flip(subscribe(uri))
        assert.deepStrictEqual([refused.reason._tag, /1000/u.test(refused.message)], ["InvalidParams", true])
        assert.deepStrictEqual(yield* subscribe("test:///item/1"), {})
        yield* unsubscribe("test:///item/1")
        yield* subscribe(uri)
        for (const watched of [uri, "test:///item/0", "test:///item/1", "test:///item/999"]) {
          yield* server.resourceUpdated(watched)
        }
        assert.deepStrictEqual(yield* updates(client), [uri, "test:///item/0", "test:///item/999"])
      }))

    it.effect("watches for itself alone, and no longer than it lasts", () =>
      Effect.gen(function*() {
        const { client, layer, server, subscribe } = yield* connect
        const scope = yield* Scope.make()
        const other = yield* Scope.provide(McpTest.client(layer, { revision }), scope)
        yield* subscribe(uri)
        yield* other.request("resources/subscribe", { uri: "test:///other" })
        yield* server.resourceUpdated(uri)
        yield* server.resourceUpdated("test:///other")
        assert.deepStrictEqual([yield* updates(client), yield* updates(other)], [[uri], ["test:///other"]])
        yield* Scope.close(scope, Exit.void)
        yield* server.resourceUpdated("test:///other")
        assert.deepStrictEqual(yield* updates(other), ["test:///other"])
      }))

    it.effect("goes on watching a resource that was removed and came again", () =>
      Effect.gen(function*() {
        const { client, server, subscribe } = yield* connect
        yield* subscribe(uri)
        yield* server.remove("resources", uri)
        yield* server.add(Resource.text(uri, "again"))
        yield* server.resourceUpdated(uri)
        assert.deepStrictEqual(yield* updates(client), [uri])
      }))

    it.effect("is told which of its lists changed, once for each change", () =>
      Effect.gen(function*() {
        const { client, server } = yield* connect
        const told = Effect.andThen(
          McpTest.settle,
          Effect.map(client.notifications, (sent) => sent.map(({ method }) => method.split("/")[1]))
        )
        yield* server.add(Prompt.make("p", { handler: () => Effect.succeed("x") }))
        assert.deepStrictEqual(yield* told, ["prompts"])
        yield* server.add(Resource.text("test:///new", "x"))
        assert.deepStrictEqual(yield* told, ["prompts", "resources"])
        yield* server.remove("resources", item.uriTemplate)
        assert.deepStrictEqual(yield* told, ["prompts", "resources", "resources"])
        yield* server.add(Tool.make("t", { handler: () => Effect.void }))
        yield* server.remove("tools", "nobody")
        assert.deepStrictEqual(yield* told, ["prompts", "resources", "resources", "tools"])
      }))

    it.effect("hears of changes though its handshake took its time in a middleware", () =>
      Effect.gen(function*() {
        const slow = Middleware.make((_request, next) => Effect.andThen(Effect.yieldNow, next))
        const context = yield* Layer.build(McpServer.layer({ ...info, resources, middleware: [slow] }))
        const server = Context.get(context, McpServer.McpServer)
        const client = yield* McpTest.client(Layer.succeedContext(context), { revision })
        yield* client.request("resources/subscribe", { uri })
        yield* server.resourceUpdated(uri)
        yield* server.add(Tool.make("t", { handler: () => Effect.void }))
        yield* McpTest.settle
        assert.deepStrictEqual((yield* client.notifications).map(({ method }) => method), [
          "notifications/resources/updated",
          "notifications/tools/list_changed"
        ])
      }))
  })
}

describe("a session", () => {
  for (const name of ["memory", "stdio"] as const) {
    it.effect(`is told over ${name}, also while it waits for an answer, until it goes`, () =>
      Effect.gen(function*() {
        const never = Tool.make("never", { handler: () => Effect.never })
        const context = yield* Layer.build(McpServer.layer({ ...info, resources, tools: [never] }))
        const server = Context.get(context, McpServer.McpServer)
        const wire = yield* wires.open(name, "Stateful", Layer.succeedContext(context))
        wire.send(wires.request("Stateful", 1, "resources/subscribe", { uri }))
        assert.deepStrictEqual((yield* wires.answer(wire, 1)).result, {})
        wire.send(wires.call("Stateful", 2, "never"))
        yield* server.resourceUpdated(uri)
        yield* wires.until(() => wire.frames.length === 2)
        assert.deepStrictEqual(wire.frames[1], {
          jsonrpc: "2.0",
          method: "notifications/resources/updated",
          params: { uri }
        } as wires.Frame)
        const gone = yield* Effect.forkChild(wire.hangUp, { startImmediately: true })
        yield* wires.turns()
        yield* TestClock.adjust("10 seconds")
        yield* wires.until(() => gone.pollUnsafe() !== undefined)
        const { length } = wire.frames
        yield* server.resourceUpdated(uri)
        yield* wires.turns()
        assert.lengthOf(wire.frames, length)
      }))
  }

  it.effect("hears of nothing before its handshake, and of nothing where it is of the stateless era", () =>
    Effect.gen(function*() {
      for (const name of ["memory", "stdio"] as const) {
        const { layer, server } = yield* build
        const wire = yield* wires.open(name, "Stateless", layer)
        wire.send(wires.request("Stateless", 1, "tools/list"))
        yield* wires.answer(wire, 1)
        yield* server.add(Tool.make(`t${name}`, { handler: () => Effect.void }))
        yield* server.resourceUpdated(uri)
        yield* wires.turns()
        assert.lengthOf(wire.frames, 1)
      }
    }))

  it.effect("is sent nothing once its connection has closed", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer({ ...info, resources }))
      const server = Context.get(context, McpServer.McpServer)
      const pushed: Array<string> = []
      const push = (frame: string) => void pushed.push(JSON.parse(frame).method)
      const peer = Context.get(context, Receiver.Receiver).connect({
        transport: "memory",
        sessionId: undefined,
        push,
        context: Context.empty()
      })
      const exchange: Receiver.Exchange = {
        reply: () => {},
        notify: () => {},
        drop: () => {},
        congested: () => false,
        drained: Effect.void,
        header: undefined
      }
      const clientInfo = { name: "test", version: "1" }
      const handshake = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo }
      peer.receive(JsonRpc.parse(JsonRpc.encodeRequest(1, "initialize", handshake)), exchange)
      peer.receive(JsonRpc.parse(JsonRpc.encodeRequest(2, "resources/subscribe", { uri })), exchange)
      const change = Effect.andThen(
        server.resourceUpdated(uri),
        Effect.scoped(server.add(Tool.make("t", { handler: () => Effect.void })))
      )
      const changed = "notifications/tools/list_changed"
      const expected = ["notifications/resources/updated", changed, changed]
      yield* change
      assert.deepStrictEqual(pushed, expected)
      yield* peer.close("User")
      yield* change
      assert.deepStrictEqual(pushed, expected)
    }))

  it.effect("of 2026-07-28 has no way to subscribe but to listen", () =>
    Effect.gen(function*() {
      const { layer } = yield* build
      const client = yield* McpTest.client(layer)
      for (const method of ["resources/subscribe", "resources/unsubscribe"]) {
        assert.strictEqual((yield* Effect.flip(client.request(method, { uri }))).message, `Method not found: ${method}`)
      }
    }))
})
