import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Skill from "fastmcp-effect/skills/Skill"
import * as SkillError from "fastmcp-effect/skills/SkillError"
import { withoutEscapedKeys } from "../support/json.ts"

const description = "Refunds a customer."

const make = (options: Partial<Parameters<typeof Skill.make>[1]> = {}, name = "refunds") =>
  Skill.make(name, { description, instructions: "# Refunds\n", ...options })

const textOf = (skill: Skill.Any, path = "SKILL.md"): string => {
  const { body } = skill.files.find((file) => file.path === path)!
  assert.isFalse(Effect.isEffect(body))
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode((body as Skill.Body).bytes)
}

const reasonOf = (skill: Skill.Any): SkillError.Reason | undefined => Skill.check(skill)?.reason

const problemsOf = (reason: SkillError.Reason | undefined): ReadonlyArray<string> => {
  assert.instanceOf(reason, SkillError.InvalidFrontmatter)
  return reason.problems
}

const parse = (markdown: string, options?: Skill.Options) => Skill.fromMarkdown(markdown, options)

const problems = (markdown: string) => Effect.map(Effect.flip(parse(markdown)), ({ reason }) => problemsOf(reason))

const yaml = (lines: string) => parse(`---\nname: refunds\ndescription: d\n${lines}\n---\n`)

describe("a skill made of options", () => {
  it("has a SKILL.md first, with frontmatter and instructions", () => {
    const skill = make({
      frontmatter: { license: "MIT", metadata: { version: "1.0", tags: ["a", 1, true, null] } },
      files: { "a.md": "A", "b/c.txt": new Uint8Array([67]) }
    })
    assert.strictEqual(
      textOf(skill),
      "---\nname: \"refunds\"\ndescription: \"Refunds a customer.\"\nlicense: \"MIT\"\n"
        + "metadata: {\"version\":\"1.0\",\"tags\":[\"a\",1,true,null]}\n---\n\n# Refunds\n"
    )
    assert.deepStrictEqual(skill.files.map(({ path }) => path), ["SKILL.md", "a.md", "b/c.txt"])
    assert.strictEqual(skill.path, "refunds")
    assert.deepStrictEqual(skill.frontmatter, {
      name: "refunds",
      description,
      license: "MIT",
      metadata: { version: "1.0", tags: ["a", 1, true, null] }
    })
    assert.isUndefined(Skill.check(skill))
    assert.isTrue(Skill.isSkill(skill))
    assert.isFalse(Skill.isSkill({ name: "refunds", files: [] }))
  })

  it("has its prefix before its name", () =>
    assert.strictEqual(make({ prefix: "acme/billing" }).path, "acme/billing/refunds"))

  it("keeps name and description out of reach of the other fields", () => {
    const skill = make({ frontmatter: { name: "other", description: "other" } })
    assert.deepStrictEqual(skill.frontmatter, { name: "refunds", description })
    assert.strictEqual(skill.path, "refunds")
  })

  it("takes media types from names, or from the author", () => {
    const skill = make({
      files: {
        "a.json": "{}",
        "b.ts": "let b",
        "c.png": new Uint8Array([0x89, 0x50]),
        "LICENSE": "MIT",
        "d.bin": { contents: "d", mimeType: "text/x-d" }
      }
    })
    assert.deepStrictEqual(skill.files.map(({ mimeType, path }) => [path, mimeType]), [
      ["SKILL.md", "text/markdown"],
      ["a.json", "application/json"],
      ["b.ts", "text/x-typescript"],
      ["c.png", "image/png"],
      ["LICENSE", undefined],
      ["d.bin", "text/x-d"]
    ])
  })

  const json = Arbitrary.map(Arbitrary.schema(Schema.Json), withoutEscapedKeys)
  const text = Arbitrary.schema(Schema.NonEmptyString)

  it.effect.prop(
    "writes frontmatter that reads back as it was",
    [
      Arbitrary.map(Arbitrary.schema(Schema.Record(Schema.NonEmptyString, Schema.Json)), withoutEscapedKeys),
      text,
      json
    ],
    ([fields, description, metadata]) =>
      Effect.gen(function*() {
        const skill = make({ description, frontmatter: { ...fields, metadata: { metadata } } })
        if (Skill.check(skill) !== undefined) return
        const read = yield* parse(textOf(skill))
        // Lone surrogates have no UTF-8, and 0 has one spelling.
        const plain = (value: unknown) => JSON.parse(JSON.stringify(value).replace(/\\ud[89a-f]../gu, "\\ufffd"))
        assert.deepStrictEqual(plain(read.frontmatter), plain(skill.frontmatter))
      })
  )

  it("writes what other readers of YAML take for the end of a line as an escape", () => {
    const text = textOf(make({ description: "a\u0085b\u2028c\u2029d\ufeffe\u007f" }))
    assert.include(text, "description: \"a\\u0085b\\u2028c\\u2029d\\ufeffe\\u007f\"")
  })

  it("writes keys in quotes that YAML would read as something else", () => {
    const text = textOf(make({ frontmatter: { true: 1, "a: b": 2, "---": 3 } }))
    for (const line of ["\"true\": 1", "\"a: b\": 2", "\"---\": 3"]) assert.include(text, `\n${line}\n`)
  })
})

