/** A server in another one: that everything it has is there as it was, and follows it. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import { call, Child, childInfo, parentInfo, prefixed, running, serving, textOf, tool, toolNames } from "./support.ts"

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** All that a client can learn of what there is, and how it answers. */
const portrait = (client: McpTest.Client) =>
  Effect.all([
    client.listTools,
    client.listResources,
    client.listResourceTemplates,
    client.listPrompts,
    client.callTool("forecast", { city: "Oslo" }),
    client.callTool("forecast", { city: 1 }),
    client.callTool("forecast", { city: "Oslo", extra: true }),
    client.readResource("weather:///stations"),
    client.readResource("weather:///station/north"),
    Effect.exit(client.readResource("weather:///station/nowhere")),
    Effect.exit(client.readResource("weather:///station/..")),
    Effect.exit(client.readResource("weather:///nothing")),
    client.getPrompt("report", { city: "Oslo" }),
    Effect.exit(client.getPrompt("report", {})),
    Effect.exit(client.getPrompt("nothing")),
    client.complete({ ref: { type: "ref/prompt", name: "report" }, argument: { name: "city", value: "li" } }),
    client.complete({
      ref: { type: "ref/resource", uri: "weather:///station/{id}" },
      argument: { name: "id", value: "n" }
    })
  ])

for (const revision of versions) {
  describe(`a mounted server, ${revision}`, () => {
    it.effect("is listed and answers as it does without", () =>
      Effect.gen(function*() {
        const alone = yield* McpTest.client(Child, { revision })
        // The name of the server is part of what 2026-07-28 says in each result.
        const mounted = yield* McpTest.client(
          McpServer.register(Mount.make(Child)).pipe(Layer.provideMerge(McpServer.layer(childInfo))),
          { revision }
        )
        const [first, second] = [yield* portrait(alone), yield* portrait(mounted)]
        assert.deepStrictEqual(second, first)
        assert.strictEqual(textOf(second[7]), "two")
      }))
  })
}

