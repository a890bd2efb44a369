import { assert, describe, it } from "vitest"
import { differences } from "./differences.ts"
import { because, compare, halves, told, type Verdict } from "./differential.ts"
import { suite } from "./differentialSuite.ts"

suite("asking")

const refused: Verdict = { status: "4xx", redirects: false, error: "invalid_grant", accepted: false }
const granted: Verdict = { status: "2xx", redirects: false, error: undefined, accepted: true, grants: "(it: all)" }
const sentBack: Verdict = { status: "3xx", redirects: true, error: "invalid_scope", accepted: false }

describe("the comparison", () => {
  const theirs = new Map([["a", refused], ["b", granted]])

  it("tells a verdict in a line", () => {
    assert.strictEqual(told(refused), "4xx invalid_grant")
    assert.strictEqual(told(granted), "2xx accepted (it: all)")
    assert.strictEqual(told(sentBack), "3xx redirect invalid_scope")
  })

  it("finds a difference that nobody looked at", () => {
    assert.deepStrictEqual(compare(theirs, theirs, {}), [])
    assert.deepStrictEqual(compare(theirs, new Map([["a", granted], ["b", granted]]), {}), [
      "a: theirs 4xx invalid_grant, ours 2xx accepted (it: all)"
    ])
    assert.deepStrictEqual(compare(theirs, new Map([["a", refused]]), {}), [
      "b: theirs 2xx accepted (it: all), ours nothing"
    ])
  })

  it("takes one that is meant, and no other in its place", () => {
    const meant = because("we are stricter", { b: ["2xx accepted (it: all)", "4xx invalid_grant"] })
    assert.deepStrictEqual(compare(theirs, new Map([["a", refused], ["b", refused]]), meant), [])
    assert.deepStrictEqual(compare(theirs, new Map([["a", refused], ["b", sentBack]]), meant), [
      "b: theirs 2xx accepted (it: all), ours 3xx redirect invalid_scope"
    ])
  })

  it("finds one that is no more, and one of no request", () => {
    const meant = because("we are stricter", { b: ["2xx accepted (it: all)", "4xx invalid_grant"] })
    assert.deepStrictEqual(compare(theirs, theirs, meant), [
      "b: theirs 2xx accepted (it: all), ours 2xx accepted (it: all)"
    ])
    assert.deepStrictEqual(compare(theirs, theirs, because("", { c: ["2xx", "4xx"] })), ["c: there is no such request"])
  })
})

describe("the requests", () => {
  const names = Object.values(halves).flat().map(({ name }) => name)

  it("are more than 800, each with a name of its own", () => {
    assert.isAbove(names.length, 800)
    assert.deepStrictEqual(names.filter((name, index) => names.indexOf(name) !== index), [])
  })

  it("include all of which a difference is meant", () =>
    assert.deepStrictEqual(Object.keys(differences).filter((name) => !names.includes(name)), []))
})
