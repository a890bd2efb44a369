/** Resources and prompts for clients that know tools alone. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as AsTools from "fastmcp-effect/transform/AsTools"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as Visibility from "fastmcp-effect/transform/Visibility"
import { connect, info, kinds } from "./support.ts"

const added = (client: McpTest.Client) =>
  Effect.map(client.listTools, (tools) => tools.map(({ name }) => name).slice(3))

describe.each(kinds)("%s", (_, provider) => {
  it.effect("are listed, read and got with tools, also in a namespace", () =>
    Effect.gen(function*() {
      for (
        const [client, prefix, base] of [
          [yield* connect([provider.pipe(AsTools.make())]), "", "acme://"],
          [yield* connect([provider.pipe(AsTools.make(), Namespace.make("ns"))]), "ns_", "acme://"]
        ] as const
      ) {
        assert.deepStrictEqual(
          yield* added(client),
          ["list_resources", "read_resource", "list_prompts", "get_prompt"].map((name) => prefix + name)
        )
        const call = (name: string, args = {}) => client.callTool(prefix + name, args)
        assert.deepStrictEqual((yield* call("list_resources")).structuredContent, {
          resources: [
            { uri: `${base}clock`, name: "clock" },
            { uri: `${base}cities/Oslo`, name: "Oslo" }
          ],
          templates: [{ uriTemplate: `${base}cities/{city}`, name: "city" }]
        })
        assert.deepStrictEqual((yield* call("read_resource", { uri: `${base}clock` })).content, [
          { type: "text", text: "12:00" }
        ])
        assert.deepStrictEqual((yield* call("list_prompts")).structuredContent, {
          prompts: [{ name: "ask", arguments: [{ name: "city", required: true }] }]
        })
        const got = yield* call("get_prompt", { name: "ask", arguments: { city: "Oslo" } })
        assert.deepStrictEqual(
          (got.structuredContent as { readonly messages: ReadonlyArray<unknown> }).messages[0],
          Prompt.user("How is it in Oslo?")
        )
        for (
          const [name, args] of [
            ["read_resource", { uri: `${base}nowhere` }],
            ["read_resource", { uri: `${base}cities/Atlantis` }],
            ["get_prompt", { name: "nothing" }],
            ["get_prompt", { name: "ask", arguments: {} }]
          ] as const
        ) assert.isTrue((yield* call(name, args)).isError, `${name} ${JSON.stringify(args)}`)
      }
    }))

  it.effect("are there as their caller sees them", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        provider.pipe(AsTools.make(), Visibility.to({ scopes: ["x"] }, { names: ["acme://clock", "ask"] }))
      ])
      assert.deepStrictEqual((yield* client.callTool("list_prompts")).structuredContent, { prompts: [] })
      const { resources } = (yield* client.callTool("list_resources")).structuredContent as {
        readonly resources: ReadonlyArray<{ readonly uri: string }>
      }
      assert.deepStrictEqual(resources.map(({ uri }) => uri), ["acme://cities/Oslo"])
      assert.isTrue((yield* client.callTool("read_resource", { uri: "acme://clock" })).isError)
    }))
})

describe("as tools", () => {
  const secret = Resource.text("acme://secret", "s", { scopes: ["x"] })
  const image = Resource.bytes("acme://i", new Uint8Array([1]), { mimeType: "image/png" })
  const data = Resource.bytes("acme://d", new Uint8Array([2]))

  it.effect("what lacks a scope is not listed, and refused with that scope", () =>
    Effect.gen(function*() {
      const server = yield* Effect.map(
        Layer.build(
          McpServer.register(Provider.fromDefinitions(secret).pipe(AsTools.make())).pipe(
            Layer.provideMerge(McpServer.layer(info))
          )
        ),
        (context) => Layer.succeedContext(context)
      )
      const ann = yield* McpTest.client(server, { identity: Identity.make({ subject: "ann" }) })
      assert.deepStrictEqual((yield* ann.callTool("list_resources")).structuredContent, {
        resources: [],
        templates: []
      })
      const error = yield* Effect.flip(ann.callTool("read_resource", { uri: secret.uri }))
      assert.strictEqual(error.reason._tag, "InsufficientScope")
    }))

  it.effect("bytes are what their media type says", () =>
    Effect.gen(function*() {
      const client = yield* connect([Provider.fromDefinitions(image, data).pipe(AsTools.make())])
      assert.deepStrictEqual((yield* client.callTool("read_resource", { uri: image.uri })).content, [
        { type: "image", data: "AQ==", mimeType: "image/png" }
      ])
      assert.deepStrictEqual((yield* client.callTool("read_resource", { uri: data.uri })).content, [{
        type: "resource",
        resource: { uri: data.uri, mimeType: "application/octet-stream", blob: "Ag==" }
      }])
    }))

  it.effect("only some are added, under names of one's own", () =>
    Effect.gen(function*() {
      const tools = (transform: ReturnType<typeof AsTools.make>) =>
        Effect.flatMap(connect([kinds[0][1].pipe(transform)]), added)
      assert.deepStrictEqual(yield* tools(AsTools.make({ only: "prompts" })), ["list_prompts", "get_prompt"])
      assert.deepStrictEqual(
        yield* tools(AsTools.make({ only: "resources", names: { read_resource: "read" } })),
        ["list_resources", "read"]
      )
      const none = yield* connect([Provider.fromDefinitions(image).pipe(AsTools.make({ only: "prompts" }))])
      assert.deepStrictEqual(yield* none.listTools, [])
    }))
})