describe("a mounted server's code", () => {
  /** What each middleware saw, outermost first. */
  const noting = (seen: Array<string>, who: string) =>
    Middleware.make((request, next) => {
      const { arguments: args, name, uri } = request.params as {
        readonly name?: string
        readonly uri?: string
        readonly arguments?: object
      }
      seen.push(`${who} ${request.method} ${name ?? uri ?? ""}${args === undefined ? "" : ` ${JSON.stringify(args)}`}`)
      return next
    })

  it.effect("runs in its middleware, which is inside that of its parent, under the names it knows", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const child = McpServer.layer({
        ...childInfo,
        tools: [tool("forecast")],
        resources: [Resource.text("weather:///stations", "two")],
        middleware: [noting(seen, "child")]
      })
      const renamed = Provider.map(
        Mount.make(child),
        (catalogue) =>
          catalogue.map((definition) =>
            Tool.isHandled(definition) ? Tool.amend(definition, { name: "weather_forecast" }) : definition
          )
      )
      const client = yield* McpTest.client(
        McpServer.register(renamed).pipe(
          Layer.provideMerge(McpServer.layer({ ...parentInfo, middleware: [noting(seen, "parent")] }))
        )
      )
      assert.strictEqual(yield* call(client, "weather_forecast", { city: "Oslo" }), "forecast")
      assert.strictEqual(textOf(yield* client.readResource("weather:///stations")), "two")
      assert.deepStrictEqual(seen.filter((line) => !line.includes("list")), [
        "parent tools/call weather_forecast {\"city\":\"Oslo\"}",
        "child tools/call forecast {\"city\":\"Oslo\"}",
        "parent resources/read weather:///stations",
        "child resources/read weather:///stations"
      ])
    }))

  it.effect("finds its own services, siblings and server, and what a middleware of its parent supplies", () =>
    Effect.gen(function*() {
      class Place extends Context.Service<Place, string>()("test/Place") {}
      const Setting = Context.Reference<string>("test/Setting", { defaultValue: () => "default" })
      const Supplied = Context.Reference<string>("test/Supplied", { defaultValue: () => "nobody" })
      const where = Tool.make("where", {
        success: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            const request = yield* RequestContext.RequestContext
            const sibling = textOf(yield* request.callTool({ name: "name" }))
            const server = yield* McpServer.McpServer
            yield* server.add(tool("passing"))
            const passing = textOf(yield* request.callTool({ name: "passing" }))
            return [yield* Place, yield* Setting, yield* Supplied, sibling, passing].join(", ")
          }).pipe(Effect.scoped, Effect.orDie)
      })
      const child = McpServer.layer({ ...childInfo, tools: [where, tool("name", "the child's")] }).pipe(
        Layer.provide(Layer.succeed(Place, "inside"))
      )
      const parent = McpServer.register(Mount.make(child), tool("around")).pipe(
        Layer.provideMerge(McpServer.layer({
          ...parentInfo,
          middleware: [Middleware.make((_request, next) => Effect.provideService(next, Supplied, "parent"))]
        })),
        Layer.provide([Layer.succeed(Place, "outside"), Layer.succeed(Setting, "the parent's")])
      )
      // The child was built where the setting was in force, so that it has it, too.
      const client = yield* McpTest.client(parent)
      assert.strictEqual(yield* call(client, "where"), "inside, the parent's, parent, the child's, passing")
      // A server that was built elsewhere does not have it.
      const alone = yield* running(child)
      const other = yield* McpTest.client(
        McpServer.register(Mount.live(alone.server)).pipe(
          Layer.provideMerge(McpServer.layer(parentInfo)),
          Layer.provide(Layer.succeed(Setting, "the parent's"))
        )
      )
      assert.strictEqual(yield* call(other, "where"), "inside, default, nobody, the child's, passing")
    }))

  it.effect("cannot use what is around it", () =>
    Effect.gen(function*() {
      const reaching = Tool.make("reaching", {
        success: Schema.String,
        handler: () =>
          RequestContext.RequestContext.use((request) =>
            Effect.match(request.callTool({ name: "around" }), {
              onFailure: ({ reason }) => reason._tag,
              onSuccess: () => "reached"
            })
          )
      })
      const client = yield* McpTest.client(
        serving(tool("around"), Mount.make(McpServer.layer({ ...childInfo, tools: [reaching] })))
      )
      assert.strictEqual(yield* call(client, "reaching"), "ToolNotFound")
    }))

  it.effect("sees what it refuses in its middleware, as it would without", () =>
    Effect.gen(function*() {
      const refusals: Array<string> = []
      const child = McpServer.layer({
        ...childInfo,
        tools: [Tool.make("asking", { requires: { roots: {} }, handler: () => Effect.void })],
        middleware: [
          Middleware.make((request, next) => {
            if (request.refused !== undefined) refusals.push(request.refused.reason._tag)
            return next
          })
        ]
      })
      const { layer, server } = yield* running(McpServer.layer(parentInfo))
      const inner = yield* running(child)
      // A transform that lost what the definition asks for does not open it.
      yield* server.add(Provider.map(Mount.live(inner.server), (catalogue) =>
        catalogue.map((definition) =>
          Tool.isHandled(definition) ? { ...definition, requires: undefined } : definition
        )))
      const client = yield* McpTest.client(layer)
      const error = yield* Effect.flip(client.callTool("asking"))
      assert.strictEqual(error.reason._tag, "MissingCapability")
      assert.deepStrictEqual(refusals, ["MissingCapability"])
    }))

  it.effect("does not run where there is no server", () =>
    Effect.gen(function*() {
      const { server } = yield* running(Child)
      let mounted: ReadonlyArray<Provider.AnyDefinition> = []
      const parent = yield* running(McpServer.layer(parentInfo))
      yield* parent.server.add(Provider.map(Mount.live(server), (catalogue) => mounted = catalogue))
      const forecast = mounted.find(Tool.isHandled)!
      const error = yield* Effect.flip(
        Effect.provide(Tool.run(forecast as Tool.Handled<string, any, any, any, never>, {}), RequestContext.layerNoop)
      )
      assert.instanceOf(error, McpError.McpError)
      assert.include(error.message, "does not run alone")
    }))
})

