/** A folder as clients see it: what is listed, what a read gives, what they are told of and what not. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as FileSystem from "fastmcp-effect/provider/FileSystem"
import * as GuardedFiles from "fastmcp-effect/provider/GuardedFiles"
import * as GuardedFilesError from "fastmcp-effect/provider/GuardedFilesError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as fs from "node:fs"
import { plant, serving } from "./folders.ts"

const urisOf = (client: McpTest.Client) =>
  Effect.map(client.listResources, (resources) => resources.map(({ uri }) => uri))

const contentOf = (client: McpTest.Client, uri: string) =>
  Effect.map(client.readResource(uri), ({ contents: [content] }) => content!)

const textOf = (client: McpTest.Client, uri: string) =>
  Effect.map(contentOf(client, uri), (content) => "text" in content ? content.text : assert.fail("it is data"))

const reasonOf = (client: McpTest.Client, uri: string) =>
  Effect.map(Effect.flip(client.readResource(uri)), ({ reason }: McpError.McpError) => reason)

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`a folder, ${revision},`, () => {
    it.effect("has each file as a resource, and one template", () =>
      Effect.gen(function*() {
        const { at, root } = yield* plant({ "guide/ä b.md": "# Hä?", "logo.png": new Uint8Array([1, 2, 3]) })
        fs.utimesSync(at("logo.png"), 0, 1_700_000_000)
        const client = yield* McpTest.client(serving({ directory: root, watch: false }), { revision })
        const listed = yield* client.listResources
        assert.deepStrictEqual(listed.map(({ mimeType, name, uri }) => [uri, name, mimeType]), [
          ["file:///guide/%C3%A4%20b.md", "guide/ä b.md", "text/markdown"],
          ["file:///logo.png", "logo.png", "image/png"]
        ])
        if (revision >= "2025-06-18") {
          assert.strictEqual(listed[1]!.size, 3)
          assert.strictEqual(listed[1]!.annotations?.lastModified, "2023-11-14T22:13:20.000Z")
        }
        assert.deepStrictEqual((yield* client.listResourceTemplates).map(({ uriTemplate }) => uriTemplate), [
          "file://{/path*}{?offset,limit}"
        ])
        assert.strictEqual(yield* textOf(client, "file:///guide/%C3%A4%20b.md"), "# Hä?")
        assert.deepInclude(yield* contentOf(client, "file:///logo.png"), { mimeType: "image/png", blob: "AQID" })
        assert.notInclude(JSON.stringify(yield* client.frames), root)
      }))
  })
}

describe("what a client may not read", () => {
  it.effect("is answered like what is not there, in the same words", () =>
    Effect.gen(function*() {
      const { at, root } = yield* plant({
        "a.md": "a",
        ".env": "SECRET=1",
        "deep/.env": "SECRET=1",
        "deep/.git/config": "x",
        "private/b.md": "b",
        "deep/key.pem": "k"
      })
      fs.symlinkSync("/etc", at("etc"))
      const client = yield* McpTest.client(
        serving({ directory: root, exclude: ["private", "*.pem"], watch: false })
      )
      const told = (uri: string) =>
        Effect.map(Effect.flip(client.readResource(uri)), (error) => error.message.replace(uri, "URI"))
      const missing = yield* told("file:///nothing.md")
      for (
        const uri of [
          "file:///.env",
          "file:///%2Eenv",
          "file:///deep/.env",
          "file:///deep%2F.env",
          "file:///deep/.git/config",
          "file:///private/b.md",
          "file:///PRIVATE/b.md",
          "file:///deep/key.pem",
          "file:///etc/passwd",
          "file:///..%2Fa.md",
          "file:///../a.md",
          "file:///deep/../a.md",
          "file:///deep/%2e%2e/a.md",
          "file:///deep/..%5ca.md",
          "file:////etc/passwd",
          "file://///etc/passwd",
          `file://${at("a.md")}`,
          "file:///a.md%00",
          "file:///a.md%2F",
          "file:///",
          "file:///deep",
          "file:///.env?offset=0",
          "file:///private/b.md?offset=0&limit=1",
          `file:///${"a".repeat(5000)}`
        ]
      ) assert.strictEqual(yield* told(uri), missing, uri)
      assert.deepStrictEqual(yield* urisOf(client), ["file:///a.md"])
      for (const uri of ["file:///a.md", "file:///%61.md", "file:///a.md?offset=0"]) {
        assert.strictEqual(yield* textOf(client, uri), "a", uri)
      }
    }))

  it.effect("for the file system's own reasons is the operator's to know", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({ "a.md": "a" })
      const logged: Array<string> = []
      const broken = Layer.effect(
        GuardedFiles.GuardedFiles,
        Effect.map(GuardedFiles.GuardedFiles, (files) => ({
          root: (directory: string) =>
            Effect.map(files.root(directory), (root): GuardedFiles.Root => ({
              ...root,
              open: (path, options) =>
                path === "a.md"
                  ? Effect.fail(GuardedFilesError.make(
                    new GuardedFilesError.Unreadable({ path, cause: new Error(`EIO: read ${directory}`) })
                  ))
                  : root.open(path, options)
            }))
        }))
      ).pipe(Layer.provide(NodeGuardedFiles.layer))
      const client = yield* McpTest.client(
        McpServer.register(FileSystem.make({ directory: root, watch: false })).pipe(
          Layer.provideMerge(McpServer.layer({ name: "files", version: "1.0.0" })),
          Layer.provide(broken),
          Layer.provideMerge(Logger.layer([Logger.make(({ cause, message }) => {
            logged.push(String(message), Cause.pretty(cause))
          })]))
        )
      )
      assert.strictEqual((yield* reasonOf(client, "file:///a.md"))._tag, "InternalError")
      assert.notInclude(JSON.stringify(yield* client.frames), root)
      assert.include(logged.join("\n"), "EIO")
    }))
})

describe("contents", () => {
  const bytes = (...values: ReadonlyArray<number>) => new Uint8Array(values)
  const cases: ReadonlyArray<
    readonly [path: string, contents: string | Uint8Array, mimeType: string, isText: boolean]
  > = [
    ["a.log", "line", "text/plain", true],
    ["Makefile", "all:", "text/plain", true],
    ["a.ts", "const a = 1", "text/x-typescript", true],
    ["a.svg", "<svg/>", "image/svg+xml", true],
    ["a.json", "{}", "application/json", true],
    ["a.unknown", "what", "text/plain", true],
    ["empty", "", "text/plain", true],
    ["a.unknown2", bytes(0, 1), "application/octet-stream", false],
    ["a.txt", bytes(0xff, 0xfe), "text/plain", false],
    ["a.jpg", "text", "image/jpeg", false],
    ["a.wasm", bytes(0, 0x61, 0x73, 0x6d), "application/wasm", false],
    ["mark.txt", bytes(0xef, 0xbb, 0xbf, 0x61), "text/plain", true]
  ]
  for (const [path, contents, mimeType, isText] of cases) {
    it.effect(`of ${path} are ${mimeType}, as ${isText ? "text" : "data"}`, () =>
      Effect.gen(function*() {
        const { root } = yield* plant({ [path]: contents })
        const client = yield* McpTest.client(serving({ directory: root, watch: false }))
        const content = yield* contentOf(client, `file:///${path}`)
        assert.strictEqual(content.mimeType, mimeType)
        const read = "text" in content ? Buffer.from(content.text) : Buffer.from(content.blob, "base64")
        assert.deepStrictEqual([...read], [...Buffer.from(contents)])
        assert.strictEqual("text" in content, isText)
      }))
  }
})

describe("a large file", () => {
  const size = 10 * 1024 ** 3

  it.effect("of 10 GB is listed, refused as a whole with how to read it, and read in parts", () =>
    Effect.gen(function*() {
      const { at, root } = yield* plant({ "big.log": "begin" })
      fs.truncateSync(at("big.log"), size)
      const client = yield* McpTest.client(serving({ directory: root, watch: false }))
      assert.strictEqual((yield* client.listResources)[0]!.size, size)
      const reason = yield* reasonOf(client, "file:///big.log")
      assert.strictEqual(
        reason._tag === "InvalidParams" ? reason.message : "",
        "\"big.log\" has 10737418240 bytes, and no more than 10485760 are read at once; " +
          "read it in parts, the first of them at file:///big.log?offset=0&limit=10485760"
      )
      assert.deepInclude(yield* contentOf(client, "file:///big.log?limit=5"), {
        text: "begin",
        _meta: { [Meta.range]: { offset: 0, bytes: 5, size } }
      })
      const end = yield* contentOf(client, `file:///big.log?offset=${size - 2}`)
      assert.deepInclude(end, { blob: "AAA=", _meta: { [Meta.range]: { offset: size - 2, bytes: 2, size } } })
      for (const query of ["offset=-1", "offset=1.5", "limit=0", "offset=x", "limit=", `offset=${size + 1}`]) {
        assert.strictEqual((yield* reasonOf(client, `file:///big.log?${query}`))._tag, "InvalidParams", query)
      }
    }))

  it.effect("of text is put together again from parts of any size, without a broken character", () =>
    Effect.gen(function*() {
      const text = "aä語🎉".repeat(20)
      const { root } = yield* plant({ "a.txt": text })
      const client = yield* McpTest.client(serving({ directory: root, watch: false }))
      const total = Buffer.byteLength(text)
      for (let limit = 1; limit <= 12; limit++) {
        const pieces: Array<Buffer> = []
        let isAllText = true
        for (let offset = 0; offset < total;) {
          const content = yield* contentOf(client, `file:///a.txt?offset=${offset}&limit=${limit}`)
          isAllText &&= "text" in content
          const piece = "text" in content ? Buffer.from(content.text) : Buffer.from(content.blob, "base64")
          const range = content._meta![Meta.range] as { readonly bytes: number }
          assert.strictEqual(piece.length, range.bytes)
          assert.isAbove(range.bytes, 0)
          pieces.push(piece)
          offset += range.bytes
        }
        assert.strictEqual(Buffer.concat(pieces).toString(), text)
        if (limit >= 4) assert.isTrue(isAllText, String(limit))
      }
    }))
})

describe("more files than are listed", () => {
  it.effect("are read through the template, and suggested, and the log says that there are more", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({ "a/1.md": "1", "a/2.md": "2", "b/3.md": "3" })
      const logged: Array<string> = []
      const client = yield* McpTest.client(
        serving({ directory: root, maxFiles: 2, watch: false }).pipe(
          Layer.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]))
        )
      )
      assert.include(logged.join("\n"), `${root} has more than the 2 files that are found`)
      assert.deepStrictEqual(yield* urisOf(client), ["file:///a/1.md", "file:///a/2.md"])
      assert.strictEqual(yield* textOf(client, "file:///b/3.md"), "3")
      const complete = (value: string) =>
        Effect.map(
          client.complete({
            ref: { type: "ref/resource", uri: "file://{/path*}{?offset,limit}" },
            argument: { name: "path", value }
          }),
          ({ values }) => values
        )
      assert.deepStrictEqual(yield* complete("a/"), ["a/1.md", "a/2.md"])
      assert.deepStrictEqual(yield* complete("2"), ["a/2.md"])
      // A client that takes the whole path for one value of the template.
      assert.strictEqual(yield* textOf(client, "file:///a%2F2.md"), "2")
    }))
})

describe("the options", () => {
  it.effect("say what URIs begin with, and who sees the files", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({ "a.md": "a" })
      const mine = FileSystem.make({ directory: root, uri: "docs://handbook/", name: "handbook", watch: false })
      const hidden = FileSystem.make({ directory: root, uri: "other://", visible: () => false, watch: false })
      const client = yield* McpTest.client(
        McpServer.register(mine, hidden, mine.pipe(Namespace.make("two"))).pipe(
          Layer.provideMerge(McpServer.layer({ name: "files", version: "1.0.0" })),
          Layer.provide(NodeGuardedFiles.layer)
        )
      )
      assert.deepStrictEqual(yield* urisOf(client), ["docs://handbook/a.md", "docs://two/handbook/a.md"])
      assert.strictEqual(yield* textOf(client, "docs://handbook/a.md"), "a")
      assert.strictEqual(yield* textOf(client, "docs://handbook/a.md?offset=0"), "a")
      const told = (uri: string) => Effect.map(Effect.flip(client.readResource(uri)), ({ message }) => message)
      assert.strictEqual(yield* told("other:///a.md"), "Resource not found: other:///a.md")
      assert.strictEqual((yield* client.listResourceTemplates)[0]!.name, "handbook")
    }))

  it.effect("that are wrong fail the server with a word about what to do", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({})
      const built = yield* Effect.result(
        Effect.scoped(Layer.build(serving({ directory: root, exclude: ["/etc/**"] })))
      )
      assert.include(
        String(Result.isFailure(built) && built.failure.message),
        "The pattern \"/etc/**\" fits nothing: it begins at a root; write it as seen from the folder"
      )
    }))
})

describe("a folder that changes", () => {
  const changed = "notifications/resources/list_changed"
  const updated = "notifications/resources/updated"

  /** With an eye on what it is told, and looked at every 10 seconds of a clock that stands still. */
  const watching = Effect.fnUntraced(function*(tree: { readonly [path: string]: string }) {
    const planted = yield* plant(tree)
    const client = yield* McpTest.client(serving({ directory: planted.root, maxFiles: 3 }), { revision: "2025-11-25" })
    const told = (method: string) =>
      Effect.map(
        client.notifications,
        (all) => all.filter((notification) => notification.method === method).map(({ params }) => params?.uri)
      )
    /** Until what the clock has let go has come about; files are looked at outside of its time. */
    const until = (check: Effect.Effect<boolean, McpError.McpError>) =>
      Effect.gen(function*() {
        while (!(yield* check)) {
          yield* TestClock.adjust("100 millis")
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        }
      })
    return { ...planted, client, told, until }
  })

  it.effect("tells those who listen that its list is another one, and serves what is new", () =>
    Effect.gen(function*() {
      const { at, client, told, until, write } = yield* watching({ "a.md": "a" })
      write("new/b.md", "b")
      yield* until(Effect.map(urisOf(client), (uris) => uris.includes("file:///new/b.md")))
      assert.isAbove((yield* told(changed)).length, 0)
      fs.rmSync(at("a.md"))
      yield* until(Effect.map(urisOf(client), (uris) => !uris.includes("file:///a.md")))
      // A folder that was not there when the watching began.
      write("new/c.md", "c")
      yield* until(Effect.map(urisOf(client), (uris) => uris.includes("file:///new/c.md")))
    }))

  it.effect("tells those who watch a file that it is another one, in the list or not, and nobody else", () =>
    Effect.gen(function*() {
      const { client, told, until, write } = yield* watching({ "a.md": "a", "b.md": "b", "c.md": "c", "d/e.md": "e" })
      for (const uri of ["file:///a.md", "file:///d/e.md"]) yield* client.request("resources/subscribe", { uri })
      write("b.md", "other")
      write("a.md", "other")
      yield* until(Effect.map(told(updated), (uris) => uris.length > 0))
      assert.include(yield* told(updated), "file:///a.md")
      // What is in no list is looked at when it begins to be watched, so it may have been changed before.
      let round = 0
      yield* until(Effect.suspend(() => {
        write("d/e.md", `other ${++round}`)
        return Effect.map(told(updated), (uris) => uris.includes("file:///d/e.md"))
      }))
      assert.notInclude(yield* told(updated), "file:///b.md")
      assert.strictEqual(yield* textOf(client, "file:///a.md"), "other")
    }))

  it.effect("has sizes in its list that are no older than it is looked at, and no list for each change", () =>
    Effect.gen(function*() {
      const { client, told, until, write } = yield* watching({ "a.log": "1" })
      for (let size = 2; size < 10; size++) {
        write("a.log", "1".repeat(size))
        yield* TestClock.adjust("200 millis")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      assert.lengthOf(yield* told(changed), 0)
      yield* until(Effect.map(client.listResources, ([listed]) => listed?.size === 9))
      assert.lengthOf(yield* told(changed), 1)
    }))

  it.effect("is served as it was while it cannot be looked at, and again when it can", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "folder/a.md": "a" })
      const client = yield* McpTest.client(serving({ directory: at("folder") }), { revision: "2025-11-25" })
      fs.renameSync(at("folder"), at("away"))
      for (let round = 0; round < 5; round++) {
        yield* TestClock.adjust("10 seconds")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      assert.deepStrictEqual(yield* urisOf(client), ["file:///a.md"])
      fs.renameSync(at("away"), at("folder"))
      assert.strictEqual(yield* textOf(client, "file:///a.md"), "a")
    }))
})

describe("a server that ends", () => {
  const watches = () =>
    fs.readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").split("\n").filter((line) =>
          line.startsWith("inotify")
        )
      } catch {
        return []
      }
    }).length

  it.effect.skipIf(process.platform !== "linux")("watches its folders no longer", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({ "a.md": "", "b/c.md": "", "b/d/e.md": "", ".git/x": "", "out/f.md": "" })
      const before = watches()
      yield* Effect.scoped(Effect.gen(function*() {
        yield* McpTest.client(serving({ directory: root, exclude: ["out"] }))
        // What may not be served is not watched either.
        while (watches() < before + 3) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        assert.strictEqual(watches(), before + 3)
      }))
      assert.strictEqual(watches(), before)
    }))
})
