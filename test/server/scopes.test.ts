/** Definitions that need scopes: who sees them, who may use them, and what the others are told. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Prompt, Resource, ResourceTemplate, Tool } from "fastmcp-effect"
import * as Challenge from "fastmcp-effect/context/Challenge"
import * as Identity from "fastmcp-effect/context/Identity"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const text = (said: string) => ({ success: Schema.String, handler: () => Effect.succeed(said) })

const inner = Tool.make("inner", { scopes: ["inner"], ...text("inner") })

const middle = Tool.make("middle", {
  scopes: ["middle"],
  success: Schema.String,
  handler: () => Tool.call(inner, {})
})

const sees = Extension.make({
  id: "example.com/sees",
  methods: {
    "example/sees": {
      params: Schema.Struct({}),
      handle: (_params, caller) => Effect.succeed({ inner: caller.sees(inner) })
    }
  }
})

const options = {
  name: "scopes",
  version: "1.0.0",
  tools: [
    Tool.make("open", text("open")),
    Tool.make("none", { scopes: [], ...text("none") }),
    inner,
    Tool.make("both", { scopes: ["a", "b"], ...text("both") }),
    Tool.make("outermost", { scopes: ["outermost"], success: Schema.String, handler: () => Tool.call(middle, {}) }),
    middle,
    Tool.make("outer", { scopes: ["outer"], success: Schema.String, handler: () => Tool.call(inner, {}) }),
    Tool.make("late", {
      scopes: ["a"],
      success: Schema.String,
      handler: () => Effect.as(Challenge.require("late"), "late")
    })
  ],
  resources: [
    Resource.make("x://open", { handler: Effect.succeed("open") }),
    Resource.make("x://kept", { scopes: ["read"], handler: Effect.succeed("kept") }),
    // The same address, for everybody, and no way around the one above.
    ResourceTemplate.make("x://{id}", { name: "any", handler: ({ id }) => Effect.succeed(`any ${id}`) }),
    ResourceTemplate.make("y://{id}", {
      name: "kept",
      scopes: ["read"],
      complete: { id: () => Effect.succeed(["one"]) },
      list: Effect.succeed([{ uri: "y://one", name: "one" }]),
      handler: ({ id }) => Effect.succeed(id)
    })
  ],
  prompts: [
    Prompt.make("open", { handler: () => Effect.succeed("open") }),
    Prompt.make("kept", {
      scopes: ["prompt"],
      arguments: { word: Schema.String },
      complete: { word: () => Effect.succeed(["one"]) },
      handler: () => Effect.succeed("kept")
    })
  ],
  extensions: [sees]
} as const

const server = McpServer.layer(options)

const visit = (
  scopes: ReadonlyArray<string> | undefined,
  more: McpTest.Options = {},
  layer: typeof server = server
) =>
  McpTest.client(layer, {
    ...more,
    identity: scopes === undefined ? Identity.anonymous : Identity.make({ subject: "ann", scopes })
  })

const reasonOf = <A>(effect: Effect.Effect<A, McpError.McpError>) =>
  Effect.map(
    Effect.flip(effect),
    ({ reason }) =>
      reason._tag === "InsufficientScope" || reason._tag === "Unauthenticated"
        ? `${reason._tag} ${reason.scopes.join(" ")}`
        : reason._tag
  )

describe("a definition with scopes", () => {
  for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
    it.effect(`is listed for who has all of them, in ${revision}`, () =>
      Effect.gen(function*() {
        const names = (scopes: ReadonlyArray<string>) =>
          Effect.gen(function*() {
            const client = yield* visit(scopes, { revision })
            return {
              tools: (yield* client.listTools).map(({ name }) => name),
              resources: (yield* client.listResources).map(({ uri }) => uri),
              templates: (yield* client.listResourceTemplates).map(({ name }) => name),
              prompts: (yield* client.listPrompts).map(({ name }) => name)
            }
          })
        assert.deepStrictEqual(yield* names(["a", "read"]), {
          tools: ["open", "none", "late"],
          resources: ["x://open", "x://kept", "y://one"],
          templates: ["any", "kept"],
          prompts: ["open"]
        })
        assert.deepStrictEqual(yield* names(["a", "b", "prompt"]), {
          tools: ["open", "none", "both", "late"],
          resources: ["x://open"],
          templates: ["any"],
          prompts: ["open", "kept"]
        })
      }))
  }

  it.effect("is refused to others with all that it needs, in each kind of use", () =>
    Effect.gen(function*() {
      const client = yield* visit(["a"])
      assert.strictEqual(yield* reasonOf(client.callTool("both")), "InsufficientScope a b")
      assert.strictEqual(yield* reasonOf(client.readResource("x://kept")), "InsufficientScope read")
      assert.strictEqual(yield* reasonOf(client.readResource("y://one")), "InsufficientScope read")
      assert.strictEqual(yield* reasonOf(client.getPrompt("kept", { word: "x" })), "InsufficientScope prompt")
      const complete = (
        ref: { type: "ref/prompt"; name: string } | { type: "ref/resource"; uri: string },
        name: string
      ) => client.complete({ ref, argument: { name, value: "" } })
      assert.strictEqual(
        yield* reasonOf(complete({ type: "ref/prompt", name: "kept" }, "word")),
        "InsufficientScope prompt"
      )
      assert.strictEqual(
        yield* reasonOf(complete({ type: "ref/resource", uri: "y://{id}" }, "id")),
        "InsufficientScope read"
      )
    }))

  it.effect("is used by who has them", () =>
    Effect.gen(function*() {
      const client = yield* visit(["a", "b", "read", "prompt", "outer", "inner", "late"])
      for (const name of ["both", "outer", "late"]) {
        const { isError } = yield* client.callTool(name)
        assert.notStrictEqual(isError, true, name)
      }
      yield* client.readResource("x://kept")
      yield* client.readResource("y://one")
      yield* client.getPrompt("kept", { word: "x" })
    }))

  it.effect("asks who is nobody in particular to say who it is", () =>
    Effect.gen(function*() {
      const client = yield* visit(undefined)
      assert.strictEqual(yield* reasonOf(client.callTool("both")), "Unauthenticated a b")
      assert.strictEqual((yield* client.callTool("open")).isError, undefined)
    }))

  it.effect("that another uses is refused with what both need, and so is what a handler asks for by itself", () =>
    Effect.gen(function*() {
      const client = yield* visit(["outermost", "middle", "outer", "a"])
      assert.strictEqual(yield* reasonOf(client.callTool("outermost")), "InsufficientScope outermost middle inner")
      assert.strictEqual(yield* reasonOf(client.callTool("outer")), "InsufficientScope outer inner")
      assert.strictEqual(yield* reasonOf(client.callTool("late")), "InsufficientScope a late")
    }))

  it.effect("is not there for who may not see it, scopes or not", () =>
    Effect.gen(function*() {
      const hidden = McpServer.layer({
        name: "hidden",
        version: "1",
        tools: [Tool.make("x", { scopes: ["a"], visible: ({ identity }) => identity.subject === "bob", ...text("x") })]
      })
      for (const scopes of [[], ["a"]]) {
        const client = yield* visit(scopes, {}, hidden as never)
        assert.notInclude(yield* reasonOf(client.callTool("x")), "Scope")
      }
    }))

  it.effect("is shown to an extension as lists show it", () =>
    Effect.gen(function*() {
      const ask = (scopes: ReadonlyArray<string>) =>
        Effect.flatMap(visit(scopes), (client) => Effect.map(client.request("example/sees"), (result) => result.inner))
      assert.deepStrictEqual([yield* ask(["inner"]), yield* ask([])], [true, false])
    }))

  it.effect("is listed for all where the server says so, and still refused", () =>
    Effect.gen(function*() {
      const client = yield* visit([], {}, McpServer.layer({ ...options, listForbidden: true }))
      assert.include((yield* client.listTools).map(({ name }) => name), "both")
      assert.include((yield* client.listResources).map(({ uri }) => uri), "y://one")
      assert.strictEqual(yield* reasonOf(client.callTool("both")), "InsufficientScope a b")
    }))

  it.effect("does not tell who lacks them that it has changed", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(server)
      const watch = (scopes: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const client = yield* visit(scopes, {}, Layer.succeedContext(context) as never)
          yield* Effect.forkScoped(
            client.request("subscriptions/listen", { notifications: { resourceSubscriptions: ["x://kept"] } })
          )
          return client
        })
      const [may, mayNot] = [yield* watch(["read"]), yield* watch([])]
      yield* McpTest.settle
      yield* Effect.provideContext(McpServer.McpServer.use((server) => server.resourceUpdated("x://kept")), context)
      yield* McpTest.settle
      const updates = (client: McpTest.Client) =>
        Effect.map(client.notifications, (all) =>
          all.filter(({ method }) => method === "notifications/resources/updated").length)
      assert.deepStrictEqual([yield* updates(may), yield* updates(mayNot)], [1, 0])
    }))
})
