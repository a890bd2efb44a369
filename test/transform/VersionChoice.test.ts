/** Several versions of one name. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as VersionChoice from "fastmcp-effect/transform/VersionChoice"
import { connect, textOf } from "./support.ts"

const tool = (name: string, version?: string) =>
  Tool.make(name, { version, success: Schema.String, handler: () => Effect.succeed(`${name} ${version}`) })

const inCode = [
  tool("a", "1.2.0"),
  tool("a", "1.10.0"),
  tool("a", "2.0.0-rc.1"),
  tool("a", "1.9.9"),
  tool("b", "2.0.0"),
  tool("b", "3.0.0"),
  tool("c")
]

const relayed = inCode.map((tool) => Tool.relay(Tool.describe(tool), (input) => Tool.respond(tool, input)))

const kinds = [
  ["definitions in code", Provider.fromDefinitions(...inCode)],
  ["relayed definitions", Provider.fromDefinitions(...relayed)]
] as const

const chosen = (provider: Provider.Provider<DefinitionError.DefinitionError, never>) =>
  Effect.gen(function*() {
    const client = yield* connect([provider])
    const tools = yield* client.listTools
    return yield* Effect.forEach(tools, ({ name }) => Effect.map(client.callTool(name), textOf))
  })

describe.each(kinds)("%s of several versions", (_, provider) => {
  it.effect("are there once, as the newest", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* chosen(provider.pipe(VersionChoice.make())), [
        "a 2.0.0-rc.1",
        "b 3.0.0",
        "c undefined"
      ])
    }))

  it.effect("can be chosen by a range, for all or for one", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* chosen(provider.pipe(VersionChoice.make({ ranges: { a: "1.x" } }))), [
        "a 1.10.0",
        "b 3.0.0",
        "c undefined"
      ])
      assert.deepStrictEqual(yield* chosen(provider.pipe(VersionChoice.make({ range: "<3", ranges: { a: "1.9" } }))), [
        "a 1.9.9",
        "b 2.0.0",
        "c undefined"
      ])
      // What is not in the range is not there.
      assert.deepStrictEqual(yield* chosen(provider.pipe(VersionChoice.make({ range: "^1" }))), [
        "a 1.10.0",
        "c undefined"
      ])
    }))

  it.effect("that are not chosen go by a name of their own, if at all, and are in no list", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        provider.pipe(VersionChoice.make({ others: "by name" }), Namespace.make("ns"))
      ])
      assert.deepStrictEqual((yield* client.listTools).map(({ _meta, name }) => [name, _meta?.[Meta.version]]), [
        ["ns_a", "2.0.0-rc.1"],
        ["ns_b", "3.0.0"],
        ["ns_c", undefined]
      ])
      assert.strictEqual(textOf(yield* client.callTool("ns_a_v1.2.0")), "a 1.2.0")
      const gone = yield* connect([provider.pipe(VersionChoice.make())])
      assert.include((yield* Effect.flip(gone.callTool("a_v1.2.0"))).message, "a_v1.2.0")
    }))
})

describe("choosing a version", () => {
  it.effect("is for prompts and resources, too", () =>
    Effect.gen(function*() {
      const ask = (version: string) => Prompt.make("ask", { version, handler: () => Effect.succeed(version) })
      const client = yield* connect([
        Provider.fromDefinitions(
          ask("2.0.0"),
          ask("1.0.0"),
          Resource.text("acme://r", "old", { version: "2026-01-01" }),
          Resource.text("acme://r", "new", { version: "2026-02-01" })
        ).pipe(VersionChoice.make({ others: "by name" }))
      ])
      assert.deepStrictEqual((yield* client.listPrompts).map(({ name }) => name), ["ask"])
      assert.deepStrictEqual((yield* client.getPrompt("ask_v1.0.0")).messages, [Prompt.user("1.0.0")])
      assert.strictEqual((yield* client.listResources).length, 1)
      assert.deepStrictEqual((yield* client.readResource("acme://r")).contents, [
        { uri: "acme://r", mimeType: "text/plain", text: "new" }
      ])
    }))

  it.effect("for a name that is not there fails", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect([kinds[0][1].pipe(VersionChoice.make({ ranges: { z: "1" } }))]))
      assert.strictEqual(error.message, "No tool is called \"z\"")
    }))

  it("refuses what is no range", () => {
    for (const range of ["one", "1..2", ">", "^", "1.2.3.4", "1 | 2", "1 || b"]) {
      assert.throws(() => VersionChoice.make({ range }), DefinitionError.DefinitionError, range)
    }
  })
})
