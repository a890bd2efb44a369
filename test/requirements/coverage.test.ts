import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { compare, revisionsOf } from "./compare.ts"
import { plain, type Sentence, sentences } from "./pages.ts"
import { rows } from "./requirements.ts"
import { cite, isIn, revisions, row } from "./row.ts"
import { unclaimed } from "./unclaimed.ts"
import { available, variants } from "./verifies.ts"

/** The ids that have a body, of all test files here. */
const bodies = Fs.readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".test.ts") && file !== Path.basename(import.meta.filename))
  .flatMap((file) => Fs.readFileSync(Path.join(import.meta.dirname, file), "utf8").split("\n"))
  .flatMap((line, index, lines) => {
    if (!line.startsWith("verifies(")) return []
    return /^verifies\(\s*"([^"]+)"/.exec(`${line}${lines[index + 1]?.trim()}`)?.[1] ?? "a body without an id"
  })

describe("requirements", () => {
  it("have one body each", () => {
    assert.deepStrictEqual(bodies.toSorted(), rows.map(({ id }) => id).toSorted())
    assert.strictEqual(new Set(bodies).size, bodies.length)
    const skipped = rows.filter(({ needs }) => needs !== undefined && !available.has(needs))
    const tests = rows.reduce((sum, row) => sum + variants(row).length, 0)
    process.stdout.write(
      `requirements: ${rows.length} rows, ${tests} tests, ${skipped.length} rows without their feature\n`
    )
  })

  it("apply somewhere", () => {
    for (const row of rows) assert.isAbove(variants(row).length, 0, row.id)
  })

  it("are cited in each of their revisions", () => {
    for (const row of rows) {
      for (const revision of revisions.filter((revision) => isIn(row, revision))) {
        assert.isTrue(row.cites.some((cite) => revisionsOf(row, cite).includes(revision)), `${row.id} in ${revision}`)
      }
    }
  })

  it("quote no more than it takes to find a sentence", () => {
    for (const { cites, id } of rows) {
      for (const { fragment } of cites) {
        assert.isAtMost(fragment.length, 80, id)
        assert.strictEqual(fragment, plain(fragment), id)
      }
    }
  })

  it("say each thing once, in a sentence", () => {
    for (const { id, sentence } of rows) assert.match(sentence, /^\S.*\.$/, id)
  })

  it("leave out what is left out for a reason of some length", () => {
    for (const { why } of unclaimed) assert.isAbove(why.length, 14, why)
  })
})

describe("pages", () => {
  const page = [
    "---",
    "title: MUST not be read",
    "---",
    "",
    "## Heading",
    "",
    "Servers **MUST** answer",
    "in time. They MAY, e.g. for",
    "fun, be [fast](https://example.com/MUST). It is so.",
    "",
    "```json",
    "{ \"code\": \"MUST\" }",
    "```",
    "",
    "1. Clients **MUST**:",
    "   - Ask nicely",
    "   - Wait",
    "2. Nobody `SHALL` shout",
    "",
    "### Below",
    "",
    "| Who | What |",
    "| --- | ---- |",
    "| me  | MUST NOT be idle |",
    "",
    "<Note>A note is REQUIRED.</Note>"
  ].join("\n")

  const found = sentences(page)
  const binding = found.filter(({ binds }) => binds).map(({ text }) => text)

  it("are read without code and markup, sentence by sentence", () => {
    assert.deepStrictEqual(binding, [
      "Servers MUST answer in time.",
      "Clients MUST: Ask nicely",
      "Clients MUST: Wait",
      "Nobody SHALL shout",
      "MUST NOT be idle",
      "A note is REQUIRED."
    ])
    assert.includeMembers(found.map(({ text }) => text), ["They MAY, e.g. for fun, be fast.", "It is so."])
  })

  it("know their headings", () => {
    assert.deepStrictEqual(found.find(({ text }) => text === "MUST NOT be idle")?.section, ["Heading", "Below"])
  })

  it("leave no introduction over an example to the list after it", () => {
    const page = "It **MUST** look so:\n\n```\nx\n```\n\n- An item\n"
    assert.deepStrictEqual(sentences(page).map(({ text }) => text), ["It MUST look so:", "An item"])
  })
})

describe("the comparison notices", () => {
  const said = (text: string): Sentence => ({
    revision: "2026-07-28",
    page: "page",
    section: ["Heading"],
    text,
    binds: /MUST/.test(text)
  })
  const about = (fragment: string, level: "MUST" | "SHOULD" = "MUST") =>
    row("id", level, "It does.", [cite("page", fragment)], { since: "2026-07-28" })

  it("a sentence that nobody cites", () => {
    const all = [said("It MUST do."), said("It MUST do more."), said("It may not.")]
    assert.deepStrictEqual(compare(all, [about("MUST do.")], []).uncited, [all[1]!])
    assert.deepStrictEqual(compare(all, [about("MUST do")], []).uncited, [])
    assert.deepStrictEqual(compare(all, [], [{ why: "none", section: "Heading" }]).uncited, [])
    assert.lengthOf(compare(all, [], [{ why: "none", sentence: /more/ }]).uncited, 1)
    assert.lengthOf(compare(all, [], [{ why: "none", until: "2025-11-25" }]).uncited, 2)
  })

  it("a citation and a reason that match nothing", () => {
    const all = [said("It MUST do.")]
    assert.lengthOf(compare(all, [about("MUST do")], []).stale, 0)
    assert.lengthOf(compare(all, [about("MUST not do")], []).stale, 2)
    assert.lengthOf(compare(all, [about("MUST do")], [{ why: "none", page: "page" }]).stale, 1)
  })

  it("a level no citation has", () => {
    assert.lengthOf(compare([said("It MUST do.")], [about("MUST do", "SHOULD")], []).stale, 1)
  })
})
