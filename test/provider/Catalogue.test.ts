/** Definitions that are rows: what is served of them, and what clients hear of a change. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as CatalogueHandler from "fastmcp-effect/provider/CatalogueHandler"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { prompt, resource, template, tool } from "./entries.ts"
import { heard, heardAfter, memory, node, textOf } from "./nodes.ts"
import { call, toolNames } from "./support.ts"

describe("a catalogue", () => {
  it.effect("serves tools, resources, templates and prompts as its rows say", () =>
    Effect.gen(function*() {
      const { client, store } = yield* node(memory)
      yield* store.write([
        {
          put: tool("shout", {
            title: "Shout",
            description: "Says it aloud",
            icons: [{ src: "https://a.example/i.png" }],
            tags: ["loud"],
            annotations: { readOnlyHint: true },
            settings: { prefix: "!" }
          })
        },
        { put: tool("whisper") },
        { put: resource("acme:///about", { title: "About", mimeType: "text/markdown" }) },
        { put: resource("acme:///dot", { blob: new Uint8Array([1, 2]) }) },
        { put: resource("acme:///files/a", { handler: "file", settings: { root: "/srv" } }) },
        { put: template("acme:///item/{id}{?at*}", { text: "{{id}} at {{ at }} \\{{id}}", complete: { id: ["x1"] } }) },
        { put: template("acme:///file/{id}", { handler: "file", settings: { root: "/srv" } }) },
        { put: prompt("tell", { complete: { city: ["Oslo"] } }) },
        { put: prompt("ask", { title: "Weather in", handler: "ask" }) },
        {
          put: prompt("all", {
            arguments: [{ name: "größe in m", title: "Size" }, { name: "b.c" }],
            messages: [
              { role: "assistant", content: { type: "text", text: "{{größe in m}}/{{ b.c }}/{{}} {{" } },
              {
                role: "user",
                content: {
                  type: "resource",
                  resource: { uri: "acme:///x", text: "\\{{größe in m}} is {{ größe in m }}" }
                }
              }
            ]
          })
        }
      ])
      yield* McpTest.settle

      assert.deepStrictEqual((yield* client.listTools)[0], {
        name: "shout",
        title: "Shout",
        description: "Says it aloud",
        icons: [{ src: "https://a.example/i.png" }],
        annotations: { readOnlyHint: true },
        inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
        _meta: { "fastmcp-effect/tags": ["loud"] }
      })
      assert.strictEqual(yield* call(client, "shout", { text: "hey" }), "!hey")
      assert.strictEqual(yield* call(client, "whisper", { text: "hey" }), "hey")

      assert.deepStrictEqual(
        (yield* client.listResources).map(({ mimeType, name, size, uri }) => [uri, name, mimeType, size]),
        [
          ["acme:///about", "about", "text/markdown", 9],
          ["acme:///dot", "dot", "application/octet-stream", 2],
          ["acme:///files/a", "a", undefined, undefined]
        ]
      )
      const read = (uri: string) => Effect.map(client.readResource(uri), ({ contents }) => contents[0])
      assert.deepStrictEqual(yield* read("acme:///about"), {
        uri: "acme:///about",
        mimeType: "text/markdown",
        text: "some text"
      })
      assert.deepInclude(yield* read("acme:///dot"), { blob: "AQI=" })
      assert.deepInclude(yield* read("acme:///files/a"), { text: "/srv: acme:///files/a" })
      assert.deepInclude(yield* read("acme:///item/x%7B%7Bat%7D%7D?a=1&b=2"), {
        text: "x{{at}} at {\"a\":\"1\",\"b\":\"2\"} {{id}}"
      })
      assert.deepInclude(yield* read("acme:///file/b"), { text: "/srv: acme:///file/b" })
      assert.include((yield* Effect.flip(client.readResource("acme:///file/none"))).message, "not found")
      assert.deepStrictEqual(
        (yield* client.complete({
          ref: { type: "ref/resource", uri: "acme:///item/{id}{?at*}" },
          argument: { name: "id", value: "x" }
        })).values,
        ["x1"]
      )

      assert.deepStrictEqual(yield* client.listPrompts, [
        { name: "tell", arguments: [{ name: "city", required: true }] },
        { name: "ask", title: "Weather in", arguments: [{ name: "city", required: true }] },
        {
          name: "all",
          arguments: [{ name: "größe in m", title: "Size", required: false }, { name: "b.c", required: false }]
        }
      ])
      assert.deepStrictEqual((yield* client.getPrompt("all", { "größe in m": "2" })).messages, [
        { role: "assistant", content: { type: "text", text: "2//{{}} {{" } },
        {
          role: "user",
          content: { type: "resource", resource: { uri: "acme:///x", text: "{{größe in m}} is 2" } }
        }
      ])
      assert.deepStrictEqual((yield* client.getPrompt("tell", { city: "{{city}} $&" })).messages, [
        { role: "user", content: { type: "text", text: "Tell me of {{city}} $&" } }
      ])
      assert.strictEqual(
        textOf({ content: (yield* client.getPrompt("ask", { city: "Oslo" })).messages.map(({ content }) => content) }),
        "Weather in Oslo"
      )
      assert.strictEqual((yield* Effect.flip(client.getPrompt("tell"))).reason._tag, "InvalidParams")
    }))

  it.effect("shows a handler no arguments that its row's schema refuses", () => {
    const seen: Array<unknown> = []
    const spy = CatalogueHandler.tool({ handler: ({}, input) => Effect.sync(() => void seen.push(input)) })
    return Effect.gen(function*() {
      const { client, store } = yield* node(memory, { handlers: { spy } })
      const { inputSchema } = tool("any")
      yield* store.put(tool("some", { handler: "spy", inputSchema: { ...inputSchema, additionalProperties: false } }))
      const { inputSchema: _, ...nothing } = tool("none", { handler: "spy" })
      yield* store.put(nothing)
      yield* McpTest.settle
      for (const args of [{}, { text: 1 }, { text: "a", more: true }]) {
        const refused = yield* client.callTool("some", args)
        assert.isTrue(refused.isError)
        assert.include(textOf(refused), "Invalid arguments for some")
      }
      assert.deepStrictEqual(seen, [])
      yield* client.callTool("some", { text: "a" })
      yield* client.callTool("none", {})
      assert.deepStrictEqual(seen, [{ text: "a" }, {}])
    })
  })

  it.effect("gives what a handler succeeds with as its row has it, and what it fails with as a tool error", () =>
    Effect.gen(function*() {
      const { client, store } = yield* node(memory)
      const outputSchema = { type: "object", properties: { left: { type: "number" } }, required: ["left"] }
      const { inputSchema: _, ...count } = tool("count", { handler: "count", settings: { most: 3 } })
      yield* store.write([
        { put: count },
        { put: { ...count, name: "structured", outputSchema } },
        { put: { ...count, name: "wrong", outputSchema: { ...outputSchema, required: ["missing"] } } },
        { put: { ...count, name: "much", settings: { most: 9 } } }
      ])
      yield* McpTest.settle
      const plain = yield* client.callTool("count")
      assert.isUndefined(plain.structuredContent)
      assert.deepStrictEqual(JSON.parse(textOf(plain)), { name: "count", left: 5 })
      assert.deepStrictEqual((yield* client.callTool("structured")).structuredContent, { name: "structured", left: 5 })
      assert.strictEqual((yield* Effect.flip(client.callTool("wrong"))).reason._tag, "InternalError")
      const spent = yield* client.callTool("much")
      assert.isTrue(spent.isError)
      assert.strictEqual(textOf(spent), "Only 5 left")
    }))

  it.effect("hides what a caller has no scope for, and refuses it", () =>
    Effect.gen(function*() {
      const store = Layer.succeedContext(yield* Layer.build(memory))
      const user = (...scopes: ReadonlyArray<string>) =>
        node(store, { identity: { ...Identity.anonymous, subject: "ada", scopes } })
      const [ada, root] = [yield* user("read"), yield* user("read", "write")]
      yield* ada.store.write([{ put: tool("all") }, { put: tool("few", { scopes: ["write"] }) }])
      yield* McpTest.settle
      assert.deepStrictEqual(yield* toolNames(ada.client), ["all"])
      assert.deepStrictEqual(yield* toolNames(root.client), ["all", "few"])
      yield* Effect.flip(ada.client.callTool("few", { text: "" }))
    }))

  it.effect("tells clients of the lists that changed, each once, and of no other", () =>
    Effect.gen(function*() {
      const { client, store } = yield* node(memory)
      yield* store.write([{ put: tool("a") }, { put: tool("b") }, { put: prompt("p") }, { put: resource("acme:///r") }])
      yield* McpTest.settle
      assert.deepStrictEqual(yield* heardAfter(client, 0), [
        "prompts list_changed",
        "resources list_changed",
        "tools list_changed"
      ])
      const steps: ReadonlyArray<[Effect.Effect<unknown, unknown>, ReadonlyArray<string>]> = [
        [store.put(tool("a", { title: "A" })), ["tools list_changed"]],
        [store.put(tool("a", { title: "A" })), []],
        [store.remove({ kind: "prompt", name: "p" }), ["prompts list_changed"]],
        [store.remove({ kind: "prompt", name: "p" }), []],
        [store.put(template("acme:///{id}")), ["resources list_changed"]],
        [store.write([{ put: tool("c") }, { put: tool("d") }]), ["tools list_changed"]]
      ]
      for (const [step, expected] of steps) {
        const before = (yield* heard(client)).length
        yield* step
        yield* McpTest.settle
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* heardAfter(client, before), expected)
      }
      assert.deepStrictEqual(yield* toolNames(client), ["a", "b", "c", "d"])
    }))

  it.effect("tells who watches a resource that its row has changed, and nobody else", () =>
    Effect.gen(function*() {
      const { client, store } = yield* node(memory)
      yield* store.write([{ put: resource("acme:///a") }, { put: resource("acme:///b") }, { put: template("x:/{id}") }])
      yield* McpTest.settle
      const since = (before: number) => heardAfter(client, before)
      let before = (yield* heard(client)).length
      for (const uri of ["acme:///a", "x:/1"]) yield* client.request("resources/subscribe", { uri })
      yield* McpTest.settle
      assert.deepStrictEqual(yield* since(before), [])
      yield* store.put(resource("acme:///a", { text: "other text" }))
      yield* McpTest.settle
      assert.deepStrictEqual(yield* since(before), ["resources list_changed", "resources updated acme:///a"])
      before += 2
      yield* store.write([{ put: resource("acme:///b", { text: "b" }) }, { put: template("x:/{id}", { text: "" }) }])
      yield* McpTest.settle
      assert.deepStrictEqual(yield* since(before), ["resources list_changed", "resources updated x:/1"])
      before += 2
      yield* client.request("resources/unsubscribe", { uri: "acme:///a" })
      yield* store.put(resource("acme:///a", { text: "third text" }))
      yield* McpTest.settle
      yield* client.request("resources/subscribe", { uri: "acme:///a" })
      yield* McpTest.settle
      assert.deepStrictEqual(yield* since(before), ["resources list_changed"])
    }))

  it.effect("keeps what a bad row was before, leaves out one that never was good, and names both in the log", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const { client, store } = yield* node(memory)
      yield* store.write([{ put: tool("good") }, { put: tool("second") }])
      yield* McpTest.settle
      const before = yield* heard(client)
      yield* store.write([
        { put: tool("good", { handler: "sing" }) },
        { put: tool("new", { handler: "file" }) },
        { put: tool("fresh", { settings: { prefix: 1 } }) },
        { put: tool("typo", { settings: { prefx: "a" } }) },
        { put: resource("acme:///a", { handler: "say" }) }
      ])
      yield* McpTest.settle
      assert.deepStrictEqual(yield* toolNames(client), ["good", "second"])
      assert.strictEqual(yield* call(client, "good", { text: "hey" }), "hey")
      assert.deepStrictEqual(yield* heard(client), before)
      const patterns = [
        /tool "good" of the catalogue stays as it was: no handler is called "sing"; .*say/u,
        /tool "new" of the catalogue is left out: the handler "file" is for a resource/u,
        /tool "fresh" of the catalogue is left out: settings: prefix: /u,
        /tool "typo" of the catalogue is left out: settings: prefx: /u,
        /resource "acme:\/\/\/a" of the catalogue is left out: the handler "say" is for a tool/u
      ]
      assert.strictEqual(logged.length, patterns.length)
      for (const [index, pattern] of patterns.entries()) assert.match(logged[index]!, pattern)

      yield* store.put(tool("new", { title: "New" }))
      yield* store.put(tool("good", { title: "Good" }))
      yield* McpTest.settle
      assert.deepStrictEqual((yield* client.listTools).map(({ title }) => title), ["Good", undefined, "New"])
      assert.strictEqual(logged.length, patterns.length)
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
  })

  it.effect("finishes a call with the row it began with", () =>
    Effect.gen(function*() {
      const slow = CatalogueHandler.tool({
        settings: Schema.Struct({ says: Schema.String }),
        handler: ({ says }) => Effect.delay(Effect.succeed(says), "1 second")
      })
      const { client, store } = yield* node(memory, { handlers: { slow } })
      const row = (says: string) => tool("a", { handler: "slow", settings: { says } })
      yield* store.put(row("old"))
      yield* McpTest.settle
      const running = yield* Effect.forkChild(call(client, "a", { text: "" }))
      yield* McpTest.settle
      yield* store.put(row("new"))
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(running), "old")
    }))
})
