/** What providers have, served: at first, after each change, beside other sources, and when something goes wrong. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Definition from "fastmcp-effect/definition/Definition"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

const info = { name: "providers", version: "1.0.0" }

const tool = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(name) })

const names = (client: McpTest.Client) =>
  Effect.map(
    client.request("tools/list"),
    ({ tools }) => (tools as ReadonlyArray<{ name: string }>).map(({ name }) => name)
  )

const changes = (client: McpTest.Client) =>
  Effect.andThen(McpTest.settle, Effect.map(client.notifications, (sent) => sent.map(({ method }) => method)))

const serve = <const Sources extends ReadonlyArray<McpServer.Source>>(...sources: Sources) =>
  McpServer.register(...sources).pipe(Layer.provideMerge(McpServer.layer(info)))

/** A provider that has what it is told to have. */
const makeFed = Effect.map(Queue.unbounded<ReadonlyArray<ReturnType<typeof tool>>>(), (queue) => ({
  feed: (...catalogue: ReadonlyArray<ReturnType<typeof tool>>) =>
    Effect.andThen(Queue.offer(queue, catalogue), McpTest.settle),
  provider: Provider.make(Stream.fromQueue(queue))
}))

const connect = <E>(layer: Layer.Layer<Receiver.Receiver, E>) => McpTest.client(layer, { revision: "2025-11-25" })

describe("a provider", () => {
  it.effect("is served beside definitions, in the order they are registered in", () =>
    Effect.gen(function*() {
      const client = yield* connect(serve(tool("a"), Provider.fromDefinitions(tool("b"), tool("c")), tool("d")))
      assert.deepStrictEqual(yield* names(client), ["a", "b", "c", "d"])
    }))

  it.effect("keeps its server from being ready until it has a first catalogue", () =>
    Effect.gen(function*() {
      const { feed, provider } = yield* makeFed
      const fiber = yield* Effect.forkScoped(connect(serve(provider)))
      yield* McpTest.settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* feed(tool("late"))
      assert.deepStrictEqual(yield* Effect.flatMap(Fiber.join(fiber), names), ["late"])
    }))

  it.effect("takes what it had out of the lists with each change, and clients are told", () =>
    Effect.gen(function*() {
      const { feed, provider } = yield* makeFed
      yield* feed(tool("one"), tool("two"))
      const client = yield* connect(serve(tool("own"), provider))
      yield* feed(tool("two"), tool("three"))
      assert.deepStrictEqual(yield* names(client), ["own", "two", "three"])
      assert.deepStrictEqual(yield* changes(client), ["notifications/tools/list_changed"])
    }))

  it.effect("that comes to have a name that is taken is served as it was, and the log says which two clash", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => {
        logged.push(String(message))
      })
      const { feed, provider } = yield* makeFed
      yield* feed(tool("one"))
      const client = yield* connect(
        Layer.provide(
          serve(Definition.from(tool("own"), "code"), Provider.from(provider, "feed")),
          Logger.layer([logger])
        )
      )
      yield* feed(tool("own"))
      assert.deepStrictEqual(yield* names(client), ["own", "one"])
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "own, which says nothing of itself, from code")
      assert.include(logged[0], "own, which says nothing of itself, from feed")
      yield* feed(tool("fine"))
      assert.deepStrictEqual(yield* names(client), ["own", "fine"])
    }))

  it.effect("that fails before it has anything fails the layer with its own error", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        connect(
          serve(Provider.make(Stream.concat(Stream.fail("no such host" as const), Stream.succeed([tool("never")]))))
        )
      )
      assert.deepStrictEqual(exit, Exit.fail("no such host"))
    }))

  it.effect("that clashes at first fails the layer", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect(serve(tool("one"), Provider.fromDefinitions(tool("one")))))
      assert.instanceOf(error, DefinitionError.DefinitionError)
    }))

  it.effect("that fails later is served as it was", () =>
    Effect.gen(function*() {
      const failing = Provider.make(Stream.concat(Stream.succeed([tool("kept")]), Stream.fail("gone" as const)))
      const client = yield* connect(Layer.provide(serve(failing), Logger.layer([])))
      yield* McpTest.settle
      assert.deepStrictEqual(yield* names(client), ["kept"])
    }))

  it.effect("leaves with the scope it was added in, and is closed", () =>
    Effect.gen(function*() {
      let isOpen = false
      const open = Effect.acquireRelease(
        Effect.sync(() => {
          isOpen = true
        }),
        () =>
          Effect.sync(() => {
            isOpen = false
          })
      )
      const provider = Provider.make(
        Stream.unwrap(Effect.as(open, Stream.concat(Stream.succeed([tool("passing")]), Stream.never)))
      )
      const context = yield* Layer.build(McpServer.layer(info))
      const client = yield* connect(Layer.succeedContext(context))
      const scope = yield* Scope.make()
      yield* Scope.provide(Context.get(context, McpServer.McpServer).add(provider), scope)
      assert.deepStrictEqual(yield* names(client), ["passing"])
      assert.isTrue(isOpen)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* names(client), [])
      assert.isFalse(isOpen)
    }))

  it.effect("is given the services its definitions need where it is registered", () =>
    Effect.gen(function*() {
      class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
      const greet = Tool.make("greet", {
        success: Schema.String,
        handler: () => Effect.map(Greeting, (greeting) => greeting)
      })
      const client = yield* connect(
        McpServer.register(Provider.fromDefinitions(greet)).pipe(
          Layer.provide(Layer.succeed(Greeting, "hello")),
          Layer.provideMerge(McpServer.layer(info))
        )
      )
      const { content } = yield* client.request("tools/call", { name: "greet" })
      assert.deepStrictEqual(content, [{ type: "text", text: "hello" }])
    }))
})

