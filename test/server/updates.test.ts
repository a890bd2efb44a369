/** Resources that tell of their changes themselves: that this runs while somebody watches them, and once. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

/** What tells of changes, and how many are listening to it right now, for each URI. */
const makeSource = Effect.map(PubSub.unbounded<string>(), (changed) => {
  const running = new Map<string, number>()
  const count = (uri: string, by: number) =>
    Effect.sync(() => {
      running.set(uri, (running.get(uri) ?? 0) + by)
    })
  return {
    change: (uri: string) => Effect.andThen(PubSub.publish(changed, uri), McpTest.settle),
    running: (uri: string) => Effect.map(McpTest.settle, () => running.get(uri) ?? 0),
    updates: (uri: string) =>
      Stream.unwrap(
        Effect.as(
          Effect.acquireRelease(count(uri, 1), () => count(uri, -1)),
          Stream.filter(Stream.fromPubSub(changed), (changed) => changed === uri)
        )
      )
  }
})

const uris = { resource: "test:///resource", template: "test:///template/7" } as const

const serve = Effect.gen(function*() {
  const source = yield* makeSource
  const context = yield* Layer.build(McpServer.layer({ name: "updates", version: "1.0.0" }))
  const catalogue = yield* Context.get(context, McpServer.McpServer).catalogue
  const set = ({ updates }: typeof source) =>
    catalogue.set(
      Resource.make(uris.resource, { updates: updates(uris.resource), handler: Effect.succeed("x") }),
      ResourceTemplate.make("test:///template/{id}", { name: "template", updates, handler: () => Effect.succeed("x") })
    )
  yield* set(source)
  return { catalogue, layer: Layer.succeedContext(context), set, source }
})

/** The URIs a client has been told of. */
const told = (client: McpTest.Client) =>
  Effect.andThen(
    McpTest.settle,
    Effect.map(client.notifications, (sent) =>
      sent.flatMap(({ method, params }) => method === "notifications/resources/updated" ? [params!.uri] : []))
  )

for (const [kind, uri] of Object.entries(uris)) {
  describe(`the updates of a ${kind}`, () => {
    it.effect("run once for two sessions that watch it, and end when neither does", () =>
      Effect.gen(function*() {
        const { layer, source } = yield* serve
        const ending = yield* Scope.make()
        const [one, two] = [
          yield* McpTest.client(layer, { revision: "2025-11-25" }),
          yield* Scope.provide(McpTest.client(layer, { revision: "2025-06-18" }), ending)
        ]
        assert.strictEqual(yield* source.running(uri), 0)
        yield* one.request("resources/subscribe", { uri })
        yield* two.request("resources/subscribe", { uri })
        yield* two.request("resources/subscribe", { uri })
        assert.strictEqual(yield* source.running(uri), 1)
        yield* source.change(uri)
        assert.deepStrictEqual([yield* told(one), yield* told(two)], [[uri], [uri]])
        yield* one.request("resources/unsubscribe", { uri })
        assert.strictEqual(yield* source.running(uri), 1)
        yield* source.change(uri)
        assert.deepStrictEqual([yield* told(one), yield* told(two)], [[uri], [uri, uri]])
        yield* Scope.close(ending, Exit.void)
        assert.strictEqual(yield* source.running(uri), 0)
      }))

    it.effect("run while a listen stream watches it", () =>
      Effect.gen(function*() {
        const { layer, source } = yield* serve
        const client = yield* McpTest.client(layer, { revision: "2026-07-28" })
        const listening = yield* Effect.forkScoped(
          client.request("subscriptions/listen", { notifications: { resourceSubscriptions: [uri] } })
        )
        assert.strictEqual(yield* source.running(uri), 1)
        yield* source.change(uri)
        assert.deepStrictEqual(yield* told(client), [uri])
        yield* Fiber.interrupt(listening)
        assert.strictEqual(yield* source.running(uri), 0)
      }))

    it.effect("are those of what takes its place", () =>
      Effect.gen(function*() {
        const { catalogue, layer, set, source } = yield* serve
        const client = yield* McpTest.client(layer, { revision: "2025-11-25" })
        yield* client.request("resources/subscribe", { uri })
        const other = yield* makeSource
        yield* set(other)
        assert.deepStrictEqual([yield* source.running(uri), yield* other.running(uri)], [0, 1])
        yield* other.change(uri)
        assert.deepStrictEqual(yield* told(client), [uri])
        yield* catalogue.set()
        assert.strictEqual(yield* other.running(uri), 0)
      }))
  })
}
