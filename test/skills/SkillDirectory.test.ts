import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as McpServer from "fastmcp-effect/server/McpServer"
import type * as Skill from "fastmcp-effect/skills/Skill"
import * as SkillDirectory from "fastmcp-effect/skills/SkillDirectory"
import * as SkillError from "fastmcp-effect/skills/SkillError"
import * as Skills from "fastmcp-effect/skills/Skills"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { execFileSync, spawnSync } from "node:child_process"

const node = Layer.merge(NodeFileSystem.layer, NodePath.layer)

const manifest = (name: string) => `---\nname: ${name}\ndescription: The skill ${name}.\n---\n\nDo it.\n`

type Tree = { readonly [path: string]: string | Uint8Array }

/** Files in a folder of their own, which goes with the test. */
const plant = Effect.fnUntraced(function*(tree: Tree) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  const root = yield* fs.realPath(yield* fs.makeTempDirectoryScoped({ prefix: "skills" }))
  for (const [path, contents] of Object.entries(tree)) {
    const file = join(root, path)
    yield* fs.makeDirectory(dirname(file), { recursive: true })
    if (typeof contents === "string") yield* fs.writeFileString(file, contents)
    else yield* fs.writeFile(file, contents)
  }
  return { fs, root, at: (path: string) => join(root, path) }
})

const test = <E>(
  name: string,
  run: () => Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | import("effect/Scope").Scope>
) => it.effect(name, () => Effect.scoped(Effect.provide(run(), node)))

const paths = ({ files }: Skill.Any) => files.map(({ path }) => path)

const textOf = ({ files }: Skill.Any, path: string) =>
  new TextDecoder().decode((files.find((file) => file.path === path)!.body as Skill.Body).bytes)

const reasonOf = <A, R>(reading: Effect.Effect<A, SkillError.SkillError, R>) =>
  Effect.map(Effect.flip(reading), ({ reason }) => reason)

