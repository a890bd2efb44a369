/** What can be read of a folder: nothing outside, nothing kept back, and what is listed alone. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
import * as GuardedFiles from "fastmcp-effect/provider/GuardedFiles"
import * as GuardedFilesError from "fastmcp-effect/provider/GuardedFilesError"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as guarded from "../../src/node/internal/guardedFiles.ts"
import { pathsOf, plant, type Tree } from "./folders.ts"

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** As on a system that cannot say where a descriptor is. */
const elsewhere = Layer.succeed(
  GuardedFiles.GuardedFiles,
  GuardedFiles.GuardedFiles.of({
    root: (directory) =>
      Effect.sync(() => ({
        ...guarded.make(fs.realpathSync(directory), { isPinning: false }),
        watch: () => Effect.succeed({ keep: () => Effect.void })
      }))
  })
)

const systems = [
  ["as it is", NodeGuardedFiles.layer],
  ["without places of descriptors", elsewhere]
] as const

const textOf = (folder: GuardedFiles.Folder, path: string) =>
  Effect.map(folder.read(path), ({ bytes }) => decode(bytes))

const reasonOf = <A>(effect: Effect.Effect<A, GuardedFilesError.GuardedFilesError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const tagOf = <A>(effect: Effect.Effect<A, GuardedFilesError.GuardedFilesError>) =>
  Effect.map(reasonOf(effect), ({ _tag }) => _tag)

it.effect("this machine is one whose descriptors say where they are, if it is Linux", () =>
  Effect.map(guarded.canPin, (canPin) => assert.strictEqual(canPin, process.platform === "linux")))

for (const [system, layer] of systems) {
  const test = (name: string, body: () => ReturnType<typeof run>) =>
    it.effect(name, () => Effect.provide(body(), layer))
  const run = (effect: Effect.Effect<void, unknown, GuardedFiles.GuardedFiles | import("effect/Scope").Scope>) => effect
  const opened = Effect.fnUntraced(function*(tree: Tree, options?: GuardedFiles.Options) {
    const planted = yield* plant(tree)
    return { ...planted, folder: yield* GuardedFiles.open(planted.root, options) }
  })

  describe(`a folder, ${system},`, () => {
    test("lists its files as a walk comes by them, and reads each", () =>
      run(Effect.gen(function*() {
        const { folder, root } = yield* opened({ "b.md": "b", "a/2.txt": "two", "a/10.txt": "ten", "ä ß#?%{}.md": "ä" })
        const listing = yield* folder.list
        assert.deepStrictEqual(pathsOf(listing), ["a/10.txt", "a/2.txt", "b.md", "ä ß#?%{}.md"])
        assert.isTrue(listing.isWhole)
        for (const { path, size, stamp } of listing.files) {
          const part = yield* folder.read(path)
          assert.strictEqual(part.bytes.length, size)
          assert.strictEqual(part.file.stamp, stamp)
        }
        assert.strictEqual(yield* textOf(folder, "a/10.txt"), "ten")
        assert.strictEqual(folder.path, root)
      })))

    test("keeps back what is hidden, at whatever depth, from lists and from reads", () =>
      run(Effect.gen(function*() {
        const tree = { ".env": "S=1", "a/.env": "S=1", ".git/config": "x", "a/b/.ssh/id": "x", "a/b/c.md": "c" }
        const { folder } = yield* opened(tree)
        assert.deepStrictEqual(pathsOf(yield* folder.list), ["a/b/c.md"])
        for (const path of [".env", "a/.env", ".git/config", "a/b/.ssh/id"]) {
          assert.deepStrictEqual(
            yield* reasonOf(folder.read(path)),
            new GuardedFilesError.Excluded({ path, rule: "hidden" })
          )
          assert.strictEqual(yield* tagOf(folder.look(path)), "Excluded")
        }
        const { folder: all } = yield* opened(tree, { hidden: true })
        assert.sameMembers(pathsOf(yield* all.list), Object.keys(tree))
      })))

    test("has no path that leads out, however it is written", () =>
      run(Effect.gen(function*() {
        const { at } = yield* plant({ "folder/in/a.md": "a", "folder/a.md": "a", "a.md": "secret" })
        const folder = yield* GuardedFiles.open(at("folder"))
        const paths = [
          "../a.md",
          "in/../a.md",
          "in/../../etc/passwd",
          "./a.md",
          "in/./a.md",
          "in//a.md",
          "/a.md",
          "/etc/passwd",
          at("folder/a.md"),
          "",
          ".",
          "..",
          "in/",
          "a.md\0.png",
          "\ud800"
        ]
        for (const path of paths) assert.strictEqual(yield* tagOf(folder.read(path)), "Outside", path)
        for (const path of ["..\\a.md", "in\\a.md", "%2e%2e/a.md", "%2e%2e%2fa.md", "a.md%00", "a".repeat(5000)]) {
          assert.include(["NotFound", "Outside", "Excluded"], yield* tagOf(folder.read(path)), path.slice(0, 20))
        }
      })))

    test("follows no link, neither a file's nor one on the way", () =>
      run(Effect.gen(function*() {
        const outside = yield* plant({ "secret.md": "secret", "deep/secret.md": "secret" })
        const { at, folder } = yield* opened({ "in/a.md": "a" })
        fs.symlinkSync(outside.at("secret.md"), at("file.md"))
        fs.symlinkSync(outside.root, at("folder"))
        fs.symlinkSync("in", at("inner"))
        fs.symlinkSync("a.md", at("in/same.md"))
        fs.symlinkSync("loop", at("loop"))
        assert.deepStrictEqual(pathsOf(yield* folder.list), ["in/a.md"])
        for (
          const path of [
            "file.md",
            "folder/secret.md",
            "folder/deep/secret.md",
            "inner/a.md",
            "in/same.md",
            "loop/a.md"
          ]
        ) {
          assert.include(["Outside", "NotRegular", "NotFound"], yield* tagOf(folder.read(path)), path)
        }
      })))

    test("follows links where it is told to, and none out of it or to what is kept back", () =>
      run(Effect.gen(function*() {
        const outside = yield* plant({ "secret.md": "secret", "deep/secret.md": "secret" })
        const { at, folder } = yield* opened(
          { "in/a.md": "a", "in/key.pem": "k", "private/b.md": "b", ".env": "S" },
          { follow: true, exclude: ["*.pem", "private"] }
        )
        const links = {
          "file.md": "in/a.md",
          "folder": "in",
          "in/circle": "..",
          "circle": ".",
          "out.md": outside.at("secret.md"),
          "out": outside.root,
          "second.md": "out.md",
          "key.md": "in/key.pem",
          "env.md": ".env",
          "open": "private",
          "gone.md": "nothing"
        }
        for (const [link, target] of Object.entries(links)) fs.symlinkSync(target, at(link))
        assert.deepStrictEqual(pathsOf(yield* folder.list), ["file.md", "folder/a.md", "in/a.md"])
        assert.strictEqual(yield* textOf(folder, "file.md"), "a")
        assert.strictEqual(yield* textOf(folder, "folder/a.md"), "a")
        for (
          const path of [
            "out.md",
            "out/secret.md",
            "out/deep/secret.md",
            "second.md",
            "key.md",
            "env.md",
            "open/b.md",
            "gone.md",
            "folder/key.pem",
            "circle/private/b.md"
          ]
        ) {
          assert.include(["Outside", "Excluded", "NotFound"], yield* tagOf(folder.read(path)), path)
        }
      })))

    test("opens no pipe and no device, and waits for none", () =>
      run(Effect.gen(function*() {
        const { at, folder } = yield* opened({ "a.md": "a" }, { follow: true })
        execFileSync("mkfifo", [at("pipe.md")])
        fs.symlinkSync("/dev/zero", at("zero.md"))
        fs.symlinkSync("pipe.md", at("linked.md"))
        assert.deepStrictEqual(pathsOf(yield* folder.list), ["a.md"])
        assert.strictEqual(yield* tagOf(folder.read("pipe.md")), "NotRegular")
        assert.strictEqual(yield* tagOf(folder.read("linked.md")), "NotRegular")
        assert.strictEqual(yield* tagOf(folder.read("zero.md")), "Outside")
        fs.mkdirSync(at("dir.md"))
        assert.strictEqual(yield* tagOf(folder.read("dir.md")), "NotRegular")
      })))

    test("reads a file of 10 GB in parts and not at once, and knows its size", () =>
      run(Effect.gen(function*() {
        const { at, folder } = yield* opened({ "big.log": "begin" })
        const size = 10 * 1024 ** 3
        fs.truncateSync(at("big.log"), size)
        const end = fs.openSync(at("big.log"), "r+")
        fs.writeSync(end, "end", size - 3)
        fs.closeSync(end)
        assert.strictEqual((yield* folder.list).files[0]!.size, size)
        const reason = yield* reasonOf(folder.read("big.log"))
        assert.deepStrictEqual(
          reason,
          new GuardedFilesError.TooLarge({ path: "big.log", size, maximum: 10 * 1024 * 1024 })
        )
        const part = (range: GuardedFiles.Range) => Effect.map(folder.read("big.log", range), ({ bytes }) => bytes)
        assert.strictEqual(decode(yield* part({ limit: 5 })), "begin")
        assert.strictEqual(decode(yield* part({ offset: size - 3 })), "end")
        assert.strictEqual(decode(yield* part({ offset: size - 3, limit: 2 })), "en")
        assert.lengthOf(yield* part({ offset: size }), 0)
        assert.lengthOf(yield* part({ offset: 4096 }), 10 * 1024 * 1024)
        assert.lengthOf(yield* part({ offset: 4096, limit: size }), 10 * 1024 * 1024)
        assert.deepStrictEqual(
          yield* reasonOf(folder.read("big.log", { offset: size + 1 })),
          new GuardedFilesError.OutOfRange({ path: "big.log", size, offset: size + 1 })
        )
      })))

    test("lists no more than it should, and says so", () =>
      run(Effect.gen(function*() {
        const files = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`d${index % 3}/f${index}.md`, ""]))
        const few = yield* opened(files, { maxFiles: 7 })
        const listing = yield* few.folder.list
        assert.lengthOf(listing.files, 7)
        assert.isFalse(listing.isWhole)
        assert.strictEqual(yield* textOf(few.folder, "d2/f29.md"), "")
        const all = yield* opened(files, { maxFiles: 30 })
        assert.isTrue((yield* all.folder.list).isWhole)
        const tired = yield* opened(files, { maxEntries: 12 })
        const some = yield* tired.folder.list
        assert.isFalse(some.isWhole)
        assert.isBelow(some.files.length, 12)
      })))

    test("is as deep as it may be, for reads too", () =>
      run(Effect.gen(function*() {
        const { at, folder } = yield* opened(
          { "a.md": "", "1/a.md": "", "1/2/a.md": "", "1/2/3/a.md": "" },
          { depth: 2, follow: true }
        )
        fs.symlinkSync("../../a.md", at("1/2/link.md"))
        assert.deepStrictEqual(pathsOf(yield* folder.list), ["1/2/a.md", "1/2/link.md", "1/a.md", "a.md"])
        assert.strictEqual(yield* textOf(folder, "1/2/link.md"), "")
        assert.deepStrictEqual(
          yield* reasonOf(folder.read("1/2/3/a.md")),
          new GuardedFilesError.Excluded({ path: "1/2/3/a.md", rule: "depth" })
        )
      })))

    test("goes on without a folder that the file system does not show, and says which", () =>
      run(Effect.gen(function*() {
        const { root } = yield* plant({ "a.md": "a", "shut/b.md": "b", "c.md": "c" })
        const broken = (path: string) =>
          GuardedFilesError.make(new GuardedFilesError.Unreadable({ path, cause: new Error("EIO") }))
        const folder = yield* Effect.updateService(GuardedFiles.open(root), GuardedFiles.GuardedFiles, (files) => ({
          root: (directory) =>
            Effect.map(files.root(directory), (root) => ({
              ...root,
              open: (path, options) => path === "shut" ? Effect.fail(broken(path)) : root.open(path, options)
            }))
        }))
        const listing = yield* folder.list
        assert.deepStrictEqual(pathsOf(listing), ["a.md", "c.md"])
        assert.deepStrictEqual(listing.unreadable, [broken("shut")])
      })))

    test("stays where it was found when a link takes its place", () =>
      run(Effect.gen(function*() {
        const outside = yield* plant({ "a.md": "secret" })
        const { at } = yield* plant({ "folder/a.md": "a" })
        const folder = yield* GuardedFiles.open(at("folder"))
        fs.renameSync(at("folder"), at("gone"))
        fs.symlinkSync(outside.root, at("folder"))
        assert.include(["Outside", "NotFound"], yield* tagOf(folder.read("a.md")))
        assert.include(["Outside", "NotFound"], yield* tagOf(folder.list))
      })))

    test("is a folder, or fails", () =>
      run(Effect.gen(function*() {
        if (system !== "as it is") return
        const { at } = yield* plant({ "a.md": "" })
        const reason = yield* reasonOf(Effect.provide(GuardedFiles.open(at("nothing")), layer))
        assert.strictEqual(reason._tag, "NotAFolder")
        assert.deepStrictEqual(
          yield* reasonOf(Effect.provide(GuardedFiles.open(at("a.md")), layer)),
          new GuardedFilesError.NotAFolder({ directory: at("a.md"), problem: "it is not a folder" })
        )
      })))

    test("shows a name that is not UTF-8 to nobody, and lists the others", () =>
      run(Effect.gen(function*() {
        const { folder, root } = yield* opened({ "a.md": "" })
        fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x62, 0xff, 0x2e, 0x6d, 0x64])]), "x")
        assert.deepStrictEqual(pathsOf(yield* folder.list), ["a.md"])
      })))
  })
}