describe("a name", () => {
  it("is 1 to 64 characters of a-z, 0-9 and single hyphens between them", () => {
    for (const name of ["a", "9", "a-b", "a1-2b", "pdf-processing", "a".repeat(64)]) {
      assert.isUndefined(Skill.check(make({}, name)), name)
    }
    const wrong = ["", "A", "PDF", "-a", "a-", "a--b", "a_b", "a b", "a/b", "..", ".", "é", "a\n", "a".repeat(65)]
    for (const name of wrong) {
      const [problem, ...others] = problemsOf(reasonOf(make({}, name)))
      assert.match(problem!, /^name is 1 to 64 characters/u)
      assert.deepStrictEqual(others, [])
    }
  })
})

describe("fields of the specification", () => {
  it("are checked, all at once, and said in one message", () => {
    const skill = make({
      description: " ",
      frontmatter: {
        compatibility: "",
        "allowed-tools": ["Read", 1] as unknown as ReadonlyArray<string>,
        license: 1 as unknown as string,
        metadata: [] as unknown as {}
      }
    }, "Refunds")
    assert.strictEqual(
      Skill.check(skill)!.message,
      "The frontmatter of Refunds/SKILL.md is wrong: name is 1 to 64 characters out of a-z, 0-9 and single hyphens "
        + "between them, not \"Refunds\"; description is a text of 1 to 1024 characters; license is a text; "
        + "compatibility is a text of 1 to 500 characters; metadata is a mapping; "
        + "allowed-tools is a text or a list of texts"
    )
  })

  it("have lengths in characters", () => {
    assert.isUndefined(Skill.check(make({ description: "\u{1f600}".repeat(1024) })))
    assert.lengthOf(problemsOf(reasonOf(make({ description: "d".repeat(1025) }))), 1)
    assert.isUndefined(Skill.check(make({ frontmatter: { compatibility: "c".repeat(500) } })))
    assert.lengthOf(problemsOf(reasonOf(make({ frontmatter: { compatibility: "c".repeat(501) } }))), 1)
  })

  it("may be a list of tools or a text of them, and fields nobody knows pass", () => {
    for (const tools of ["Read Write", ["Read", "Write"]]) {
      assert.isUndefined(Skill.check(make({ frontmatter: { "allowed-tools": tools, "x-own": { a: [1] } } })))
    }
  })

  it("are there even for a caller without types", () =>
    assert.lengthOf(problemsOf(reasonOf(make({ description: undefined as unknown as string }))), 1))
})

describe("a path", () => {
  const at = (path: string) => reasonOf(make({ files: { [path]: "" } }))

  it("of a file stays below the skill", () => {
    for (const path of ["a", "a/b/c.md", "ä ö.md", "a?b#c%2f", "...", ".hidden", "a..b", "{a}"]) {
      assert.isUndefined(at(path), path)
    }
    const wrong = {
      "": "one of its segments is empty",
      "/a": "one of its segments is empty",
      "a/": "one of its segments is empty",
      "a//b": "one of its segments is empty",
      "..": "it has .. as a segment",
      "../a": "it has .. as a segment",
      "a/../../b": "it has .. as a segment",
      "a/.": "it has . as a segment",
      "a\\..\\b": "it has a backslash or a control character",
      "a\0": "it has a backslash or a control character",
      "a\nb": "it has a backslash or a control character",
      "a\ud800": "it is not well-formed Unicode",
      "SKILL.md": "it is there twice"
    }
    for (const [path, problem] of Object.entries(wrong)) {
      assert.deepStrictEqual(at(path), new SkillError.InvalidPath({ skill: "refunds", path, problem }))
    }
  })

  it("is a file's or a folder's, not both", () => {
    const reason = reasonOf(make({ files: { "a/b/c": "", "a": "" } }))
    assert.deepStrictEqual(
      reason,
      new SkillError.InvalidPath({ skill: "refunds", path: "a/b/c", problem: "a is a file" })
    )
    assert.strictEqual(
      Skill.check(make({ files: { "a/b/c": "", "a": "" } }))!.message,
      "\"a/b/c\" of the skill refunds cannot be served: a is a file"
    )
  })

  it("of a prefix is made of what a host name may have", () => {
    for (const prefix of ["", "acme", "acme/billing", "v1.2_~-/A"]) {
      assert.isUndefined(Skill.check(make({ prefix })), prefix)
    }
    for (const prefix of ["/acme", "acme/", "..", "acme/..", ".", "a b", "a:b", "a%2fb", "{a}", "user@host", "ä"]) {
      assert.instanceOf(reasonOf(make({ prefix })), SkillError.InvalidPath, prefix)
    }
  })
})

