/** Definitions that say something else of themselves. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Rename from "fastmcp-effect/transform/Rename"
import { connect, kinds, textOf } from "./support.ts"

const tool = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(name) })

describe.each(kinds)("%s that are renamed", (_, provider) => {
  it.effect("are listed and called under their new names alone, with what else is said of them", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider.pipe(Rename.make({
        tools: {
          forecast: "weather",
          links: {
            title: "Links",
            description: "Where to read on",
            tags: ["net"],
            annotations: { readOnlyHint: true },
            icons: [{ src: "https://example.com/i.png" }],
            meta: { "example/a": 1 }
          }
        },
        prompts: { ask: { name: "question", description: "Asks" } },
        resources: {
          "acme://clock": { name: "time", description: "What time it is" },
          "acme://cities/{city}": { title: "Cities" }
        }
      }))])
      const tools = yield* client.listTools
      assert.deepStrictEqual(tools.map(({ name }) => name), ["weather", "links", "report"])
      assert.deepStrictEqual(tools[0], { ...(yield* (yield* connect([provider])).listTools)[0]!, name: "weather" })
      const { inputSchema: _schema, ...links } = tools[1]!
      assert.deepStrictEqual(links, {
        name: "links",
        title: "Links",
        description: "Where to read on",
        annotations: { readOnlyHint: true },
        icons: [{ src: "https://example.com/i.png" }],
        _meta: { [Meta.tags]: ["net"], "example/a": 1 }
      })
      const [prompt] = yield* client.listPrompts
      assert.deepStrictEqual([prompt!.name, prompt!.description], ["question", "Asks"])
      const [clock] = yield* client.listResources
      assert.deepStrictEqual([clock!.uri, clock!.name, clock!.description], ["acme://clock", "time", "What time it is"])
      assert.strictEqual((yield* client.listResourceTemplates)[0]!.title, "Cities")

      const called = yield* client.callTool("weather", { city: "Oslo", units: "metric" })
      assert.deepStrictEqual(called.structuredContent, { city: "Oslo", days: 1, units: "metric" })
      assert.include((yield* Effect.flip(client.callTool("forecast"))).message, "forecast")
      assert.strictEqual((yield* client.getPrompt("question", { city: "Oslo" })).messages.length, 2)
    }))

  it.effect("are found by what stands beside them under the old names", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        provider.pipe(Rename.make({ tools: { forecast: "weather" }, prompts: { ask: "question" } }))
      ])
      const lines: ReadonlyArray<string> = JSON.parse(textOf(yield* client.callTool("report")))
      assert.strictEqual(lines[0], "{\"city\":\"Oslo\",\"days\":1,\"units\":\"metric\"}")
      assert.deepStrictEqual(lines.slice(-3), ["How is it in Oslo?", "true", "false"])
    }))
})

describe("renaming", () => {
  it.effect("by a function asks it about each, and may exchange names", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        Provider.fromDefinitions(tool("a"), tool("b"), tool("c")).pipe(
          Rename.make({ tools: ({ name }) => name === "a" ? "b" : name === "b" ? { name: "a" } : undefined })
        )
      ])
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["b", "a", "c"])
      assert.strictEqual(textOf(yield* client.callTool("a")), "b")
      assert.strictEqual(textOf(yield* client.callTool("b")), "a")
    }))

  it.effect("of what is not there fails, or is nothing where that is said", () =>
    Effect.gen(function*() {
      const rename = (missing?: "ignore") =>
        connect([
          Provider.fromDefinitions(tool("a")).pipe(
            Rename.make({ tools: { aa: "b" }, ...(missing === undefined ? undefined : { missing }) })
          )
        ])
      const error = yield* Effect.flip(rename())
      assert.instanceOf(error, DefinitionError.DefinitionError)
      assert.strictEqual(error.message, "No tool is called \"aa\"")
      assert.deepStrictEqual((yield* (yield* rename("ignore")).listTools).map(({ name }) => name), ["a"])
    }))

  it.effect("goes on without what is gone later, and says so in the log", () =>
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<ReadonlyArray<ReturnType<typeof tool>>>()
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => {
        logged.push(String(message))
      })
      yield* Queue.offer(queue, [tool("a"), tool("b")])
      const client = yield* connect([
        Provider.make(Stream.fromQueue(queue)).pipe(Rename.make({ tools: { a: "x" } }))
      ]).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["x", "b"])
      yield* Queue.offer(queue, [tool("b")])
      yield* McpTest.settle
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["b"])
      assert.deepStrictEqual(logged, ["No tool is called \"a\" any more, which a transform is for"])
    }))

  it.effect("to a name that is taken names both", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect([
        Provider.fromDefinitions(tool("a"), tool("b")).pipe(Rename.make({ tools: { a: "b" } }))
      ]))
      assert.include(error.message, "Two definitions claim the tool \"b\"")
      assert.include(error.message, "from rename a")
    }))
})