describe("a pattern", () => {
  const tree: Tree = Object.fromEntries([
    "README.md",
    "key.pem",
    "docs/a.md",
    "docs/a.txt",
    "docs/private/b.md",
    "docs/private/key.pem",
    "docs/été/ñ.md",
    "docs/日本/語🎉.md",
    "src/node_modules/x/index.js",
    "src/private"
  ].map((path) => [path, ""]))

  /** Files that are listed, after each that is listed was read and each other was not. */
  const shown = Effect.fnUntraced(function*(options: GuardedFiles.Options) {
    const { root } = yield* plant(tree)
    const folder = yield* GuardedFiles.open(root, options)
    const listed = pathsOf(yield* folder.list)
    for (const path of Object.keys(tree)) {
      const read = yield* Effect.result(folder.read(path))
      assert.strictEqual(Result.isSuccess(read), listed.includes(path), path)
    }
    return listed
  }, Effect.provide(NodeGuardedFiles.layer))

  const cases: ReadonlyArray<readonly [GuardedFiles.Options, ReadonlyArray<string>]> = [
    [{ include: ["*.pem"] }, ["docs/private/key.pem", "key.pem"]],
    [{ include: ["docs/*.md"] }, ["docs/a.md"]],
    [{ include: ["docs/**/*.md"], exclude: ["private"] }, ["docs/a.md", "docs/été/ñ.md", "docs/日本/語🎉.md"]],
    [{ include: ["docs/private"] }, ["docs/private/b.md", "docs/private/key.pem"]],
    [{ include: ["private/"] }, ["docs/private/b.md", "docs/private/key.pem"]],
    [{ exclude: ["docs", "src"] }, ["README.md", "key.pem"]],
    [{ include: ["*.{txt,js}"] }, ["docs/a.txt", "src/node_modules/x/index.js"]],
    [{ include: ["docs/??/*"] }, ["docs/日本/語🎉.md"]],
    [{ include: ["語?.md", "e\u0301te\u0301/*"] }, ["docs/日本/語🎉.md"]],
    [{ include: ["docs/e\u0301te\u0301/*"] }, ["docs/été/ñ.md"]],
    [{ include: ["docs/[à-ü]*/**"] }, ["docs/été/ñ.md"]],
    [{ include: [] }, []],
    [{ exclude: ["**"] }, []],
    [{ exclude: ["node_modules", "*.pem", "docs/**"] }, ["README.md", "src/private"]]
  ]
  for (const [options, expected] of cases) {
    it.effect(`${JSON.stringify(options)} holds for lists and reads`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* shown(options), expected)
      }))
  }

  it.effect("that fits nothing is an error, since it would keep nothing back", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({})
      for (const pattern of ["", "/etc/**", "../x", "a/../b", "!a", "C:\\x", "{a,b}".repeat(14)]) {
        for (const options of [{ include: [pattern] }, { exclude: [pattern] }]) {
          const reason = yield* reasonOf(Effect.provide(GuardedFiles.open(root, options), NodeGuardedFiles.layer))
          assert.strictEqual(reason._tag, "InvalidPattern", pattern)
        }
      }
    }))

  it.effect("with many stars takes no longer for it", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({ [`${"a".repeat(200)}b`]: "" })
      const folder = yield* GuardedFiles.open(root, { exclude: [`${"*a".repeat(60)}*c`, `${"**/".repeat(60)}c`] })
      assert.lengthOf((yield* folder.list).files, 1)
    }).pipe(Effect.provide(NodeGuardedFiles.layer)))
})