describe("a skill of markdown", () => {
  it.effect("is the text as it stands, and its frontmatter as JSON", () =>
    Effect.gen(function*() {
      const markdown =
        "---\r\nname: refunds\r\ndescription: >-\r\n  Refunds\r\n  a customer.\r\nmetadata:\r\n  since: 2026-01-01\r\n"
        + "  when: {a: [1, 0x10, ~, yes, \"1\"]}\r\nlicense: &l MIT\r\nx: *l\r\n---\r\n\r\nBody\r\n---\r\nmore\r\n"
      const skill = yield* parse(markdown, { prefix: "acme" })
      assert.strictEqual(textOf(skill), markdown)
      assert.strictEqual(skill.path, "acme/refunds")
      assert.deepStrictEqual(skill.frontmatter, {
        name: "refunds",
        description: "Refunds a customer.",
        metadata: { since: "2026-01-01", when: { a: [1, 16, null, "yes", "1"] } },
        license: "MIT",
        x: "MIT"
      })
    }))

  it.effect("may begin with a byte order mark, and end with its frontmatter", () =>
    Effect.gen(function*() {
      const markdown = "\ufeff---\nname: refunds\ndescription: d\n---"
      assert.strictEqual(textOf(yield* parse(markdown)), markdown)
    }))

  it.effect("says what is wrong, in the lines the file has", () =>
    Effect.gen(function*() {
      const noBlock = ["the file does not begin with a block of YAML between two lines of ---"]
      for (const text of ["", "# Refunds", "\n---\nname: a\n---\n", "---\nname: a\n", "--- \nname: a\n----\n"]) {
        assert.deepStrictEqual(yield* problems(text), noBlock, text)
      }
      assert.deepStrictEqual(yield* problems("---\n---\n# a\n---\n"), ["it is not a mapping"])
      assert.deepStrictEqual(yield* problems("---\n- a\n---\n"), ["it is not a mapping"])
      assert.deepStrictEqual(yield* problems("---\na: 1\n---\n"), ["name is missing", "description is missing"])
      assert.deepStrictEqual(yield* problems("---\nname: a\ndescription: b: c\n---\n"), [
        "Invalid colon in plain scalar at line 3"
      ])
      assert.deepStrictEqual(yield* problems("---\nname: a\nname: b\n---\n"), ["Duplicate key 'name' at line 3"])
      const error = yield* Effect.flip(parse("---\nname: A\ndescription: d\n---\n"))
      assert.strictEqual(
        error.message,
        "The frontmatter of SKILL.md is wrong: name is 1 to 64 characters out of a-z, 0-9 and single hyphens between "
          + "them, not \"A\""
      )
    }))

  it.effect("has in its frontmatter only what JSON has", () =>
    Effect.gen(function*() {
      for (const [value, name] of [[".inf", "Infinity"], [".nan", "NaN"]] as const) {
        const { reason } = yield* Effect.flip(yaml(`x: [${value}]`))
        assert.deepStrictEqual(problemsOf(reason), [`JSON has no ${name}`])
      }
    }))

  it.effect("does not grow by aliases without end", () =>
    Effect.gen(function*() {
      const level = (name: string, of: string) =>
        `${name}: &${name} [${Array.from({ length: 10 }, () => of).join(", ")}]`
      const lines = [level("a", "1"), ..."bcdefghij".split("").map((name, i) => level(name, `*${"abcdefghij"[i]}`))]
      const { reason } = yield* Effect.flip(yaml(lines.join("\n")))
      assert.deepStrictEqual(problemsOf(reason), ["it has more than 10000 values"])
    }))

  it.effect("fails for a path it cannot have", () =>
    Effect.gen(function*() {
      const { reason } = yield* Effect.flip(parse("---\nname: a\ndescription: d\n---\n", { files: { "../b": "" } }))
      assert.strictEqual(reason._tag, "InvalidPath")
    }))
})