describe("what changes in a mounted server", () => {
  const changes = (client: McpTest.Client) =>
    Effect.andThen(McpTest.settle, Effect.map(client.notifications, (sent) => sent.map(({ method }) => method)))

  it.effect("follows in its parent, and clients are told of that list alone", () =>
    Effect.gen(function*() {
      const child = yield* running(Child)
      const client = yield* McpTest.client(serving(Mount.live(child.server)), { revision: "2025-11-25" })
      const scope = yield* Scope.make()
      yield* Scope.provide(child.server.add(tool("new")), scope)
      assert.deepStrictEqual(yield* changes(client), ["notifications/tools/list_changed"])
      assert.deepStrictEqual(yield* toolNames(client), ["forecast", "new"])
      assert.strictEqual(yield* call(client, "new"), "new")
      yield* Scope.close(scope, Exit.void)
      yield* McpTest.settle
      assert.deepStrictEqual(yield* toolNames(client), ["forecast"])
      yield* child.server.remove("prompts", "report")
      assert.deepStrictEqual(yield* changes(client), [
        "notifications/tools/list_changed",
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed"
      ])
    }))

  it.effect("does not follow where it was mounted as it was", () =>
    Effect.gen(function*() {
      const child = yield* running(McpServer.layer({ ...childInfo, tools: [tool("old")] }))
      const [client, built] = [
        yield* McpTest.client(serving(Mount.snapshot(child.server))),
        yield* McpTest.client(serving(Mount.make(
          McpServer.register(tool("late")).pipe(
            Layer.provideMerge(McpServer.layer({ ...childInfo, tools: [tool("old")] }))
          ),
          { live: false }
        )))
      ]
      yield* child.server.add(tool("new"))
      yield* child.server.remove("tools", "old")
      yield* McpTest.settle
      assert.deepStrictEqual(yield* toolNames(client), ["old"])
      assert.strictEqual(yield* call(client, "old"), "old")
      assert.deepStrictEqual(yield* toolNames(built), ["old", "late"])
    }))

  it.effect("that takes a name of its parent's is logged there, and the rest stays", () =>
    Effect.gen(function*() {
      const child = yield* running(McpServer.layer({ ...childInfo, tools: [tool("one")] }))
      const client = yield* McpTest.client(serving(tool("own"), Mount.live(child.server)))
      yield* child.server.add(tool("own"))
      yield* McpTest.settle
      assert.deepStrictEqual(yield* toolNames(client), ["own", "one"])
      assert.strictEqual(yield* call(client, "one"), "one")
    }))

  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    it.effect(`reaches those who watch a resource of it, ${revision}`, () =>
      Effect.gen(function*() {
        const child = yield* running(Child)
        const client = yield* McpTest.client(serving(Mount.live(child.server)), { revision })
        const uris = ["weather:///stations", "weather:///station/south"]
        if (revision === "2025-11-25") {
          yield* Effect.forEach(uris, (uri) => client.request("resources/subscribe", { uri }))
        } else {
          yield* Effect.forkScoped(
            client.request("subscriptions/listen", { notifications: { resourceSubscriptions: uris } })
          )
        }
        yield* McpTest.settle
        for (const uri of [...uris, "weather:///station/north"]) yield* child.server.resourceUpdated(uri)
        yield* McpTest.settle
        const told = (yield* client.notifications).flatMap(({ method, params }) =>
          method === "notifications/resources/updated" ? [params!.uri] : []
        )
        assert.deepStrictEqual(told, uris)
      }))
  }
})