describe("a folder", () => {
  test("is a skill: SKILL.md first, then all files in the order of their paths", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({
        "refunds/b.md": "b",
        "refunds/SKILL.md": manifest("refunds"),
        "refunds/references/FORMS.md": "# Forms",
        "refunds/references/a/1.txt": "1",
        "refunds/10.md": "10",
        "refunds/2.bin": new Uint8Array([0, 255])
      })
      const skill = yield* SkillDirectory.read(at("refunds"))
      assert.deepStrictEqual(paths(skill).slice().sort(), [
        "10.md",
        "2.bin",
        "SKILL.md",
        "b.md",
        "references/FORMS.md",
        "references/a/1.txt"
      ])
      assert.strictEqual(paths(skill)[0], "SKILL.md")
      assert.strictEqual(skill.path, "refunds")
      assert.strictEqual(textOf(skill, "SKILL.md"), manifest("refunds"))
      assert.deepStrictEqual(skill.frontmatter, { name: "refunds", description: "The skill refunds." })
      const isText = skill.files.map(({ body, path }) => [path, (body as Skill.Body).isText])
      assert.deepInclude(isText, ["2.bin", false])
      assert.deepInclude(isText, ["references/a/1.txt", true])
    }))

  test("may have a prefix, and those who see it", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "refunds/SKILL.md": manifest("refunds") })
      const visible = () => false
      const skill = yield* SkillDirectory.read(at("refunds"), { prefix: "acme/billing", visible })
      assert.strictEqual(skill.path, "acme/billing/refunds")
      assert.strictEqual(skill.visible, visible)
    }))

  test("keeps bytes as they are, marks and ends of lines too", () =>
    Effect.gen(function*() {
      const text = `\ufeff${manifest("refunds").replaceAll("\n", "\r\n")}`
      const { at } = yield* plant({ "refunds/SKILL.md": text })
      const { files: [file] } = yield* SkillDirectory.read(at("refunds"))
      assert.deepStrictEqual((file!.body as Skill.Body).bytes, new TextEncoder().encode(text))
    }))

  test("gives up nothing that is hidden, unless it is asked for", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({
        "refunds/SKILL.md": manifest("refunds"),
        "refunds/.env": "SECRET=1",
        "refunds/.git/config": "[core]",
        "refunds/a/.DS_Store": "",
        "refunds/a/b.md": ""
      })
      assert.deepStrictEqual(paths(yield* SkillDirectory.read(at("refunds"))), ["SKILL.md", "a/b.md"])
      const all = yield* SkillDirectory.read(at("refunds"), { hidden: true })
      assert.sameMembers(paths(all).slice(), ["SKILL.md", ".env", ".git/config", "a/.DS_Store", "a/b.md"])
    }))

  test("has the name of its skill", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "refunds/SKILL.md": manifest("repayments") })
      const error = yield* Effect.flip(SkillDirectory.read(at("refunds")))
      assert.deepStrictEqual(
        error.reason,
        new SkillError.NameMismatch({ folder: at("refunds"), name: "repayments" })
      )
      assert.strictEqual(
        error.message,
        `The folder ${at("refunds")} holds a skill called "repayments"; give both one name`
      )
    }))

  test("has a SKILL.md, spelled like that", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "none/a.md": "", "lower/skill.md": manifest("lower"), "deep/a/SKILL.md": "" })
      for (const folder of ["none", "deep"]) {
        const error = yield* Effect.flip(SkillDirectory.read(at(folder)))
        assert.deepStrictEqual(error.reason, new SkillError.MissingManifest({ folder: at(folder) }))
      }
      const error = yield* Effect.flip(SkillDirectory.read(at("lower")))
      assert.strictEqual(error.message, `The folder ${at("lower")} has no SKILL.md; rename skill.md`)
    }))

  test("has frontmatter that is right, or says in which file it is wrong", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "refunds/SKILL.md": "# Refunds\n" })
      const error = yield* Effect.flip(SkillDirectory.read(at("refunds")))
      assert.strictEqual(
        error.message,
        `The frontmatter of ${at("refunds/SKILL.md")} is wrong: the file does not begin with a block of YAML between `
          + "two lines of ---"
      )
    }))

  test("has text in its SKILL.md", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "refunds/SKILL.md": new Uint8Array([0xff, 0xfe]) })
      assert.deepStrictEqual(
        yield* reasonOf(SkillDirectory.read(at("refunds"))),
        new SkillError.Unreadable({ path: at("refunds/SKILL.md"), text: "it is not UTF-8" })
      )
    }))

  test("is there", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "a.md": "" })
      for (const path of ["nothing", "a.md"]) {
        for (const read of [SkillDirectory.read, SkillDirectory.readAll]) {
          const reason = yield* reasonOf<unknown, FileSystem.FileSystem | Path.Path>(read(at(path)))
          assert.strictEqual(reason._tag, "Unreadable")
          assert.strictEqual((reason as SkillError.Unreadable).path, at(path))
        }
      }
    }))
})

