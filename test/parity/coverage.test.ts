import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Checks from "./checks.ts"
import { counts, page, render } from "./generate.ts"
import { done, effect, planned, refused, type Row, rows } from "./rows.ts"
import { due, type Weakness, weaknesses } from "./weaknesses.ts"

describe("parity rows", () => {
  it("hold every feature and public name of the original once", () => {
    assert.strictEqual(new Set(Checks.featureIds).size, 291)
    assert.strictEqual(new Set(Checks.nameIds).size, 58)
    assert.deepStrictEqual(Checks.wrongIds(rows), [])
    process.stdout.write(`parity: ${counts(rows).map(([status, count]) => `${count} ${status}`).join(", ")}\n`)
  })

  it("say what the original has, and why a thing is refused", () => {
    assert.deepStrictEqual(Checks.wrongTexts(rows), [])
  })

  it("name modules of ours by their place", () => {
    assert.deepStrictEqual(Checks.wrongModules(rows), [])
  })

  it("name exports that Effect has", async () => {
    assert.deepStrictEqual(await Checks.wrongEffectNames(rows), [])
  })

  it("are done only where the named test exists", () => {
    assert.deepStrictEqual(Checks.wrongTests(rows), [])
  })

  it("are what docs/reference/parity.md shows, with the weaknesses below", () => {
    assert.strictEqual(Fs.existsSync(page) ? Fs.readFileSync(page, "utf8") : "", render(rows, weaknesses))
  })
})

describe("the weaknesses of the original", () => {
  it("each have tests that show ours", () => {
    assert.lengthOf(due, 19)
    assert.deepStrictEqual(Checks.wrongWeaknesses(weaknesses, due), [])
  })
})

describe("the checks notice", () => {
  it("each row that is deleted or there twice, and a row too many", () => {
    for (const row of rows) {
      assert.include(Checks.wrongIds(rows.filter((other) => other.id !== row.id)), `${row.id}: missing`)
      assert.include(Checks.wrongIds([row, row]), `${row.id}: 2 times`)
    }
    assert.include(Checks.wrongIds([...rows, planned("C39", "x", "core/Outcome")]), "C39: not an id of the list")
  })

  it("a reason that is too short, and an id of no area", () => {
    assert.lengthOf(Checks.wrongTexts([refused("C01", "x", "not wanted")]), 1)
    assert.lengthOf(Checks.wrongTexts([planned("Z01", "x", "core/Outcome")]), 1)
  })

  it("a module out of place, and a done one that is not written", () => {
    assert.lengthOf(Checks.wrongModules([planned("C01", "x", "helpers/Outcome")]), 1)
    assert.lengthOf(Checks.wrongModules([done("C01", "x", "core/NoSuchModule", "test/x.test.ts::x")]), 1)
    assert.lengthOf(Checks.wrongModules([done("C01", "x", "core/Outcome.noSuch", "test/x.test.ts::x")]), 1)
    assert.lengthOf(Checks.wrongModules([done("C01", "x", "core/Outcome.join", "test/x.test.ts::x")]), 0)
  })

  it("a name that Effect lacks", async () => {
    assert.lengthOf(await Checks.wrongEffectNames([effect("C01", "x", "effect/Effect.noSuch, effect/NoSuch")]), 2)
  })

  it("a done row whose file or test is missing, skipped or commented out", () => {
    const source = [
      "it(\"plain\", () => {})",
      "it.effect(",
      "  \"over two lines\",",
      "  () => {}",
      ")",
      "it.effect.each([1])('with \\'quotes\\'', () => {})",
      "it.skip(\"skipped\", () => {})",
      "// it(\"commented\", () => {})",
      "describe(\"group\", () => {})"
    ].join("\n")
    const wrong = (test: string): number =>
      Checks.wrongTests(
        [done("C01", "x", "core/Outcome", test)],
        (path) => path === "test/a.test.ts" ? source : undefined
      ).length
    for (const name of ["plain", "over two lines", "with 'quotes'"]) {
      assert.strictEqual(wrong(`test/a.test.ts::${name}`), 0)
    }
    for (const name of ["skipped", "commented", "group", "pla"]) assert.strictEqual(wrong(`test/a.test.ts::${name}`), 1)
    assert.strictEqual(wrong("test/b.test.ts::plain"), 1)
    assert.strictEqual(wrong("test/a.test.ts"), 1)
  })

  it("a weakness that is missing, there twice, of another list, or without its test", () => {
    const [first] = weaknesses as [Weakness]
    const wrong = (...changed: ReadonlyArray<Weakness>) => Checks.wrongWeaknesses(changed, [1])
    assert.deepStrictEqual(wrong(first), [])
    assert.deepStrictEqual(wrong(), ["1: missing"])
    assert.deepStrictEqual(wrong(first, first), ["1: there before"])
    assert.deepStrictEqual(wrong(first, { ...first, row: 21 }), ["21: not a row of the list"])
    assert.deepStrictEqual(wrong({ ...first, ours: " " }), ["1: says nothing"])
    assert.lengthOf(wrong({ ...first, tests: [`${first.tests[0]}!`, "x"] }), 2)
  })

  it("a page that is not written anew", () => {
    const changed: ReadonlyArray<Row> = [planned("C01", "something else", "core/Outcome"), ...rows.slice(1)]
    assert.notStrictEqual(render(changed, weaknesses), render(rows, weaknesses))
    assert.notStrictEqual(render(rows, weaknesses.slice(1)), render(rows, weaknesses))
  })
})
