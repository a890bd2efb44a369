import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Content from "fastmcp-effect/definition/Content"
import type * as ContentError from "fastmcp-effect/definition/ContentError"
import * as Media from "fastmcp-effect/definition/Media"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"

const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3])
const pngBase64 = "iVBORw0KGgoBAgM="

const isBlock = Schema.is(McpSchema.ContentBlock)

const reasonOf = <A, R>(effect: Effect.Effect<A, ContentError.ContentError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

describe("content", () => {
  it("is made from bytes and from base64 alike", () => {
    assert.deepStrictEqual(Content.image(png, "image/png"), { type: "image", data: pngBase64, mimeType: "image/png" })
    assert.deepStrictEqual(Content.image(pngBase64, "image/png"), Content.image(png, "image/png"))
    const options = { annotations: { audience: ["user" as const] }, _meta: { "example.com/a": 1 } }
    assert.deepStrictEqual(Content.audio(Uint8Array.of(1), "audio/wav", options), {
      type: "audio",
      data: "AQ==",
      mimeType: "audio/wav",
      ...options
    })
    assert.deepStrictEqual(Content.resource({ uri: "a:b", blob: png }).resource, { uri: "a:b", blob: pngBase64 })
    assert.deepStrictEqual(Content.resource({ uri: "a:b", text: "t" }).resource, { uri: "a:b", text: "t" })
    assert.deepStrictEqual(Content.resourceLink({ uri: "a:b", name: "b", size: 3 }), {
      type: "resource_link",
      uri: "a:b",
      name: "b",
      size: 3
    })
  })

  it("is what the protocol knows", () => {
    const blocks = [
      Content.text("t"),
      Content.image(png, "image/png"),
      Content.audio(png, "audio/wav"),
      Content.resource({ uri: "a:b", blob: png }),
      Content.resourceLink({ uri: "a:b", name: "b" })
    ]
    for (const block of blocks) assert.isTrue(isBlock(block), block.type)
    assert.deepStrictEqual(Content.result(...blocks).content, blocks)
  })
})

describe("a data URL", () => {
  it.effect("is content, in base64 or not", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* Media.imageFromDataUrl(`data:image/png;base64,${pngBase64}`),
        Content.image(png, "image/png")
      )
      const svg = yield* Media.imageFromDataUrl("data:image/svg+xml;utf8,%3Csvg/%3E")
      assert.deepStrictEqual(svg, Content.image("PHN2Zy8+", "image/svg+xml"))
      assert.strictEqual((yield* Media.audioFromDataUrl("data:audio/wav;base64,AQ%3D%3D")).data, "AQ==")
      const named = yield* Media.resourceFromDataUrl("a:b", "data:text/plain;charset=utf-8;base64,w6k=")
      assert.deepStrictEqual(named.resource, { uri: "a:b", mimeType: "text/plain", text: "é" })
      const plain = yield* Media.resourceFromDataUrl("a:b", "data:,x%C3%A9")
      assert.deepStrictEqual(plain.resource, { uri: "a:b", mimeType: "text/plain", text: "xé" })
    }))

  it.effect("of another kind, too large, or that is none, is refused", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* reasonOf(Media.imageFromDataUrl("data:text/plain,a")), "WrongType")
      assert.strictEqual(yield* reasonOf(Media.audioFromDataUrl("data:image/png;base64,AQ==")), "WrongType")
      assert.strictEqual(
        yield* reasonOf(Media.imageFromDataUrl(`data:image/png;base64,${pngBase64}`, { maxBytes: 10 })),
        "TooLarge"
      )
      for (const url of ["https://example.com", "data:image/png;base64", "data:image/png;base64,@", "data:a/b,%zz"]) {
        assert.strictEqual(yield* reasonOf(Media.imageFromDataUrl(url)), "Malformed", url)
      }
    }))
})

describe("a file", () => {
  const inDirectory = <A, E>(
    use: (
      write: (name: string, bytes: Uint8Array) => Effect.Effect<string>
    ) => Effect.Effect<A, E, FileSystem.FileSystem>
  ) =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const directory = yield* Effect.orDie(files.makeTempDirectoryScoped())
      return yield* use((name, bytes) => {
        const path = `${directory}/${name}`
        return Effect.as(Effect.orDie(files.writeFile(path, bytes)), path)
      })
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

  it.effect("is of the type its name says, or its first bytes where it says nothing, or you", () =>
    inDirectory((write) =>
      Effect.gen(function*() {
        const typeOf = (name: string, bytes = png, options?: Media.Options) =>
          Effect.flatMap(write(name, bytes), (path) => Media.imageFromFile(path, options))
        assert.deepStrictEqual(yield* typeOf("a.PNG"), Content.image(png, "image/png"))
        assert.strictEqual((yield* typeOf("a.jpg")).mimeType, "image/jpeg")
        assert.strictEqual((yield* typeOf("picture")).mimeType, "image/png")
        assert.strictEqual((yield* typeOf("b", Uint8Array.of(1), { mimeType: "image/x-own" })).mimeType, "image/x-own")
        const wav = new TextEncoder().encode("RIFF\0\0\0\0WAVEfmt ")
        assert.strictEqual(
          (yield* Effect.flatMap(write("sound", wav), (path) => Media.audioFromFile(path))).mimeType,
          "audio/wav"
        )
      })
    ))

  it.effect("that is absent, too large or something else is refused with its path", () =>
    inDirectory((write) =>
      Effect.gen(function*() {
        const path = yield* write("a.png", png)
        const absent = yield* Effect.flip(Media.imageFromFile(`${path}.gone`))
        assert.strictEqual(absent.reason._tag, "Unreadable")
        assert.include(absent.message, `${path}.gone could not be read`)
        assert.strictEqual(yield* reasonOf(Media.imageFromFile(path, { maxBytes: png.length - 1 })), "TooLarge")
        assert.strictEqual((yield* Media.imageFromFile(path, { maxBytes: png.length })).data, pngBase64)
        assert.strictEqual(yield* reasonOf(Media.audioFromFile(path)), "WrongType")
        const unknown = yield* write("unknown", Uint8Array.of(1, 2, 3))
        const error = yield* Effect.flip(Media.imageFromFile(unknown))
        assert.strictEqual(error.message, `${unknown} is of no known media type; say it with the option mimeType`)
      })
    ))

  it.effect("is a resource, as text where it is text", () =>
    inDirectory((write) =>
      Effect.gen(function*() {
        const embed = (name: string, bytes: Uint8Array, options?: { readonly uri: string }) =>
          Effect.flatMap(write(name, bytes), (path) => Media.resourceFromFile(path, options))
        const text = new TextEncoder().encode("# é")
        const own = (yield* embed("a b.md", text)).resource
        assert.match(own.uri, /^file:\/\/\/.*\/a%20b\.md$/u)
        assert.deepStrictEqual(own, { uri: own.uri, mimeType: "text/markdown", text: "# é" })
        assert.deepStrictEqual((yield* embed("b.md", Uint8Array.of(0xff), { uri: "doc:b" })).resource, {
          uri: "doc:b",
          mimeType: "text/markdown",
          blob: "/w=="
        })
        assert.deepStrictEqual((yield* embed("c", Uint8Array.of(1), { uri: "doc:c" })).resource, {
          uri: "doc:c",
          blob: "AQ=="
        })
      })
    ))
})