describe("a link", () => {
  const linked = Effect.fnUntraced(function*(target: string, tree: Tree = {}) {
    const planted = yield* plant({
      "skills/refunds/SKILL.md": manifest("refunds"),
      "skills/refunds/a/b.md": "b",
      "skills/shared.md": "shared",
      "outside.md": "outside",
      "outside/c.md": "c",
      "skills-evil/d.md": "d",
      ...tree
    })
    yield* planted.fs.symlink(target, planted.at("skills/refunds/link.md"))
    return planted
  })

  const forbidden = (at: (path: string) => string, target: string) =>
    new SkillError.ForbiddenLink({ path: at("skills/refunds/link.md"), target: at(target) })

  test("to a file of the folder is followed", () =>
    Effect.gen(function*() {
      const { at } = yield* linked("a/b.md")
      const skill = yield* SkillDirectory.read(at("skills/refunds"))
      assert.deepStrictEqual(paths(skill), ["SKILL.md", "a/b.md", "link.md"])
      assert.strictEqual(textOf(skill, "link.md"), "b")
    }))

  test("out of the folder that was named is refused, and out of a skill alone is not", () =>
    Effect.gen(function*() {
      const { at } = yield* linked("../shared.md")
      assert.deepStrictEqual(
        yield* reasonOf(SkillDirectory.read(at("skills/refunds"))),
        forbidden(at, "skills/shared.md")
      )
      const [skill] = yield* SkillDirectory.readAll(at("skills"))
      assert.strictEqual(textOf(skill!, "link.md"), "shared")
    }))

  test("to a place outside is refused, however it gets there", () =>
    Effect.gen(function*() {
      for (
        const [target, real] of [
          ["../../outside.md", "outside.md"],
          ["../../outside", "outside"],
          ["../../skills-evil/d.md", "skills-evil/d.md"],
          ["a/../../../outside.md", "outside.md"]
        ] as const
      ) {
        const { at } = yield* linked(target)
        for (const read of [SkillDirectory.readAll(at("skills")), SkillDirectory.read(at("skills/refunds"))]) {
          const reason = yield* reasonOf<unknown, FileSystem.FileSystem | Path.Path>(read)
          assert.deepStrictEqual(reason, forbidden(at, real))
        }
      }
      const { at, fs } = yield* linked("second.md")
      yield* fs.symlink(at("outside.md"), at("skills/refunds/second.md"))
      assert.deepStrictEqual(yield* reasonOf(SkillDirectory.read(at("skills/refunds"))), forbidden(at, "outside.md"))
    }))

  test("to a folder is refused, so that no walk goes in circles", () =>
    Effect.gen(function*() {
      for (const target of [".", "..", "a"]) {
        const { at } = yield* linked(target)
        const reason = yield* reasonOf(SkillDirectory.readAll(at("skills")))
        assert.strictEqual(reason._tag, "ForbiddenLink")
      }
    }))

  test("to nothing cannot be read", () =>
    Effect.gen(function*() {
      const { at } = yield* linked("gone.md")
      const reason = yield* reasonOf(SkillDirectory.read(at("skills/refunds")))
      assert.strictEqual(reason._tag, "Unreadable")
    }))

  test("may lead to the folder itself, which has the name it is called by", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* plant({ "v2/SKILL.md": manifest("refunds") })
      yield* fs.symlink(at("v2"), at("refunds"))
      assert.strictEqual((yield* SkillDirectory.read(at("refunds"))).name, "refunds")
      assert.strictEqual((yield* reasonOf(SkillDirectory.read(at("v2"))))._tag, "NameMismatch")
    }))

  test("as SKILL.md is followed like any other", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* plant({ "refunds/text.md": manifest("refunds"), "outside.md": manifest("other") })
      yield* fs.symlink("text.md", at("refunds/SKILL.md"))
      assert.strictEqual((yield* SkillDirectory.read(at("refunds"))).name, "refunds")
      yield* fs.makeDirectory(at("other"))
      yield* fs.symlink("../outside.md", at("other/SKILL.md"))
      assert.strictEqual((yield* reasonOf(SkillDirectory.read(at("other"))))._tag, "ForbiddenLink")
    }))
})

describe("what is neither a file nor a folder", () => {
  test("is refused before anybody waits for it", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "refunds/SKILL.md": manifest("refunds") })
      execFileSync("mkfifo", [at("refunds/pipe")])
      assert.deepStrictEqual(
        yield* reasonOf(SkillDirectory.read(at("refunds"))),
        new SkillError.Unreadable({ path: at("refunds/pipe"), text: "it is neither a file nor a folder" })
      )
    }))
})