describe("merged providers", () => {
  it.effect("have what each of them has now", () =>
    Effect.gen(function*() {
      const [one, two] = [yield* makeFed, yield* makeFed]
      yield* one.feed(tool("a"))
      yield* two.feed(tool("b"))
      const client = yield* connect(serve(Provider.merge(one.provider, two.provider)))
      yield* one.feed(tool("a"), tool("c"))
      assert.deepStrictEqual(yield* names(client), ["a", "b", "c"])
    }))
})

describe("relayed definitions", () => {
  const listed = {
    name: "far",
    title: "Far",
    inputSchema: { type: "object", properties: { n: { type: "integer" } }, "x-more": 1 },
    outputSchema: { type: "object" },
    annotations: { readOnlyHint: true },
    _meta: { "fastmcp-effect/tags": ["t"], "example/other": { deep: [1] } }
  }

  it.effect("are listed as given, and neither arguments nor results are touched", () =>
    Effect.gen(function*() {
      const result = {
        content: [{ type: "hologram", depth: 3 }],
        structuredContent: { any: ["thing"] },
        isError: true,
        _meta: { "example/trace": 1 }
      } as never
      const far = Tool.relay(listed, (input) => {
        assert.deepStrictEqual(input, { n: "not checked", more: null })
        return Effect.succeed(result)
      })
      assert.deepStrictEqual(far.tags, ["t"])
      const client = yield* connect(serve(
        far,
        Resource.relay({
          listed: { uri: "far:///r", name: "r", size: 3, _meta: { a: 1 } },
          read: (uri) => Effect.succeed({ contents: [{ uri: `${uri}#part`, text: "x" }] })
        }),
        ResourceTemplate.relay({
          listed: { uriTemplate: "far:///t/{id}", name: "t" },
          read: (uri) => Effect.succeed({ contents: [{ uri, text: "y" }] }),
          complete: () => Effect.succeed({ completion: { values: ["z"], total: 900, hasMore: true } })
        }),
        Prompt.relay({
          listed: { name: "p", arguments: [{ name: "a", required: true, title: "A" }] },
          get: (given) => Effect.succeed({ messages: [Prompt.user(JSON.stringify(given))], description: "as it came" })
        })
      ))
      const request = (method: string, params: object = {}) => client.request(method, params as never)
      assert.deepStrictEqual((yield* request("tools/list")).tools, [listed])
      const called = yield* request("tools/call", { name: "far", arguments: { n: "not checked", more: null } })
      assert.deepStrictEqual(called, result)
      assert.deepStrictEqual((yield* request("resources/list")).resources, [
        { uri: "far:///r", name: "r", size: 3, _meta: { a: 1 } }
      ])
      assert.deepStrictEqual((yield* request("resources/read", { uri: "far:///r" })).contents, [
        { uri: "far:///r#part", text: "x" }
      ])
      assert.deepStrictEqual((yield* request("resources/templates/list")).resourceTemplates, [
        { uriTemplate: "far:///t/{id}", name: "t" }
      ])
      assert.deepStrictEqual((yield* request("resources/read", { uri: "far:///t/.." })).contents, [
        { uri: "far:///t/..", text: "y" }
      ])
      assert.deepStrictEqual(
        yield* request("completion/complete", {
          ref: { type: "ref/resource", uri: "far:///t/{id}" },
          argument: { name: "id", value: "" }
        }),
        { completion: { values: ["z"], total: 900, hasMore: true } }
      )
      assert.deepStrictEqual((yield* request("prompts/list")).prompts, [
        { name: "p", arguments: [{ name: "a", required: true, title: "A" }] }
      ])
      assert.deepStrictEqual(yield* request("prompts/get", { name: "p", arguments: { other: "1" } }), {
        messages: [{ role: "user", content: { type: "text", text: "{\"other\":\"1\"}" } }],
        description: "as it came"
      })
    }))

  it.effect("can be amended, and keep what else was listed", () =>
    Effect.gen(function*() {
      const far = Tool.amend(Tool.relay(listed, () => Effect.succeed({ content: [] })), {
        name: "near",
        description: "Near.",
        annotations: { readOnlyHint: false }
      })
      const client = yield* connect(serve(
        far,
        Prompt.amend(Prompt.make("p", { handler: () => Effect.succeed("x") }), {
          name: "q",
          title: "Q"
        })
      ))
      assert.deepStrictEqual((yield* client.request("tools/list")).tools, [
        { ...listed, name: "near", description: "Near.", annotations: { readOnlyHint: false } }
      ])
      assert.deepStrictEqual((yield* client.request("prompts/list")).prompts, [{ name: "q", title: "Q" }])
    }))
})
