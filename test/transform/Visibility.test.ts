/** Who sees what: in lists and in calls alike. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as Visibility from "fastmcp-effect/transform/Visibility"
import { connect, kinds, serve, textOf } from "./support.ts"

const tool = (name: string, options: { scopes?: ReadonlyArray<string>; tags?: ReadonlyArray<string> } = {}) =>
  Tool.make(name, { ...options, success: Schema.String, handler: () => Effect.succeed(name) })

/** Names and URIs of all there is, for who asks. */
const seen = (client: McpTest.Client) =>
  Effect.gen(function*() {
    return [
      ...(yield* client.listTools).map(({ name }) => name),
      ...(yield* client.listResources).map(({ uri }) => uri),
      ...(yield* client.listResourceTemplates).map(({ uriTemplate }) => uriTemplate),
      ...(yield* client.listPrompts).map(({ name }) => name)
    ]
  })

describe.each(kinds)("%s", (_, provider) => {
  it.effect("of which some are included or excluded are there or not, in lists and calls alike", () =>
    Effect.gen(function*() {
      const readOnly = yield* connect([provider.pipe(Visibility.include({ tags: ["READ"] }))])
      assert.deepStrictEqual(yield* seen(readOnly), ["forecast", "links", "acme://clock"])
      assert.include((yield* Effect.flip(readOnly.callTool("report"))).message, "report")
      assert.include((yield* Effect.flip(readOnly.getPrompt("ask"))).message, "ask")
      assert.include((yield* Effect.flip(readOnly.readResource("acme://cities/Oslo"))).message, "acme://cities/Oslo")
      assert.deepStrictEqual(
        yield* Effect.flatMap(connect([provider.pipe(Visibility.include({ allTags: ["read", "links"] }))]), seen),
        ["links"]
      )
      const rest = yield* connect([
        provider.pipe(
          Visibility.exclude({ kinds: ["tool"], tags: ["read"] }),
          Visibility.exclude({ names: ["acme://cities/{city}"] })
        )
      ])
      assert.deepStrictEqual(yield* seen(rest), ["report", "acme://clock", "ask"])
    }))

  it.effect("are there for some callers and not for others", () =>
    Effect.gen(function*() {
      const server = yield* Effect.map(
        Layer.build(serve(provider.pipe(
          Visibility.to({ scopes: ["weather:admin"] }, { tags: ["write"] }),
          Visibility.to({ identity: Identity.isAuthenticated }, { kinds: ["prompt", "resource template"] })
        ))),
        (context) => Layer.succeedContext(context)
      )
      const as = (...scopes: ReadonlyArray<string>) =>
        McpTest.client(server, {
          identity: scopes.length === 0 ? Identity.anonymous : Identity.make({ subject: "ann", scopes })
        })
      const [nobody, ann, admin] = [yield* as(), yield* as("other"), yield* as("weather:admin")]
      assert.deepStrictEqual(yield* seen(nobody), ["forecast", "links", "acme://clock"])
      assert.deepStrictEqual(
        yield* seen(ann),
        ["forecast", "links", "acme://clock", "acme://cities/Oslo", "acme://cities/{city}", "ask"]
      )
      assert.include(yield* seen(admin), "report")
      assert.include((yield* Effect.flip(ann.callTool("report"))).message, "report")
      assert.include((yield* Effect.flip(nobody.readResource("acme://cities/Oslo"))).message, "acme://cities/Oslo")
      assert.include((yield* Effect.flip(nobody.getPrompt("ask"))).message, "ask")
      const completion = nobody.complete({
        ref: { type: "ref/prompt", name: "ask" },
        argument: { name: "city", value: "" }
      })
      assert.include((yield* Effect.flip(completion)).message, "ask")
      assert.strictEqual((yield* admin.callTool("report")).isError, undefined)
    }))
})

describe("visibility", () => {
  it.effect("selects by what definitions ask for, and by a function", () =>
    Effect.gen(function*() {
      const provider = Provider.fromDefinitions(tool("a", { scopes: ["x"] }), tool("b", { scopes: ["y"] }), tool("c"))
      const admin = { identity: Identity.make({ subject: "ann", scopes: ["x", "y"] }) }
      assert.deepStrictEqual(
        yield* Effect.flatMap(connect([provider.pipe(Visibility.include({ scopes: ["x", "z"] }))], admin), seen),
        ["a"]
      )
      assert.deepStrictEqual(
        yield* Effect.flatMap(
          connect([provider.pipe(Visibility.exclude({ where: ({ scopes }) => scopes !== undefined }))], admin),
          seen
        ),
        ["c"]
      )
    }))

  it.effect("adds to what a definition says of itself", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        Provider.fromDefinitions(
          Tool.make("hidden", { visible: () => false, handler: () => Effect.void }),
          tool("shown")
        ).pipe(Visibility.to({ viewer: () => true }))
      ])
      assert.deepStrictEqual(yield* seen(client), ["shown"])
    }))
})

describe("a switch", () => {
  const extras = Visibility.switched("extras", { tags: ["extra"], isOn: false })
  const off = Tool.make("off", { handler: () => Effect.orDie(extras.off("one")) })
  const on = Tool.make("on", {
    success: Schema.String,
    failure: Schema.String,
    handler: () => Effect.mapBoth(extras.on("one"), { onSuccess: () => "done", onFailure: (error) => error.message })
  })
  const provider = Provider.fromDefinitions(tool("one", { tags: ["extra"] }), tool("two", { tags: ["extra"] }), on, off)
    .pipe(extras.transform)

  it.effect("turns definitions on and off for one session, and tells its client", () =>
    Effect.gen(function*() {
      const server = yield* Effect.map(
        Layer.build(serve(provider.pipe(Namespace.make("ns")))),
        (context) => Layer.succeedContext(context)
      )
      const [ann, bob] = [
        yield* McpTest.client(server, { revision: "2025-11-25" }),
        yield* McpTest.client(server, { revision: "2025-11-25" })
      ]
      assert.deepStrictEqual(yield* seen(ann), ["ns_on", "ns_off"])
      assert.strictEqual((yield* Effect.exit(ann.callTool("ns_one")))._tag, "Failure")
      yield* ann.callTool("ns_on")
      assert.deepStrictEqual(yield* seen(ann), ["ns_one", "ns_on", "ns_off"])
      assert.strictEqual(textOf(yield* ann.callTool("ns_one")), "one")
      assert.deepStrictEqual((yield* ann.notifications).map(({ method }) => method), [
        "notifications/tools/list_changed",
        "notifications/resources/list_changed",
        "notifications/prompts/list_changed"
      ])
      assert.deepStrictEqual(yield* seen(bob), ["ns_on", "ns_off"])
      assert.deepStrictEqual(yield* bob.notifications, [])
      yield* ann.callTool("ns_off")
      assert.deepStrictEqual(yield* seen(ann), ["ns_on", "ns_off"])
    }))

  it.effect("does nothing where there are no sessions", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider], { revision: "2026-07-28" })
      const result = yield* client.callTool("on")
      assert.isTrue(result.isError)
      assert.include(textOf(result), "There is no session")
      assert.deepStrictEqual(yield* seen(client), ["on", "off"])
    }))
})