describe("a limit", () => {
  test("of 512 files stops the walk", () =>
    Effect.gen(function*() {
      const files = (count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`large/d${index % 7}/f${index}.md`, ""]))
      const { at, fs } = yield* plant({ "large/SKILL.md": manifest("large"), ...files(511) })
      assert.lengthOf((yield* SkillDirectory.read(at("large"))).files, 512)
      yield* fs.writeFileString(at("large/one-more.md"), "")
      assert.deepStrictEqual(
        yield* reasonOf(SkillDirectory.read(at("large"))),
        new SkillError.LimitExceeded({ skill: at("large"), limit: "files", maximum: 512 })
      )
    }))

  test("of 16 MiB holds before anything is read", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* plant({ "large/SKILL.md": manifest("large"), "large/a.bin": "" })
      yield* fs.truncate(at("large/a.bin"), 64 * 1024 * 1024 * 1024)
      assert.deepStrictEqual(
        yield* reasonOf(SkillDirectory.read(at("large"))),
        new SkillError.LimitExceeded({ skill: at("large"), limit: "bytes", maximum: 16 * 1024 * 1024 })
      )
    }))

  test("holds for what has grown since it was looked at", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* plant({ "large/SKILL.md": manifest("large"), "large/a.bin": "" })
      const growing = FileSystem.FileSystem.of({
        ...fs,
        readFile: (path) =>
          path.endsWith("a.bin") ? Effect.succeed(new Uint8Array(17 * 1024 * 1024)) : fs.readFile(path)
      })
      const skill = yield* Effect.provideService(SkillDirectory.read(at("large")), FileSystem.FileSystem, growing)
      const error = yield* Effect.flip(Skills.extension({ skills: [skill] }))
      assert.strictEqual((error.reason as SkillError.Reason)._tag, "LimitExceeded")
    }))
})

describe("a name that has no place in a URI", () => {
  test("is refused, and one that needs escapes is not", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* plant({ "odd/SKILL.md": manifest("odd"), "odd/a b#?%{ä}.md": "x" })
      assert.deepStrictEqual(paths(yield* SkillDirectory.read(at("odd"))), ["SKILL.md", "a b#?%{ä}.md"])
      yield* fs.writeFileString(at("odd/b\\..\\c"), "")
      const reason = yield* reasonOf(SkillDirectory.read(at("odd")))
      assert.deepStrictEqual(
        reason,
        new SkillError.InvalidPath({
          skill: "odd",
          path: "b\\..\\c",
          problem: "it has a backslash or a control character"
        })
      )
    }))
})