describe("whatever the folder and its rules", () => {
  const segment = Arbitrary.schema(Schema.Literals(["a", "b.md", ".c", "ä", "key.pem", "x y"]))
  const below = Arbitrary.array(segment, { minLength: 1, maxLength: 4 })
  const pattern = Arbitrary.schema(
    Schema.Literals(["a", "*.md", "a/**", "**/ä/*", "[!a]*", "*", "x y/", "{ä,a}/b.md", "*/*"])
  )
  const patterns = Arbitrary.array(pattern, { minLength: 0, maxLength: 2 })

  it.effect.prop(
    "what is listed is what can be read, and none of it is of another place",
    {
      paths: Arbitrary.array(below, { minLength: 1, maxLength: 12 }),
      links: Arbitrary.array(Arbitrary.all([below, below]), { minLength: 0, maxLength: 4 }),
      include: patterns,
      exclude: patterns,
      hidden: Arbitrary.schema(Schema.Boolean),
      follow: Arbitrary.schema(Schema.Boolean),
      depth: Arbitrary.schema(Schema.Literals([0, 1, 2, 16]))
    },
    ({ include, links, paths, ...options }) =>
      Effect.gen(function*() {
        const { at } = yield* plant({ "outside/b.md": "outside", "folder/.keep": "" })
        const folder = at("folder")
        // What cannot be made, since another has its place, is not there.
        const attempt = (make: () => void) => {
          try {
            make()
          } catch {
            // It is not.
          }
        }
        for (const segments of paths) {
          attempt(() => {
            const file = path.join(folder, ...segments)
            fs.mkdirSync(path.dirname(file), { recursive: true })
            fs.writeFileSync(file, "inside")
          })
        }
        for (const [index, [from, to]] of links.entries()) {
          const target = index % 2 === 0 ? path.join(folder, ...to) : at("outside")
          attempt(() => fs.symlinkSync(target, path.join(folder, ...from)))
        }
        const guarded = yield* GuardedFiles.open(folder, include.length === 0 ? options : { ...options, include })
        const listed = new Set(pathsOf(yield* guarded.list))
        // All names there are, those over links too.
        const names = fs.globSync("**/*", { cwd: folder }).concat(fs.globSync("**/.*", { cwd: folder }), [...listed])
        for (const name of new Set(names)) {
          const read = yield* Effect.result(guarded.read(name))
          if (Result.isSuccess(read)) assert.include(["inside", ""], decode(read.success.bytes))
          // A list does not go round in circles, and a read may.
          if (listed.has(name) || options.follow !== true) {
            assert.strictEqual(Result.isSuccess(read), listed.has(name), name)
          }
        }
      }).pipe(Effect.scoped, Effect.provide(NodeGuardedFiles.layer)),
    { arbitrary: { runs: 150 } }
  )
})

describe("descriptors", () => {
  const open = () => fs.readdirSync("/proc/self/fd").length

  it.effect.skipIf(process.platform !== "linux")(
    "are all given back, whatever a read comes to",
    () =>
      Effect.gen(function*() {
        const { at, root } = yield* plant({ "a.md": "a", "big": "x".repeat(100), ".env": "S", "d/b.md": "b" })
        fs.symlinkSync("/etc/passwd", at("out"))
        execFileSync("mkfifo", [at("pipe")])
        const folder = yield* GuardedFiles.open(root, { maxBytes: 50 })
        yield* folder.list
        const before = open()
        for (let round = 0; round < 20; round++) {
          yield* Effect.forEach(
            ["a.md", "big", ".env", "out", "pipe", "d", "nothing", "d/b.md"],
            (path) => Effect.ignore(folder.read(path)),
            { concurrency: "unbounded" }
          )
          yield* Effect.ignore(folder.read("big", { offset: 1000 }))
          yield* folder.list
          const reading = yield* Effect.forkChild(folder.read("a.md"), { startImmediately: true })
          yield* Fiber.interrupt(reading)
        }
        assert.strictEqual(open(), before)
      }).pipe(Effect.provide(NodeGuardedFiles.layer))
  )
})
