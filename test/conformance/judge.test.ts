import { assert, describe, it } from "vitest"
import { expectedFailures, passWithoutFeature } from "./expected.ts"
import { type Check, judge, type Row, table, verdict } from "./judge.ts"
import { beyond, required, type Requirements } from "./required.ts"

const check = (status: Check["status"], id = "some-check"): Check => ({ id, status, errorMessage: "because" })
const schema = check("SUCCESS", "wire-schema-valid")

describe("a scenario", () => {
  it("is ok, WARN, SKIP, FAIL or missing", () => {
    assert.strictEqual(verdict([check("SUCCESS"), check("SKIPPED"), check("INFO"), schema]), "ok")
    assert.strictEqual(verdict([check("SUCCESS"), check("WARNING"), schema]), "WARN")
    assert.strictEqual(verdict([check("SKIPPED"), schema]), "SKIP")
    assert.strictEqual(verdict([check("INFO"), schema]), "SKIP")
    assert.strictEqual(verdict([schema]), "SKIP")
    assert.strictEqual(verdict([check("SUCCESS"), check("WARNING"), check("FAILURE")]), "FAIL")
    assert.strictEqual(verdict([check("SUCCESS"), check("FAILURE", "wire-schema-valid")]), "FAIL")
    assert.strictEqual(verdict([]), "FAIL")
    assert.strictEqual(verdict(undefined), "none")
  })
})

describe("a run", () => {
  const judged = (checks: ReadonlyArray<Check> | undefined, listed = false): Row =>
    judge(new Map(checks ? [["a", checks]] : []), ["a"], listed ? ["a"] : [])[0]!

  it("passes what passes, and fails what does not", () => {
    assert.strictEqual(judged([check("SUCCESS")]).counts, "passed")
    assert.strictEqual(judged([check("WARNING"), check("SUCCESS")]).counts, "failed")
    assert.strictEqual(judged([check("WARNING"), schema]).counts, "failed")
    assert.strictEqual(judged([check("SKIPPED"), schema]).counts, "failed")
    assert.deepStrictEqual(judged([check("FAILURE")]), {
      scenario: "a",
      verdict: "FAIL",
      counts: "failed",
      note: "some-check: because"
    })
  })

  it("counts nothing for a pass without the feature, and a failure all the same", () => {
    const vacuous = (status: Check["status"]) => judge(new Map([["a", [check(status)]]]), ["a"], [], ["a"])[0]!.counts
    assert.strictEqual(vacuous("SUCCESS"), "vacuous")
    assert.strictEqual(vacuous("FAILURE"), "failed")
  })

  it("fails on silence, also for a scenario that is expected to fail", () => {
    assert.strictEqual(judged(undefined).counts, "failed")
    assert.strictEqual(judged(undefined, true).counts, "failed")
    const rows = judge(new Map(), required["2025-11-25"], ["ping"])
    assert.isTrue(rows.every((row) => row.counts === "failed"))
  })

  it("holds the list of expected failures, which only shrinks", () => {
    assert.strictEqual(judged([check("FAILURE")], true).counts, "expected")
    assert.strictEqual(judged([check("SKIPPED")], true).counts, "expected")
    assert.strictEqual(judged([check("SUCCESS")], true).counts, "failed")
    assert.include(judged([check("SUCCESS")], true).note, "remove it")
    assert.include(judge(new Map(), [], ["gone"])[0]!.note, "remove it")
  })

  it("shows what is not scored and counts it as nothing", () =>
    assert.strictEqual(judge(new Map([["extra", [check("FAILURE")]]]), [], [])[0]!.counts, undefined))

  it("is one table", () => {
    const a = judge(new Map([["a", [check("SUCCESS")]], ["extra", [check("FAILURE")]]]), ["a", "b"], [])
    const b = judge(new Map([["b", [check("FAILURE")]]]), ["b"], ["b"])
    assert.deepStrictEqual(table(new Map([["one", a], ["two", b]])).split("\n"), [
      "scenario  one             two",
      "a         ok              -",
      "b         MISSING !       FAIL expected",
      "extra     (FAIL)          -"
    ])
  })
})

describe("the lists", () => {
  it("require 1, 27, 30 and 37 scenarios, and expect failures only of those", () => {
    const sets = Object.keys(required) as Array<Requirements>
    assert.deepStrictEqual(sets.map((set) => required[set].length), [1, 27, 30, 37])
    for (const set of sets) {
      const names: ReadonlyArray<string> = required[set]
      assert.strictEqual(new Set([...names, ...beyond[set]]).size, names.length + beyond[set].length)
      assert.deepStrictEqual(
        [...expectedFailures[set], ...passWithoutFeature[set]].filter((name) => !names.includes(name)),
        []
      )
    }
  })
})