describe("a mount", () => {
  it.effect("builds its server with the provider, and closes it with it", () =>
    Effect.gen(function*() {
      const steps: Array<string> = []
      const open = Layer.effectDiscard(Effect.acquireRelease(
        Effect.sync(() => steps.push("open")),
        () => Effect.sync(() => steps.push("closed"))
      ))
      const parent = yield* running(McpServer.layer(parentInfo))
      const client = yield* McpTest.client(parent.layer)
      const scope = yield* Scope.make()
      yield* Scope.provide(parent.server.add(Mount.make(Layer.merge(Child, open))), scope)
      assert.deepStrictEqual([steps, yield* toolNames(client)], [["open"], ["forecast"]])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual([steps, yield* toolNames(client)], [["open", "closed"], []])
    }))

  it.effect("fails with what its layer fails with", () =>
    Effect.gen(function*() {
      const failing = Layer.merge(Child, Layer.effectDiscard(Effect.fail("no weather today" as const)))
      const exit = yield* Effect.exit(McpTest.client(serving(Mount.make(failing))))
      assert.deepStrictEqual(exit, Exit.fail("no weather today"))
    }))

  it.effect("has only what is asked for", () =>
    Effect.gen(function*() {
      const has = (only: ReadonlyArray<"tools" | "resources" | "prompts">) =>
        Effect.gen(function*() {
          const client = yield* McpTest.client(serving(Mount.make(Child, { only })))
          const lists = yield* Effect.all([
            client.listTools,
            client.listResources,
            client.listResourceTemplates,
            client.listPrompts
          ])
          return lists.map(({ length }) => length)
        })
      assert.deepStrictEqual(yield* has(["tools"]), [1, 0, 0, 0])
      assert.deepStrictEqual(yield* has(["resources"]), [0, 2, 1, 0])
      assert.deepStrictEqual(yield* has(["prompts", "tools"]), [1, 0, 0, 1])
      assert.deepStrictEqual(yield* has([]), [0, 0, 0, 0])
    }))

  it.effect("that has a name that is taken fails, and says which way the two came", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(McpTest.client(serving(
        Mount.make(Child),
        Mount.make(Child, { name: "spare" })
      )))
      assert.instanceOf(error, DefinitionError.DefinitionError)
      assert.strictEqual(error.reason._tag, "Duplicate")
      assert.include(error.message, "from mount weather > tool forecast")
      assert.include(error.message, "from mount spare > tool forecast")
      const middle = McpServer.register(Mount.make(Child)).pipe(
        Layer.provideMerge(McpServer.layer({ name: "middle", version: "1.0.0" }))
      )
      const deep = yield* Effect.flip(McpTest.client(serving(tool("forecast"), Mount.make(middle))))
      assert.include(deep.message, "from mount middle > mount weather > tool forecast")
    }))

  it.effect("of one server twice serves both, each with its own names", () =>
    Effect.gen(function*() {
      const child = yield* running(Child)
      const renamed = (prefix: string) => prefixed(prefix, Mount.live(child.server, { only: ["tools"] }))
      const client = yield* McpTest.client(serving(renamed("a_"), renamed("b_")))
      assert.deepStrictEqual(yield* toolNames(client), ["a_forecast", "b_forecast"])
      assert.include(JSON.stringify(yield* client.callTool("b_forecast", { city: "Oslo" })), "Oslo: rain")
    }))
})

describe("a mount in a namespace", () => {
  it.effect("has valid names and URIs, and works by them", () =>
    Effect.gen(function*() {
      const child = yield* running(Child)
      const client = yield* McpTest.client(
        serving(Mount.live(child.server).pipe(Namespace.make("east")), Mount.make(Child).pipe(Namespace.make("west"))),
        { revision: "2025-11-25" }
      )
      assert.deepStrictEqual(yield* toolNames(client), ["east_forecast", "west_forecast"])
      const uris = (yield* client.listResources).map(({ uri }) => uri)
      assert.include(uris, "weather:///east/stations")
      assert.include(uris, "weather:///west/station/north")
      const { contents: [read] } = yield* client.readResource("weather:///west/station/north")
      assert.deepInclude(read, { uri: "weather:///west/station/north", text: "station north" })
      assert.include(JSON.stringify(yield* client.callTool("west_forecast", { city: "Oslo" })), "Oslo: rain")
      assert.strictEqual(textOf(yield* client.getPrompt("east_report", { city: "Oslo" })), "Report on Oslo")
      const { values } = yield* client.complete({
        ref: { type: "ref/resource", uri: "weather:///east/station/{id}" },
        argument: { name: "id", value: "n" }
      })
      assert.deepStrictEqual(values, ["north"])
      yield* client.request("resources/subscribe", { uri: "weather:///east/stations" })
      yield* child.server.resourceUpdated("weather:///stations")
      yield* McpTest.settle
      const [told] = yield* client.notifications
      assert.deepInclude(told, {
        method: "notifications/resources/updated",
        params: { uri: "weather:///east/stations" }
      })
    }))

  it.effect("lets its handlers find each other by their own names", () =>
    Effect.gen(function*() {
      const inner = tool("inner", "the child's")
      const outer = Tool.make("outer", {
        success: Schema.String,
        handler: () => Effect.orDie(Tool.call(inner, {}))
      })
      const child = McpServer.layer({ ...childInfo, tools: [inner, outer] })
      const client = yield* McpTest.client(
        serving(tool("inner", "the parent's"), Mount.make(child).pipe(Namespace.make("weather")))
      )
      assert.strictEqual(yield* call(client, "weather_outer"), "the child's")
      assert.strictEqual(yield* call(client, "inner"), "the parent's")
    }))
})
