import { assert, describe, it } from "vitest"
import { alwaysSkipped, expectedFailures, forced } from "./expected.ts"
import { type Check, ended, judge, type Row, table, verdict } from "./judge.ts"
import { modes, proxied, required, type Requirements, roles } from "./required.ts"

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

  it("counts nothing for what the suite always skips, and a failure once it does not", () => {
    const skipped = (status: Check["status"]) => judge(new Map([["a", [check(status)]]]), ["a"], [], ["a"])[0]!.counts
    assert.strictEqual(skipped("SKIPPED"), undefined)
    assert.strictEqual(skipped("SUCCESS"), "failed")
    assert.strictEqual(skipped("FAILURE"), "failed")
  })

  it("fails on silence, also for a scenario that is expected to fail", () => {
    assert.strictEqual(judged(undefined).counts, "failed")
    assert.strictEqual(judged(undefined, true).counts, "failed")
    const rows = judge(new Map(), required.server["2025-11-25"], ["ping"])
    assert.isTrue(rows.every((row) => row.counts === "failed"))
  })

  it("fails a client that ends badly, whatever was checked", () => {
    assert.strictEqual(judged(ended([check("SUCCESS")], true)).counts, "passed")
    assert.strictEqual(judged(ended([check("SUCCESS")], false)).counts, "failed")
    assert.strictEqual(judged(ended([check("SKIPPED"), schema], true)).counts, "failed")
  })

  it("holds the list of expected failures, which only shrinks", () => {
    assert.strictEqual(judged([check("FAILURE")], true).counts, "expected")
    assert.strictEqual(judged([check("SKIPPED")], true).counts, "expected")
    assert.strictEqual(judged([check("SUCCESS")], true).counts, "failed")
    assert.include(judged([check("SUCCESS")], true).note, "remove it")
    assert.include(judge(new Map(), [], ["gone"])[0]!.note, "did not run")
  })

  it("judges what ran beyond what it must run", () => {
    assert.strictEqual(judge(new Map([["extra", [check("FAILURE")]]]), [], [])[0]!.counts, "failed")
    assert.strictEqual(judge(new Map([["extra", [check("SUCCESS")]]]), [], [])[0]!.counts, "passed")
  })

  it("is one table", () => {
    const a = judge(new Map([["a", [check("SUCCESS")]], ["extra", [check("SKIPPED")]]]), ["a", "b"], [], ["extra"])
    const b = judge(new Map([["b", [check("FAILURE")]]]), ["b"], ["b"])
    assert.deepStrictEqual(table("client", new Map([["one", a], ["two", b]])).split("\n"), [
      "client    one             two",
      "a         ok              -",
      "b         MISSING !       FAIL expected",
      "extra     (SKIP)          -"
    ])
  })
})

describe("the lists", () => {
  it("require 30 and 37 scenarios of servers, 18 and 32 of clients, and each once", () => {
    const sets = ["2025-11-25", "2026-07-28"] satisfies ReadonlyArray<Requirements>
    assert.deepStrictEqual(roles.map((role) => sets.map((set) => required[role][set].length)), [[30, 37], [18, 32]])
    for (const role of roles) {
      for (const set of sets) assert.strictEqual(new Set(required[role][set]).size, required[role][set].length)
    }
  })

  it("expect failures of modes there are, each once, and of a client none but authorization", () => {
    for (const role of roles) {
      for (const [mode, names] of Object.entries(expectedFailures[role])) {
        assert.include(modes[role] as ReadonlyArray<string>, mode)
        assert.strictEqual(new Set(names).size, names.length)
        if (role === "client") assert.deepStrictEqual(names.filter((name) => !name.startsWith("auth/")), [])
      }
    }
    assert.deepStrictEqual(alwaysSkipped, ["tasks-status-notifications"])
  })

  it("let a proxy fail in five scenarios at most, each for a reason the specification gives", () => {
    assert.isAtMost(forced.length, 5)
    for (const { mode, reason, scenario, section } of forced) {
      const { behind, requirements } = proxied[mode]
      assert.notStrictEqual(behind, requirements)
      assert.include(required.server[requirements] as ReadonlyArray<string>, scenario)
      assert.isNotEmpty(section)
      assert.isNotEmpty(reason)
    }
  })
})
