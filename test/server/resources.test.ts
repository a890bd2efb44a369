/** `resources/read` and `resources/list`: which definition answers a URI, and what is said of one that nothing does. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as wires from "./wires.ts"

const info = { name: "resources", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** Says who answered, and with what. */
const answering = (uriTemplate: string, options: { readonly unsafe?: boolean } = {}) =>
  ResourceTemplate.make(uriTemplate, {
    name: uriTemplate,
    ...options,
    handler: (values: object) => Effect.succeed(`${uriTemplate} ${JSON.stringify(values)}`)
  } as never) as ResourceTemplate.Handled<string, any, any, never>

const textOf = (client: McpTest.Client, uri: string) =>
  Effect.map(client.readResource(uri), ({ contents }) => (contents[0] as { text: string }).text)

/** The code and data of the error that answered last. */
const lastError = (client: McpTest.Client) =>
  Effect.map(client.frames, (frames) => {
    const { code, data } = JSON.parse(frames.at(-1)!).error
    return { code, data }
  })

for (const revision of versions) {
  describe(`in ${revision} a URI`, () => {
    it.effect("is read from the resource of that very URI before any template", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            resources: [answering("test:///{a}"), Resource.text("test:///here", "the resource itself")]
          }),
          { revision }
        )
        assert.strictEqual(yield* textOf(client, "test:///here"), "the resource itself")
        assert.strictEqual(yield* textOf(client, "test:///there"), "test:///{a} {\"a\":\"there\"}")
      }))

    it.effect("is read from the most specific template, in whichever order they came", () =>
      Effect.gen(function*() {
        const templates = ["test:///{+all}", "test:///{a}/{b}", "test:///x/{b}", "test:///x/y{b}"].map((text) =>
          answering(text)
        )
        const expected = {
          "test:///x/yz": "test:///x/y{b} {\"b\":\"z\"}",
          "test:///x/z": "test:///x/{b} {\"b\":\"z\"}",
          "test:///w/z": "test:///{a}/{b} {\"a\":\"w\",\"b\":\"z\"}",
          "test:///w/y/z": "test:///{+all} {\"all\":\"w/y/z\"}"
        }
        for (const resources of [templates, templates.toReversed()]) {
          const client = yield* McpTest.client(Layer.fresh(McpServer.layer({ ...info, resources })), { revision })
          for (const [uri, text] of Object.entries(expected)) assert.strictEqual(yield* textOf(client, uri), text)
        }
      }))

    it.effect("that would leave its place is refused, however it is written", () =>
      Effect.gen(function*() {
        let reads = 0
        const file = ResourceTemplate.make("file:///{+path}", {
          name: "file",
          handler: () => Effect.sync(() => String(++reads))
        })
        const item = ResourceTemplate.make("item:///{id}", {
          name: "item",
          handler: () => Effect.sync(() => String(++reads))
        })
        const client = yield* McpTest.client(McpServer.layer({ ...info, resources: [file, item] }), { revision })
        for (
          const uri of [
            "file:///../etc/passwd",
            "file:///a/../../etc/passwd",
            "file:///a/..",
            "file:///..",
            "file:///%2e%2e/etc/passwd",
            "file:///a/%2E%2E/b",
            "file:///a%00b",
            "item:///..",
            "item:///%2e%2e",
            "item:///a%2Fb",
            "item:///a%00"
          ]
        ) {
          const refused = yield* Effect.flip(client.readResource(uri))
          assert.strictEqual(refused.reason._tag, "InvalidParams", uri)
          assert.deepStrictEqual(yield* lastError(client), { code: -32602, data: { uri } })
        }
        assert.strictEqual(reads, 0)
        for (const uri of ["file:///a/..b", "file:///a..b/c", "item:///a..", "item:///...", "item:///a%20b"]) {
          yield* client.readResource(uri)
        }
        assert.strictEqual(reads, 5)
      }))

    it.effect("nobody has is not found, with the URI and the code of the era", () =>
      Effect.gen(function*() {
        const absent = ResourceTemplate.make("absent:///{id}", {
          name: "absent",
          handler: ({ id }) => Effect.succeed(id === "null" ? null : undefined)
        })
        const empty = Resource.make("empty:///", { handler: Effect.succeed({ contents: [] }) })
        const refusing = Resource.make("refusing:///", {
          handler: Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri: "refusing:///" })))
        })
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, resources: [absent, empty, refusing] }),
          { revision }
        )
        const code = revision === "2026-07-28" ? -32602 : -32002
        for (
          const uri of ["none:///", "", "absent:///1", "absent:///null", "empty:///", "refusing:///", "EMPTY:///"]
        ) {
          const refused = yield* Effect.flip(client.readResource(uri))
          assert.include(refused.message, "Resource not found")
          assert.deepStrictEqual(yield* lastError(client), { code, data: { uri } }, uri)
        }
      }))

    it.effect("whose values do not fit their schemas is refused, each by name", () =>
      Effect.gen(function*() {
        const page = ResourceTemplate.make("page:///{chapter}/{line}", {
          name: "page",
          parameters: { chapter: Schema.FiniteFromString, line: Schema.Literals(["1", "2"]) },
          handler: ({ chapter, line }) => Effect.succeed(`${typeof chapter} ${line}`)
        })
        const client = yield* McpTest.client(McpServer.layer({ ...info, resources: [page] }), { revision })
        assert.strictEqual(yield* textOf(client, "page:///7/2"), "number 2")
        const refused = yield* Effect.flip(client.readResource("page:///seven/3"))
        assert.strictEqual((yield* lastError(client)).code, -32602)
        for (const name of ["chapter", "line"]) assert.include(refused.message, name)
      }))

    it.effect("is served with its type, and bytes as base64", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            resources: [
              Resource.bytes("test:///bytes", new Uint8Array([0, 255, 10]), { mimeType: "image/png" }),
              Resource.make("test:///json", {
                success: Schema.Struct({ at: Schema.Date }),
                handler: Effect.succeed({ at: new Date(0) })
              })
            ]
          }),
          { revision }
        )
        assert.deepStrictEqual((yield* client.readResource("test:///bytes")).contents, [
          { uri: "test:///bytes", mimeType: "image/png", blob: "AP8K" }
        ])
        assert.deepStrictEqual((yield* client.readResource("test:///json")).contents, [
          { uri: "test:///json", mimeType: "application/json", text: "{\"at\":\"1970-01-01T00:00:00.000Z\"}" }
        ])
      }))
  })

  describe(`in ${revision} the list of resources`, () => {
    const listing = (name: string, uris: ReadonlyArray<string>) =>
      ResourceTemplate.make(`${name}:///{id}`, {
        name,
        list: Effect.succeed(uris.map((uri) => ({ uri }))),
        handler: () => Effect.succeed("x")
      })

    it.effect("ends with what the templates list, in their order, on the last page alone", () =>
      Effect.gen(function*() {
        const resources = ["a", "b", "c", "d", "e"].map((name) => Resource.text(`test:///${name}`, name))
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            pageSize: 2,
            resources: [
              listing("first", ["first:///1", "first:///2"]),
              ...resources,
              listing("second", ["second:///1"])
            ]
          }),
          { revision }
        )
        const pages: Array<ReadonlyArray<string>> = []
        let cursor: unknown
        do {
          const result = yield* client.request("resources/list", cursor === undefined ? {} : { cursor } as never)
          pages.push((result.resources as unknown as ReadonlyArray<{ uri: string }>).map(({ uri }) => uri))
          cursor = result.nextCursor
        } while (cursor !== undefined)
        assert.deepStrictEqual(pages, [
          ["test:///a", "test:///b"],
          ["test:///c", "test:///d"],
          ["test:///e", "first:///1", "first:///2", "second:///1"]
        ])
      }))

    it.effect("has each URI once, a resource before what a template says of it", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            resources: [
              Resource.text("test:///a", "a", { title: "its own" }),
              listing("first", ["test:///a", "test:///b"]),
              listing("second", ["test:///b", "test:///c"])
            ]
          }),
          { revision }
        )
        assert.deepStrictEqual((yield* client.listResources).map(({ uri }) => uri), [
          "test:///a",
          "test:///b",
          "test:///c"
        ])
      }))

    it.effect("has what a template lists under the URI of a resource that is hidden", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            resources: [
              Resource.text("open:///a", "hidden", { visible: () => false }),
              listing("open", ["open:///a"])
            ]
          }),
          { revision }
        )
        assert.deepStrictEqual((yield* client.listResources).map(({ uri }) => uri), ["open:///a"])
        assert.strictEqual(yield* textOf(client, "open:///a"), "x")
      }))

    it.effect("is refused when a template cannot say what there is", () =>
      Effect.gen(function*() {
        const broken = ResourceTemplate.make("broken:///{id}", {
          name: "broken",
          list: Effect.fail(McpError.make(new McpError.Overloaded({ message: "not now" }))),
          handler: () => Effect.succeed("x")
        })
        const client = yield* McpTest.client(McpServer.layer({ ...info, resources: [broken] }), { revision })
        assert.strictEqual((yield* Effect.flip(client.listResources)).message, "not now")
        assert.lengthOf(yield* client.listResourceTemplates, 1)
      }))
  })
}

describe("reading over a wire", () => {
  for (const name of wires.names) {
    for (const era of wires.eras) {
      it.effect(`works, and a URI that is not ASCII survives it: ${name}, ${era.toLowerCase()} era`, () =>
        Effect.gen(function*() {
          const server = McpServer.layer({
            ...info,
            resources: [Resource.text("test:///ü/☃", "snow"), answering("test:///%C3%A9/{a}")]
          })
          const wire = yield* wires.open(name, era, server)
          wire.send(wires.request(era, 1, "resources/read", { uri: "test:///ü/☃" }))
          assert.strictEqual((yield* wires.answer(wire, 1)).result.contents[0].text, "snow")
          wire.send(wires.request(era, 2, "resources/read", { uri: "test:///none" }))
          const { error } = yield* wires.answer(wire, 2)
          assert.deepStrictEqual(
            [error!.code, error!.data],
            [era === "Stateful" ? -32002 : -32602, { uri: "test:///none" }]
          )
        }))
    }
  }
})