describe("a folder of skills", () => {
  const tree = {
    "zeta/SKILL.md": manifest("zeta"),
    "acme/billing/refunds/SKILL.md": manifest("refunds"),
    "acme/billing/refunds/templates/letter/SKILL.md": manifest("letter"),
    "acme/billing/README.md": "not a skill",
    "acme/onboarding/SKILL.md": manifest("onboarding"),
    ".hidden/SKILL.md": manifest("hidden"),
    "README.md": "not a skill",
    "empty/file.txt": ""
  }

  test("has each at the path that leads to it", () =>
    Effect.gen(function*() {
      const { root } = yield* plant(tree)
      const skills = yield* SkillDirectory.readAll(root)
      assert.deepStrictEqual(skills.map(({ path }) => path), ["acme/billing/refunds", "acme/onboarding", "zeta"])
      assert.deepStrictEqual(paths(skills[0]!), ["SKILL.md", "templates/letter/SKILL.md"])
      const prefixed = yield* SkillDirectory.readAll(root, { prefix: "v1" })
      assert.strictEqual(prefixed[2]!.path, "v1/zeta")
    }))

  test("has those inside others when they are asked for", () =>
    Effect.gen(function*() {
      const { root } = yield* plant(tree)
      const skills = yield* SkillDirectory.readAll(root, { nested: true })
      assert.deepStrictEqual(skills.map(({ path }) => path), [
        "acme/billing/refunds",
        "acme/billing/refunds/templates/letter",
        "acme/onboarding",
        "zeta"
      ])
      const client = yield* McpTest.client(
        McpServer.layer({ name: "all", version: "1", extensions: [Skills.extension({ skills })] })
      )
      const result = yield* client.request("skills/list")
      assert.deepStrictEqual(
        (result.skills as ReadonlyArray<any>).map(({ resources }) => resources.length),
        [2, 1, 1, 1]
      )
    }))

  test("may be a skill itself, alone or with those inside", () =>
    Effect.gen(function*() {
      const { at } = yield* plant(tree)
      const root = at("acme/billing/refunds")
      assert.deepStrictEqual((yield* SkillDirectory.readAll(root)).map(({ path }) => path), ["refunds"])
      assert.deepStrictEqual(
        (yield* SkillDirectory.readAll(root, { nested: true, prefix: "x" })).map(({ path }) => path),
        ["x/refunds", "x/refunds/templates/letter"]
      )
    }))

  test("has hidden ones when they are asked for", () =>
    Effect.gen(function*() {
      const { root } = yield* plant({ ".config/tool/SKILL.md": manifest("tool") })
      assert.deepStrictEqual(yield* SkillDirectory.readAll(root), [])
      assert.deepStrictEqual(
        (yield* SkillDirectory.readAll(root, { hidden: true })).map(({ path }) => path),
        [".config/tool"]
      )
    }))

  test("fails with the first that is wrong", () =>
    Effect.gen(function*() {
      const { at, root } = yield* plant({ ...tree, "acme/broken/SKILL.md": "" })
      const reason = yield* reasonOf(SkillDirectory.readAll(root))
      assert.strictEqual((reason as SkillError.InvalidFrontmatter).file, at("acme/broken/SKILL.md"))
    }))

  test("is served with one line, and as it was when the server began", () =>
    Effect.gen(function*() {
      const { at, fs, root } = yield* plant(tree)
      const server = McpServer.layer({
        name: "all",
        version: "1.0.0",
        extensions: [Skills.extension({ skills: SkillDirectory.readAll(root) })]
      })
      const client = yield* McpTest.client(Layer.provide(server, node))
      const before = yield* client.request("skills/list")
      yield* fs.writeFileString(at("zeta/SKILL.md"), manifest("zeta") + "More.\n")
      yield* fs.remove(at("acme"), { recursive: true })
      assert.deepStrictEqual(yield* client.request("skills/list"), before)
      const [content] = (yield* client.readResource("skill://zeta/SKILL.md")).contents
      assert.deepInclude(content, { text: manifest("zeta") })
    }))

  test("that cannot be read fails the server's layer", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({})
      const server = McpServer.layer({
        name: "none",
        version: "1.0.0",
        extensions: [Skills.extension({ skills: SkillDirectory.readAll(at("nothing")) })]
      })
      const error = yield* Effect.flip(McpTest.client(Layer.provide(server, node)))
      assert.instanceOf(error, SkillError.SkillError)
      assert.include(error.message, "nothing could not be read")
    }))

  test("that cannot be read ends a program with one line that says why", () =>
    Effect.gen(function*() {
      const { at } = yield* plant({ "refunds/SKILL.md": manifest("repayments") })
      const program = `
        import * as NodeServices from "@effect/platform-node/NodeServices"
        import * as Layer from "effect/Layer"
        import { McpServer } from "fastmcp-effect"
        import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
        import { SkillDirectory, Skills } from "fastmcp-effect/skills"
        const skills = SkillDirectory.readAll(${JSON.stringify(at("refunds"))})
        McpServer.layer({ name: "a", version: "1", extensions: [Skills.extension({ skills })] })
          .pipe(Layer.provide(NodeServices.layer), NodeStdio.run)`
      const ended = spawnSync(
        process.execPath,
        ["--conditions=fastmcp-effect/source", "--input-type=module", "--eval", program],
        { cwd: `${import.meta.dirname}/../..`, encoding: "utf8", input: "", timeout: 15_000 }
      )
      assert.deepStrictEqual([ended.status, ended.stdout, ended.stderr], [
        1,
        "",
        `fastmcp-effect: The folder ${at("refunds")} holds a skill called "repayments"; give both one name\n`
      ])
    }))
})
