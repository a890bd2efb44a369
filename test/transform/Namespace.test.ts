/** Definitions under a namespace: what is listed, what is found, and what is said of URIs in results. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as UriTemplate from "fastmcp-effect/core/UriTemplate"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import { connect, far, inCode, info, kinds, serve, textOf } from "./support.ts"

const tool = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(name) })

describe.each(kinds)("%s in a namespace", (_, provider) => {
  const weather = provider.pipe(Namespace.make("weather"))

  it.effect("are listed and found under names and URIs with it, and no others", () =>
    Effect.gen(function*() {
      const client = yield* connect([weather])
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), [
        "weather_forecast",
        "weather_links",
        "weather_report"
      ])
      assert.deepStrictEqual((yield* client.listPrompts).map(({ name }) => name), ["weather_ask"])
      assert.deepStrictEqual(
        (yield* client.listResources).map(({ uri }) => uri),
        ["acme://weather/clock", "acme://weather/cities/Oslo"]
      )
      assert.deepStrictEqual(
        (yield* client.listResourceTemplates).map(({ uriTemplate }) => uriTemplate),
        ["acme://weather/cities/{city}"]
      )
      assert.deepStrictEqual(
        (yield* client.callTool("weather_forecast", { city: "Oslo", units: "metric" })).structuredContent,
        { city: "Oslo", days: 1, units: "metric" }
      )
      const refusals: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        client.callTool("forecast", { city: "Oslo", units: "metric" }),
        client.readResource("acme://clock"),
        client.readResource("acme://cities/Oslo"),
        client.getPrompt("ask", { city: "Oslo" })
      ]
      for (const refused of refusals) assert.strictEqual((yield* Effect.exit(refused))._tag, "Failure")
    }))

  it.effect("say of their own URIs in results where they are, and leave those of others", () =>
    Effect.gen(function*() {
      const client = yield* connect([weather])
      const { content } = yield* client.callTool("weather_links")
      assert.deepStrictEqual(
        content.map((block) =>
          block.type === "resource_link" ? block.uri : block.type === "resource" ? block.resource.uri : ""
        ),
        [
          "acme://weather/clock",
          "acme://weather/cities/Oslo",
          "acme://weather/clock#minutes",
          "https://example.com/elsewhere",
          "acme://weather/clock"
        ]
      )
      const read = yield* client.readResource("acme://weather/cities/Oslo")
      assert.deepStrictEqual(read.contents, [
        { uri: "acme://weather/cities/Oslo", text: "Oslo" },
        { uri: "acme://weather/clock", text: "12:00" }
      ])
      assert.deepStrictEqual((yield* client.readResource("acme://weather/clock")).contents, [
        { uri: "acme://weather/clock", text: "12:00" }
      ])
      const { messages } = yield* client.getPrompt("weather_ask", { city: "Oslo" })
      assert.deepStrictEqual(messages[1]!.content, {
        type: "resource_link",
        uri: "acme://weather/clock",
        name: "acme://clock"
      })
      const error = yield* Effect.flip(client.readResource("acme://weather/cities/Atlantis"))
      assert.include(error.message, "acme://weather/cities/Atlantis")
    }))

  it.effect("find what stands beside them by their own names", () =>
    Effect.gen(function*() {
      const client = yield* connect([weather.pipe(Namespace.make("outer"))])
      const result = yield* client.callTool("outer_weather_report")
      assert.deepStrictEqual(JSON.parse(textOf(result)), [
        "{\"city\":\"Oslo\",\"days\":1,\"units\":\"metric\"}",
        "12:00",
        "Oslo",
        "12:00",
        "How is it in Oslo?",
        "true",
        "false"
      ])
    }))

  it.effect("complete under their new names", () =>
    Effect.gen(function*() {
      const client = yield* connect([weather])
      for (
        const ref of [
          { type: "ref/prompt", name: "weather_ask" },
          { type: "ref/resource", uri: "acme://weather/cities/{city}" }
        ] as const
      ) {
        assert.deepStrictEqual(
          (yield* client.complete({ ref, argument: { name: "city", value: "o" } })).values,
          ["Oslo", "Lisbon"]
        )
      }
    }))

  it.effect("tell of changes under their new URIs", () =>
    Effect.gen(function*() {
      const client = yield* connect([weather])
      yield* client.request("resources/subscribe", { uri: "acme://weather/clock" })
      yield* McpTest.settle
      yield* TestClock.adjust("1 minute")
      yield* McpTest.settle
      const uris = (yield* client.notifications).map(({ method, params }) => `${method} ${String(params?.uri)}`)
      assert.include(uris, "notifications/resources/updated acme://weather/clock")
    }))
})

describe("a namespace", () => {
  it.effect("keeps two providers with the same definitions apart", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        inCode.pipe(Namespace.make("a")),
        far.pipe(Namespace.make("b")),
        inCode
      ])
      assert.strictEqual((yield* client.listTools).length, 9)
      assert.deepStrictEqual(
        (yield* client.listResources).map(({ uri }) => uri).filter((uri) => uri.endsWith("clock")),
        ["acme://a/clock", "acme://b/clock", "acme://clock"]
      )
    }))

  it.effect("is part of the path in the error about two definitions of one name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect([
        Provider.fromDefinitions(tool("b_c")).pipe(Namespace.make("a")),
        Provider.fromDefinitions(tool("c")).pipe(Namespace.make("b"), Namespace.make("a"))
      ]))
      assert.include(error.message, "from namespace a")
      assert.include(error.message, "from namespace a > namespace b")
      assert.include(error.message, "\"a_b_c\"")
    }))

  it.effect("that makes a name no tool may have is reported with that name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect([
        Provider.fromDefinitions(tool("x".repeat(120))).pipe(Namespace.make("a-long-namespace"))
      ]))
      assert.include(error.message, `a-long-namespace_${"x".repeat(120)}`)
      assert.include(error.message, "1 to 128 characters")
    }))

  it("refuses what cannot be part of a name or a URI", () => {
    for (const name of ["", "we ather", "../up", ".", "a/b", "ä"]) {
      assert.throws(() => Namespace.make(name), DefinitionError.DefinitionError)
    }
    assert.throws(() => Namespace.make("a", { separator: "/" }), DefinitionError.DefinitionError)
  })

  it.effect("has a separator of one's own", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        Provider.fromDefinitions(tool("b")).pipe(Namespace.make("a", { separator: "." }))
      ])
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["a.b"])
    }))

  it.effect("moves URIs of every form to valid ones, each to its own, and templates with what they match", () =>
    Effect.gen(function*() {
      const forms = {
        "acme://clock": "acme://ns/clock",
        "acme://": "acme://ns",
        "acme:///clock": "acme:///ns/clock",
        "acme://clock?zone=1#now": "acme://ns/clock?zone=1#now",
        "acme://[::1]/x": "acme://[::1]/ns/x",
        "file:///etc/hosts": "file:///ns/etc/hosts",
        "https://example.com": "https://example.com/ns",
        "https://example.com/": "https://example.com/ns/",
        "https://example.com/a?b": "https://example.com/ns/a?b",
        "https://example.com?b": "https://example.com/ns?b",
        "memo:note": "memo:ns/note",
        "memo:/note": "memo:/ns/note",
        "urn:isbn:123": "urn:ns:isbn:123"
      }
      const client = yield* connect([
        Provider.fromDefinitions(...Object.keys(forms).map((uri) => Resource.text(uri, uri))).pipe(Namespace.make("ns"))
      ])
      const moved = (yield* client.listResources).map(({ uri }) => uri)
      assert.deepStrictEqual(moved, Object.values(forms))
      for (const [uri, there] of Object.entries(forms)) {
        assert.doesNotThrow(() => new URL(there))
        assert.strictEqual(new URL(there).protocol, new URL(uri).protocol)
        assert.deepStrictEqual((yield* client.readResource(there)).contents, [
          { uri: there, mimeType: "text/plain", text: uri }
        ])
      }
    }))

  it.effect.prop(
    "gives back to a template each URI that it would have had",
    [Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(20))],
    ([value]) =>
      Effect.gen(function*() {
        if (!value.isWellFormed() || /[\0/\\]|^\.\.$/u.test(value)) return
        for (
          const text of [
            "acme://{v}",
            "acme://{v}/tail",
            "acme:///a/{v}",
            "acme://{+v}",
            "acme://a{/v}",
            "acme:{v}",
            "acme://a{?v}",
            "https://example.com/{v}",
            "https://example.com{/v}",
            "https://example.com{?v}"
          ]
        ) {
          const template = ResourceTemplate.relay({
            listed: { uriTemplate: text, name: "t" },
            read: (uri) => Effect.succeed({ contents: [{ uri, text: uri }] })
          })
          const parsed = Result.getOrThrow(UriTemplate.parse(text))
          const uri = UriTemplate.expand(parsed, { v: value })
          const client = yield* connect([Provider.fromDefinitions(template).pipe(Namespace.make("ns"))])
          const { uriTemplate } = (yield* client.listResourceTemplates)[0]!
          const moved = UriTemplate.expand(Result.getOrThrow(UriTemplate.parse(uriTemplate)), { v: value })
          assert.notStrictEqual(moved, uri)
          assert.deepStrictEqual((yield* client.readResource(moved)).contents, [{ uri: moved, text: uri }])
        }
      }),
    { arbitrary: { runs: 25 } }
  )

  it.effect("refuses a template whose scheme or host is not fixed", () =>
    Effect.gen(function*() {
      for (const uriTemplate of ["{+uri}", "https://{host}/x", "https://{+rest}"]) {
        const template = ResourceTemplate.make(uriTemplate as string, {
          name: "t",
          mimeType: "text/plain",
          handler: () => Effect.succeed("x")
        })
        const error = yield* Effect.flip(
          connect([Provider.fromDefinitions(template).pipe(Namespace.make("ns"))])
        )
        assert.include(error.message, "is not fixed, so no namespace can follow it")
      }
    }))

  it.effect("says of a tool where the resource of its view is", () =>
    Effect.gen(function*() {
      const view = Tool.make("view", { meta: { ui: { resourceUri: "ui://view", csp: 1 } }, handler: () => Effect.void })
      const client = yield* connect([
        Provider.fromDefinitions(view, Resource.text("ui://view", "<p>")).pipe(Namespace.make("ns"))
      ])
      assert.deepStrictEqual((yield* client.listTools)[0]!._meta, { ui: { resourceUri: "ui://ns/view", csp: 1 } })
    }))

  it.effect("lets what a handler logs reach its client", () =>
    Effect.gen(function*() {
      const logs = Tool.make("logs", { handler: () => Effect.logInfo("seen") })
      const client = yield* McpTest.client(
        Layer.provide(serve(Provider.fromDefinitions(logs).pipe(Namespace.make(info.name))), Logger.layer([])),
        { revision: "2025-11-25", logLevel: "info" }
      )
      yield* client.callTool("transforms_logs")
      yield* McpTest.settle
      assert.include((yield* client.notifications).map(({ method }) => method), "notifications/message")
    }))
})
